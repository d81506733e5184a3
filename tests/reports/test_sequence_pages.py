"""Pages of runs on sequences: sums, repeats, trigrams."""

import dataclasses
import re
import shutil

import pandas as pd
import pytest

from grokscope.analysis import Phases
from grokscope.errors import RunError
from grokscope.explanation import CircuitExplanation, ClaimSpec, Control
from grokscope.explanation.base import Findings
from grokscope.figures.catalogue import pictures
from grokscope.figures.source import RunSource
from grokscope.models import MLPConfig, build_model
from grokscope.recipe import recipe, recipe_names
from grokscope.reports import Content, read_content, render_page
from grokscope.reports.run.evidence import evidence
from grokscope.reports.run.family import describe_task
from grokscope.reports.run.phase_changes import changes_in_words
from grokscope.reports.run.sequences import MAX_ATTENTION
from grokscope.reports.run.training_setup import what_was_trained
from grokscope.reproduction.measurement import Measured
from grokscope.reproduction.network import compare
from grokscope.run import Run
from grokscope.tasks import RepeatedSubsequencesConfig

NONE = Phases(None, None, None, None)


def plain(*texts: str) -> str:
    return " ".join(texts).replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(scope="module")
def told(trigrams) -> Content:
    """What the page of the run on trigrams says."""
    return read_content(trigrams)


@pytest.fixture(scope="module")
def told_of_sums(sums) -> Content:
    """What the page of the run on sums says."""
    return read_content(sums)


def explanation(**changes: float) -> CircuitExplanation:
    """Return an explanation of which the claims hold, but for those named with another value."""
    values = {"task": 1.0, "matching": 1.0, "copying": 1.0} | changes
    specs = {name: ClaimSpec(name, name, name, "share", 0.9) for name in values}
    claims = [specs[name].tested(value, [Control("none", 0.1)]) for name, value in values.items()]
    return CircuitExplanation(
        subject="a network", step=3, task="repeats", accuracy=0.4, loss=0.5, claims=tuple(claims),
        required=frozenset({"task", "matching"}), circuit="induction by 1.0 reading 0.0",
    )  # fmt: skip


class TestSetting:
    def test_infinite_and_limited_data(self, told, told_of_sums):
        assert "was trained on skip trigrams: one of 4 triggers stands at a random place among 6 tokens" in told.setting
        assert "Every step drew 16 sequences afresh; 64 others are the test set." in told.setting
        assert "was trained on the addition of two digits in base 5: it predicts the 2 digits" in told_of_sums.setting
        assert "It saw 10 sums, all at once; 8 others are the test set." in told_of_sums.setting

    def test_the_recipes(self):
        experiment = recipe("five-digit-addition-finite").experiment
        text = what_was_trained(experiment, experiment.task.build())
        assert "the addition of two numbers of 5 digits each, written out: it predicts the 6 digits" in text
        assert "It saw 700 sums, all at once; 1,024 others are the test set." in text
        repeats = RepeatedSubsequencesConfig(d_vocab=9, interval=6, subsequence_length=4, n_repeats=2)
        assert "of 2 intervals of 6 random tokens (from 8 different ones), each has the same 4" in describe_task(
            repeats.build(), repeats
        )
        batches = recipe("repeated-subsequences-finite").experiment
        assert "512 sequences, in batches of 128;" in what_was_trained(batches, batches.task.build())
        assert "the residual stream times 2 in every layer" in what_was_trained(batches, batches.task.build())


class TestVerdict:
    def test_explained_names_the_circuit(self):
        assert evidence(explanation()).verdict == (
            "Explained: repeats, by this circuit: induction by 1.0 reading 0.0. All 3 claims hold."
        )

    def test_partly_explained_says_what_holds_and_what_fails(self):
        assert evidence(explanation(copying=0.5)).verdict == (
            "Partly explained: repeats. Of the circuit that was tested, induction by 1.0 reading 0.0, the claims that "
            "it stands on hold, “task” and “matching”; but 1 of the 3 claims fails: “copying”."
        )

    def test_not_explained_says_why(self):
        assert plain(evidence(explanation(task=0.4, copying=0.4)).verdict) == (
            "Not explained: the network does not do the task, repeats; on fresh examples 40 % is right."
        )
        assert evidence(explanation(matching=0.2)).verdict == (
            "Not explained: the network does the task, repeats, but 1 of the 3 claims fails: “matching”."
        )
        untested = dataclasses.replace(explanation(), required=frozenset({"task", "composition"}))
        assert evidence(untested).verdict.endswith("but what could not be tested: “composition”.")

    def test_facts_and_tables(self):
        table = pd.DataFrame({"head": ["0.0", "1.0"], "score": [0.123456, float("nan")], "by": [-1234.5, 0.0], "n": 7})
        found = dataclasses.replace(
            explanation(), circuit_facts=(("induction heads", "1.0"),), findings=(Findings("Heads", table),)
        )
        words = evidence(found)
        assert words.facts[-1] == ("Induction heads", "1.0")
        assert ("Circuit tested", "induction by 1.0 reading 0.0") in words.facts
        [shown] = words.tables
        assert (shown.title, shown.columns) == ("Heads", ("head", "score", "by", "n"))
        assert shown.rows == (("0.0", "0.123", "−1.23e+03", "7"), ("1.0", "–", "0", "7"))


class TestContent:
    def test_the_circuit_and_its_tables(self, told):
        assert told.evidence is not None
        assert told.evidence.verdict.startswith("Explained: skip trigrams, by this circuit: attention to the trigger")
        assert {claim.result for claim in told.evidence.claims} == {"pass"}
        assert [table.title for table in told.tables] == ["Readout of the weights"]
        assert plain(told.findings[0]) == "The network is that of step 20."

    def test_there_are_no_fourier_pictures(self, told, told_of_sums):
        of_training = ["curves", "parts", "measures", "claims"]
        assert [picture.name for picture in told.pictures] == [*of_training, "patterns", "trigrams"]
        assert [picture.name for picture in told_of_sums.pictures] == ["curves", "parts", "patterns"]
        words = plain(*(picture.caption for picture in told.pictures), *told.findings)
        assert not re.search(r"Fourier|frequenc", words)

    def test_the_history_is_told_without_phases(self, told):
        assert told.evidence is not None
        [history] = told.evidence.history
        assert "not explained from step 0 and explained from step 20 on" in plain(history)
        assert "Phases" not in plain(*told.outcome)

    def test_the_commands_that_add_a_history_are_named_only_where_there_is_one(self, told_of_sums, trigrams, tmp_path):
        assert told_of_sums.evidence is not None
        assert told_of_sums.evidence.history == ()  # it does not do its task
        run = Run(shutil.copytree(trigrams.path, tmp_path / "run"))
        run.folder.measures.unlink()
        run.folder.claims.unlink()
        missing = read_content(run).evidence
        assert missing is not None
        assert plain(*missing.history) == (
            "Not in this page: measures of the circuit over training are added by “grokscope measure RUN”, and when "
            "each claim became true by “grokscope explain RUN --every 10”; then make the report again."
        )

    def test_a_damaged_table_of_measures_is_named(self, trigrams, tmp_path):
        run = Run(shutil.copytree(trigrams.path, tmp_path / "run"))
        run.folder.measures.write_text("step,accuracy\n0,1.0\n")
        with pytest.raises(RunError, match=r"measures\.csv is damaged: it has no measure loss"):
            read_content(run)
        run.folder.measures.write_text("step,loss,accuracy\n0,1.0,0.5\n")  # nothing that the curves do not have
        assert "measures" not in [picture.name for picture in read_content(run).pictures]

    def test_what_cannot_be_explained_is_said_to(self, sums, monkeypatch):
        monkeypatch.setattr("grokscope.reports.run.sequences.MAX_ATTENTION", 71)
        assert MAX_ATTENTION > 71
        told = read_content(sums).evidence  # 1 layer, 2 heads, 6 tokens: 72 attention weights
        assert told is not None
        assert told.verdict.startswith("On 6 tokens the tests take minutes")
        assert not told.claims
        task = sums.task
        sizes = {"d_vocab": task.d_vocab, "d_vocab_out": task.d_vocab_out, "n_ctx": task.n_ctx}
        network = build_model(MLPConfig(d_model=4, d_mlp=4), **sizes, seed=0)
        monkeypatch.setattr(sums, "model", lambda step=None: network)
        told = read_content(sums).evidence
        assert told is not None
        assert "multilayer perceptron" in told.verdict


@pytest.mark.slow
def test_the_page_stands_alone_and_is_the_same_twice(told, trigrams):
    html = render_page(told)
    assert html == render_page(read_content(trigrams))
    html = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    assert "://" not in html
    ids = re.findall(r'\bid="([^"]*)"', html)
    assert ids
    assert len(ids) == len(set(ids))
    [table] = re.findall(r'<div class="wide">\s*<table class="found">.*?</table>', html, flags=re.DOTALL)
    assert table.count("<tr>") == 1 + len(told.tables[0].rows)
    assert '<th scope="row">trigger 0</th>' in table
    assert html.count("<svg") == 6


def test_markup_in_tables_is_escaped(told):
    odd = dataclasses.replace(told.tables[0], title="<b>", columns=("<i>", "x"), rows=(("<u>", "a & b"),))
    html = render_page(dataclasses.replace(told, tables=(odd,), of_training=(), of_network=()))
    assert "<h3>&lt;b&gt;</h3>" in html
    assert '<th scope="col">&lt;i&gt;</th>' in html
    assert '<th scope="row">&lt;u&gt;</th><td>a &amp; b</td>' in html


def falling(task, at: int) -> pd.DataFrame:
    """Return metrics of which every test loss falls from guessing to nothing at a step, each part 100 later."""
    steps = pd.Series(range(0, 2001, 20))
    columns = {"step": steps, "train_loss": 0.1, "train_accuracy": 1.0, "test_accuracy": 1.0}
    columns["test_loss"] = task.chance_loss * (steps < at).astype(float) + 0.01
    for place, part in enumerate(task.subtasks):
        columns[f"test_loss_{part}"] = 3.0 * (steps < at + 100 * place).astype(float) + 0.01
        columns[f"train_loss_{part}"] = 0.1
    return pd.DataFrame(columns)


def test_changes_are_told_with_their_steps(sums, planted):
    words = plain(*changes_in_words(falling(sums.task, 500), sums.task))
    assert "changes abruptly, a phase change: half of its fall is made within 10 steps around step 485." in words
    assert "digit 1 at 485 and digit 0 at 585; 2 of 2 abruptly." in words
    flat = falling(sums.task, 500).assign(test_loss=1.0, test_loss_digit_1=1.0, test_loss_digit_0=1.0)
    assert changes_in_words(flat, sums.task) == ()
    assert changes_in_words(planted.metrics, planted.task) == ()


@pytest.mark.parametrize(("at", "scale"), [(100, "symlog"), (1000, "linear")])
def test_what_is_over_early_is_drawn_on_a_logarithmic_scale(sums, at, scale, monkeypatch):
    table = falling(sums.task, at)
    monkeypatch.setattr(Run, "metrics", property(lambda run: table))
    curves, parts = pictures(RunSource(sums), "training")
    assert {curves.figure.axes[-1].get_xscale(), parts.figure.axes[0].get_xscale()} == {scale}
    assert ("these too on a logarithmic scale" in curves.caption) == (scale == "symlog")


class TestPublished:
    def rows(self, run: Run, at: int, published: dict[str, object]) -> list[tuple[str, str, str]]:
        measured = Measured(falling(run.task, at), NONE, task=run.task)
        return [(row.published, row.measured, row.remark) for row in compare(published, measured)]

    def test_curves_stand_beside_published_ones(self, sums):
        published = {
            "digits_below_half": (173, 949),
            "test_loss_peak": (1_675, 8.5),
            "final_test_loss": 0.2,
            "steepest_between": (600, 1_000),
            "groks_between": (400, 600),
            "losses": {480: (0.032, 2.0), 481: 1.0},
        }
        digits, peak, last, steep, groks, losses = self.rows(sums, 500, published)
        assert digits[:2] == ("173, 949", "500, 600")
        assert peak[:2] == ("8.5 at step 1,675", f"{sums.task.chance_loss + 0.01:.3g} at step 0")
        assert last == ("0.2", "0.01", "here step 2,000")
        assert steep == ("between steps 600 and 1,000", "step 485", "before these")
        assert groks[1:] == ("step 485", "between them")
        assert losses[:2] == (
            "train 0.032 at step 480; test 2 at step 480; test 1 at step 481",
            f"0.1; {sums.task.chance_loss + 0.01:.2g}; not evaluated",
        )
        assert self.rows(sums, 500, {"test_loss_peak": 15.9})[0][0] == "15.9"
        [generalised] = self.rows(sums, 500, {"generalised_at": 1000})
        assert generalised == ("1,000", "500", "0.5 times; published of one seed")

    def test_every_recipes_numbers_have_a_measurement(self, sums):
        for name in recipe_names():
            published = recipe(name).published
            assert len(self.rows(sums, 500, published)) == len(published), name
