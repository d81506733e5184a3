"""From a network to its explanation, whatever its task."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import overload

from grokscope.analysis.precision import widened_network
from grokscope.errors import ConfigError
from grokscope.explanation.base import CircuitExplanation, Explanation, ModularExplanation
from grokscope.explanation.modular.explain import explain_modular
from grokscope.explanation.sequences.digit_addition import explain_digit_addition
from grokscope.explanation.sequences.induction import explain_induction
from grokscope.explanation.sequences.skip_trigrams import explain_skip_trigrams
from grokscope.explanation.subject import ModularSubject, SequenceSubject
from grokscope.tasks import DigitAdditionTask, RepeatedSubsequencesTask, SkipTrigramsTask

Report = Callable[[str], None]
"""Is told what is being done, in a few words."""


@overload
def explain(
    subject: ModularSubject, *, frequencies: Sequence[int] | None = None, seed: int = 0, report: Report = ...
) -> ModularExplanation: ...
@overload
def explain(
    subject: SequenceSubject, *, frequencies: Sequence[int] | None = None, seed: int = 0, report: Report = ...
) -> CircuitExplanation: ...
def explain(
    subject: ModularSubject | SequenceSubject,
    *,
    frequencies: Sequence[int] | None = None,
    seed: int = 0,
    report: Report = lambda _: None,
) -> Explanation:
    """Return what the network computes, tested causally and against controls.

    Args:
        subject: the network and its task (:func:`grokscope.explanation.open_subject`).
        frequencies: the key frequencies to claim, of modular arithmetic [read off the network].
        seed: draws the controls, and fresh examples.
        report: is told what is being done.

    Raises:
        ConfigError: one of ``frequencies`` does not exist, or the network is too large.

    Example:
        >>> explain(open_subject(Path("runs/mainline"))).verdict
        'explained'
    """
    subject = _in_working_precision(subject)
    if isinstance(subject, ModularSubject):
        return explain_modular(subject, frequencies=frequencies, seed=seed, report=report)
    if frequencies is not None:
        raise ConfigError(f"{subject.name} was trained on {subject.task.name}, which has no key frequencies")
    report("testing the claims")
    match subject.task:
        case RepeatedSubsequencesTask():
            return explain_induction(subject, subject.task, seed=seed)
        case SkipTrigramsTask():
            return explain_skip_trigrams(subject, subject.task, seed=seed)
        case DigitAdditionTask():
            return explain_digit_addition(subject, subject.task, seed=seed)
        case _:
            raise ConfigError(f"there is no hypothesis to test for {subject.task.name}")


def _in_working_precision(subject: ModularSubject | SequenceSubject) -> ModularSubject | SequenceSubject:
    memorised = None if subject.memorised is None else widened_network(subject.memorised)
    return replace(subject, model=widened_network(subject.model), memorised=memorised)
