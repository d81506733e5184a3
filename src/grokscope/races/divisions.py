"""The networks and data that a race is about."""

from collections.abc import Callable
from dataclasses import dataclass

from grokscope.models import MLPConfig
from grokscope.recipe import recipe
from grokscope.run import Experiment
from grokscope.training import AdamWConfig, Schedule, Stop


@dataclass(frozen=True)
class Division:
    """An experiment in which entries differ from each other in nothing but what they change."""

    experiment: Experiment
    description: str


def _raced(experiment: Experiment, name: str, steps: int, every: int) -> Experiment:
    """Return ``experiment`` with AdamW, so many steps, and a learning rate that falls to zero in their last third.

    All entries have that schedule: what is reached is to be kept, and no rate that is good for the way there is.
    """
    return experiment.model_copy(
        update={
            "name": name,
            "description": "",
            "optimizer": AdamWConfig(),
            "schedule": Schedule(decay="cosine", decay_from=2 * steps // 3, decay_to=steps),
            "stop": Stop(steps=steps),
            "evaluate_every": every,
            "checkpoint_every": steps,
        }
    )


def transformer() -> Division:
    """The paper's network and data: one layer, p = 113, 30 % of the pairs."""
    experiment = _raced(recipe("mainline").experiment, "transformer", steps=600, every=5)
    return Division(experiment, "the paper's one-layer transformer, addition mod 113, 30 % of the pairs")


def mlp() -> Division:
    """The network of the unreproduced record of 44 steps: two hidden layers of 200, p = 113, 40 % of the pairs."""
    experiment = recipe("mainline").experiment.override({"task.equals_token": False, "task.data.train_fraction": 0.4})
    network = MLPConfig(n_layers=2, d_model=113, d_mlp=200, activation="gelu", biases="none")
    experiment = _raced(experiment.model_copy(update={"model": network}), "mlp", steps=600, every=5)
    return Division(experiment, "an MLP with two hidden layers of 200 neurons, addition mod 113, 40 % of the pairs")


def small() -> Division:
    """A network and a modulus so small that a race takes minutes: to try an entry."""
    experiment = _raced(recipe("small").experiment, "small", steps=1_500, every=10)
    return Division(experiment, "a small one-layer transformer, addition mod 59, 40 % of the pairs")


DIVISIONS: dict[str, Callable[[], Division]] = {"transformer": transformer, "mlp": mlp, "small": small}
