"""Random sequences in which a subsequence comes again: what induction heads are for."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import torch
from jaxtyping import Int
from pydantic import Field, StrictInt, model_validator
from torch import Tensor

from grokscope.tasks.examples import NO_TARGET, Examples
from grokscope.tasks.registry import register_task
from grokscope.tasks.sampling import FiniteSamples, InfiniteSamples, Sampled
from grokscope.tasks.sequences.config import SequenceTaskConfig
from grokscope.tasks.task import SequenceTask

BOS = 0
"""The token that begins every sequence."""


class FiniteSequences(FiniteSamples):
    """Distinct sequences to train on again and again, and others to test on."""

    test_size: StrictInt = Field(default=640, ge=1, description="sequences that are tested on, none of them trained on")
    batch_size: StrictInt | None = Field(
        default=128, ge=1, description="sequences in a step; null trains on all of them at once"
    )


class InfiniteSequences(InfiniteSamples):
    """Sequences drawn afresh for every step, none of them in the test set."""

    test_size: StrictInt = Field(default=640, ge=1, description="sequences that are tested on, none of them trained on")


@register_task
class RepeatedSubsequencesConfig(SequenceTaskConfig):
    """A random subsequence that stands once, at a random place, in each of several intervals of random tokens."""

    kind: Literal["repeated-subsequences"] = "repeated-subsequences"
    d_vocab: StrictInt = Field(
        default=128, ge=3, le=10_000, description="tokens; 0 begins a sequence, the rest fill it"
    )
    interval: StrictInt = Field(default=28, ge=2, le=500, description="tokens in each interval")
    subsequence_length: StrictInt = Field(default=16, ge=2, description="tokens that are repeated")
    n_repeats: StrictInt = Field(default=3, ge=2, le=16, description="intervals, each with the subsequence once")
    data: Annotated[FiniteSequences | InfiniteSequences, Field(discriminator="kind")] = InfiniteSequences()

    @model_validator(mode="after")
    def _fits(self) -> "RepeatedSubsequencesConfig":
        if self.subsequence_length > self.interval:
            raise ValueError(
                f"a subsequence of {self.subsequence_length} tokens does not fit into an interval of {self.interval}; "
                f"lower subsequence_length or raise interval"
            )
        return self

    @property
    def n_ctx(self) -> int:
        """Tokens in a sequence."""
        return 1 + self.n_repeats * self.interval

    @property
    def summary(self) -> str:
        """What is learned, for people."""
        return f"{self.subsequence_length} tokens repeated {self.n_repeats} times, {self.data.summary}"

    @property
    def n_possible(self) -> int:
        """How many different examples there are."""
        return (self.d_vocab - 1) ** self.interval

    def draw(self, size: int, generator: torch.Generator) -> Examples:
        """Return ``size`` examples drawn at random."""
        return draw_repeated(self, size, generator).examples

    def task(self, data: Sampled) -> "RepeatedSubsequencesTask":
        """Return the task with these data."""
        return RepeatedSubsequencesTask(
            name=self.summary,
            d_vocab=self.d_vocab,
            d_vocab_out=self.d_vocab,
            n_ctx=self.n_ctx,
            target_positions=tuple(_scored_positions(self)),
            train=data.train,
            test=data.test,
            batches=data.batches,
            chance_loss=math.log(self.d_vocab - 1),
            subtasks=tuple(f"repeat_{repeat}" for repeat in range(2, self.n_repeats + 1)),
            subtask_chance_losses=(math.log(self.d_vocab - 1),) * (self.n_repeats - 1),
            config=self,
        )


class Repeated(NamedTuple):
    """Sequences, and where the subsequence stands in them."""

    examples: Examples
    starts: Int[Tensor, "example n_repeats"]
    """The position of the subsequence's first token in each interval."""


@dataclass(frozen=True, eq=False, repr=False)
class RepeatedSubsequencesTask(SequenceTask):
    """In the second interval and later, each token of the subsequence but the first is predicted."""

    config: RepeatedSubsequencesConfig

    def draw(self, size: int, generator: torch.Generator) -> Examples:
        """Return ``size`` fresh sequences."""
        return draw_repeated(self.config, size, generator).examples


def _scored_positions(config: RepeatedSubsequencesConfig) -> list[int]:
    """Return every position at which, in some sequence, the next token is predicted."""
    return [
        1 + repeat * config.interval + offset
        for repeat in range(1, config.n_repeats)
        for offset in range(config.interval - 1)
    ]


def draw_repeated(config: RepeatedSubsequencesConfig, size: int, generator: torch.Generator) -> Repeated:
    """Return ``size`` sequences: token 0, then uniform tokens, one subsequence of which stands in every interval.

    The authors place it at 1 + interval·i + uniform{0 … interval − length}; what is copied is what stands there in
    the first interval. Targets is the prediction of its tokens from the second on, after one of them has been seen.
    Source: Nanda & Lieberum (2022), "repeated subsequences".
    """
    length, interval, n = config.subsequence_length, config.interval, config.n_repeats
    tokens = torch.randint(1, config.d_vocab, (size, config.n_ctx), generator=generator)
    tokens[:, 0] = BOS
    offsets = torch.randint(interval - length + 1, (size, n), generator=generator)
    starts = 1 + interval * torch.arange(n) + offsets
    places = starts.unsqueeze(2) + torch.arange(length)
    copied = tokens.gather(1, places[:, 0])
    targets = torch.full_like(tokens, NO_TARGET)
    for repeat in range(1, n):
        tokens.scatter_(1, places[:, repeat], copied)
        targets.scatter_(1, places[:, repeat, :-1], copied[:, 1:])
    scored = torch.tensor(_scored_positions(config))
    subtasks = ((scored - 1) // interval - 1).repeat(size, 1)
    return Repeated(Examples(tokens, targets.index_select(1, scored), subtasks), starts)
