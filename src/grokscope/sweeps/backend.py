"""How a sweep is carried out: which engine, how many workers, how many runs in one ensemble."""

import os
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from grokscope.errors import ConfigError, nearest
from grokscope.run import Execution
from grokscope.sweeps.batching import ON_GPU
from grokscope.sweeps.engines.local import Engine, InProcess, Processes

EngineName = Literal["here", "processes", "ensembles", "ray"]


@dataclass(frozen=True)
class Way:
    """An engine and what it is to do at a time."""

    engine: Engine
    execution: Execution
    """Of each worker."""
    n_workers: int = 1
    together: int | None = 1
    """How many runs in one ensemble; None: as many as pay (:mod:`grokscope.sweeps.batching`)."""
    summary: str = ""


def way_of(
    name: str | None = None,
    *,
    workers: int | None = None,
    together: int | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    address: str | None = None,
) -> Way:
    """Return the way that is meant.

    Args:
        name: ``here``, one after the other in this process; ``processes`` of this machine with one thread each (what
            is chosen on a CPU); ``ensembles`` in this process (what is chosen on a GPU); ``ray``, a cluster.
        workers: how many runs or ensembles at a time, with processes and Ray; one a CPU core, if not given.
        together: how many runs in one ensemble; None: as many as pay, and one with ``here``.
        device: of each worker.
        address: of a Ray cluster; if not given, the one that this machine belongs to, or a new one of this machine.

    Raises:
        ConfigError: there is no such engine, or it takes no such option, or is not installed.
    """
    if name is not None and name not in get_args(EngineName):
        raise ConfigError(f"no engine is called {name!r}{nearest(name, get_args(EngineName))}")
    has_gpu = device != "cpu" and torch.cuda.is_available()
    name = name or ("ensembles" if has_gpu else "processes")
    if workers is not None and name in ("here", "ensembles"):
        raise ConfigError(f"--workers {workers}: engine {name!r} is this process alone; leave it off, or use processes")
    if address is not None and name != "ray":
        raise ConfigError(f"--address {address} is of a Ray cluster; add --engine ray")
    if name == "here":
        together = together or 1
    packed = {None: ", as ensembles where that pays", 1: ""}.get(together, f", up to {together} runs in one ensemble")
    if name in ("here", "ensembles"):
        words = "in this process" + (packed or ", one after the other")
        return Way(InProcess(), Execution(device=device).resolved(), 1, together, words)
    execution = Execution(device=device, threads=1)
    if name == "processes":
        n_workers = workers or os.cpu_count() or 1
        words = f"in {n_workers} process{'es' * (n_workers > 1)}, one thread each{packed}"
        return Way(Processes(n_workers), execution.resolved(), n_workers, together, words)
    try:
        from grokscope.sweeps.engines.ray import RayCluster  # only now: it needs an extra
    except ImportError as error:
        raise ConfigError(f"Ray is not installed ({error}); install it with: pip install 'grokscope[ray]'") from error
    cluster = RayCluster(address, n_workers=workers)
    n_workers = cluster.n_at_a_time
    if cluster.has_gpus:
        together = together or ON_GPU
    return Way(cluster, execution, n_workers, together, f"on {cluster}, {n_workers} at a time{packed}")
