"""From a folder or a file to what can be explained."""

import os
from pathlib import Path
from typing import Unpack

from grokscope.errors import ConfigError
from grokscope.explanation.identify import identify
from grokscope.explanation.subject import Subject, subject_of_run
from grokscope.interop import UnseenSettings, load_network
from grokscope.run import Run


def open_subject(
    path: str | os.PathLike[str],
    *,
    step: int | None = None,
    p: int | None = None,
    operation: str | None = None,
    index: int | None = None,
    **stated: Unpack[UnseenSettings],
) -> Subject:
    """Return the network in ``path``: a run's folder, or a file with weights.

    Args:
        path: the folder or file.
        step: which checkpoint of a run [the last].
        p: the modulus of a file's network, where shapes do not say it.
        operation: what a file's network computes modulo p [found by trying].
        index: which network of a file that has a list of them [the last].
        **stated: what weights in a file do not show, see :class:`grokscope.interop.UnseenSettings`.

    Raises:
        CheckpointError: the file cannot be read, or its network is for none of the tasks here.
        RunError: the run is damaged, or has no such checkpoint.
        ConfigError: something was stated that does not apply to what is in ``path``.
    """
    path = Path(path)
    if path.is_dir():
        for name, value in {"p": p, "operation": operation, "index": index, **stated}.items():
            if value is not None:
                raise ConfigError(f"{name} is recorded in the run {path}; it can be stated for a file only")
        return subject_of_run(Run(path), step)
    if step is not None:
        raise ConfigError(f"{path} is a file with one network, which has no step {step}; leave the step out")
    return identify(load_network(path, p=p, index=index, **stated), operation=operation)
