"""Planted circuits on sequences are explained, and what only looks like them is not."""

import pytest
import torch
from planted_sequences import planted_induction, planted_trigrams

from grokscope.errors import ConfigError
from grokscope.explanation import Subject, explain, open_subject
from grokscope.models import Transformer, TransformerConfig, build_model
from grokscope.tasks import (
    DigitAdditionConfig,
    RepeatedSubsequencesConfig,
    SequenceTask,
    SkipTrigramsConfig,
)
from grokscope.training import AdamWConfig, Schedule, Trainer

pytestmark = pytest.mark.slow


def task_of(config) -> SequenceTask:
    task = config.build()
    assert isinstance(task, SequenceTask)
    return task


REPEATED = RepeatedSubsequencesConfig(d_vocab=24, interval=8, subsequence_length=5, n_repeats=2)
TRIGRAMS = SkipTrigramsConfig(length=9, n_background=4, n_triggers=5)
ADDITION = DigitAdditionConfig(n_digits=3, base=5)


def network(config: TransformerConfig, task: SequenceTask, seed: int = 0) -> Transformer:
    model = build_model(config, d_vocab=task.d_vocab, d_vocab_out=task.d_vocab_out, n_ctx=task.n_ctx, seed=seed)
    assert isinstance(model, Transformer)
    return model


def failing(explanation) -> set[str]:
    return {claim.name for claim in explanation.claims if not claim.holds}


class TestInduction:
    def test_a_planted_circuit_is_explained(self):
        task = task_of(REPEATED)
        explanation = explain(Subject("planted", planted_induction(task), task))
        assert explanation.verdict == "explained", failing(explanation)
        assert explanation.headline == "repeated subsequences, induction by 1.0 reading 0.0"
        heads = explanation.findings[0].table.set_index("head")
        assert heads.loc["0.0", "previous token"] > 0.9
        assert heads.loc["1.0", "prefix matching"] > 0.9
        assert heads.loc["1.0", "copying"] == pytest.approx(1)

    def test_attention_to_the_same_token_is_not_induction(self):
        task = task_of(REPEATED)
        explanation = explain(Subject("decoy", planted_induction(task, keys_read="present"), task))
        assert explanation.verdict == "not explained"
        assert {"task", "prefix matching", "composition"} <= failing(explanation)

    def test_one_layer_cannot(self):
        task = task_of(REPEATED)
        model = network(TransformerConfig(n_layers=1, d_model=24, n_heads=2, d_head=8, attention_only=True), task)
        explanation = explain(Subject("one layer", model, task))
        assert explanation.verdict == "not explained"
        assert any("one layer" in note for note in explanation.notes)

    def test_an_untrained_network_is_not_explained(self):
        task = task_of(REPEATED)
        model = network(TransformerConfig(n_layers=2, d_model=24, n_heads=2, d_head=8, attention_only=True), task)
        assert explain(Subject("untrained", model, task)).verdict == "not explained"


class TestSkipTrigrams:
    def test_a_planted_circuit_is_explained(self):
        task = task_of(TRIGRAMS)
        explanation = explain(Subject("planted", planted_trigrams(task), task))
        assert explanation.verdict == "explained", failing(explanation)
        table = explanation.findings[0].table.set_index("token")
        assert [table.loc[f"trigger {m}", "raises most"] for m in range(5)] == list(range(5))

    def test_finding_triggers_is_not_answering_them(self):
        task = task_of(TRIGRAMS)
        explanation = explain(Subject("decoy", planted_trigrams(task, exchanged=True), task))
        assert explanation.verdict == "not explained"
        assert {"task", "OV readout", "tables"} <= failing(explanation)
        assert not {"attention", "QK readout"} & failing(explanation)

    def test_more_layers_are_tested_without_the_tables(self):
        task = task_of(TRIGRAMS)
        model = network(TransformerConfig(n_layers=2, d_model=16, n_heads=1, d_head=8), task)
        explanation = explain(Subject("deep", model, task))
        assert explanation.verdict == "not explained"
        assert "tables" not in {claim.name for claim in explanation.claims}
        assert any("one attention-only layer" in note for note in explanation.notes)

    def test_there_are_no_key_frequencies(self):
        task = task_of(TRIGRAMS)
        with pytest.raises(ConfigError, match="no key frequencies"):
            explain(Subject("planted", planted_trigrams(task), task), frequencies=[1])


@pytest.fixture(scope="module")
def adder() -> tuple[Transformer, SequenceTask]:
    """A small network that was trained to add."""
    task = task_of(ADDITION)
    model = network(TransformerConfig(d_model=64, n_heads=4, d_head=16, d_mlp=256), task)
    optimizer = AdamWConfig(lr=5e-3, weight_decay=0.1)
    trainer = Trainer(model, task, optimizer=optimizer, schedule=Schedule(decay="cosine", decay_from=200, decay_to=700))
    for _ in range(700):
        trainer.gradient()
        trainer.update()
    return model.requires_grad_(False), task


class TestDigitAddition:
    @pytest.mark.slow
    def test_a_network_that_adds_is_explained_by_columns_and_carries(self, adder):
        model, task = adder
        explanation = explain(Subject("adder", model, task))
        assert not {"task", "own column", "carry", "local", "cascade"} & failing(explanation)
        influence = explanation.findings[2].table.set_index("digit")
        assert influence.loc[1, "column 1"] > 0.5
        assert influence.loc[0, "column 1"] < 0.05

    def test_an_untrained_network_is_not_explained(self):
        task = task_of(ADDITION)
        model = network(TransformerConfig(d_model=32, n_heads=2, d_head=16, d_mlp=64), task)
        explanation = explain(Subject("untrained", model, task))
        assert explanation.verdict == "not explained"
        assert {"task", "own column", "carry"} <= failing(explanation)


def test_an_explanation_is_json(adder):
    import json

    task = task_of(TRIGRAMS)
    explanation = explain(Subject("planted", planted_trigrams(task), task))
    tree = json.loads(json.dumps(explanation.to_dict(), allow_nan=False))
    assert tree["verdict"] == "explained"
    assert tree["findings"]["Readout of the weights"][0]["token"] == "trigger 0"


def test_a_saved_network_is_recognised_by_its_shapes(tmp_path):
    from safetensors.torch import save_file

    task = task_of(REPEATED.model_copy(update={"n_repeats": 3, "interval": 7, "subsequence_length": 4}))
    weights = {name: weight.contiguous().clone() for name, weight in planted_induction(task).state_dict().items()}
    save_file(weights, tmp_path / "planted.safetensors")
    subject = open_subject(tmp_path / "planted.safetensors")
    assert subject.task.name == "4 tokens repeated 3 times, infinite data"
    assert torch.equal(subject.model.embed.W_E, weights["embed.W_E"])


@pytest.mark.reference
@pytest.mark.slow
class TestTheAuthorsNetworks:
    def test_the_induction_network_is_explained_and_its_doubling_found(self, reference):
        subject = open_subject(reference / "models/nanda/induction_head_infinite.pth")
        assert subject.model.config.residual_scale == 2
        explanation = explain(subject)
        assert explanation.verdict == "explained", failing(explanation)
        assert 0.28 < explanation.loss < 0.34
        assert "1.1, 1.2, 1.3 reading 0.2" in explanation.headline

    def test_the_adder_is_explained(self, reference):
        explanation = explain(open_subject(reference / "models/nanda/5_digit_addition_infinite.pth"))
        assert explanation.verdict == "explained", failing(explanation)
        facts = dict(explanation.facts())
        assert float(facts["whole sums right"].rstrip("%")) == pytest.approx(98.3, abs=1.0)
