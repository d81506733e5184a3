"""How the circuit grew: the progress measures over training."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from grokscope.analysis import Phases
from grokscope.errors import ConfigError
from grokscope.figures.axes import curve, phase_bands, plain_numbers_in_one_decade, shade, step_axis
from grokscope.figures.theme import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    TEST,
    TRAIN,
    VERMILION,
    blank_figure,
    styled,
)

Dashes = tuple[int, tuple[float, ...]]

_SOLID: Dashes = (0, ())
_DASHED: Dashes = (0, (5.0, 2.0))
_DOTTED: Dashes = (0, (1.0, 1.4))
_MIXED: Dashes = (0, (6.0, 2.0, 1.0, 2.0))
_LONG: Dashes = (0, (10.0, 2.0))
_TWICE: Dashes = (0, (4.0, 1.5, 1.0, 1.5, 1.0, 1.5))

_COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK)
_DASHES = (_SOLID, _DASHED, _MIXED, _DOTTED, _LONG, _TWICE)
"""Of the key frequencies: seven and six, so that 42 frequencies differ, and six of them without colour."""


@dataclass(frozen=True)
class _Line:
    column: str
    label: str
    colour: str
    dashes: Dashes = _SOLID
    width: float | None = None


@dataclass(frozen=True)
class _Panel:
    title: str
    ylabel: str
    height: float
    lines: Sequence[_Line]
    logarithmic: bool = False

    def drawable(self, measures: pd.DataFrame) -> pd.DataFrame:
        """Return the columns that exist, without values that have no place on the axis."""
        columns = [line.column for line in self.lines if line.column in measures]
        values = measures[columns].replace([np.inf, -np.inf], np.nan)
        values = values.where(values > 0) if self.logarithmic else values
        return values.dropna(axis="columns", how="all").assign(step=measures["step"])


@styled
def progress_measures(measures: pd.DataFrame, phases: Phases | None = None) -> Figure:
    """Return the progress measures over steps, a panel for each kind that there is, with the phases shaded.

    Losses with the circuit's directions alone (restricted) and without them (excluded), Gini coefficients, the sum of
    squared weights, the coefficients of cos(w_k(a + b − c)), and the loss without one frequency. After Nanda et al.
    (2023), figure 7 and appendix. Lines are named in the order in which they end.

    Args:
        measures: of :func:`grokscope.analysis.trajectories.measure_run.measure_run`.
        phases: shaded where they are complete.

    Raises:
        ConfigError: there is nothing in the table to draw.
    """
    return _stack(_panels(list(measures.columns)), measures, phases, "progress measures")


@styled
def coefficients_over_training(measures: pd.DataFrame, phases: Phases | None = None) -> Figure:
    """Return the coefficients of cos(w_k(a + b − c)) in the logits (nats) over steps, one line a frequency.

    How much of each wave that gives right answers the network has. After Nanda et al. (2023), appendix; arguments and
    errors are those of :func:`progress_measures`.
    """
    panel = replace(_coefficients(list(measures.columns)), height=3.2)
    return _stack([panel], measures, phases, "coefficients")


@styled
def excluded_losses_over_training(measures: pd.DataFrame, phases: Phases | None = None) -> Figure:
    """Return the training loss without one frequency at a time (nats, log scale) over steps, one line a frequency.

    Thin behind them are the losses of the whole network. After Nanda et al. (2023), section 5.1 and appendix;
    arguments and errors are those of :func:`progress_measures`.
    """
    panel = _excluded(list(measures.columns))
    if panel.lines:  # alone, the network's own losses are not this picture
        panel = replace(panel, height=3.6, lines=[*_OF_NETWORK, *panel.lines])
    return _stack([panel], measures, phases, "excluded losses of single frequencies")


_OF_NETWORK = (_Line("train_loss", "train, nothing removed", GREY, width=1.0),
               _Line("test_loss", "test, nothing removed", GREY, _DOTTED, width=1.0))  # fmt: skip


def _stack(panels: Sequence[_Panel], measures: pd.DataFrame, phases: Phases | None, what: str) -> Figure:
    """Return the panels that have something to draw, one below the other."""
    panels = [panel for panel in panels if len(panel.drawable(measures).columns) > 1]
    if measures.empty or not panels:
        raise ConfigError(f"there are no {what} to draw; the table has {', '.join(measures.columns)}")
    figure = blank_figure(0.7 + sum(panel.height for panel in panels))
    heights = [panel.height for panel in panels]
    column = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    bands = {} if phases is None else phase_bands(phases, int(measures["step"].iloc[0]))
    for axes, panel in zip(column, panels, strict=True):
        shade(axes, bands)
        _draw(axes, panel, panel.drawable(measures))
    column[-1].set_xlabel("step (weight updates)")
    step_axis(column[-1], measures["step"].to_numpy())
    figure.align_ylabels()
    if bands:
        figure.legend(
            handles=list(column[0].patches), loc="outside upper left", ncols=3, columnspacing=1.4, handlelength=1.6
        )
    return figure


def _panels(columns: Sequence[str]) -> list[_Panel]:
    losses = [
        _Line("train_loss", "train", TRAIN),
        _Line("test_loss", "test", TEST),
        _Line("restricted_loss", "restricted", GREEN, _DASHED),
        _Line("excluded_loss", "excluded", PURPLE, _MIXED),
    ]
    gini = [_Line("gini_W_E", "$W_E$", BLUE), _Line("gini_W_L", "$W_L$", ORANGE, _DASHED)]
    squares = [_Line("sum_of_squares", "all weights", BLACK)]
    return [
        _Panel(
            "loss: of the network, with the key frequencies alone (restricted), without them (excluded)",
            "nats, log scale",
            2.7,
            losses,
            True,
        ),
        _Panel("Gini coefficient of the Fourier norms: how few frequencies the weights use", "Gini", 1.5, gini),
        _Panel("sum of squared weights", "sum", 1.5, squares),
        _coefficients(columns),
        _excluded(columns),
    ]


def _coefficients(columns: Sequence[str]) -> _Panel:
    title = "coefficients of $\\cos(w_k(a+b-c))$ in the logits"
    return _Panel(title, "nats", 1.9, _each_frequency("alpha", columns))


def _excluded(columns: Sequence[str]) -> _Panel:
    lines = _each_frequency("excluded_loss", columns)
    return _Panel("excluded loss: without one frequency at a time", "nats, log scale", 2.1, lines, True)


def _each_frequency(measure: str, columns: Sequence[str]) -> list[_Line]:
    """Return a line for each column ``measure_k``; a frequency looks the same in every panel."""
    named = [found for name in columns if (found := re.fullmatch(r"(?:alpha|excluded_loss)_(\d+)", name))]
    keys = sorted({int(found[1]) for found in named})
    return [
        _Line(f"{measure}_{k}", f"k = {k}", _COLOURS[at % len(_COLOURS)], _DASHES[at % len(_DASHES)])
        for at, k in enumerate(keys)
    ]


def _draw(axes: Axes, panel: _Panel, values: pd.DataFrame) -> None:
    drawn = [line for line in panel.lines if line.column in values]
    for line in drawn:
        curve(axes, values, line.column, line.colour, line.label, line.dashes, width=line.width)
    axes.set(title=panel.title, ylabel=panel.ylabel)
    if panel.logarithmic:
        axes.set_yscale("log")
        plain_numbers_in_one_decade(axes)
    elif axes.get_ylim()[1] >= 1000:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if len(drawn) > 1:
        by_end = sorted(axes.lines, key=lambda line: -np.asarray(line.get_ydata(), dtype=float)[-1])
        axes.legend(
            handles=by_end,
            loc="center left",
            bbox_to_anchor=(1.005, 0.5),
            ncols=-(-len(drawn) // 8),
            handlelength=2.6,
            labelspacing=0.3,
            columnspacing=1.0,
        )
