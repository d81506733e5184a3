"""Where a curve has its phase change: one rule for losses, losses of parts, accuracies and scores.

The rule. A curve is first made monotone: isotonic regression, the monotone curve nearest to it in least squares, which
has no bandwidth to choose. Losses count as those of guessing where they are higher, so that what is found is the step
from guessing to knowing, whatever a memorising network does above it. The *shortest* interval of steps in which the
monotone curve makes half of its whole change is the phase change (as the shorth, the shortest half, locates a
distribution: Andrews et al. 1972); its *location* is where half of that interval's change is made, its *width* the
interval's length, its *height* the whole change.

A change is *abrupt*, a phase change, if its width is less than half of its location. This does not depend on how long
the run was watched. A straight line has a width of twice its location, an exponential decay of 2.4 times.

Uncertainty: the wild bootstrap. What a value differs by from the straight line between its neighbours is its noise (the
monotone curve follows a steep part too closely to show it); each value's noise gets a random sign, so that it stays
where it is large, and the change is located again (Liu 1988). The interval says how well one curve locates its change,
not how much runs differ: for that, take several seeds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import SupportsFloat

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

ABRUPT = 0.5
"""A change is abrupt if its width is below this share of its location."""
NOISE = 5.0
"""A change must be this many times as high as the curve's noise."""
_RESAMPLES = 200


@dataclass(frozen=True)
class ChangePoint:
    """Where and how a curve changes."""

    location: float
    """In steps."""
    low: float
    """Lower end of the location's 95 % interval."""
    high: float
    """Upper end of it."""
    width: float
    """Steps in which half of the change is made."""
    height: float
    """How much the curve falls (losses) or rises (scores) in all, in its own unit."""

    @property
    def is_abrupt(self) -> bool:
        """Whether it is a phase change by the rule above."""
        return self.width < ABRUPT * self.location


def find_change_point(
    steps: Iterable[SupportsFloat],
    values: Iterable[SupportsFloat],
    *,
    rising: bool = False,
    ceiling: float = np.inf,
    resamples: int = _RESAMPLES,
    seed: int = 0,
) -> ChangePoint | None:
    """Return the change point of a curve, by the rule at the head of this module; None where nothing changes.

    Args:
        steps: ascending; where the curve was evaluated.
        values: of the curve; NaN is left out.
        rising: whether the change is a rise (accuracies, scores) or a fall (losses).
        ceiling: values above it count as it: for losses, that of guessing.
        resamples: bootstrap samples for the interval.
        seed: draws them.

    Raises:
        ValueError: steps do not ascend, or are not as many as values.
    """
    at, curve = np.asarray(list(steps), dtype=float), np.asarray(list(values), dtype=float)
    if at.shape != curve.shape or (np.diff(at) <= 0).any():
        raise ValueError(f"expected ascending steps, one for each of {len(curve)} values, got {len(at)}")
    known = np.isfinite(curve)
    at, curve = at[known], np.minimum(curve[known], ceiling)
    if len(at) < 3:
        return None
    falling = -curve if rising else curve
    smooth = isotonic_regression(falling, increasing=False).x
    noise = _noise(falling)
    height = float(smooth[0] - smooth[-1])
    if height <= max(NOISE * float(noise.std()), 1e-9 * float(np.abs(curve).max())):
        return None
    location, width = _shortest_half(at, smooth)
    low, high = _interval(at, smooth, noise, resamples, seed)
    spacing = float(np.diff(at)[max(0, int(np.searchsorted(at, location)) - 1)])
    # nothing is known within one interval between two evaluations
    return ChangePoint(location, min(low, location - spacing / 2), max(high, location + spacing / 2), width, height)


def _shortest_half(steps: np.ndarray, smooth: np.ndarray) -> tuple[float, float]:
    """Return where the shortest half of a falling curve's fall is, and how long it takes."""
    done = (smooth[0] - smooth) / (smooth[0] - smooth[-1])
    # begins at every evaluation; ends where half more is done, between evaluations on a straight line
    begins = done <= 0.5
    lengths = _reached(steps, done, done[begins] + 0.5) - steps[begins]
    best = int(lengths.argmin())
    (location,) = _reached(steps, done, done[best : best + 1] + 0.25)
    return float(location), float(lengths[best])


def _reached(steps: np.ndarray, done: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the first steps at which these shares of the fall are done, on straight lines between evaluations."""
    after = np.searchsorted(done, shares - 1e-12).clip(1, len(done) - 1)
    rise = done[after] - done[after - 1]
    part = np.divide(shares - done[after - 1], rise, out=np.zeros_like(shares), where=rise > 0)
    return steps[after - 1] + part * (steps[after] - steps[after - 1])


def _noise(values: np.ndarray) -> np.ndarray:
    """Return each value's difference from the line between its neighbours, scaled to the noise's own size."""
    inner = (values[1:-1] - (values[:-2] + values[2:]) / 2) * np.sqrt(2 / 3)
    return np.concatenate([inner[:1], inner, inner[-1:]])


def _interval(
    steps: np.ndarray, smooth: np.ndarray, noise: np.ndarray, resamples: int, seed: int
) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        again = isotonic_regression(smooth + rng.choice([-1.0, 1.0], size=len(noise)) * noise, increasing=False).x
        if again[0] > again[-1]:
            found.append(_shortest_half(steps, again)[0])
    return float(np.percentile(found, 2.5)), float(np.percentile(found, 97.5))


def change_points(table: pd.DataFrame, ceilings: dict[str, float]) -> dict[str, ChangePoint]:
    """Return the change point of every curve in a table that has one, by column.

    Args:
        table: a column ``step``, and curves: losses (``loss`` in their names) fall, the others rise.
        ceilings: the loss of guessing, by the columns that have one.
    """
    found = {}
    for name in table.columns:
        if name == "step":
            continue
        point = find_change_point(
            table["step"], table[name], rising="loss" not in name, ceiling=ceilings.get(name, np.inf)
        )
        if point is not None:
            found[name] = point
    return found


def grokking_delay(points: dict[str, ChangePoint], part: str = "") -> float | None:
    """Return how many steps after fitting its training set a network generalises: test's change less training's.

    About 0 where every step has fresh examples. None where one of the curves does not change.

    Args:
        points: of :func:`change_points`.
        part: of the task; the whole if empty.
    """
    suffix = f"_{part}" if part else ""
    train, test = points.get(f"train_loss{suffix}"), points.get(f"test_loss{suffix}")
    return None if train is None or test is None else test.location - train.location
