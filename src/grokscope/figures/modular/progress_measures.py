"""How the circuit grew: the progress measures over training."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grokscope.analysis import Phases
from grokscope.analysis.measure_table import pivot
from grokscope.curves.phases import find_phases_of_circuit
from grokscope.errors import ConfigError
from grokscope.figures.axes import STEPS, curve, phase_bands, plain_numbers, shade, step_axis, thousands_if_large
from grokscope.figures.canvas import Canvas, Target, canvas, title, ylabel
from grokscope.figures.catalogue import figure
from grokscope.figures.line_styles import DASHED, DOTTED, MIXED, SOLID, Dashes, distinct_looks
from grokscope.figures.source import RunSource
from grokscope.figures.theme import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, TEST, TRAIN
from grokscope.tasks import ModularTask

_NAMED = 8
"""Names in one column of a legend: as many as stand beside a panel."""


@dataclass(frozen=True)
class _Line:
    column: str
    label: str
    colour: str
    dashes: Dashes = SOLID
    width: float | None = None


@dataclass(frozen=True)
class _Panel:
    title: str
    ylabel: str
    height: float
    """In sizes of the text, on a page."""
    lines: Sequence[_Line]
    logarithmic: bool = False

    def drawable(self, measures: pd.DataFrame) -> pd.DataFrame:
        """Return the columns that exist, without values that have no place on the axis."""
        columns = [line.column for line in self.lines if line.column in measures]
        values = measures[columns].replace([np.inf, -np.inf], np.nan)
        values = values.where(values > 0) if self.logarithmic else values
        return values.dropna(axis="columns", how="all").assign(step=measures["step"])


def progress_measures(measures: pd.DataFrame, phases: Phases | None = None, *, ax: Target = None) -> Figure:
    """Return the progress measures over steps, a panel for each kind that there is, with the phases shaded.

    Losses with the circuit's directions alone (restricted) and without them (excluded), Gini coefficients, the sum of
    squared weights, the coefficients of cos(w_k(a + b − c)), and the loss without one frequency. After Nanda et al.
    (2023), figure 7 and appendix. Lines are named in the order in which they end.

    Args:
        measures: the tidy table of :func:`grokscope.analysis.trajectories.measure_run.measure_run`.
        phases: shaded where they are complete.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there is nothing in the table to draw.
    """
    return _stack(_panels(measures), measures, phases, "progress measures", ax)


def coefficients_over_training(measures: pd.DataFrame, phases: Phases | None = None, *, ax: Target = None) -> Figure:
    """Return the coefficients of cos(w_k(a + b − c)) in the logits (nats) over steps, one line a frequency.

    How much of each wave that gives right answers the network has. After Nanda et al. (2023), appendix; arguments and
    errors are those of :func:`progress_measures`.
    """
    panel = replace(_coefficients(measures), height=22.0)
    return _stack([panel], measures, phases, "coefficients", ax)


def excluded_losses_over_training(measures: pd.DataFrame, phases: Phases | None = None, *, ax: Target = None) -> Figure:
    """Return the training loss without one frequency at a time (nats, log scale) over steps, one line a frequency.

    Thin behind them are the losses of the whole network. After Nanda et al. (2023), section 5.1 and appendix;
    arguments and errors are those of :func:`progress_measures`.
    """
    panel = _excluded(measures)
    if panel.lines:  # alone, the network's own losses are not this picture
        panel = replace(panel, height=24.0, lines=[*_OF_NETWORK, *panel.lines])
    return _stack([panel], measures, phases, "excluded losses of single frequencies", ax)


_OF_NETWORK = (
    _Line("train_loss", "train, nothing removed", GREY, width=0.1),
    _Line("test_loss", "test, nothing removed", GREY, DOTTED, width=0.1),
)


def _stack(panels: Sequence[_Panel], measures: pd.DataFrame, phases: Phases | None, what: str, ax: Target) -> Figure:
    """Return the panels that have something to draw, one below the other."""
    known = list(dict.fromkeys(measures["measure"]))
    measures = pivot(measures)
    panels = [panel for panel in panels if len(panel.drawable(measures).columns) > 1]
    if measures.empty or not panels:
        raise ConfigError(f"there are no {what} to draw; the table has {', '.join(known) or 'no rows'}")
    bands = {} if phases is None else phase_bands(phases, int(measures["step"].iloc[0]))
    with canvas(ax) as sheet:
        column = list(sheet.grid([panel.height * sheet.scale for panel in panels], sharex=True).flat)
        for axes, panel in zip(column, panels, strict=True):
            shade(axes, bands)
            _draw(sheet, axes, panel, panel.drawable(measures))
        sheet.label(x=STEPS)
        step_axis(column[-1], measures["step"].to_numpy())
        sheet.figure.align_ylabels(column)
        sheet.legend(list(column[0].patches))
    return sheet.figure


def _panels(measures: pd.DataFrame) -> list[_Panel]:
    losses = [
        _Line("train_loss", "train", TRAIN),
        _Line("test_loss", "test", TEST),
        _Line("restricted_loss", "restricted", GREEN, DASHED),
        _Line("excluded_loss", "excluded", PURPLE, MIXED),
    ]
    gini = [_Line("gini_W_E", "$W_E$", BLUE), _Line("gini_W_L", "$W_L$", ORANGE, DASHED)]
    squares = [_Line("sum_of_squares", "all weights", BLACK)]
    return [
        _Panel(
            "loss: of the network, with the key frequencies alone (restricted), without them (excluded)",
            "nats, log scale",
            15.0,
            losses,
            True,
        ),
        _Panel("Gini coefficient of the Fourier norms: how few frequencies the weights use", "Gini", 8.5, gini),
        _Panel("sum of squared weights", "sum", 8.5, squares),
        _coefficients(measures),
        _excluded(measures),
    ]


def _coefficients(measures: pd.DataFrame) -> _Panel:
    title = "coefficients of $\\cos(w_k(a+b-c))$ in the logits"
    return _Panel(title, "nats", 12.0, _each_frequency("alpha", measures))


def _excluded(measures: pd.DataFrame) -> _Panel:
    lines = _each_frequency("excluded_loss", measures)
    return _Panel("excluded loss: without one frequency at a time", "nats, log scale", 13.0, lines, True)


def _each_frequency(measure: str, measures: pd.DataFrame) -> list[_Line]:
    """Return a line for each frequency of a measure; a frequency looks the same in every panel."""
    by_frequency = measures[measures["measure"].isin(["alpha", "excluded_loss"]) & (measures["index"] != "")]
    keys = sorted({int(k) for k in by_frequency["index"]})
    looks = distinct_looks([f"k = {k}" for k in keys])
    return [
        _Line(f"{measure}_{k}", name, look.colour, look.dashes)
        for k, (name, look) in zip(keys, looks.items(), strict=True)
    ]


def _draw(sheet: Canvas, axes: Axes, panel: _Panel, values: pd.DataFrame) -> None:
    drawn = [line for line in panel.lines if line.column in values]
    for line in drawn:
        curve(axes, values, line.column, line.colour, line.label, line.dashes, width=line.width)
    title(axes, panel.title)
    ylabel(axes, panel.ylabel)
    if panel.logarithmic:
        axes.set_yscale("log")
        plain_numbers(axes)
    else:
        thousands_if_large(axes)
    if len(drawn) > 1:
        by_end = sorted(axes.lines, key=lambda line: -np.asarray(line.get_ydata(), dtype=float)[-1])
        sheet.legend_beside(axes, by_end, most=_NAMED)


NEEDED = ("excluded_loss", "sum_of_squares")
"""The measures that phases are read off."""


def phases_by_measures(source: RunSource[ModularTask]) -> Phases:
    """Return the phases that the progress measures show."""
    return find_phases_of_circuit(source.measures(*NEEDED), source.task.p)


def _caption(source: RunSource[ModularTask]) -> str:
    shaded = source.once(phases_by_measures).generalised is not None
    return (
        "Before a network groks, the circuit grows unseen: while the training loss is low and the test loss high, the "
        "loss with the key frequencies alone (restricted, over all pairs) falls, and the loss without them (excluded, "
        "over the training set) rises from its lowest. Then the weights keep few frequencies and become small, as "
        "what was memorised is cleared away. "
    ) + ("Shaded: the phases by these measures." if shaded else "These measures show no phases.")


@figure(
    "measures",
    summary="what 'grokscope measure' found, over training",
    title="Progress measures",
    caption=_caption,
    scope="training",
    tasks=(ModularTask,),
    after="Nanda et al. (2023), figure 7",
    on_page=lambda source: source.run.folder.measures.exists(),
)
def draw_measures(source: RunSource[ModularTask], *, ax: Target = None) -> Figure:
    """Return :func:`progress_measures` of a run."""
    return progress_measures(source.measures(*NEEDED), source.once(phases_by_measures), ax=ax)


@figure(
    "coefficients",
    summary="the coefficient of each key frequency in the logits over training",
    title="Coefficients of the key frequencies",
    caption=(
        "The coefficient of cos(w_k(a + b − c)) in the logits, for each key frequency k of the last network: how much "
        "of each wave that gives right answers the network has."
    ),
    scope="training",
    tasks=(ModularTask,),
    after="Nanda et al. (2023), appendix",
    on_page=lambda source: False,  # the progress measures have it
)
def draw_coefficients(source: RunSource[ModularTask], *, ax: Target = None) -> Figure:
    """Return :func:`coefficients_over_training` of a run."""
    return coefficients_over_training(source.measures(*NEEDED), source.once(phases_by_measures), ax=ax)


@figure(
    "excluded",
    summary="the training loss without each key frequency over training",
    title="Excluded loss of each key frequency",
    caption=(
        "The training loss without one key frequency at a time; thin behind them, the losses of the whole network. A "
        "loss that rises while the network's own falls shows that the network comes to rest on the frequency."
    ),
    scope="training",
    tasks=(ModularTask,),
    after="Nanda et al. (2023), appendix",
    on_page=lambda source: False,  # the progress measures have it
)
def draw_excluded(source: RunSource[ModularTask], *, ax: Target = None) -> Figure:
    """Return :func:`excluded_losses_over_training` of a run."""
    return excluded_losses_over_training(source.measures(*NEEDED), source.once(phases_by_measures), ax=ax)
