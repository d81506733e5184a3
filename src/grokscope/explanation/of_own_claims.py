"""The explanation of a network on a task for which there is no hypothesis in the package: the user's own claims."""

import time
from dataclasses import dataclass
from typing import Any

from grokscope import formatting
from grokscope.errors import NotApplicableError
from grokscope.explanation.base import Explanation, Facts, Findings
from grokscope.explanation.claims import DOES_TASK, ClaimSpec, Control, finite, required_ids
from grokscope.explanation.subject import Subject
from grokscope.explanation.untrained import untrained_twin
from grokscope.models import MLP, Transformer
from grokscope.training.evaluation import Evaluation, Evaluator

_TASK = ClaimSpec(
    DOES_TASK, "task", "The network does the task", "share of the test examples answered right", 0.99, required=True
)


@dataclass(frozen=True, kw_only=True, repr=False)
class OwnExplanation(Explanation):
    """What a user's own claims say of a network."""

    task: str

    @property
    def headline(self) -> str:
        """The task."""
        return self.task

    @property
    def summary(self) -> str:
        """The verdict in a sentence: the task, and which claims fail."""
        verdict = self.verdict[:1].upper() + self.verdict[1:]
        rest = f"all {len(self.claims)} claims hold" if self.verdict == "explained" else self.which_fail()
        return f"{verdict}: {self.task}; {rest}."

    def facts(self) -> Facts:
        """Return the task, and how well the network does it."""
        right, loss = formatting.percent(self.accuracy), formatting.loss(self.loss)
        return ("task", self.task), ("accuracy", f"{right} of the test examples, loss {loss}")

    def tables(self) -> tuple[Findings, ...]:
        """Return no tables."""
        return ()

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON takes it; numbers that are not finite become null."""
        return {
            "verdict": self.verdict,
            "task": self.task,
            "accuracy": self.accuracy,
            "loss": finite(self.loss),
            "claims": [claim.to_dict() for claim in self.claims],
            "subject": self.subject,
            "step": self.step,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 2),
        }


def explain_by_own_claims(subject: Subject, *, seed: int) -> OwnExplanation:
    """Return the explanation that :func:`grokscope.explanation.claim` adds claims to; it has one, that of the task.

    Raises:
        NotApplicableError: the task has no finite examples to measure the network's accuracy on.
    """
    began = time.perf_counter()
    task = subject.task
    examples = task.train if task.test is None else task.test
    if examples is None:
        raise NotApplicableError(f"{task.name} has no examples on which a network could be measured")

    def score(model: Transformer | MLP) -> Evaluation:
        return Evaluator(model, examples, task.target_positions, len(task.subtasks))()

    whole = score(subject.model)
    untrained = Control("untrained network", score(untrained_twin(subject.model, seed=seed)).accuracy)
    return OwnExplanation(
        subject=subject.name,
        step=subject.step,
        task=task.name,
        accuracy=whole.accuracy,
        loss=whole.loss,
        claims=(_TASK.tested(whole.accuracy, [untrained]),),
        required=required_ids([_TASK]),
        notes=subject.notes,
        seconds=time.perf_counter() - began,
    )
