"""Arms of a sweep: who belongs together, who counts as not yet grokked, and how arms differ."""

import math

import numpy as np
import pandas as pd
import pytest

from grokscope.analysis.many_runs.arms import ALL, arm_table, arms_of, durations_of, frequency_counts, ratio_table
from grokscope.analysis.many_runs.survival import Durations, median_ratio


def runs(steps, *, decay=1.0, last=1000, status="finished", keys="3 5"):
    return pd.DataFrame(
        {
            "weight_decay": decay,
            "status": status,
            "last_step": last,
            "grokked": pd.array(steps, dtype="Int64"),
            "first_crossing": pd.array(steps, dtype="Int64"),
            "key_frequencies": keys,
            "n_key_frequencies": pd.array([len(keys.split())] * len(steps), dtype="Int64"),
        }
    )


class TestArms:
    def test_by_every_setting(self):
        table = pd.concat([runs([100], decay=each) for each in (0.3, 1.0, 0.3)]).assign(d_mlp=[64, 64, 128])
        table = table.rename(columns={"weight_decay": "optimizer.weight_decay"})
        arms = arms_of(table, ["optimizer.weight_decay", "d_mlp"])
        assert list(arms) == ["weight decay 0.3, d mlp 64", "weight decay 1, d mlp 64", "weight decay 0.3, d mlp 128"]
        assert [len(each) for each in arms_of(table, ["optimizer.weight_decay"]).values()] == [2, 1]
        assert list(arms_of(table, [])) == [ALL]

    def test_without_what_failed(self):
        table = pd.concat([runs([100]), runs([None], status="failed")])
        assert len(arms_of(table, [])[ALL]) == 1
        assert arms_of(runs([None], status="failed"), ["weight_decay"]) == {}


class TestDurations:
    def test_not_grokked_is_censored_at_the_last_step(self):
        found = durations_of(runs([100, None]))
        assert found.steps.tolist() == [100, 1000]
        assert found.happened.tolist() == [True, False]

    def test_a_run_that_diverged_stays_among_those_that_have_not_grokked(self):
        table = pd.concat([runs([800]), runs([None], last=10, status="diverged")])
        assert durations_of(table).steps.tolist() == [800, 1000]
        [row] = arm_table({ALL: table}).to_dict("records")
        assert row["median"] == 800  # censored at step 10 it would be 800 of one run at risk: all grokked

    def test_the_estimate_with_divergence_is_the_share_of_all(self):
        table = pd.concat([runs([100, 200]), runs([None, None], last=10, status="diverged")])
        [row] = arm_table({ALL: table}).to_dict("records")
        assert (row["rate"], row["median"]) == (0.5, 200)


class TestTable:
    def test_numbers(self):
        table = pd.concat([runs([100, 200, 300], keys="3 5"), runs([400, None], keys="7")])
        [row] = arm_table({"a": table}).to_dict("records")
        assert (row["arm"], row["runs"], row["grokked"], row["rate"]) == ("a", 5, 4, 0.8)
        assert row["rate_low"] < 0.8 < row["rate_high"]
        assert row["median"] == row["first_median"] == 300
        assert row["median_low"] <= 300 <= row["median_high"]
        assert row["key_frequencies"] == 2

    def test_none_grokked(self):
        [row] = arm_table({"a": runs([None, None])}).to_dict("records")
        assert row["rate"] == 0
        assert math.isinf(row["median"])
        assert math.isnan(row["key_frequencies"])

    def test_ratios_of_each_two(self):
        arms = {name: runs([each * 100 + shift for shift in range(5)]) for name, each in (("a", 3), ("b", 2), ("c", 1))}
        table = ratio_table(arms)
        assert list(zip(table["one"], table["other"], strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]
        assert table["ratio"].tolist() == pytest.approx([302 / 202, 302 / 102, 202 / 102])
        assert ((table["low"] <= table["ratio"]) & (table["ratio"] <= table["high"])).all()


class TestMedianRatio:
    def test_covers_the_truth_as_often_as_it_says(self):
        rng = np.random.default_rng(0)
        inside = 0
        for trial in range(120):
            one, other = (Durations(scale * rng.exponential(size=40), np.ones(40, dtype=bool)) for scale in (3.0, 1.0))
            found = median_ratio(one, other, n_resamples=400, seed=trial)
            inside += found.low <= 3.0 <= found.high
        assert 0.88 <= inside / 120 <= 1.0

    def test_no_end_where_one_never_groks(self):
        never = Durations(np.full(10, 100.0), np.zeros(10, dtype=bool))
        some = Durations(np.arange(1.0, 11.0), np.ones(10, dtype=bool))
        assert math.isinf(median_ratio(never, some).estimate)
        assert median_ratio(some, never).estimate == 0
        assert math.isnan(median_ratio(never, never).estimate)


def test_frequencies_are_counted_of_what_grokked():
    table = pd.concat([runs([100, None], keys="3 5"), runs([200], keys="5")])
    counts = frequency_counts(table)
    found = {what: dict(zip(each["value"], each["networks"], strict=True)) for what, each in counts.groupby("what")}
    assert found == {"frequency": {3: 1, 5: 2}, "number": {1: 1, 2: 1}}
