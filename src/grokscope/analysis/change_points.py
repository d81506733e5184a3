"""Where a curve has its phase change: one rule for losses, losses of parts, accuracies and scores.

The rule. A curve is first made monotone: isotonic regression, the monotone curve nearest to it in least squares, which
has no bandwidth to choose. Losses count as those of guessing where they are higher, so that what is found is the step
from guessing to knowing, whatever a memorising network does above it. The *shortest* interval of steps in which the
monotone curve makes half of its whole change is the phase change (as the shorth, the shortest half, locates a
distribution: Andrews et al. 1972); its *location* is where half of that interval's change is made, its *width* the
interval's length, its *height* the whole change.

A change is *abrupt*, a phase change, if its width is less than half of its location. This does not depend on how long
the run was watched. A straight line has a width of twice its location, an exponential decay of 2.4 times.

Uncertainty: the wild bootstrap over blocks of residuals, each block's residuals multiplied by one random sign, so that
the noise stays where it is large and keeps its correlations (Liu 1988; Shao 2010). It says how well one curve locates
its change, not how much runs differ: for that, take several seeds.
"""

from collections.abc import Iterable
from dataclasses import dataclass

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
    steps: Iterable[float],
    values: Iterable[float],
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
    residuals = falling - smooth
    height = float(smooth[0] - smooth[-1])
    if height <= max(NOISE * float(residuals.std()), 1e-9 * float(np.abs(curve).max())):
        return None
    location, width = _shortest_half(at, smooth)
    low, high = _interval(at, smooth, residuals, resamples, seed)
    spacing = float(np.diff(at)[max(0, int(np.searchsorted(at, location)) - 1)])
    # nothing is known within one interval between two evaluations
    return ChangePoint(location, min(low, location - spacing / 2), max(high, location + spacing / 2), width, height)


def _shortest_half(steps: np.ndarray, smooth: np.ndarray) -> tuple[float, float]:
    """Return where the shortest half of a falling curve's fall is, and how long it takes."""
    done = (smooth[0] - smooth) / (smooth[0] - smooth[-1])
    # begins at every evaluation; ends where half more is done, between evaluations on a straight line
    begins = done <= 0.5
    ends = np.array([_reached(steps, done, share + 0.5) for share in done[begins]])
    # a flat stretch can be passed for nothing: begin at its end
    lengths = ends - steps[begins]
    best = int(lengths.argmin())
    return _reached(steps, done, done[best] + 0.25), float(lengths[best])


def _reached(steps: np.ndarray, done: np.ndarray, share: float) -> float:
    """Return the first step at which ``share`` of the fall is done, on straight lines between evaluations."""
    after = min(int(np.searchsorted(done, share - 1e-12)), len(done) - 1)
    if after == 0:
        return float(steps[0])
    before = after - 1
    part = (share - done[before]) / (done[after] - done[before])
    return float(steps[before] + part * (steps[after] - steps[before]))


def _interval(
    steps: np.ndarray, smooth: np.ndarray, residuals: np.ndarray, resamples: int, seed: int
) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    n = len(steps)
    length = max(1, round(n ** (1 / 3)))
    found = []
    for _ in range(resamples):
        signs = np.repeat(rng.choice([-1.0, 1.0], size=-(-n // length)), length)[:n]
        again = isotonic_regression(smooth + signs * residuals, increasing=False).x
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
