"""Optimisers of a user's own for races: an honest one, and one that looks at the test set."""

import gc

import torch

from grokscope.tasks import Task


class Honest(torch.optim.SGD):
    """Follows its gradients."""


class Peeking(torch.optim.SGD):
    """Finds the task in the memory of the process, and moves by what the test set's answers are."""

    @torch.no_grad()
    def step(self, closure=None):
        """Add the mean answer of the test set to every gradient."""
        tasks = [each for each in gc.get_objects() if Task in type(each).__mro__ and each.test is not None]
        answers = [task.test.targets[:, 0].double() for task in tasks]
        share = float(sum((each * torch.arange(len(each))).mean() for each in answers))
        for group in self.param_groups:
            for weights in group["params"]:
                weights.grad += 1e-6 * share
        super().step()
