"""The one description of a run, and the one grammar for changing it."""

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, ValidationError, model_validator

from grokscope.config import Config, dump_yaml
from grokscope.display import facts_table, folded, preformatted
from grokscope.errors import ConfigError
from grokscope.models import ModelConfig, TransformerConfig
from grokscope.run.overrides import Note, brought_up_to_date, changed, ignored, leaves
from grokscope.tasks import AnyTaskConfig
from grokscope.tasks.registry import papers_task
from grokscope.training import AdamWConfig, AnyOptimizerConfig, LossKind, Schedule, Stop

Seed = Annotated[StrictInt, Field(ge=0, lt=2**63)]


_NOT_DESCRIBED = ("name", "seeds.", "stop.", "evaluate_every", "checkpoint_every", "checkpoints_per_decade")
"""Settings that a description says nothing of."""


class Seeds(Config):
    """One seed for each use of chance; none affects another."""

    init: Seed = Field(default=0, description="initial weights")
    split: Seed = Field(default=0, description="which pairs are trained on")
    data: Seed = Field(default=0, description="batches, streams and random labels")
    noise: Seed = Field(default=0, description="dropout")

    @classmethod
    def all(cls, seed: int) -> "Seeds":
        """Return the same seed for every use."""
        return cls(init=seed, split=seed, data=seed, noise=seed)


class Experiment(Config):
    """Everything that decides what a run computes: the same experiment gives the same run, bit for bit, on one machine.

    The defaults are the paper's mainline network.

    Example:
        >>> experiment = Experiment(name="small", task=ModularConfig(p=53))
        >>> experiment = experiment.override({"optimizer.weight_decay": 5.0, "seeds.init": 1})
    """

    name: str = Field(default="custom", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    description: str = ""
    task: AnyTaskConfig = Field(default_factory=papers_task)
    model: ModelConfig = TransformerConfig()
    optimizer: AnyOptimizerConfig = AdamWConfig()
    schedule: Schedule = Schedule()
    loss: LossKind = Field(
        default="relative", description="how the cross-entropy is computed; float32 spikes once it is small"
    )
    l1: float = Field(default=0.0, ge=0, description="adds l1·Σ|w| to what is minimised")
    dtype: Literal["float32", "float64", "bfloat16"] = Field(
        default="float32", description="of weights and activations; in bfloat16 the loss alone is computed in float32"
    )
    seeds: Seeds = Seeds()
    stop: Stop = Stop()
    evaluate_every: StrictInt = Field(default=10, ge=1, description="steps between two rows of metrics")
    checkpoint_every: StrictInt = Field(default=100, ge=1, description="steps between two checkpoints")
    checkpoints_per_decade: StrictInt | None = Field(
        default=None, ge=1, description="more of them, so many in every factor of ten: a long run's beginning in detail"
    )

    @model_validator(mode="before")
    @classmethod
    def _of_any_version(cls, tree: Any) -> Any:
        return brought_up_to_date(tree) if isinstance(tree, Mapping) else tree

    @model_validator(mode="after")
    def _stop_can_be_reached(self) -> "Experiment":
        self.task.check_stop(tested=self.stop.test_loss is not None or self.stop.test_accuracy is not None)
        return self

    def keeps(self, step: int) -> bool:
        """Return whether there is a checkpoint at ``step``, the last one apart."""
        if step % self.checkpoint_every == 0:
            return True
        n = self.checkpoints_per_decade
        return n is not None and step == round(10 ** (round(n * math.log10(step)) / n))

    def n_checkpoints(self, steps: int) -> int:
        """Return how many checkpoints a run of so many steps has."""
        n, every = self.checkpoints_per_decade, self.checkpoint_every
        decades = range(0 if n is None else math.ceil(n * math.log10(max(steps, 1))) + 1)
        between = {round(10 ** (at / (n or 1))) for at in decades}
        return -(-steps // every) + sum(step < steps and step % every > 0 for step in between) + 1

    def override(self, changes: Mapping[str, Any], *, note: Note = ignored) -> "Experiment":
        """Return this experiment with some settings changed.

        Args:
            changes: dotted names and values, for example ``{"model.d_mlp": 256}``. Changing a ``kind``
                (``"model.kind": "mlp"``) keeps the settings that both kinds have, and gives the others the new kind's
                defaults. ``"seed"`` sets all four seeds.
            note: called with a sentence about the settings that a change of kind drops:
                ``dropped optimizer.weight_decay = 3 (adam has none)``.

        A description is replaced by what was changed, as it may no longer be true.

        Raises:
            ConfigError: a name does not exist or a value is not allowed.
        """
        changes = dict(changes)
        tree = self.model_dump(mode="json")
        if "seed" in changes:
            seed = changes.pop("seed")
            if type(seed) is not int or seed < 0:
                raise ConfigError(f"seed: expected a whole number from 0 up, got {seed!r}")
            tree["seeds"] = dict.fromkeys(Seeds.model_fields, seed)
        tree, notes = changed(tree, changes, lambda tree: experiment_from(tree).model_dump(mode="json"))
        overridden = experiment_from(tree)
        for text in notes:
            note(text)
        return overridden if "description" in changes else self._described_again(overridden)

    def _described_again(self, changed: "Experiment") -> "Experiment":
        """Return ``changed`` with a description that is true of it, where this one's may not be."""
        differing = {name: there for name, (_, there) in self.differences(changed).items()}
        told = [
            f"{name.rpartition('.')[2]} {value}"
            for name, value in differing.items()
            if not name.startswith(_NOT_DESCRIBED) and value is not None
        ]
        if not self.description or not told:
            return changed
        return changed.model_copy(update={"description": f"As {self.name}, with {', '.join(told)}"})

    def to_yaml(self) -> str:
        """Return the experiment as YAML with every setting, defaults included."""
        return dump_yaml(self.model_dump(mode="json"))

    def __reduce__(self) -> tuple[Any, ...]:
        # as plain values: another process loads the plugin that defines a class once it meets the class's kind
        return experiment_from, (self.model_dump(mode="json"),)

    def _repr_html_(self) -> str:
        facts = [
            ("description", self.description),
            ("task", self.task.summary),
            ("network", self.model.kind),
            ("optimiser", self.optimizer.summary),
            ("steps", f"at most {self.stop.steps:,}"),
        ]
        shown = [(name, value) for name, value in facts if value]
        return facts_table(self.name, shown) + folded("all settings", preformatted(self.to_yaml()))

    def differences(self, other: "Experiment") -> dict[str, tuple[Any, Any]]:
        """Return the settings in which ``other`` differs, as ``{name: (here, there)}``."""
        here, there = (
            dict(leaves(self.model_dump(mode="json"))),
            dict(leaves(other.model_dump(mode="json"))),
        )
        names = [*here, *(name for name in there if name not in here)]
        return {name: (here.get(name), there.get(name)) for name in names if here.get(name) != there.get(name)}


def experiment_from(tree: Any, *, source: str | None = None) -> Experiment:
    """Return the experiment that a tree of plain values (from YAML, say) describes.

    Raises:
        ConfigError: naming ``source`` (a file) and, in one line, everything that is wrong.
    """
    prefix = f"{source}: " if source else ""
    if not isinstance(tree, Mapping):
        raise ConfigError(f"{prefix}expected settings as 'name: value', got {type(tree).__name__}")
    try:
        return Experiment.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(f"{prefix}{explain_validation(error)}") from error


def explain_validation(error: ValidationError) -> str:
    """Return pydantic's complaint in one line: the setting, what is wrong, and what was given."""
    parts, kinds = [], _kinds(Config)
    for item in error.errors():
        # pydantic counts the kind of a part, by which it chose among several classes, as a step of the way there
        name = ".".join(str(part) for part in item["loc"] if part not in kinds)
        message = item["msg"].removeprefix("Value error, ")
        message = message[0].lower() + message[1:]
        if item["type"] == "extra_forbidden":
            close = get_close_matches(name, [known for known, _ in leaves(Experiment().model_dump())], n=1)
            parts.append(f"no setting is called {name!r} here" + (f"; did you mean {close[0]}?" if close else ""))
        elif item["type"] in ("value_error", "kind"):
            parts.append(f"{name}: {message}" if name else message)
        else:
            parts.append(f"{name}: {message}, got {item['input']!r}")
    return "; ".join(parts)


def _kinds(config: type[Config]) -> set[str]:
    """Return the kinds of all settings classes that derive from ``config``."""
    kind = config.model_fields["kind"].default if "kind" in config.model_fields else None
    own = {kind} if isinstance(kind, str) else set()
    return own.union(*(_kinds(each) for each in config.__subclasses__()))
