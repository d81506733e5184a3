"""Networks with a known answer, as subjects."""

import pytest

from grokscope.analysis.coordinates import find_coordinates
from grokscope.explain import Program, Subject
from grokscope.explain.planting import plant
from grokscope.models import MLPConfig, TransformerConfig
from grokscope.tasks import FiniteData, ModularConfig
from grokscope.tasks.modular import modular_task


def task_of(operation: str, p: int, *, equals_token: bool = True, table=None):
    config = ModularConfig(p=p, operation=operation, equals_token=equals_token, data=FiniteData(train_fraction=1))
    return modular_task(config, table=table)


def program_of(task, algorithm, frequencies, amplitudes=None):
    coordinates = find_coordinates(task.table)
    assert coordinates is not None
    amplitudes = amplitudes or tuple(20.0 - 2 * k for k in range(len(frequencies)))
    return Program(algorithm, tuple(frequencies), amplitudes, (0.0,) * len(frequencies), coordinates)


@pytest.fixture
def planted():
    """Return a subject that computes a program, and the program."""

    def make(algorithm, operation, p, frequencies, config: TransformerConfig | MLPConfig | None = None, **changes):
        config = config or TransformerConfig(**changes)
        task = task_of(operation, p, equals_token=isinstance(config, TransformerConfig))
        program = program_of(task, algorithm, frequencies)
        network = plant(program, config, equals_token=task.equals_token)
        return Subject("planted", network, task, operation), program

    return make
