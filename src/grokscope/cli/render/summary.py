"""A run in a dozen lines."""

import math
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grokscope.analysis import find_phases
from grokscope.cli.render.family import summarise_run
from grokscope.errors import GrokscopeError
from grokscope.run import Run


def print_summary(run: Run, console: Console, *, step: int | None = None) -> None:
    """Print what was trained, how it went, and the frequencies of the network at ``step`` (None: the last)."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _lines(run, step):
        table.add_row(name, Text(value))
    console.print(table)


def _lines(run: Run, step: int | None) -> list[tuple[str, str]]:
    record, metrics = run.record, run.metrics
    lines = [
        ("run", str(run.path)),
        ("task", run.task_name),
        ("status", f"{run.status} ({record['reason']})" if record["reason"] else run.status),
    ]
    seconds = record["training_seconds"]
    if seconds and not metrics.empty:
        taken = int(metrics["step"].iloc[-1])
        lines.append(("training", f"{taken:,} steps in {duration(seconds)}, {taken / seconds:.0f} steps/s"))
    if not metrics.empty:
        lines += [(f"at step {int(row.step):,}", _row(row)) for row in (metrics.iloc[0], metrics.iloc[-1])]
        phases = find_phases(metrics, run.task.chance_loss)
        lines += [(name, f"step {border:,}") for name, border in phases.reached().items()]
    return lines + summarise_run(run.task, run, step)


def _row(row) -> str:
    text = f"train loss {row.train_loss:.6g} ({row.train_accuracy:.2%})"
    return text if math.isnan(row.test_loss) else f"{text}, test loss {row.test_loss:.6g} ({row.test_accuracy:.2%})"


def duration(seconds: float) -> str:
    """Return a time in minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def run_cells(path: Path) -> list[str]:
    """Return a run as a row of a table of runs; a damaged run says so."""
    try:
        run = Run(path)
        seeds = run.experiment.seeds
        same = len(set(seeds.model_dump().values())) == 1
        cells = [
            str(path),
            run.task_name,
            str(seeds.init) if same else f"{seeds.init}/{seeds.split}",
            run.status,
        ]
        metrics = run.metrics
        if metrics.empty:
            return [*cells, "–", "–", "–", "–"]
        last = metrics.iloc[-1]
        return [
            *cells,
            f"{int(last.step):,}",
            f"{last.train_loss:.2e}",
            f"{last.test_loss:.2e}",
            f"{last.test_accuracy:.2%}",
        ]
    except GrokscopeError as error:
        return [str(path), "", "", f"damaged: {error}", "", "", "", ""]
