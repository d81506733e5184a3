"""The one description of a run, and the one grammar for changing it."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import Field, StrictInt, ValidationError, model_validator

from grokscope.config import Config, dump_yaml
from grokscope.display import facts_table, folded, preformatted
from grokscope.errors import ConfigError, nearest
from grokscope.models import ModelConfig, TransformerConfig
from grokscope.tasks import AnyTaskConfig
from grokscope.tasks.registry import papers_task
from grokscope.training import AdamWConfig, AnyOptimizerConfig, LossKind, Schedule, Stop

Seed = Annotated[StrictInt, Field(ge=0, lt=2**63)]


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
    dtype: Literal["float32", "float64"] = "float32"
    seeds: Seeds = Seeds()
    stop: Stop = Stop()
    evaluate_every: StrictInt = Field(default=10, ge=1, description="steps between two rows of metrics")
    checkpoint_every: StrictInt = Field(default=100, ge=1, description="steps between two checkpoints")

    @model_validator(mode="after")
    def _stop_can_be_reached(self) -> "Experiment":
        self.task.check_stop(tested=self.stop.test_loss is not None or self.stop.test_accuracy is not None)
        return self

    def override(self, changes: Mapping[str, Any]) -> "Experiment":
        """Return this experiment with some settings changed.

        Args:
            changes: dotted names and values, for example ``{"model.d_mlp": 256}``. Changing a ``kind``
                (``"model.kind": "mlp"``) replaces that part by the new kind's defaults.
                ``"seed"`` sets all four seeds.

        Raises:
            ConfigError: a name does not exist or a value is not allowed.
        """
        tree = self.model_dump(mode="json")
        # kinds first, so that the settings of the new kind can be given beside it in any order
        for name, value in sorted(changes.items(), key=lambda item: (not item[0].endswith("kind"), item[0] != "seed")):
            if name == "seed":
                if type(value) is not int or value < 0:
                    raise ConfigError(f"seed: expected a whole number from 0 up, got {value!r}")
                tree["seeds"] = dict.fromkeys(Seeds.model_fields, value)
                continue
            *path, last = name.split(".")
            branch: dict[str, Any] = tree
            for depth, part in enumerate([*path, last]):
                if not isinstance(branch, dict) or part not in branch:
                    known = [".".join([*path[:depth], key]) for key in branch] if isinstance(branch, dict) else []
                    raise ConfigError(f"no setting is called {name!r}{nearest(name, known) if known else ''}")
                if depth < len(path):
                    branch = branch[part]
            if last == "kind" and branch["kind"] != value:
                branch.clear()
                # the defaults of the new kind are filled in by validating just this part
                branch["kind"] = value
                tree = experiment_from(tree).model_dump(mode="json")
            else:
                branch[last] = value
        return experiment_from(tree)

    def to_yaml(self) -> str:
        """Return the experiment as YAML with every setting, defaults included."""
        return dump_yaml(self.model_dump(mode="json"))

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
            dict(_leaves(self.model_dump(mode="json"))),
            dict(_leaves(other.model_dump(mode="json"))),
        )
        names = [*here, *(name for name in there if name not in here)]
        return {name: (here.get(name), there.get(name)) for name in names if here.get(name) != there.get(name)}


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


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
            close = get_close_matches(name, [known for known, _ in _leaves(Experiment().model_dump())], n=1)
            parts.append(f"no setting is called {name!r} here" + (f"; did you mean {close[0]}?" if close else ""))
        elif item["type"] == "value_error":
            parts.append(f"{name}: {message}" if name else message)
        else:
            parts.append(f"{name}: {message}, got {item['input']!r}")
    return "; ".join(parts)


def _kinds(config: type[Config]) -> set[str]:
    """Return the kinds of all settings classes that derive from ``config``."""
    kind = config.model_fields["kind"].default if "kind" in config.model_fields else None
    own = {kind} if isinstance(kind, str) else set()
    return own.union(*(_kinds(each) for each in config.__subclasses__()))
