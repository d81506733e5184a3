"""What a network on modular arithmetic looks like at a step of its training: the pictures of its Fourier circuit."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.fourier import row_frequencies
from grokscope.analysis.modular.coordinates import Coordinates, coordinate_embedding
from grokscope.analysis.modular.embedding_planes import embedding_planes, project_tokens
from grokscope.analysis.modular.fourier_summary import FourierSummary, fourier_summary
from grokscope.analysis.modular.neurons import CLUSTER_SHARE
from grokscope.display import brief_repr
from grokscope.models import MLP, Transformer
from grokscope.reports.replay.camera import Camera, replay_camera
from grokscope.reports.replay.frames import Bars, Frame, Maps, Palette, Points, with_captions
from grokscope.tasks import ModularTask

MOST_TILES = 6
"""Heads, neurons or circles that are shown."""
ROOM = 2_000_000
"""Numbers that one picture of maps may take in all frames together: a page of a few such stays small."""
_CAPTIONS = {
    "embedding": "How strongly each frequency stands in the embedding. Random weights give a flat profile; while the "
    "test loss is still high, a few frequencies rise.",
    "logit_map": "The same of the map from the last neurons to the logits.",
    "shares": "A histogram of the neurons: how much of each one's variance over all inputs its best single frequency "
    "explains. They begin at the left and become specialists at the right.",
    "clusters": "To which frequencies those specialists belong.",
    "circles": "Each token's embedding in the planes that the network shown in this page uses, joined in the order of "
    "k times the token modulo p, in colours of that order. At first a tangle, in the end circles. In planes that were "
    "chosen for a network at each step, even random embeddings would look rounder than they are.",
    "attention": "From where the answer is read to the token a, on the same pairs (a, b) at every step.",
    "neurons": "The neurons that the network's key frequencies explain best at the step shown in this page, or, "
    "without key frequencies, those that vary most: the same ones at every step. Colours are those of the last step; "
    "what was higher before has its darkest.",
    "logits": "How much of the logits has which frequency in a and in b. A network that adds through angles has them "
    "on the diagonal alone. Colours are those of the last step.",
}  # fmt: skip
_WIDE = ("circles", "attention", "neurons")
_BINS = 20


@replay_camera.register
def modular_camera(task: ModularTask, model: Transformer | MLP, *, n_frames: int) -> Camera:
    """Return the camera of a network's Fourier circuit."""
    return Camera(ModularCamera.on(model, task, ROOM // n_frames).frame)


@dataclass(frozen=True, eq=False)
class ModularCamera:
    """What is looked at in every frame: chosen on one network, so that the same things are watched all the time."""

    task: ModularTask
    coordinates: Coordinates
    """What stands on the axes."""
    frequencies: tuple[int, ...]
    """Of the planes: key frequencies."""
    neurons: tuple[int, ...]
    planes: Float[Tensor, "k 2 d"]
    """In which the embeddings of the tokens become circles."""
    room: int
    """Numbers that a picture of maps may take in one frame."""

    __repr__ = brief_repr

    @classmethod
    def on(cls, model: Transformer | MLP, task: ModularTask, room: int) -> "ModularCamera":
        """Return what to look at, chosen on ``model``.

        Args:
            model: the network whose key frequencies, neurons and planes are watched.
            task: what it was trained on.
            room: see the field.
        """
        circuit = fourier_summary(model, task)
        neurons = _clearest(circuit)
        # n/2 has a cos alone, and no plane
        round_ = [k for k in circuit.key_frequencies if 2 * k != circuit.n][:MOST_TILES]
        planes = embedding_planes(coordinate_embedding(model, circuit.coordinates), round_)
        return cls(task, circuit.coordinates, tuple(round_), neurons, planes, room)

    def frame(self, model: Transformer | MLP) -> Frame:
        """Return the pictures of ``model``."""
        circuit = fourier_summary(model, self.task)
        pictures = [_norms("embedding", "Fourier norms of the embedding", "norm of W_E", circuit.embedding_norms)]
        if circuit.logit_map_norms is not None:
            title = "Fourier norms of the neuron-logit map"
            pictures.append(_norms("logit_map", title, "norm of W_L", circuit.logit_map_norms))
        maps = [self._attention(circuit), self._neurons(circuit)]
        frame = (
            *pictures,
            *self._specialised(circuit),
            *([self._circles(model)] if len(self.planes) else []),
            *(each for each in maps if each is not None),
            _logits(circuit, self.room),
        )
        return with_captions(frame, _CAPTIONS, wide=_WIDE)

    def _specialised(self, circuit: FourierSummary) -> tuple[Bars, ...]:
        if circuit.neurons is None:
            return ()
        share, frequency = circuit.neurons.share, circuit.neurons.frequency
        counts, edges = np.histogram(share.numpy().clip(0, 1), _BINS, (0, 1))
        clusters = torch.bincount(frequency[share > CLUSTER_SHARE], minlength=circuit.n // 2 + 1)[1:]
        return (
            Bars(
                "shares", "How single-frequency the neurons are",
                "least share of a neuron's variance that its best frequency explains", "neurons",
                tuple(f"{begin:.0%}" for begin in edges[:-1]),
                ("neurons",), counts.astype(float)[None, None],
            ),
            Bars(
                "clusters", f"Neurons that one frequency explains to more than {CLUSTER_SHARE:.0%}", "frequency k",
                "neurons", _numbers(len(clusters)), ("neurons",), clusters.numpy().astype(float)[None, None],
            ),
        )  # fmt: skip

    def _circles(self, model: Transformer | MLP) -> Points:
        n = self.coordinates.n
        points = project_tokens(coordinate_embedding(model, self.coordinates), self.planes).numpy().astype(float)
        order = tuple(tuple(k * i % n for i in range(n)) for k in self.frequencies)
        names = tuple(f"k = {k}" for k in self.frequencies)
        return Points("circles", "The tokens in the planes of the key frequencies", names, order, points[None])

    def _attention(self, circuit: FourierSummary) -> Maps | None:
        if circuit.pattern is None:
            return None
        shown = self._corner(circuit.pattern[:, :, :MOST_TILES, 0])
        names = tuple(f"head {head}" for head in range(len(shown)))
        return _over_pairs(
            "attention", "Attention to a, on every pair", "attention", names, "sequential", shown, self.coordinates
        )

    def _neurons(self, circuit: FourierSummary) -> Maps | None:
        if circuit.post is None:
            return None
        shown = self._corner(circuit.post[:, :, list(self.neurons)])
        palette: Palette = "diverging" if float(shown.min()) < 0 else "sparse"
        names = tuple(f"neuron {neuron}" for neuron in self.neurons)
        return _over_pairs("neurons", "Activations of the same neurons, on every pair", "activation", names,
                           palette, shown, self.coordinates)  # fmt: skip

    def _corner(self, values: Float[Tensor, "p p tile"]) -> Float[Tensor, "tile a b"]:
        """Return the pairs of the first residues: what is periodic shows there too, and not in every second one."""
        side = math.isqrt(self.room // values.shape[2])
        return values[:side, :side].permute(2, 0, 1)


def _clearest(circuit: FourierSummary) -> tuple[int, ...]:
    """Return the clearest neuron of each key frequency; without key frequencies those that vary most."""
    if circuit.neurons is None or circuit.post is None:
        return ()
    if not circuit.key_clusters:
        spread = circuit.post.flatten(0, 1).double().std(0, correction=0)
        return tuple(spread.argsort(descending=True, stable=True)[:4].tolist())
    own = circuit.neurons.frequency == torch.tensor(list(circuit.key_clusters)[:MOST_TILES]).unsqueeze(1)
    return tuple(torch.where(own, circuit.neurons.share, -1.0).argmax(1).tolist())


def _norms(name: str, title: str, ylabel: str, norms: Float[Tensor, " n_frequencies"]) -> Bars:
    values = norms.numpy().astype(float)[None, None]
    return Bars(name, title, "frequency k", ylabel, _numbers(len(norms)), ("norm",), values)


def _numbers(n: int) -> tuple[str, ...]:
    return tuple(map(str, range(1, n + 1)))


def _over_pairs(
    name: str,
    title: str,
    label: str,
    tiles: tuple[str, ...],
    palette: Palette,
    values: Float[Tensor, "tile a b"],
    coordinates: Coordinates,
) -> Maps:
    a, b = coordinates.inputs
    return Maps(name, title, b, a, label, tiles, palette, values.numpy().astype(float)[None])


def _logits(circuit: FourierSummary, room: int) -> Maps:
    """Return the strength of each pair of frequencies in the logits: cos and sin of each taken together.

    Of more than there is room for, neighbours are shown as one, by the strongest of them.
    """
    n = circuit.n // 2 + 1
    owner = row_frequencies(circuit.n)
    power = circuit.logit_components.double().square()
    power = torch.zeros(n, circuit.n, dtype=torch.float64).index_add_(0, owner, power)
    norms = torch.zeros(n, n, dtype=torch.float64).index_add_(1, owner, power).sqrt()
    block = math.ceil(n / math.isqrt(room))
    shown = F.max_pool2d(norms[None], block, ceil_mode=True)
    names = tuple(str(k) for k in range(0, n, block))
    a, b = circuit.coordinates.inputs
    return Maps("logits", "The logits in the Fourier basis", f"frequency in {b}", f"frequency in {a}",
                "norm over the answers", ("",), "sparse", shown.numpy()[None], names, names)  # fmt: skip
