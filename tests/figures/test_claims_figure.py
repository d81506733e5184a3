import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb

from grokscope.errors import ConfigError
from grokscope.figures import claims_over_training, to_svg
from grokscope.figures.training.claims import FAILS, HOLDS, cell_edges


def table(**held: dict[int, bool]) -> pd.DataFrame:
    rows = [{"step": step, "claim": claim, "holds": holds} for claim, at in held.items() for step, holds in at.items()]
    return pd.DataFrame(rows).sort_values("step", kind="stable").assign(verdict="", value=0.0, threshold=0.0)


THREE = table(
    task={0: False, 10: True, 20: True}, sparse={0: True, 10: False, 20: True}, formula={0: False, 10: False, 20: False}
)


def cells(axes) -> dict[int, list[tuple[float, float, str]]]:
    """Every drawn stretch by row: from, to, colour."""
    found: dict[int, list[tuple[float, float, str]]] = {}
    for bar in axes.patches:
        row = round(bar.get_y() + bar.get_height() / 2)
        stretch = bar.get_x(), bar.get_x() + bar.get_width(), to_hex(bar.get_facecolor()).upper()
        found.setdefault(row, []).append(stretch)
    return found


def at_the_right(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_a_row_is_filled_where_its_claim_holds():
    [axes] = claims_over_training(THREE).axes
    assert cells(axes) == {
        0: [(-5, 5, FAILS), (5, 25, HOLDS)],
        1: [(-5, 5, HOLDS), (5, 15, FAILS), (15, 25, HOLDS)],
        2: [(-5, 25, FAILS)],
    }
    assert [label.get_text() for label in axes.get_yticklabels()] == ["task", "sparse", "formula"]
    assert axes.yaxis_inverted()
    assert axes.get_xlim() == (-5, 25)
    assert list(axes.get_xticks()) == [0, 10, 20]


def test_the_step_from_which_it_holds_for_good_is_named():
    [axes] = claims_over_training(THREE).axes
    assert at_the_right(axes) == ["from 10", "from 20", "never for good"]


def test_what_was_not_tested_is_white_and_said_to_be():
    figure = claims_over_training(table(task={0: False, 10: True}, attention={10: True}, gone={0: True}))
    [axes] = figure.axes
    assert cells(axes)[1] == [(5, 15, HOLDS)]
    assert cells(axes)[2] == [(-5, 5, HOLDS)]
    assert at_the_right(axes) == ["from 10", "from 10", "not tested last"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["holds", "does not hold", "not tested"]
    assert len(claims_over_training(THREE).legends[0].get_texts()) == 2


def test_black_and_white_tells_them_apart():
    held, failed = (np.dot(to_rgb(colour), (0.299, 0.587, 0.114)) for colour in (HOLDS, FAILS))
    assert failed - held > 0.4


def test_many_steps_give_a_small_picture():
    steps = range(0, 15000, 100)
    figure = claims_over_training(table(**{f"claim {n}": {s: s > 1000 * n for s in steps} for n in range(12)}))
    [axes] = figure.axes
    assert len(axes.patches) == 12 * 2
    assert not axes.collections, "lines between 150 cells would hide them"
    assert len(to_svg(figure)) < 100_000
    assert len(claims_over_training(THREE).axes[0].collections) == 1


def test_cells_reach_half_way_to_the_next_step():
    assert cell_edges(np.array([0, 10, 40])).tolist() == [-5, 5, 25, 45]
    assert cell_edges(np.array([7])).tolist() == [6.5, 7.5]


def test_one_step_can_be_drawn():
    figure = claims_over_training(THREE[THREE["step"] == 20])
    assert list(figure.axes[0].get_xticks()) == [20]
    assert at_the_right(figure.axes[0]) == ["from 20", "from 20", "never for good"]
    assert "<svg" in to_svg(figure)


def test_a_name_is_text_and_not_mathematics():
    assert "<svg" in to_svg(claims_over_training(table(**{r"$\frac{<b>$ __": {0: True, 5: False}})))


def test_the_same_claims_give_the_same_bytes():
    assert to_svg(claims_over_training(THREE)) == to_svg(claims_over_training(THREE.copy()))


def test_no_rows_are_an_error():
    with pytest.raises(ConfigError, match="no claims to draw"):
        claims_over_training(THREE.head(0))
