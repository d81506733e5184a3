"""Runs in every floating type: trained, kept, read back, resumed, and trained together."""

import pytest
import torch

from grokscope.errors import ConfigError
from grokscope.models import TransformerConfig
from grokscope.run import Execution, Experiment, record_ensemble, record_run
from grokscope.tasks import FiniteData, ModularConfig
from grokscope.training import AdamWConfig, Schedule, Stop, relative_cross_entropy
from grokscope.training.loss import row_losses

ONE_THREAD = Execution(device="cpu", threads=1)
BASE = Experiment(
    name="tiny",
    task=ModularConfig(p=11, data=FiniteData(train_fraction=0.6)),
    model=TransformerConfig(d_model=16, n_heads=2, d_head=8, d_mlp=32),
    optimizer=AdamWConfig(lr=1e-2, weight_decay=0.1),
    schedule=Schedule(warmup_steps=0),
    stop=Stop(steps=60),
    evaluate_every=10,
    checkpoint_every=30,
)
DTYPES = ["float32", "float64", "bfloat16"]
VARIANTS = {
    "adamw": {},
    "sgd, l1": {"optimizer.kind": "sgd", "optimizer.lr": 0.1, "l1": 1e-5},
    "layer norm, dropout": {"model.layer_norm": True, "model.dropout": 0.1, "model.n_layers": 2},
    "float64 loss": {"loss": "float64"},
    "mlp": {"model.kind": "mlp"},
}


@pytest.mark.parametrize("dtype", DTYPES)
class TestEveryType:
    @pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
    def test_learns_and_is_read_back(self, dtype, changes, tmp_path):
        run = record_run(BASE.override({"dtype": dtype, **changes}), tmp_path / "run", execution=ONE_THREAD)
        losses = run.metrics["train_loss"]
        assert losses.iloc[-1] < 0.9 * losses.iloc[0]
        model, weights = run.model(), run.weights()
        for name, value in model.named_parameters():
            assert value.dtype == weights[name].dtype == getattr(torch, dtype)
            assert torch.equal(value, weights[name])

    def test_resumes_to_the_same_bits(self, dtype, tmp_path):
        experiment = BASE.override({"dtype": dtype, "stop.steps": 20, "checkpoint_every": 10})
        whole = record_run(experiment, tmp_path / "whole", execution=ONE_THREAD)
        record_run(experiment.override({"stop.steps": 10}), tmp_path / "halves", execution=ONE_THREAD)
        halves = record_run(experiment, tmp_path / "halves", execution=ONE_THREAD, resume=True)
        assert halves.folder.resume.read_bytes() == whole.folder.resume.read_bytes()
        assert halves.folder.metrics.read_bytes() == whole.folder.metrics.read_bytes()

    def test_in_an_ensemble_as_alone(self, dtype, tmp_path):
        experiments = [BASE.override({"dtype": dtype, "seed": seed, "stop.steps": 10 + seed}) for seed in range(2)]
        runs = record_ensemble(experiments, [tmp_path / str(seed) for seed in range(2)], execution=ONE_THREAD)
        # rounding of one step in the type, some of them after another
        tolerance = {"float64": 1e-9, "float32": 1e-4, "bfloat16": 0.05}[dtype]
        for seed, run in enumerate(runs):
            alone = record_run(experiments[seed], tmp_path / f"alone{seed}", execution=ONE_THREAD)
            for column in ("train_loss", "test_loss"):
                assert run.metrics[column].tolist() == pytest.approx(alone.metrics[column].tolist(), rel=tolerance)
            assert {value.dtype for value in run.weights().values()} == {getattr(torch, dtype)}
            resumed = record_run(
                experiments[seed].override({"stop.steps": 15}), run.path, execution=ONE_THREAD, resume=True
            )
            assert resumed.record["step"] == 15


def test_a_small_loss_keeps_its_precision_in_bfloat16():
    logits = torch.tensor([[20.0, 0.0, 0.0]], dtype=torch.bfloat16, requires_grad=True)
    target = torch.tensor([0])
    loss = relative_cross_entropy(logits, target)
    assert loss.item() == pytest.approx(2 * 2.0611536e-9, rel=1e-6)
    assert row_losses(logits, target).item() == pytest.approx(loss.item())
    loss.backward()
    assert logits.grad is not None
    assert logits.grad.dtype == torch.bfloat16


def test_other_types_are_refused():
    with pytest.raises(ConfigError, match=r"dtype: input should be 'float32', 'float64' or 'bfloat16', got 'float16'"):
        BASE.override({"dtype": "float16"})
