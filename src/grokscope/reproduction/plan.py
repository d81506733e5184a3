"""Which published numbers are reproduced, and the runs that this takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from grokscope.errors import ConfigError, nearest
from grokscope.reproduction.catalogue import ARMS, ITEMS, Arm, Item
from grokscope.sweeps.plan import PlannedRun

SEEDS, QUICK_SEEDS = 5, 1
"""How many seeds are trained, in all and in a quick reproduction, where nothing is said."""


@dataclass(frozen=True)
class Plan:
    """Items, and the seeds on which each is measured."""

    items: tuple[Item, ...]
    n_seeds: int
    quick: bool = False

    @property
    def arms(self) -> list[Arm]:
        """The experiments that the items are of, in the order of the catalogue."""
        wanted = {item.arm for item in self.items}
        return [arm for arm in ARMS.values() if arm.name in wanted]

    def seeds(self, arm: Arm) -> list[int]:
        """Return the seeds of which an experiment is trained."""
        own = [item for item in self.items if item.arm == arm.name]
        named = {item.seed for item in own if item.seed is not None}
        shared = range(min(self.n_seeds, arm.seeds or self.n_seeds)) if any(item.seed is None for item in own) else ()
        return sorted({*named, *shared})

    def runs(self) -> list[PlannedRun]:
        """Return what has to be trained, the longest first: the last to end are short."""
        planned = [
            PlannedRun(arm.experiment(seed, quick=self.quick), {}, seed, folder_of(arm.name, seed))
            for arm in self.arms
            for seed in self.seeds(arm)
        ]
        return sorted(planned, key=lambda run: -run.experiment.stop.steps)


def folder_of(arm: str, seed: int) -> str:
    """Return the name of the folder of a run."""
    return f"{arm}-seed{seed}"


def plan_of(names: Sequence[str] = (), *, seeds: int | None = None, quick: bool = False) -> Plan:
    """Return the plan of a reproduction.

    Args:
        names: of items, as :data:`ITEMS` has them, of experiments (``mainline``), or patterns (``fraction-*``); all
            items if empty, or ``all``.
        seeds: how many of each experiment; 5 if None, or 1 if ``quick``.
        quick: only what takes minutes: short experiments, and the first part of the mainline.

    Raises:
        ConfigError: there is no such item, or it takes too long to be quick.
    """
    n_seeds = seeds or (QUICK_SEEDS if quick else SEEDS)
    if not names or list(names) == ["all"]:
        chosen = [item for item in ITEMS.values() if item.seed is None or item.seed < n_seeds]
        chosen = [item for item in chosen if not quick or ARMS[item.arm].quick is not None]
        return Plan(tuple(chosen), n_seeds, quick)
    found: dict[str, Item] = {}
    for name in names:
        matching = {id_: item for id_, item in ITEMS.items() if fnmatchcase(id_, name) or fnmatchcase(item.arm, name)}
        if not matching:
            raise ConfigError(
                f"nothing published is called {name!r}{nearest(name, [*ITEMS, *ARMS])}; "
                f"'grokscope reproduce --list' lists all"
            )
        found |= matching
    slow = sorted({item.arm for item in found.values() if quick and ARMS[item.arm].quick is None})
    if slow:
        raise ConfigError(f"{', '.join(slow)}: too long for --quick; leave the option off, or name other items")
    return Plan(tuple(item for item in ITEMS.values() if item.id in found), n_seeds, quick)
