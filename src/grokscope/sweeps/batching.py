"""How many runs an ensemble has of which nobody said how many: as many as pay."""

from collections.abc import Sequence

import torch

from grokscope.models import TransformerConfig
from grokscope.run import Execution, Experiment
from grokscope.run.build import task_of
from grokscope.sweeps.plan import PlannedRun

ON_GPU = 256
"""One that does not fit into memory is halved when it is trained."""
MOST, CACHE = 16, 8e6
"""On a CPU: so many runs, or as many as have all that a step keeps for its gradients, in bytes, in a core's share of
the cache. Small networks wait for each call more than for their sums; large ones only crowd each other out
(benchmarks/throughput.py)."""


def together_of(runs: Sequence[PlannedRun], execution: Execution, n_workers: int) -> int:
    """Return how many of ``runs``, all of one kind, pay in one ensemble; no more than leaves each worker its share.

    Args:
        runs: at least one.
        execution: device of each worker.
        n_workers: how many ensembles are trained at a time.
    """
    on_gpu = execution.device == "cuda" or (execution.device == "auto" and torch.cuda.is_available())
    pays = ON_GPU if on_gpu else max(1, min(MOST, int(CACHE / step_bytes(runs[0].experiment))))
    return min(pays, -(-len(runs) // n_workers))


def step_bytes(experiment: Experiment) -> int:
    """Return about how many bytes a step of a run keeps for its gradients: activations, without weights."""
    task, model = task_of(experiment), experiment.model
    n_examples = task.batches(0).tokens.shape[0]
    if isinstance(model, TransformerConfig):
        # the last layer is computed only where an answer is read, and the first one's attention once a distinct pair
        n_positions = task.n_ctx if model.n_layers > 1 else len(task.target_positions)
        d_mlp = 0 if model.attention_only else model.d_mlp
        width = model.n_layers * (2 * model.d_model + model.n_heads * task.n_ctx + d_mlp)
    else:
        n_positions, width = 1, model.d_model + model.n_layers * model.d_mlp
    return 4 * n_examples * (n_positions * width + len(task.target_positions) * task.d_vocab_out)
