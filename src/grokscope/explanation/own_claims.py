"""Claims that a user adds to the explanations of networks on some tasks."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from grokscope.errors import ConfigError, NotApplicableError
from grokscope.explanation.base import Explanation
from grokscope.explanation.claims import Claim, ClaimSpec, required_ids
from grokscope.explanation.subject import Subject
from grokscope.registry import Registry
from grokscope.tasks import Task

TestOfClaim = Callable[[Subject], Claim]


@dataclass(frozen=True)
class OwnClaim:
    """A claim and how it is tested."""

    spec: ClaimSpec
    tasks: tuple[type[Task], ...]
    test: TestOfClaim

    @property
    def name(self) -> str:
        """Where its test is defined, by which the registry knows the same claim when its file is imported again."""
        return f"{self.test.__module__}.{self.test.__qualname__}"


OWN_CLAIMS: Registry[OwnClaim] = Registry("claim")


def claim(spec: ClaimSpec, *, tasks: tuple[type[Task], ...]) -> Callable[[TestOfClaim], TestOfClaim]:
    """Return a decorator that adds a claim to every explanation of a network on one of ``tasks``.

    The function takes the subject and returns ``spec.tested(value, controls)`` or ``spec.not_measurable(reason)``; it
    raises :class:`grokscope.errors.NotApplicableError` of a network that the claim says nothing of.

    Args:
        spec: the claim's id, texts and threshold. A claim that is ``required`` decides with the others of its kind
            whether a network is explained at all.
        tasks: the classes of tasks.

    Example:
        >>> spec = ClaimSpec("few-weights", "few weights", "It has few weights", "a thousand, over their number", 1.0)
        >>> @claim(spec, tasks=(ModularTask,))
        ... def few_weights(subject):
        ...     controls = [Control("a network of a million", 0.001)]
        ...     return spec.tested(1000 / subject.model.n_parameters, controls)
    """

    def register(test: TestOfClaim) -> TestOfClaim:
        OWN_CLAIMS.add(spec.id, OwnClaim(spec, tasks, test))
        return test

    return register


def has_own_claims(task: Task) -> bool:
    """Return whether a claim about networks on ``task`` was registered."""
    return any(isinstance(task, each.tasks) for each in OWN_CLAIMS.values())


def with_own_claims(explanation: Explanation, subject: Subject) -> Explanation:
    """Return the explanation with the claims that were registered for the subject's task.

    Raises:
        ConfigError: one has the id of a claim that the explanation has already.
    """
    claims, specs = list(explanation.claims), []
    for each in OWN_CLAIMS.values():
        if not isinstance(subject.task, each.tasks):
            continue
        if explanation.claim(each.spec.id) is not None:
            raise ConfigError(f"the explanation has a claim {each.spec.id!r} already; give your claim another id")
        try:
            claims.append(each.test(subject))
        except NotApplicableError:
            continue
        specs.append(each.spec)
    return replace(explanation, claims=tuple(claims), required=explanation.required | required_ids(specs))
