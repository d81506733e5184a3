"""The page of a network that somebody else trained: from a file of weights to one HTML file."""

import re
from dataclasses import replace

import pytest
import torch

from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.cli.main import main
from grokscope.errors import CheckpointError, ConfigError, RunError
from grokscope.explanation import Program, explain, open_subject
from grokscope.explanation.synthetic.planted import plant
from grokscope.models import TransformerConfig
from grokscope.reports.foreign.content import read_content
from grokscope.reports.foreign.page import report_file
from grokscope.tasks.modular.operations import operation_table

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """The file of a planted clock, with a number beside the weights."""
    coordinates = find_coordinates(operation_table("add", 17, 0))
    assert coordinates is not None
    program = Program("clock", (3, 8), (20.0, 18.0), (0.0, 0.0), coordinates)
    path = tmp_path_factory.mktemp("foreign") / "their <b>model.pt"
    torch.save({"model": plant(program, TransformerConfig(d_model=64)).state_dict(), "loss": 0.25}, path)
    return path


@pytest.fixture(scope="module")
def page(weights, tmp_path_factory):
    return report_file(weights, tmp_path_factory.mktemp("pages") / "theirs.html", attention_coefficient=1.0)


def test_it_has_the_evidence_the_figures_and_the_settings(page, weights):
    html = page.read_text()
    explanation = explain(open_subject(weights, attention_coefficient=1.0))
    for row in explanation.claim_rows():
        assert row.statement in html.replace("&#39;", "'")
    assert html.count("<svg") >= 4
    assert "Explained: add mod 17, clock-like" in html
    assert "attention_coefficient 1 (stated)" in html
    assert "causal true (assumed, the usual one)" in html
    assert "loss 0.25" in html
    assert re.search(r"[0-9a-f]{64}", html)


def test_names_are_text_and_nothing_is_fetched(page):
    html = page.read_text()
    assert "their &lt;b&gt;model.pt" in html
    assert "<b>model" not in html
    assert not re.search(r"(src|href)=\"(?!#|data:)", html)
    assert "<script" not in html


def test_the_same_network_gives_the_same_bytes(page, weights, tmp_path):
    explanation = explain(open_subject(weights, attention_coefficient=1.0))
    assert explanation.report(tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_what_was_inferred_is_said(weights):
    subject = open_subject(weights)
    content = read_content(subject, explain(subject))
    assert content.command is not None
    assert content.command.startswith("grokscope report 'their <b>model.pt' --p 17 --operation add --set ")
    assert "activation relu (assumed, the usual one)" in dict(content.setting)["Not shown by weights"]


@pytest.mark.slow
def test_from_the_command_line(weights, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["grokscope", "report", str(weights), "-o", "theirs.html", "--operation", "add"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in (0, None)
    assert "Report: theirs.html" in capsys.readouterr().out
    assert "operation add found by trying" not in (tmp_path / "theirs.html").read_text()


def test_what_cannot_be_reported_is_named(weights, tmp_path):
    with pytest.raises(CheckpointError, match=r"no file .*nothing\.pt"):
        report_file(tmp_path / "nothing.pt")
    with pytest.raises(RunError, match="nowhere"):
        report_file(weights, tmp_path / "nowhere" / "page.html")
    explanation = explain(open_subject(weights))
    with pytest.raises(ConfigError, match="has lost its network"):
        replace(explanation, network=None).report(tmp_path / "page.html")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_without_a_complaint(page, scheme):
    browsing = pytest.importorskip("browsing", reason="the browser tests need Playwright: pip install 'grokscope[dev]'")
    if browsing.chromium() is None:
        pytest.skip("no browser is installed")
    with browsing.started() as browser:
        shown = browser.new_page(color_scheme=scheme, viewport={"width": 1000, "height": 800})
        complaints = []
        shown.on("console", lambda message: complaints.append(message.text))
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        shown.goto(page.as_uri())
        assert shown.locator("td.pass").count() > 8
        assert shown.evaluate("document.documentElement.scrollWidth") <= 1000
        assert complaints == []
