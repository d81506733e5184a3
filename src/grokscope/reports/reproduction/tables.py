"""The results of a reproduction as readers see them, in the terminal and on its page."""

from grokscope.reports.run.evidence import FoundTable
from grokscope.reproduction.results import Reproduction, Result

MEANING = (
    "Measured: of several seeds the median, and in brackets the lowest and the highest. “agrees”: by its rule; "
    "“differs”: not by it; “too early”: our run has not gone as far as the published one."
)


_WORDS = {
    "agrees": ("agrees", "agree"),
    "differs": ("differs", "differ"),
    "too early": ("is of a later step", "are of later steps"),
    "not measured": ("was not measured", "were not measured"),
    "not run": ("was not run", "were not run"),
}
"""Verdicts in a sentence, of one and of several."""


def results_tables(found: Reproduction) -> list[FoundTable]:
    """Return a table for each experiment, with a row an item."""
    return [
        FoundTable(
            arm.name,
            ("what", "published", "measured", "seeds", "verdict"),
            tuple(_row(result) for result in found.results if result.item.arm == arm.name),
        )
        for arm in found.plan.arms
    ]


def in_words(found: Reproduction) -> str:
    """Return how many items have which verdict, in a sentence."""
    counts = [f"{n} {_WORDS[verdict][n > 1]}" for verdict, n in found.counts.most_common()]
    return f"Of {len(found.results)} published numbers: {', '.join(counts)}."


def _row(result: Result) -> tuple[str, ...]:
    item, seeds = result.item, sorted(result.values)
    of = "" if item.seed in (None, 0) else f" (seed {item.seed})"
    return (
        f"{item.measurement.what}{of}",
        item.measurement.told(item.published),
        result.measured or "–",
        str(len(seeds)),
        result.verdict,
    )
