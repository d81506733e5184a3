"""What a network on sequences looks like at a step of its training: attention, scores, the parts of its task."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from grokscope.analysis.fresh_examples import fresh_examples
from grokscope.analysis.sequences.attention_examples import example_attention
from grokscope.analysis.sequences.carries import CARRY_WORDS, Carry, answers, carry_cases, predictions, scores_by_case
from grokscope.analysis.sequences.induction import Repeats, head_scores
from grokscope.analysis.sequences.skip_trigrams import is_readable, readout
from grokscope.analysis.sequences.token_labels import token_labels
from grokscope.display import brief_repr
from grokscope.errors import NotApplicableError
from grokscope.models import MLP, Transformer, TransformerConfig
from grokscope.reports.replay.camera import Camera, replay_camera
from grokscope.reports.replay.frames import Bars, Frame, Maps, Picture, with_captions
from grokscope.tasks import DigitAdditionTask, Examples, RepeatedSubsequencesTask, SequenceTask, SkipTrigramsTask
from grokscope.training.evaluation import Evaluator

MOST_HEADS = 8
"""Heads of which patterns are shown."""
MOST_TRIGGERS = 12
"""Triggers of which an example is shown."""
MOST_ATTENTION = 4_000_000
"""Attention weights that the patterns of one example may take in all frames together."""

_CAPTIONS = {
    "patterns": "Where each head looks, from row to column, on the same tokens at every step.",
    "parts": "On the same fresh examples at every step.",
    "scores": "Attention to the previous token, attention to what followed the same token before, and how far the head "
    "raises the logit of what it attends to (−1 to 1).",
    "carries": "On the same fresh examples at every step. What needs a carry is learned after what needs none.",
    "qk": "The score of the query's attention for each token, wherever it stands: t are triggers, n is noise.",
    "ov": "What attention to each token adds to the logit of each answer: of a network that answers, a diagonal from "
    "the triggers to their answers.",
}  # fmt: skip
_WIDE = ("patterns", "ov", "parts", "carries")


@replay_camera.register
def induction_camera(task: RepeatedSubsequencesTask, model: Transformer | MLP, *, n_frames: int) -> Camera:
    """Return the camera of induction heads."""
    examples = fresh_examples(task, 32, seed=0)
    return _camera(SequenceCamera(task, examples, lambda model: [_heads(model, task, examples)]), model)


@replay_camera.register
def carries_camera(task: DigitAdditionTask, model: Transformer | MLP, *, n_frames: int) -> Camera:
    """Return the camera of carries."""
    examples = fresh_examples(task, 500, seed=0)
    return _camera(SequenceCamera(task, examples, lambda model: [_carries(model, task, examples)]), model)


@replay_camera.register
def trigrams_camera(task: SkipTrigramsTask, model: Transformer | MLP, *, n_frames: int) -> Camera:
    """Return the camera of the triggers that the query attends to."""
    camera = SequenceCamera(
        task,
        fresh_examples(task, 300, seed=0),
        lambda model: _trigrams(model, task),
        ("Attention of the query, an example for each trigger", "position", "trigger"),
        MOST_TRIGGERS,
    )
    return _camera(camera, model)


def _camera(camera: "SequenceCamera", model: Transformer | MLP) -> Camera:
    config = model.config
    if not isinstance(config, TransformerConfig):
        raise NotApplicableError(f"a replay of {camera.task.name} shows attention; a multilayer perceptron has none")
    weights = min(config.n_layers * config.n_heads, MOST_HEADS) * camera.task.n_ctx**2
    return Camera(camera.frame, max(2, MOST_ATTENTION // weights))


@dataclass(frozen=True, eq=False)
class SequenceCamera:
    """The examples that every frame looks at, and what is shown of them."""

    task: SequenceTask
    examples: Examples
    """Of the first of them, or the first with each trigger, attention is shown."""
    own: Callable[[Transformer], list[Picture]]
    """The pictures that only this task has."""
    words: tuple[str, str, str] = ("Attention in one example", "to the token", "from the token")
    """Of the attention patterns: title and labels of the axes."""
    most_rows: int | None = None
    """Of the attention patterns."""

    __repr__ = brief_repr

    def frame(self, model: Transformer | MLP) -> Frame:
        """Return the pictures of ``model``, a transformer."""
        assert isinstance(model, Transformer)
        parts = [self._parts(model)] if self.task.subtasks else []
        return with_captions((*parts, *self.own(model), self._patterns(model)), _CAPTIONS, wide=_WIDE)

    def _parts(self, model: Transformer) -> Bars:
        task = self.task
        score = Evaluator(model, self.examples, task.target_positions, len(task.subtasks))()
        names = tuple(part.replace("_", " ") for part in task.subtasks)
        return _bars(
            "parts", "Loss of each part, on fresh examples", "", "loss (nats)", names, {"loss": score.subtasks}
        )

    def _patterns(self, model: Transformer) -> Maps:
        attention = example_attention(model, self.task, self.examples)
        rows, columns = attention.rows[: self.most_rows], attention.columns
        title, xlabel, ylabel = self.words
        values = attention.patterns[:MOST_HEADS, : len(rows)].numpy().astype(float)
        heads = tuple(f"head {head}" for head in attention.heads[:MOST_HEADS])
        return Maps(
            "patterns", title, xlabel, ylabel, "attention", heads, "sequential", values[None], rows, columns
        )  # fmt: skip


def _heads(model: Transformer, task: RepeatedSubsequencesTask, examples: Examples) -> Bars:
    scores = head_scores(model, Repeats.of(examples, task.target_positions))
    layers, heads = scores.previous_token.shape
    names = tuple(f"{layer}.{head}" for layer in range(layers) for head in range(heads))
    series = {
        "previous token": scores.previous_token.flatten().tolist(),
        "prefix matching": scores.prefix_matching.flatten().tolist(),
        "copying": scores.copying.flatten().tolist(),
    }
    return _bars("scores", "What each head does", "head", "score", names, series)


def _carries(model: Transformer, task: DigitAdditionTask, examples: Examples) -> Bars:
    tokens = examples.tokens
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
    tokens = tuple(token_labels(task, torch.arange(task.d_vocab)))
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
