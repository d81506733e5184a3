"""A network's pictures at many steps of its training, as tables of numbers that anything can draw.

A :class:`Replay` holds the same few pictures at every step; only numbers vary, and their scales stay, so that
one can watch them change. :func:`grokscope.reports.replay.collect.collect_frames` makes one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from grokscope.display import brief_repr

Palette = Literal["sequential", "sparse", "diverging"]
"""Of values that fill their range; of few that stand out from nothing; of values around zero."""


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars with a number each, in one series or in several beside each other."""

    name: str
    title: str
    xlabel: str
    ylabel: str
    labels: tuple[str, ...]
    series: tuple[str, ...]
    values: Float[np.ndarray, "step series bar"]
    caption: str = ""
    wide: bool = False
    """Whether it takes the whole width of the page."""

    __repr__ = brief_repr


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps of one scale and one size, side by side."""

    name: str
    title: str
    xlabel: str
    ylabel: str
    label: str
    """What the colours are, with the unit."""
    tiles: tuple[str, ...]
    palette: Palette
    values: Float[np.ndarray, "step tile row column"]
    rows: tuple[str, ...] = ()
    """Names of the rows; numbers from zero if empty."""
    columns: tuple[str, ...] = ()
    caption: str = ""
    wide: bool = False

    __repr__ = brief_repr


@dataclass(frozen=True, eq=False)
class Points:
    """Points in planes, in an order that their colours show."""

    name: str
    title: str
    tiles: tuple[str, ...]
    order: tuple[tuple[int, ...], ...]
    """For each plane, each point's place in its round."""
    values: Float[np.ndarray, "step tile point 2"]
    caption: str = ""
    wide: bool = False

    __repr__ = brief_repr


Picture = Bars | Maps | Points


@dataclass(frozen=True, eq=False)
class Replay:
    """Pictures over training: ``pictures[i].values[j]`` belongs to ``steps[j]``."""

    steps: tuple[int, ...]
    pictures: tuple[Picture, ...]

    @property
    def size(self) -> int:
        """How many numbers there are in all pictures together."""
        return sum(picture.values.size for picture in self.pictures)

    def __repr__(self) -> str:
        names = ", ".join(picture.name for picture in self.pictures)
        return f"Replay({len(self.steps)} steps, {self.steps[0]:,} to {self.steps[-1]:,}: {names})"


Frame = tuple[Picture, ...]
"""The pictures of one step."""


def with_captions(frame: Frame, captions: Mapping[str, str], *, wide: Collection[str] = ()) -> Frame:
    """Return the pictures with what is said below each, by its name; those named ``wide`` take the page's width."""
    return tuple(replace(each, caption=captions[each.name], wide=each.name in wide) for each in frame)


def join_frames(steps: Sequence[int], frames: Sequence[Frame]) -> Replay:
    """Return the replay of pictures that were made one step after the other.

    What does not change, names and labels, is taken from the last.
    """
    pictures = tuple(
        replace(last, values=np.concatenate([frame[place].values for frame in frames]))
        for place, last in enumerate(frames[-1])
    )
    return Replay(tuple(steps), pictures)


def evenly_chosen(steps: Sequence[int], most: int) -> list[int]:
    """Return at most ``most`` of ``steps``, evenly, with the first and the last."""
    if len(steps) <= most:
        return list(steps)
    places = np.linspace(0, len(steps) - 1, most).round().astype(int)
    return [steps[place] for place in places]
