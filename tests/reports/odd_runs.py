"""The tiny experiments of every odd kind that a report must cope with."""

from grokscope.run import Experiment

TINY = Experiment(name="tiny").override(
    {
        "task.p": 7,
        "model.d_model": 8,
        "model.n_heads": 2,
        "model.d_head": 4,
        "model.d_mlp": 8,
        "stop.steps": 20,
        "evaluate_every": 5,
        "checkpoint_every": 10,
    }
)
MARKUP = "<script>alert('1')</script> & \"more\" {{ 7 * 7 }}"

ODD: dict[str, dict[str, object]] = {
    "plain": {"description": MARKUP},
    "mlp": {"model.kind": "mlp", "model.d_model": 8, "model.d_mlp": 12, "task.equals_token": False, "task.p": 5},
    "attention-only": {"model.attention_only": True, "task.p": 8, "task.operation": "multiply"},
    "no-test-set": {"task.data.train_fraction": 1.0, "model.n_heads": 17, "model.d_head": 2},
    "smallest": {"task.p": 2, "task.data.train_fraction": 0.5, "model.layer_norm": True, "model.activation": "gelu"},
    "infinite": {"task.data.kind": "infinite", "task.data.batch_size": 16, "model.n_layers": 2},
    "memorises": {
        "task.operation": "random",
        "stop.steps": 39,
        "optimizer.lr": 0.02,
        "optimizer.weight_decay": 0.0,
        "model.d_mlp": 64,
        "model.d_model": 16,
    },
    "diverged": {"optimizer.kind": "sgd", "optimizer.lr": 1e4, "schedule.warmup_steps": 0, "checkpoint_every": 1},
    "interrupted": {},
}

PLANTED = TINY.override(
    {"task.p": 13, "model.d_model": 32, "model.d_head": 8, "model.d_mlp": 100, "stop.steps": 20, "evaluate_every": 10}
)
"""The experiment into which a network with a known circuit is planted."""
