"""Jobs on a Ray cluster; needs the extra ``grokscope[ray]``."""

import os
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence

import ray
from ray.exceptions import RayError
from ray.util.queue import Empty, Queue
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from grokscope.errors import ConfigError
from grokscope.run.recording.signals import graceful_stop
from grokscope.sweeps.jobs import Job, Result, Tell, carry_out

_SECONDS = 0.5
"""How often a worker says how far it is, and how long to wait for a job to end before that is heard."""

_PATIENCE = 5.0
"""Seconds in which somebody must answer at an address."""


class RayCluster:
    """As many jobs at a time as the cluster has CPU cores, or GPUs if it has any, also as it grows.

    Each job is a task with one core, tried once by Ray: what is tried again, and how, is the sweep's to say. A job
    whose worker or node dies fails alone. Runs are kept where every node can write: a shared folder, or an address.

    Args:
        address: of the cluster; None: the one this machine belongs to, or a new one on this machine.
        n_workers: how many jobs at a time at most.

    Raises:
        ConfigError: there is no cluster at that address.
    """

    def __init__(self, address: str | None = None, *, n_workers: int | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is to be told to anybody
        if not ray.is_initialized():
            _join(address)
        resources = ray.cluster_resources()
        self.has_gpus = resources.get("GPU", 0) >= 1
        self._most = n_workers
        slots = int(resources.get("GPU" if self.has_gpus else "CPU", 1))
        self.n_at_a_time = max(1, min(n_workers or slots, slots))
        self._n_nodes = sum(bool(node["Alive"]) for node in ray.nodes())

    def __str__(self) -> str:
        return f"a Ray cluster of {self._n_nodes} node{'s' * (self._n_nodes > 1)}"

    def carry_out(self, jobs: Sequence[Job], tell: Tell) -> Iterator[list[Result]]:
        """Yield the results of each job as it ends; after Ctrl-C those begun are interrupted, and no other begins."""
        if not jobs:
            return
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        told = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})  # it outlives every other node
        # spread: a node that is lost takes as few jobs along as can be
        task = ray.remote(num_cpus=1, num_gpus=int(self.has_gpus), max_retries=0, scheduling_strategy="SPREAD")(
            _carry_out
        )
        waiting, going_on, cancelled = deque(jobs), dict[ray.ObjectRef, Job](), False
        try:
            with graceful_stop() as asked:
                while waiting or going_on:
                    if asked.is_set() and not cancelled:
                        cancelled = True
                        waiting.clear()
                        for reference in going_on:
                            ray.cancel(reference)  # to a worker it is Ctrl-C: it keeps what it is training
                    # without a bound, all that is left: the cluster sees what it could grow for
                    while waiting and len(going_on) < (self._most or len(jobs)):
                        job = waiting.popleft()
                        going_on[task.remote(job, told)] = job
                    ended, _ = ray.wait(list(going_on), num_returns=1, timeout=_SECONDS) if going_on else ([], [])
                    _hear(told, tell)
                    for reference in ended:
                        yield _results(reference, going_on.pop(reference), stopped=asked.is_set())
        finally:
            for reference in going_on:
                ray.cancel(reference, force=True)
            told.shutdown(force=True)


def _join(address: str | None) -> None:
    try:
        host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
        if colon and port.isdecimal():  # Ray itself would try for two minutes
            socket.create_connection((host, int(port)), _PATIENCE).close()
        ray.init(address=address, log_to_driver=False, configure_logging=False, include_dashboard=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"--address {address}: no Ray cluster answers there ({' '.join(str(error).split())}); "
            f"start one with 'ray start --head'"
        ) from error


def _carry_out(job: Job, told: Queue) -> list[Result]:
    """Carry out a job, in a worker of the cluster."""
    latest, last = dict[str, int](), time.monotonic()

    def tell(folder: str, step: int) -> None:
        nonlocal last
        latest[folder] = step
        if time.monotonic() - last >= _SECONDS:  # each message is a round trip
            told.put(dict(latest))
            latest.clear()
            last = time.monotonic()

    return carry_out(job, tell)


def _hear(told: Queue, tell: Tell) -> None:
    while (n := told.qsize()) > 0:
        try:
            said = told.get_nowait_batch(n)
        except Empty:
            return
        for latest in said:
            for folder, step in latest.items():
                tell(folder, step)


def _results(reference: "ray.ObjectRef", job: Job, *, stopped: bool) -> list[Result]:
    try:
        return ray.get(reference)
    except RayError as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        why = None if stopped else f"its worker on the cluster died: {type(error).__name__}: {first}"
        return [Result(run.folder, error=why) for run in job.runs]
