"""The named experiments: what each is for, what it takes, and what was published of it."""

from dataclasses import dataclass, field

from grokscope.errors import ConfigError, nearest
from grokscope.runs import Experiment
from grokscope.tasks import ModularConfig
from grokscope.training import AdamWConfig, Schedule, Stop


@dataclass(frozen=True)
class Recipe:
    """An experiment with a name, and what to expect of it."""

    experiment: Experiment
    duration: str
    """On two CPU cores."""
    published: dict[str, object] = field(default_factory=dict)
    """Numbers that a faithful run must reproduce, by name."""


def mainline() -> Recipe:
    """The paper's network: Nanda & Lieberum (2022); Nanda et al. (2023), section 3; seed 0."""
    experiment = Experiment(
        name="mainline",
        description="The paper's network: addition mod 113, 30 % of the pairs, AdamW with weight decay 1",
        stop=Stop(steps=14_000),
    )
    published = {
        "train_loss_at_0": 4.764052,
        "test_loss_at_0": 4.768347,
        "key_frequencies": (14, 35, 41, 42, 52),
        "phase_boundaries": (1_400, 9_400, 14_000),
        # of the network at epoch 40,000
        "loss": 2.412e-7,
        "neurons_in_clusters": 0.846,
        "logit_fve": 0.95,
        "formula_loss": 4.7e-8,
        "restricted_loss": 5.55e-8,
        "read_out_fve": (0.932, 0.982),
        "attention_fve": (0.979, 0.991),
        "mlp_skip_zero": 9.12e-7,
        "mlp_skip_mean": 7.25e-7,
        "heads_zero": 24.3,
        "attention_skip_zero": 19.1,
        "linear_softmax": 2.12e-7,
    }
    return Recipe(experiment, "9 minutes", published)


def fast() -> Recipe:
    """The same network and data, with an optimiser that groks in seconds."""
    experiment = mainline().experiment.model_copy(
        update={
            "name": "fast",
            "description": "The paper's network and data with a high learning rate and decay: groks within 300 steps",
            # eps and the cosine are what keeps it there: without them it spikes once the gradients have become small
            "optimizer": AdamWConfig(lr=1e-2, weight_decay=3.0, eps=1e-6),
            "schedule": Schedule(decay="cosine", decay_from=200, decay_to=500),
            "stop": Stop(steps=500),
            "evaluate_every": 5,
            "checkpoint_every": 10,
        }
    )
    return Recipe(experiment, "25 seconds")


def random_labels() -> Recipe:
    """The memorisation control: the mainline with labels that have no rule, so that nothing can be generalised."""
    experiment = mainline().experiment.model_copy(
        update={
            "name": "random-labels",
            "description": "The memorisation control: as mainline, but every pair has a random label",
            "task": ModularConfig(operation="random"),
            "stop": Stop(steps=5_000),
        }
    )
    return Recipe(experiment, "3 minutes")


_RECIPES = {"mainline": mainline, "fast": fast, "random-labels": random_labels}


def recipe_names() -> list[str]:
    """Return the names that :func:`recipe` knows."""
    return list(_RECIPES)


def recipe(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in _RECIPES:
        raise ConfigError(f"no experiment is called {name!r}{nearest(name, _RECIPES)}; see 'grokscope experiments'")
    return _RECIPES[name]()


def published_of(experiment: Experiment) -> dict[str, object]:
    """Return the published numbers that a run of ``experiment`` must reproduce: those of the recipe it is, or none.

    A recipe's numbers hold for its own settings only; when to stop and what to keep may differ.
    """
    free = ("stop.", "evaluate_every", "checkpoint_every", "description", "name")
    for name in _RECIPES:
        chosen = recipe(name)
        if chosen.published and all(key.startswith(free) for key in chosen.experiment.differences(experiment)):
            return chosen.published
    return {}
