"""What an explanation of a network on sequences needs."""

from grokscope.errors import NotApplicableError
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
