"""Several runs in one picture: the median of every group, and how far its runs spread."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from grokscope.analysis.many_runs.curves import FEW, band_in_words, group_curve
from grokscope.analysis.many_runs.groups import RunGroup
from grokscope.analysis.many_runs.labels import is_number, setting_in_words, value_rank
from grokscope.errors import ConfigError
from grokscope.figures.axes import STEPS, plain_numbers, step_axis, thousands_if_large
from grokscope.figures.canvas import Canvas, Target, canvas, title, xlabel, ylabel
from grokscope.figures.line_styles import COLOURS, DASHED, SOLID, Dashes, ordered_looks
from grokscope.figures.theme import GREY, em

MOST_GROUPS = 12
"""Groups of one panel whose colours an eye can tell apart."""
_FACETS_FROM = 8
"""More groups than these get a column for each value of a setting, where two settings tell them apart."""
_ACROSS, _NARROWEST = 4, 15.0
"""Columns in one row of the picture, and the width that each needs, in sizes of the text."""
_NARROWEST_PANEL = 20.0


@dataclass(frozen=True, eq=False)
class GroupData:
    """The curves of a group."""

    group: RunGroup
    tables: tuple[pd.DataFrame, ...]
    """Of every run: a column step, and curves."""
    is_infinite: bool = False
    """Every step had fresh examples, so that the training curves say nothing more than those of the test set."""


@dataclass(frozen=True)
class Panel:
    """A curve that is drawn of all groups in a panel of its own."""

    column: str
    title: str
    ylabel: str
    logarithmic: bool = False


def compared_curves(
    groups: Sequence[GroupData], *, chance_loss: float | None = None, log_steps: bool = False, ax: Target = None
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
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there are no groups, or more than colours can tell apart.
    """
    facets, coloured = _facets(groups)
    looks = _colours(facets, coloured)
    guessing = [Line2D([], [], color=GREY, linestyle=":", linewidth=em(0.12), label="guessing")]
    lines = {"test": SOLID} | ({} if all(group.is_infinite for group in groups) else {"training": DASHED})
    with canvas(ax) as sheet:
        across = sheet.columns(len(facets), _NARROWEST, _ACROSS)
        blocks = -(-len(facets) // across)
        height = sheet.scale * (22 if blocks == 1 else 14)
        grid = sheet.grid([height, 0.55 * height] * blocks, across, sharex=True, sharey="row")
        for place, (name, members) in enumerate(facets.items()):
            block, column = divmod(place, across)
            losses, accuracies = grid[2 * block, column], grid[2 * block + 1, column]
            _draw(losses, members, looks, "test_loss", train="train_loss")
            _draw(accuracies, members, looks, "test_accuracy", train="train_accuracy")
            losses.set_yscale("log")
            title(losses, name, parse_math=False)
            if chance_loss is not None:
                losses.axhline(chance_loss, color=GREY, linestyle=":", linewidth=em(0.12), zorder=1)
            accuracies.set_ylim(-0.04, 1.04)
            accuracies.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            if place + across >= len(facets):
                xlabel(accuracies, STEPS)
                accuracies.tick_params(labelbottom=True)
            if column == 0:
                ylabel(losses, "loss (nats, log scale)")
                ylabel(accuracies, "accuracy")
                plain_numbers(losses)
        for place in range(len(facets), blocks * across):
            block, column = divmod(place, across)
            for axes in (grid[2 * block, column], grid[2 * block + 1, column]):
                axes.remove()
        _steps(grid.flat if ax is not None else grid.flat[:1], groups, logarithmic=log_steps)
        sheet.figure.align_ylabels(grid[:, 0])
        _legend(sheet, looks, _kinds(facets, lines) + (guessing if chance_loss is not None else []))
    return sheet.figure


def compared_panels(
    groups: Sequence[GroupData], panels: Sequence[Panel], *, log_steps: bool = False, ax: Target = None
) -> Figure:
    """Return a panel for each curve, with every group's median and band: measures of a circuit, parts of a task.

    Args:
        groups: what to compare; tables with the panels' columns.
        panels: what to draw.
        log_steps: logarithmic steps.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there is nothing to draw, or there are more groups than colours can tell apart.
    """
    if not panels:
        raise ConfigError("there are no measures to draw; run 'grokscope measure' on every run")
    facets, coloured = _facets(groups, split=False)
    members, looks = facets[""], _colours(facets, coloured)
    same_unit = len({panel.ylabel for panel in panels}) == 1
    with canvas(ax) as sheet:
        columns = sheet.columns(len(panels), _NARROWEST_PANEL, 2 if len(panels) <= 6 else 3)
        drawn = sheet.panels(len(panels), columns, 13 * sheet.scale, sharex=True)
        for axes, panel in zip(drawn, panels, strict=True):
            _draw(axes, members, looks, panel.column)
            title(axes, panel.title, parse_math=False)
            if not same_unit:
                ylabel(axes, panel.ylabel)
            if panel.logarithmic:
                axes.set_yscale("log")
                plain_numbers(axes)
            else:
                thousands_if_large(axes)
        sheet.label(x=STEPS, y=panels[0].ylabel if same_unit else None)
        _steps(drawn if ax is not None else drawn[:1], groups, logarithmic=log_steps)
        _legend(sheet, looks, _kinds(facets, {"": SOLID}))
    return sheet.figure


_Members = dict[str, GroupData]


def _facets(groups: Sequence[GroupData], *, split: bool = True) -> tuple[dict[str, _Members], str | None]:
    """Return the groups of each column by the column's title, each by what it is called in it.

    With it comes the name of the setting by which the groups of a column differ, if it is one.
    """
    if not groups:
        raise ConfigError("there are no runs to draw; name some")
    settings = [data.group.label_settings for data in groups]
    names = list(dict.fromkeys(name for each in settings for name in each))
    facets: dict[str, _Members] = {"": {data.group.label: data for data in groups}}
    coloured = names[0] if len(names) == 1 else None
    if split and len(groups) > _FACETS_FROM and len(names) == 2 and all(len(each) == 2 for each in settings):
        by, coloured = sorted(names, key=lambda name: -len({repr(each[name]) for each in settings}))
        facets = {}
        for data, each in sorted(zip(groups, settings, strict=True), key=lambda pair: value_rank(pair[1][by])):
            column = facets.setdefault(setting_in_words(by, each[by]), {})
            column[setting_in_words(coloured, each[coloured])] = data
    lines = max(len(facets), *(len(members) for members in facets.values()))
    if lines > MOST_GROUPS:
        raise ConfigError(
            f"{len(groups)} groups are too many for one picture (at most {MOST_GROUPS}, or a grid of two settings); "
            f"draw fewer at once; the table can have them all"
        )
    return facets, coloured


def _colours(facets: Mapping[str, _Members], coloured: str | None) -> dict[str, str]:
    """Return the colour of each name: by the size of a number from dark to light, or as different as can be."""
    values: dict[str, Any] = {
        name: data.group.label_settings.get(coloured or "")
        for members in facets.values()
        for name, data in members.items()
    }
    names = list(values)
    ordered = len(names) > 2 and all(map(is_number, values.values()))
    if ordered:
        names.sort(key=lambda name: float(values[name]))
    if ordered or len(names) > len(COLOURS):
        return {name: look.colour for name, look in ordered_looks(names).items()}
    return dict(zip(names, COLOURS, strict=False))


def _draw(axes: Axes, members: _Members, looks: Mapping[str, str], column: str, *, train: str | None = None) -> None:
    """Draw a curve of every group, and the training curve that goes with it."""
    n_runs = sum(len(group.tables) for group in members.values())
    for name, group in members.items():
        found, colour = group_curve(group.tables, column), looks[name]
        several = len(group.tables) > 1
        if several and n_runs <= FEW:
            for run in found.each:
                axes.plot(run["step"], run["value"], color=colour, linewidth=em(0.07), alpha=0.45, zorder=2)
        spread = found.spread
        if several and len(spread):
            low, high = spread["low"], spread["high"]
            axes.fill_between(spread["step"], low, high, color=colour, alpha=0.17, linewidth=0, zorder=1.5)
        marker = "o" if len(spread) < 3 else None  # a line through one point cannot be seen
        axes.plot(
            spread["step"], spread["median"], color=colour, label=name, marker=marker, markersize=em(0.4), zorder=4
        )
        if train is not None and not group.is_infinite:
            fitted = group_curve(group.tables, train).spread
            axes.plot(fitted["step"], fitted["median"], color=colour, linestyle=DASHED, linewidth=em(0.1), zorder=3)


def _steps(panels: Iterable[Axes], groups: Sequence[GroupData], *, logarithmic: bool) -> None:
    """Give the panels, or the first of those that share it, the axis of steps of all groups."""
    steps = sorted({step for group in groups for table in group.tables for step in table["step"]})
    for axes in panels:
        step_axis(axes, np.array(steps), logarithmic=logarithmic)


def _kinds(facets: Mapping[str, _Members], lines: Mapping[str, Dashes]) -> list[Artist]:
    """Return what kinds of lines there are, in grey: ``lines``, or their medians, and what goes with medians."""
    panels = [list(members.values()) for members in facets.values()]
    several = {len(group.tables) for members in panels for group in members} - {1}
    kinds: list[Artist] = []
    for name, dashes in lines.items():
        if name or several:
            label = ", ".join([*([name] if name else []), *(["median"] if several else [])])
            width = em(0.18 if dashes == SOLID else 0.1)
            kinds.append(Line2D([], [], color=GREY, linestyle=dashes, linewidth=width, label=label))
    if several:
        bands = sorted({band_in_words(size) for size in several})
        kinds.append(Patch(color=GREY, alpha=0.3, linewidth=0, label=" or ".join(bands)))
        if any(sum(len(group.tables) for group in members) <= FEW for members in panels):
            kinds.append(Line2D([], [], color=GREY, linewidth=em(0.07), alpha=0.6, label="one run"))
    return kinds


def _legend(sheet: Canvas, looks: Mapping[str, str], kinds: Sequence[Artist]) -> None:
    """Name the groups above the picture, and below it the kinds of lines."""
    groups = [Line2D([], [], color=colour, linewidth=em(0.3), label=name) for name, colour in looks.items()]
    sheet.legend(groups, parse_math=False)
    sheet.legend(kinds, below=True)
