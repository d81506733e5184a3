import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.cli.render.chart import line_dots, log_axis, loss_chart, ticks


def metrics(steps, train, test=None) -> pd.DataFrame:
    test = np.full(len(steps), math.nan) if test is None else test
    return pd.DataFrame({"step": steps, "train_loss": train, "test_loss": test})


def lines(*arguments) -> list[str]:
    return loss_chart(*arguments).plain.split("\n")


def test_a_loss_that_falls_by_a_decade_a_step_is_a_diagonal():
    rows = lines(metrics(range(36), 10.0 ** -np.arange(36)), 31, 9)
    assert [row.rstrip() for row in rows] == [
        "loss, nats",
        "      │⠑⢄",
        "      │  ⠑⢄",
        "1e-08 ┤    ⠑⢄",
        "      │      ⠑⢄",
        "1e-17 ┤        ⠑⢄",
        "      │          ⠑⢄",
        "1e-26 ┤            ⠑⢄",
        "      │              ⠑⢄",
        "1e-35 ┤                ⠑⢄ train",
        "      └──────────────────",
        "       0          step 35",
    ]


def test_two_curves_in_their_colours_with_their_names():
    chart = loss_chart(metrics([0, 100], [1.0, 0.01], [1.0, 1.0]), 40, 4)
    rows = chart.plain.split("\n")
    assert rows[1].endswith(" test ")
    assert rows[4].endswith(" train")
    colours = {str(span.style) for span in chart.spans}
    assert any("#56B4E9" in colour for colour in colours)
    assert any("#D55E00" in colour for colour in colours)


def test_names_of_curves_that_end_together_stand_one_above_the_other():
    rows = lines(metrics([0, 10], [1.0, 0.1], [1.0, 0.1]), 40, 5)
    assert sorted(row.split()[-1] for row in rows if row.endswith(("train", "test "))) == ["test", "train"]


@pytest.mark.parametrize("width", [30, 80, 211])
@pytest.mark.parametrize("height", [3, 12])
def test_size(width, height):
    steps = np.arange(0, 14_001, 10)
    rows = lines(metrics(steps, 4.7 * np.exp(-steps / 900), 4.7 + 0 * steps), width, height)
    assert len(rows) == height + 3
    assert {len(row) for row in rows[1 : height + 1]} == {width}
    assert max(map(len, rows)) == width
    assert rows[-1].endswith("step 14,000")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ([4.7], [4.8]),
        ([1.0], None),
        ([0.0], [0.0]),
        ([1.0, 0.0, 1e-12], None),
        ([1e-30, 1e30], [math.inf, 2.0]),
        ([2.0, 2.0], [5.0, 5.0]),
    ],
)
def test_odd_losses_are_drawn(train, test):
    rows = lines(metrics(range(len(train)), train, test), 40, 4)
    assert any(0x2800 < ord(character) <= 0x28FF for character in "".join(rows))


class TestAxis:
    @pytest.mark.parametrize(
        ("losses", "axis"),
        [
            ([4.7, 4.8], (2, 5)),
            ([5.0], (5, 10)),
            ([0.002, 30.0], (0.002, 50)),
            ([0.0, 0.3], (0.2, 0.5)),
            ([0.0], (1, 2)),
        ],
    )
    def test_ends_are_round(self, losses, axis):
        assert log_axis(losses) == axis

    @given(st.lists(st.floats(min_value=1e-300, max_value=1e300), min_size=1))
    def test_everything_is_on_it(self, losses):
        low, high = log_axis(losses)
        assert low <= min(losses) <= max(losses) <= high
        assert low < high
        assert ticks(low, high, 5)

    def test_ticks_are_decades_where_there_are_three(self):
        assert ticks(0.002, 50.0, 9) == [0.01, 0.1, 1, 10]
        assert ticks(0.002, 50.0, 2) == [0.01, 1]
        assert ticks(0.2, 10.0, 9) == [0.2, 0.5, 1, 2, 5, 10]


class TestLine:
    @given(st.lists(st.integers(0, 19), min_size=2, max_size=200))
    def test_is_unbroken_and_goes_through_every_point(self, rows):
        columns = np.linspace(0, 29, len(rows))
        dots = line_dots(columns, np.array(rows, dtype=float), (20, 30))
        for column, row in zip(np.rint(columns).astype(int), rows, strict=True):
            assert dots[row, column]
        spans = [np.flatnonzero(dots[:, column]) for column in range(30)]
        for one, other in pairwise(spans):
            assert len(one) == one[-1] - one[0] + 1
            assert one[0] <= other[-1] + 1
            assert other[0] <= one[-1] + 1

    def test_is_one_dot_thick_on_a_slope(self):
        dots = line_dots(np.array([0.0, 9.0]), np.array([0.0, 9.0]), (10, 10))
        assert (dots == np.eye(10, dtype=bool)).all()

    def test_begins_and_ends_with_the_points(self):
        dots = line_dots(np.array([3.0, 6.0]), np.array([2.0, 2.0]), (5, 10))
        assert dots.any(axis=0).nonzero()[0].tolist() == [3, 4, 5, 6]
