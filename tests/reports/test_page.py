import base64
import dataclasses
import hashlib
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from odd_runs import MARKUP, ODD

from grokscope.errors import ConfigError, RunError
from grokscope.reports import read_content, render_page, write_report
from grokscope.run import Run

pytestmark = pytest.mark.slow

PUBLISHED = {
    "train_loss_at_0": 4.764052,
    "test_loss_at_0": 4.768347,
    "key_frequencies": (14, 35, 41, 42, 52),
    "phase_boundaries": (1400, 9400, 14000),
    "loss": 2.412e-7,
}


class Page(HTMLParser):
    """What a browser would make of a page: elements with their attributes, text, and the headings in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.headings: list[str] = []
        self.figures: list[str] = []
        """What stands above each figure that does not move."""
        self.above = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if ("class", "card") in attrs:
            self.figures.append(self.above)
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text += data
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(data)
        if self.open and self.open[-1] in ("h2", "h3"):
            self.above = data

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]


REPLAY = "Watch it learn"
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def without_scripts(html: str) -> str:
    """The page without what the chart library and the player say."""
    return SCRIPT.sub("", html)


@pytest.fixture(scope="module")
def page_of(run_of, tmp_path_factory):
    """Return the written page of an odd kind of run, as bytes."""
    folder = tmp_path_factory.mktemp("pages")

    def page(kind: str) -> bytes:
        path = folder / f"{kind}.html"
        return path.read_bytes() if path.exists() else write_report(run_of(kind), path).read_bytes()

    return page


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.slow
class TestEveryRun:
    def test_has_a_page_that_stands_alone(self, page_of, kind):
        whole = page_of(kind).decode()
        html = without_scripts(whole)
        page = Page(html)
        assert len(html) < 3_000_000
        assert len(whole) < 8_000_000
        assert not {"link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.elements}
        for address in page.attributes("src") + page.attributes("href") + page.attributes("action"):
            assert address.startswith(("#", "data:image/png;base64,")), address[:80]
        assert "://" not in html
        for target in re.findall(r"url\(([^)]*)\)", html):
            assert target.startswith("#")

    def test_only_its_own_scripts_may_run(self, page_of, kind):
        html = page_of(kind).decode()
        page = Page(html)
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in SCRIPT.findall(html)]
        assert len(hashes) in (0, 2)
        [policy] = [attributes["content"] or "" for _, attributes in page.elements if "http-equiv" in attributes]
        assert "default-src 'none'" in policy
        assert re.findall(r"'sha256-([^']+)'", policy) == hashes
        assert re.search(r"script-src[^;]*unsafe", policy) is None
        scripts = [attributes for tag, attributes in page.elements if tag == "script"]
        assert scripts in ([], [{"type": "application/json", "id": "replay-data"}, {}, {}])
        assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]

    def test_ids_are_unique_and_every_reference_is_met(self, page_of, kind):
        html = without_scripts(page_of(kind).decode())
        page = Page(html)
        ids = page.attributes("id")
        assert len(ids) == len(set(ids))
        references = [href[1:] for href in page.attributes("href") if href.startswith("#")]
        assert references
        assert {*references, *re.findall(r"url\(#([^)]*)\)", html)} <= set(ids)

    def test_every_figure_has_words(self, page_of, kind):
        page = Page(page_of(kind).decode())
        tags = [tag for tag, _ in page.elements]
        charts = [attributes for _, attributes in page.elements if attributes.get("class") == "chart"]
        assert tags.count("svg") + len(charts) == tags.count("figure") == tags.count("figcaption")
        assert tags.count("svg") >= 3
        assert all(attributes.get("aria-label") for tag, attributes in page.elements if tag == "svg")

    def test_words_come_first_and_the_making_last(self, page_of, kind):
        headings = [heading for heading in Page(page_of(kind).decode()).headings if heading != REPLAY]
        order = [
            "tiny",
            "What was trained",
            "How it went",
            "What it computes, and how sure",
            "Training curves",
            "What the network looks like",
            "The evidence",
            "How to reproduce it",
        ]
        assert [heading for heading in headings if heading in order] == [each for each in order if each in headings]
        assert headings[:5] == order[:5]
        assert headings[-1] == order[-1]


def figures_of(html: bytes) -> list[str]:
    return Page(html.decode()).figures


def test_figures_are_those_that_the_network_has(page_of):
    curves, weights, shares = "Training curves", "Weights in the Fourier basis", "Neurons and their frequencies"
    logits, attention, neurons = "Logits in the Fourier basis", "Attention on every input", "Neurons on every input"
    spectra = "Attention in the Fourier basis"
    assert figures_of(page_of("plain")) == [curves, weights, shares, neurons, attention, spectra, logits]
    assert figures_of(page_of("mlp")) == [curves, weights, shares, neurons, logits]
    assert figures_of(page_of("attention-only")) == [curves, weights, attention, spectra, logits]


def test_a_network_with_key_frequencies_has_its_circles_and_what_it_loses_without_them(with_history, tmp_path):
    figures = figures_of(write_report(with_history, tmp_path / "page.html").read_bytes())
    assert figures[:3] == ["Training curves", "Progress measures", "When each claim became true"]
    assert "The tokens on their circles" in figures
    assert figures[-1] == "Without one frequency at a time"


def test_the_same_run_gives_the_same_bytes(run_of, page_of, tmp_path):
    assert write_report(run_of("plain"), tmp_path / "again.html").read_bytes() == page_of("plain")


def test_texts_from_the_user_are_escaped(page_of):
    html = page_of("plain").decode()
    assert MARKUP in Page(html).text
    assert "<script>alert(" not in html
    assert "<script>$x$" not in html
    assert "&lt;script&gt;alert(" in html
    assert "{{ 7 * 7 }}" in html


def test_what_did_not_finish_is_said_first(page_of):
    for kind, words in (
        ("diverged", "This run did not finish: training diverged: the loss at step"),
        ("interrupted", "This run was interrupted: stopped by the user at step"),
    ):
        text = Page(page_of(kind).decode()).text
        assert words in text
        assert text.index(words) < text.index("What was trained")
    assert 'class="warning"' not in page_of("plain").decode()


def test_the_making_has_everything(run_of, page_of):
    run = run_of("plain")
    text = Page(page_of("plain").decode()).text
    assert run.experiment.to_yaml() in text
    record = run.record
    for said in (
        "finished: reached 20 steps",
        "3, steps 0 to 20",
        record["started"],
        f"torch {record['sessions'][0]['versions']['torch']}",
        record["sessions"][0]["machine"]["system"],
        " ".join(record["sessions"][0]["command"]),
        "cpu, 1 CPU thread",
        *(
            f"SHA-256 of {name}{hashlib.sha256((run.path / name).read_bytes()).hexdigest()}"
            for name in ("experiment.yaml", "metrics.csv", run.folder.checkpoint(20).relative_to(run.path))
        ),
    ):
        assert said in text


def test_published_numbers_stand_beside_the_measured(run_of, tmp_path):
    run = run_of("plain")
    html = write_report(run, tmp_path / "page.html", published=PUBLISHED).read_text()
    rows = [re.sub(r"<[^>]*>", "|", row) for row in re.findall(r"<tr>.*?</tr>", html, flags=re.DOTALL)]
    [losses] = [row for row in rows if "training loss at step 0" in row]
    assert "4.764052" in losses
    assert f"{run.metrics['train_loss'].iloc[0]:.6f}" in losses
    [keys] = [row for row in rows if "|key frequencies|" in row]
    assert "14, 35, 41, 42, 52" in keys
    [loss] = [row for row in rows if "loss on all pairs" in row]
    assert "epoch 40,000, here step 20" in loss
    with pytest.raises(ConfigError, match="'lossy'"):
        write_report(run, tmp_path / "other.html", published={"lossy": 1.0})
    assert not (tmp_path / "other.html").exists()


def test_without_a_path_it_goes_into_the_run(run_of, tmp_path):
    copied = Run(shutil.copytree(run_of("mlp").path, tmp_path / "copy"))
    assert write_report(copied) == tmp_path / "copy" / "report.html"
    assert (tmp_path / "copy" / "report.html").stat().st_size > 10_000


def test_an_earlier_step_can_be_shown(run_of, page_of, tmp_path):
    run = run_of("plain")
    html = write_report(run, tmp_path / "early.html", step=10).read_bytes()
    assert "The network is that of step\N{NO-BREAK SPACE}10." in Page(html.decode()).text
    assert html != page_of("plain")
    assert write_report(run, tmp_path / "late.html", step=20).read_bytes() == page_of("plain")


def test_a_step_without_a_checkpoint_is_an_error_and_leaves_the_old_page(run_of, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(RunError, match="no checkpoint at step 7"):
        write_report(run_of("plain"), path, step=7)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_killed_before_its_first_checkpoint_has_a_page(run_of, tmp_path):
    run = Run(shutil.copytree(run_of("plain").path, tmp_path / "killed"))
    for file in Path(run.path / "checkpoints").iterdir():
        file.unlink()
    metrics = run.folder.metrics.read_text()
    run.folder.metrics.write_text(metrics[: metrics.index("\n") + 1])
    run.folder.write_record({**run.record, "status": "running", "reason": ""})
    text = Page(write_report(run, published=PUBLISHED).read_text()).text
    assert "This run was interrupted: its process ended without a word" in text
    assert "No evaluation was recorded" in text
    assert "No checkpoint was written" in text
    assert "What it computes" not in text
    assert "not recorded" in text


def test_claims_stand_in_a_table_with_words_for_what_passed(with_history, explanation, tmp_path):
    html = write_report(with_history, tmp_path / "page.html").read_text()
    page = Page(html)
    assert "Explained: the network computes a + b mod 13 by a clock-like algorithm" in page.text
    [table] = re.findall(r'<table class="claims">.*?</table>', html, flags=re.DOTALL)
    rows = re.findall(r"<tr>.*?</tr>", table, flags=re.DOTALL)[1:]
    assert len(rows) == len(explanation.claims)
    for row, claim in zip(rows, explanation.claims, strict=True):
        cells = Page(row).text
        assert cells.startswith(f"pass{claim.name}")
        assert f"≥ {claim.threshold:g}" in cells.replace("\N{NO-BREAK SPACE}", " ")
        for control in claim.controls:
            assert control.what in cells
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert "://" not in without_scripts(html)


def words_of(run: Run) -> str:
    """Return the page without its figures, which take longest."""
    return render_page(dataclasses.replace(read_content(run), of_training=(), of_network=()))


def test_the_same_claims_give_the_same_words(with_history):
    assert words_of(with_history) == words_of(with_history)


def test_markup_in_a_history_is_escaped(run_of, tmp_path):
    run = Run(shutil.copytree(run_of("plain").path, tmp_path / "run"))
    run.folder.claims.write_text(
        "step,verdict,claim,value,threshold,holds\n"
        "0,not explained,<script>$x$,0,1,False\n"
        "10,not explained,<script>$x$,1,1,True\n"
    )
    html = words_of(run)
    assert "<script>alert(" not in html
    assert "<script>$x$" not in html
    assert "“<script>$x$” from step\N{NO-BREAK SPACE}10" in Page(html).text
