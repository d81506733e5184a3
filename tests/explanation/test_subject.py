"""What is opened for explanation, and what is refused."""

import pytest
import torch
from known_networks import program_of, task_of

from grokscope.errors import CheckpointError, ConfigError, RunError
from grokscope.explanation import explain, explain_over_training, open_subject, subject_of_run
from grokscope.explanation.synthetic.planted import plant
from grokscope.models import TransformerConfig, build_model
from grokscope.run import Execution, Experiment, Run, record_run

TINY = Experiment(name="tiny").override(
    {
        "task.p": 11,
        "model.d_model": 32,
        "model.n_heads": 2,
        "model.d_head": 8,
        "model.d_mlp": 64,
        "optimizer.lr": 0.01,
        "stop.steps": 60,
        "evaluate_every": 10,
        "checkpoint_every": 20,
    }
)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    record_run(TINY, folder, execution=Execution(device="cpu", threads=1))
    return Run(folder)


def save_planted(path, operation, p, frequencies, **changes):
    task = task_of(operation, p)
    network = plant(program_of(task, "clock", frequencies), TransformerConfig(**changes))
    torch.save(network.state_dict(), path)
    return task


@pytest.mark.parametrize("operation", ["add", "subtract", "multiply", "3*a + 5*b + 2"])
def test_the_operation_of_a_file_is_found(tmp_path, operation):
    task = save_planted(tmp_path / "network.pt", operation, 31, (2, 7, 11))
    subject = open_subject(tmp_path / "network.pt")
    assert subject.recognised
    assert subject.task.operation == operation
    assert subject.imported is not None
    assert subject.imported.operation == operation
    assert torch.equal(subject.task.table, task.table)
    assert any("found by trying: 100.00%" in note for note in subject.notes)
    assert explain(subject).verdict == "explained"


def save_pizza(path):
    """Weights of a pizza, written for the mean over three positions; with a coefficient of 0 it is their sum."""
    program = program_of(task_of("add", 31), "pizza", (2, 7, 11), (12.0, 12.0, 12.0))
    torch.save(plant(program, TransformerConfig()).state_dict(), path)


def test_an_attention_coefficient_is_inferred_from_the_loss(tmp_path):
    save_pizza(tmp_path / "pizza.pt")
    subject = open_subject(tmp_path / "pizza.pt")
    assert subject.model.config.attention_coefficient == 0
    assert any("attention_coefficient 0 inferred" in note for note in subject.notes)


def test_what_is_stated_is_not_inferred(tmp_path):
    save_pizza(tmp_path / "pizza.pt")
    subject = open_subject(tmp_path / "pizza.pt", attention_coefficient=1.0)
    assert subject.model.config.attention_coefficient == 1
    assert not any("inferred" in note for note in subject.notes)


def test_a_network_at_chance_is_said_to_be(tmp_path):
    task = task_of("add", 31)
    model = build_model(TransformerConfig(d_mlp=64), d_vocab=32, d_vocab_out=32, n_ctx=3, seed=0)
    torch.save(model.state_dict(), tmp_path / "untrained.pt")
    subject = open_subject(tmp_path / "untrained.pt")
    assert not subject.recognised
    explanation = explain(subject)
    assert explanation.verdict == "not explained"
    assert explanation.operation is None
    assert any("no operation recognised" in note for note in explanation.notes)
    assert task.p == explanation.modulus


def test_a_network_on_sequences_of_no_known_task_is_refused(tmp_path):
    model = build_model(TransformerConfig(d_mlp=64), d_vocab=12, d_vocab_out=11, n_ctx=18, seed=0)
    torch.save(model.state_dict(), tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="18 tokens of 12 with 11 logits: neither pairs of residues"):
        open_subject(tmp_path / "other.pt")


def test_a_file_has_no_step_and_a_run_is_not_restated(tmp_path, run):
    save_planted(tmp_path / "network.pt", "add", 31, (2, 7, 11))
    with pytest.raises(ConfigError, match="has no step 5; leave the step out"):
        open_subject(tmp_path / "network.pt", step=5)
    with pytest.raises(ConfigError, match="operation is recorded in the run"):
        open_subject(run.path, operation="add")


def test_weights_that_are_not_finite_are_named(tmp_path, run):
    import shutil

    from grokscope.run.atomic import save_tensors

    broken = tmp_path / "broken"
    shutil.copytree(run.path, broken)
    weights = run.weights(40)
    weights["unembed.W_U"][0, :3] = torch.nan
    save_tensors(Run(broken).folder.checkpoint(40), weights)
    with pytest.raises(RunError, match=r"3 of the weights of unembed.W_U .* at step 40 are not finite"):
        subject_of_run(Run(broken), 40)
    subject_of_run(Run(broken), 60)


def test_the_task_of_a_run_holds_its_training_pairs(run):
    subject = subject_of_run(run)
    assert len(subject.task.train) == int(0.3 * 121)
    assert subject.step == 60


def test_over_training_the_last_network_is_asked_about(run):
    timeline = explain_over_training(run, every=40, frequencies=(2, 3))
    assert timeline.table["step"].unique().tolist() == [0, 40, 60]
    assert set(timeline.first_steps()) == set(timeline.final.claims)
    assert list(timeline.table.columns) == ["step", "verdict", "id", "claim", "value", "threshold", "holds"]


def test_a_claim_holds_from_the_step_after_which_it_never_fails():
    import pandas as pd

    from grokscope.explanation.timeline import holds_from

    table = pd.DataFrame({"step": [0, 10, 20, 30], "claim": "a", "holds": [True, False, True, True]})
    assert holds_from(table, "a") == 20
    assert holds_from(table.assign(holds=True), "a") == 0
    assert holds_from(table.assign(holds=[True, True, True, False]), "a") is None
