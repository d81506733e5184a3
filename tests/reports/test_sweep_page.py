"""The page of a sweep says what came of its arms and its runs, and leads to each run's folder."""

import pandas as pd
import pytest

from grokscope.errors import ConfigError
from grokscope.figures import to_svg
from grokscope.reports.sweep.page import read_sweep, render_sweep
from grokscope.reports.sweep.pictures import SWEEP_GALLERY, SweepFacts, draw_sweep_picture


def facts(**changes):
    whole = {
        "name": "small", "chosen": ["optimizer.weight_decay"], "drawn": [], "n_seeds": 3, "n_planned": 6,
        "n_frequencies": 15, "plan": "base: <small>", "runs": "runs",
    }  # fmt: skip
    return SweepFacts(**{**whole, **changes})


def table():
    rows = []
    for decay in (0.3, 1.0):
        for seed in range(3):
            grokked = pd.NA if (decay, seed) == (0.3, 0) else int(2000 / decay) + seed
            rows.append((f"weight_decay{decay}-seed{seed}", decay, seed, "finished", "grokked", 9000, grokked, "3 5 8"))
    rows[0] = ("a <b> run", 0.3, 0, "failed", None, pd.NA, pd.NA, None)
    columns = ["run", "optimizer.weight_decay", "seed", "status", "outcome", "last_step", "grokked", "key_frequencies"]
    whole = pd.DataFrame(rows, columns=columns).astype({"grokked": "Int64", "last_step": "Int64"})
    return whole.assign(
        first_crossing=whole["grokked"],
        n_key_frequencies=[0, 3, 3, 3, 3, 3],
        verdict=pd.NA,
        error=["no <memory>", *[None] * 5],
    )


class TestContent:
    def test_what_is_said(self):
        content = read_sweep(table(), facts())
        assert content.title == "small: 6 runs"
        assert content.sentences[0] == "6 of 6 runs have ended: 5 grokked (3 seeds; varied: weight decay)."
        assert "weight decay 1" in content.sentences[1]
        assert content.notes == ("a <b> run failed: no <memory>",)
        assert [picture.name for picture in content.pictures] == ["survival", "settings", "frequencies"]
        arms, compared = (found for found, _ in content.tables)
        assert [row[:2] for row in arms.rows] == [("weight decay 0.3", "2"), ("weight decay 1", "3")]
        assert len(compared.rows) == 1

    def test_one_arm_has_nothing_to_be_compared_with(self):
        content = read_sweep(table(), facts(chosen=[]))
        assert [found.title for found, _ in content.tables] == ["The arms"]
        assert [picture.name for picture in content.pictures] == ["survival", "frequencies"]

    def test_columns_without_values_are_left_out(self):
        content = read_sweep(table(), facts())
        assert "verdict" not in content.columns
        assert content.columns[-1] == "error"

    def test_no_run_has_ended(self):
        with pytest.raises(ConfigError, match="no run of this sweep has ended"):
            read_sweep(table().iloc[:1], facts())


class TestPictures:
    @pytest.mark.parametrize("name", SWEEP_GALLERY)
    def test_by_its_name_as_on_the_page(self, name):
        on_the_page = next(each for each in read_sweep(table(), facts()).pictures if each.name == name)
        assert to_svg(draw_sweep_picture(name, table(), facts())) == to_svg(on_the_page.figure)

    def test_there_is_none(self):
        with pytest.raises(ConfigError, match="no picture 'survivl' of a sweep; did you mean survival"):
            draw_sweep_picture("survivl", table(), facts())
        with pytest.raises(ConfigError, match="no setting was varied"):
            draw_sweep_picture("settings", table(), facts(chosen=[]))
        with pytest.raises(ConfigError, match="0 arms"):
            draw_sweep_picture("survival", table().iloc[:1], facts())


def test_the_page_escapes_and_links():
    page = render_sweep(read_sweep(table(), facts()))
    assert 'href="runs/weight_decay1.0-seed2/"' in page
    assert 'href="runs/a%20%3Cb%3E%20run/"' in page
    assert "no &lt;memory&gt;" in page
    assert "base: &lt;small&gt;" in page
    assert page.count("<svg") == 3


def test_sorting_and_finding_in_a_browser(tmp_path):
    browsing = pytest.importorskip("browsing", reason="needs Playwright: pip install 'grokscope[dev]'")
    if browsing.chromium() is None:
        pytest.skip("no Chromium: install it, for example apt install chromium")
    path = tmp_path / "sweep.html"
    path.write_text(render_sweep(read_sweep(table(), facts())))
    with browsing.started() as browser:
        page = browser.new_page()
        complaints = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        place = [name.strip() for name in page.locator("#runs thead th").all_inner_texts()].index("grokked")

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
