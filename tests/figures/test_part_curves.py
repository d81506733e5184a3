import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from grokscope.errors import ConfigError
from grokscope.figures import subtask_curves, to_svg
from grokscope.figures.line_styles import MOST_LINES, distinct_looks

DIGITS = ("digit_2", "digit_1", "digit_0")


def metrics(parts=DIGITS) -> pd.DataFrame:
    """Losses that all differ; the later a part, the higher."""
    steps = np.arange(0, 101, 10)
    columns = {"step": steps}
    for at, part in enumerate(parts, start=1):
        columns |= {f"train_loss_{part}": at * 0.9**steps, f"test_loss_{part}": at + 0.8**steps}
    return pd.DataFrame(columns)


def lines(axes: Axes) -> dict[str, np.ndarray]:
    return {line.get_label(): np.asarray(line.get_ydata(), dtype=float) for line in axes.lines}


def named(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def test_every_part_is_a_line_with_a_name():
    table = metrics()
    [axes] = subtask_curves(table, DIGITS).axes
    assert {name: list(values) for name, values in lines(axes).items()} == {
        part.replace("_", " "): table[f"test_loss_{part}"].to_list() for part in DIGITS
    }
    assert named(axes) == ["digit 2", "digit 1", "digit 0"]
    assert (axes.get_yscale(), axes.get_ylim()[0], axes.get_xlim()) == ("linear", 0, (0, 100))
    assert "nats" in axes.get_ylabel()


def test_parts_in_order_go_from_dark_to_light():
    parts = [f"digit_{power}" for power in range(11, -1, -1)]
    [axes] = subtask_curves(metrics(parts), parts).axes
    lightness = [float(np.dot(to_rgb(line.get_color()), (0.299, 0.587, 0.114))) for line in axes.lines]
    assert lightness == sorted(lightness)
    assert len(set(lightness)) == MOST_LINES
    assert lightness[-1] < 0.8, "on white it could not be seen"


def test_training_is_dashed_in_the_parts_own_colour_and_named_once():
    table = metrics()
    [axes] = subtask_curves(table, DIGITS, train=True).axes
    for part in ("digit 2", "digit 0"):
        [test] = [line for line in axes.lines if line.get_label() == part]
        [train] = [line for line in axes.lines if line.get_label() == f"{part}, training"]
        assert train.get_color() == test.get_color()
        gaps = [bool(line._dash_pattern[1]) for line in (test, train)]
        assert gaps == [False, True]
        assert list(np.asarray(train.get_ydata())) == table[f"train_loss_{part.replace(' ', '_')}"].to_list()
    assert named(axes) == ["digit 2", "digit 1", "digit 0", "test", "training"]


def test_of_many_parts_the_median_and_the_range_are_drawn():
    parts = [f"trigger_{m}" for m in range(MOST_LINES + 1)]
    table = metrics(parts)
    [axes] = subtask_curves(table, parts).axes
    losses = table[[f"test_loss_{part}" for part in parts]]
    assert list(lines(axes)) == ["median of 13"]
    assert lines(axes)["median of 13"] == pytest.approx(losses.median(axis=1))
    [band] = axes.collections
    edges = band.get_paths()[0].vertices
    assert isinstance(edges, np.ndarray)
    assert (edges[:, 1].min(), edges[:, 1].max()) == pytest.approx((losses.min().min(), losses.max().max()))
    assert named(axes) == ["lowest to highest of 13", "median of 13"]


def test_what_is_not_finite_leaves_a_gap_and_steps_can_be_logarithmic():
    table = metrics()
    table.loc[10, "test_loss_digit_0"] = math.inf
    [axes] = subtask_curves(table, DIGITS, log_steps=True).axes
    assert len(lines(axes)["digit 0"]) == 10
    assert axes.get_xscale() == "symlog"


def test_a_single_row_can_be_seen_and_is_the_same_twice():
    table = metrics().head(1)
    drawn = subtask_curves(table, DIGITS)
    assert {line.get_marker() for line in drawn.axes[0].lines} == {"o"}
    assert to_svg(drawn) == to_svg(subtask_curves(table, DIGITS))


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ConfigError, match="no parts to draw"):
        subtask_curves(metrics(), ())
    with pytest.raises(ConfigError, match="no column test_loss_digit_9; they have step, train_loss_digit_2"):
        subtask_curves(metrics(), ("digit_9",))


def test_looks_without_an_order_differ():
    assert len(set(distinct_looks([str(at) for at in range(28)]).values())) == 28
