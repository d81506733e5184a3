"""Every picture of a sweep, by its name: on its page, and for a paper."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from grokscope import figures
from grokscope.analysis.many_runs.arms import ALL, arms_of, key_frequencies
from grokscope.errors import ConfigError, nearest
from grokscope.figures.catalogue import Picture
from grokscope.figures.many_runs.survival import MOST_ARMS


@dataclass(frozen=True, eq=False)
class SweepFacts:
    """What is said of a sweep that its table does not say."""

    name: str
    """Of the experiment that it starts from."""
    chosen: Sequence[str]
    """The settings that make its arms."""
    drawn: Sequence[str]
    """The settings that were drawn at random."""
    n_seeds: int
    n_planned: int
    n_frequencies: int | None
    """How many frequencies a network can have, (p − 1)/2; None where that is not the same for all, or means nothing."""
    plan: str
    """All of it, as YAML."""
    runs: str
    """The folder of the runs' folders, from where the page is."""


@dataclass(frozen=True)
class SweepEntry:
    """A picture."""

    shows: str
    """In a few words."""
    title: str
    caption: str
    draw: Callable[[pd.DataFrame, SweepFacts], Figure]
    """Of all runs that have not failed. Raises ConfigError where there is nothing to draw, and says what is missing."""


def draw_sweep_picture(name: str, table: pd.DataFrame, facts: SweepFacts) -> Figure:
    """Return the picture of a sweep that has this name in :data:`SWEEP_GALLERY`.

    Args:
        name: of the picture.
        table: a row a run (:func:`grokscope.sweeps.run_sweep`).
        facts: what it is of.

    Raises:
        ConfigError: there is no such picture, or nothing to draw.
    """
    entry = SWEEP_GALLERY.get(name)
    if entry is None:
        raise ConfigError(f"there is no picture {name!r} of a sweep{nearest(name, SWEEP_GALLERY)}")
    return entry.draw(_ended(table), facts)


def pictures_of_sweep(table: pd.DataFrame, facts: SweepFacts) -> list[Picture]:
    """Return the pictures of a sweep that there is something to draw of, in the order of the page.

    Args:
        table: a row a run.
        facts: what it is of.
    """
    runs, pictures = _ended(table), []
    there = {
        "survival": len(arms_of(runs, facts.chosen)) <= MOST_ARMS,
        "settings": bool(_varied(runs, facts)),
        "frequencies": any(key_frequencies(runs)),
    }
    for name, entry in SWEEP_GALLERY.items():
        if there[name]:
            pictures.append(Picture(name, entry.title, entry.caption, entry.draw(runs, facts)))
    return pictures


def _ended(table: pd.DataFrame) -> pd.DataFrame:
    return table.loc[table["status"] != "failed"]


def _varied(runs: pd.DataFrame, facts: SweepFacts) -> list[str]:
    return [name for name in (*facts.chosen, *facts.drawn) if len(runs[name].unique()) > 1]


def _survival(runs: pd.DataFrame, facts: SweepFacts) -> Figure:
    return figures.survival_curves(arms_of(runs, facts.chosen))


def _settings(runs: pd.DataFrame, facts: SweepFacts) -> Figure:
    return figures.time_to_grok(runs, _varied(runs, facts))


def _frequencies(runs: pd.DataFrame, facts: SweepFacts) -> Figure:
    arms: Mapping[str, pd.DataFrame] = arms_of(runs, facts.chosen)
    return figures.key_frequency_counts(arms if len(arms) <= MOST_ARMS else {ALL: runs}, facts.n_frequencies)


SWEEP_GALLERY: dict[str, SweepEntry] = {
    "survival": SweepEntry(
        "the share of each arm's runs that have not grokked yet",
        "When runs grok",
        "The share of runs that have not grokked yet (Kaplan–Meier), with pointwise 95 % intervals. A run that "
        "ends without having grokked counts up to its last step; one that diverged counts as never grokking.",
        _survival,
    ),
    "settings": SweepEntry(
        "the step at which every run grokked, against each setting",
        "Time to grok",
        "Every run at the step at which it grokked for good, against each setting that was varied, whatever the "
        "others were.",
        _settings,
    ),
    "frequencies": SweepEntry(
        "how many key frequencies networks have, and which",
        "Key frequencies",
        "Of the networks that grokked: how many key frequencies the embedding has and, where all have the same "
        "modulus, which. Above or below the grey band are frequencies that are used more or less often than chance "
        "would have it.",
        _frequencies,
    ),
}
"""By name, in the order of the page."""
