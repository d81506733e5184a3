"""The measures of a transformer on sequences: what forms while it learns.

All are taken on fresh examples of the task, the same for every network.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from grokscope.analysis.fresh_examples import fresh_examples
from grokscope.analysis.measures import Look, look_at, measure, no_frequencies
from grokscope.analysis.precision import widened_network
from grokscope.analysis.sequences.carries import Carry, answers, carry_cases, predictions, scores_by_case
from grokscope.analysis.sequences.induction import HeadScores, Repeats, head_scores
from grokscope.analysis.sequences.skip_trigrams import Readout, answers_with, is_readable, looks_for, readout
from grokscope.errors import NotApplicableError
from grokscope.models import MLP, Transformer
from grokscope.tasks import DigitAdditionTask, Examples, RepeatedSubsequencesTask, SequenceTask, SkipTrigramsTask
from grokscope.training import Evaluation
from grokscope.training.evaluation import Evaluator

N_EXAMPLES = {RepeatedSubsequencesTask: 64, DigitAdditionTask: 1000, SkipTrigramsTask: 500}
"""Fresh examples on which a network is measured."""
_SEED = 0


@dataclass(frozen=True, eq=False, repr=False)
class SequenceLook(Look):
    """A transformer on fresh examples."""

    task: SequenceTask
    model: Transformer
    examples: Examples

    @cached_property
    def score(self) -> Evaluation:
        """Loss (nats) and accuracy, and the loss of each subtask."""
        return Evaluator(self.model, self.examples, self.task.target_positions, len(self.task.subtasks))()

    @cached_property
    def heads(self) -> HeadScores:
        """Of repeated subsequences."""
        return head_scores(self.model, Repeats.of(self.examples, self.task.target_positions))

    @cached_property
    def readout(self) -> Readout | None:
        """Of skip trigrams; None where the tables are not the network."""
        assert isinstance(self.task, SkipTrigramsTask)
        return readout(self.model, self.task) if is_readable(self.model) else None


@look_at.register
def _(
    task: SequenceTask, last: Transformer | MLP, *, frequencies: Sequence[int] | None = None, required: bool = True
) -> Callable[[Transformer | MLP], SequenceLook]:
    no_frequencies(task, frequencies)
    if not isinstance(last, Transformer):
        raise NotApplicableError(
            f"measures of {task.name} are of attention heads; this network is a multilayer perceptron"
        )
    examples = fresh_examples(task, N_EXAMPLES.get(type(task), 500), seed=_SEED)

    def look(model: Transformer | MLP) -> SequenceLook:
        assert isinstance(model, Transformer)
        return SequenceLook(task, widened_network(model), examples)

    return look


def _of_heads(name: str, chance: str) -> None:
    @measure(name, unit="share", chance=chance, tasks=(RepeatedSubsequencesTask,), index="head")
    def scores(look: SequenceLook) -> dict[str, float]:
        values = getattr(look.heads, name)
        layers, heads = values.shape
        return {f"{layer}.{head}": float(values[layer, head]) for layer in range(layers) for head in range(heads)}


_of_heads("previous_token", "the mean of 1/position")
_of_heads("prefix_matching", "the share of matching keys")
_of_heads("copying", "0")


@measure("accuracy_digit", unit="share", chance="1/base", tasks=(DigitAdditionTask,), index="digit and carry")
def _carries(look: SequenceLook) -> dict[str, float]:
    """Return the accuracy of each digit among the sums in which it needs each carry: ``3_made``."""
    task, tokens = look.task, look.examples.tokens
    assert isinstance(task, DigitAdditionTask)
    right = predictions(look.model, task, tokens) == answers(task, tokens)
    scores = scores_by_case(right, carry_cases(task, tokens))
    return {
        f"{digit}_{case.name.lower()}": float(scores.accuracy[digit, case])
        for digit in range(task.n_digits, -1, -1)
        for case in Carry
        if scores.count[digit, case]
    }


@measure("looks_for", unit="share", chance="0.5", tasks=(SkipTrigramsTask,))
def _looks_for(look: SequenceLook) -> float | None:
    task, tables = look.task, look.readout
    assert isinstance(task, SkipTrigramsTask)
    return None if tables is None else looks_for(tables.scores, task.triggers, task.background)


@measure("answers_with", unit="share", chance="1/n", tasks=(SkipTrigramsTask,))
def _answers_with(look: SequenceLook) -> float | None:
    assert isinstance(look.task, SkipTrigramsTask)
    return None if look.readout is None else answers_with(look.readout.outputs, look.task.triggers)


@measure("score", unit="nats", chance="0", tasks=(SkipTrigramsTask,), index="trigger")
def _trigger_scores(look: SequenceLook) -> dict[str, float] | None:
    """Return how far the attention score of each trigger stands above the noise's."""
    task, tables = look.task, look.readout
    assert isinstance(task, SkipTrigramsTask)
    if tables is None:
        return None
    head = int(tables.scores[:, list(task.triggers)].mean(1).argmax())
    noise = tables.scores[head, list(task.background)].mean()
    return {str(answer): float(tables.scores[head, token] - noise) for answer, token in enumerate(task.triggers)}


@measure("output", unit="nats", chance="0", tasks=(SkipTrigramsTask,), index="trigger")
def _trigger_outputs(look: SequenceLook) -> dict[str, float] | None:
    """Return how much each trigger raises its own answer."""
    task, tables = look.task, look.readout
    assert isinstance(task, SkipTrigramsTask)
    if tables is None:
        return None
    outputs = tables.outputs.sum(0)
    return {
        str(answer): float(outputs[token, answer] - outputs[token].mean()) for answer, token in enumerate(task.triggers)
    }
