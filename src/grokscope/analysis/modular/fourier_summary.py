"""A first look at what a network has learned: the numbers behind a run's summary and report."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.binary.all_pairs import AllPairsTable, all_pairs_table
from grokscope.analysis.binary.unembedding import neuron_logit_map, token_embedding
from grokscope.analysis.fourier import frequency_norms, transform, transform_2d
from grokscope.analysis.modular.coordinates import Coordinates
from grokscope.analysis.modular.neurons import NeuronFrequencies, key_frequencies, neuron_frequencies
from grokscope.display import brief_repr, facts_table, few
from grokscope.models import MLP, Transformer
from grokscope.tasks import ModularTask


@dataclass(frozen=True, eq=False)
class FourierSummary:
    """The Fourier picture of a network on modular arithmetic."""

    p: int
    table: AllPairsTable
    neurons: NeuronFrequencies | None
    """Of the last layer; None without an MLP."""
    post: Float[Tensor, "p p n_neurons"] | None
    """The last layer's neurons on all inputs."""
    pattern: Float[Tensor, "p p n_heads n_keys"] | None
    """The last layer's attention from where the answer is read; None for an MLP."""
    key_frequencies: list[int]
    """By neuron clusters; empty where no frequency has one."""
    embedding_components: Float[Tensor, " p"]
    """Norm of each Fourier component of W_E: const, cos 1, sin 1, …"""
    logit_map_components: Float[Tensor, " p"] | None
    """The same for W_L, over its output axis."""
    embedding_norms: Float[Tensor, " n_frequencies"]
    """Norm of each frequency of W_E."""
    logit_map_norms: Float[Tensor, " n_frequencies"] | None
    """Norm of each frequency of W_L."""
    logit_components: Float[Tensor, "p p"]
    """Norm over the answers of each 2-D Fourier component of the logits."""

    __repr__ = brief_repr

    def _repr_html_(self) -> str:
        facts = [("key frequencies", few(self.key_frequencies) or "none: no frequency has a cluster of neurons")]
        if self.neurons is not None:
            sizes = self.neurons.clusters()
            keys = [f"{k}: {sizes[k]}" for k in self.key_frequencies]
            facts.append(("neurons in clusters", f"{sum(sizes.values()):,} of {len(self.neurons.share):,}"))
            facts += [("of each key frequency", few(keys))] if keys else []
        if self.pattern is not None:
            facts.append(("heads", str(self.pattern.shape[2])))
        return facts_table(f"Fourier picture of a network on pairs mod {self.p}", facts)


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
    post = table.activations.get(post_name)
    neurons = None if post is None else neuron_frequencies(post)
    embedding = token_embedding(model, p).double()
    to_logits = None if logit_map is None else logit_map.T.double()
    return FourierSummary(
        p=p,
        table=table,
        neurons=neurons,
        post=post,
        pattern=table.activations.get(pattern_name),
        key_frequencies=[] if neurons is None else key_frequencies(neurons),
        embedding_components=transform(embedding).norm(dim=1),
        logit_map_components=None if to_logits is None else transform(to_logits).norm(dim=1),
        embedding_norms=frequency_norms(embedding),
        logit_map_norms=None if to_logits is None else frequency_norms(to_logits),
        logit_components=logit_components(table.logits),
    )


def logit_components(logits: Float[Tensor, "p p p"]) -> Float[Tensor, "p p"]:
    """Return the norm over the answers of each 2-D Fourier component of the logits.

    What is the same for all answers changes no prediction and is left out. On a network that adds, all but the
    constant lies in cos·cos, cos·sin, sin·cos and sin·sin of the key frequencies (Nanda et al. 2023, section 4.2).
    """
    common = logits.mean(2, keepdim=True)
    power = torch.zeros(logits.shape[:2], dtype=torch.float64)
    for chunk in logits.split(64, dim=2):  # float64 copies of all answers would not fit at p = 997
        power += transform_2d((chunk - common).double()).square().sum(2)
    return power.sqrt()


def neurons_of(
    model: Transformer | MLP, task: ModularTask, coordinates: Coordinates | None = None
) -> NeuronFrequencies | None:
    """Return the frequencies of the last layer's neurons, or None for a network without neurons.

    They are frequencies in the residues themselves, or in ``coordinates``.
    """
    name = f"blocks.{len(model.blocks) - 1}.mlp.hook_post"
    if neuron_logit_map(model, task.p) is None:
        return None
    post = all_pairs_table(model, task, {name}).activations[name]
    return neuron_frequencies(post if coordinates is None else coordinates.of_inputs(post))
