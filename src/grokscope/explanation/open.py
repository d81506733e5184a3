"""From a folder or a file to what can be explained."""

from pathlib import Path

from grokscope.errors import ConfigError
from grokscope.explanation.modular.identify import Stated, modular_subject
from grokscope.explanation.sequences.identify import sequence_subject
from grokscope.explanation.subject import Subject, subject_of_run
from grokscope.interop import ImportedNetwork, load_network
from grokscope.run import Run


def open_subject(
    path: Path,
    *,
    step: int | None = None,
    p: int | None = None,
    operation: str | None = None,
    stated: Stated | None = None,
) -> Subject:
    """Return the network in ``path``: a run's folder, or a file with weights.

    Args:
        path: the folder or file.
        step: which checkpoint of a run [the last].
        p: the modulus of a file's network, where shapes do not say it.
        operation: what a file's network computes modulo p [found by trying].
        stated: what weights in a file do not show: attention_coefficient, activation, residual_scale, causal.

    Raises:
        GrokscopeError: there is nothing to read there, or it is a network for none of the tasks here.
    """
    if path.is_dir():
        for name, value in {"p": p, "operation": operation, **(stated or {})}.items():
            if value is not None:
                raise ConfigError(f"{name} is recorded in the run {path}; it can be stated for a file only")
        return subject_of_run(Run(path), step)
    if step is not None:
        raise ConfigError(f"{path} is a file with one network, which has no step {step}; leave the step out")
    return subject_of_import(load_network(path, p=p, **(stated or {})), operation=operation, stated=stated)


def subject_of_import(
    imported: ImportedNetwork, *, operation: str | None = None, stated: Stated | None = None
) -> Subject:
    """Return somebody else's network with what it computes; see the module of its kind of task.

    Args:
        imported: the network.
        operation: what it computes modulo p [as stored with it, or found by trying].
        stated: settings that :func:`grokscope.interop.load_network` was given.

    Raises:
        CheckpointError: it is a network for none of the tasks here.
        ConfigError: an operation was stated of a network that is not on pairs of residues.
    """
    if imported.p is not None:
        return modular_subject(imported, operation=operation, stated=stated)
    if operation is not None:
        raise ConfigError(f"{imported.source} is not a network on pairs of residues; leave the operation out")
    return sequence_subject(imported, stated=stated)
