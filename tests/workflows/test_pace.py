"""A run that has become several times slower says so once. The clock is ours."""

import pytest

from grokscope.workflows.pace import Pace


def said(paces: list[tuple[float, float]], *, every: int = 10) -> list[str]:
    """Return what is said of a run that goes at so many steps a second, for so many seconds, in turn."""
    now, step = 0.0, 0
    pace = Pace(clock=lambda: now)
    texts = [pace.at(0)]
    for speed, seconds in paces:
        until = now + seconds
        while now < until:
            step += every
            now += every / speed
            texts.append(pace.at(step))
    return [text for text in texts if text]


def test_a_run_that_goes_on_as_it_began_says_nothing():
    assert said([(20, 300)]) == []


def test_a_run_that_became_five_times_slower_says_so_once_with_the_remedy():
    [text] = said([(20, 60), (4, 300), (20, 60), (4, 300)])
    assert "3.0 times slower" in text  # said as soon as it is so
    assert "at first 20" in text
    assert "--resume" in text
    assert "--threads 1" in text


@pytest.mark.parametrize("paces", [[(20, 60), (4, 12), (20, 60)], [(20, 60), (8, 300)], [(4, 60), (20, 300)]])
def test_a_short_lull_a_little_slower_and_faster_are_not_worth_a_word(paces):
    assert said(paces) == []


def test_rows_that_are_further_apart_than_the_time_looked_at_still_count():
    assert len(said([(1, 300), (0.2, 300)], every=10)) == 1


def test_a_resumed_run_begins_anywhere():
    now = 0.0
    pace = Pace(clock=lambda: now)
    texts = []
    for step in range(9_000, 10_000, 100):
        texts.append(pace.at(step))
        now += 5
    assert not any(texts)
