"""A run, opened to be read: nothing is loaded before it is asked for."""

import math
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from grokscope.curves.phases import Phases, find_phases
from grokscope.display import facts_table
from grokscope.errors import GrokscopeError, RunError
from grokscope.models import MLP, Transformer
from grokscope.run.atomic import load_tensors
from grokscope.run.build import initial_model, task_of
from grokscope.run.experiment import Experiment
from grokscope.run.folder import RunFolder
from grokscope.run.metrics import read_metrics
from grokscope.run.tables import read_claims, read_measures
from grokscope.tasks import Task


class Run:
    """What a training run left behind: the experiment, the metrics, the network at every checkpoint.

    Args:
        path: the run's folder.

    Raises:
        RunError: there is no run in that folder.

    Example:
        >>> run = Run("runs/mainline")
        >>> run.metrics.tail()
        >>> run.model(step=9400)  # the network after 9,400 updates
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.folder = RunFolder(Path(path))
        self.experiment: Experiment = self.folder.read_experiment()

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.folder.path

    @property
    def record(self) -> dict[str, Any]:
        """Status, timing, versions, machine and command."""
        return self.folder.read_record()

    @property
    def status(self) -> str:
        """``running``, ``finished``, ``interrupted``, ``diverged`` or ``failed``."""
        return self.folder.status()[0]

    @property
    def task_name(self) -> str:
        """What is learned, in a few words: ``add mod 113, 0.3 of the pairs``."""
        return self.experiment.task.summary

    @property
    def metrics(self) -> pd.DataFrame:
        """One row an evaluation: step, train_loss, train_accuracy, test_loss, test_accuracy (losses in nats).

        A task with parts has the loss of each beside them: train_loss_digit_0, …, test_loss_digit_0, …
        """
        return read_metrics(self.folder.metrics)

    @property
    def phases(self) -> Phases:
        """Memorisation, circuit formation and cleanup, found in the loss curves (:mod:`grokscope.curves.phases`)."""
        return find_phases(self.metrics, self.task.chance_loss)

    @property
    def measures(self) -> pd.DataFrame:
        """What ``grokscope measure`` (:func:`grokscope.measure`) wrote.

        Raises:
            RunError: nothing has been measured yet, or the file is damaged.
        """
        table = read_measures(self.folder.measures)
        if table is None:
            raise RunError(f"{self.path} has no measures yet; call gs.measure(run), or 'grokscope measure {self.path}'")
        return table

    @property
    def claims(self) -> pd.DataFrame:
        """Which claim held at which step: what ``grokscope explain --every`` wrote; one row a step and claim.

        Raises:
            RunError: the run has not been explained over its training yet, or the file is damaged.
        """
        table = read_claims(self.folder.claims)
        if table is None:
            raise RunError(
                f"{self.path} has no history of claims; call gs.explain(run, every=1000) "
                f"or 'grokscope explain {self.path} --every 1000'"
            )
        return table

    @property
    def checkpoints(self) -> list[int]:
        """The steps that have a checkpoint; ``run.model(step=…)`` is the network there."""
        return self.folder.checkpoint_steps()

    @cached_property
    def task(self) -> Task:
        """The task, with the very split and labels that were trained on."""
        return task_of(self.experiment, self.folder.read_artifacts())

    def weights(self, step: int | None = None) -> dict[str, Tensor]:
        """Return the weights by name after ``step`` updates (the last checkpoint if None).

        Raises:
            RunError: there is no checkpoint at that step, or it is damaged.
        """
        steps = self.checkpoints
        if not steps:
            raise RunError(f"{self.path} has no checkpoints")
        if step is None:
            step = steps[-1]
        if step not in steps:
            near = min(steps, key=lambda kept: abs(kept - step))
            raise RunError(
                f"{self.path} has no checkpoint at step {step}; the nearest is {near} (steps {steps[0]} to {steps[-1]})"
            )
        return load_tensors(self.folder.checkpoint(step))

    def model(self, step: int | None = None) -> Transformer | MLP:
        """Return the network after ``step`` updates (the last checkpoint if None), on the CPU.

        Raises:
            RunError: there is no checkpoint at that step, or it does not fit the experiment.
        """
        weights = self.weights(step)
        model = initial_model(self.experiment, self.task)
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise RunError(f"a checkpoint of {self.path} does not fit its experiment.yaml: {reason}") from error
        return model.requires_grad_(False)

    def __repr__(self) -> str:
        steps = self.checkpoints
        last = f", last at step {steps[-1]}" if steps else ""
        return f"Run({str(self.path)!r}, {self._standing()}, {len(steps)} checkpoints{last})"

    def _repr_html_(self) -> str:
        facts = [
            ("task", self.task_name),
            ("status", self._standing()),
            ("checkpoints", _checkpoints(self.checkpoints)),
        ]
        try:
            metrics = self.metrics
            if not metrics.empty:
                facts += [(f"at step {int(row.step):,}", _losses(row)) for row in metrics.iloc[[0, -1]].itertuples()]
                facts += [(name, f"from step {step:,}") for name, step in self.phases.reached().items()]
        except GrokscopeError as error:  # a look at a damaged run says so, and no more
            facts.append(("metrics", str(error)))
        return facts_table(str(self.path), facts)

    def _standing(self) -> str:
        try:
            return self.status
        except RunError:
            return "of unknown status"


def _checkpoints(steps: list[int]) -> str:
    return f"{len(steps):,}, from step {steps[0]:,} to {steps[-1]:,}" if steps else "none"


def _losses(row: Any) -> str:
    train = f"train loss {row.train_loss:.3g} nats ({row.train_accuracy:.2%} right)"
    if math.isnan(row.test_loss):
        return train
    return f"{train}, test loss {row.test_loss:.3g} nats ({row.test_accuracy:.2%} right)"
