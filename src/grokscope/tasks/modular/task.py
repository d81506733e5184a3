"""Arithmetic modulo p on pairs of tokens, the task of every published grokking experiment."""

from dataclasses import dataclass

from torch import Tensor

from grokscope.errors import NotApplicableError
from grokscope.tasks.binary.task import BinaryOperationTask
from grokscope.tasks.modular.operations import is_file_function
from grokscope.tasks.task import Task


@dataclass(frozen=True, eq=False, repr=False)
class ModularTask(BinaryOperationTask):
    """An operation on two residues modulo p."""

    operation: str
    """As :func:`grokscope.tasks.modular.operations.operation_table` takes it."""

    @property
    def p(self) -> int:
        """The modulus."""
        return self.n

    def artifacts(self) -> dict[str, Tensor]:
        """Return the table of an operation from the user's own file, which may change."""
        return {"table": self.table} if is_file_function(self.operation) else {}


def require_modular(task: Task, what: str) -> ModularTask:
    """Return ``task`` if it is modular arithmetic.

    Raises:
        NotApplicableError: it is another task, for which there is no such thing as ``what``.
    """
    if not isinstance(task, ModularTask):
        raise NotApplicableError(
            f"{what} needs a network that does modular arithmetic; this one was trained on {task.name}"
        )
    return task
