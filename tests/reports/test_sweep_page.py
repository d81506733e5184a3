"""The page of a sweep says what came of its arms and its runs, and leads to each run's folder."""

import pytest

from grokscope.analysis.many_runs import time_to
from grokscope.analysis.many_runs.outcomes import RunOutcome
from grokscope.errors import ConfigError
from grokscope.figures import draw_sweep_figure, to_svg
from grokscope.recipe import recipe
from grokscope.reports.sweep.page import read_sweep, render_sweep
from grokscope.sweeps import Sweep, SweepOutcomes


def sweep(*, n_failed=1, **plan):
    """Six runs of two weight decays, of which the first failed."""
    plan = {"vary": {"weight_decay": (0.3, 1.0)}, **plan}
    base = recipe("small").experiment.override({"description": "<small>"})
    runs = Sweep(base=base, seeds=range(3), **plan).runs()
    found = []
    for place, run in enumerate(sorted(runs, key=lambda run: list(run.settings.values()))):
        grokked = int(2000 / run.settings.get("optimizer.weight_decay", 1)) + run.seed
        common = {"run": run.folder, "settings": run.settings, "seed": run.seed, "seeds": (run.seed,) * 4}
        if place < n_failed:
            found.append(RunOutcome(**common, status="failed", error="no <memory>"))
        else:
            reached = {"last_step": 9000, "grokked": grokked, "first_crossing": grokked, "outcome": "grokked"}
            found.append(RunOutcome(**common, **reached, key_frequencies=(3, 5, 8), n_key_frequencies=3))
    return SweepOutcomes(Sweep(base=base, seeds=range(3), **plan), tuple(found))


class TestContent:
    def test_what_is_said(self):
        content = read_sweep(sweep(), "runs")
        assert content.title == "small: 6 runs"
        assert content.sentences[0] == "6 of 6 runs have ended: 5 grokked (3 seeds; varied: weight decay)."
        assert "weight decay 1" in content.sentences[1]
        assert content.notes == ("weight_decay0.3-seed0 failed: no <memory>",)
        assert [picture.name for picture in content.pictures] == ["survival", "settings", "frequencies"]
        groups, pairs = (found for found, _ in content.tables)
        assert [row[:2] for row in groups.rows] == [("weight decay 0.3", "2"), ("weight decay 1", "3")]
        assert len(pairs.rows) == 1

    def test_one_group_has_nothing_to_be_compared_with(self):
        content = read_sweep(sweep(vary={}, n_failed=0), "runs")
        assert [found.title for found, _ in content.tables] == ["The groups"]
        assert [picture.name for picture in content.pictures] == ["survival", "frequencies"]

    def test_columns_without_values_are_left_out(self):
        content = read_sweep(sweep(), "runs")
        assert "verdict" not in content.columns
        assert content.columns[-1] == "error"

    def test_no_run_has_ended(self):
        with pytest.raises(ConfigError, match="no run of this sweep has ended"):
            read_sweep(sweep(n_failed=6), "runs")


class TestFigures:
    @pytest.mark.parametrize("name", ["survival", "settings", "frequencies"])
    def test_by_its_name_as_on_the_page(self, name):
        on_the_page = next(each for each in read_sweep(sweep(), "runs").pictures if each.name == name)
        assert to_svg(draw_sweep_figure(name, sweep())) == to_svg(on_the_page.figure)

    def test_two_settings_have_a_phase_diagram(self):
        vary = {"weight_decay": (0.3, 1.0), "train_fraction": (0.3, 0.5)}
        content = read_sweep(sweep(vary=vary), "runs")
        assert [picture.name for picture in content.pictures] == [
            "survival",
            "phase-diagram",
            "settings",
            "frequencies",
        ]

    def test_there_is_none(self):
        with pytest.raises(ConfigError, match="no figure 'survivl' of a sweep; did you mean survival"):
            draw_sweep_figure("survivl", sweep())
        with pytest.raises(ConfigError, match="no setting was varied"):
            draw_sweep_figure("settings", sweep(vary={}))
        with pytest.raises(ConfigError, match=r"the sweep varies optimizer\.weight_decay"):
            draw_sweep_figure("phase-diagram", sweep())
        with pytest.raises(ConfigError, match="0 groups"):
            draw_sweep_figure("survival", sweep(n_failed=6))


def test_statistics_are_computed_once_for_a_page(monkeypatch):
    calls = []
    counted = time_to.median_ratio
    monkeypatch.setattr(time_to, "median_ratio", lambda *each: calls.append(1) or counted(*each))
    render_sweep(read_sweep(sweep(), "runs"))
    assert len(calls) == 1


def test_the_page_escapes_and_links():
    page = render_sweep(read_sweep(sweep(), "runs"))
    assert 'href="runs/weight_decay1.0-seed2/"' in page
    assert "no &lt;memory&gt;" in page
    assert "&lt;small&gt;" in page
    assert page.count("<svg") == 3


@pytest.mark.slow
def test_sorting_and_finding_in_a_browser(tmp_path):
    browsing = pytest.importorskip("browsing", reason="needs Playwright: pip install 'grokscope[dev]'")
    if browsing.chromium() is None:
        pytest.skip("no Chromium: install it, for example apt install chromium")
    path = tmp_path / "sweep.html"
    path.write_text(render_sweep(read_sweep(sweep(), "runs")))
    with browsing.started() as browser:
        page = browser.new_page()
        complaints = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        place = [name.strip() for name in page.locator("#runs thead th").all_inner_texts()].index("grokked at")

        def column():
            return [
                row.locator("th, td").nth(place).inner_text() for row in page.locator("#runs tbody tr:visible").all()
            ]

        page.locator("#runs thead button").nth(place).click()
        assert column() == ["2,000", "2,001", "2,002", "6,667", "6,668", "–"]
        page.locator("#runs thead button").nth(place).click()
        assert column() == ["6,668", "6,667", "2,002", "2,001", "2,000", "–"]
        page.fill("#filter", "decay0.3 SEED2")
        assert column() == ["6,668"]
        assert page.inner_text("#shown") == "1 of 6 runs"
    assert complaints == []
