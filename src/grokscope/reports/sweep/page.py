"""One HTML file about a sweep, which needs no network: what came of its arms, and a table of all runs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup

from grokscope import figures
from grokscope.analysis.many_runs.arms import arm_table, arms_of
from grokscope.errors import ConfigError
from grokscope.figures.catalogue import Picture
from grokscope.reports.html.inline import inline_svg
from grokscope.reports.run.evidence import FoundTable
from grokscope.reports.run.page import page_environment, script_sources
from grokscope.reports.sweep.pictures import SweepFacts, pictures_of_sweep
from grokscope.reports.sweep.tables import ARMS, COMPARED, arm_rows, compared_rows

_HIDDEN = ("memorised", "generalised", "key_frequencies")
"""Columns that only the table on disk has; the key frequencies stand in place of their number."""


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


def read_sweep(table: pd.DataFrame, facts: SweepFacts) -> SweepContent:
    """Return everything that the page says.

    Args:
        table: a row a run (:func:`grokscope.sweeps.run_sweep`).
        facts: what it is of.

    Raises:
        ConfigError: no run has ended.
    """
    arms = arms_of(table, facts.chosen)
    if not arms:
        raise ConfigError("there is nothing to report: no run of this sweep has ended")
    compared = compared_rows(arms)
    failed = table.loc[table["status"] == "failed"]
    columns, rows = _run_rows(table, facts.runs)
    return SweepContent(
        title=f"{facts.name}: {facts.n_planned:,} runs",
        sentences=tuple(_sentences(table, arms, facts)),
        notes=tuple(f"{run} failed: {error}" for run, error in zip(failed["run"], failed["error"], strict=True)),
        pictures=tuple(pictures_of_sweep(table, facts)),
        tables=((arm_rows(arms), ARMS), *([] if compared is None else [(compared, COMPARED)])),
        columns=columns,
        runs=rows,
        plan=facts.plan,
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


def _sentences(table: pd.DataFrame, arms: Mapping[str, pd.DataFrame], facts: SweepFacts) -> list[str]:
    counts = table["outcome"].value_counts()
    ended = ", ".join(f"{n:,} {outcome}" for outcome, n in counts.items())
    seeds = f"{facts.n_seeds:,} seed{'' if facts.n_seeds == 1 else 's'}"
    settings = ", ".join(name.rpartition(".")[2].replace("_", " ") for name in (*facts.chosen, *facts.drawn))
    varied = f"; varied: {settings}" if settings else ""
    said = [f"{len(table):,} of {facts.n_planned:,} runs have ended: {ended or 'none as planned'} ({seeds}{varied})."]
    first = arm_table(dict(arms))
    if len(arms) > 1:
        quick = first.sort_values("median").to_dict("records")
        if quick[0]["median"] < float("inf"):
            said.append(f"The soonest to grok: {quick[0]['arm']}, in the median at step {quick[0]['median']:,.0f}.")
    elif first["median"].iloc[0] < float("inf"):
        said.append(f"Half of all runs have grokked by step {first['median'].iloc[0]:,.0f}.")
    return said


def _run_rows(table: pd.DataFrame, folder: str) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[Cell, ...]], ...]]:
    kept = [str(name) for name in table.columns if name not in _HIDDEN and any(table[name].notna().tolist())]
    named = {name: name.rpartition(".")[2].replace("_", " ") for name in kept}
    rows = []
    for row in table.to_dict("records"):
        cells = [_cell(row[name]) for name in kept]
        if "n_key_frequencies" in named and isinstance(row["key_frequencies"], str):
            keys = row["key_frequencies"]
            cells[kept.index("n_key_frequencies")] = Cell(keys, float(len(keys.split())))
        rows.append((f"{folder}/{quote(str(row['run']))}/", tuple(cells)))
    columns = tuple("key frequencies" if name == "n_key_frequencies" else named[name] for name in kept)
    return columns, tuple(rows)


def _cell(value: Any) -> Cell:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return Cell("–", "")
    if isinstance(value, bool | str):
        return Cell(str(value), str(value))
    if isinstance(value, int | float):
        whole = isinstance(value, int) or abs(value) >= 1000
        return Cell(f"{value:,.0f}" if whole else f"{value:.4g}", float(value))
    return Cell(str(value), str(value))
