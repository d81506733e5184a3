"""Pictures of a sweep show what its table says, and a control beside the frequencies."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from grokscope.analysis.many_runs.arms import arms_of
from grokscope.errors import ConfigError
from grokscope.figures import key_frequency_counts, save_figure, survival_curves, time_to_grok
from grokscope.figures.export import to_svg
from grokscope.figures.line_styles import ordered_looks
from grokscope.figures.many_runs.survival import looks_of
from grokscope.figures.theme import Theme


def table(*, decays=(0.3, 1.0, 3.0), n=8, never=2):
    rng = np.random.default_rng(0)
    rows = []
    for decay in decays:
        for seed in range(n):
            grokked = pd.NA if seed < never else int(1000 / decay * (1 + rng.random()))
            keys = " ".join(map(str, sorted(rng.choice(np.arange(1, 16), size=3, replace=False))))
            rows.append(
                (decay, seed, f"net{seed % 2}", 10 ** rng.uniform(-4, -2), "finished", 9000, grokked, grokked, keys)
            )
    columns = [
        "weight_decay",
        "seed",
        "model",
        "lr",
        "status",
        "last_step",
        "grokked",
        "first_crossing",
        "key_frequencies",
    ]
    found = pd.DataFrame(rows, columns=columns).astype({"grokked": "Int64", "first_crossing": "Int64"})
    return found.assign(n_key_frequencies=3)


def texts(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


class TestSurvival:
    def test_curves_end_at_the_share_that_never_grokked(self, tmp_path):
        figure = survival_curves(arms_of(table(), ["weight_decay"]))
        curves = [line for line in figure.axes[0].lines if line.get_drawstyle() == "steps-post"]
        assert len(curves) == 3
        for line in curves:
            assert line.get_ydata()[0] == 1
            assert line.get_ydata()[-1] == pytest.approx(2 / 8)
            assert line.get_xdata()[-1] == 9000
        assert "ended without grokking" in texts(figure)
        save_figure(figure, tmp_path / "figure.png")

    def test_the_panel_keeps_its_room_whether_or_not_runs_ended_without(self, tmp_path):
        for never in (0, 1):
            figure = survival_curves(arms_of(table(never=never), ["weight_decay"]))
            save_figure(figure, tmp_path / "figure.png")
            assert figure.axes[0].get_position().height > 0.5

    def test_runs_left_are_counted(self):
        figure = survival_curves(arms_of(table(decays=(1.0,)), []))
        counted = [text.get_text() for text in figure.axes[1].texts]
        assert counted[:2] == ["runs left", "8"]
        assert counted[-1] == "2"

    @pytest.mark.parametrize("width", [85.0, 180.0])
    def test_in_a_paper_words_have_one_size_and_numbers_stand_apart(self, width):
        with Theme(width_mm=width, font_pt=7.0):
            figure = survival_curves(arms_of(table(), ["weight_decay"]))
        to_svg(figure)
        sizes = {round(text.get_fontsize(), 2) for legend in figure.legends for text in legend.get_texts()}
        assert sizes == {6.3}
        counted = [text.get_window_extent() for text in figure.axes[1].texts if text.get_text()]
        for one, other in combinations(counted, 2):
            assert not one.overlaps(other)

    def test_values_of_a_number_go_from_dark_to_light_and_words_do_not(self):
        ordered = looks_of(["weight decay 3", "weight decay 0.3", "weight decay 1"])
        dark_to_light = ordered_looks(["weight decay 0.3", "weight decay 1", "weight decay 3"])
        assert ordered == dark_to_light
        assert len({look.colour for look in looks_of(["op add", "op subtract", "op other"]).values()}) == 3

    def test_too_many_arms(self):
        with pytest.raises(ConfigError, match="13 arms"):
            survival_curves({f"arm {n}": table(n=2) for n in range(13)})


class TestTimeToGrok:
    def test_every_run_is_there_and_the_median_of_each_value(self, tmp_path):
        whole = table()
        figure = time_to_grok(whole, ["weight_decay", "model", "lr"])
        decay, model, lr = figure.axes
        for axes in (decay, model, lr):
            assert sum(len(line.get_xdata()) for line in axes.lines[:2]) == len(whole)
        assert [label.get_text() for label in decay.get_xticklabels()] == ["0.3", "1", "3"]
        assert [label.get_text() for label in model.get_xticklabels()] == ["net0", "net1"]
        assert lr.get_xscale() == "log"
        # a line and a diamond for each of three values; for 24 drawn values none
        assert len(decay.lines) == 2 + 6
        assert len(lr.lines) == 2
        save_figure(figure, tmp_path / "figure.png")

    def test_nothing_varied(self):
        with pytest.raises(ConfigError, match="nothing to draw"):
            time_to_grok(table(), [])


class TestFrequencies:
    def test_bars_add_up_and_chance_is_drawn(self, tmp_path):
        figure = key_frequency_counts(arms_of(table(), ["weight_decay"]), 15)
        number, which = figure.axes
        assert sum(bar.get_height() for bars in number.containers for bar in bars) == 18
        assert sum(bar.get_height() for bars in which.containers for bar in bars) == 18 * 3
        assert "95 % if each were as likely" in texts(figure)
        assert [each for each in number.get_xticks() if each % 1] == []
        save_figure(figure, tmp_path / "figure.png")

    @pytest.mark.parametrize("n_arms", [1, 3])
    def test_chance_covers_uniform_draws_and_not_a_favourite(self, n_arms):
        """Of several arms too, in which a seed has the same frequencies."""
        from grokscope.figures.many_runs.settings import _if_each_as_likely

        rng = np.random.default_rng(1)
        keys = [" ".join(map(str, rng.choice(np.arange(1, 51), size=5, replace=False))) for _ in range(400)]
        arm = pd.DataFrame({"seed": range(400), "grokked": 100, "key_frequencies": keys})
        low, high = _if_each_as_likely(pd.concat([arm] * n_arms), 50)
        counts = n_arms * np.bincount([int(key) for each in keys for key in each.split()], minlength=51)[1:]
        assert 0.88 <= np.mean((counts >= low) & (counts <= high)) <= 1
        assert high < n_arms * 60  # of 400 networks, a favourite of all would have 400

    def test_only_how_many_where_the_modulus_differs(self):
        assert len(key_frequency_counts(arms_of(table(), []), None).axes) == 1

    def test_none(self):
        with pytest.raises(ConfigError, match="no key frequencies"):
            key_frequency_counts(arms_of(table(never=8), []), 15)
