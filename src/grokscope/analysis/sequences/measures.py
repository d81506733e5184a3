"""Every measure of a network on sequences, as one row of numbers: what forms while it learns."""

import torch

from grokscope.analysis.fresh_examples import fresh_examples
from grokscope.analysis.sequences.carries import Carry, answers, carry_cases, predictions, scores_by_case
from grokscope.analysis.sequences.induction import Repeats, head_scores
from grokscope.analysis.sequences.skip_trigrams import answers_with, is_readable, looks_for, readout
from grokscope.analysis.weights import sums_of_squares
from grokscope.errors import ConfigError
from grokscope.models import MLP, Transformer
from grokscope.tasks import DigitAdditionTask, Examples, RepeatedSubsequencesTask, SequenceTask, SkipTrigramsTask
from grokscope.training.evaluation import Evaluator

N_EXAMPLES = {RepeatedSubsequencesTask: 64, DigitAdditionTask: 1000, SkipTrigramsTask: 500}
"""Fresh examples on which a network is measured."""


@torch.no_grad()
def measure_sequences(model: Transformer | MLP, task: SequenceTask, *, seed: int = 0) -> dict[str, float]:
    """Return every measure of a network on a task on sequences, by name.

    ``loss`` (nats), ``accuracy`` and the loss of each part are of fresh examples. Then, by task:

    - repeated subsequences: ``previous_token_L.H``, ``prefix_matching_L.H``, ``copying_L.H`` of head H in layer L
      (:mod:`grokscope.analysis.sequences.heads`);
    - digit addition: ``accuracy_digit_D_C`` of digit D among the sums in which it needs the carry C: none, made,
      stopped or passed (:class:`grokscope.analysis.sequences.carries.Carry`);
    - skip trigrams, of one attention-only layer: ``looks_for`` and ``answers_with``, and for trigger M ``score_M`` and
      ``output_M``, how far its attention score stands above the noise's and how much it raises its own answer.

    Raises:
        ConfigError: the network is an MLP.
    """
    if not isinstance(model, Transformer):
        raise ConfigError(f"measures of {task.name} are of attention heads; this network is a multilayer perceptron")
    examples = fresh_examples(task, N_EXAMPLES[type(task)], seed=seed)
    score = Evaluator(model, examples, task.target_positions, len(task.subtasks))()
    row = {"loss": score.loss, "accuracy": score.accuracy}
    row |= {f"loss_{part}": loss for part, loss in zip(task.subtasks, score.subtasks, strict=True)}
    match task:
        case RepeatedSubsequencesTask():
            row |= _heads(model, task, examples)
        case DigitAdditionTask():
            row |= _carries(model, task, examples)
        case SkipTrigramsTask():
            row |= _trigrams(model, task)
    return row | {"sum_of_squares": sum(sums_of_squares(model).values())}


def _heads(model: Transformer, task: RepeatedSubsequencesTask, examples: Examples) -> dict[str, float]:
    scores = head_scores(model, Repeats.of(examples, task.target_positions))
    named = {
        "previous_token": scores.previous_token,
        "prefix_matching": scores.prefix_matching,
        "copying": scores.copying,
    }
    return {
        f"{name}_{layer}.{head}": float(values[layer, head])
        for name, values in named.items()
        for layer in range(values.shape[0])
        for head in range(values.shape[1])
    }


def _carries(model: Transformer, task: DigitAdditionTask, examples: Examples) -> dict[str, float]:
    tokens = examples.tokens
    right = predictions(model, task, tokens) == answers(task, tokens)
    scores = scores_by_case(right, carry_cases(task, tokens))
    return {
        f"accuracy_digit_{digit}_{case.name.lower()}": float(scores.accuracy[digit, case])
        for digit in range(task.n_digits, -1, -1)
        for case in Carry
        if scores.count[digit, case]
    }


def _trigrams(model: Transformer, task: SkipTrigramsTask) -> dict[str, float]:
    if not is_readable(model):
        return {}
    tables = readout(model, task)
    row = {
        "looks_for": looks_for(tables.scores, task.triggers, task.background),
        "answers_with": answers_with(tables.outputs, task.triggers),
    }
    head = int(tables.scores[:, list(task.triggers)].mean(1).argmax())
    noise = tables.scores[head, list(task.background)].mean()
    outputs = tables.outputs.sum(0)
    for answer, token in enumerate(task.triggers):
        row[f"score_{answer}"] = float(tables.scores[head, token] - noise)
        row[f"output_{answer}"] = float(outputs[token, answer] - outputs[token].mean())
    return row
