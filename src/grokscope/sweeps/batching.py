"""How many runs an ensemble has where nobody says how many: as many as speed it up."""

from collections.abc import Sequence

import torch

from grokscope.models import TransformerConfig
from grokscope.run import Execution, Experiment, ensemble_key
from grokscope.run.build import task_of
from grokscope.sweeps.plan import PlannedRun

ON_GPU = 256
"""An ensemble that does not fit into memory is halved when it is trained."""
MOST, CACHE = 16, 8e6
"""On a CPU: at most so many runs, and not more than have all that a step keeps for its gradients, in bytes, in a core's
share of the cache. Small networks wait for each call more than for their sums; large ones only crowd each other out
(benchmarks/throughput.py)."""


def batches_of(
    runs: Sequence[PlannedRun], execution: Execution, ensemble_size: int | None, n_workers: int
) -> list[Sequence[PlannedRun]]:
    """Return ``runs`` in batches, each of which is trained as one ensemble.

    Args:
        runs: to be trained.
        execution: of each worker.
        ensemble_size: maximum number of runs in a batch; None: as many as speed it up.
        n_workers: batches that are trained at a time.
    """
    if ensemble_size == 1:
        return [[run] for run in runs]
    kinds: dict[str, list[PlannedRun]] = {}
    for run in runs:
        kinds.setdefault(ensemble_key(run.experiment), []).append(run)
    batches: list[Sequence[PlannedRun]] = []
    for each in kinds.values():
        size = ensemble_size or best_ensemble_size(each, execution, n_workers)
        batches += [each[first : first + size] for first in range(0, len(each), size)]
    return batches


def best_ensemble_size(runs: Sequence[PlannedRun], execution: Execution, n_workers: int) -> int:
    """Return how many of ``runs`` are fastest in one ensemble; no more than leaves each worker its share.

    Args:
        runs: at least one, all of one kind.
        execution: device of each worker.
        n_workers: how many ensembles are trained at a time.
    """
    on_gpu = execution.device == "cuda" or (execution.device == "auto" and torch.cuda.is_available())
    fastest = ON_GPU if on_gpu else max(1, min(MOST, int(CACHE / step_bytes(runs[0].experiment))))
    return min(fastest, -(-len(runs) // n_workers))


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
