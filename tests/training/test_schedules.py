import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from grokscope.training import Schedule


def test_default_is_that_of_the_paper():
    schedule = Schedule()
    assert [schedule.multiplier(step) for step in range(12)] == [min(step / 10, 1) for step in range(12)]
    assert schedule.multiplier(0) == 0
    assert schedule.multiplier(40_000) == 1


def test_no_warm_up():
    assert Schedule(warmup_steps=0).multiplier(0) == 1


def test_linear_decay():
    schedule = Schedule(warmup_steps=0, decay="linear", decay_from=10, decay_to=20, final_share=0.2)
    assert [schedule.multiplier(step) for step in (0, 10, 15, 20, 1000)] == pytest.approx([1, 1, 0.6, 0.2, 0.2])


def test_cosine_decay():
    schedule = Schedule(warmup_steps=0, decay="cosine", decay_from=100, decay_to=200, final_share=0.1)
    assert schedule.multiplier(100) == 1
    assert schedule.multiplier(150) == pytest.approx(0.55)
    assert schedule.multiplier(125) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2)
    assert schedule.multiplier(200) == schedule.multiplier(999) == pytest.approx(0.1)


def test_warm_up_and_decay_multiply():
    schedule = Schedule(warmup_steps=10, decay="linear", decay_from=0, decay_to=10)
    assert schedule.multiplier(5) == pytest.approx(0.25)


SCHEDULES = st.builds(
    Schedule,
    warmup_steps=st.integers(0, 50),
    decay=st.sampled_from(["none", "linear", "cosine"]),
    decay_from=st.integers(0, 50),
    decay_to=st.integers(51, 100),
    final_share=st.floats(0, 1),
)


@given(SCHEDULES)
def test_is_a_share_that_rises_then_falls(schedule):
    shares = [schedule.multiplier(step) for step in range(200)]
    assert all(0 <= share <= 1 for share in shares)
    peak = max(schedule.warmup_steps, schedule.decay_from)
    assert all(later <= earlier + 1e-12 for earlier, later in zip(shares[peak:], shares[peak + 1 :], strict=False))
    quiet = schedule.decay_from if schedule.decay != "none" else 200
    assert shares[: quiet + 1] == sorted(shares[: quiet + 1])
    assert shares[-1] == pytest.approx(1 if schedule.decay == "none" else schedule.final_share)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"decay": "linear"}, r"decay 'linear' from step 0 needs decay_to after it, got None"),
        ({"decay": "cosine", "decay_from": 20, "decay_to": 20}, r"from step 20 needs decay_to after it, got 20"),
        ({"decay": "exponential"}, "decay"),
        ({"warmup_steps": -1}, "warmup_steps"),
        ({"final_share": 1.5}, "final_share"),
        ({"warm_up": 3}, "warm_up"),
    ],
)
def test_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        Schedule(**settings)
