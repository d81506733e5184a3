"""From a network to its explanation, whatever its task."""

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch

from grokscope.analysis.precision import widened_network
from grokscope.errors import NotApplicableError
from grokscope.explanation.base import Explanation
from grokscope.explanation.of_own_claims import explain_by_own_claims
from grokscope.explanation.own_claims import has_own_claims, with_own_claims
from grokscope.explanation.subject import Subject
from grokscope.progress import SILENT, Progress
from grokscope.tasks import Task


def explain(
    subject: Subject,
    *,
    frequencies: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Explanation:
    """Return what the network computes, tested causally and against controls.

    Args:
        subject: the network and its task (:func:`grokscope.explanation.open_subject`).
        frequencies: the key frequencies to claim, of modular arithmetic [read off the network].
        seed: draws the controls, and fresh examples.
        progress: says what is being done.

    Raises:
        ConfigError: one of ``frequencies`` does not exist, or the network is too large.
        NotApplicableError: there is no hypothesis about networks of this kind or on this task.

    Example:
        >>> explain(open_subject("runs/mainline")).verdict
        'explained'
    """
    subject = _in_working_precision(subject)
    explained = explain_network(subject.task, subject, frequencies=frequencies, seed=seed, progress=progress)
    explained = with_own_claims(explained, subject)
    others = []
    for other in subject.alternatives:
        judged = explain_network(other.task, other, frequencies=frequencies, seed=seed, progress=progress)
        others.append(f"{other.name}: {judged.verdict}; {judged.headline}")
    return replace(explained, network=subject, notes=(*explained.notes, *others))


def _in_working_precision(subject: Subject) -> Subject:
    memorised = None if subject.memorised is None else widened_network(subject.memorised)
    return replace(subject, model=widened_network(subject.model), memorised=memorised)


@singledispatch
def explain_network(
    task: Task, subject: Subject, *, frequencies: Sequence[int] | None, seed: int, progress: Progress
) -> Explanation:
    """Return the explanation of a network on ``task``, which is ``subject.task``.

    A family of tasks registers its own: ``@explain_network.register`` on a function of the same arguments. Of others,
    the claims that a user registered are tested.

    Raises:
        NotApplicableError: nobody has registered a hypothesis or a claim for such tasks.
    """
    if has_own_claims(task):
        return explain_by_own_claims(subject, seed=seed)
    raise NotApplicableError(
        f"there is no hypothesis to test about a network on {task.name}; register a claim of yours with "
        f"@grokscope.explanation.claim"
    )
