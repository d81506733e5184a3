"""The tokens of an embedding in the planes where they lie on circles."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from torch import Tensor

from grokscope.analysis.modular.coordinates import Coordinates, coordinate_embedding
from grokscope.analysis.modular.embedding_planes import embedding_planes, project_tokens
from grokscope.errors import ConfigError
from grokscope.figures.canvas import Target, canvas, room, title
from grokscope.figures.catalogue import figure
from grokscope.figures.modular.parts import circuit as circuit_of
from grokscope.figures.source import Source
from grokscope.figures.theme import CYCLIC, em, small
from grokscope.tasks import ModularTask

_COLUMNS, _NARROWEST = 4, 13.0
"""Panels side by side, and the width that each needs, in sizes of the text."""
_LARGEST = 28.0
"""Side of a panel, in sizes of the text."""
_NAMED = 3
"""Tokens that are named: 0, 1, 2 stand k/p of a round apart."""


def embedding_circles(
    points: Float[Tensor, "k p 2"],
    frequencies: Sequence[int],
    coordinates: Coordinates | None = None,
    *,
    ax: Target = None,
) -> Figure:
    """Return a panel for each frequency with the p tokens where they stand in its plane.

    A token's colour is its angle 2πk·token/p, and lines join those that are neighbours in it: where the network
    represents the frequency they make a circle in the order of the colours. All panels have one scale. After Nanda et
    al. (2023), section 4.1; Liu et al. (2022), "Towards Understanding Grokking", for the picture.

    Args:
        points: of :func:`grokscope.analysis.modular.embedding_planes.project_tokens`.
        frequencies: of the planes.
        coordinates: of which the points are, in order [the tokens themselves]; a token's angle is that of its
            coordinate.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there are no planes.
    """
    if not len(points):
        raise ConfigError("there are no circles to draw: no frequency was given")
    n, p = points.shape[:2]
    plain = coordinates is None or coordinates.is_plain_addition
    names = list(range(p)) if coordinates is None else coordinates.a.tolist()
    values = points.double().numpy()
    extent = 1.12 * float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0
    with canvas(ax) as sheet:
        columns = sheet.columns(n, _NARROWEST, _COLUMNS)
        panels = sheet.panels(n, columns, min(sheet.side(columns), _LARGEST), sharex=True, sharey=True)
        sheet.pack()
        for axes, plane, k in zip(panels, values, frequencies, strict=False):
            _circle(axes, plane, k, names)
            axes.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
        sheet.label(x="along cos", y="along sin")
        angle = "angle 2πk·token/p" if plain else "angle 2πk·coordinate/n"
        bar = sheet.colorbar(ScalarMappable(Normalize(0, 1), CYCLIC), panels, angle)
        bar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "π/2", "π", "3π/2", "2π"])
    return sheet.figure


def _circle(axes: Axes, plane: Float[np.ndarray, "p 2"], k: int, names: Sequence[int]) -> None:
    p = len(plane)
    tokens = np.arange(p)
    turn = k * tokens % p
    order = turn.argsort(kind="stable")
    around = plane[np.append(order, order[0])]
    axes.plot(around[:, 0], around[:, 1], color="#BBBBBB", linewidth=em(0.07), zorder=1)
    size = em(0.4) * min(1.0, room(axes) / 12.0)
    dots = {"c": turn / p, "cmap": CYCLIC, "vmin": 0, "vmax": 1, "edgecolors": "#555555", "zorder": 2}
    axes.scatter(plane[:, 0], plane[:, 1], s=size**2, linewidths=em(0.03), **dots)
    style = {"textcoords": "offset points", "fontsize": small(), "fontweight": "bold", "zorder": 3}
    for token in tokens[:_NAMED]:
        axes.annotate(str(names[token]), (plane[token, 0], plane[token, 1]), (em(0.35), em(0.35)), **style)
    title(axes, f"k = {k}")
    axes.set_box_aspect(1)


MOST_CIRCLES, FEW_CIRCLES = 12, 4
"""Key frequencies whose circles are drawn; and how many of the embedding's strongest, where there are none."""


def _planes(source: Source[ModularTask]) -> list[int]:
    """Return the key frequencies that have a plane: n/2 has a cos alone."""
    circuit = source.last.once(circuit_of)
    return [k for k in circuit.key_frequencies if 2 * k != circuit.n]


def _caption(source: Source[ModularTask]) -> str:
    which = "" if source.last is source else ", chosen on the last network,"
    return (
        f"Where the embedding puts each token in the planes of the key frequencies{which} coloured by the angle that "
        f"the token has there. A network that represents a frequency has its tokens on a circle in the order of the "
        f"colours, evenly and narrowly; in planes chosen on other weights an embedding is a cloud."
    )


@figure(
    "circles",
    summary="the tokens in the planes of the last network's key frequencies",
    title="The tokens on their circles",
    caption=_caption,
    tasks=(ModularTask,),
    after="Liu et al. (2022)",
    on_page=lambda source: source.explanation is not None and bool(_planes(source)),
)
def draw_circles(source: Source[ModularTask], *, ax: Target = None) -> Figure:
    """Return :func:`embedding_circles` of a network, in the planes of the last one."""
    last = source.last
    circuit = last.once(circuit_of)
    coordinates = circuit.coordinates
    strongest = circuit.embedding_norms[: (circuit.n - 1) // 2].argsort(descending=True, stable=True) + 1
    frequencies = _planes(source)[:MOST_CIRCLES] or sorted(strongest[:FEW_CIRCLES].tolist())
    planes = embedding_planes(coordinate_embedding(last.model, coordinates), frequencies)
    points = project_tokens(coordinate_embedding(source.model, coordinates), planes)
    return embedding_circles(points, frequencies, coordinates, ax=ax)
