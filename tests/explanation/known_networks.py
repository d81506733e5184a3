"""Tasks and programs to plant."""

from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.explanation import Program
from grokscope.tasks import FiniteData, ModularConfig


def task_of(operation: str, p: int, *, equals_token: bool = True, table=None):
    config = ModularConfig(p=p, operation=operation, equals_token=equals_token, data=FiniteData(train_fraction=1))
    return config.build(artifacts=None if table is None else {"table": table})


def program_of(task, algorithm, frequencies, amplitudes=None):
    coordinates = find_coordinates(task.table)
    assert coordinates is not None
    amplitudes = amplitudes or tuple(20.0 - 2 * k for k in range(len(frequencies)))
    return Program(algorithm, tuple(frequencies), amplitudes, (0.0,) * len(frequencies), coordinates)
