"""Medians and bands of planted curves."""

import numpy as np
import pandas as pd
import pytest

from grokscope.analysis.many_runs.curves import FEW, band_in_words, group_curve, is_over_early


def table(steps, values) -> pd.DataFrame:
    return pd.DataFrame({"step": list(steps), "test_loss": list(values)})


def test_median_and_range_of_few_runs():
    curve = group_curve([table([0, 10], [value, 2 * value]) for value in (1.0, 5.0, 2.0)], "test_loss")
    assert curve.spread.to_numpy().tolist() == [[0, 1, 2, 5], [10, 2, 4, 10]]
    assert [len(each) for each in curve.each] == [2, 2, 2]


def test_of_an_even_number_the_median_is_the_mean_of_the_middle():
    curve = group_curve([table([0], [value]) for value in (1.0, 2.0, 4.0, 100.0)], "test_loss")
    assert curve.spread["median"].tolist() == [3]


def test_of_many_runs_the_band_is_the_middle_half():
    runs = [table([0], [float(value)]) for value in range(FEW + 1)]
    many = group_curve(runs, "test_loss").spread.iloc[0]
    assert (many["low"], many["median"], many["high"]) == (2.5, 5, 7.5)
    few = group_curve(runs[:FEW], "test_loss").spread.iloc[0]
    assert (few["low"], few["high"]) == (0, FEW - 1)
    assert [band_in_words(n) for n in (FEW, FEW + 1)] == ["lowest to highest", "middle half"]


def test_the_median_ends_with_the_run_that_ended_first_and_invents_nothing():
    short, long = table([0, 10, 20], [3.0, 2.0, 1.0]), table([0, 10, 20, 30], [3.0, 3.0, 3.0, 3.0])
    curve = group_curve([short, long], "test_loss")
    assert curve.spread["step"].tolist() == [0, 10, 20]
    assert curve.spread["median"].tolist() == [3, 2.5, 2]
    assert curve.each[1]["step"].tolist() == [0, 10, 20, 30]


def test_only_steps_at_which_all_were_evaluated_count():
    curve = group_curve([table(range(0, 41, 10), [1.0] * 5), table(range(0, 41, 20), [2.0] * 3)], "test_loss")
    assert curve.spread["step"].tolist() == [0, 20, 40]


def test_what_is_not_a_number_is_not_evaluated():
    curve = group_curve([table([0, 10, 20], [1.0, np.nan, np.inf]), table([0, 10, 20], [2.0] * 3)], "test_loss")
    assert curve.spread["step"].tolist() == [0]
    empty = group_curve([table([0, 10], [np.nan, np.nan]), table([0, 10], [1.0, 1.0])], "test_loss")
    assert empty.spread.empty
    assert list(empty.spread) == ["step", "low", "median", "high"]


@pytest.mark.parametrize(
    ("fall", "last", "early"),
    [(50, 1000, True), (500, 1000, False), (50, 400, False)],
)
def test_is_over_early(fall, last, early):
    steps = np.arange(0, last + 1, 10)
    assert is_over_early([table(steps, np.where(steps < fall, 4.0, 0.1))]) is early


def test_a_short_run_beside_a_long_one_is_over_early():
    steps = np.arange(0, 101, 10)
    short = table(steps, np.where(steps < 50, 4.0, 0.1))
    assert not is_over_early([short])
    assert is_over_early([short, table([0, 1000], [4.0, 4.0])])
    assert not is_over_early([table([0, 1000], [np.nan, np.nan])])
    assert not is_over_early([table([0, 1000], [1.0, 2.0])])
