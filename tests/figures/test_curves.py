import math
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.colors import to_hex

from grokscope.analysis import Phases
from grokscope.figures import to_svg, training_curves
from grokscope.figures.axes import PHASE_COLOURS, phase_bands

NONE = Phases(None, None, None, None)
ALL = Phases(memorised=20, generalised=60, cleaned=90, grokked=70)


@pytest.fixture
def metrics() -> pd.DataFrame:
    steps = np.arange(0, 101, 10)
    return pd.DataFrame(
        {
            "step": steps,
            "train_loss": 4.0 * 0.5 ** (steps / 10),
            "train_accuracy": np.linspace(0.1, 1, 11),
            "test_loss": 5.0 * 0.7 ** (steps / 10),
            "test_accuracy": np.linspace(0, 0.9, 11),
        }
    )


def settings() -> dict[str, object]:
    # to read the backend is to choose one
    return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}


def drawn(axes, label: str):
    [line] = [line for line in axes.lines if line.get_label() == label]
    return line


def bands(axes) -> dict[str, tuple[float, float]]:
    return {
        patch.get_label().partition(" (")[0]: (patch.get_x(), patch.get_x() + patch.get_width())
        for patch in axes.patches
    }


@pytest.mark.parametrize("log_steps", [False, True])
def test_the_lines_are_the_metrics(metrics, log_steps):
    loss, accuracy = training_curves(metrics, log_steps=log_steps).axes
    for axes, what in ((loss, "loss"), (accuracy, "accuracy")):
        for part in ("train", "test"):
            assert drawn(axes, part).get_xdata() == pytest.approx(metrics["step"])
            assert drawn(axes, part).get_ydata() == pytest.approx(metrics[f"{part}_{what}"])
    assert drawn(loss, "train").get_color() != drawn(loss, "test").get_color()
    assert (loss.get_yscale(), accuracy.get_yscale()) == ("log", "linear")
    assert accuracy.get_xlim() == (0, 100)
    assert accuracy.get_xscale() == ("symlog" if log_steps else "linear")
    assert "nats" in loss.get_ylabel()


def test_phases_are_shaded_where_they_are_and_named(metrics):
    figure = training_curves(metrics, ALL)
    for axes in figure.axes:
        assert bands(axes) == {"memorisation": (0, 20), "circuit formation": (20, 60), "cleanup": (60, 90)}
        assert [to_hex(patch.get_facecolor()).upper() for patch in axes.patches] == list(PHASE_COLOURS.values())
    [legend] = figure.legends
    names = [text.get_text().strip() for text in legend.get_texts()]
    # a column at a time: lines in the first row, phases in the second
    assert names == ["train", "memorisation (0–20)", "test", "circuit formation (20–60)", "", "cleanup (60–90)"]
    width = figure.get_figwidth() * figure.dpi
    figure.draw_without_rendering()
    assert legend.get_window_extent().x1 <= width, "the last phase would be cut off"


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        (NONE, {}),
        (Phases(20, None, None, None), {"memorisation": (0, 20)}),
        (Phases(None, 30, 60, 40), {"cleanup": (30, 60)}),
        (Phases(20, 60, None, None), {"memorisation": (0, 20), "circuit formation": (20, 60)}),
        (Phases(60, 20, 20, None), {"memorisation": (0, 60)}),
    ],
)
def test_only_whole_phases_are_bands(phases, expected):
    assert phase_bands(phases, 0) == expected


def test_guessing_is_a_line_at_its_loss(metrics):
    line = drawn(training_curves(metrics, chance_loss=1.7).axes[0], "guessing")
    assert set(line.get_ydata()) == {1.7}
    assert "guessing" not in [line.get_label() for line in training_curves(metrics).axes[0].lines]


def test_without_a_test_set_only_training_is_drawn(metrics):
    metrics = metrics.assign(test_loss=math.nan, test_accuracy=math.nan)
    for axes in training_curves(metrics, NONE).axes:
        assert [line.get_label() for line in axes.lines] == ["train"]


@pytest.mark.parametrize("log_steps", [False, True])
@pytest.mark.parametrize("step", [0, 40])
def test_a_single_row_can_be_seen(metrics, step, log_steps):
    figure = training_curves(metrics[metrics["step"] == step], NONE, chance_loss=1.9, log_steps=log_steps)
    loss, accuracy = figure.axes
    assert drawn(loss, "train").get_marker() == "o"
    assert accuracy.get_xlim()[0] < step < accuracy.get_xlim()[1]
    assert "<svg" in to_svg(figure)


def test_a_long_curve_has_no_markers(metrics):
    assert drawn(training_curves(metrics).axes[0], "train").get_marker() == "None"


def test_no_rows_at_all_draw_an_empty_frame(metrics):
    assert "<svg" in to_svg(training_curves(metrics.head(0), NONE))


def test_losses_that_are_not_finite_leave_a_gap(metrics):
    metrics.loc[10, "test_loss"] = math.inf
    axes = training_curves(metrics).axes[0]
    assert math.isfinite(axes.get_ylim()[1])


def test_a_narrow_loss_axis_has_plain_numbers(metrics):
    figure = training_curves(metrics.assign(train_loss=2.1, test_loss=np.linspace(2.0, 2.4, 11)))
    to_svg(figure)
    labels = [text.get_text() for which in ("major", "minor") for text in figure.axes[0].get_yticklabels(which=which)]
    assert any(labels)
    assert all(float(label) for label in labels if label)


def test_nothing_global_is_touched(metrics):
    before = settings()
    to_svg(training_curves(metrics, ALL))
    assert settings() == before
    assert not Gcf.figs


@pytest.mark.slow
def test_pyplot_is_not_even_imported():
    code = (
        "import sys, pandas as pd; from grokscope.figures import *;"
        "rows = pd.DataFrame(dict(step=[0, 1], train_loss=1., train_accuracy=0., test_loss=1., test_accuracy=0.));"
        "to_svg(training_curves(rows)); to_png(training_curves(rows)); print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_readers_own_settings_change_nothing(metrics):
    plain = to_svg(training_curves(metrics, ALL))
    with matplotlib.rc_context({"lines.linewidth": 9.0, "axes.facecolor": "red", "svg.fonttype": "none"}):
        assert to_svg(training_curves(metrics, ALL)) == plain
