"""Which runs a sweep has: every combination of values, lists of cases, random samples; each for every seed."""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, StrictInt, model_validator

from grokscope.config import Config
from grokscope.errors import ConfigError, nearest
from grokscope.randomness import stream
from grokscope.run import Experiment
from grokscope.run.experiment import Seed

Settings = dict[str, Any]
"""Values by dotted name."""


RENAMED = {"draw": "sample", "samples": "n_samples", "draw_seed": "sample_seed"}
"""Fields that a sweep had under other names."""


class Uniform(Config):
    """Any number between two, each as likely."""

    kind: Literal["uniform"] = "uniform"
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> "Uniform":
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got {self.low:g} and {self.high:g}")
        return self

    def at(self, share: float) -> float:
        """Return the value below which ``share`` of all lie."""
        return self.low + share * (self.high - self.low)


class LogUniform(Config):
    """Any positive number between two, each factor as likely."""

    kind: Literal["log-uniform"] = "log-uniform"
    low: float = Field(gt=0)
    high: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> "LogUniform":
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got {self.low:g} and {self.high:g}")
        return self

    def at(self, share: float) -> float:
        """Return the value below which ``share`` of all lie."""
        return math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))


Distribution = Annotated[Uniform | LogUniform, Field(discriminator="kind")]


class Sweep(Config):
    """Many runs of one experiment.

    There is an arm for every combination of the values in ``vary``, the ``cases`` and the random samples, and in every
    arm a run for every seed.

    Example:
        >>> sweep = Sweep(base=experiment, seeds=range(100), vary={"weight_decay": (0.3, 1, 3)})
        >>> len(sweep.runs())
        300
    """

    base: Experiment
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1, description="each is used for weights, split and data")
    vary: dict[str, tuple[Any, ...]] = Field(default={}, description="values of a setting; every combination is run")
    cases: tuple[dict[str, Any], ...] = Field(default=(), description="sets of settings; each is run")
    sample: dict[str, Distribution] = Field(default={}, description="distributions that settings are sampled from")
    n_samples: StrictInt = Field(default=1, ge=1, description="how many samples are taken from all of 'sample'")
    sample_seed: Seed = Field(default=0, description="of the samples")

    @model_validator(mode="after")
    def _each_once(self) -> "Sweep":
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed is given twice; give each once")
        for name, values in self.vary.items():
            if not values:
                raise ValueError(f"vary.{name} has no values; give some or leave it out")
        if self.n_samples > 1 and not self.sample:
            raise ValueError(f"{self.n_samples} samples, but no setting to sample; name settings under 'sample'")
        return self

    def combinations(self) -> list[Settings]:
        """Return the settings of each arm, under their whole names, in which it differs from the base.

        Raises:
            ConfigError: a setting does not exist, is varied twice, or is a seed.
        """
        return [dict(arm) for arm in self._combinations]

    def runs(self) -> list["PlannedRun"]:
        """Return every run, arm by arm within seed by seed: a stopped sweep has equally many seeds in every arm.

        Raises:
            ConfigError: a setting or a value is not possible.
        """
        return list(self._runs)

    def chosen_settings(self) -> list[str]:
        """Return the whole names of the settings whose values were chosen: in ``vary`` and in ``cases``.

        Runs that have them in common are one group when groups are compared, whatever was sampled for each.
        """
        sampled = set(self.sampled_settings())
        return [
            name for name in dict.fromkeys(name for arm in self._combinations for name in arm) if name not in sampled
        ]

    def sampled_settings(self) -> list[str]:
        """Return the whole names of the settings that were sampled."""
        parts = [*({name: None} for name in self.vary), *self.cases]
        return [name if _changes_kind(parts) else whole_name(self._names, name) for name in self.sample]

    def dropped(self) -> list[str]:
        """Return a sentence about the settings that each change of kind in a combination drops."""
        notes: list[str] = []
        for settings in self._combinations:
            if _changes_kind([settings]):
                self.base.override(settings, note=notes.append)
        return list(dict.fromkeys(notes))

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return setting_names(self.base)

    @cached_property
    def _combinations(self) -> tuple[Settings, ...]:
        grid = [dict(zip(self.vary, values, strict=True)) for values in product(*self.vary.values())]
        arms: dict[str, Settings] = {}
        for parts in product(grid, self.cases or ({},), self._samples()):
            arm = _joined(self._names, parts)
            arms.setdefault(repr(arm), arm)
        return tuple(arms.values())

    @cached_property
    def _runs(self) -> tuple["PlannedRun", ...]:
        return tuple(
            PlannedRun(self.base.override({**arm, "seed": seed}), arm, seed, f"{_folder(arm)}seed{seed}")
            for seed in self.seeds
            for arm in self._combinations
        )

    def _samples(self) -> list[Settings]:
        if not self.sample:
            return [{}]
        shares = {
            # a stream for each setting and sample: more samples, or settings, leave those before as they were
            name: [
                float(torch.rand((), generator=stream(f"sample {name}", self.sample_seed, number), dtype=torch.float64))
                for number in range(self.n_samples)
            ]
            for name in self.sample
        }
        return [
            {name: self.sample[name].at(each[number]) for name, each in shares.items()}
            for number in range(self.n_samples)
        ]


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep."""

    experiment: Experiment
    settings: Settings
    """In what its arm differs from the base."""
    seed: int
    folder: str
    """Name of its folder: the same for the same settings, whatever else the sweep has."""


def setting_names(experiment: Experiment) -> tuple[str, ...]:
    """Return the dotted names of all settings of ``experiment``."""
    return tuple(_names(experiment.model_dump(mode="json")))


def whole_name(known: Sequence[str], name: str) -> str:
    """Return the dotted name of a setting that is given by its last parts: ``weight_decay``, ``data.train_fraction``.

    Args:
        known: of :func:`setting_names`.
        name: the whole name, or its end.

    Raises:
        ConfigError: no setting ends like that, or several do.
    """
    if name in known:
        return name
    found = [each for each in known if each.endswith(f".{name}")]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(f"several settings are called {name!r}: {', '.join(found)}; give the whole name")
    close = {each.rpartition(".")[2]: each for each in known}
    raise ConfigError(f"no setting is called {name!r}{nearest(name, [*known, *close])}")


def _names(tree: Mapping[str, Any], prefix: str = "") -> Iterable[str]:
    for key, value in tree.items():
        yield prefix + key
        if isinstance(value, Mapping):
            yield from _names(value, f"{prefix}{key}.")


def _joined(known: Sequence[str], parts: Sequence[Settings]) -> Settings:
    settings: Settings = {}
    for part in parts:
        for name, value in part.items():
            if name.partition(".")[0] in ("seed", "seeds"):
                raise ConfigError(f"{name} is varied like a setting; give seeds as seeds: 0:64")
            # a kind that the same arm changes brings settings that the base has not
            whole = name if _changes_kind(parts) else whole_name(known, name)
            if whole in settings:
                raise ConfigError(
                    f"{whole} is varied twice, as {settings[whole]!r} and as {value!r}; say it in one place"
                )
            settings[whole] = value
    return settings


def _changes_kind(parts: Sequence[Settings]) -> bool:
    return any(name.endswith("kind") for part in parts for name in part)


def _folder(arm: Settings) -> str:
    return "".join(f"{name.rpartition('.')[2]}{_in_a_path(value)}-" for name, value in arm.items())


def _in_a_path(value: Any) -> str:
    text = repr(value) if isinstance(value, float) else str(value)
    safe = re.sub(r"[^A-Za-z0-9._+-]+", "_", text)[:40]
    # two values may not share a folder: what is not all there is told apart by its hash
    return safe if safe == text else f"{safe}~{hashlib.sha256(text.encode()).hexdigest()[:6]}"
