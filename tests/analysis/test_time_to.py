"""Groups of runs: who belongs together, who counts as not yet grokked, and how groups differ."""

import math

import numpy as np
import pandas as pd
import pytest

from grokscope.analysis.many_runs.groups import ALL, RunGroup, frequency_counts, group_outcomes
from grokscope.analysis.many_runs.outcomes import RunOutcome
from grokscope.analysis.many_runs.survival import Durations, median_ratio
from grokscope.analysis.many_runs.time_to import durations_of, time_to


def runs(steps, *, last=1000, status="finished", keys=(3, 5), **settings):
    return [
        RunOutcome(
            run=f"seed{seed}",
            settings={name.replace("__", "."): value for name, value in settings.items()},
            status=status,
            last_step=last,
            grokked=step,
            first_crossing=step,
            key_frequencies=keys,
        )
        for seed, step in enumerate(steps)
    ]


def group(outcomes, label="a"):
    return RunGroup({}, tuple(outcomes), label)


class TestGroups:
    def test_by_every_setting(self):
        outcomes = [
            run
            for decay, size in ((0.3, 64), (1.0, 64), (0.3, 128))
            for run in runs([100], optimizer__weight_decay=decay, model__d_mlp=size)
        ]
        groups = group_outcomes(outcomes, ["optimizer.weight_decay", "model.d_mlp"])
        labels = ["weight decay 0.3, d mlp 64", "weight decay 1, d mlp 64", "weight decay 0.3, d mlp 128"]
        assert [each.label for each in groups] == labels
        assert groups[2].settings == {"optimizer.weight_decay": 0.3, "model.d_mlp": 128}
        assert [len(each) for each in group_outcomes(outcomes, ["optimizer.weight_decay"])] == [2, 1]
        assert [each.label for each in group_outcomes(outcomes, [])] == [ALL]

    def test_are_ordered_by_the_number_itself(self):
        decays = (1e-5, 0.1234567891, 3)
        groups = group_outcomes([run for each in decays for run in runs([1], decay=each)], ["decay"])
        assert [each.ordered_by for each in groups] == list(decays)
        words = group_outcomes([run for each in ("adam", "sgd") for run in runs([1], kind=each)], ["kind"])
        assert [(each.label, each.ordered_by) for each in words] == [("adam", None), ("sgd", None)]

    def test_labels_differ_where_groups_do(self):
        outcomes = [
            *runs([1], model__kind="same", task__kind="other"),
            *runs([1], model__kind="other", task__kind="same"),
        ]
        labels = [each.label for each in group_outcomes(outcomes, ["model.kind", "task.kind"])]
        assert len(set(labels)) == 2

    def test_without_what_failed(self):
        outcomes = [*runs([100]), *runs([None], status="failed")]
        [only] = group_outcomes(outcomes, [])
        assert len(only) == 1
        assert group_outcomes(outcomes[1:], []) == ()


class TestDurations:
    def test_not_grokked_is_censored_at_the_last_step(self):
        found = durations_of(runs([100, None]))
        assert found.steps.tolist() == [100, 1000]
        assert found.happened.tolist() == [True, False]

    def test_a_run_that_diverged_stays_among_those_that_have_not_grokked(self):
        outcomes = [*runs([800]), *runs([None], last=10, status="diverged")]
        assert durations_of(outcomes).steps.tolist() == [800, 1000]
        # censored at step 10 it would be 800 of one run at risk: all grokked
        assert time_to([group(outcomes)]).summary["median"].tolist() == [800]

    def test_the_estimate_with_divergence_is_the_share_of_all(self):
        outcomes = [*runs([100, 200]), *runs([None, None], last=10, status="diverged")]
        [row] = time_to([group(outcomes)]).intervals.to_dict("records")
        assert (row["rate"], row["median"]) == (0.5, 200)

    def test_a_run_that_ended_early_is_not_at_risk_any_more(self):
        """Where a median of all runs, taking those without an event as later than all, has none."""
        outcomes = [*runs([100, 200]), *runs([None, None, None], last=50)]
        assert time_to([group(outcomes)]).summary["median"].tolist() == [100]


class TestTimeTo:
    def test_numbers(self):
        outcomes = [*runs([100, 200, 300]), *runs([400, None])]
        found = time_to([group(outcomes)])
        [row] = found.summary.to_dict("records")
        assert tuple(row.values()) == ("a", 5, 4, 300, 100, 400)
        [row] = found.intervals.to_dict("records")
        assert (row["rate"], row["median"]) == (0.8, 300)
        assert row["rate_low"] < 0.8 < row["rate_high"]
        assert row["median_low"] <= 300 <= row["median_high"]

    @pytest.mark.parametrize(
        ("reached", "n", "median"),
        [
            ([30], 1, 30),
            ([], 1, math.inf),
            ([10, 20, 30, 40, 50], 5, 30),
            ([50, 10, 30], 5, 50),
            ([10, 20], 5, math.inf),
            ([10, 20], 4, 20),
            ([10, 20, 30, 40], 4, 20),
            ([10], 4, math.inf),
        ],
    )
    def test_medians_of_runs_as_long_as_each_other_count_all_of_them(self, reached, n, median):
        outcomes = runs([*reached, *[None] * (n - len(reached))])
        assert time_to([group(outcomes)]).summary["median"].tolist() == [median]

    def test_none_grokked(self):
        found = time_to([group(runs([None, None]))])
        [row] = found.summary.to_dict("records")
        assert math.isinf(row["median"])
        assert math.isnan(row["first"])
        assert found.intervals["rate"].tolist() == [0]

    def test_ratios_and_tests_of_each_two(self):
        groups = [
            group(runs([each * 100 + shift for shift in range(5)]), name)
            for name, each in (("a", 3), ("b", 2), ("c", 1))
        ]
        table = time_to(groups).pairs
        assert list(zip(table["one"], table["other"], strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]
        assert table["ratio"].tolist() == pytest.approx([302 / 202, 302 / 102, 202 / 102])
        assert ((table["low"] <= table["ratio"]) & (table["ratio"] <= table["high"])).all()
        assert (table["p"] < 0.01).all()
        assert (table["p_holm"] >= table["p"]).all()

    def test_is_computed_once(self):
        found = time_to([group(runs([100, 200]))])
        assert found.intervals is found.intervals
        assert found.pairs is found.pairs


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
    counts = frequency_counts([*runs([100, None], keys=(3, 5)), *runs([200], keys=(5,)), *runs([200], keys=None)])
    found = {what: dict(zip(each["value"], each["networks"], strict=True)) for what, each in counts.groupby("what")}
    assert found == {"frequency": {3: 1, 5: 2}, "number": {1: 1, 2: 1}}
    assert isinstance(counts, pd.DataFrame)
