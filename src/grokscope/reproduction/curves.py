"""Measurements of loss curves."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from grokscope.analysis.many_runs.outcomes import FITTED, classify_outcome
from grokscope.curves.change_points import find_change_point
from grokscope.reproduction.measurement import Measured, Measurement

_HALF = 0.5
_GENERALISED = 0.1
_NOT_RECORDED = "not recorded"
Losses = Mapping[int, float | tuple[float | None, float | None]]
"""By step: the test loss, or those of training and test."""


def _first_below(metrics: pd.DataFrame, column: str, threshold: float) -> int | None:
    below = metrics.loc[metrics[column] < threshold, "step"]
    return int(below.iloc[0]) if len(below) else None


def in_steps(step: int | None) -> str:
    """Return a step in words; "not reached" if None."""
    return "not reached" if step is None else f"{step:,}"


def _digits(measured: Measured, published: Sequence[int]) -> tuple[int | None, ...] | None:
    parts = () if measured.task is None else measured.task.subtasks
    return tuple(_first_below(measured.metrics, f"test_loss_{part}", _HALF) for part in parts) or None


def _times(published: int, found: int | None, measured: Measured) -> str:
    return "" if found is None else f"{found / published:.2g} times; published of one seed"


def _peak(measured: Measured, published: float | tuple[int, float]) -> float | tuple[int, float] | None:
    losses = measured.metrics["test_loss"].dropna()
    if losses.empty:
        return None
    at = int(np.argmax(losses))
    highest = float(losses.iloc[at])
    return (int(measured.metrics.loc[losses.index[at], "step"]), highest) if isinstance(published, tuple) else highest


def _peak_in_words(peak: float | tuple[int, float]) -> str:
    return f"{peak[1]:.3g} at step {peak[0]:,}" if isinstance(peak, tuple) else f"{peak:.3g}"


def _last_test_loss(measured: Measured, published: float) -> float | None:
    losses = measured.metrics["test_loss"].dropna()
    return None if losses.empty else float(losses.iloc[-1])


def _last_step(published: float, found: float | None, measured: Measured) -> str:
    if found is None:
        return ""
    losses = measured.metrics["test_loss"].dropna()
    return f"here step {int(measured.metrics.loc[losses.index[-1], 'step']):,}"


_LAST = Measurement("last test loss (nats)", _last_test_loss, lambda loss: f"{loss:.3g}", _last_step,
                    absent=_NOT_RECORDED)  # fmt: skip


def _change(measured: Measured, published: Sequence[int]) -> int | None:
    ceiling = np.inf if measured.task is None else measured.task.chance_loss
    change = find_change_point(measured.metrics["step"], measured.metrics["test_loss"], ceiling=ceiling)
    return None if change is None else round(change.location)


def _place(published: Sequence[int], found: int | None, measured: Measured) -> str:
    if found is None:
        return ""
    first, last = published
    return "before these" if found < first else "after these" if found > last else "between them"


def _change_between(what: str) -> Measurement:
    return Measurement(
        what, _change, lambda step: f"step {step:,}", _place,
        lambda steps: f"between steps {steps[0]:,} and {steps[1]:,}", absent="no change", is_event=True,
    )  # fmt: skip


def _losses(measured: Measured, published: Losses) -> tuple[float | None, ...]:
    rows, found = measured.metrics.set_index("step").to_dict("index"), []
    for step, data, _ in _each(published):
        found.append(rows[step][f"{data}_loss"] if step in rows else None)
    return tuple(found)


def _each(losses: Losses) -> Iterator[tuple[int, str, float]]:
    """Yield the step, the data and the loss of each published value."""
    for step, loss in losses.items():
        # a pair is of training and test; of infinite data one number says both
        named = zip(("train", "test"), loss, strict=True) if isinstance(loss, tuple) else (("test", loss),)
        yield from ((step, data, value) for data, value in named if value is not None)


def _losses_in_words(losses: Sequence[float | None]) -> str:
    return "; ".join("not evaluated" if loss is None else f"{loss:.2g}" for loss in losses)


def _published_losses(losses: Losses) -> str:
    return "; ".join(f"{data} {loss:.2g} at step {step:,}" for step, data, loss in _each(losses))


def _outcome(measured: Measured, published: str) -> str:
    fits = measured.metrics.loc[measured.metrics["train_accuracy"] >= FITTED, "step"]
    return classify_outcome("finished", int(fits.iloc[0]) if len(fits) else None, measured.phases.grokked)


OF_CURVES: dict[str, Measurement] = {
    "generalised_at": Measurement(
        f"first step with a test loss below {_GENERALISED:g} nats",
        lambda measured, published: _first_below(measured.metrics, "test_loss", _GENERALISED),
        in_steps, _times, absent=in_steps(None), is_event=True,
    ),
    "digits_below_half": Measurement(
        f"steps at which each digit's loss falls below {_HALF:g} nats, the leading one first",
        _digits,
        lambda steps: ", ".join(map(in_steps, steps)),
        lambda *_: "published: of each step's own batch, smoothed; here: of the test set, at the steps evaluated",
        absent=_NOT_RECORDED,
    ),
    "test_loss_peak": Measurement("highest test loss (nats)", _peak, _peak_in_words, absent=_NOT_RECORDED),
    "final_test_loss": _LAST,
    "final_loss": _LAST,
    "steepest_between": _change_between("where the test loss falls fastest"),
    "groks_between": _change_between("where the test loss falls at last"),
    "losses": Measurement(
        "losses (nats)", _losses, _losses_in_words,
        published_text=_published_losses,
    ),
    "outcome": Measurement("how training turned out", _outcome, str),
}  # fmt: skip
"""What is measured of curves, by the name of the published number: the first step with a test loss below 0.1; the first
steps at which each digit's loss is below half a nat; the highest test loss, with its step or without; the last test
loss; two steps between which the test loss changes (:mod:`grokscope.curves.change_points`); losses by step, a
pair being of training and test; how training turned out, in the words of
:data:`grokscope.analysis.many_runs.outcomes.OUTCOMES`."""
