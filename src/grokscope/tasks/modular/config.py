"""The settings of arithmetic modulo p."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, StrictInt, field_validator, model_validator
from torch import Tensor

from grokscope.errors import ConfigError
from grokscope.tasks.binary.config import EqualsToken, FiniteData, PairData, check_test_pairs
from grokscope.tasks.config import TaskConfig
from grokscope.tasks.modular.operations import NAMED, RANDOM, compile_expression, is_file_function, operation_table
from grokscope.tasks.modular.task import ModularTask
from grokscope.tasks.registry import register_task


@register_task
class ModularConfig(TaskConfig):
    """An operation on two residues modulo p."""

    kind: Literal["modular"] = "modular"
    p: StrictInt = Field(default=113, ge=2, le=997, description="the modulus")
    operation: str = Field(
        default="add",
        description=f"{', '.join([*NAMED, RANDOM])}; an expression in a, b, p like 'a**3 + 2*a*b'; or file.py:function",
    )
    equals_token: EqualsToken = True
    data: PairData = FiniteData()

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
            self.data.n_train(self.p**2)
        return self

    @property
    def summary(self) -> str:
        """What is learned, for people: ``add mod 113, 0.3 of the pairs``."""
        return f"{self.operation} mod {self.p}, {self.data.summary}"

    def build(
        self, *, split_seed: int = 0, data_seed: int = 0, artifacts: Mapping[str, Tensor] | None = None
    ) -> ModularTask:
        """Return the task that these settings describe.

        Args:
            split_seed: chooses the training pairs.
            data_seed: draws batches, and the labels of the operation ``"random"``.
            artifacts: ``{"table": answers}`` where they are already known (a stored run); computed otherwise.
        """
        return ModularTask.of_table(
            artifacts["table"] if artifacts else operation_table(self.operation, self.p, data_seed),
            self.data,
            name=f"{self.operation} mod {self.p}",
            equals_token=self.equals_token,
            split_seed=split_seed,
            data_seed=data_seed,
            operation=self.operation,
        )

    def check_stop(self, *, tested: bool) -> None:
        """Raise ValueError if a rule needs a test set and there is none."""
        if tested:
            check_test_pairs(self.data, self.p**2)
