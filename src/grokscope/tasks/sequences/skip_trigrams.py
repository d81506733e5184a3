"""Skip trigrams: a trigger somewhere among noise decides what follows the last token."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field, StrictInt

from grokscope.tasks.examples import Examples
from grokscope.tasks.registry import register_task
from grokscope.tasks.sampling import FiniteSamples, InfiniteSamples, Sampled
from grokscope.tasks.sequences.config import SequenceTaskConfig
from grokscope.tasks.task import SequenceTask

BOS, QUERY = 0, 1
"""The first token of every sequence, and the last, at which the answer is read."""


class FiniteTrigrams(FiniteSamples):
    """Distinct sequences to train on again and again, and others to test on."""


class InfiniteTrigrams(InfiniteSamples):
    """Sequences drawn afresh for every step, none of them in the test set."""

    batch_size: StrictInt = Field(default=256, ge=1, description="sequences in a step")


@register_task
class SkipTrigramsConfig(SequenceTaskConfig):
    """Trigger … query → answer, with one trigger at a random place among random tokens."""

    kind: Literal["skip-trigrams"] = "skip-trigrams"
    length: StrictInt = Field(default=40, ge=1, le=4000, description="tokens between the first and the query")
    n_background: StrictInt = Field(default=10, ge=1, le=10_000, description="tokens that mean nothing")
    n_triggers: StrictInt = Field(default=10, ge=2, le=1000, description="triggers, each with an answer of its own")
    data: Annotated[FiniteTrigrams | InfiniteTrigrams, Field(discriminator="kind")] = InfiniteTrigrams()

    @property
    def summary(self) -> str:
        """What is learned, for people."""
        return f"skip trigrams with {self.n_triggers} triggers among {self.length} tokens, {self.data.summary}"

    @property
    def n_possible(self) -> int:
        """How many different examples there are."""
        return self.n_background ** (self.length - 1) * self.length * self.n_triggers

    def draw(self, size: int, generator: torch.Generator) -> Examples:
        """Return ``size`` examples drawn at random."""
        return draw_trigrams(self, size, generator)

    def task(self, data: Sampled) -> "SkipTrigramsTask":
        """Return the task with these data."""
        return SkipTrigramsTask(
            name=self.summary,
            d_vocab=2 + self.n_background + self.n_triggers,
            d_vocab_out=self.n_triggers,
            n_ctx=self.length + 2,
            target_positions=(self.length + 1,),
            train=data.train,
            test=data.test,
            batches=data.batches,
            chance_loss=math.log(self.n_triggers),
            subtasks=tuple(f"trigger_{answer}" for answer in range(self.n_triggers)),
            subtask_chance_losses=(math.log(self.n_triggers),) * self.n_triggers,
            config=self,
        )


@dataclass(frozen=True, eq=False, repr=False)
class SkipTrigramsTask(SequenceTask):
    """Answer ``m`` follows the query if trigger ``m`` has occurred."""

    config: SkipTrigramsConfig

    @property
    def triggers(self) -> range:
        """The trigger tokens, in the order of their answers."""
        first = 2 + self.config.n_background
        return range(first, first + self.config.n_triggers)

    @property
    def background(self) -> range:
        """The tokens that mean nothing."""
        return range(2, 2 + self.config.n_background)

    def draw(self, size: int, generator: torch.Generator) -> Examples:
        """Return ``size`` fresh sequences."""
        return draw_trigrams(self.config, size, generator)


def draw_trigrams(config: SkipTrigramsConfig, size: int, generator: torch.Generator) -> Examples:
    """Return ``size`` sequences: token 0, background tokens with one trigger at a random place, token 1.

    Source: Nanda & Lieberum (2022), "skip trigrams".
    """
    first = 2 + config.n_background
    tokens = torch.randint(2, first, (size, config.length + 2), generator=generator)
    answers = torch.randint(config.n_triggers, (size, 1), generator=generator)
    places = 1 + torch.randint(config.length, (size, 1), generator=generator)
    tokens.scatter_(1, places, first + answers)
    tokens[:, 0], tokens[:, -1] = BOS, QUERY
    return Examples(tokens, answers, answers)
