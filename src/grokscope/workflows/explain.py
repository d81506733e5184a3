"""``gs.explain``: what a network computes, with the evidence."""

import os
from collections.abc import Sequence
from typing import Any, overload

from grokscope.errors import ConfigError
from grokscope.explanation import Explanation, Subject, Timeline, explain_over_training, open_subject, subject_of_run
from grokscope.explanation import explain as explain_subject
from grokscope.progress import SILENT, Progress
from grokscope.run import Run
from grokscope.workflows.opening import is_file_of_weights, open_run, refuse_settings


@overload
def explain(
    subject: str | os.PathLike[str] | Run,
    *,
    step: int | None = None,
    every: None = None,
    frequencies: Sequence[int] | None = None,
    p: int | None = None,
    operation: str | None = None,
    index: int | None = None,
    seed: int = 0,
    progress: Progress = ...,
    **settings: Any,
) -> Explanation: ...
@overload
def explain(
    subject: str | os.PathLike[str] | Run,
    *,
    every: int,
    frequencies: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = ...,
) -> Timeline: ...
def explain(
    subject: str | os.PathLike[str] | Run,
    *,
    step: int | None = None,
    every: int | None = None,
    frequencies: Sequence[int] | None = None,
    p: int | None = None,
    operation: str | None = None,
    index: int | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
    **settings: Any,
) -> Explanation | Timeline:
    """Return what a network computes: claims tested by interventions and against controls, and the verdict.

    Args:
        subject: a run (its name, path, or the run itself), or a file of weights that somebody else trained.
        step: the run's checkpoint [the last].
        every: explain the run's checkpoints at multiples of this step, and return when each claim became true.
        frequencies: the key frequencies to claim, of modular arithmetic [read off the network].
        p: a file's modulus, where shapes do not show it.
        operation: what a file's network computes [inferred from its answers].
        index: which network of a file that has a list of them [the last].
        seed: draws the controls, and fresh examples.
        progress: shows what is being done.
        **settings: what a file's weights do not show, for example ``attention_coefficient=0``.

    Raises:
        RunError: there is no such run, or it is damaged.
        CheckpointError: the file cannot be read, or is not a network known here.
        ConfigError: a setting is wrong, or does not apply to a run.

    Example:
        >>> gs.explain("runs/mainline", step=9000).verdict
        >>> gs.explain("their.pth", operation="add").claims
    """
    if is_file_of_weights(subject):
        if step is not None or every is not None:
            raise ConfigError(f"{subject} is one network, without steps; leave step and every out")
        opened = open_subject(subject, p=p, operation=operation, index=index, **settings)
        return explain_subject(opened, frequencies=frequencies, seed=seed, progress=progress)
    refuse_settings(subject, {"p": p, "operation": operation, "index": index, **settings})
    run = open_run(subject)
    if every is not None:
        if step is not None:
            raise ConfigError("every looks at many steps and step at one; give one of them")
        return explain_over_training(run, every=every, frequencies=frequencies, seed=seed, progress=progress)
    of_run: Subject = subject_of_run(run, step)
    return explain_subject(of_run, frequencies=frequencies, seed=seed, progress=progress)
