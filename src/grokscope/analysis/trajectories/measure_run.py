"""Every measure at every checkpoint of a run."""

from collections.abc import Callable, Sequence

import pandas as pd

from grokscope.analysis.binary.all_pairs import train_mask
from grokscope.analysis.modular.key_frequencies import network_key_frequencies
from grokscope.analysis.modular.measures import coordinates_of, measure
from grokscope.analysis.sequences.measures import measure_sequences
from grokscope.errors import ConfigError, RunError
from grokscope.models import MLP, Transformer
from grokscope.run import Run
from grokscope.run.parallel import map_checkpoints
from grokscope.tasks import SequenceTask, require_modular


def measure_run(
    run: Run,
    *,
    frequencies: Sequence[int] | None = None,
    every: int | None = None,
    advance: Callable[[int], None] = lambda step: None,
) -> pd.DataFrame:
    """Return every measure of every checkpoint, one row a step.

    See :func:`grokscope.analysis.modular.measures.measure` for modular arithmetic, and
    :func:`grokscope.analysis.sequences.measures.measure_sequences` for the other tasks.

    Args:
        run: its checkpoints are measured, as many at once as there are threads.
        frequencies: the key frequencies, of modular arithmetic [the candidates of the last checkpoint].
        every: measure only checkpoints whose step is a multiple of this, and the last.
        advance: is called with each step that is done.

    Raises:
        ConfigError: the last network has no key frequencies, and none are given; or there is no such operation.
        RunError: there are no checkpoints.
    """
    task = run.task
    steps = chosen_steps(run, every)
    if isinstance(task, SequenceTask):
        if frequencies is not None:
            raise ConfigError(f"{run.path} was trained on {task.name}, which has no key frequencies; leave them out")
        return _rows(run, steps, advance, lambda model: measure_sequences(model, task))
    task = require_modular(task, "measuring")
    coordinates_of(task)
    if frequencies is None:
        keys = network_key_frequencies(run.model(steps[-1]), task)
        frequencies = keys.candidates
        if not frequencies:
            raise ConfigError(
                f"the network of {run.path} at step {steps[-1]} has no key frequencies ({keys.reason}), and without "
                f"them the progress measures are not defined; name some with --frequencies"
            )
    keys, mask = frequencies, train_mask(task)
    return _rows(run, steps, advance, lambda model: measure(model, task, keys, mask))


def _rows(
    run: Run,
    steps: Sequence[int],
    advance: Callable[[int], None],
    measured: Callable[[Transformer | MLP], dict[str, float]],
) -> pd.DataFrame:
    def look(step: int) -> dict[str, float | int]:
        return {"step": step, **measured(run.model(step))}

    return pd.DataFrame(map_checkpoints(steps, look, run.task, advance))


def chosen_steps(run: Run, every: int | None = None) -> list[int]:
    """Return the checkpoints at multiples of ``every`` and the last one; all if None.

    Raises:
        ConfigError: ``every`` is below 1.
        RunError: there are no checkpoints.
    """
    if every is not None and every < 1:
        raise ConfigError(f"every: expected a number of steps from 1 up, got {every}")
    steps = run.steps
    if not steps:
        raise RunError(f"{run.path} has no checkpoints to measure")
    return steps if every is None else sorted({step for step in steps if step % every == 0} | {steps[-1]})
