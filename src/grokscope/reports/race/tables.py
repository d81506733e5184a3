"""The standings of a race as readers see them, in the terminal and on its page."""

import math

from grokscope.analysis.many_runs.labels import short_name
from grokscope.races.plan import LEVELS
from grokscope.races.standings import Scored, Standings
from grokscope.reports.run.evidence import FoundTable

MEANING = (
    "Each entry was tuned with the same number of random trials on seeds that are not scored; the best was then run on "
    "the scored seeds. “Kept”: the step from which on the test accuracy is at least 95 % (or 99 %) to the end; "
    "“first”: when it first was. Medians are over all runs, with 95 % bootstrap intervals; runs that never got there "
    "count as censored, and the median is “never” where half of them did not. Seconds are on one thread, measured in "
    "turns in one process; GFLOP are those of matrix products. An asterisk marks an entry that changes the network or "
    "its initial weights."
)
LEARNED = (
    "What the networks have learned at the end of the scored runs: how many are explained (“grokscope explain”), the "
    "median number of key frequencies, and the mean lead of the right logit over the best wrong one (nats). “Random "
    "labels”: the test accuracy of the same settings where labels have no rule, which is at chance unless the test set "
    "was seen."
)


def standings_table(standings: Standings) -> FoundTable:
    """Return a row an entry: how many of its runs got there, and when."""
    rows = tuple(
        (
            _name(each),
            *(f"{each.count(level, kept=True)} of {len(each.runs)}" for level in LEVELS[:1]),
            *(_steps(each, level, kept=True) for level in LEVELS),
            _steps(each, LEVELS[0], kept=False),
            _amount(each.median(LEVELS[0], kept=True).estimate * each.cost.seconds),
            _amount(each.median(LEVELS[0], kept=True).estimate * each.cost.flop / 1e9),
        )
        for each in standings.ranked
    )
    names = ("entry", "kept 95 %", "median step", "99 % kept", "95 % first", "seconds", "GFLOP")
    return FoundTable("Standings", names, rows)


def learned_table(standings: Standings) -> FoundTable:
    """Return a row an entry: what its networks have learned, the control, and its settings."""
    rows = tuple(
        (
            _name(each),
            f"{each.n_explained} of {len(each.runs)}",
            "–" if each.n_frequencies is None else f"{each.n_frequencies:g}",
            "–" if each.margin is None else f"{each.margin:.3g}",
            f"{100 * each.random_labels:.1f} %",
            _settings(each) or "nothing to tune",
        )
        for each in standings.ranked
    )
    names = ("entry", "explained", "frequencies", "margin", "random labels", "tuned settings")
    return FoundTable("What was learned", names, rows)


def _name(scored: Scored) -> str:
    return f"{scored.entry.name}{'*' if scored.entry.changes_network else ''}"


def _steps(scored: Scored, level: float, *, kept: bool) -> str:
    found = scored.median(level, kept=kept)
    if math.isinf(found.estimate):
        return "never"
    return f"{found.estimate:,.0f} ({_step(found.low)} to {_step(found.high)})"


def _step(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:,.0f}"


def _settings(scored: Scored) -> str:
    return ", ".join(f"{short_name(name)} {value:.3g}" for name, value in scored.tuned.settings.items())


def _amount(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
