import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope import formatting


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.3, "30 %"),
        (0.904, "90.4 %"),
        (0.0323, "3.23 %"),
        (0.99995, "99.99 %"),
        (0.9997, "99.97 %"),
        (0.00001, "below 0.01 %"),
        (math.nan, "nan"),
    ],
)
def test_percent(share, text):
    assert plain(formatting.percent(share)) == text


@given(st.floats(0, 1))
def test_only_a_whole_is_a_hundred_percent(share):
    text = plain(formatting.percent(share))
    assert (text == "100 %") == (share == 1)
    assert (text == "0 %") == (share == 0)
    [number] = re.findall(r"[\d.]+", text)
    assert abs(float(number) - 100 * share) <= 0.051


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (60.4, "1 min 0 s"), (3599.7, "1 h 0 min"), (7325.0, "2 h 2 min")],
)
def test_duration(seconds, text):
    assert plain(formatting.duration(seconds)) == text


def test_loss_and_step():
    assert plain(formatting.loss(2.412e-7)) == "2.41e-07 nats"
    assert formatting.loss(math.inf) == "inf"
    assert plain(formatting.step(9400)) == "step 9,400"


@pytest.mark.parametrize(("items", "text"), [([1], "1"), ([1, 2], "1 and 2"), ([1, 2, 3], "1, 2 and 3")])
def test_listed(items, text):
    assert formatting.listed(items) == text
