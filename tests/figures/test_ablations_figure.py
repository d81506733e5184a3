import math

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from grokscope.analysis.modular.frequency_ablations import FrequencyAblations
from grokscope.errors import ConfigError
from grokscope.figures import frequency_ablations, to_svg
from grokscope.figures.theme import GREY, VERMILION

FOUND = FrequencyAblations(1e-6, (2e-6, 3.0, 5e-7, 1e-6, 0.4, 1.1e-6), (2, 5), 8e-7)


def test_every_frequency_has_a_bar_between_the_losses_with_and_without_it():
    [axes] = frequency_ablations(FOUND).axes
    bars = [(bar.get_x() + bar.get_width() / 2, bar.get_y(), bar.get_y() + bar.get_height()) for bar in axes.patches]
    for k, (place, bottom, top) in enumerate(bars, start=1):
        assert place == pytest.approx(k)
        assert bottom == FOUND.intact
        assert top == pytest.approx(FOUND.without[k - 1])  # frequency 3 does harm: its bar hangs
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert low < min(FOUND.without)
    assert high > max(FOUND.without)


def test_key_frequencies_are_coloured_and_numbered():
    figure = frequency_ablations(FOUND)
    [axes] = figure.axes
    coloured = [at for at, bar in enumerate(axes.patches, start=1) if bar.get_facecolor() == to_rgba(VERMILION)]
    assert coloured == [2, 5]
    assert {text.get_text(): text.xy for text in axes.texts} == {"2": (2, 3.0), "5": (5, 0.4)}
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert set(names) == {
        "a key frequency removed",
        "another frequency removed",
        "nothing removed: 1e-06",
        "all but the mean and the key frequencies removed: 8e-07",
    }


def test_lines_stand_at_the_losses_that_they_name():
    [axes] = frequency_ablations(FOUND).axes
    heights = [float(np.asarray(line.get_ydata())[0]) for line in axes.lines]
    assert heights == [FOUND.intact, FOUND.keys_alone]


def test_without_key_frequencies_all_bars_are_alike():
    figure = frequency_ablations(FrequencyAblations(1.0, (1.1, 1.2), (), None))
    [axes] = figure.axes
    assert {bar.get_facecolor() for bar in axes.patches} == {to_rgba(GREY)}
    assert len(axes.lines) == 1
    assert figure.legends[0].get_texts()[0].get_text() == "a frequency removed"


def test_a_loss_of_zero_has_a_place():
    drawn = frequency_ablations(FrequencyAblations(0.0, (0.0, 1.0), (2,), 0.0))
    assert "<svg" in to_svg(drawn)
    assert drawn.axes[0].get_ylim()[0] > 0


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_what_is_no_number_is_an_error(loss):
    with pytest.raises(ConfigError, match="not all finite"):
        frequency_ablations(FrequencyAblations(1.0, (loss,), (), None))
