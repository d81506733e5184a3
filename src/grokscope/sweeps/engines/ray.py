"""Jobs on a Ray cluster; needs the extra ``grokscope[ray]``."""

import os
import pickle
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence

import ray
from ray.exceptions import RayError
from ray.util.queue import Empty, Queue
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from grokscope.errors import ConfigError
from grokscope.plugins import VARIABLE, load_plugins
from grokscope.run.recording.signals import graceful_stop
from grokscope.sweeps.jobs import Job, OnStep, Result, carry_out

_SECONDS = 0.5
"""Between two messages of a worker, and between two looks at the messages."""

_PATIENCE = 5.0
"""Seconds in which a cluster must answer at an address."""


class RayCluster:
    """As many jobs at a time as the cluster has CPU cores, or GPUs if it has any, also while it grows.

    Each job is a Ray task with one core that Ray tries once: the sweep decides what is tried again. If a worker or a
    node dies, only its own jobs fail. Every node must be able to write to the sweep's storage: a shared folder, or an
    address.

    Args:
        address: of the cluster; None: the one this machine belongs to, or a new one on this machine.
        n_workers: maximum number of jobs at a time.

    Raises:
        ConfigError: there is no cluster at that address.
    """

    def __init__(self, address: str | None = None, *, n_workers: int | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no statistics are sent to anybody
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

    def carry_out(self, jobs: Sequence[Job], on_step: OnStep) -> Iterator[list[Result]]:
        """Yield the results of each job as it ends; after Ctrl-C running jobs are interrupted, and no other begins."""
        if not jobs:
            return
        this_node = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        # it outlives every other node
        messages = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": this_node})
        # spread: a node that is lost takes as few jobs along as can be
        task = ray.remote(num_cpus=1, num_gpus=int(self.has_gpus), max_retries=0, scheduling_strategy="SPREAD")(
            _carry_out
        )
        waiting, running, cancelled = deque(jobs), dict[ray.ObjectRef, Job](), False
        try:
            with graceful_stop() as asked:
                while waiting or running:
                    if asked.is_set() and not cancelled:
                        cancelled = True
                        waiting.clear()
                        for reference in running:
                            ray.cancel(reference)  # to a worker it is Ctrl-C: it saves the runs that it is training
                    # without a bound, all that is left: the cluster sees what it could grow for
                    while waiting and len(running) < (self._most or len(jobs)):
                        job = waiting.popleft()
                        running[task.remote(_plugins(), pickle.dumps(job), messages)] = job
                    ended, _ = ray.wait(list(running), num_returns=1, timeout=_SECONDS) if running else ([], [])
                    _receive(messages, on_step)
                    for reference in ended:
                        yield _results(reference, running.pop(reference), stopped=asked.is_set())
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
            messages.shutdown(force=True)


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


def _plugins() -> list[str]:
    return [path for path in os.environ.get(VARIABLE, "").split(os.pathsep) if path]


def _carry_out(plugins: list[str], pickled: bytes, messages: Queue) -> list[Result]:
    """Carry out a job, in a worker of the cluster, which loads the plugins before it reads the job."""
    load_plugins(plugins)
    job: Job = pickle.loads(pickled)
    steps, sent = dict[str, int](), time.monotonic()

    def on_step(folder: str, step: int) -> None:
        nonlocal sent
        steps[folder] = step
        if time.monotonic() - sent >= _SECONDS:  # each message is a round trip
            messages.put(dict(steps))
            steps.clear()
            sent = time.monotonic()

    return carry_out(job, on_step)


def _receive(messages: Queue, on_step: OnStep) -> None:
    while (n := messages.qsize()) > 0:
        try:
            received = messages.get_nowait_batch(n)
        except Empty:
            return
        for steps in received:
            for folder, step in steps.items():
                on_step(folder, step)


def _results(reference: "ray.ObjectRef", job: Job, *, stopped: bool) -> list[Result]:
    try:
        return ray.get(reference)
    except RayError as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        why = None if stopped else f"its worker on the cluster died: {type(error).__name__}: {first}"
        return [Result(run.folder, error=why) for run in job.runs]
