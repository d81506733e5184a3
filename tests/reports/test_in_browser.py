"""Pages as a reader has them: in Chromium, without a network."""

import re

import numpy as np
import pytest
from odd_runs import MARKUP

from grokscope.reports import replay_run, write_report
from grokscope.reports.replay.collect import collect_frames
from grokscope.run import Run

browsing = pytest.importorskip("browsing", reason="the browser tests need Playwright: pip install 'grokscope[dev]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(browsing.chromium() is None, reason="no Chromium: install it, for example apt install chromium"),
]

WINDOWS = (("light", 360), ("light", 1000), ("light", 1600), ("dark", 1000))
"""Colours do not move anything: one width is enough in the dark."""
TOUCHING = """chart => {
  const axes = {};
  for (const text of document.getElementById(chart).querySelectorAll('[class*="tick"] text')) {
    const axis = text.parentElement.getAttribute("class");
    if (/^y\\d*tick/.test(axis)) (axes[axis] ??= []).push([text.getBoundingClientRect(), text.textContent]);
  }
  const found = [];
  for (const texts of Object.values(axes)) {
    texts.sort((one, other) => one[0].top - other[0].top);
    for (let i = 1; i < texts.length; i++)
      if (texts[i][0].top < texts[i - 1][0].bottom - 4) found.push([texts[i - 1][1], texts[i][1]]);
  }
  return found;
}"""
"""What lies on what along each upright axis of a picture; letters have 4 pixels of room in their boxes."""


@pytest.fixture(scope="module")
def browser():
    with browsing.started() as browser:
        yield browser


@pytest.fixture(scope="module")
def pages(with_history, trigrams, sums, run_of, tmp_path_factory):
    """The pages of a run of each kind."""
    folder = tmp_path_factory.mktemp("browser")
    runs = {"modular": with_history, "trigrams": trigrams, "sums": sums, "markup": run_of("plain")}
    return {name: write_report(run, folder / f"{name}.html") for name, run in runs.items()}


@pytest.fixture(scope="module")
def run_behind(with_history, trigrams, sums):
    return {"modular": with_history, "trigrams": trigrams, "sums": sums}


def values_of(opened, chart: str) -> np.ndarray:
    """What Plotly has drawn, trace by trace."""
    return np.array(opened.page.evaluate(f"document.getElementById('{chart}').data.map(t => t.z ?? t.y)"), dtype=float)


@pytest.mark.parametrize("kind", ["modular", "trigrams", "sums"])
class TestReplay:
    def test_says_nothing_asks_for_nothing_and_begins_at_the_end(self, browser, pages, run_behind, kind):
        with browsing.opened(browser, pages[kind]) as opened:
            steps = opened.steps()
            assert len(steps) >= 4
            assert set(steps.values()) == {str(run_behind[kind].checkpoints[-1])}
            assert opened.said == []
            assert opened.requests == [pages[kind].as_uri()]

    def test_the_slider_moves_every_picture(self, browser, pages, run_behind, kind):
        run: Run = run_behind[kind]
        with browsing.opened(browser, pages[kind]) as opened:
            for frame in (0, 1, len(run.checkpoints) - 1):
                opened.slide(frame)
                assert set(opened.steps().values()) == {str(run.checkpoints[frame])}
                assert (
                    opened.page.locator("#replay output").inner_text().startswith(f"step {run.checkpoints[frame]:,} · ")
                )

    def test_pictures_have_the_numbers_of_their_step(self, browser, pages, run_behind, kind):
        replay = collect_frames(run_behind[kind])
        with browsing.opened(browser, pages[kind]) as opened:
            before = {}
            for frame in (len(replay.steps) - 1, 0):
                opened.slide(frame)
                opened.steps()
                for picture in replay.pictures:
                    if picture.name == "circles":
                        continue  # in the order in which its points are joined; the test of the replay has them
                    drawn = values_of(opened, f"replay-{picture.name}")
                    expected = np.clip(picture.values[frame], None, np.nanmax(drawn))  # beyond the scale is its end
                    span = float(np.nanmax(picture.values) - np.nanmin(picture.values))
                    np.testing.assert_allclose(drawn, expected, rtol=0, atol=max(0.01 * span, 1e-9))
                    before.setdefault(picture.name, []).append(drawn)
        assert any(not np.array_equal(last, first, equal_nan=True) for last, first in before.values())

    @pytest.mark.parametrize(("scheme", "width"), WINDOWS)
    def test_fits_every_window(self, browser, pages, kind, width, scheme):
        with browsing.opened(browser, pages[kind], width=width, color_scheme=scheme) as opened:
            opened.steps()
            assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
            for chart in opened.charts:
                inside, drawn = opened.page.evaluate(
                    f"(chart => [chart, chart.querySelector('svg')].map(each => each.getBoundingClientRect().width))"
                    f"(document.getElementById('{chart}'))"
                )
                assert drawn <= inside + 1
                touching = opened.page.evaluate(TOUCHING, chart)
                assert touching == [], f"numbers at the side of {chart} lie on each other: {touching}"
            assert opened.said == []


def luminance(colour: str) -> float:
    """Relative luminance of a CSS colour (WCAG 2.2)."""
    if colour.startswith("#"):
        parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    else:
        parts = [int(each) for each in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if (c := part / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrasts(opened) -> tuple[float, float]:
    """Of the text and of the letters in the charts, with the ground behind them."""
    ground, text, letters = opened.page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color, "
        "document.getElementById('replay-curves')._fullLayout.font.color]"
    )
    dark, *others = (luminance(colour) + 0.05 for colour in (ground, text, letters))
    first, second = (max(dark, other) / min(dark, other) for other in others)
    return first, second


def test_dark_and_light_can_be_read_and_follow_the_system(browser, pages):
    with browsing.opened(browser, pages["modular"], color_scheme="light") as opened:
        opened.steps()
        assert min(contrasts(opened)) > 7
        before = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        light_letters = opened.page.evaluate("document.getElementById('replay-curves')._fullLayout.font.color")
        opened.page.emulate_media(color_scheme="dark")
        browsing.until(
            opened.page, f"document.getElementById('replay-curves')._fullLayout.font.color != '{light_letters}'"
        )
        assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") != before
        assert min(contrasts(opened)) > 7
        assert set(opened.steps().values()) == {"20"}


def test_playing_goes_through_training_and_stops_at_the_end(browser, pages):
    with browsing.opened(browser, pages["modular"]) as opened:
        page = opened.page
        button = page.get_by_role("button", name="Play")
        page.evaluate(
            "(() => { window.seen = []; new MutationObserver(() => seen.push(document.querySelector('#replay output')"
            ".textContent)).observe(document.querySelector('#replay output'), {childList: true}) })()"
        )
        button.click()
        browsing.until(page, "document.querySelector('#replay button').textContent == 'Pause'")
        browsing.until(page, "document.querySelector('#replay button').textContent == 'Play'")
        seen = page.evaluate("window.seen")
        assert [text.split(" · ")[0] for text in seen] == ["step 0", "step 10", "step 20"]


def test_who_wants_no_motion_has_no_play_button(browser, pages):
    with browsing.opened(browser, pages["modular"], reduced_motion="reduce") as opened:
        assert not opened.page.locator("#replay button").is_visible()
        assert opened.page.locator("#replay input").is_visible()


def test_the_keyboard_moves_it_and_a_click_on_the_curves_too(browser, pages):
    with browsing.opened(browser, pages["modular"]) as opened:
        opened.steps()
        slider = opened.page.locator("#replay input")
        slider.focus()
        opened.page.keyboard.press("ArrowLeft")
        assert slider.input_value() == "1"
        assert (slider.get_attribute("aria-valuetext") or "").startswith("step 10 · ")
        curves = opened.page.locator("#replay-curves")
        curves.scroll_into_view_if_needed()
        left = opened.page.evaluate(
            "(p => [p._fullLayout._size.l + p._fullLayout.xaxis.d2p(0), p._fullLayout._size.t + 40])"
            "(document.getElementById('replay-curves'))"
        )
        curves.hover(position={"x": left[0], "y": left[1]})
        curves.click(position={"x": left[0], "y": left[1]})
        assert slider.input_value() == "0"


def test_another_width_draws_the_pictures_anew(browser, pages):
    with browsing.opened(browser, pages["modular"], width=1200) as opened:
        opened.steps()
        opened.page.set_viewport_size({"width": 420, "height": 800})
        browsing.until(opened.page, "document.getElementById('replay-curves').querySelector('svg').clientWidth <= 380")
        opened.steps()
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 420


def test_markup_in_names_is_text(browser, pages):
    with browsing.opened(browser, pages["markup"]) as opened:
        opened.steps()
        assert MARKUP in opened.page.locator("main").inner_text()
        assert opened.said == []
        assert opened.page.locator("main script").count() == 0


def test_without_scripts_all_but_the_replay_is_there(browser, pages):
    with browsing.opened(browser, pages["modular"], java_script_enabled=False) as opened:
        text = opened.page.locator("main").inner_text()
        assert "need a browser that runs scripts" in text
        assert "How to reproduce it" in text
        assert opened.page.locator(".card svg").count() >= 8
        for drawing in opened.page.locator(".card svg").all():
            box = drawing.bounding_box()
            assert box is not None
            assert box["width"] > 300
            assert box["height"] > 100


def test_a_notebook_shows_the_replay_in_its_frame(browser, with_history):
    replay = replay_run(with_history)
    with browsing.opened(browser, f"<!DOCTYPE html><body>{replay._repr_html_()}") as opened:
        [_, frame] = opened.page.frames
        browsing.until(frame, "document.getElementById('replay-curves')?.dataset.step == '20'")
        frame.locator("#replay input").fill("0")
        browsing.until(frame, "document.getElementById('replay-curves').dataset.step == '0'")
        assert opened.said == []
        assert not [url for url in opened.requests if not url.startswith(("about:", "data:"))]
