import math

import numpy as np
import pandas as pd
import pytest

from grokscope.analysis import find_phases
from grokscope.analysis.measure_table import tidy
from grokscope.curves.phases import Phases, find_phases_of_circuit

P = 113
LN = math.log(P)


def curve(losses: list[float], accuracies: list[float]) -> pd.DataFrame:
    steps = np.arange(len(losses)) * 100
    return pd.DataFrame({"step": steps, "test_loss": losses, "test_accuracy": accuracies})


def test_the_borders_of_a_grokking_run() -> None:
    losses = [4.7, 15.0, 26.0, 20.0, 9.0, 4.0, 1.0, 1e-3, 1e-6, 6e-7, 5e-7]
    accuracies = [0.01, 0.05, 0.07, 0.1, 0.3, 0.5, 0.8, 0.97, 1.0, 1.0, 1.0]
    phases = find_phases(curve(losses, accuracies), LN)
    assert phases.memorised == 200
    assert phases.generalised == 500  # the first below ln 113 = 4.727 from which it stays there
    assert phases.grokked == 700
    assert phases.cleaned == 800


def test_a_run_that_only_memorises_has_no_generalisation() -> None:
    phases = find_phases(curve([4.7, 10, 20, 25, 26, 26], [0.01] * 6), LN)
    assert phases == type(phases)(None, None, None, None)


def test_a_run_that_generalises_at_once_does_not_memorise() -> None:
    phases = find_phases(curve([4.73, 4.0, 1.0, 0.1, 0.05], [0.01, 0.1, 0.7, 0.99, 1.0]), LN)
    assert phases.memorised is None
    assert phases.generalised == 100
    assert phases.grokked == 300


def test_a_spike_after_grokking_moves_the_border_behind_it() -> None:
    losses = [4.7, 20, 1e-3, 8.0, 1e-3, 1e-3]
    phases = find_phases(curve(losses, [0, 0, 1, 0.3, 1, 1]), LN)
    assert phases.generalised == 400
    assert phases.grokked == 400


@pytest.mark.parametrize(
    "missing", [pd.DataFrame({"step": [], "test_loss": [], "test_accuracy": []}), curve([math.nan] * 3, [math.nan] * 3)]
)
def test_without_a_test_set_nothing_is_claimed(missing: pd.DataFrame) -> None:
    assert find_phases(missing, LN).generalised is None


def test_a_loss_that_is_still_falling_is_not_cleaned_up() -> None:
    falling = [4.7, 20.0, 26.0] + [10.0 * 0.8**n for n in range(60)]
    assert find_phases(curve(falling, [1.0] * len(falling)), LN).cleaned is None
    settled = [*falling, *[falling[-1]] * 10]
    assert find_phases(curve(settled, [1.0] * len(settled)), LN).cleaned == 100 * (
        len(falling) - 4
    )  # 0.8⁻³ < 2 < 0.8⁻⁴


def measures(excluded: list[float], squares: list[float], accuracies: list[float] | None = None) -> pd.DataFrame:
    table = pd.DataFrame({"step": np.arange(len(excluded)) * 100, "excluded_loss": excluded, "sum_of_squares": squares})
    return tidy(table if accuracies is None else table.assign(test_accuracy=accuracies))


class TestPhasesOfTheCircuit:
    def test_the_borders_of_a_grokking_run(self):
        excluded = [LN, 1.0, 0.1, 0.01, 0.5, 5.0, 12.0, 19.0, 20.0, 19.5, 19.0, 19.0]
        squares = [900.0, 950, 1000, 1000, 980, 960, 940, 900, 500, 230, 210, 200]
        accuracies = [0.0, 0, 0, 0.05, 0.1, 0.2, 0.5, 0.9, 0.94, 0.99, 1, 1]
        phases = find_phases_of_circuit(measures(excluded, squares, accuracies), P)
        assert phases.memorised == 300
        assert phases.generalised == 700  # the first of at least 18
        assert phases.cleaned == 900  # the first of at most 900 − 0.95 · 700 = 235
        assert phases.grokked == 900

    def test_a_run_without_a_test_set_has_the_same_borders_but_did_not_grok(self):
        excluded, squares = [LN, 0.01, 10.0, 20.0, 20.0], [900.0, 1000, 800, 300, 290]
        phases = find_phases_of_circuit(measures(excluded, squares), P)
        assert phases == type(phases)(100, 300, None, None)  # from step 300 on, the weights hardly fall

    @pytest.mark.parametrize("floor", [0.01, 0.5])
    def test_a_run_that_only_memorises_has_none(self, floor):
        """Its excluded loss falls from chance and stays low, as the training loss does."""
        excluded = [LN, 2.0, 1.0, floor, floor, floor]
        phases = find_phases_of_circuit(measures(excluded, [900.0, 1000, 800, 500, 300, 100], [0.0] * 6), P)
        assert phases == type(phases)(None, None, None, None)

    def test_a_circuit_that_matters_less_than_half_of_guessing_is_none(self):
        squares = [900.0, 1000, 800, 300, 290]
        below, above = 0.49 * LN, 0.51 * LN
        assert find_phases_of_circuit(measures([LN, 0.01, 1.0, below, below], squares), P).generalised is None
        assert find_phases_of_circuit(measures([LN, 0.01, 1.0, above, above], squares), P).generalised == 300

    def test_a_circuit_that_costs_less_than_chance_does_is_still_found_after_the_memory(self):
        """The excluded loss begins at ln p; that is no circuit, however much later ones stay below it."""
        excluded = [LN, 0.5, 0.01, 1.0, 3.9, 4.0, 4.0]
        squares = [900.0, 950, 1000, 950, 900, 200, 190]
        phases = find_phases_of_circuit(measures(excluded, squares), P)
        assert phases == type(phases)(200, 400, 500, None)

    def test_a_network_that_depends_on_its_sums_all_the_time_has_none(self):
        phases = find_phases_of_circuit(measures([LN, 1.1 * LN, LN, LN], [900.0, 800, 300, 200]), P)
        assert phases == type(phases)(None, None, None, None)

    def test_without_weight_decay_nothing_is_cleaned_up(self):
        excluded = [LN, 0.01, 10.0, 20.0, 20.0, 20.0]
        growing = find_phases_of_circuit(measures(excluded, [900.0, 1000, 1100, 1200, 1300, 1400]), P)
        assert (growing.generalised, growing.cleaned) == (300, None)
        flat = find_phases_of_circuit(measures(excluded, [1000.0, 1000, 1000, 1000, 950, 910]), P)
        assert flat.cleaned is None
        falling = find_phases_of_circuit(measures(excluded, [1000.0, 1000, 1000, 1000, 950, 890]), P)
        assert falling.cleaned == 500

    def test_one_checkpoint_is_no_phase(self):
        phases = find_phases_of_circuit(measures([20.0], [100.0], [1.0]), P)
        assert phases == type(phases)(None, None, None, 0)


def test_what_has_been_reached_in_words():
    assert Phases(None, None, None, None).reached() == {}
    assert Phases(1400, 9400, 14_000, 11_000).reached() == {
        "memorised": 1400,
        "generalised": 9400,
        "grokked": 11_000,
        "cleaned up": 14_000,
    }
