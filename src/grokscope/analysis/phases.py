"""Memorisation, circuit formation and cleanup, found in a run's loss curves by a stated rule."""

import math
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Phases:
    """Where one phase gives way to the next, in steps; None where it has not (yet) happened."""

    memorised: int | None
    """End of memorisation, start of circuit formation: the test loss is at its highest."""
    generalised: int | None
    """Start of cleanup: the test loss is below ln(p), what guessing would give, from here on."""
    cleaned: int | None
    """End of cleanup: from here on the test loss is within a factor two of the lowest that the run reached."""
    grokked: int | None
    """The test accuracy is at least 95 % from here on. Not a border of phases, but what people ask for."""


GROKKED_ACCURACY = 0.95
SETTLED_SHARE = 0.05


def find_phases(metrics: pd.DataFrame, p: int) -> Phases:
    """Return the borders of the phases.

    The paper reads 1.4k, 9.4k and 14k off its measures by eye (Nanda et al. 2023, section 5.2). The rules here
    need the loss curve alone, and give 1.4k and 9.3k on the same network:

    - *memorised*: where the test loss peaks. Memorising pushes it up; it falls once the weight decay's preference
      for the circuit wins, long before anything can be seen in the accuracy. None if it never rose by a tenth, or
      if it is still within a hundredth of its peak at the end of the run.
    - *generalised*: the first evaluation from which on the test loss stays below ln(p).
    - *cleaned*: the first evaluation, after that, from which on the test loss stays within a factor two of its
      minimum, if that has lasted for at least a twentieth of the run: a loss that is still falling is still being
      cleaned up.

    Args:
        metrics: columns ``step``, ``test_loss`` (nats), ``test_accuracy``.
        p: number of answers, for the loss of guessing.

    A run that only memorises has no ``generalised``; one that generalises at once has no ``memorised``.
    """
    curve = metrics.dropna(subset=["test_loss"])
    if curve.empty:
        return Phases(None, None, None, None)
    steps, losses = curve["step"].to_numpy(), curve["test_loss"].to_numpy()
    generalised = _from_then_on(steps, losses < math.log(p))
    grokked = _from_then_on(steps, curve["test_accuracy"].to_numpy() >= GROKKED_ACCURACY)
    peak = int(losses.argmax())
    rose = losses[peak] > 1.1 * losses[0]
    fell = losses[-1] < 0.99 * losses[peak]
    memorised = int(steps[peak]) if rose and fell else None
    cleaned = None if generalised is None else _from_then_on(steps, losses <= 2 * losses.min())
    if cleaned is not None and steps[-1] - cleaned < SETTLED_SHARE * steps[-1]:
        cleaned = None
    return Phases(memorised, generalised, cleaned, grokked)


def _from_then_on(steps, holds) -> int | None:
    """Return the first step from which on ``holds`` is true to the end."""
    if not holds[-1]:
        return None
    broken = (~holds).nonzero()[0]
    return int(steps[broken[-1] + 1]) if len(broken) else int(steps[0])
