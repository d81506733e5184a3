"""How a sweep is trained: by which engine, with how many workers, with how many runs in an ensemble."""

import os
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from grokscope.errors import ConfigError, nearest
from grokscope.run import Execution
from grokscope.sweeps.batching import ON_GPU
from grokscope.sweeps.engines.local import Engine, Processes, Serial

EngineName = Literal["serial", "processes", "ray"]
_RENAMED = {
    "here": "engine 'here' is called 'serial' now",
    "ensembles": "engine 'ensembles' is 'serial' now, and --ensemble-size says how many runs are trained as one",
}


@dataclass(frozen=True)
class SweepBackend:
    """An engine, and how much it trains at a time."""

    engine: Engine
    execution: Execution
    """Device and threads of each worker."""
    n_workers: int = 1
    ensemble_size: int | None = 1
    """Maximum number of runs in one ensemble; None: as many as speed it up (:mod:`grokscope.sweeps.batching`)."""
    summary: str = ""
    """The same in words."""


def sweep_backend(
    name: str | None = None,
    *,
    workers: int | None = None,
    ensemble_size: int | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    address: str | None = None,
) -> SweepBackend:
    """Return the backend of a sweep.

    Args:
        name: ``serial``, one job after the other in this process (the default with a GPU); ``processes`` of this
            machine with one thread each (the default without one); ``ray``, a cluster.
        workers: jobs at a time, with processes and Ray; one per CPU core if None.
        ensemble_size: maximum number of runs in one ensemble; if None, as many as speed it up, and 1 with ``serial``
            on a CPU.
        device: of each worker.
        address: of a Ray cluster; if None, the one that this machine belongs to, or a new one on this machine.

    Raises:
        ConfigError: there is no such engine, or it has no such option, or it is not installed.
    """
    if name in _RENAMED:
        raise ConfigError(_RENAMED[name])
    if name is not None and name not in get_args(EngineName):
        raise ConfigError(f"no engine is called {name!r}{nearest(name, get_args(EngineName))}")
    has_gpu = device != "cpu" and torch.cuda.is_available()
    name = name or ("serial" if has_gpu else "processes")
    if workers is not None and name == "serial":
        raise ConfigError(f"--workers {workers}: engine 'serial' has one worker; leave it off, or use processes")
    if address is not None and name != "ray":
        raise ConfigError(f"--address {address} is for a Ray cluster; add --engine ray")
    if name == "serial":
        size = ensemble_size if ensemble_size is not None or has_gpu else 1
        execution = Execution(device=device).resolved()
        words = "in this process, one after the other" if size == 1 else f"in this process{_in_words(size)}"
        return SweepBackend(Serial(), execution, 1, size, words)
    execution = Execution(device=device, threads=1)
    if name == "processes":
        n_workers = workers or os.cpu_count() or 1
        words = f"in {n_workers} process{'es' * (n_workers > 1)}, one thread each{_in_words(ensemble_size)}"
        return SweepBackend(Processes(n_workers), execution.resolved(), n_workers, ensemble_size, words)
    try:
        from grokscope.sweeps.engines.ray import RayCluster  # only now: it needs an extra
    except ImportError as error:
        raise ConfigError(f"Ray is not installed ({error}); install it with: pip install 'grokscope[ray]'") from error
    cluster = RayCluster(address, n_workers=workers)
    size = ensemble_size or (ON_GPU if cluster.has_gpus else None)
    words = f"on {cluster}, {cluster.n_at_a_time} at a time{_in_words(size)}"
    return SweepBackend(cluster, execution, cluster.n_at_a_time, size, words)


def _in_words(ensemble_size: int | None) -> str:
    if ensemble_size is None:
        return ", as ensembles where they are faster"
    return "" if ensemble_size == 1 else f", up to {ensemble_size} runs in one ensemble"
