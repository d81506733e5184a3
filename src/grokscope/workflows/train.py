"""From a name to a trained network."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from os import PathLike
from pathlib import Path
from typing import Any

from grokscope.errors import ConfigError
from grokscope.progress import Progress, displayed
from grokscope.recipe import experiment_called
from grokscope.run import Execution, Experiment, Run, record_run
from grokscope.run.folder import RunFolder
from grokscope.run.metrics import Row
from grokscope.run.recording.writer import Observer, OnRow
from grokscope.workflows.pace import Pace


def train(
    experiment: str | PathLike[str] | Experiment,
    *,
    seed: int | None = None,
    settings: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    execution: Execution | None = None,
    progress: bool = True,
    tensorboard: bool = False,
    observers: Sequence[Observer] = (),
) -> Run:
    """Train a network, keep everything, and return the run.

    Args:
        experiment: a recipe's name (``grokscope recipes`` lists them), the YAML file of an experiment, or an
            :class:`Experiment`.
        seed: sets all four seeds: initial weights, split, data and noise.
        settings: changes to the experiment by dotted name, for example ``{"model.d_mlp": 256}``.
        out: the run's folder; by default ``runs/NAME``, with what was changed behind it.
        resume: go on with the run in that folder, to the same bits as if it had never stopped.
        execution: device, threads and compilation.
        progress: show a live display on standard error.
        tensorboard: write the metrics as TensorBoard events too, into the run's folder; needs the extra
            ``grokscope[tensorboard]``.
        observers: each is called as ``observer(run, step, model)`` at every checkpoint, once it is on disk, with a copy
            of the network at that step.

    Raises:
        ConfigError: an unknown name or an impossible value, or TensorBoard is not installed.
        RunError: the folder is taken or cannot be written.
        DivergenceError: the loss stopped being a finite number.
        ObserverError: an observer raised an error, which is the cause; the run is kept up to that step.

    Example:
        >>> run = train("fast", seed=1)
        >>> run.metrics.plot(x="step", y=["train_loss", "test_loss"], logy=True)
        >>> run.model(step=100)  # the network after 100 updates
        >>> norms = {}
        >>> train("fast", seed=2, observers=[lambda run, step, model: norms.update({step: float(model.W_U.norm())})])
    """
    base = experiment if isinstance(experiment, Experiment) else experiment_called(experiment)
    changes = dict(settings or {})
    if seed is not None:
        changes["seed"] = seed
    chosen = base.override(changes, note=_print_note if progress else lambda text: None)
    folder = Path(out) if out is not None else default_folder(base, chosen)
    with ExitStack() as stack:
        takers: list[OnRow] = []
        if tensorboard:
            takers.append(stack.enter_context(_tensorboard_events()(RunFolder(folder), chosen)))
        if progress:
            takers.append(_advancing(stack.enter_context(displayed()), chosen))

        def to_each(row: Row) -> None:
            for take in takers:
                take(row)

        return record_run(chosen, folder, execution=execution, resume=resume, on_row=to_each, observers=observers)


def _print_note(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201


def _advancing(progress: Progress, experiment: Experiment) -> OnRow:
    """Return a function that shows each row of metrics; of a resumed run, the first is where it continues."""
    progress.start(experiment.stop.steps, experiment.name)
    last, pace = 0, Pace()

    def show(row: Row) -> None:
        nonlocal last
        progress.advance(row.step - last, row.summary())
        last = row.step
        slower = pace.at(row.step)
        if slower:
            _print_note(slower)

    return show


def _tensorboard_events() -> Callable[[RunFolder, Experiment], AbstractContextManager[OnRow]]:
    try:
        from grokscope.run.recording.tensorboard import tensorboard_events  # only now: it needs an extra
    except ImportError as error:
        raise ConfigError(
            f"TensorBoard is not installed ({error}); install it with: pip install 'grokscope[tensorboard]'"
        ) from error
    return tensorboard_events


def default_folder(base: Experiment, chosen: Experiment) -> Path:
    """Return where a run goes that was given no folder: ``runs/NAME``, then what was changed, but for when to stop.

    Example:
        >>> default_folder(fast, fast.override({"seed": 1, "task.p": 59}))
        PosixPath('runs/fast-p59-seed1')
    """
    differing = base.differences(chosen)
    changes = {name: there for name, (_, there) in differing.items() if not name.startswith(("stop.", "description"))}
    seeds = set(chosen.seeds.model_dump().values())
    parts = [f"{name.rpartition('.')[2]}{value}" for name, value in changes.items() if not name.startswith("seeds.")]
    if len(seeds) == 1 and chosen.seeds != base.seeds:
        parts.append(f"seed{seeds.pop()}")
    else:
        parts += [f"{name.rpartition('.')[2]}{value}" for name, value in changes.items() if name.startswith("seeds.")]
    return Path("runs") / "-".join([chosen.name, *(re.sub(r"[^A-Za-z0-9._]+", "_", part) for part in parts)])[:120]
