"""What objects show of themselves: small tables, nothing unescaped, no array number by number."""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import grokscope as gs
from grokscope.display import brief, facts_table, few, folded, list_table, preformatted
from grokscope.explanation import explain, explain_over_training, subject_of_run
from grokscope.interop import ImportedNetwork
from grokscope.run import Execution, Experiment, record_run

MARKUP = "<script>alert('1')</script> & \"more\""
TINY = Experiment(name="tiny").override(
    {
        "description": MARKUP,
        **{"task.p": 13, "model.d_model": 8, "model.n_heads": 2, "model.d_head": 4, "model.d_mlp": 16},
        **{"stop.steps": 20, "evaluate_every": 5, "checkpoint_every": 10},
    }
)
TRIGRAMS = TINY.override(
    {
        "task.kind": "skip-trigrams",
        "task.data.kind": "infinite",
        "task.length": 12,
        "task.data.test_size": 64,
        "task.data.batch_size": 16,
    }
)
LONGEST = 1500
"""Characters at a prompt: a dozen lines."""


class Tags(HTMLParser):
    """Collects what a browser would make of a text: elements and words."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.words = [], set(), []
        self.feed(html)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


def words(html):
    return Tags(html).text


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose folder and description have markup in their names."""
    folder = tmp_path_factory.mktemp("display") / "<b>run</b>"
    return record_run(TINY, folder, execution=Execution(device="cpu", threads=1))


@pytest.fixture(scope="module")
def trigrams(tmp_path_factory):
    return record_run(
        TRIGRAMS, tmp_path_factory.mktemp("display") / "run", execution=Execution(device="cpu", threads=1)
    )


@pytest.fixture(scope="module")
def shown(run, trigrams):
    """What a user meets, by name."""
    task, model = run.task, run.model()
    stored = {"train_losses": [0.1] * 1000}
    return {
        "run": run,
        "experiment": run.experiment,
        "task": task,
        "model": model,
        "circuit": gs.fourier_summary(model, task),
        "phases": gs.curves.phases.find_phases(run.metrics, task.chance_loss),
        "recipe": gs.recipes()["mainline"],
        "imported": ImportedNetwork(model, 13, True, MARKUP, Path("somewhere/<i>file.pt"), "0", stored=stored),
        "explanation": explain(subject_of_run(run)),
        "timeline": explain_over_training(run, every=10),
        "trigrams": trigrams.task,
        "attention only": gs.Run(trigrams.path).model(),
        "explanation of trigrams": explain(subject_of_run(trigrams)),
    }


NAMES = [
    *("run", "experiment", "task", "model", "circuit", "phases", "recipe", "imported", "explanation", "timeline"),
    *("trigrams", "attention only", "explanation of trigrams"),
]


class TestWhatAUserMeets:
    @pytest.mark.parametrize("name", NAMES)
    def test_is_a_table_in_a_notebook(self, shown, name):
        html = shown[name]._repr_html_()
        assert "table" in Tags(html).tags
        assert Tags(html).tags <= {"table", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre"}

    @pytest.mark.parametrize("name", NAMES)
    def test_leaves_colours_to_the_notebook(self, shown, name):
        styles = set(re.findall(r'style="([^"]*)"', shown[name]._repr_html_()))
        assert styles == {"text-align: left; vertical-align: top"}

    @pytest.mark.parametrize("name", NAMES)
    def test_is_short_at_a_prompt(self, shown, name):
        text = repr(shown[name])
        assert len(text) < LONGEST
        assert "tensor(" not in text
        assert "array(" not in text


class TestMarkup:
    def test_in_names_is_text(self, shown):
        assert MARKUP in words(shown["experiment"]._repr_html_())
        assert words(shown["run"]._repr_html_()).split("  ")[0].startswith(str(shown["run"].path))
        assert "<i>file.pt" in words(shown["imported"]._repr_html_())
        assert str(shown["run"].path) in words(shown["explanation"]._repr_html_())

    @pytest.mark.parametrize(
        "html",
        [
            facts_table(MARKUP, [(MARKUP, MARKUP)]),
            list_table([MARKUP], [[MARKUP]]),
            folded(MARKUP, preformatted(MARKUP)),
        ],
        ids=["facts", "list", "folded"],
    )
    def test_is_escaped_everywhere(self, html):
        assert "script" not in Tags(html).tags
        assert words(html).count(MARKUP) == html.count("&lt;script&gt;") > 0


class TestShownValues:
    def test_of_a_run(self, shown):
        text, metrics = words(shown["run"]._repr_html_()), shown["run"].metrics
        assert "finished" in text
        assert "3, from step 0 to 20" in text
        for row in (metrics.iloc[0], metrics.iloc[-1]):
            assert f"at step {int(row.step)}" in text
            assert f"test loss {row.test_loss:.3g} nats ({row.test_accuracy:.2%} right)" in text

    def test_of_a_run_without_a_test_set(self, tmp_path):
        run = record_run(TINY.override({"task.data.train_fraction": 1.0, "stop.steps": 5}), tmp_path / "all")
        text = words(run._repr_html_())
        assert "train loss" in text
        assert "test loss" not in text

    def test_of_a_run_that_has_phases(self, run, tmp_path):
        folder = tmp_path / "phases"
        folder.mkdir()
        (folder / "experiment.yaml").write_bytes(run.folder.experiment.read_bytes())
        (folder / "run.json").write_bytes(run.folder.record.read_bytes())
        rows = [(0, 2.6, 0.1), (5, 5.0, 0.1), (10, 1.0, 0.6), (15, 0.1, 0.99), (20, 0.1, 0.99), (400, 0.1, 0.99)]
        lines = ["step,train_loss,train_accuracy,test_loss,test_accuracy"]
        lines += [f"{step},0.5,1.0,{loss},{accuracy}" for step, loss, accuracy in rows]
        (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
        text = " ".join(words(gs.Run(folder)._repr_html_()).split())
        assert "memorised from step 5 generalised from step 10 grokked from step 15 cleaned up from step 15" in text

    def test_of_a_damaged_run(self, run, tmp_path):
        (tmp_path / "experiment.yaml").write_bytes(run.folder.experiment.read_bytes())
        damaged = gs.Run(tmp_path)
        assert repr(damaged) == f"Run({str(tmp_path)!r}, of unknown status, 0 checkpoints)"
        text = words(damaged._repr_html_())
        assert "of unknown status" in text
        assert "cannot read" in text

    def test_of_an_experiment(self, shown):
        text = words(shown["experiment"]._repr_html_())
        assert shown["experiment"].to_yaml() in text
        assert "AdamW, learning rate 0.001, weight decay 1" in text

    def test_of_models(self, shown):
        model = shown["model"]
        assert repr(model) == (
            f"Transformer(n_layers=1, d_model=8, n_heads=2, d_head=4, d_mlp=16, d_vocab=14, d_vocab_out=14, n_ctx=3: "
            f"{sum(weight.numel() for weight in model.parameters())} weights)"
        )
        assert "blocks.0.attn.W_Q 2 × 8 × 4" in " ".join(words(model._repr_html_()).split())

    def test_of_models_names_what_is_unusual(self):
        experiment = TINY.override({"model.kind": "mlp", "model.combine": "sum", "task.equals_token": False})
        assert "combine='sum'" in repr(
            gs.MLP(experiment.model, d_vocab=5, d_vocab_out=5, n_ctx=2, generator=torch.Generator())
        )

    def test_of_an_explanation(self, shown):
        for name in ("explanation", "explanation of trigrams"):
            explanation = shown[name]
            text = words(explanation._repr_html_())
            assert explanation.verdict.upper() in text
            assert explanation.claims
            for claim in explanation.claims:
                assert claim.statement in text
                assert f"≥\N{NO-BREAK SPACE}{claim.threshold:g}" in text
                for control in claim.controls:
                    assert control.what in text
            holding = sum(claim.holds for claim in explanation.claims)
            assert f"{holding} of {len(explanation.claims)} claims hold" in repr(explanation)

    def test_of_a_timeline(self, shown):
        assert shown["timeline"].verdicts() == {0: "not explained"}
        assert repr(shown["timeline"]) == "Timeline(not explained from step 0)"
        assert "never" in words(shown["timeline"]._repr_html_())

    def test_of_tasks(self, shown):
        task = shown["task"]
        assert (
            repr(task)
            == f"ModularTask('add mod 13', train: {len(task.train)} examples, test: {len(task.test)} examples)"
        )
        a, b, equals = task.test.tokens[0].tolist()
        assert f"{a}, {b}, {equals} → {(a + b) % 13}" in words(task._repr_html_())
        text = words(shown["trigrams"]._repr_html_())
        assert "infinite" in text
        assert "16 drawn afresh" in text
        assert "trigger_7, … 10 in all" in text

    def test_of_a_circuit(self, shown):
        circuit = shown["circuit"]
        assert "pattern=float32[13, 13, 2, 3]" in repr(circuit)
        assert "logits=float32[13, 13, 13]" in repr(circuit)
        inside = sum(circuit.neurons.clusters().values())
        assert f"{inside} of 16" in words(circuit._repr_html_())

    def test_of_a_recipe_and_of_phases(self, shown):
        assert "(14, 35, 41, 42, 52)" in words(shown["recipe"]._repr_html_())
        assert "9 minutes" in repr(shown["recipe"])
        assert "none" in words(
            gs.curves.phases.find_phases(pd.DataFrame({"step": [0], "test_loss": [float("nan")]}), 1.0)._repr_html_()
        )


class TestBrief:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (torch.zeros(2, 3), "float32[2, 3]"),
            (np.zeros(4, dtype=np.int64), "int64[4]"),
            (pd.DataFrame({"step": [1], "loss": [2.0]}), "table of 1 rows: step, loss"),
            ({"a": torch.zeros(1)}, "{'a': float32[1]}"),
            ((torch.zeros(1),), "(float32[1],)"),
            ([1, 2], "[1, 2]"),
            (list(range(100)), "[0, 1, 2, 3, 4, 5, 6, 7, … 100 in all]"),
            ("x" * 200, repr("x" * 100 + "…")),
            (brief, "brief"),
            (None, "None"),
        ],
        ids=["tensor", "array", "table", "dict", "tuple", "list", "long list", "long text", "function", "none"],
    )
    def test_says_what_there_is(self, value, text):
        assert brief(value) == text

    def test_few(self):
        assert few("abc") == "a, b, c"
        assert few([]) == ""


ARRAY = re.compile(r"Tensor|ndarray|DataFrame|Float|Int\[|Bool\[")
WITH_WORDS = {"BinaryOperationTask", "ModularTask", "Timeline"}
"""Their texts are made of other things than their fields; see above."""


def dataclasses_with_arrays():
    """Every public dataclass of the library with a field that holds arrays, by name."""
    root, found = Path(gs.__file__).parent, {}
    for package in ("tasks", "models", "interop", "analysis", "explanation"):
        for info in pkgutil.walk_packages([str(root / package)], f"grokscope.{package}."):
            module = importlib.import_module(info.name)
            for name, kind in inspect.getmembers(module, dataclasses.is_dataclass):
                own = kind.__module__ == module.__name__ and not name.startswith("_") and name not in WITH_WORDS
                if own and any(ARRAY.search(str(field.type)) for field in dataclasses.fields(kind)):
                    found[f"{info.name}.{name}".removeprefix("grokscope.")] = kind
    return found


ARRAYS = dataclasses_with_arrays()


def test_the_dataclasses_with_arrays_are_found():
    assert {
        "analysis.binary.all_pairs.AllPairsTable",
        "tasks.examples.Examples",
        "explanation.synthetic.planted.Wiring",
    } <= ARRAYS.keys()


@pytest.mark.parametrize("name", sorted(ARRAYS))
def test_no_dataclass_prints_its_arrays(name):
    kind = ARRAYS[name]
    thing = object.__new__(kind)
    for field in dataclasses.fields(kind):
        object.__setattr__(thing, field.name, torch.rand(30, 30, 30))
    text = repr(thing)
    assert "float32[30, 30, 30]" in text
    assert "0." not in text
