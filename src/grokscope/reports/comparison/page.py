"""One HTML file about several runs, which needs no network and no script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from grokscope import figures
from grokscope.analysis.many_runs.curves import is_over_early
from grokscope.analysis.measure_table import pivot, read_measures
from grokscope.analysis.measures import MEASURES
from grokscope.errors import ConfigError, nearest
from grokscope.figures.canvas import Target
from grokscope.figures.catalogue import Picture
from grokscope.figures.many_runs.comparison import GroupData, Panel
from grokscope.reports.comparison import runs as compared_runs
from grokscope.reports.comparison.runs import ComparedRuns
from grokscope.reports.html.inline import inline_svg
from grokscope.reports.provenance import Facts, how_it_was_made
from grokscope.reports.run.evidence import FoundTable
from grokscope.reports.sweep.tables import PAIRS

MOST_PARTS = 12
"""Parts of a task that are drawn, each in a panel."""
_MEASURES = (
    Panel("restricted_loss", "restricted loss: with the key frequencies alone", "nats, log scale", logarithmic=True),
    Panel("excluded_loss", "excluded loss: without the key frequencies", "nats, log scale", logarithmic=True),
    Panel("gini_W_E", "Gini coefficient of the embedding's Fourier norms", "Gini"),
    Panel("gini_W_L", "Gini coefficient of the neuron-logit map's", "Gini"),
    Panel("sum_of_squares", "sum of squared weights", "sum"),
)
_ON_CURVES = ("loss", "accuracy")
"""Measures that the training curves show already."""
_MADE_ALIKE = ("Versions", "Machine", "Device")


@dataclass(frozen=True, eq=False)
class ComparedContent:
    """What the page says, in its order; texts are plain, not HTML."""

    compared: ComparedRuns
    pictures: tuple[Picture, ...]
    tables: tuple[tuple[FoundTable, str], ...]
    """Each with what must be known to read it."""
    missing: str
    """What is not on the page, and what adds it; empty where nothing is missing."""
    making: Facts
    """What was the same for all runs."""
    made: FoundTable
    """What was not."""
    experiments: tuple[tuple[str, str], ...]
    """Of each group: its name, and the experiment of its first run as YAML."""


def curves_of(compared: ComparedRuns, *, ax: Target = None) -> Figure:
    """Return losses and accuracies of all groups.

    Args:
        compared: runs.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: there are more groups than a picture can show.
    """
    guessing = {run.task.chance_loss for run in compared.runs}
    groups = _data(compared, [run.metrics for run in compared.runs])
    return figures.compared_curves(
        groups, chance_loss=guessing.pop() if len(guessing) == 1 else None, log_steps=_log_steps(compared), ax=ax
    )


def draw_comparison(name: str, compared: ComparedRuns, *, ax: Target = None) -> Figure:
    """Return a picture of compared runs by its name: ``curves``, ``survival`` or ``inside``.

    Raises:
        ConfigError: there is no such picture, or nothing to draw.
    """
    match name:
        case "curves":
            return curves_of(compared, ax=ax)
        case "survival":
            return figures.survival_curves(compared.groups, ax=ax)
        case "inside":
            picture, missing = _inside(compared, ax=ax)
            if picture is None:
                raise ConfigError(missing)
            return picture.figure
    raise ConfigError(f"there is no picture {name!r} of a comparison{nearest(name, ('curves', 'survival', 'inside'))}")


def read_compared(compared: ComparedRuns) -> ComparedContent:
    """Return everything that the page says.

    Raises:
        ConfigError: there are more groups than a picture can show.
        RunError: a measures.csv is damaged.
    """
    curves = Picture("curves", "Training curves", _caption(compared), curves_of(compared))
    inside, missing = _inside(compared)
    differing, grouped = compared_runs.difference_rows(compared.groups), compared_runs.group_rows(compared)
    pairs = compared_runs.pair_rows(compared)
    same, made = _making(compared)
    return ComparedContent(
        compared=compared,
        pictures=(curves, *([] if inside is None else [inside])),
        tables=(
            *([] if differing is None else [(differing, "A dash: there is no such setting.")]),
            *([] if grouped is None else [(grouped, compared_runs.MEDIANS)]),
            *([] if pairs is None else [(pairs, PAIRS)]),
            (compared_runs.run_rows(compared), compared_runs.MEANING),
        ),
        missing=missing,
        making=same,
        made=made,
        experiments=tuple((group.label, compared.runs_of(group)[0].experiment.to_yaml()) for group in compared.groups),
    )


def render_compared(content: ComparedContent) -> str:
    """Return the HTML of ``content``; every text in it is escaped."""
    environment = Environment(
        loader=PackageLoader("grokscope", "reports"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    drawings = {
        picture.name: inline_svg(figures.to_svg(picture.figure), picture.name, picture.title)
        for picture in content.pictures
    }
    return environment.get_template("comparison/page.html.j2").render(content=content, drawings=drawings)


def _data(compared: ComparedRuns, tables: Sequence[pd.DataFrame]) -> list[GroupData]:
    """Return the groups as figures take them; ``tables`` are of all runs, group by group."""
    left = iter(tables)
    return [
        GroupData(group, tuple(next(left) for _ in group.outcomes), compared.is_infinite(group))
        for group in compared.groups
    ]


def _log_steps(compared: ComparedRuns) -> bool:
    return is_over_early([run.metrics for run in compared.runs])


def _caption(compared: ComparedRuns) -> str:
    scale = ", these too on a logarithmic scale" if _log_steps(compared) else ""
    several = any(len(group) > 1 for group in compared.groups)
    medians = (
        " Each line is the median of a group's runs at the steps at which all of them were evaluated, so it ends with "
        "the run that ended first; the band is from the lowest to the highest of up to ten runs, and the middle half "
        "of more."
    )
    infinite = any(compared.is_infinite(group) for group in compared.groups)
    training = " Of infinite data the training curves are left out: fresh examples say what the test set says."
    return (
        f"Loss, on a logarithmic scale, and accuracy against the number of weight updates{scale}."
        f"{medians if several else ''}{training if infinite else ''}"
    )


def _inside(compared: ComparedRuns, *, ax: Target = None) -> tuple[Picture | None, str]:
    """Return the picture of what happened inside, and what is missing for it."""
    tasks = [run.task for run in compared.runs]
    parts = tasks[0].subtasks
    if not any(task.subtasks for task in tasks):
        return _measures(compared, ax=ax)
    if any(task.subtasks != parts for task in tasks):
        return None, "The parts of the task are not drawn: they are not the same in all runs."
    if not 0 < len(parts) <= MOST_PARTS:
        return None, f"The {len(parts)} parts of the task are not drawn: a picture has room for {MOST_PARTS}."
    panels = [Panel(f"test_loss_{part}", part.replace("_", " "), "test loss (nats)") for part in parts]
    figure = figures.compared_panels(
        _data(compared, [run.metrics for run in compared.runs]), panels, log_steps=_log_steps(compared), ax=ax
    )
    return Picture("parts", "The parts of the task", "Test loss of each part of the task alone.", figure), ""


def _measures(compared: ComparedRuns, *, ax: Target = None) -> tuple[Picture | None, str]:
    found = [read_measures(run.folder.measures) for run in compared.runs]
    tables = [pivot(table) for table in found if table is not None]
    if len(tables) < len(found):
        without = [str(run.path) for run, table in zip(compared.runs, found, strict=True) if table is None]
        return None, (
            f"Progress measures are not drawn: {len(without)} of {len(found)} runs have none. “grokscope measure RUN” "
            f"takes them, beginning with {without[0]}."
        )
    common = [name for name in tables[0] if all(name in table for table in tables)]
    known = [panel for panel in _MEASURES if panel.column in common]
    if "excluded_loss" not in common:
        return _own_measures(compared, tables, common, ax=ax)
    figure = figures.compared_panels(_data(compared, tables), known, log_steps=_log_steps(compared), ax=ax)
    caption = (
        "What forms while the losses do not show it: the loss with the key frequencies alone (restricted, over all "
        "pairs) falls and the loss without them (excluded, over the training set) rises as the circuit forms; then "
        "the weights keep few frequencies (Gini) and become small."
    )
    return Picture("measures", "Progress measures", caption, figure), ""


def _own_measures(
    compared: ComparedRuns, tables: Sequence[pd.DataFrame], common: Sequence[str], *, ax: Target = None
) -> tuple[Picture | None, str]:
    """Return the picture of a family's measures that are one number each."""
    names = [name for name in common if name in MEASURES and name not in _ON_CURVES][:MOST_PARTS]
    if not names:
        return None, ""
    panels = [Panel(name, name.replace("_", " "), MEASURES[name].unit or "value") for name in names]
    figure = figures.compared_panels(_data(compared, tables), panels, log_steps=_log_steps(compared), ax=ax)
    return Picture("measures", "Measures", "What “grokscope measure” found at the checkpoints.", figure), ""


def _making(compared: ComparedRuns) -> tuple[Facts, FoundTable]:
    facts: Mapping[str, dict[str, str]] = {str(run.path): dict(how_it_was_made(run)) for run in compared.runs}
    same = [name for name in _MADE_ALIKE if len({made[name] for made in facts.values()}) == 1]
    columns = ["Status", "Training time", "Command", *(name for name in _MADE_ALIKE if name not in same)]
    first = next(iter(facts.values()))
    rows = tuple((path, *(made[name] for name in columns)) for path, made in facts.items())
    return (
        tuple((name, first[name]) for name in same),
        FoundTable("Each run", ("run", *(name.lower() for name in columns)), rows),
    )
