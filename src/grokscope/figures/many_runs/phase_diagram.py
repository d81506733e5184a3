"""The border between memorising, grokking and generalising at once, over train fraction and weight decay."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from grokscope.errors import ConfigError
from grokscope.figures.axes import frame_image
from grokscope.figures.canvas import Target, canvas, title, xlabel, ylabel
from grokscope.figures.theme import small

OUTCOME_COLOURS = {
    "generalised at once": "#009E73",
    "grokked": "#56B4E9",
    "memorised": "#E69F00",
    "not fitted": "#CCCCCC",
    "diverged": "#555555",
}


def phase_grid(table: pd.DataFrame, *, ax: Target = None) -> Figure:
    """Return the outcome of every run of a grid as a map, with the steps that generalising took written in.

    After Nanda et al. (2023), appendix on data and regularisation; Liu et al. (2022), "phase diagrams".

    Args:
        table: of :func:`grokscope.sweeps.train_grid`: columns train_fraction, weight_decay, outcome, fitted and
            generalised (steps).
        ax: where to draw [a new figure].

    Raises:
        ConfigError: the table has no rows.
    """
    if table.empty:
        raise ConfigError("there is no grid to draw: the table has no rows")
    fractions, decays = (sorted(table[name].unique()) for name in ("train_fraction", "weight_decay"))
    names = list(OUTCOME_COLOURS)
    codes = np.full((len(decays), len(fractions)), np.nan)
    present = [name for name in names if name in set(table["outcome"])]
    colours = ListedColormap(list(OUTCOME_COLOURS.values()))
    with canvas(ax) as sheet:
        axes = sheet.panel(3.6 * len(decays))
        for row in table.to_dict("records"):
            x, y = fractions.index(row["train_fraction"]), decays.index(row["weight_decay"])
            codes[y, x] = names.index(row["outcome"])
            text = _steps(row["fitted"], row["generalised"])
            axes.text(x, y, text, ha="center", va="center", fontsize=small())
        axes.imshow(codes, origin="lower", aspect="auto", cmap=colours, vmin=-0.5, vmax=len(names) - 0.5)
        axes.set_xticks(range(len(fractions)), [f"{fraction:.0%}" for fraction in fractions])
        axes.set_yticks(range(len(decays)), [f"{decay:g}" for decay in decays])
        title(axes, "in each cell: step of 99 % training accuracy, step of 95 % test accuracy")
        xlabel(axes, "share of the pairs that is trained on")
        ylabel(axes, "weight decay")
        frame_image(axes)
        sheet.legend([Patch(color=OUTCOME_COLOURS[name], label=name) for name in present])
    return sheet.figure


def _steps(*steps: Any) -> str:
    """Return the steps to fit the training set and to generalise, one below the other."""
    return "\n".join(f"{step:,}" for step in steps if not pd.isna(step))
