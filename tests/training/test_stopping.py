import math

import pytest
from pydantic import ValidationError

from grokscope.training import Stop


def test_goes_on_by_default():
    assert Stop().reason([0.0], [1.0]) is None


def test_loss_must_be_below():
    stop = Stop(test_loss=0.1)
    assert stop.reason([0.1], [0.0]) is None
    assert stop.reason([3.0, 0.0999], [0.0, 0.0]) == "test loss below 0.1"


def test_accuracy_may_be_equal():
    stop = Stop(test_accuracy=0.9)
    assert stop.reason([0.0], [0.8999]) is None
    assert stop.reason([0.0], [0.9]) == "test accuracy at least 0.9"


def test_patience_counts_evaluations_in_a_row():
    stop = Stop(test_loss=0.1, patience=3)
    assert stop.reason([0.01, 0.01], [0.0] * 2) is None
    assert stop.reason([0.01, 0.01, 5.0, 0.01, 0.01], [0.0] * 5) is None
    assert stop.reason([5.0, 0.01, 0.01, 0.01], [0.0] * 4) == "test loss below 0.1"


def test_either_rule_is_enough():
    stop = Stop(test_loss=0.1, test_accuracy=0.9)
    assert stop.reason([0.05], [0.0]) == "test loss below 0.1"
    assert stop.reason([5.0], [0.95]) == "test accuracy at least 0.9"


def test_no_test_set_never_stops():
    assert Stop(test_loss=10.0, test_accuracy=0.1).reason([math.nan], [math.nan]) is None


def test_nothing_evaluated_yet():
    assert Stop(test_loss=10.0).reason([], []) is None


@pytest.mark.parametrize(
    "settings", [{"steps": 0}, {"steps": 1.5}, {"patience": 0}, {"test_loss": 0}, {"test_accuracy": 1.1}, {"epochs": 3}]
)
def test_refused(settings):
    with pytest.raises(ValidationError, match=next(iter(settings))):
        Stop(**settings)
