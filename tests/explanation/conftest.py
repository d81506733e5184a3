"""Networks with a known answer, as subjects."""

import pytest
from known_networks import program_of, task_of

from grokscope.explanation import Subject
from grokscope.explanation.synthetic.planted import plant
from grokscope.models import MLPConfig, TransformerConfig


@pytest.fixture
def planted():
    """Return a subject that computes a program, and the program."""

    def make(algorithm, operation, p, frequencies, config: TransformerConfig | MLPConfig | None = None, **changes):
        config = config or TransformerConfig(**changes)
        task = task_of(operation, p, equals_token=isinstance(config, TransformerConfig))
        program = program_of(task, algorithm, frequencies)
        network = plant(program, config, equals_token=task.equals_token)
        return Subject("planted", network, task), program

    return make
