"""A first look at what a network has learned: the numbers behind a run's summary and report."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.binary.all_pairs import AllPairsTable, all_pairs_table
from grokscope.analysis.binary.unembedding import neuron_logit_map
from grokscope.analysis.fourier import frequency_norms, transform, transform_2d
from grokscope.analysis.modular.coordinates import Coordinates, coordinate_embedding, find_coordinates, residues
from grokscope.analysis.modular.key_frequencies import NOT_ADDITION, key_frequencies_of
from grokscope.analysis.modular.neurons import NeuronFrequencies, neuron_frequencies
from grokscope.display import brief_repr, facts_table, few
from grokscope.models import MLP, Transformer
from grokscope.tasks import ModularTask


@dataclass(frozen=True, eq=False)
class FourierSummary:
    """The Fourier picture of a network on modular arithmetic, in the coordinates in which its task is addition.

    Where there are no such coordinates, it is a picture over the residues, and no key frequency is named.
    """

    n: int
    """Points on each axis: the residues, or the coordinates."""
    coordinates: Coordinates
    """What stands at each point; :func:`residues` where the task is not addition in any."""
    table: AllPairsTable
    """On all pairs of residues."""
    neurons: NeuronFrequencies | None
    """Of the last layer; None without an MLP."""
    post: Float[Tensor, "n n n_neurons"] | None
    """The last layer's neurons on all pairs of points."""
    pattern: Float[Tensor, "n n n_heads n_keys"] | None
    """The last layer's attention from where the answer is read; None for an MLP."""
    key_frequencies: list[int]
    """Those that may be named (:mod:`grokscope.analysis.modular.key_frequencies`)."""
    no_key_frequencies: str
    """Why none is named; empty where some are."""
    embedding_components: Float[Tensor, " n"]
    """Norm of each Fourier component of W_E: const, cos 1, sin 1, …"""
    logit_map_components: Float[Tensor, " n"] | None
    """The same for W_L, over its output axis."""
    embedding_norms: Float[Tensor, " n_frequencies"]
    """Norm of each frequency of W_E."""
    logit_map_norms: Float[Tensor, " n_frequencies"] | None
    """Norm of each frequency of W_L."""
    logit_components: Float[Tensor, "n n"]
    """Norm over the answers of each 2-D Fourier component of the logits."""

    __repr__ = brief_repr

    @property
    def is_addition(self) -> bool:
        """Whether the task is addition in these coordinates; otherwise they are the residues."""
        return self.no_key_frequencies != NOT_ADDITION

    @property
    def key_clusters(self) -> dict[int, int]:
        """How many neurons each key frequency has in its cluster, of those that have one."""
        sizes = {} if self.neurons is None else self.neurons.clusters()
        return {k: sizes[k] for k in self.key_frequencies if k in sizes}

    def _repr_html_(self) -> str:
        facts = [("key frequencies", few(self.key_frequencies) or f"none: {self.no_key_frequencies}")]
        if self.neurons is not None:
            sizes, keys = self.neurons.clusters(), [f"{k}: {n}" for k, n in self.key_clusters.items()]
            facts.append(("neurons in clusters", f"{sum(sizes.values()):,} of {len(self.neurons.share):,}"))
            facts += [("of each key frequency", few(keys))] if keys else []
        if self.pattern is not None:
            facts.append(("heads", str(self.pattern.shape[2])))
        return facts_table(f"Fourier picture of a network on {self.coordinates.formula}", facts)


def fourier_summary(model: Transformer | MLP, task: ModularTask) -> FourierSummary:
    """Return the Fourier picture of ``model``: norms of weights, neurons' frequencies, attention.

    What is found here is correlational: it says where to look, not what the network needs.
    """
    p, last = task.p, len(model.blocks) - 1
    post_name, pattern_name = f"blocks.{last}.mlp.hook_post", f"blocks.{last}.attn.hook_pattern"
    logit_map = neuron_logit_map(model, p)
    names = set()
    if logit_map is not None:
        names.add(post_name)
    if isinstance(model, Transformer):
        names.add(pattern_name)
    table = all_pairs_table(model, task, names)
    additive = find_coordinates(task.table)
    chosen = additive or residues(p, task.name)
    on_points = {name: chosen.of_inputs(values) for name, values in table.activations.items()}
    post = on_points.get(post_name)
    neurons = None if post is None else neuron_frequencies(post)
    keys = key_frequencies_of(table.logits, neurons, task, additive)
    embedding = coordinate_embedding(model, chosen).double()
    to_logits = None if logit_map is None else logit_map[:, chosen.c].T.double()
    return FourierSummary(
        n=chosen.n,
        coordinates=chosen,
        table=table,
        neurons=neurons,
        post=post,
        pattern=on_points.get(pattern_name),
        key_frequencies=list(keys.named),
        no_key_frequencies=keys.reason,
        embedding_components=transform(embedding).norm(dim=1),
        logit_map_components=None if to_logits is None else transform(to_logits).norm(dim=1),
        embedding_norms=frequency_norms(embedding),
        logit_map_norms=None if to_logits is None else frequency_norms(to_logits),
        logit_components=logit_components(chosen.of_logits(table.logits)),
    )


def logit_components(logits: Float[Tensor, "n n n"]) -> Float[Tensor, "n n"]:
    """Return the norm over the answers of each 2-D Fourier component of the logits.

    What is the same for all answers changes no prediction and is left out. On a network that adds, all but the
    constant lies in cos·cos, cos·sin, sin·cos and sin·sin of the key frequencies (Nanda et al. 2023, section 4.2).
    """
    common = logits.mean(2, keepdim=True)
    power = torch.zeros(logits.shape[:2], dtype=torch.float64)
    for chunk in logits.split(64, dim=2):  # copies of all answers would not fit at p = 997
        power += transform_2d(chunk - common).square().sum(2, dtype=torch.float64)
    return power.sqrt()
