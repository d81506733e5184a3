"""Published numbers of loss curves beside the measured ones."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from grokscope.curves.change_points import find_change_point
from grokscope.reports.published.comparison import Compared, Comparison, Measured

_HALF = 0.5
_GENERALISED = 0.1
_NOT_RECORDED = "not recorded"


def _digits_below_half(published: Sequence[int], measured: Measured) -> Comparison:
    metrics = measured.metrics
    parts = () if measured.task is None else measured.task.subtasks
    found = [_first_below(metrics, f"test_loss_{part}", _HALF) for part in parts]
    return Comparison(
        f"steps at which each digit's loss falls below {_HALF:g} nats, the leading one first",
        ", ".join(f"{step:,}" for step in published),
        ", ".join("not reached" if step is None else f"{step:,}" for step in found) or _NOT_RECORDED,
        "published: of each step's own batch, smoothed; here: of the test set, at the steps evaluated",
    )


def _first_below(metrics: pd.DataFrame, column: str, threshold: float) -> int | None:
    below = metrics.loc[metrics[column] < threshold, "step"]
    return int(below.iloc[0]) if len(below) else None


def _generalised_at(published: int, measured: Measured) -> Comparison:
    found = _first_below(measured.metrics, "test_loss", _GENERALISED)
    return Comparison(
        f"first step with a test loss below {_GENERALISED:g} nats",
        f"{published:,}",
        "not reached" if found is None else f"{found:,}",
        "" if found is None else f"{found / published:.2g} times; published of one seed",
    )


def _peak(published: float | tuple[int, float], measured: Measured) -> Comparison:
    step, height = published if isinstance(published, tuple) else (None, published)
    losses = measured.metrics["test_loss"].dropna()
    told = _NOT_RECORDED
    if len(losses):
        at = int(np.argmax(losses))
        told = f"{losses.iloc[at]:.3g} at step {int(measured.metrics.loc[losses.index[at], 'step']):,}"
    expected = f"{height:.3g}" if step is None else f"{height:.3g} at step {step:,}"
    return Comparison("highest test loss (nats)", expected, told, "")


def _last_test_loss(published: float, measured: Measured) -> Comparison:
    losses = measured.metrics["test_loss"].dropna()
    if losses.empty:
        return Comparison("last test loss (nats)", f"{published:.3g}", _NOT_RECORDED, "")
    step = int(measured.metrics.loc[losses.index[-1], "step"])
    return Comparison("last test loss (nats)", f"{published:.3g}", f"{losses.iloc[-1]:.3g}", f"here step {step:,}")


def _change_between(what: str) -> Compared:
    def compared(published: Sequence[int], measured: Measured) -> Comparison:
        first, last = published
        ceiling = np.inf if measured.task is None else measured.task.chance_loss
        change = find_change_point(measured.metrics["step"], measured.metrics["test_loss"], ceiling=ceiling)
        told, remark = "no change", ""
        if change is not None:
            told = f"step {round(change.location):,}"
            place = "before" if change.location < first else "after" if change.location > last else "between"
            remark = f"{place} {'these' if place != 'between' else 'them'}"
        return Comparison(what, f"between steps {first:,} and {last:,}", told, remark)

    return compared


def _losses(published: Mapping[int, float | tuple[float | None, float | None]], measured: Measured) -> Comparison:
    rows = measured.metrics.set_index("step").to_dict("index")
    expected, found = [], []
    for step, losses in published.items():
        # a pair is of training and test; of infinite data one number says both
        wanted = dict(zip(("train", "test"), losses, strict=True)) if isinstance(losses, tuple) else {"test": losses}
        row = rows.get(step)
        for data, loss in wanted.items():
            if loss is not None:
                expected.append(f"{data} {loss:.2g} at step {step:,}")
                found.append("not evaluated" if row is None else f"{row[f'{data}_loss']:.2g}")
    return Comparison("losses (nats)", "; ".join(expected), "; ".join(found), "")


OF_CURVES: dict[str, Compared] = {
    "generalised_at": _generalised_at,
    "digits_below_half": _digits_below_half,
    "test_loss_peak": _peak,
    "final_test_loss": _last_test_loss,
    "final_loss": _last_test_loss,
    "steepest_between": _change_between("where the test loss falls fastest"),
    "groks_between": _change_between("where the test loss falls at last"),
    "losses": _losses,
}
"""What is compared of curves, by the name of the published number: the first step with a test loss below 0.1; the first
steps at which each digit's loss is below half a nat; the highest test loss, with its step or without; the last test
loss; two steps between which the test loss changes (:mod:`grokscope.curves.change_points`); losses by step, a
pair being of training and test."""
