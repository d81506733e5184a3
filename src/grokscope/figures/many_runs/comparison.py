"""Several runs in one picture: the median of every group, and how far its runs spread."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, PercentFormatter

from grokscope.analysis.many_runs.curves import FEW, band_in_words, group_curve
from grokscope.errors import ConfigError
from grokscope.figures.axes import step_axis
from grokscope.figures.line_styles import COLOURS, DASHED, SOLID, Dashes, ordered_looks
from grokscope.figures.theme import GREY, blank_figure, styled

MOST_GROUPS = 12
"""Groups of one panel whose colours an eye can tell apart."""
_FACETS_FROM = 8
"""More groups than these get a column for each value of a setting, where two settings tell them apart."""
_ACROSS = 4
"""Columns in one row of the picture."""
_LINE = 108
"""Letters in one row of a legend."""


@dataclass(frozen=True, eq=False)
class GroupData:
    """A group as the figures take it."""

    name: str
    tables: tuple[pd.DataFrame, ...]
    """Of every run: a column step, and curves."""
    is_infinite: bool = False
    """Every step had fresh examples, so that the training curves say nothing more than those of the test set."""
    named: Mapping[str, Any] | None = None
    """The settings that tell it from the others, by name."""


@dataclass(frozen=True)
class Panel:
    """A curve that is drawn of all groups in a panel of its own."""

    column: str
    title: str
    ylabel: str
    logarithmic: bool = False


@styled
def compared_curves(
    groups: Sequence[GroupData], *, chance_loss: float | None = None, log_steps: bool = False
) -> Figure:
    """Return loss (nats, log scale) above accuracy over steps: a group's median, and a band of how far its runs spread.

    Solid: test; thin and dashed: training, of groups with finite data. Medians and bands are those of
    :func:`grokscope.analysis.many_runs.curves.group_curve`. Of at most ten runs each is drawn too, thin and light,
    to its own end. Of more than eight groups that two settings tell apart, there is a column for each value of one of
    them.

    Args:
        groups: what to compare; tables with the columns of a run's metrics.
        chance_loss: drawn dotted (nats), where it is the same for all.
        log_steps: logarithmic steps (linear up to the first evaluation, so that step 0 has a place).

    Raises:
        ConfigError: there are no groups, or more than colours can tell apart.
    """
    facets = _facets(groups)
    across = min(len(facets), _ACROSS)
    blocks = -(-len(facets) // across)
    figure = blank_figure(0.5 + (5.3 if blocks == 1 else 3.9 * blocks))
    heights = [share for _ in range(blocks) for share in (2, 1.2)]
    grid = figure.subplots(2 * blocks, across, squeeze=False, sharex=True, sharey="row", height_ratios=heights)
    looks = _colours([name for facet in facets.values() for name in facet], _ordered(facets))
    for place, (title, members) in enumerate(facets.items()):
        block, column = divmod(place, across)
        losses, accuracies = grid[2 * block, column], grid[2 * block + 1, column]
        _draw(losses, members, looks, "test_loss", train="train_loss")
        _draw(accuracies, members, looks, "test_accuracy", train="train_accuracy")
        losses.set_yscale("log")
        losses.set_title(title, parse_math=False)
        if chance_loss is not None:
            losses.axhline(chance_loss, color=GREY, linestyle=":", linewidth=1.2, zorder=1)
        accuracies.set_ylim(-0.04, 1.04)
        accuracies.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        if place + across >= len(facets):
            accuracies.set_xlabel("step (weight updates)" if across < _ACROSS else "step")
            accuracies.tick_params(labelbottom=True)
        if column == 0:
            losses.set_ylabel("loss (nats, log scale)")
            accuracies.set_ylabel("accuracy")
    for place in range(len(facets), blocks * across):
        block, column = divmod(place, across)
        for axes in (grid[2 * block, column], grid[2 * block + 1, column]):
            axes.remove()
    for block in range(blocks):
        _plain_numbers(grid[2 * block, 0])
    _steps(grid[0, 0], groups, logarithmic=log_steps, across=across)
    figure.align_ylabels()
    guessing = [Line2D([], [], color=GREY, linestyle=":", linewidth=1.2, label="guessing")]
    lines = {"test": SOLID} | ({} if all(group.is_infinite for group in groups) else {"training": DASHED})
    _legend(figure, looks, _kinds(facets, lines) + (guessing if chance_loss is not None else []))
    return figure


@styled
def compared_panels(groups: Sequence[GroupData], panels: Sequence[Panel], *, log_steps: bool = False) -> Figure:
    """Return a panel for each curve, with every group's median and band: measures of a circuit, parts of a task.

    Args:
        groups: what to compare; tables with the panels' columns.
        panels: what to draw.
        log_steps: logarithmic steps.

    Raises:
        ConfigError: there is nothing to draw, or there are more groups than colours can tell apart.
    """
    if not panels:
        raise ConfigError("there are no measures to draw; run 'grokscope measure' on every run")
    facets = _facets(groups, split=False)
    members = facets[""]
    looks = _colours(list(members), _ordered(facets))
    columns = min(len(panels), 2 if len(panels) <= 6 else 3)
    rows = -(-len(panels) // columns)
    figure = blank_figure(0.6 + 2.1 * rows)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
    for place, (axes, panel) in enumerate(zip(grid.flat, panels, strict=False)):
        _draw(axes, members, looks, panel.column)
        axes.set_title(panel.title, parse_math=False)
        if place % columns == 0 or len({panel.ylabel for panel in panels}) > 1:
            axes.set_ylabel(panel.ylabel)
        if panel.logarithmic:
            axes.set_yscale("log")
            _plain_numbers(axes)
        elif axes.get_ylim()[1] >= 1000:
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        if place + columns >= len(panels):
            axes.set_xlabel("step (weight updates)")
            axes.tick_params(labelbottom=True)
    for axes in grid.flat[len(panels) :]:
        axes.remove()
    _steps(grid[0, 0], groups, logarithmic=log_steps, across=columns)
    _legend(figure, looks, _kinds(facets, {"": SOLID}))
    return figure


_Members = dict[str, GroupData]


def _facets(groups: Sequence[GroupData], *, split: bool = True) -> dict[str, _Members]:
    """Return the groups of each column by the column's title, each by what it is called there."""
    if not groups:
        raise ConfigError("there are no runs to draw; name some")
    settings = [group.named or {} for group in groups]
    names = list(dict.fromkeys(name for each in settings for name in each))
    facets: dict[str, _Members] = {"": {group.name: group for group in groups}}
    if split and len(groups) > _FACETS_FROM and len(names) == 2 and all(len(each) == 2 for each in settings):
        by, coloured = sorted(names, key=lambda name: -len({repr(each[name]) for each in settings}))
        facets = {}
        for group, each in sorted(zip(groups, settings, strict=True), key=lambda pair: _rank(pair[1][by])):
            facets.setdefault(_short(by, each[by]), {})[_short(coloured, each[coloured])] = group
    lines = max(len(facets), *(len(members) for members in facets.values()))
    if lines > MOST_GROUPS:
        raise ConfigError(
            f"{len(groups)} groups are too many for one picture (at most {MOST_GROUPS}, or a grid of two settings); "
            f"draw fewer at once; the table can have them all"
        )
    return facets


def _rank(value: Any) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))


def _short(name: str, value: Any) -> str:
    words = f"{value:g}" if isinstance(value, int | float) else str(value)
    return f"{name.rpartition('.')[2].replace('_', ' ')} {words}"


def _ordered(facets: Mapping[str, _Members]) -> bool:
    """Return whether the groups are the values of one number."""
    settings = [group.named or {} for members in facets.values() for group in members.values()]
    free = 1 if len(facets) == 1 else 2
    numeric = all(
        isinstance(value, int | float) and not isinstance(value, bool) for each in settings for value in each.values()
    )
    return numeric and all(len(each) == free for each in settings) and len({tuple(each) for each in settings}) == 1


def _colours(names: Sequence[str], ordered: bool) -> dict[str, str]:
    """Return the colour of each name: by size from dark to light, or as different as can be."""
    unique = list(dict.fromkeys(names))
    if ordered:
        unique.sort(key=lambda name: float(name.rpartition(" ")[2]))
    if len(unique) > len(COLOURS) or (ordered and len(unique) > 2):
        return {name: look.colour for name, look in ordered_looks(unique).items()}
    return dict(zip(unique, COLOURS, strict=False))


def _draw(axes: Axes, members: _Members, looks: Mapping[str, str], column: str, *, train: str | None = None) -> None:
    """Draw a curve of every group, and the training curve that goes with it."""
    n_runs = sum(len(group.tables) for group in members.values())
    for name, group in members.items():
        found, colour = group_curve(group.tables, column), looks[name]
        several = len(group.tables) > 1
        if several and n_runs <= FEW:
            for run in found.each:
                axes.plot(run["step"], run["value"], color=colour, linewidth=0.7, alpha=0.45, zorder=2)
        spread = found.spread
        if several and len(spread):
            axes.fill_between(
                spread["step"], spread["low"], spread["high"], color=colour, alpha=0.17, linewidth=0, zorder=1.5
            )
        marker = "o" if len(spread) < 3 else None  # a line through one point cannot be seen
        axes.plot(spread["step"], spread["median"], color=colour, label=name, marker=marker, markersize=4, zorder=4)
        if train is not None and not group.is_infinite:
            fitted = group_curve(group.tables, train).spread
            axes.plot(fitted["step"], fitted["median"], color=colour, linestyle=DASHED, linewidth=1.0, zorder=3)


def _steps(axes: Axes, groups: Sequence[GroupData], *, logarithmic: bool, across: int) -> None:
    steps = sorted({step for group in groups for table in group.tables for step in table["step"]})
    step_axis(axes, np.array(steps), logarithmic=logarithmic, most_ticks={1: 9, 2: 5}.get(across, 3))


def _plain_numbers(axes: Axes) -> None:
    """Write 0.5 on a logarithmic axis of less than two decades, where matplotlib would write 5 × 10⁻¹."""
    lowest, highest = axes.get_ylim()
    if highest < 100 * lowest:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else ""))


def _kinds(facets: Mapping[str, _Members], lines: Mapping[str, Dashes]) -> list[Artist]:
    """Return what kinds of lines there are, in grey: ``lines``, or their medians, and what goes with medians."""
    panels = [list(members.values()) for members in facets.values()]
    several = {len(group.tables) for members in panels for group in members} - {1}
    kinds: list[Artist] = [
        Line2D(
            [], [], color=GREY, linestyle=dashes, linewidth=1.8 if dashes == SOLID else 1.0,
            label=", ".join([*([name] if name else []), *(["median"] if several else [])]),
        )
        for name, dashes in lines.items() if name or several
    ]  # fmt: skip
    if several:
        bands = sorted({band_in_words(size) for size in several})
        kinds.append(Patch(color=GREY, alpha=0.3, linewidth=0, label=" or ".join(bands)))
        if any(sum(len(group.tables) for group in members) <= FEW for members in panels):
            kinds.append(Line2D([], [], color=GREY, linewidth=0.7, alpha=0.6, label="one run"))
    return kinds


def _legend(figure: Figure, looks: Mapping[str, str], kinds: Sequence[Artist]) -> None:
    """Name the groups above the picture, and below it the kinds of lines."""
    handles = [Line2D([], [], color=colour, linewidth=3, label=name) for name, colour in looks.items()]
    across = max(1, min(len(handles), _LINE // (max(len(name) for name in looks) + 5)))
    # matplotlib fills columns; readers read rows
    handles = [handle for column in range(across) for handle in handles[column::across]]
    above = figure.legend(handles=handles, loc="outside upper left", ncols=across, handlelength=1.6, columnspacing=1.4)
    for text in above.get_texts():
        text.set_parse_math(False)
    if kinds:
        figure.legend(handles=list(kinds), loc="outside lower left", ncols=len(kinds), handlelength=2.4)
