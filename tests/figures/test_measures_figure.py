import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from grokscope.analysis import Phases
from grokscope.analysis.measure_table import tidy
from grokscope.errors import ConfigError
from grokscope.figures import (
    coefficients_over_training,
    excluded_losses_over_training,
    progress_measures,
    to_svg,
)
from grokscope.figures.axes import PHASE_COLOURS

PHASES = Phases(memorised=20, generalised=60, cleaned=90, grokked=None)


def table(keys=(14, 35), **changes) -> pd.DataFrame:
    """Measures that all differ; the later a key, the higher its coefficient and the lower its excluded loss."""
    steps = np.arange(0, 101, 10)
    columns = {
        "step": steps,
        "accuracy": 1.0,
        "train_loss": 1e-3 * 0.9**steps,
        "test_loss": 5.0 * 0.95**steps,
        "restricted_loss": 4.0 * 0.8**steps,
        "excluded_loss": 1e-4 * 1.1**steps,
        "excluded_loss_cube": 1.0,
        "gini_W_E": steps / 200,
        "gini_W_L": steps / 120,
        "sum_of_squares": 4000.0 - 10 * steps,
        "sum_of_squares.embed.W_E": 1.0,
    }
    columns |= {f"alpha_{k}": steps * 0.1 * (at + 1) for at, k in enumerate(keys)}
    columns |= {f"excluded_loss_{k}": 0.01 / (at + 1) + steps for at, k in enumerate(keys)}
    return pd.DataFrame(columns | changes)


def lines(axes) -> dict[str, np.ndarray]:
    return {line.get_label(): np.asarray(line.get_ydata(), dtype=float) for line in axes.lines}


def test_every_line_is_a_column():
    measures = table()
    losses, gini, squares, alpha, excluded = progress_measures(tidy(measures)).axes
    expected = [
        (losses, {"train": "train_loss", "test": "test_loss", "restricted": "restricted_loss"}),
        (losses, {"excluded": "excluded_loss"}),
        (gini, {"$W_E$": "gini_W_E", "$W_L$": "gini_W_L"}),
        (squares, {"all weights": "sum_of_squares"}),
        (alpha, {"k = 14": "alpha_14", "k = 35": "alpha_35"}),
        (excluded, {"k = 14": "excluded_loss_14", "k = 35": "excluded_loss_35"}),
    ]
    for axes, columns in expected:
        for label, column in columns.items():
            assert lines(axes)[label] == pytest.approx(measures[column])
    assert [len(axes.lines) for axes in (losses, gini, squares, alpha, excluded)] == [4, 2, 1, 2, 2]
    assert [axes.get_yscale() for axes in (losses, gini, squares, alpha, excluded)] == [
        "log", "linear", "linear", "linear", "log",
    ]  # fmt: skip
    assert excluded.get_xlim() == losses.get_xlim() == (0, 100)


def test_a_frequency_looks_the_same_in_both_panels_and_like_no_other():
    *_, alpha, excluded = progress_measures(tidy(table(keys=range(1, 13)))).axes
    looks = [
        {line.get_label(): (line.get_color(), str(line._dash_pattern)) for line in a.lines} for a in (alpha, excluded)
    ]
    assert looks[0] == looks[1]
    assert len(set(looks[0].values())) == 12


def test_lines_are_named_in_the_order_in_which_they_end():
    losses, *_, alpha, _ = progress_measures(tidy(table(keys=(2, 5, 9)))).axes
    assert [text.get_text() for text in alpha.get_legend().get_texts()] == ["k = 9", "k = 5", "k = 2"]
    names = [text.get_text() for text in losses.get_legend().get_texts()]
    assert names == ["excluded", "test", "train", "restricted"]


def test_only_panels_with_columns_are_drawn():
    figure = progress_measures(tidy(table()[["step", "sum_of_squares", "gini_W_E"]]))
    gini, squares = figure.axes
    assert list(lines(gini)) == ["$W_E$"]
    assert gini.get_legend() is None
    assert list(lines(squares)) == ["all weights"]
    without_test = progress_measures(tidy(table().drop(columns=["test_loss"]))).axes[0]
    assert list(lines(without_test)) == ["train", "restricted", "excluded"]
    assert len(progress_measures(tidy(table(keys=()))).axes) == 3


def test_phases_are_shaded_in_every_panel_and_named_once():
    figure = progress_measures(tidy(table()), PHASES)
    for axes in figure.axes:
        assert [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches] == [
            (0, 20), (20, 60), (60, 90),
        ]  # fmt: skip
        assert [to_hex(patch.get_facecolor()).upper() for patch in axes.patches] == list(PHASE_COLOURS.values())
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "memorisation (0–20)", "circuit formation (20–60)", "cleanup (60–90)",
    ]  # fmt: skip
    assert not progress_measures(tidy(table()), Phases(None, None, None, None)).legends


def test_values_without_a_place_on_the_axis_leave_a_gap():
    measures = table(train_loss=0.0, gini_W_L=math.inf)
    measures.loc[10, ["restricted_loss", "excluded_loss"]] = 0.0, math.inf
    losses, gini, *_ = progress_measures(tidy(measures)).axes
    assert set(lines(losses)) == {"test", "restricted", "excluded"}
    assert len(lines(losses)["restricted"]) == 10
    assert math.isfinite(losses.get_ylim()[1])
    assert list(lines(gini)) == ["$W_E$"]


@pytest.mark.parametrize("n_rows", [1, 2])
def test_few_checkpoints_can_be_seen(n_rows):
    figure = progress_measures(tidy(table().head(n_rows)), PHASES)
    assert {line.get_marker() for axes in figure.axes for line in axes.lines} == {"o"}
    assert "<svg" in to_svg(figure)


@pytest.mark.slow
def test_the_same_measures_give_the_same_bytes():
    assert to_svg(progress_measures(tidy(table()), PHASES)) == to_svg(progress_measures(tidy(table()), PHASES))


@pytest.mark.parametrize("measures", [table().head(0), table()[["step", "accuracy"]]])
def test_nothing_to_draw_is_an_error(measures):
    with pytest.raises(ConfigError, match=r"no progress measures to draw; the table has (no rows|accuracy)"):
        progress_measures(tidy(measures))


def test_coefficients_alone_have_a_line_for_each_frequency():
    measures = table(keys=(14, 35, 41))
    [axes] = coefficients_over_training(tidy(measures), PHASES).axes
    assert {label: list(values) for label, values in lines(axes).items()} == {
        f"k = {k}": pytest.approx(measures[f"alpha_{k}"].to_list()) for k in (14, 35, 41)
    }
    assert axes.get_ylabel() == "nats"


def test_excluded_losses_alone_stand_before_the_networks_own():
    measures = table()
    [axes] = excluded_losses_over_training(tidy(measures)).axes
    drawn = lines(axes)
    assert list(drawn["k = 14"]) == pytest.approx(measures["excluded_loss_14"].to_list())
    assert list(drawn["test, nothing removed"]) == pytest.approx(measures["test_loss"].to_list())
    thin, thick = (
        next(line.get_linewidth() for line in axes.lines if line.get_label() == label)
        for label in ("train, nothing removed", "k = 14")
    )
    assert thin < thick


def test_measures_without_key_frequencies_have_no_such_pictures():
    measures = table(keys=())
    with pytest.raises(ConfigError, match="no coefficients to draw; the table has accuracy,"):
        coefficients_over_training(tidy(measures))
    with pytest.raises(ConfigError, match="no excluded losses of single frequencies to draw"):
        excluded_losses_over_training(tidy(measures))
