import math

import numpy as np
import pandas as pd
import pytest

from grokscope.analysis import find_phases
from grokscope.reports.run.outcome import Data, Outcome, outcome


def table(train_accuracy, test_accuracy, test_loss) -> pd.DataFrame:
    steps = np.arange(len(train_accuracy)) * 100
    return pd.DataFrame(
        {
            "step": steps,
            "train_loss": np.linspace(5, 0.001, len(steps)),
            "train_accuracy": np.array(train_accuracy, dtype=float),
            "test_loss": np.array(test_loss, dtype=float),
            "test_accuracy": np.array(test_accuracy, dtype=float),
        }
    )


NO_TEST = [math.nan] * 5
GROKS = table([0.0, 0.5, 1, 1, 1, 1], [0, 0, 0, 0.5, 0.99, 1], [4.8, 9, 12, 4, 0.1, 0.01])


GUESSING = math.log(113)


def told(metrics: pd.DataFrame, *, infinite: bool = False, does_task: bool = False) -> Outcome:
    return outcome(metrics, find_phases(metrics, GUESSING), Data(GUESSING, infinite, does_task))


def plain(outcome: Outcome) -> str:
    return " ".join(outcome.sentences).replace("\N{NO-BREAK SPACE}", " ")


def said(metrics: pd.DataFrame) -> str:
    return plain(told(metrics))


@pytest.mark.parametrize(
    ("metrics", "headline"),
    [
        (GROKS, "Grokked at step 400"),
        (table([0, 0.5, 0.9, 1, 1], [0, 0.5, 0.9, 1, 1], [4.8, 3, 1, 0.1, 0.01]), "Generalised by step 300"),
        (table([0, 0.5, 1, 1, 1], [0, 0, 0, 0, 0.01], [4.8, 9, 12, 15, 18]), "Memorised and has not generalised"),
        (
            table([0, 0.5, 1, 1, 1], [0, 0, 0.2, 0.3, 0.6], [4.8, 9, 12, 4, 2]),
            "Learned its training set, generalises in part",
        ),
        (table([0, 0.1, 0.2, 0.2, 0.3], [0, 0, 0, 0, 0], [4.8, 5, 5, 5, 5]), "Has not learned its training set"),
        (table([0, 0.1, 1, 1, 0.3], [0, 0, 0, 0, 0], [4.8, 5, 5, 5, 5]), "Has not learned its training set"),
        (table([0, 0.5, 1, 1, 1], NO_TEST, NO_TEST), "Learned its training set"),
        (table([0, 0.1, 0.2, 0.2, 0.3], NO_TEST, NO_TEST), "Has not learned its training set"),
        (GROKS.head(0), "Nothing was recorded"),
    ],
)
def test_the_headline(metrics, headline):
    assert told(metrics).headline.replace("\N{NO-BREAK SPACE}", " ") == headline


def test_grokking_is_told_with_its_steps():
    text = said(GROKS)
    assert "It memorised first: its test loss rose to a peak at step 200" in text
    assert "its training accuracy reached 95 % at step 200" in text
    assert "from step 400 on its test accuracy is at least 95 %" in text
    assert (
        "Phases, read off the test loss: memorisation from step 0 to 200 and circuit formation from step 200 to 300."
        in text
    )
    assert "Last evaluation, step 500: training loss 0.001 nats, training accuracy 100 %" in text
    assert "test loss 0.01 nats, test accuracy 100 %" in text


def test_cleanup_is_told_once_the_loss_has_settled():
    settled = table([0.0, 0.5, 1, 1, 1, 1, 1], [0, 0, 0, 0.5, 1, 1, 1], [4.8, 9, 12, 4, 0.1, 0.01, 0.01])
    assert "circuit formation from step 200 to 300 and cleanup from step 300 to 500." in said(settled)


def test_without_a_test_set_nothing_is_claimed_of_generalising():
    text = said(table([0, 0.5, 1, 1, 1], NO_TEST, NO_TEST))
    assert "There is no test set, so whether it generalises cannot be said." in text
    assert "nan" not in text


def test_fresh_pairs_are_never_called_memorised():
    learned = told(GROKS, infinite=True)
    assert learned.headline == "Learned the task by step\N{NO-BREAK SPACE}400"
    assert "memorised first" not in " ".join(learned.sentences)
    not_yet = told(table([0, 0.5, 1, 1, 1], [0, 0, 0, 0, 0.01], [4.8, 9, 12, 15, 18]), infinite=True)
    assert not_yet.headline == "Has not learned the task"


def test_infinite_data_have_no_phases_of_memory():
    assert "Phases, read off" in said(GROKS)
    assert "Phases, read off" not in plain(told(GROKS, infinite=True))


BEST = table([0.0, 0.5, 1, 1, 1, 1], [0, 0, 0, 0.5, 0.9, 0.92], [4.8, 9, 12, 4, 0.6, 0.5])
"""As good as can be where part of a task cannot be predicted."""


def test_a_network_that_does_its_task_below_95_percent_has_learned_it():
    infinite = told(BEST, infinite=True, does_task=True)
    assert infinite.headline == "Learned the task"
    assert plain(infinite).startswith(
        "It learned the task: its test loss is below that of guessing (4.73 nats) from step 300 on; its test accuracy, "
        "92 % at the end, has not stayed at 95 %, yet it does the task by the claim below."
    )
    assert told(BEST, infinite=True).headline == "Has not learned the task"
    assert "from step 300 on." in plain(told(BEST, infinite=True))


def test_on_limited_data_it_is_told_whether_it_memorised_first():
    first = told(BEST, does_task=True)
    assert first.headline == "Memorised, then learned the task"
    assert "its test loss rose to a peak at step 200, and its training accuracy reached 95 % at step 200" in plain(
        first
    )
    at_once = told(table([0.0, 0.5, 0.9, 0.9], [0, 0.5, 0.9, 0.9], [4.8, 2, 0.6, 0.5]), does_task=True)
    assert at_once.headline == "Learned the task"
    assert "memorised first" not in plain(at_once)


def test_the_claim_alone_is_not_believed_against_the_curves():
    never = told(table([0, 0.1, 0.2], [0, 0, 0], [4.8, 5, 5]), infinite=True, does_task=True)
    assert never.headline == "Has not learned the task"


def test_where_it_does_reach_95_percent_nothing_changes():
    assert told(GROKS, does_task=True) == told(GROKS)
