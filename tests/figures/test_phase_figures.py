"""The figures of phase changes show what they were given."""

from typing import get_args

import pandas as pd
import pytest

from grokscope.analysis.many_runs.outcomes import Outcome
from grokscope.curves.change_points import change_points
from grokscope.errors import ConfigError
from grokscope.figures import TrainedRun, infinite_against_finite
from grokscope.figures.many_runs.phase_diagram import OUTCOME_COLOURS

STEPS = list(range(0, 1000, 10))


def falling(at: int) -> list[float]:
    return [2.3 / (1 + 1.05 ** (step - at)) for step in STEPS]


def run(task: str, *, infinite: bool) -> TrainedRun:
    metrics = pd.DataFrame({"step": STEPS, "train_loss": falling(200), "test_loss": falling(200 if infinite else 700)})
    return TrainedRun(task, infinite, metrics, 2.3, change_points(metrics, {}))


def test_a_column_a_task_with_infinite_data_above():
    figure = infinite_against_finite([run("one", infinite=True), run("one", infinite=False), run("two", infinite=True)])
    above, below, missing = figure.axes[0], figure.axes[2], figure.axes[3]
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["one", "two"]
    assert above.texts[0].get_text() in {f"step {step}" for step in range(195, 206)}
    assert below.texts[0].get_text() == "delay 500 steps"
    assert missing.texts[0].get_text() == "no run given"
    with pytest.raises(ConfigError, match="no runs"):
        infinite_against_finite([])


def test_every_outcome_has_a_colour():
    assert set(OUTCOME_COLOURS) == set(get_args(Outcome))
