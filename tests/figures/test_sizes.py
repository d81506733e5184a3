"""Figures have the size asked for: exact millimetres, text of the size asked for, nothing cut off or overlapping."""

import re
import zlib
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grokscope import figures
from grokscope.analysis import Phases
from grokscope.analysis.measure_table import tidy
from grokscope.analysis.modular.frequency_ablations import FrequencyAblations
from grokscope.errors import ConfigError
from grokscope.figures import (
    Theme,
    attention_maps,
    embedding_circles,
    frequency_ablations,
    logit_spectrum,
    measures_over_training,
    neuron_maps,
    neuron_shares,
    progress_measures,
    save_figure,
    subtask_curves,
    to_pdf,
    to_png,
    to_svg,
    training_curves,
    weight_spectra,
)
from grokscope.figures.theme import MM

pytestmark = pytest.mark.slow

STEPS = np.arange(0, 14001, 100)
METRICS = pd.DataFrame(
    {
        "step": STEPS,
        "train_loss": np.maximum(4.7 * 0.99 ** (STEPS / 10), 2e-7),
        "test_loss": np.where(STEPS < 9000, 8.0, 1e-6),
        "train_accuracy": np.minimum(STEPS / 1400, 1.0),
        "test_accuracy": np.where(STEPS < 9000, 0.01, 1.0),
    }
    | {f"test_loss_digit_{digit}": digit + 0.8 ** (STEPS / 100) for digit in range(6)}
)
PHASES = Phases(memorised=1400, generalised=9400, cleaned=14000, grokked=9500)
MEASURES = METRICS[["step", "train_loss", "test_loss"]].assign(
    restricted_loss=1.0,
    excluded_loss=2.0,
    gini_W_E=0.5,
    gini_W_L=0.6,
    sum_of_squares=4000.0 - STEPS / 10,
    alpha_14=1.0,
    alpha_35=2.0,
    excluded_loss_14=0.3,
    excluded_loss_35=0.2,
)
HEADS = pd.DataFrame(
    {"step": STEPS} | {f"{kind}_{head}.0": head + 0.1 for kind in ("copying", "other") for head in (0, 1)}
)


@pytest.fixture
def draw(make_circuit) -> Callable[[str], Figure]:
    """Draw a figure of every kind of layout, by name."""
    shares, frequencies = [0.9, 0.95, 0.99, 0.91, 0.9, 1.0], [6, 7, 2, 2, 11, 3]
    circuit = make_circuit(29, keys=[2, 6, 7, 11], n_heads=4, shares=shares, frequencies=frequencies)
    turn = 2 * torch.pi * torch.outer(torch.tensor([2, 6, 7, 11, 12]), torch.arange(29)) / 29
    drawn: dict[str, Callable[[], Figure]] = {
        "curves": lambda: training_curves(METRICS, PHASES, chance_loss=4.73),
        "log steps": lambda: training_curves(METRICS, log_steps=True),
        "parts": lambda: subtask_curves(METRICS, [f"digit_{digit}" for digit in range(6)]),
        "measures": lambda: progress_measures(tidy(MEASURES), PHASES),
        "heads": lambda: measures_over_training(tidy(HEADS)),
        "weights": lambda: weight_spectra(circuit),
        "attention": lambda: attention_maps(circuit),
        "neurons": lambda: neuron_maps(circuit),
        "shares": lambda: neuron_shares(circuit),
        "logits": lambda: logit_spectrum(circuit),
        "circles": lambda: embedding_circles(torch.stack([turn.cos(), turn.sin()], 2), [2, 6, 7, 11, 12]),
        "ablations": lambda: frequency_ablations(FrequencyAblations(1e-6, (0.5, 1e-3, 2.0, 1e-6), (1, 3), 1e-7)),
    }
    return lambda name: drawn[name]()


NAMES = (
    "curves", "log steps", "parts", "measures", "heads", "weights", "attention", "neurons", "shares", "logits",
    "circles", "ablations",
)  # fmt: skip


def panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def words(figure: Figure) -> list[tuple[str, object]]:
    """Return the titles, labels and legends that can be seen, with their boxes."""
    texts = [text for axes in figure.axes for text in (axes.xaxis.label, axes.yaxis.label)]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts if text.get_text() and text.get_visible()]
    for axes in panels(figure):
        title = axes.get_title(loc="left")
        boxes += [
            (text.get_text(), text.get_window_extent())
            for text in axes.get_children()
            if title and getattr(text, "get_text", str)() == title
        ]
    return boxes + [("legend", legend.get_window_extent()) for legend in figure.legends]


@pytest.mark.parametrize("width", [60.0, 85.0, 180.0])
@pytest.mark.parametrize("name", NAMES)
def test_the_width_is_exact_and_nothing_is_cut_off_or_lies_on_other_words(draw, name, width):
    with Theme(width_mm=width, font_pt=7.0):
        figure = draw(name)
    svg = ElementTree.fromstring(to_svg(figure))
    assert float(svg.attrib["width"].removesuffix("pt")) == pytest.approx(width / MM * 72, abs=1e-3)
    assert figure.get_size_inches()[0] * MM == pytest.approx(width)
    whole = figure.bbox
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert box is not None
        assert box.x0 >= whole.x0 - 1
        assert box.x1 <= whole.x1 + 1
        assert box.y0 >= whole.y0 - 1
        assert box.y1 <= whole.y1 + 1
    for (one, a), (other, b) in combinations(words(figure), 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        along = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert across <= 1 or along <= 1, f"{one!r} lies on {other!r}"
    for axes in panels(figure):
        labels = [label for label in axes.get_xticklabels() if label.get_visible() and label.get_text()]
        low, high = sorted(axes.get_xlim())
        inside = [label for label in labels if low <= label.get_position()[0] <= high]
        boxes = sorted((label.get_window_extent() for label in inside), key=lambda box: box.x0)
        assert all(b.x0 > a.x1 for a, b in pairwise(boxes)), "numbers at ticks touch"


@pytest.mark.parametrize("points", [5.0, 10.0])
@pytest.mark.parametrize("name", ["curves", "circles", "measures"])
def test_text_has_the_size_that_was_asked_for(draw, name, points):
    with Theme(width_mm=180.0, font_pt=points):
        figure = draw(name)
    to_svg(figure)
    labels = {axes.xaxis.label.get_fontsize() for axes in figure.axes}
    numbers = {text.get_fontsize() for axes in panels(figure) for text in axes.get_xticklabels()}
    assert labels == {points}
    assert {round(size, 6) for size in numbers} == {0.9 * points}


def test_a_height_is_exact_too(draw):
    with Theme(width_mm=180.0, font_pt=7.0, height_mm=150.0):
        figure = draw("curves")
    assert figure.get_size_inches() * MM == pytest.approx((180, 150))


def test_panels_that_would_be_too_narrow_stand_below_each_other(draw):
    def columns(width: float) -> int:
        with Theme(width_mm=width, font_pt=7.0):
            figure = draw("attention")
        to_svg(figure)
        return len({round(axes.get_position().x0, 3) for axes in panels(figure)})

    assert (columns(180.0), columns(60.0)) == (4, 2)


def test_pixels_are_those_of_the_density(draw):
    with Theme(width_mm=100.0, font_pt=7.0, height_mm=50.0):
        png = to_png(draw("curves"), dpi=254)
    assert [int.from_bytes(png[at : at + 4], "big") for at in (16, 20)] == [1000, 500]


def test_a_pdf_has_its_fonts_inside_and_nothing_that_changes(draw):
    def pdf() -> bytes:
        with Theme(width_mm=85.0, font_pt=7.0):
            return to_pdf(draw("weights"))

    first = pdf()
    assert first == pdf()
    assert b"/FontFile2" in first  # a TrueType font, whole: text can be searched and changed in a drawing program …
    assert b"/Type3" not in first  # … which type 3 does not allow, and many journals refuse
    assert not re.search(rb"CreationDate|Producer|matplotlib", first)
    streams = re.findall(rb"stream\r?\n(.*?)endstream", first, re.DOTALL)
    assert any(b" Tj" in text or b" TJ" in text for text in map(inflated, streams)), "text is text"


def inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream


def test_files_are_the_same_twice(draw, tmp_path):
    with Theme(width_mm=85.0, font_pt=7.0):
        figure = draw("circles")
    for suffix in ("pdf", "svg", "png"):
        for name in ("a", "b"):
            save_figure(figure, tmp_path / f"{name}.{suffix}")
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"width_mm": 39.0}, "width_mm = 39 is not possible; it must be from 40 to 1,000"),
        ({"width_mm": float("nan")}, "width_mm = nan is not possible"),
        ({"height_mm": 2000.0}, "height_mm = 2000 is not possible; it must be from 20 to 1,000"),
        ({"font_pt": 3.0}, "font_pt = 3 is not possible; it must be from 4 to 40"),
    ],
)
def test_sizes_that_cannot_be_are_refused(sizes, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        Theme(**sizes)


def test_a_figure_without_room_is_refused_when_it_is_saved(draw, tmp_path):
    with Theme(width_mm=50.0, font_pt=30.0, height_mm=20.0):
        figure = draw("curves")
    with pytest.raises(ConfigError, match="no room in 50 × 20 mm with text of 30 points"):
        save_figure(figure, tmp_path / "a.pdf")
    assert not list(tmp_path.iterdir())
    assert not plt.get_fignums()


class TestSomebodysFigure:
    def test_a_single_panel_is_drawn_in_axes_with_their_own_settings(self):
        with plt.rc_context({"font.size": 21.0}):
            figure, axes = plt.subplots()
            assert subtask_curves(METRICS, ["digit_1", "digit_2"], ax=axes) is figure
            assert axes.xaxis.label.get_fontsize() == 21.0
            assert axes.get_legend() is not None
            plt.close(figure)

    def test_several_panels_take_a_list_or_share_the_room_of_one(self):
        figure = Figure(layout="constrained", figsize=(12, 8))
        first, second, third = figure.subplots(1, 3)
        training_curves(METRICS, PHASES, ax=[first, second])
        assert (first.get_ylabel(), second.get_ylabel()) == ("loss (nats, log scale)", "accuracy")
        training_curves(METRICS, PHASES, ax=third)
        assert third not in figure.axes
        [sub] = figure.subfigs
        assert len(sub.axes) == 2
        assert len(sub.legends) == 1
        with pytest.raises(ConfigError, match="has 2 panels, and 3 axes were given"):
            training_curves(METRICS, ax=Figure().subplots(1, 3))
        with pytest.raises(ConfigError, match="which are in no grid, have no room"):
            training_curves(METRICS, ax=Figure().add_axes((0, 0, 1, 1)))


def test_figures_use_the_public_interface_of_matplotlib():
    folder = Path(figures.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        private = re.findall(r"(?<!self)\._(?!_)\w+", path.read_text(encoding="utf-8"))
        assert not private, f"{path.relative_to(folder)} reads {private[0]}"
