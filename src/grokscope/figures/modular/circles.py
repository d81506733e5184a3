"""The tokens of an embedding in the planes where they lie on circles."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from torch import Tensor

from grokscope.errors import ConfigError
from grokscope.figures.theme import CYCLIC, blank_figure, styled

_COLUMNS = 4
_ROW_HEIGHT = {1: 4.0, 2: 3.8, 3: 2.9, 4: 2.3}
"""Inches, by columns: what squares fill at the common width."""
_NAMED = 3
"""Tokens that are named: 0, 1, 2 stand k/p of a round apart."""


@styled
def embedding_circles(points: Float[Tensor, "k p 2"], frequencies: Sequence[int]) -> Figure:
    """Return a panel for each frequency with the p tokens where they stand in its plane.

    A token's colour is its angle 2πk·token/p, and lines join those that are neighbours in it: where the network
    represents the frequency they make a circle in the order of the colours. All panels have one scale. After Nanda et
    al. (2023), section 4.1; Liu et al. (2022), "Towards Understanding Grokking", for the picture.

    Args:
        points: of :func:`grokscope.analysis.modular.embedding_planes.project_tokens`.
        frequencies: of the planes.

    Raises:
        ConfigError: there are no planes.
    """
    if not len(points):
        raise ConfigError("there are no circles to draw: no frequency was given")
    n, p = points.shape[:2]
    rows = math.ceil(n / _COLUMNS)
    columns = math.ceil(n / rows)
    figure = blank_figure(0.6 + rows * _ROW_HEIGHT[columns], square=True)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    values = points.double().numpy()
    extent = 1.12 * float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0
    for axes, plane, k in zip(grid.flat, values, frequencies, strict=False):
        _circle(axes, plane, k, p)
        axes.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
    for axes in grid.flat[n:]:
        axes.remove()
    for axes in grid[:, 0]:
        axes.set_ylabel("along sin")
    for place in range(n):
        if place + columns >= n:  # the lowest of its column
            grid.flat[place].set_xlabel("along cos")
            grid.flat[place].tick_params(labelbottom=True)
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), CYCLIC),
        ax=grid.flat[:n].tolist(),
        shrink=0.8 if rows == 1 else 0.5,
        aspect=24,
        label="angle 2πk·token/p",
    )
    bar.set_ticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "π/2", "π", "3π/2", "2π"])
    return figure


def _circle(axes: Axes, plane: Float[np.ndarray, "p 2"], k: int, p: int) -> None:
    tokens = np.arange(p)
    turn = k * tokens % p
    order = turn.argsort(kind="stable")
    around = plane[np.append(order, order[0])]
    axes.plot(around[:, 0], around[:, 1], color="#BBBBBB", linewidth=0.7, zorder=1)
    axes.scatter(
        plane[:, 0], plane[:, 1], s=16, c=turn / p, cmap=CYCLIC, vmin=0, vmax=1, linewidths=0.3, edgecolors="#555555",
        zorder=2,
    )  # fmt: skip
    for token in tokens[:_NAMED]:
        axes.annotate(
            str(token),
            (plane[token, 0], plane[token, 1]),
            (4, 4),
            textcoords="offset points",
            fontsize=9,
            fontweight="bold",
            zorder=3,
        )
    axes.set_title(f"k = {k}")
    axes.set_box_aspect(1)
