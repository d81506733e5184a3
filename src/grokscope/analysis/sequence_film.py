"""What a network on sequences looks like at a step of its training: attention, scores, the parts of its task."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from grokscope.analysis.columns import CARRY_WORDS, Carry, answers, carry_cases, predictions, scores_by_case
from grokscope.analysis.film import Bars, Frame, Maps, Picture
from grokscope.analysis.heads import patterns
from grokscope.analysis.induction import Repeats, head_scores
from grokscope.analysis.scoring import fresh_examples
from grokscope.analysis.token_names import token_names
from grokscope.analysis.trigrams import is_readable, readout
from grokscope.display import brief_repr
from grokscope.models import MLP, Transformer
from grokscope.tasks import DigitAdditionTask, Examples, RepeatedSubsequencesTask, SequenceTask, SkipTrigramsTask
from grokscope.training.evaluation import Evaluator

N_EXAMPLES = {RepeatedSubsequencesTask: 32, DigitAdditionTask: 500, SkipTrigramsTask: 300}
"""Fresh examples behind the bars."""
MOST_HEADS = 8
"""Heads of which patterns are shown."""
MOST_TRIGGERS = 12
"""Triggers of which an example is shown."""


@dataclass(frozen=True, eq=False)
class SequenceCamera:
    """The examples that every frame looks at."""

    task: SequenceTask
    examples: Examples
    shown: Int[Tensor, "one n_ctx"]
    """The example of which attention is shown."""

    __repr__ = brief_repr

    @classmethod
    def on(cls, task: SequenceTask, *, seed: int = 0) -> "SequenceCamera":
        """Return what to look at: fresh examples, drawn from ``seed``."""
        examples = fresh_examples(task, N_EXAMPLES[type(task)], seed=seed)
        return cls(task, examples, examples.tokens[:1])

    def frame(self, model: Transformer | MLP) -> Frame:
        """Return the pictures of ``model``, a transformer."""
        assert isinstance(model, Transformer)
        task = self.task
        match task:
            case RepeatedSubsequencesTask():
                own = [self._heads(model, task)]
            case DigitAdditionTask():
                own = [self._carries(model, task)]
            case SkipTrigramsTask():
                own = _trigrams(model, task)
            case _:
                own = []
        parts = [self._parts(model)] if task.parts else []
        return (*parts, *own, self._patterns(model))

    def _parts(self, model: Transformer) -> Bars:
        task = self.task
        score = Evaluator(model, self.examples, task.scored_positions, len(task.parts))()
        names = tuple(part.replace("_", " ") for part in task.parts)
        return _bars("parts", "Loss of each part, on fresh examples", "", "loss (nats)", names, {"loss": score.parts})

    def _patterns(self, model: Transformer) -> Maps:
        task = self.task
        if isinstance(task, SkipTrigramsTask):
            return self._last_query(model, task)
        found = [pattern[0] for pattern in patterns(model, self.shown)]
        names = [f"head {layer}.{head}" for layer, each in enumerate(found) for head in range(len(each))]
        values = torch.cat(found)[:MOST_HEADS].numpy().astype(float)
        tokens = token_names(task, self.shown[0])
        return Maps("patterns", "Attention in one example", "to the token", "from the token", "attention",
                    tuple(names[:MOST_HEADS]), "sequential", values[None], tokens, tokens)  # fmt: skip

    def _last_query(self, model: Transformer, task: SkipTrigramsTask) -> Maps:
        """Return where the query looks in one example for each trigger: only its attention is ever used."""
        answers = self.examples.targets.flatten().tolist()
        rows = {answer: answers.index(answer) for answer in sorted(set(answers))[:MOST_TRIGGERS]}
        tokens = self.examples.tokens[list(rows.values())]
        last = torch.cat([pattern[:, :, -1] for pattern in patterns(model, tokens)], dim=1)[:, :MOST_HEADS]
        config = model.config
        names = tuple(f"head {layer}.{head}" for layer in range(config.n_layers) for head in range(config.n_heads))
        return Maps("patterns", "Attention of the query, an example for each trigger", "position", "trigger",
                    "attention", names[:MOST_HEADS], "sequential",
                    last.transpose(0, 1).numpy().astype(float)[None], tuple(map(str, rows)))  # fmt: skip

    def _heads(self, model: Transformer, task: RepeatedSubsequencesTask) -> Bars:
        scores = head_scores(model, Repeats.of(self.examples, task.scored_positions))
        layers, heads = scores.previous_token.shape
        names = tuple(f"{layer}.{head}" for layer in range(layers) for head in range(heads))
        series = {
            "previous token": scores.previous_token.flatten().tolist(),
            "prefix matching": scores.prefix_matching.flatten().tolist(),
            "copying": scores.copying.flatten().tolist(),
        }
        return _bars("scores", "What each head does", "head", "score", names, series)

    def _carries(self, model: Transformer, task: DigitAdditionTask) -> Bars:
        tokens = self.examples.tokens
        right = predictions(model, task, tokens) == answers(task, tokens)
        scores = scores_by_case(right, carry_cases(task, tokens))
        digits = range(task.n_digits, -1, -1)
        series = {
            CARRY_WORDS[case]: [float(scores.accuracy[k, case]) if scores.count[k, case] else np.nan for k in digits]
            for case in Carry
        }
        names = tuple(f"digit {k}" for k in digits)
        return _bars("carries", "Accuracy of each digit, by the carry that it needs", "", "accuracy", names, series)


def _trigrams(model: Transformer, task: SkipTrigramsTask) -> list[Picture]:
    if not is_readable(model):
        return []
    tables = readout(model, task)
    heads = range(len(tables.scores))
    tokens = tuple(token_names(task, torch.arange(task.d_vocab)))
    score = Bars("qk", "How much the query looks for each token", "token", "attention score", tokens,
                 tuple(f"head {head}" for head in heads), tables.scores.numpy().astype(float)[None])  # fmt: skip
    outputs = tables.outputs - tables.outputs.mean(2, keepdim=True)
    says = Maps("ov", "What attention to each token says", "answer", "token", "logit above the answers' mean",
                tuple(f"head {head}" for head in heads), "diverging", outputs.numpy().astype(float)[None], tokens,
                tuple(map(str, range(task.d_vocab_out))))  # fmt: skip
    return [score, says]


def _bars(name: str, title: str, xlabel: str, ylabel: str, labels: tuple[str, ...], series: dict) -> Bars:
    values = np.array([list(row) for row in series.values()], dtype=float)
    return Bars(name, title, xlabel, ylabel, labels, tuple(series), values[None])
