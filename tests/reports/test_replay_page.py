"""The replay alone, as a notebook shows it."""

import base64
import hashlib
import re
from html import unescape

import pytest
from odd_runs import MARKUP
from test_page import SCRIPT, Page, without_scripts
from test_replay import unpacked

from grokscope.errors import ConfigError, RunError
from grokscope.reports import replay_run
from grokscope.reports.replay.page import TrainingReplay
from grokscope.run import Run


@pytest.fixture(scope="module")
def replay(planted) -> TrainingReplay:
    return replay_run(planted)


def test_has_the_pictures_of_the_report(replay, planted):
    assert replay.steps == tuple(planted.checkpoints)
    names = [panel.name for panel in replay.player.panels]
    assert names[:2] == ["curves", "embedding"]
    assert "circles" in names
    for packed in replay.player.data["pictures"][1:]:
        assert unpacked(packed).shape[0] == len(replay.steps)


def test_its_page_stands_alone_and_runs_its_own_scripts_only(replay, tmp_path):
    replay.write(tmp_path / "replay.html")
    html = (tmp_path / "replay.html").read_text(encoding="utf-8")
    assert html == replay.to_html()
    assert "://" not in without_scripts(html)
    page = Page(html)
    assert not page.attributes("src") + page.attributes("href")
    [policy] = [attributes["content"] or "" for _, attributes in page.elements if "http-equiv" in attributes]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in SCRIPT.findall(html)]
    assert re.findall(r"'sha256-([^']+)'", policy) == hashes
    assert len(hashes) == 2


def test_a_notebook_shows_the_page_in_a_frame_that_reaches_nothing_else(replay):
    shown = replay._repr_html_()
    [(tag, attributes)] = Page(shown).elements
    assert tag == "iframe"
    assert attributes["srcdoc"] == replay.to_html()
    assert attributes["sandbox"] == "allow-scripts"
    assert "<script" not in shown
    assert unescape(shown).count("<iframe") == 1


def test_its_repr_says_what_it_has(replay, planted):
    said = repr(replay)
    assert said.startswith(
        f"TrainingReplay('tiny', {len(planted.checkpoints)} checkpoints, steps 0 to {planted.checkpoints[-1]}: "
    )
    assert "neurons" in said
    assert len(said) < 200


def test_markup_in_a_name_is_text(replay):
    named = TrainingReplay(MARKUP, replay.player)
    page = Page(named.to_html())
    assert MARKUP in page.text
    assert "<script>alert(" not in without_scripts(named.to_html())
    [(_, attributes)] = Page(named._repr_html_()).elements
    assert attributes["title"] == MARKUP


def test_few_frames_are_the_first_and_the_last(planted):
    assert replay_run(planted, most=2).steps == (planted.checkpoints[0], planted.checkpoints[-1])
    with pytest.raises(ConfigError, match="at least 2 frames, got 1"):
        replay_run(planted, most=1)


def test_one_checkpoint_is_no_replay(run_of, tmp_path):
    run = run_of("plain")
    lone = tmp_path / "lone"
    (lone / "checkpoints").mkdir(parents=True)
    for file in run.path.iterdir():
        if file.is_file():
            (lone / file.name).write_bytes(file.read_bytes())
    last = run.folder.checkpoint(run.checkpoints[-1])
    (lone / "checkpoints" / last.name).write_bytes(last.read_bytes())
    with pytest.raises(RunError, match=r"lone has nothing to watch: a replay needs two checkpoints .* it has 1$"):
        replay_run(Run(lone))
