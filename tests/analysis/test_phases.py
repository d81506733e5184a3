import math

import numpy as np
import pandas as pd
import pytest

from grokscope.analysis import find_phases

P = 113


def curve(losses: list[float], accuracies: list[float]) -> pd.DataFrame:
    steps = np.arange(len(losses)) * 100
    return pd.DataFrame({"step": steps, "test_loss": losses, "test_accuracy": accuracies})


def test_the_borders_of_a_grokking_run() -> None:
    losses = [4.7, 15.0, 26.0, 20.0, 9.0, 4.0, 1.0, 1e-3, 1e-6, 6e-7, 5e-7]
    accuracies = [0.01, 0.05, 0.07, 0.1, 0.3, 0.5, 0.8, 0.97, 1.0, 1.0, 1.0]
    phases = find_phases(curve(losses, accuracies), P)
    assert phases.memorised == 200
    assert phases.generalised == 500  # the first below ln 113 = 4.727 from which it stays there
    assert phases.grokked == 700
    assert phases.cleaned == 800


def test_a_run_that_only_memorises_has_no_generalisation() -> None:
    phases = find_phases(curve([4.7, 10, 20, 25, 26, 26], [0.01] * 6), P)
    assert phases == type(phases)(None, None, None, None)


def test_a_run_that_generalises_at_once_does_not_memorise() -> None:
    phases = find_phases(curve([4.73, 4.0, 1.0, 0.1, 0.05], [0.01, 0.1, 0.7, 0.99, 1.0]), P)
    assert phases.memorised is None
    assert phases.generalised == 100
    assert phases.grokked == 300


def test_a_spike_after_grokking_moves_the_border_behind_it() -> None:
    losses = [4.7, 20, 1e-3, 8.0, 1e-3, 1e-3]
    phases = find_phases(curve(losses, [0, 0, 1, 0.3, 1, 1]), P)
    assert phases.generalised == 400
    assert phases.grokked == 400


@pytest.mark.parametrize(
    "missing", [pd.DataFrame({"step": [], "test_loss": [], "test_accuracy": []}), curve([math.nan] * 3, [math.nan] * 3)]
)
def test_without_a_test_set_nothing_is_claimed(missing: pd.DataFrame) -> None:
    assert find_phases(missing, P).generalised is None


def test_a_loss_that_is_still_falling_is_not_cleaned_up() -> None:
    falling = [4.7, 20.0, 26.0] + [10.0 * 0.8**n for n in range(60)]
    assert find_phases(curve(falling, [1.0] * len(falling)), P).cleaned is None
    settled = [*falling, *[falling[-1]] * 10]
    assert find_phases(curve(settled, [1.0] * len(settled)), P).cleaned == 100 * (len(falling) - 4)  # 0.8⁻³ < 2 < 0.8⁻⁴
