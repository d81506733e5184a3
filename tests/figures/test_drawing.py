"""Figures show themselves in notebooks."""

import pandas as pd
from IPython.core.formatters import DisplayFormatter

from grokscope.figures import training_curves

METRICS = pd.DataFrame(
    {"step": [0, 10], "train_loss": [4.0, 1.0], "train_accuracy": [0.0, 1.0], "test_loss": [4.0, 2.0],
     "test_accuracy": [0.0, 0.5]}
)  # fmt: skip


def test_a_notebook_shows_a_figure_as_one_picture():
    shown, about = DisplayFormatter().format(training_curves(METRICS))
    assert set(shown) == {"text/plain", "image/png"}
    png, metadata = shown["image/png"], about["image/png"]
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    assert width == 2 * 900  # for screens of high density …
    assert metadata == {"width": 900, "height": metadata["height"]}  # … but shown in the size of others
    assert abs(height - 2 * metadata["height"]) <= 1


def test_showing_it_twice_gives_the_same_picture():
    figure = training_curves(METRICS)
    first, second = (DisplayFormatter().format(figure)[0]["image/png"] for _ in range(2))
    assert first == second
