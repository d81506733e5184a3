"""What a race consists of."""

from typing import Any

from pydantic import Field, StrictInt, model_validator

from grokscope.config import Config
from grokscope.races.entry import Entry
from grokscope.run import Experiment
from grokscope.run.experiment import Seed
from grokscope.sweeps.plan import Sweep

LEVELS = (0.95, 0.99)
"""Test accuracies to which steps are counted; entries are tuned and ranked by the first."""


class Race(Config):
    """Entries, each tuned with the same number of random trials on seeds that are not scored, then scored on others.

    Example:
        >>> race = Race(base=DIVISIONS["small"]().experiment, entries=(ENTRIES["adamw"], ENTRIES["muon"]))
        >>> race.n_runs
        98
    """

    base: Experiment
    entries: tuple[Entry, ...] = Field(min_length=1)
    n_trials: StrictInt = Field(default=16, ge=1, description="random settings that are tried of each entry")
    tuning_seeds: tuple[Seed, ...] = Field(default=(1000, 1001), min_length=1, description="on which each is tried")
    seeds: tuple[Seed, ...] = Field(
        default=tuple(range(100, 116)), min_length=1, description="on which the best settings are scored"
    )

    @model_validator(mode="after")
    def _fair(self) -> "Race":
        names = [entry.name for entry in self.entries]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two entries are called {name}; give each a name of its own")
        both = sorted({*self.seeds} & {*self.tuning_seeds})
        if both:
            raise ValueError(f"seed {both[0]} is tuned on and scored; use other seeds for one of them")
        for entry in self.entries:
            if self.base.model.kind not in entry.networks:
                raise ValueError(f"{entry.name} is for a {' or '.join(entry.networks)}; leave it out of this division")
            sweep = self.tuning(entry)
            sweep.combinations()  # raises if a setting does not exist
        return self

    @property
    def n_runs(self) -> int:
        """How many networks are trained, the controls included."""
        return len(self.entries) * (self.n_trials * len(self.tuning_seeds) + len(self.seeds) + 1)

    def experiment(self, entry: Entry, settings: dict[str, Any] | None = None) -> Experiment:
        """Return the division's experiment with what ``entry`` changes and with tuned ``settings``."""
        changed = self.base.override(entry.settings)
        return changed.override(settings or {}).model_copy(update={"name": entry.name, "description": ""})

    def tuning(self, entry: Entry) -> Sweep:
        """Return the trials of ``entry``."""
        base = self.experiment(entry)
        if not entry.search:
            return Sweep(base=base, seeds=self.tuning_seeds)
        return Sweep(base=base, seeds=self.tuning_seeds, sample=entry.search, n_samples=self.n_trials)

    def scoring(self, entry: Entry, settings: dict[str, Any]) -> Sweep:
        """Return the runs by which ``entry`` is scored, with its tuned ``settings``."""
        return Sweep(base=self.experiment(entry, settings), seeds=self.seeds)

    def control(self, entry: Entry, settings: dict[str, Any]) -> Sweep:
        """Return a run of ``entry`` on labels without a rule: whoever knows those of the test set has seen them."""
        base = self.experiment(entry, settings).override({"task.operation": "random"})
        return Sweep(base=base.model_copy(update={"description": ""}), seeds=self.seeds[:1])
