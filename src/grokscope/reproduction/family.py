"""What of a run's last network is compared, which depends on the family of its task: each registers its own."""

from functools import singledispatch

from grokscope.reproduction.measurement import Measured
from grokscope.run import Run
from grokscope.tasks import Task


@singledispatch
def with_network(task: Task, measured: Measured, run: Run) -> Measured:
    """Return what is compared of ``run``, with what the family measures of its last network."""
    return measured
