import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from grokscope.analysis.measure_table import tidy
from grokscope.errors import ConfigError
from grokscope.figures import measures_over_training
from grokscope.figures.training.measures import groups_of

HEADS = ("0.0", "0.1", "1.0")


def table(**changes) -> pd.DataFrame:
    steps = np.arange(0, 101, 10)
    columns = {"step": steps, "loss": 1.0, "accuracy": 0.5, "loss_repeat_2": 3 - steps / 50, "loss_repeat_3": 2.0}
    for at, head in enumerate(HEADS):
        columns |= {f"previous_token_{head}": steps * 0.01 + at, f"prefix_matching_{head}": steps * 0.02 - at}
    return pd.DataFrame(columns | {"sum_of_squares": 2000.0 - steps} | changes)


def panels(figure: Figure) -> dict[str, dict[str, np.ndarray]]:
    return {
        axes.get_title(loc="left"): {line.get_label(): np.asarray(line.get_ydata(), dtype=float) for line in axes.lines}
        for axes in figure.axes
    }


def test_a_kind_stands_before_the_last_underscore():
    columns = ["loss", "accuracy", "copying_1.0", "copying_0.12", "accuracy_digit_3_made", "looks_for"]
    columns += ["accuracy_digit_3_none", "score_0", "score_1", "sum_of_squares", "odd"]
    assert groups_of(tidy(pd.DataFrame({"step": [0], **dict.fromkeys(columns, 1.0)}))) == {
        "copying": {"copying_1.0": "head 1.0", "copying_0.12": "head 0.12"},
        "accuracy_digit_3": {"accuracy_digit_3_made": "made", "accuracy_digit_3_none": "none"},
        "looks_for": {"looks_for": ""},
        "score": {"score_0": "0", "score_1": "1"},
        "sum_of_squares": {"sum_of_squares": ""},
        "odd": {"odd": ""},
    }


def test_every_kind_is_a_panel_and_every_column_a_line():
    measures = table()
    figure = measures_over_training(tidy(measures))
    drawn = panels(figure)
    assert list(drawn) == ["loss by repeat", "previous token", "prefix matching", "sum of squares"]
    for title in ("previous token", "prefix matching"):
        for head in HEADS:
            assert drawn[title][f"head {head}"] == pytest.approx(measures[f"{title.replace(' ', '_')}_{head}"])
    assert drawn["loss by repeat"]["2"] == pytest.approx(measures["loss_repeat_2"])
    assert [len(lines) for lines in drawn.values()] == [2, 3, 3, 1]
    assert {axes.get_xlim() for axes in figure.axes} == {(0, 100)}
    assert len(measures_over_training(tidy(measures.drop(columns="sum_of_squares"))).axes) == 3, (
        "an empty frame is left"
    )


def test_what_several_panels_have_looks_the_same_and_is_named_once():
    figure = measures_over_training(tidy(table()))
    losses, previous, matching, squares = figure.axes
    looks = [
        {line.get_label(): (line.get_color(), str(line._dash_pattern)) for line in axes.lines}
        for axes in (previous, matching)
    ]
    assert looks[0] == looks[1]
    assert len(set(looks[0].values())) == 3
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["head 0.0", "head 0.1", "head 1.0"]
    assert [axes.get_legend() is not None for axes in (losses, previous, matching, squares)] == [True, *[False] * 3]


def test_no_name_is_cut_off():
    heads = {
        f"{kind}_{layer}.{head}": 0.5
        for kind in ("copying", "prefix_matching")
        for layer in range(2)
        for head in range(6)
    }
    figure = measures_over_training(tidy(pd.DataFrame({"step": [0, 10], **heads})))
    figure.draw_without_rendering()
    [legend] = figure.legends
    assert {text.get_text().strip() for text in legend.get_texts()} - {""} == {
        f"head {layer}.{head}" for layer in range(2) for head in range(6)
    }
    assert legend.get_window_extent().x1 <= figure.get_figwidth() * figure.dpi


def test_accuracies_share_a_scale_and_gaps_stay_gaps():
    changes = {"accuracy_digit_1_made": 0.2, "accuracy_digit_1_none": 0.3, "empty_1": math.nan, "empty_2": math.nan}
    measures = table(**changes)
    measures.loc[10, "sum_of_squares"] = math.inf
    figure = measures_over_training(tidy(measures))
    drawn = panels(figure)
    assert "empty" not in drawn
    [squares] = drawn["sum of squares"].values()
    assert len(squares) == 10
    [accuracy] = [axes for axes in figure.axes if axes.get_title(loc="left") == "accuracy digit 1"]
    assert accuracy.get_ylim() == (-0.04, 1.04)


@pytest.mark.parametrize("measures", [table().head(0), table()[["step", "loss", "accuracy"]]])
def test_nothing_to_draw_is_an_error(measures):
    with pytest.raises(ConfigError, match=r"no measures to draw; the table has (no rows|loss, accuracy)"):
        measures_over_training(tidy(measures))
