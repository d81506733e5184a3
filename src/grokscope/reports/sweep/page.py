"""One HTML file about a sweep, which needs no network: what its groups reached, and a table of all runs."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from grokscope import figures
from grokscope.analysis.many_runs.labels import short_name
from grokscope.analysis.many_runs.outcomes import COLUMNS, RunOutcome
from grokscope.config import dump_yaml
from grokscope.errors import ConfigError
from grokscope.figures.catalogue import Picture, sweep_figures
from grokscope.reports.html.inline import inline_svg
from grokscope.reports.run.evidence import FoundTable
from grokscope.reports.run.page import page_environment, script_sources
from grokscope.reports.sweep.tables import GROUPS, PAIRS, group_table, pair_table
from grokscope.sweeps import SweepOutcomes


@dataclass(frozen=True)
class Cell:
    """A cell of the table of runs."""

    text: str
    sort: float | str
    """By what its column is sorted."""


@dataclass(frozen=True, eq=False)
class SweepContent:
    """What the page says, in its order; texts are plain, not HTML."""

    title: str
    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    pictures: tuple[Picture, ...]
    tables: tuple[tuple[FoundTable, str], ...]
    columns: tuple[str, ...]
    runs: tuple[tuple[str, tuple[Cell, ...]], ...]
    """Of each run: the address of its folder, and a cell a column."""
    plan: str


def read_sweep(sweep: SweepOutcomes, runs: str) -> SweepContent:
    """Return everything that the page says.

    Args:
        sweep: with the outcomes of its runs.
        runs: the folder of the runs' folders, from where the page is.

    Raises:
        ConfigError: no run has ended.
    """
    if not sweep.groups:
        raise ConfigError("there is nothing to report: no run of this sweep has ended")
    pairs = pair_table(sweep.time_to_grok)
    columns, rows = run_cells(sweep.outcomes, sweep.settings, sweep.measures)
    addresses = [f"{runs}/{quote(each.run)}/" for each in sweep.outcomes]
    return SweepContent(
        title=f"{sweep.plan.base.name}: {len(sweep.plan.runs()):,} runs",
        sentences=tuple(_sentences(sweep)),
        notes=tuple(f"{each.run} failed: {each.error}" for each in sweep.outcomes if each.status == "failed"),
        pictures=tuple(spec.picture(sweep) for spec in sweep_figures().values() if spec.on_page(sweep)),
        tables=(
            (group_table(sweep.groups, sweep.time_to_grok), GROUPS),
            *([] if pairs is None else [(pairs, PAIRS)]),
        ),
        columns=columns,
        runs=tuple(zip(addresses, rows, strict=True)),
        plan=dump_yaml(sweep.plan.model_dump(mode="json")),
    )


def render_sweep(content: SweepContent) -> str:
    """Return the HTML of ``content``; every text in it is escaped."""
    script = Markup(files("grokscope.reports").joinpath("html/sorting.js").read_text(encoding="utf-8"))
    drawings = {
        picture.name: inline_svg(figures.to_svg(picture.figure), picture.name, picture.title)
        for picture in content.pictures
    }
    return page_environment().get_template("sweep/page.html.j2").render(
        content=content, drawings=drawings, scripts=(script,), script_sources=script_sources((script,))
    )  # fmt: skip


def run_cells(
    outcomes: Sequence[RunOutcome], settings: Sequence[str], measures: Sequence[str]
) -> tuple[tuple[str, ...], tuple[tuple[Cell, ...], ...]]:
    """Return the labels of the columns of which some run has a value, and the cells of each run.

    Args:
        outcomes: of the runs.
        settings: those that have a column.
        measures: those that have a column.
    """
    labels: list[str] = []
    columns: list[list[Any]] = []
    extra = {"settings": settings, "measures": measures}
    for each in fields(RunOutcome):
        column, name = COLUMNS[each.name], each.name
        values = [getattr(outcome, name) for outcome in outcomes]
        if column.dtype == "columns":
            labels += [short_name(key) if name == "settings" else key for key in extra[name]]
            columns += [[value.get(key) for value in values] for key in extra[name]]
        elif not column.hidden:
            labels.append(column.label)
            columns.append(values)
    kept = [place for place, values in enumerate(columns) if any(value is not None for value in values)]
    rows = zip(*(columns[place] for place in kept), strict=True)
    return tuple(labels[place] for place in kept), tuple(tuple(map(_cell, row)) for row in rows)


def _sentences(sweep: SweepOutcomes) -> list[str]:
    counts: dict[str, int] = {}
    for each in sweep.ended:
        counts[str(each.outcome)] = counts.get(str(each.outcome), 0) + 1
    ended = ", ".join(f"{n:,} {outcome}" for outcome, n in sorted(counts.items(), key=lambda item: -item[1]))
    n_seeds = len(sweep.plan.seeds)
    settings = ", ".join(map(short_name, sweep.settings))
    varied = f"; varied: {settings}" if settings else ""
    sentences = [
        f"{len(sweep.outcomes):,} of {len(sweep.plan.runs()):,} runs have ended: {ended or 'none as planned'} "
        f"({n_seeds:,} seed{'' if n_seeds == 1 else 's'}{varied})."
    ]
    medians = sweep.time_to_grok.summary.sort_values("median")
    first, median = medians["group"].iloc[0], medians["median"].iloc[0]
    if median < float("inf"):
        if len(medians) > 1:
            sentences.append(f"The soonest to grok: {first}, in the median at step {median:,.0f}.")
        else:
            sentences.append(f"Half of all runs have grokked by step {median:,.0f}.")
    return sentences


def _cell(value: Any) -> Cell:
    match value:
        case None:
            return Cell("–", "")
        case tuple():
            return Cell(" ".join(map(str, value)) or "none", float(len(value)))
        case bool() | str():
            return Cell(str(value), str(value))
        case int() | float():
            whole = isinstance(value, int) or abs(value) >= 1000
            return Cell(f"{value:,.0f}" if whole else f"{value:.4g}", float(value))
        case _:
            return Cell(str(value), str(value))
