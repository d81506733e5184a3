"""A run in a dozen lines."""

import math
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grokscope.analysis import find_phases, network_key_frequencies
from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.trajectories.run_change_points import changes_of_run
from grokscope.curves.change_points import grokking_delay
from grokscope.errors import GrokscopeError
from grokscope.run import Run
from grokscope.tasks import ModularTask


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
    if run.steps and isinstance(run.task, ModularTask):
        lines += _circuit_lines(run, run.task, step)
    elif not isinstance(run.task, ModularTask) and len(metrics) > 2:
        lines += _change_lines(run)
    return lines


def _change_lines(run: Run) -> list[tuple[str, str]]:
    """Return where the test losses change, of the whole and of each part."""
    points = changes_of_run(run)
    lines = []
    for name in ("", *(f"_{part}" for part in run.task.subtasks)):
        point = points.get(f"test_loss{name}")
        if point is not None:
            width = f"half of it within {point.width:,.0f} steps"
            lines.append((f"change of loss{name.replace('_', ' ')}", f"step {point.location:,.0f}, {width}"))
    delay = grokking_delay(points)
    if delay is not None and run.task.train is not None:
        lines.append(("grokking delay", f"{delay:,.0f} steps between the training loss and the test loss"))
    return lines


def _circuit_lines(run: Run, task: ModularTask, step: int | None) -> list[tuple[str, str]]:
    at = run.steps[-1] if step is None else step
    found = network_key_frequencies(run.model(step), task)
    keys, coordinates = ", ".join(map(str, found.named)), find_coordinates(task.table)
    where = f", {coordinates.note}" if coordinates is not None and coordinates.note else ""
    lines = [(f"key frequencies at {at:,}", f"{keys}{where}" if keys else f"none: {found.reason}")]
    if found.neurons is None:
        return lines
    clusters = found.neurons.clusters()
    sizes = "  ".join(f"{k}: {clusters[k]}" for k in found.named if k in clusters)
    total = len(found.neurons.share)
    inside = sum(clusters.values())
    return [
        *lines,
        (
            "neurons in clusters",
            f"{inside} of {total} ({inside / total:.1%})" + (f"   {sizes}" if sizes else ""),
        ),
    ]


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
