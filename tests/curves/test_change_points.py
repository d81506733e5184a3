"""The change point is where a known curve changes, and no slow decline is called a phase change."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grokscope.curves.change_points import change_points, find_change_point, grokking_delay

STEPS = np.arange(0, 3000, 10)


def sigmoid(at: float, width: float, *, high: float = 2.3, low: float = 0.0) -> np.ndarray:
    return low + (high - low) / (1 + np.exp((STEPS - at) / width))


class TestFindChangePoint:
    @settings(max_examples=20)
    @given(at=st.floats(400, 2500), width=st.floats(8, 40), high=st.floats(0.5, 30))
    def test_a_sigmoid_changes_at_its_middle(self, at, width, high):
        point = find_change_point(STEPS, sigmoid(at, width, high=high), resamples=5)
        assert point.location == pytest.approx(at, abs=5)  # half the distance between two evaluations
        # half of a sigmoid lies within ± ln 3 of its scale
        assert point.width == pytest.approx(2 * math.log(3) * width, rel=0.05, abs=3)
        assert point.height == pytest.approx(high, rel=1e-3)
        assert point.low <= point.location <= point.high
        assert point.is_abrupt

    def test_rising_curves_are_found_the_same(self):
        falls = find_change_point(STEPS, sigmoid(900, 30))
        rises = find_change_point(STEPS, 1 - sigmoid(900, 30), rising=True)
        assert rises == falls

    @pytest.mark.parametrize(
        "curve",
        [3 - STEPS / 1000, np.exp(-STEPS / 500), (STEPS + 10.0) ** -0.5],
        ids=["straight line", "exponential", "power law"],
    )
    def test_slow_declines_are_not_abrupt(self, curve):
        point = find_change_point(STEPS[1:], curve[1:])
        assert not point.is_abrupt

    def test_noise_alone_has_no_change(self):
        noise = np.random.default_rng(0).normal(2.3, 0.1, len(STEPS))
        assert find_change_point(STEPS, noise) is None
        assert find_change_point(STEPS, np.full(len(STEPS), 2.3)) is None

    def test_the_interval_holds_the_truth_under_noise(self):
        rng = np.random.default_rng(0)
        hits = 0
        for _ in range(20):
            noisy = sigmoid(1200, 60) + rng.normal(0, 0.1, len(STEPS))
            point = find_change_point(STEPS, noisy)
            hits += point.low <= 1200 <= point.high
        assert hits >= 18

    def test_what_memorising_does_above_guessing_does_not_count(self):
        climbs = sigmoid(2000, 30) + 20 * np.exp(-(((STEPS - 700) / 400) ** 2))
        point = find_change_point(STEPS, climbs, ceiling=2.3)
        assert point.location == pytest.approx(2000, abs=20)

    def test_missing_values_are_left_out(self):
        curve = sigmoid(900, 30)
        curve[::7] = math.nan
        assert find_change_point(STEPS, curve).location == pytest.approx(900, abs=3)
        assert find_change_point(STEPS, np.full(len(STEPS), math.nan)) is None

    def test_steps_must_ascend(self):
        with pytest.raises(ValueError, match="ascending"):
            find_change_point([0, 2, 1], [3, 2, 1])


def test_the_grokking_delay_is_test_less_training():
    table = pd.DataFrame({"step": STEPS, "train_loss": sigmoid(300, 20), "test_loss": sigmoid(2300, 50)})
    points = change_points(table.assign(test_accuracy=1 - sigmoid(2300, 50, high=1)), {"test_loss": 2.3})
    assert set(points) == {"train_loss", "test_loss", "test_accuracy"}
    assert grokking_delay(points) == pytest.approx(2000, abs=10)
    assert grokking_delay(points, "digit_0") is None


@pytest.mark.reference
class TestThePublishedCurves:
    def read(self, reference, name):
        return json.loads((reference / "curves" / name).read_text())

    def test_repeated_subsequences_change_between_600_and_1000(self, reference):
        losses = self.read(reference, "repeated_subsequences_infinite.json")["train_loss"]
        point = find_change_point(range(len(losses)), losses, ceiling=math.log(127), resamples=20)
        assert point.is_abrupt
        assert 794 <= point.location <= 894

    def test_delays_grow_as_data_become_few(self, reference):
        delays = []
        for run in self.read(reference, "modular_addition_train_fraction_sweep.json")["runs"]:
            table = pd.DataFrame({name: run[name] for name in ("train_loss", "test_loss")})[::10]
            points = change_points(table.assign(step=table.index), dict.fromkeys(table, math.log(113)))
            delays.append(grokking_delay(points))
        assert delays[3:] == sorted(delays[3:])  # the first three generalise at once
        assert max(delays[:3]) < 10 < 20_000 < delays[-1]
