"""Survival statistics against a textbook's numbers, closed forms, and simulations in which the truth is known."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.analysis.many_runs.survival import (
    Durations,
    first_crossing,
    grok_rate,
    kaplan_meier,
    log_rank_tests,
    median_time,
)
from grokscope.errors import ConfigError

DRUG = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
PLACEBO = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23"
"""Weeks in remission of leukaemia, + censored: Freireich et al. (1963), as every textbook has them."""


def durations(text: str) -> Durations:
    words = text.split()
    steps = np.array([float(word.rstrip("+")) for word in words])
    return Durations(steps, np.array([not word.endswith("+") for word in words]))


class TestKaplanMeier:
    def test_the_textbook_curve(self):
        table = kaplan_meier(durations(DRUG)).set_index("step")
        published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
        for week, share in published.items():
            assert table.loc[week, "not_yet"] == pytest.approx(share, abs=5e-4)
        assert table.loc[6, ["happened", "at_risk"]].tolist() == [3, 21]
        assert table.loc[13, ["happened", "at_risk"]].tolist() == [1, 12]
        assert table.loc[0, ["not_yet", "low", "high", "happened", "at_risk"]].tolist() == [1, 1, 1, 0, 21]

    def test_its_interval(self):
        row = kaplan_meier(durations(DRUG)).set_index("step").loc[6]
        # Collett (2015) by hand: exp(−exp(log(−log S) ± 1.96·se/(−S·log S))), se = S·√(3/(21·18))
        share = 18 / 21
        spread = 1.959964 * math.sqrt(3 / (21 * 18)) / math.log(share)
        low, high = (share ** math.exp(sign * spread) for sign in (-1, 1))
        assert (row["low"], row["high"]) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))

    def test_without_censoring_it_is_the_share_that_is_left(self):
        table = kaplan_meier(durations("1 2 3 4"))
        assert table["not_yet"].tolist() == pytest.approx([1, 0.75, 0.5, 0.25, 0])
        assert math.isnan(table["low"].iloc[-1])

    def test_if_none_grokked_it_stays_at_one(self):
        table = kaplan_meier(durations("5+ 5+ 7+"))
        assert (table[["not_yet", "low", "high"]] == 1).all(axis=None)

    def test_one_that_is_there_at_once(self):
        assert kaplan_meier(durations("0 4+"))["step"].tolist() == [0, 4]


class TestMedian:
    def test_is_where_the_curve_comes_to_one_half(self):
        assert median_time(durations(DRUG)).estimate == 23
        assert median_time(durations(PLACEBO)).estimate == 8

    def test_is_infinite_if_fewer_than_half_grokked(self):
        found = median_time(durations("3 5+ 5+ 5+ 5+ 5+ 5+ 5+"))
        assert (found.estimate, found.high) == (math.inf, math.inf)

    def test_the_interval_may_have_one_end(self):
        found = median_time(durations("3 4 5 6 7 9+ 9+ 9+ 9+"))
        assert found.estimate == 7
        assert (math.isfinite(found.low), found.high) == (True, math.inf)

    def test_is_not_that_of_those_who_grokked(self):
        censored = durations("100 200 300 1000+ 1000+")
        assert median_time(censored).estimate == 300
        assert np.median(censored.steps[censored.happened]) == 200

    def test_intervals_hold_the_truth_as_often_as_they_say(self):
        """40 runs each, exponential with a median of 1,000 steps, a quarter censored: 95 % of 200 intervals."""
        rng = np.random.default_rng(0)
        held = 0
        for _ in range(200):
            times = rng.exponential(1000 / math.log(2), 40)
            found = median_time(Durations(np.minimum(times, 2000.0), times < 2000), n_resamples=499)
            held += found.low <= 1000 <= found.high
        assert 180 <= held <= 198

    @given(st.lists(st.tuples(st.integers(1, 20), st.booleans()), min_size=1, max_size=12))
    def test_agrees_with_the_curve(self, runs):
        given = Durations(np.array([float(step) for step, _ in runs]), np.array([done for _, done in runs]))
        curve = kaplan_meier(given)
        below = curve.loc[curve["not_yet"] <= 0.5 + 1e-12, "step"]
        found = median_time(given, n_resamples=49)
        assert found.estimate == (below.iloc[0] if len(below) else math.inf)
        assert found.low <= found.high

    def test_the_same_seed_gives_the_same_interval(self):
        assert median_time(durations(DRUG), seed=3) == median_time(durations(DRUG), seed=3)


class TestLogRank:
    def test_the_textbook_statistic(self):
        [row] = log_rank_tests({"drug": durations(DRUG), "placebo": durations(PLACEBO)}).to_dict("records")
        assert row["z"] ** 2 == pytest.approx(16.79, abs=5e-3)
        assert row["z"] < 0, "the drug's events come later"
        assert row["p"] == pytest.approx(4.17e-5, rel=0.01)

    def test_arms_that_do_not_differ_are_told_apart_as_often_as_chance_has_it(self):
        rng, rejected = np.random.default_rng(0), 0
        for _ in range(400):
            times = rng.exponential(1000, 60)
            runs = Durations(np.minimum(times, 1500.0), times < 1500)
            halves = {name: Durations(runs.steps[part], runs.happened[part]) for name, part in HALVES.items()}
            rejected += float(log_rank_tests(halves)["p"].iloc[0]) < 0.05
        assert 8 <= rejected <= 34  # 20 expected; 99.9 % of such counts lie between

    def test_holm_by_hand(self):
        arms = {"a": durations(DRUG), "b": durations(PLACEBO), "c": durations("30+ 31+ 32+ 33+ 34+ 35+")}
        table = log_rank_tests(arms)
        assert list(zip(table["one"], table["other"], strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]
        ascending = np.sort(table["p"])
        expected = np.minimum(np.maximum.accumulate(ascending * [3, 2, 1]), 1)
        assert np.sort(table["p_holm"]) == pytest.approx(expected)

    def test_nothing_to_compare(self):
        table = log_rank_tests({"a": durations("5+ 6+"), "b": durations("5+"), "c": durations("1 2 3")})
        assert np.isnan(table.loc[0, ["z", "p", "p_holm"]].to_numpy(dtype=float)).all()
        assert table.loc[1:, "p_holm"].notna().all()
        assert log_rank_tests({"alone": durations("1")}).empty


HALVES = {"one": slice(None, 30), "other": slice(30, None)}


class TestRate:
    def test_wilson_by_hand(self):
        found, z = grok_rate(durations("1 2 3 9+ 9+ 9+ 9+ 9+ 9+ 9+")), 1.959964
        centre = (0.3 + z**2 / 20) / (1 + z**2 / 10)
        half = z / (1 + z**2 / 10) * math.sqrt(0.3 * 0.7 / 10 + z**2 / 400)
        assert found.estimate == pytest.approx(0.3)
        assert (found.low, found.high) == (
            pytest.approx(centre - half, abs=1e-6),
            pytest.approx(centre + half, abs=1e-6),
        )

    @pytest.mark.parametrize(("text", "rate"), [("9+ 9+ 9+", 0), ("1 2 3", 1)])
    def test_none_and_all_still_have_an_interval(self, text, rate):
        found = grok_rate(durations(text))
        assert found.estimate == rate
        assert found.high - found.low > 0.5
        assert 0 <= found.low <= found.high <= 1


class TestCrossings:
    METRICS = pd.DataFrame(
        {"step": [0, 10, 20, 30, 40, 50], "test_accuracy": [0.01, 0.5, 0.96, 0.7, 0.95, 0.99]},
    )

    def test_a_spike_is_a_crossing(self):
        assert first_crossing(self.METRICS) == 20

    def test_never(self):
        assert first_crossing(self.METRICS, 0.995) is None
        fallen = self.METRICS.head(4)
        assert first_crossing(fallen) == 20

    def test_always(self):
        assert first_crossing(self.METRICS, 0.0) == 0

    def test_without_a_test_set(self):
        unknown = self.METRICS.assign(test_accuracy=math.nan)
        assert first_crossing(unknown) is None


@pytest.mark.parametrize(
    ("steps", "happened", "message"),
    [([1.0, 2.0], [True], "got 2 and 1"), ([], [], "at least one"), ([-1.0], [True], "steps from 0 up")],
)
def test_what_cannot_be_is_refused(steps, happened, message):
    with pytest.raises(ConfigError, match=message):
        Durations(np.array(steps, dtype=float), np.array(happened, dtype=bool))
