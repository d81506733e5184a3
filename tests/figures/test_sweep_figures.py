"""Pictures of a sweep show what its table says, and a control beside the frequencies."""

from itertools import combinations

import numpy as np
import pytest

from grokscope.analysis.many_runs.groups import RunGroup, group_outcomes
from grokscope.analysis.many_runs.outcomes import RunOutcome
from grokscope.errors import ConfigError
from grokscope.figures import key_frequency_counts, phase_diagram, save_figure, survival_curves, time_to_grok
from grokscope.figures.export import to_svg
from grokscope.figures.line_styles import ordered_looks
from grokscope.figures.many_runs.phase_diagram import most_common_outcome
from grokscope.figures.many_runs.survival import looks_of
from grokscope.figures.theme import Theme


def outcomes(*, decays=(0.3, 1.0, 3.0), n=8, never=2):
    rng = np.random.default_rng(0)
    found = []
    for decay in decays:
        for seed in range(n):
            grokked = None if seed < never else int(1000 / decay * (1 + rng.random()))
            keys = tuple(sorted(rng.choice(np.arange(1, 16), size=3, replace=False).tolist()))
            settings = {"weight_decay": decay, "model": f"net{seed % 2}", "lr": 10 ** rng.uniform(-4, -2)}
            found.append(
                RunOutcome(
                    run=f"{decay}-{seed}", settings=settings, seed=seed, seeds=(seed,) * 4, last_step=9000,
                    outcome="memorised" if grokked is None else "grokked", fitted=100, grokked=grokked,
                    first_crossing=grokked, key_frequencies=keys,
                )
            )  # fmt: skip
    return found


def groups(*names, **changes):
    return group_outcomes(outcomes(**changes), names)


def texts(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


class TestSurvival:
    def test_curves_end_at_the_share_that_never_grokked(self, tmp_path):
        figure = survival_curves(groups("weight_decay"))
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
            figure = survival_curves(groups("weight_decay", never=never))
            save_figure(figure, tmp_path / "figure.png")
            assert figure.axes[0].get_position().height > 0.5

    def test_runs_left_are_counted(self):
        figure = survival_curves(groups(decays=(1.0,)))
        counted = [text.get_text() for text in figure.axes[1].texts]
        assert counted[:2] == ["runs left", "8"]
        assert counted[-1] == "2"

    @pytest.mark.parametrize("width", [85.0, 180.0])
    def test_in_a_paper_words_have_one_size_and_numbers_stand_apart(self, width):
        with Theme(width_mm=width, font_pt=7.0):
            figure = survival_curves(groups("weight_decay"))
        to_svg(figure)
        sizes = {round(text.get_fontsize(), 2) for legend in figure.legends for text in legend.get_texts()}
        assert sizes == {6.3}
        counted = [text.get_window_extent() for text in figure.axes[1].texts if text.get_text()]
        for one, other in combinations(counted, 2):
            assert not one.overlaps(other)

    def test_values_of_a_number_go_from_dark_to_light_and_words_do_not(self):
        ordered = looks_of(groups("weight_decay", decays=(3.0, 0.3, 1.0)))
        dark_to_light = ordered_looks(["weight decay 0.3", "weight decay 1", "weight decay 3"])
        assert ordered == dark_to_light
        words = [RunGroup({"op": name}, (), name, ("op",)) for name in ("add", "subtract", "other")]
        assert len({look.colour for look in looks_of(words).values()}) == 3

    def test_too_many_arms(self):
        with pytest.raises(ConfigError, match="13 groups"):
            survival_curves([RunGroup({}, tuple(outcomes(n=2)), f"group {n}") for n in range(13)])


class TestTimeToGrok:
    def test_every_run_is_there_and_the_median_of_each_value(self, tmp_path):
        whole = outcomes()
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
            time_to_grok(outcomes(), [])


class TestFrequencies:
    def test_bars_add_up_and_chance_is_drawn(self, tmp_path):
        figure = key_frequency_counts(groups("weight_decay"), 15)
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
        keys = [tuple(rng.choice(np.arange(1, 51), size=5, replace=False).tolist()) for _ in range(400)]
        arm = [
            RunOutcome(run=f"{seed}", seeds=(seed,) * 4, grokked=100, key_frequencies=each)
            for seed, each in enumerate(keys)
        ]
        low, high = _if_each_as_likely(arm * n_arms, 50)
        counts = n_arms * np.bincount([key for each in keys for key in each], minlength=51)[1:]
        assert 0.88 <= np.mean((counts >= low) & (counts <= high)) <= 1
        assert high < n_arms * 60  # of 400 networks, a favourite of all would have 400

    def test_only_how_many_where_the_modulus_differs(self):
        assert len(key_frequency_counts(groups(), None).axes) == 1

    def test_none(self):
        with pytest.raises(ConfigError, match="no key frequencies"):
            key_frequency_counts(groups(never=8), 15)


class TestPhaseDiagram:
    @staticmethod
    def cells(*rows):
        """A group for each row: its two settings, and the outcomes of its runs."""
        found = []
        for x, y, *names in rows:
            runs = [
                RunOutcome(
                    run="r", settings={"x": x, "y": y}, outcome=name, last_step=900, fitted=20, grokked=step,
                )
                for name, step in names
            ]  # fmt: skip
            found.append(RunGroup({"x": x, "y": y}, tuple(runs)))
        return found

    def test_a_cell_has_the_outcome_and_the_steps_of_its_run(self, tmp_path):
        found = self.cells((0.3, 0, ("memorised", None)), (0.3, 1.0, ("grokked", 1234)), (0.5, 1.0, ("grokked", 60)))
        figure = phase_diagram(found, "x", "y")
        [axes] = figure.axes
        assert [label.get_text() for label in axes.get_xticklabels()] == ["0.3", "0.5"]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "1"]
        assert [text.get_text() for text in axes.texts] == ["20", "20\n1,234", "20\n60"]
        assert np.isnan(axes.images[0].get_array().filled(np.nan)[0, 1])  # no run of that cell
        assert texts(figure) == ["grokked", "memorised"]
        save_figure(figure, tmp_path / "figure.png")

    def test_of_several_runs_it_has_what_most_of_them_did(self):
        [group] = self.cells((1, 1, ("grokked", 100), ("memorised", None), ("grokked", 300)))
        assert most_common_outcome(group) == "grokked"
        [text] = phase_diagram([group], "x", "y").axes[0].texts
        assert text.get_text() == "20\n300"
        [tie] = self.cells((1, 1, ("grokked", 100), ("memorised", None)))
        assert most_common_outcome(tie) == "memorised"

    def test_one_setting_is_too_few(self):
        with pytest.raises(ConfigError, match="needs runs with a value of 'x' and of 'z'; vary both"):
            phase_diagram(self.cells((1, 1, ("grokked", 100))), "x", "z")
