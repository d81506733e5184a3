"""How a sweep is carried out: which engine, how many workers, how many runs in one ensemble."""

import os
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from grokscope.errors import ConfigError, nearest
from grokscope.runs import Execution
from grokscope.sweeps.engines import Engine, InProcess, Processes

EngineName = Literal["here", "processes", "ensembles", "ray"]
TOGETHER = {"cpu": 16, "cuda": 256}
"""How many runs an ensemble has that nobody gave a number: see benchmarks/throughput.py."""


@dataclass(frozen=True)
class Way:
    """An engine and what it is to do at a time."""

    engine: Engine
    execution: Execution
    """Of each worker."""
    n_workers: int
    together: int
    in_words: str


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
        together: how many runs in one ensemble.
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
    n_together = together or (TOGETHER["cuda" if has_gpu else "cpu"] if name == "ensembles" or has_gpu else 1)
    packed = f", up to {n_together} runs in one ensemble" if n_together > 1 else ""
    if name in ("here", "ensembles"):
        execution = Execution(device=device).resolved()
        words = f"in this process{packed}" if n_together > 1 else "in this process, one after the other"
        return Way(InProcess(), execution, 1, n_together, words)
    execution = Execution(device=device, threads=1)
    if name == "processes":
        n_workers = workers or os.cpu_count() or 1
        words = f"in {n_workers} process{'es' * (n_workers > 1)}, one thread each{packed}"
        return Way(Processes(n_workers), execution.resolved(), n_workers, n_together, words)
    try:
        from grokscope.sweeps.ray_engine import RayCluster  # only now: it needs an extra
    except ImportError as error:
        raise ConfigError(f"Ray is not installed ({error}); install it with: pip install 'grokscope[ray]'") from error
    cluster = RayCluster(address, n_workers=workers)
    n_workers = cluster.n_at_a_time
    return Way(cluster, execution, n_workers, n_together, f"on {cluster}, {n_workers} at a time{packed}")
