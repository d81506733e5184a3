"""What somebody else's network computes, and with which settings that its weights do not show."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from known_networks import program_of, task_of

from grokscope.errors import CheckpointError
from grokscope.explanation import explain, open_subject
from grokscope.explanation.modular import unseen
from grokscope.explanation.modular.unseen import Trial, search_settings, task_on_pairs
from grokscope.explanation.synthetic.planted import plant
from grokscope.interop import load_network
from grokscope.models import MLPConfig, TransformerConfig, build_model
from grokscope.tasks import ModularConfig
from grokscope.tasks.modular.operations import operation_table


def save_lookup(path: Path, answers: torch.Tensor, *, logit: float) -> Path:
    """Write the weights of an MLP with a neuron for each pair, which says that pair's answer and knows no rule."""
    p = len(answers)
    config = MLPConfig(d_model=p, d_mlp=p * p, biases="hidden")
    model = build_model(config, d_vocab=p, d_vocab_out=p, n_ctx=2, seed=0)
    pair, x = torch.arange(p * p), torch.arange(p)
    W_in = torch.zeros(2 * p, p * p)
    W_in[pair // p, pair] = W_in[p + pair % p, pair] = 1.0
    W_U = torch.zeros(p * p, p)
    W_U[pair, answers.flatten()] = logit
    weights = {"embed.W_E": torch.eye(p)[x], "blocks.0.mlp.W_in": W_in, "unembed.W_U": W_U}
    model.load_state_dict({**weights, "blocks.0.mlp.b_in": torch.full((p * p,), -1.0)})
    torch.save(model.state_dict(), path)
    return path


class TestOperation:
    @pytest.mark.slow
    def test_permuted_tokens_are_addition_and_are_explained_as_such(self, tmp_path):
        generator = torch.Generator().manual_seed(0)
        of_a, of_b, of_c = (torch.randperm(31, generator=generator) for _ in range(3))
        task = ModularConfig(p=31).build(artifacts={"table": of_c[(of_a[:, None] + of_b) % 31]})
        torch.save(
            plant(program_of(task, "clock", (2, 7, 11)), TransformerConfig()).state_dict(), tmp_path / "permuted.pt"
        )
        subject = open_subject(tmp_path / "permuted.pt")
        assert subject.task.name == "permuted addition mod 31"
        assert torch.equal(subject.task.table, task.table)
        assert any("permuted tokens" in note for note in subject.notes)
        assert explain(subject).verdict == "explained"

    @pytest.mark.slow
    def test_a_quotient_is_explained(self, tmp_path):
        task = task_of("a * pow(b, p - 2, p)", 31)
        torch.save(plant(program_of(task, "clock", (2, 7, 11)), TransformerConfig()).state_dict(), tmp_path / "n.pt")
        explanation = explain(open_subject(tmp_path / "n.pt"))
        assert explanation.verdict == "explained"
        assert explanation.operation == "a * pow(b, p - 2, p)"

    def test_one_that_memorised_a_third_of_the_sums_is_recognised_and_not_explained(self, tmp_path):
        generator = torch.Generator().manual_seed(0)
        sums, known = operation_table("add", 23, 0), torch.rand(23, 23, generator=generator) < 1 / 3
        answers = torch.where(known, sums, torch.randint(23, (23, 23), generator=generator))
        explanation = explain(open_subject(save_lookup(tmp_path / "memorised.pt", answers, logit=12.0)))
        assert explanation.operation == "add"
        assert explanation.verdict == "not explained"
        assert 0.3 < explanation.accuracy < 0.4

    def test_one_of_no_known_operation_is_told_by_its_own_table(self, tmp_path):
        answers = operation_table("random", 11, 0)
        explanation = explain(open_subject(save_lookup(tmp_path / "random.pt", answers, logit=20.0)))
        told = " ".join(explanation.notes)
        assert explanation.operation is None
        assert explanation.verdict == "not explained"
        assert "no Latin square, not that of a group" in told
        assert "at chance" not in told
        assert "--operation" in told

    def test_one_that_has_learned_nothing_is_told_by_how_sure_it_is(self, tmp_path):
        answers = operation_table("random", 11, 0)
        explanation = explain(open_subject(save_lookup(tmp_path / "unsure.pt", answers, logit=0.5)))
        assert any("it has learned little" in note for note in explanation.notes)


class TestSettings:
    def save(self, path: Path, form: str, config: TransformerConfig | MLPConfig) -> Path:
        task = task_of("add", 31)
        amplitudes = (12.0, 12.0, 12.0)
        torch.save(plant(program_of(task, form, (2, 7, 11), amplitudes), config).state_dict(), path)
        return path

    def test_usual_settings_that_fit_are_kept_without_a_word(self, tmp_path):
        subject = open_subject(self.save(tmp_path / "clock.pt", "clock", TransformerConfig()))
        assert subject.model.config.attention_coefficient == 1
        assert not any("inferred" in note for note in subject.notes)

    def test_squares_are_found_by_the_margin_though_they_make_every_loss_smaller(self, tmp_path):
        relu = MLPConfig(d_model=128, d_mlp=400, biases="none")
        squares = MLPConfig(d_model=128, d_mlp=400, biases="none", activation="quadratic")
        for config, activation in ((relu, "relu"), (squares, "quadratic")):
            subject = open_subject(self.save(tmp_path / f"{activation}.pt", "clock", config))
            assert subject.model.config.activation == activation

    def test_a_setting_that_makes_no_difference_is_not_said(self, tmp_path):
        path = self.save(tmp_path / "clock.pt", "clock", TransformerConfig())
        result = search_settings(load_network(path), task_on_pairs(load_network(path), "add"), None)
        assert "causal" not in result.best.settings
        assert not any("causal" in trial.settings for trial in result.alike)

    def test_the_coefficient_is_searched_for_continuously(self, tmp_path, monkeypatch):
        imported = load_network(self.save(tmp_path / "clock.pt", "clock", TransformerConfig()))
        true = unseen._Search.trial

        def fitting_at_037(search: unseen._Search, settings: dict[str, object]) -> Trial:
            trial = true(search, settings)
            at = float(settings.get("attention_coefficient", 1.0))
            worse = 1.0 + ("activation" in settings) + ("residual_scale" in settings)
            object.__setattr__(trial, "loss", 1e-3 + worse * abs(at - 0.37))
            return trial

        monkeypatch.setattr(unseen._Search, "trial", fitting_at_037)
        result = search_settings(imported, task_on_pairs(imported, "add"), None)
        assert result.best.settings == {"attention_coefficient": pytest.approx(0.37, abs=0.005)}
        assert result.usual.loss == pytest.approx(0.631)

    @pytest.mark.slow
    def test_settings_that_fit_alike_are_judged_too(self, tmp_path):
        path = self.save(tmp_path / "clock.pt", "clock", TransformerConfig())
        subject = open_subject(path)
        one = subject.alternatives or (subject,)
        several = replace(subject, alternatives=one[:1])
        told = explain(several).notes
        assert any(note.startswith(f"{one[0].name}: ") and "explained" in note for note in told)


def test_a_network_on_sequences_that_does_no_known_task_is_not_judged_as_one(tmp_path):
    config = TransformerConfig(attention_only=True, d_model=16, n_heads=1, d_head=8)
    model = build_model(config, d_vocab=33, d_vocab_out=2, n_ctx=22, seed=0)
    torch.save(model.state_dict(), tmp_path / "palindrome.pt")
    with pytest.raises(CheckpointError, match="about which there is no hypothesis here"):
        open_subject(tmp_path / "palindrome.pt")


@pytest.mark.slow
def test_of_several_networks_in_a_file_the_one_asked_for_is_explained(tmp_path):
    networks = [
        plant(program_of(task_of(operation, 31), "clock", (2, 7, 11)), TransformerConfig()).state_dict()
        for operation in ("add", "subtract")
    ]
    torch.save({"trajectory": networks}, tmp_path / "run.pt")
    assert open_subject(tmp_path / "run.pt").task.operation == "subtract"
    assert open_subject(tmp_path / "run.pt", index=0).task.operation == "add"


class TestForeign:
    """Real networks of other people, whose truth stands beside them."""

    @pytest.fixture
    def foreign(self, reference: Path) -> Path:
        folder = reference.parent / "foreign"
        if not folder.is_dir():
            pytest.skip(f"no networks of other people in {folder}")
        return folder

    @pytest.mark.slow
    def test_mask_and_coefficient_are_found_together(self, foreign):
        subject = open_subject(foreign / "pizza_h9m153uuh9.pt")
        assert not subject.model.config.causal
        assert subject.model.config.attention_coefficient < 0.02  # published: 0.0066
        explanation = explain(subject)
        assert explanation.loss < 5e-8
        assert explanation.algorithm == "pizza-like"

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("name", "operation", "accuracy"),
        [("division_p59", "a * pow(b, p - 2, p)", 0.9994), ("sum_of_squares_p59", "a*a + b*b", 0.9997)],
    )
    def test_the_operation_is_found(self, foreign, name, operation, accuracy):
        explanation = explain(open_subject(foreign / f"{name}.safetensors"))
        assert explanation.operation == operation
        assert explanation.accuracy == pytest.approx(accuracy, abs=6e-4)
        assert not any("at chance" in note for note in explanation.notes)

    @pytest.mark.slow
    def test_a_gelu_that_has_not_generalised_wholly_is_judged_beside_relu(self, foreign):
        subject = open_subject(foreign / "pizza_dy65ktpiij.pt")
        assert subject.model.config.attention_coefficient == pytest.approx(0.0, abs=0.1)
        assert any("gelu" in other.name for other in (*subject.alternatives, subject)) or (
            subject.model.config.activation == "gelu"
        )

    def test_palindromes_are_not_judged_as_skip_trigrams(self, foreign):
        with pytest.raises(CheckpointError, match="no hypothesis here"):
            open_subject(foreign / "palindrome.pt")
