"""What ``grokscope watch`` shows of a run at one moment, as a picture or as a line."""

from rich.console import ConsoleDimensions, Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from grokscope.analysis import find_phases
from grokscope.cli.render.chart import loss_chart
from grokscope.cli.render.summary import duration
from grokscope.run import Run
from grokscope.run.metrics import COLUMNS, Row
from grokscope.run.monitor import Look
from grokscope.run.recording.progress import describe

STYLES = {"running": "cyan", "finished": "green", "interrupted": "yellow", "diverged": "red", "failed": "red"}
OTHER_LINES = 11
"""Of the terminal: what stands above and below the curves, and the shell's prompt after the end."""


def picture(run: Run, look: Look, size: ConsoleDimensions) -> Group:
    """Return everything about the run that fits into a terminal of that size."""
    bar = Table.grid(expand=True, padding=(0, 2, 0, 0))
    bar.add_column(ratio=1)
    bar.add_column(no_wrap=True)
    bar.add_row(ProgressBar(total=run.experiment.stop.steps, completed=look.step), Text(_pace(run, look)))
    lines = [
        Text.assemble((str(run.path), "bold"), f" · {run.task_name}", no_wrap=True, overflow="ellipsis"),
        bar,
        Text("no metrics yet" if look.metrics.empty else describe(_last(look)), no_wrap=True, overflow="ellipsis"),
        Text(_phases(run, look) or "no phase is over yet", style="dim", no_wrap=True, overflow="ellipsis"),
    ]
    if not look.metrics.empty:
        height = min(max(size.height - OTHER_LINES, 3), 16)
        lines += [Text(), loss_chart(look.metrics, max(size.width, 30), height)]
    end = "Ctrl-C leaves; the run goes on" if look.status == "running" else look.reason
    return Group(*lines, Text.assemble((look.status, STYLES[look.status]), f" · {end}"))


def plain_line(run: Run, look: Look) -> str:
    """Return the last row in one line, with what has happened so far."""
    parts = [f"{run.path}: step {_pace(run, look)}", describe(_last(look)), _phases(run, look)]
    return " · ".join(part for part in parts if part)


def _last(look: Look) -> Row:
    row = look.metrics.iloc[-1]
    return Row(look.step, *(row[name] for name in COLUMNS[1:]))


def _pace(run: Run, look: Look) -> str:
    total = run.experiment.stop.steps
    text = f"{look.step:,}/{total:,}"
    if not look.steps_per_second:
        return text
    text += f" · {look.steps_per_second:.1f} steps/s"
    left = (total - look.step) / look.steps_per_second
    return f"{text} · {duration(left)} left" if look.status == "running" and left > 0 else text


def _phases(run: Run, look: Look) -> str:
    reached = {} if look.metrics.empty else find_phases(look.metrics, run.task.chance_loss).reached()
    if look.status == "running":  # that the loss has come down for good is known at the end
        reached.pop("cleaned up", None)
    return ", ".join(f"{name} {step:,}" for name, step in reached.items())
