"""The figures of phase changes and of the grid show what they were given."""

import pandas as pd
import pytest

from grokscope.curves.change_points import change_points
from grokscope.errors import ConfigError
from grokscope.figures import TrainedRun, infinite_against_finite, phase_grid
from grokscope.figures.many_runs.phase_diagram import OUTCOME_COLOURS
from grokscope.sweeps.outcomes import OUTCOMES

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


def test_the_grid_has_a_cell_a_run_with_its_steps():
    rows = [
        (0.3, 1.0, "grokked", 100, 900),
        (0.5, 1.0, "generalised at once", 100, 150),
        (0.3, 0.0, "memorised", 90, None),
    ]
    columns = ["train_fraction", "weight_decay", "outcome", "fitted", "generalised"]
    table = pd.DataFrame(rows, columns=columns).astype({"generalised": "Int64"})
    figure = phase_grid(table)
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["100\n150", "100\n900", "90"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "generalised at once",
        "grokked",
        "memorised",
    ]
    with pytest.raises(ConfigError, match="no rows"):
        phase_grid(table.iloc[:0])


def test_every_outcome_has_a_colour():
    assert tuple(OUTCOME_COLOURS) == OUTCOMES
