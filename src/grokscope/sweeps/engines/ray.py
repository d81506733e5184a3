"""Jobs on a Ray cluster; needs the extra ``grokscope[ray]``."""

import os
import pickle
import socket
import time
from _thread import interrupt_main
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from grokscope.errors import ConfigError
from grokscope.plugins import VARIABLE, load_plugins
from grokscope.run.recording.signals import graceful_stop
from grokscope.sweeps.jobs import Job, OnStep, Result, carry_out

_SECONDS = 0.5
"""Between two posts of a worker, and between two looks at them."""

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
        actor: Any = ray.remote(_Board)  # Ray's types know neither its methods nor this strategy
        # on this node it outlives every other
        board = actor.options(num_cpus=0, scheduling_strategy=this_node).remote()
        # spread: a node that is lost takes as few jobs along as can be
        task = ray.remote(num_cpus=1, num_gpus=int(self.has_gpus), max_retries=0, scheduling_strategy="SPREAD")(
            _carry_out
        )
        waiting, running = deque(jobs), dict[ray.ObjectRef, Job]()
        try:
            with graceful_stop() as asked:
                while waiting or running:
                    if asked.is_set():
                        waiting.clear()
                        board.stop.remote()
                    # without a bound, all that is left: the cluster sees what it could grow for
                    while waiting and len(running) < (self._most or len(jobs)):
                        job = waiting.popleft()
                        running[task.remote(_plugins(), pickle.dumps(job), board)] = job
                    ended, _ = ray.wait(list(running), num_returns=1, timeout=_SECONDS) if running else ([], [])
                    posted: Any = ray.get(board.collect.remote())
                    for folder, step in posted.items():
                        on_step(folder, step)
                    for reference in ended:
                        yield _results(reference, running.pop(reference), stopped=asked.is_set())
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
            ray.kill(board)


class _Board:
    """An actor: workers post on it how far they are, and read whether they are to stop.

    Ray's own way, to cancel a task, interrupts it once, and now and then at a moment when nothing hears it.
    """

    def __init__(self) -> None:
        self.steps = dict[str, int]()
        self.stopping = False

    def post(self, steps: dict[str, int]) -> bool:
        self.steps |= steps
        return self.stopping

    def collect(self) -> dict[str, int]:
        collected, self.steps = self.steps, {}
        return collected

    def stop(self) -> None:
        self.stopping = True


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


def _carry_out(plugins: list[str], pickled: bytes, board: Any) -> list[Result]:
    """Carry out a job, in a worker of the cluster, which loads the plugins before it reads the job.

    Args:
        plugins: files that register kinds.
        pickled: the job.
        board: the handle of a :class:`_Board`.
    """
    load_plugins(plugins)
    job: Job = pickle.loads(pickled)
    if _post(board, {}):
        return [Result(run.folder) for run in job.runs]
    steps, sent, stopped = dict[str, int](), time.monotonic(), False

    def on_step(folder: str, step: int) -> None:
        nonlocal sent, stopped
        steps[folder] = step
        if time.monotonic() - sent < _SECONDS or stopped:  # each post is a round trip
            return
        stopped = _post(board, steps)
        steps.clear()
        sent = time.monotonic()
        if stopped:
            interrupt_main()  # as Ctrl-C does, whose signal Ray blocks: the runs in training are saved

    return carry_out(job, on_step)


def _post(board: Any, steps: dict[str, int]) -> bool:
    # as a future: whoever waits in ray.get() lends its core to another task
    return board.post.remote(dict(steps)).future().result()


def _results(reference: "ray.ObjectRef", job: Job, *, stopped: bool) -> list[Result]:
    try:
        return ray.get(reference)
    except RayError as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        why = None if stopped else f"its worker on the cluster died: {type(error).__name__}: {first}"
        return [Result(run.folder, error=why) for run in job.runs]
