"""Memorisation, circuit formation and cleanup, found in a run's loss curves by a stated rule."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from grokscope.display import facts_table


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

    def reached(self) -> dict[str, int]:
        """Return the step of each that has happened, by its name in words."""
        borders = {
            "memorised": self.memorised,
            "generalised": self.generalised,
            "grokked": self.grokked,
            "cleaned up": self.cleaned,
        }
        return {name: step for name, step in borders.items() if step is not None}

    def _repr_html_(self) -> str:
        facts = [(name, f"from step {step:,}") for name, step in self.reached().items()]
        return facts_table("phases", facts or [("reached", "none")])


GROKKED_ACCURACY = 0.95
SETTLED_SHARE = 0.05


def find_phases(metrics: pd.DataFrame, chance_loss: float) -> Phases:
    """Return the borders of the phases.

    The paper reads 1.4k, 9.4k and 14k off its measures by eye (Nanda et al. 2023, section 5.2). The rules here
    need the loss curve alone, and give 1.4k and 9.3k on the same network:

    - *memorised*: where the test loss peaks. Memorising pushes it up; it falls once the weight decay's preference
      for the circuit wins, long before anything can be seen in the accuracy. None if it never rose by a tenth, or
      if it is still within a hundredth of its peak at the end of the run.
    - *generalised*: the first evaluation from which on the test loss stays below that of guessing, ln(p).
    - *cleaned*: the first evaluation, after that, from which on the test loss stays within a factor two of its
      minimum, if that has lasted for at least a twentieth of the run: a loss that is still falling is still being
      cleaned up.

    Args:
        metrics: columns ``step``, ``test_loss`` (nats), ``test_accuracy``.
        chance_loss: the cross-entropy of guessing in nats, as ``Task.chance_loss`` has it.

    A run that only memorises has no ``generalised``; one that generalises at once has no ``memorised``.
    """
    curve = metrics.dropna(subset=["test_loss"])
    if curve.empty:
        return Phases(None, None, None, None)
    steps, losses = curve["step"].to_numpy(), curve["test_loss"].to_numpy()
    generalised = _from_then_on(steps, losses < chance_loss)
    grokked = kept_from(curve, GROKKED_ACCURACY)
    peak = int(losses.argmax())
    rose = losses[peak] > 1.1 * losses[0]
    fell = losses[-1] < 0.99 * losses[peak]
    memorised = int(steps[peak]) if rose and fell else None
    cleaned = None if generalised is None else _from_then_on(steps, losses <= 2 * losses.min())
    if cleaned is not None and steps[-1] - cleaned < SETTLED_SHARE * steps[-1]:
        cleaned = None
    return Phases(memorised, generalised, cleaned, grokked)


FORMED_SHARE = 0.9
CLEANED_SHARE = 0.95


def find_phases_of_circuit(measures: pd.DataFrame, n: int) -> Phases:
    """Return the borders of the phases, read off the progress measures instead of the test loss.

    The paper reads 1.4k, 9.4k and 14k off these curves by eye (Nanda et al. 2023, section 5.2). The rules:

    - *memorised*: where the excluded loss is at its lowest, before its greatest rise. Memorising makes the network
      independent of the circuit; from there on it comes to depend on it.
    - *generalised*: where the excluded loss first reaches nine tenths of the top of that rise, the circuit being
      formed and the memory about to be cleared away.
    - *cleaned*: where the sum of squared weights has made 95 % of its fall from there to its lowest.

    Args:
        measures: of :func:`grokscope.analysis.trajectories.measure_run.measure_run`; read are ``excluded_loss``,
            ``sum_of_squares``, and ``test_accuracy`` where there is a test set.
        n: number of answers.

    These are None for a network whose excluded loss does not rise to half of ln(n), and to twice its lowest: no
    circuit came to matter.
    """
    whole = measures[measures["index"] == ""].pivot(index="step", columns="measure", values="value")
    steps, excluded = whole.index.to_numpy(), whole["excluded_loss"].to_numpy()
    # not the highest of all: it starts at ln(n), above what many a circuit comes to be worth
    top = int((excluded - np.minimum.accumulate(excluded)).argmax())
    grokked = None
    if "test_accuracy" in whole:
        grokked = _from_then_on(steps, whole["test_accuracy"].to_numpy() >= GROKKED_ACCURACY)
    trained = excluded[: top + 1]
    low = int(trained.argmin())
    if excluded[top] < math.log(n) / 2 or excluded[top] < 2 * trained[low]:
        return Phases(None, None, None, grokked)
    formed = low + int((excluded[low:] >= FORMED_SHARE * excluded[top]).argmax())
    squares = whole["sum_of_squares"].to_numpy()
    fall = squares[formed] - squares[formed:].min()
    done = squares[formed:] <= squares[formed] - CLEANED_SHARE * fall
    # a fall of less than a tenth is no cleanup: without weight decay nothing is cleared away
    cleaned = int(steps[formed + int(done.argmax())]) if fall > 0.1 * squares[formed] else None
    return Phases(int(steps[low]), int(steps[formed]), cleaned, grokked)


def kept_from(metrics: pd.DataFrame, level: float) -> int | None:
    """Return the first step from which on the test accuracy is at least ``level`` to the end, or None.

    Args:
        metrics: columns ``step`` and ``test_accuracy``.
        level: share of the test set.
    """
    tested = metrics.dropna(subset=["test_accuracy"])
    if tested.empty:
        return None
    return _from_then_on(tested["step"].to_numpy(), tested["test_accuracy"].to_numpy() >= level)


def _from_then_on(steps: np.ndarray, holds: np.ndarray) -> int | None:
    """Return the first step from which on ``holds`` is true to the end."""
    if not holds[-1]:
        return None
    broken = (~holds).nonzero()[0]
    return int(steps[broken[-1] + 1]) if len(broken) else int(steps[0])
