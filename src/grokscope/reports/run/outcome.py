"""How training went, in words: learned, memorised, generalised, or cut short."""

from dataclasses import dataclass

import pandas as pd

from grokscope import formatting
from grokscope.analysis import Phases
from grokscope.curves.phases import GROKKED_ACCURACY
from grokscope.reports.run.history import phases_in_words

_ENOUGH = formatting.percent(GROKKED_ACCURACY)


@dataclass(frozen=True)
class Outcome:
    """What the curves say."""

    headline: str
    """In a few words."""
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Data:
    """What an outcome is judged by, besides the curves."""

    chance_loss: float
    """:attr:`grokscope.tasks.Task.chance_loss`, in nats."""
    infinite: bool
    """Every step has fresh examples, so that nothing can be memorised."""
    does_task: bool = False
    """The explanation has shown that the network does its task, which need not mean an accuracy of 95 %: what cannot
    be predicted at all, the first tokens of a repeat say, no network predicts."""


def outcome(metrics: pd.DataFrame, phases: Phases, data: Data) -> Outcome:
    """Return what the loss and accuracy curves say."""
    if metrics.empty:
        return Outcome(
            "Nothing was recorded", ("No evaluation was recorded, so nothing can be said of how training went.",)
        )
    headline, story = _story(metrics, phases, data)
    first = int(metrics["step"].iloc[0])
    begun = "" if data.infinite else phases_in_words(phases, first, "the test loss")
    return Outcome(headline, tuple(text for text in (story, begun, _last_scores(metrics)) if text))


def _story(metrics: pd.DataFrame, phases: Phases, data: Data) -> tuple[str, str]:
    """Return the headline and the sentence that goes with it."""
    fitted = _first_fit(metrics)
    learned = fitted is not None and metrics["train_accuracy"].iloc[-1] >= GROKKED_ACCURACY
    reached = f"its training accuracy reached {_ENOUGH} at {formatting.step(fitted or 0)}"
    if metrics["test_loss"].dropna().empty:
        headline = "Learned its training set" if learned else "Has not learned its training set"
        told = f"I{reached[1:]}" if learned else f"Its training accuracy is below {_ENOUGH}"
        return headline, f"{told}. There is no test set, so whether it generalises cannot be said."
    if phases.grokked is not None:
        return _generalised(phases.grokked, phases.memorised, fitted, infinite=data.infinite)
    begun = ""
    if phases.generalised is not None:
        begun = f" I{_below_guessing(phases, data)[1:]}."
    if data.does_task and phases.generalised is not None:
        return _does_task(metrics, phases, fitted, data)
    not_yet = f"its test accuracy has not stayed at {_ENOUGH}"
    if data.infinite:
        return "Has not learned the task", f"Every step has fresh examples, and {not_yet}.{begun}"
    if learned and begun:
        return "Learned its training set, generalises in part", f"I{reached[1:]}, but {not_yet}.{begun}"
    if learned:
        return "Memorised and has not generalised", f"It memorised: {reached}, but {not_yet}."
    return (
        "Has not learned its training set",
        f"Its training accuracy is below {_ENOUGH} at the end, and {not_yet}.{begun}",
    )


def _generalised(grokked: int, peak: int | None, fitted: int | None, *, infinite: bool) -> tuple[str, str]:
    from_then = f"from {formatting.step(grokked)} on its test accuracy is at least {_ENOUGH}"
    if infinite:
        return f"Learned the task by {formatting.step(grokked)}", f"It learned the task: {from_then}."
    if peak is not None and fitted is not None and fitted < grokked:
        return f"Grokked at {formatting.step(grokked)}", (
            f"It grokked. It memorised first: its test loss rose to a peak at {formatting.step(peak)}, and its "
            f"training accuracy reached {_ENOUGH} at {formatting.step(fitted)}. It generalised later: {from_then}."
        )
    return f"Generalised by {formatting.step(grokked)}", (
        f"It generalised, without a phase of memorisation that its curves show: {from_then}."
    )


def _does_task(metrics: pd.DataFrame, phases: Phases, fitted: int | None, data: Data) -> tuple[str, str]:
    """Return what is said of a network that does its task and whose accuracy has not stayed at 95 %."""
    right = formatting.percent(metrics["test_accuracy"].iloc[-1])
    learned = (
        f"{_below_guessing(phases, data)}; its test accuracy, {right} at the end, has not stayed at {_ENOUGH}, yet it "
        f"does the task by the claim below."
    )
    if data.infinite:
        return "Learned the task", f"It learned the task: {learned}"
    peak, generalised = phases.memorised, phases.generalised
    if peak is not None and fitted is not None and generalised is not None and fitted < generalised:
        return "Memorised, then learned the task", (
            f"It memorised first: its test loss rose to a peak at {formatting.step(peak)}, and its training accuracy "
            f"reached {_ENOUGH} at {formatting.step(fitted)}. Then it learned the task: {learned}"
        )
    return "Learned the task", f"It learned more than its training set: {learned}"


def _below_guessing(phases: Phases, data: Data) -> str:
    guessing = formatting.loss(data.chance_loss)
    return f"its test loss is below that of guessing ({guessing}) from {formatting.step(phases.generalised or 0)} on"


def _first_fit(metrics: pd.DataFrame) -> int | None:
    fits = metrics.loc[metrics["train_accuracy"] >= GROKKED_ACCURACY, "step"]
    return int(fits.iloc[0]) if len(fits) else None


def _last_scores(metrics: pd.DataFrame) -> str:
    last = metrics.iloc[-1]
    train = f"training loss {formatting.loss(last['train_loss'])}"
    train += f", training accuracy {formatting.percent(last['train_accuracy'])}"
    test = ""
    if pd.notna(last["test_loss"]):
        test = f"; test loss {formatting.loss(last['test_loss'])}"
        test += f", test accuracy {formatting.percent(last['test_accuracy'])}"
    return f"Last evaluation, {formatting.step(int(last['step']))}: {train}{test}."
