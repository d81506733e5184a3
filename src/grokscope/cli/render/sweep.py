"""What ``grokscope sweep`` prints before it begins, and of what came of it."""

from collections.abc import Mapping, Sequence

import pandas as pd
from rich.console import Console
from rich.text import Text

from grokscope.cli.render.tables import name_table, print_whole
from grokscope.reports.sweep.tables import ARMS, COMPARED, arm_rows, compared_rows
from grokscope.sweeps import Cost, Destination, PlannedRun, Sweep, Way

MOST_ARMS = 12
"""So many arms are printed; all are in the table and on the page."""
MOST_SETTINGS = 8
"""So many values of a setting are printed."""


def print_plan(
    console: Console, sweep: Sweep, runs: Sequence[PlannedRun], place: Destination, way: Way, cost: Cost
) -> None:
    """Print what is going to be trained, and what it will take."""
    n_arms = len(runs) // len(sweep.seeds)
    table = name_table()
    total = f"{len(runs):,} runs: {_counted(n_arms, 'arm')} of {_counted(len(sweep.seeds), 'seed')}"
    table.add_row(sweep.base.name, Text(total))
    for name, values in sweep.vary.items():
        shown = ", ".join(map(str, values[:MOST_SETTINGS])) + (" …" if len(values) > MOST_SETTINGS else "")
        table.add_row(name, Text(shown))
    if sweep.cases:
        table.add_row("cases", Text(f"{len(sweep.cases)}: {'; '.join(map(_case, sweep.cases[:MOST_SETTINGS]))}"))
    for name, distribution in sweep.draw.items():
        bounds = f"{distribution.kind} from {distribution.low:g} to {distribution.high:g}"
        table.add_row(name, Text(f"{bounds}, {_counted(sweep.samples, 'sample')}"))
    if cost.n_runs < len(runs):
        table.add_row("left to do", Text(f"{cost.n_runs:,} of {len(runs):,} runs; the rest has ended"))
    if cost.n_runs:
        table.add_row("trained", Text(way.summary))
        how_long = f"at most about {_duration(cost.seconds)} of training, as fast as this machine, and a look at each"
        table.add_row("time", Text(how_long))
        table.add_row("disk", Text(f"at most about {_size(cost.bytes)} in {place}"))
    console.print(table)


def print_outcome(console: Console, arms: Mapping[str, pd.DataFrame]) -> None:
    """Print what came of each arm, and how arms differ."""
    found, compared = arm_rows(arms), compared_rows(arms)
    console.print()
    print_whole(console, found.columns, found.rows[:MOST_ARMS])
    if len(found.rows) > MOST_ARMS:
        console.print(f"and {len(found.rows) - MOST_ARMS} more arms", highlight=False)
    console.print(Text(ARMS), highlight=False)
    if compared is not None:
        console.print()
        print_whole(console, compared.columns, compared.rows[:MOST_ARMS])
        console.print(Text(COMPARED), highlight=False)
    console.print()


def _case(settings: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{max(1, round(seconds))} s"


def _size(n_bytes: int) -> str:
    for size, name in ((1e9, "GB"), (1e6, "MB")):
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {name}"
    return f"{max(1, n_bytes // 1000)} kB"
