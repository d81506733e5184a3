"""What ``grokscope sweep`` prints before it begins, and at its end."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from grokscope.cli.render.amounts import size_in_words, time_in_words
from grokscope.cli.render.tables import name_table, print_whole
from grokscope.reports.sweep.tables import GROUPS, PAIRS, group_table, pair_table
from grokscope.sweeps import Cost, PlannedRun, Storage, Sweep, SweepBackend, SweepOutcomes

MOST_GROUPS = 12
"""So many groups are printed; all are in the table and on the page."""
MOST_SETTINGS = 8
"""So many values of a setting are printed."""


def print_plan(
    console: Console, sweep: Sweep, runs: Sequence[PlannedRun], storage: Storage, backend: SweepBackend, cost: Cost
) -> None:
    """Print what is going to be trained, and what it will take."""
    table = name_table()
    n_combinations, n_seeds = len(sweep.combinations()), len(sweep.seeds)
    total = (
        f"{len(runs):,} runs: {_counted(n_combinations, 'combination')} of settings, {_counted(n_seeds, 'seed')} each"
    )
    table.add_row(sweep.base.name, Text(total))
    for name, values in sweep.vary.items():
        shown = ", ".join(map(str, values[:MOST_SETTINGS])) + (" …" if len(values) > MOST_SETTINGS else "")
        table.add_row(name, Text(shown))
    if sweep.cases:
        table.add_row("cases", Text(f"{len(sweep.cases)}: {'; '.join(map(_case, sweep.cases[:MOST_SETTINGS]))}"))
    for name, distribution in sweep.sample.items():
        bounds = f"{distribution.kind} from {distribution.low:g} to {distribution.high:g}"
        table.add_row(name, Text(f"{bounds}, {_counted(sweep.n_samples, 'sample')}"))
    if cost.n_runs < len(runs):
        table.add_row("left to do", Text(f"{cost.n_runs:,} of {len(runs):,} runs; the others have ended"))
    if cost.n_runs:
        table.add_row("trained", Text(backend.summary))
        took = time_in_words(cost.seconds)
        how_long = f"at most about {took} of training, on machines as fast as this one, and the analysis"
        table.add_row("time", Text(how_long))
        table.add_row("disk", Text(f"at most about {size_in_words(cost.bytes)} in {storage}"))
    console.print(table)


def print_outcomes(console: Console, sweep: SweepOutcomes) -> None:
    """Print what the groups reached, and how they differ."""
    found, pairs = group_table(sweep.groups, sweep.time_to_grok), pair_table(sweep.time_to_grok)
    console.print()
    print_whole(console, found.columns, found.rows[:MOST_GROUPS])
    if len(found.rows) > MOST_GROUPS:
        console.print(f"and {len(found.rows) - MOST_GROUPS} more groups", highlight=False)
    console.print(Text(GROUPS), highlight=False)
    if pairs is not None:
        console.print()
        print_whole(console, pairs.columns, pairs.rows[:MOST_GROUPS])
        console.print(Text(PAIRS), highlight=False)
    console.print()


def _case(settings: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
