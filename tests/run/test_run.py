"""Opening a run that someone left behind, whole or not."""

import pytest
import torch

from grokscope.errors import RunError
from grokscope.models import MLP, MLPConfig, TransformerConfig
from grokscope.run import Execution, Experiment, Run, record_run
from grokscope.tasks import ModularConfig
from grokscope.training import Stop

SMALL = Experiment(
    task=ModularConfig(p=7),
    model=TransformerConfig(d_model=8, n_heads=2, d_head=4, d_mlp=16),
    stop=Stop(steps=10),
    evaluate_every=5,
    checkpoint_every=5,
)


@pytest.fixture
def run(tmp_path):
    return record_run(SMALL, tmp_path / "run", execution=Execution(device="cpu", threads=1))


class TestReading:
    def test_from_a_path_or_its_name(self, run):
        assert Run(run.path).experiment == Run(str(run.path)).experiment == SMALL

    def test_model_at_every_step(self, run):
        for step in (0, 5, 10):
            for name, weights in run.model(step).state_dict().items():
                assert torch.equal(weights, run.weights(step)[name])
        assert torch.equal(run.model().embed.W_E, run.model(10).embed.W_E)
        assert not torch.equal(run.model(10).embed.W_E, run.model(5).embed.W_E)

    def test_models_are_independent_copies(self, run):
        first = run.model()
        first.embed.W_E.zero_()
        assert run.model().embed.W_E.abs().sum() > 0
        assert not any(weights.requires_grad for weights in first.parameters())

    def test_task_has_the_very_split_that_was_trained_on(self, tmp_path):
        experiment = SMALL.override({"seeds.split": 3, "task.operation": "random", "seeds.data": 5})
        run = record_run(experiment, tmp_path / "other", execution=Execution(device="cpu", threads=1))
        task, first = run.task, run.metrics.iloc[0]
        logits = run.model(0)(task.train.tokens, [2]).flatten(0, 1)
        loss = torch.nn.functional.cross_entropy(logits.double(), task.train.targets.flatten())
        assert first["train_loss"] == pytest.approx(loss.item(), rel=1e-5)

    def test_mlp(self, tmp_path):
        experiment = SMALL.model_copy(update={"model": MLPConfig(d_model=8, d_mlp=16)})
        run = record_run(experiment, tmp_path / "mlp", execution=Execution(device="cpu", threads=1))
        assert isinstance(run.model(), MLP)
        assert run.model().config == experiment.model

    def test_repr_says_what_there_is(self, run):
        assert repr(run) == f"Run({str(run.path)!r}, finished, 3 checkpoints, last at step 10)"

    def test_nothing_is_read_before_it_is_asked_for(self, run):
        for file in ("metrics.csv", "run.json", "checkpoints/00000000.safetensors"):
            (run.path / file).unlink()
        assert Run(run.path).checkpoints == [5, 10]

    def test_a_run_that_was_moved(self, run, tmp_path):
        moved = run.path.rename(tmp_path / "elsewhere")
        assert Run(moved).status == "finished"
        assert Run(moved).weights().keys() == Run(moved).model().state_dict().keys()


class TestStatus:
    def test_running_only_while_somebody_writes(self, run):
        run.folder.write_record({**run.record, "status": "running"})
        assert run.status == "interrupted"
        lock = run.folder.lock()
        try:
            assert run.status == "running"
        finally:
            lock.release()


class TestErrors:
    def test_no_run(self, tmp_path):
        with pytest.raises(RunError, match=r"is not a run: it has no experiment\.yaml"):
            Run(tmp_path)

    def test_step_without_a_checkpoint(self, run):
        with pytest.raises(RunError, match=r"no checkpoint at step 6; the nearest is 5 \(steps 0 to 10\)"):
            run.weights(6)
        with pytest.raises(RunError, match=r"no checkpoint at step -1; the nearest is 0"):
            run.model(-1)

    def test_no_checkpoints(self, run):
        for file in (run.path / "checkpoints").iterdir():
            file.unlink()
        with pytest.raises(RunError, match=r"run has no checkpoints"):
            run.model()

    def test_damaged_checkpoint(self, run):
        file = run.folder.checkpoint(5)
        file.write_bytes(file.read_bytes()[:100])
        with pytest.raises(RunError, match=r"00000005\.safetensors is damaged"):
            run.model(5)
        assert run.model(10) is not None

    def test_checkpoint_of_another_network(self, run, tmp_path):
        other = record_run(SMALL.override({"model.d_mlp": 9}), tmp_path / "other", execution=Execution(threads=1))
        run.folder.checkpoint(5).write_bytes(other.folder.checkpoint(5).read_bytes())
        with pytest.raises(RunError, match=r"does not fit its experiment\.yaml: .*W_in") as caught:
            run.model(5)
        assert "\n" not in str(caught.value)

    def test_metrics_that_are_gone(self, run):
        (run.path / "metrics.csv").unlink()
        with pytest.raises(RunError, match=r"cannot read .*metrics\.csv"):
            _ = run.metrics
