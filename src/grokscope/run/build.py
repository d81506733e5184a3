"""What an experiment describes, made: its task, its network before the first update, a member of an ensemble."""

from collections.abc import Mapping

import torch
from torch import Tensor

from grokscope.errors import NotApplicableError
from grokscope.models import MLP, Network, Transformer, build_model
from grokscope.run.experiment import Experiment
from grokscope.tasks import Task
from grokscope.training import Member, Trainer


def task_of(experiment: Experiment, artifacts: Mapping[str, Tensor] | None = None) -> Task:
    """Return the task of ``experiment``, with its split and its data.

    Args:
        experiment: what is going to be trained.
        artifacts: tensors of the task that were stored with a run of the experiment, if there are any.
    """
    seeds = experiment.seeds
    return experiment.task.build(split_seed=seeds.split, data_seed=seeds.data, artifacts=artifacts)


def initial_model(experiment: Experiment, task: Task) -> Transformer | MLP:
    """Return the network of ``experiment`` before its first update.

    Raises:
        NotApplicableError: it is a multilayer perceptron, and the task has answers at several positions.
    """
    if experiment.model.kind == "mlp" and len(task.target_positions) > 1:
        raise NotApplicableError(
            f"a multilayer perceptron answers once in a sequence, and {task.name} has {len(task.target_positions)} "
            f"answers; use --set model.kind=transformer"
        )
    return build_model(
        experiment.model,
        d_vocab=task.d_vocab,
        d_vocab_out=task.d_vocab_out,
        n_ctx=task.n_ctx,
        seed=experiment.seeds.init,
        dtype=getattr(torch, experiment.dtype),
    )


def trainer_of(experiment: Experiment, model: Network, task: Task, *, compile: bool = False) -> Trainer:
    """Return what trains ``model`` as ``experiment`` says, before its first update.

    Args:
        experiment: gives optimiser, schedule, loss, penalty and noise.
        model: is trained in place.
        task: on the model's device.
        compile: run forward and backward pass through ``torch.compile``.
    """
    return Trainer(
        model,
        task,
        optimizer=experiment.optimizer,
        schedule=experiment.schedule,
        loss=experiment.loss,
        l1=experiment.l1,
        noise_seed=experiment.seeds.noise,
        compile=compile,
    )


def member_of(experiment: Experiment, task: Task, device: torch.device) -> Member:
    """Return what an ensemble is given of ``experiment``, on ``device``."""
    model = initial_model(experiment, task).to(device)
    return Member(
        model, task.place_on(device), experiment.optimizer, experiment.schedule, experiment.l1, experiment.seeds.noise
    )
