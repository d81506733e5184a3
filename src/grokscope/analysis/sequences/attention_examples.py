"""Where the heads of a network on sequences look, on examples with names for their tokens."""

from dataclasses import dataclass
from functools import singledispatch

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from grokscope.analysis.sequences.heads import patterns
from grokscope.analysis.sequences.token_labels import token_labels
from grokscope.display import brief_repr
from grokscope.errors import NotApplicableError
from grokscope.models import MLP, Transformer
from grokscope.tasks import Examples, SequenceTask, SkipTrigramsTask
from grokscope.tasks.examples import NO_TARGET


@dataclass(frozen=True, eq=False)
class ExampleAttention:
    """Every head's attention, from rows to columns."""

    heads: tuple[str, ...]
    """``layer.head``"""
    patterns: Float[Tensor, "head row column"]
    rows: tuple[str, ...]
    """What looks: the tokens of one example, or the trigger of each of several, of which the last token looks."""
    columns: tuple[str, ...]
    """What is looked at: the tokens of the example, or positions where there are several."""
    answered: Bool[Tensor, " row"]
    """From which rows an answer is read."""
    wanted: Bool[Tensor, "row column"]
    """What is known to be of use to a row's answer: a trigger. Nothing, where the rows are one example."""

    __repr__ = brief_repr


def example_attention(model: Transformer | MLP, task: SequenceTask, examples: Examples) -> ExampleAttention:
    """Return every head's attention on the first of ``examples``, from each token to each.

    Of skip trigrams only the last token's attention is ever used. So there it is that of the query, with a row for
    each trigger: the first of ``examples`` that has it.

    Raises:
        NotApplicableError: the network has no attention.
    """
    if not isinstance(model, Transformer):
        raise NotApplicableError("the network has no attention to draw")
    return _attention(task, model, examples)


@singledispatch
def _attention(task: SequenceTask, model: Transformer, examples: Examples) -> ExampleAttention:
    tokens = examples.tokens[:1]
    names = token_labels(task, tokens[0])
    answered = torch.zeros(task.n_ctx, dtype=torch.bool)
    answered[list(task.target_positions)] = examples.targets[0] != NO_TARGET
    found = torch.cat([pattern[0] for pattern in patterns(model, tokens)])
    return ExampleAttention(_heads(model), found, names, names, answered, torch.zeros(found.shape[1:]).bool())


@_attention.register
def _(task: SkipTrigramsTask, model: Transformer, examples: Examples) -> ExampleAttention:
    targets = examples.targets.flatten().tolist()
    chosen: dict[int, int] = {answer: targets.index(answer) for answer in sorted(set(targets))}
    tokens = examples.tokens[list(chosen.values())]
    found = torch.cat([pattern[:, :, -1] for pattern in patterns(model, tokens)], dim=1).transpose(0, 1)
    triggers = torch.tensor([task.triggers[answer] for answer in chosen])
    return ExampleAttention(
        heads=_heads(model),
        patterns=found,
        rows=token_labels(task, triggers),
        columns=tuple(map(str, range(task.n_ctx))),
        answered=torch.ones(len(chosen), dtype=torch.bool),
        wanted=tokens == triggers.unsqueeze(1),
    )


def _heads(model: Transformer) -> tuple[str, ...]:
    config = model.config
    return tuple(f"{layer}.{head}" for layer in range(config.n_layers) for head in range(config.n_heads))
