"""The kinds of task, by name: the package's own, and those that a user's file registers."""

from typing import Annotated, TypeVar

from pydantic import BeforeValidator, SerializeAsAny

from grokscope.registry import Registry, by_kind
from grokscope.tasks.config import TaskConfig

PAPERS = "modular"
"""The kind of a task whose settings name none, which is that of the paper's mainline network."""

TASKS = Registry[type[TaskConfig]]("task", "; name the file that registers another kind with --plugin FILE")

Kind = TypeVar("Kind", bound=TaskConfig)


def register_task(config: type[Kind]) -> type[Kind]:
    """Register a family's settings under the default of their field ``kind``; use it as a decorator.

    Raises:
        ConfigError: another family has that kind.

    Example:
        >>> @register_task
        ... class ParityConfig(TaskConfig):
        ...     kind: Literal["parity"] = "parity"
    """
    TASKS.add(config.model_fields["kind"].default, config)
    return config


AnyTaskConfig = Annotated[SerializeAsAny[TaskConfig], BeforeValidator(by_kind(TASKS, default=PAPERS))]
"""A field that holds the settings of any registered kind of task."""


def papers_task() -> TaskConfig:
    """Return the settings of the paper's mainline task."""
    return TASKS[PAPERS]()  # pyright: ignore[reportCallIssue]: every kind has its default
