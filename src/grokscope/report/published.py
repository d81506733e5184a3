"""Published numbers beside the measured ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from grokscope.analysis import Circuit, Phases
from grokscope.errors import ConfigError, nearest


@dataclass(frozen=True)
class Comparison:
    """One published number and what this run gave."""

    what: str
    published: str
    measured: str
    remark: str


def compare(
    published: Mapping[str, object], metrics: pd.DataFrame, phases: Phases, circuit: Circuit | None
) -> tuple[Comparison, ...]:
    """Return the published numbers beside this run's.

    Args:
        published: ``train_loss_at_0`` and ``test_loss_at_0`` (nats), ``key_frequencies``, and ``phase_boundaries``
            (ends of memorisation, circuit formation and cleanup, in steps); any of them.
        metrics: of the run.
        phases: found in them.
        circuit: of the network; None where there is no checkpoint.

    Raises:
        ConfigError: another name.
    """
    for name in published:
        if name not in _COMPARED:
            raise ConfigError(f"no measurement goes with the published number {name!r}{nearest(name, _COMPARED)}")
    start = metrics.set_index("step").to_dict("index").get(0)
    measured = {
        "train_loss_at_0": start and start["train_loss"],
        "test_loss_at_0": start and start["test_loss"],
        "key_frequencies": None if circuit is None else circuit.key_frequencies,
        "phase_boundaries": (phases.memorised, phases.generalised, phases.cleaned),
    }
    return tuple(_COMPARED[name](value, measured[name]) for name, value in published.items())


def _loss(what: str) -> Callable[[Any, Any], Comparison]:
    def compared(published: float, measured: float | None) -> Comparison:
        if measured is None:
            return Comparison(what, f"{published:.6f}", "not recorded", "")
        return Comparison(what, f"{published:.6f}", f"{measured:.6f}", f"difference {measured - published:+.1e}")

    return compared


def _frequencies(published: Sequence[int], measured: Sequence[int] | None) -> Comparison:
    expected = ", ".join(map(str, published))
    if measured is None:
        return Comparison("key frequencies", expected, "no checkpoint", "")
    missing, more = sorted(set(published) - set(measured)), sorted(set(measured) - set(published))
    parts = [f"{word} {', '.join(map(str, ks))}" for word, ks in (("missing", missing), ("in addition", more)) if ks]
    return Comparison(
        "key frequencies", expected, ", ".join(map(str, measured)) or "none", "; ".join(parts) or "the same frequencies"
    )


def _boundaries(published: Sequence[int], measured: Sequence[int | None]) -> Comparison:
    return Comparison(
        "ends of memorisation, circuit formation and cleanup (steps)",
        ", ".join(f"{step:,}" for step in published),
        ", ".join("not reached" if step is None else f"{step:,}" for step in measured),
        "published borders were read off by eye; these follow a stated rule",
    )


_COMPARED: dict[str, Callable[[Any, Any], Comparison]] = {
    "train_loss_at_0": _loss("training loss at step 0 (nats)"),
    "test_loss_at_0": _loss("test loss at step 0 (nats)"),
    "key_frequencies": _frequencies,
    "phase_boundaries": _boundaries,
}
