"""What an explanation of a network on sequences needs."""

from collections.abc import Sequence

from grokscope.errors import ConfigError, NotApplicableError
from grokscope.explanation.subject import Subject
from grokscope.models import Transformer


def transformer_of(subject: Subject) -> Transformer:
    """Return the subject's network.

    Raises:
        NotApplicableError: it is a multilayer perceptron.
    """
    if not isinstance(subject.model, Transformer):
        raise NotApplicableError(
            f"{subject.name} is a multilayer perceptron on {subject.task.name}; only transformers can be explained"
        )
    return subject.model


def no_frequencies(subject: Subject, frequencies: Sequence[int] | None) -> None:
    """Raise if key frequencies were stated.

    Raises:
        ConfigError: they were; sequences have none.
    """
    if frequencies is not None:
        raise ConfigError(f"{subject.name} was trained on {subject.task.name}, which has no key frequencies")
