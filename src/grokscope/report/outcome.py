"""How training went, in words: learned, memorised, generalised, or cut short."""

from dataclasses import dataclass

import pandas as pd

from grokscope.analysis import Phases
from grokscope.analysis.phases import GROKKED_ACCURACY
from grokscope.report import wording
from grokscope.report.history import phases_in_words

_ENOUGH = wording.percent(GROKKED_ACCURACY)


@dataclass(frozen=True)
class Outcome:
    """What the curves say."""

    headline: str
    """In a few words."""
    sentences: tuple[str, ...]


def outcome(metrics: pd.DataFrame, phases: Phases, p: int, *, endless: bool) -> Outcome:
    """Return what the loss and accuracy curves say.

    ``endless``: every step has fresh pairs, so that nothing can be memorised.
    """
    if metrics.empty:
        return Outcome(
            "Nothing was recorded", ("No evaluation was recorded, so nothing can be said of how training went.",)
        )
    headline, story = _story(metrics, phases, p, endless=endless)
    begun = phases_in_words(phases, int(metrics["step"].iloc[0]), "the test loss")
    return Outcome(headline, tuple(text for text in (story, begun, _last_scores(metrics)) if text))


def _story(metrics: pd.DataFrame, phases: Phases, p: int, *, endless: bool) -> tuple[str, str]:
    """Return the headline and the sentence that goes with it."""
    fitted = _first_fit(metrics)
    learned = fitted is not None and metrics["train_accuracy"].iloc[-1] >= GROKKED_ACCURACY
    reached = f"its training accuracy reached {_ENOUGH} at {wording.step(fitted or 0)}"
    if metrics["test_loss"].dropna().empty:
        headline = "Learned its training set" if learned else "Has not learned its training set"
        told = f"I{reached[1:]}" if learned else f"Its training accuracy is below {_ENOUGH}"
        return headline, f"{told}. There is no test set, so whether it generalises cannot be said."
    if phases.grokked is not None:
        return _generalised(phases.grokked, phases.memorised, fitted, endless=endless)
    begun = ""
    if phases.generalised is not None:
        begun = f" Its test loss is below that of guessing (ln {p}) from {wording.step(phases.generalised)} on."
    not_yet = f"its test accuracy has not stayed at {_ENOUGH}"
    if endless:
        return "Has not learned the task", f"Every step has fresh pairs, and {not_yet}.{begun}"
    if learned and begun:
        return "Learned its training set, generalises in part", f"I{reached[1:]}, but {not_yet}.{begun}"
    if learned:
        return "Memorised and has not generalised", f"It memorised: {reached}, but {not_yet}."
    return (
        "Has not learned its training set",
        f"Its training accuracy is below {_ENOUGH} at the end, and {not_yet}.{begun}",
    )


def _generalised(grokked: int, peak: int | None, fitted: int | None, *, endless: bool) -> tuple[str, str]:
    from_then = f"from {wording.step(grokked)} on its test accuracy is at least {_ENOUGH}"
    if endless:
        return f"Learned the task by {wording.step(grokked)}", f"It learned the task: {from_then}."
    if peak is not None and fitted is not None and fitted < grokked:
        return f"Grokked at {wording.step(grokked)}", (
            f"It grokked. It memorised first: its test loss rose to a peak at {wording.step(peak)}, and its training "
            f"accuracy reached {_ENOUGH} at {wording.step(fitted)}. It generalised later: {from_then}."
        )
    return f"Generalised by {wording.step(grokked)}", (
        f"It generalised, without a phase of memorisation that its curves show: {from_then}."
    )


def _first_fit(metrics: pd.DataFrame) -> int | None:
    fits = metrics.loc[metrics["train_accuracy"] >= GROKKED_ACCURACY, "step"]
    return int(fits.iloc[0]) if len(fits) else None


def _last_scores(metrics: pd.DataFrame) -> str:
    last = metrics.iloc[-1]
    train = (
        f"training loss {wording.loss(last['train_loss'])}, training accuracy {wording.percent(last['train_accuracy'])}"
    )
    test = f"; test loss {wording.loss(last['test_loss'])}, test accuracy {wording.percent(last['test_accuracy'])}"
    return f"Last evaluation, {wording.step(int(last['step']))}: {train}{test if pd.notna(last['test_loss']) else ''}."
