"""Arithmetic modulo p on pairs of tokens, the task of every published grokking experiment."""

import math
import random
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from jaxtyping import Int
from pydantic import Field, StrictInt, field_validator, model_validator
from torch import Tensor

from grokscope.config import Config
from grokscope.errors import ConfigError
from grokscope.tasks.batches import FullBatch, MiniBatches, Stream
from grokscope.tasks.examples import Examples
from grokscope.tasks.modular.operations import (
    NAMED,
    RANDOM,
    compile_expression,
    is_file_function,
    operation_table,
)
from grokscope.tasks.task import Task


class FiniteData(Config):
    """A random share of the p² pairs to train on; the rest is the test set."""

    kind: Literal["finite"] = "finite"
    train_fraction: float = Field(
        default=0.3, gt=0, le=1, description="share of all pairs that is trained on; 1 leaves no test set"
    )
    batch_size: StrictInt | None = Field(
        default=None, ge=1, description="pairs in a step; null trains on all of them at once"
    )

    @property
    def summary(self) -> str:
        """The amount of data, for people."""
        return f"{self.train_fraction:.4g} of the pairs"


class InfiniteData(Config):
    """Pairs drawn afresh for every step, with replacement; all p² pairs are the test set."""

    kind: Literal["infinite"] = "infinite"
    batch_size: StrictInt = Field(default=1024, ge=1, description="pairs in a step")

    @property
    def summary(self) -> str:
        """The amount of data, for people."""
        return "infinite data"


class ModularConfig(Config):
    """An operation on two residues modulo p."""

    kind: Literal["modular"] = "modular"
    p: StrictInt = Field(default=113, ge=2, le=997, description="the modulus")
    operation: str = Field(
        default="add",
        description=f"{', '.join([*NAMED, RANDOM])}; an expression in a, b, p like 'a**3 + 2*a*b'; or file.py:function",
    )
    equals_token: bool = Field(default=True, description="append the token '=', at whose position the answer is read")
    data: Annotated[FiniteData | InfiniteData, Field(discriminator="kind")] = FiniteData()

    @field_validator("operation")
    @classmethod
    def _known_operation(cls, operation: str) -> str:
        if operation not in NAMED and operation != RANDOM and not is_file_function(operation):
            try:
                compile_expression(operation)
            except ConfigError as error:
                raise ValueError(str(error)) from error
        return operation

    @model_validator(mode="after")
    def _data_left(self) -> "ModularConfig":
        if isinstance(self.data, FiniteData):
            n_pairs, fraction = self.p**2, self.data.train_fraction
            n_train = int(fraction * n_pairs)
            if n_train < 1:
                raise ValueError(
                    f"train_fraction {fraction} of the {n_pairs} pairs of p = {self.p} leaves nothing to train on; "
                    f"use at least {1 / n_pairs:.2g}"
                )
        return self

    @property
    def summary(self) -> str:
        """What is learned, for people: ``add mod 113, 0.3 of the pairs``."""
        return f"{self.operation} mod {self.p}, {self.data.summary}"


@dataclass(frozen=True, eq=False, repr=False)
class ModularTask(Task):
    """A modular operation with its ground truth: the whole table of answers."""

    p: int
    table: Int[Tensor, "p p"]
    """``table[a, b]``: the right answer to the pair (a, b)."""
    equals_token: bool
    operation: str
    """As :attr:`ModularConfig.operation`."""

    @property
    def all_pairs(self) -> Examples:
        """All p² inputs in lexicographic order: example ``a * p + b`` is the pair (a, b)."""
        return _examples(
            torch.cartesian_prod(torch.arange(self.p), torch.arange(self.p)), self.table, self.equals_token
        )


def _examples(pairs: Int[Tensor, "example 2"], table: Int[Tensor, "p p"], equals_token: bool) -> Examples:
    tokens = pairs
    if equals_token:
        tokens = torch.cat([pairs, torch.full_like(pairs[:, :1], table.shape[0])], dim=1)
    return Examples(tokens.contiguous(), table[pairs[:, 0], pairs[:, 1]].unsqueeze(1))


def split_pairs(p: int, train_fraction: float, seed: int) -> tuple[Int[Tensor, "train 2"], Int[Tensor, "test 2"]]:
    """Return the training and the test pairs, exactly as the authors' code chooses them.

    All p² pairs in lexicographic order, shuffled by ``random.Random(seed)``; the first
    ``int(train_fraction * p**2)`` are trained on (reference: Nanda & Lieberum 2022, published code).
    """
    pairs = [(a, b) for a in range(p) for b in range(p)]
    random.Random(seed).shuffle(pairs)
    n_train = int(train_fraction * len(pairs))
    shuffled = torch.tensor(pairs)
    return shuffled[:n_train], shuffled[n_train:]


def modular_task(
    config: ModularConfig, *, split_seed: int = 0, data_seed: int = 0, table: Int[Tensor, "p p"] | None = None
) -> ModularTask:
    """Return the task that ``config`` describes.

    Args:
        config: operation, modulus and data.
        split_seed: chooses the training pairs.
        data_seed: draws batches, and the labels of the operation ``"random"``.
        table: the answers, where they are already known (a stored run); computed otherwise.
    """
    p, data = config.p, config.data
    if table is None:
        table = operation_table(config.operation, p, data_seed)
    equals = config.equals_token
    every_pair = torch.cartesian_prod(torch.arange(p), torch.arange(p))
    if isinstance(data, InfiniteData):
        everything = _examples(every_pair, table, equals)

        def draw(size: int, generator: torch.Generator) -> Examples:
            return everything.select(torch.randint(p * p, (size,), generator=generator))

        train, test, batches = None, everything, Stream(draw, data.batch_size, data_seed)
    else:
        train_pairs, test_pairs = split_pairs(p, data.train_fraction, split_seed)
        train = _examples(train_pairs, table, equals)
        test = _examples(test_pairs, table, equals) if len(test_pairs) else None
        whole = data.batch_size is None or data.batch_size >= len(train)
        batches = FullBatch(train) if whole else MiniBatches(train, data.batch_size or 1, data_seed)
    return ModularTask(
        name=f"{config.operation} mod {p}",
        d_vocab=p + equals,
        # the published networks have a logit for '=' too, and it takes part in their loss
        d_vocab_out=p + equals,
        n_ctx=2 + equals,
        target_positions=(1 + equals,),
        train=train,
        test=test,
        batches=batches,
        chance_loss=math.log(p),
        subtasks=(),
        subtask_chance_losses=(),
        p=p,
        table=table,
        equals_token=equals,
        operation=config.operation,
    )


def require_modular(task: Task, what: str) -> ModularTask:
    """Return ``task`` if it is modular arithmetic.

    Raises:
        ConfigError: it is another task, for which there is no such thing as ``what``.
    """
    if not isinstance(task, ModularTask):
        raise ConfigError(f"{what} needs a network that does modular arithmetic; this one was trained on {task.name}")
    return task
