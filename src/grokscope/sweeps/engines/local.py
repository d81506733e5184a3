"""Engines on this machine: jobs are carried out in this process, or in others."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Protocol, runtime_checkable

from grokscope.plugins import load_plugins
from grokscope.run.recording.signals import graceful_stop
from grokscope.sweeps.jobs import Job, OnStep, Result, carry_out

_CONTEXT = multiprocessing.get_context("spawn")
"""A fresh interpreter for each worker: a forked one would inherit PyTorch's threads in an unknown state."""


@runtime_checkable
class Engine(Protocol):
    """Carries out jobs, in any order, and survives the failure of any of them."""

    def carry_out(self, jobs: Sequence[Job], on_step: OnStep) -> Iterator[list[Result]]:
        """Yield the results of each job as it ends; after Ctrl-C running jobs are interrupted, and no other begins."""
        ...


class Serial:
    """One job after the other in this process, which is enough for ensembles on a GPU."""

    def carry_out(self, jobs: Sequence[Job], on_step: OnStep) -> Iterator[list[Result]]:
        """Yield the results of each job in turn."""
        with graceful_stop() as asked:
            for job in jobs:
                results = carry_out(job, on_step)
                yield results
                if asked.is_set() or any(result.is_interrupted for result in results):
                    return


class Processes:
    """As many jobs at a time as there are workers, each in a process of its own on this machine.

    If a worker dies, its own job fails, and another worker takes its place. Workers load the same plugins.

    Args:
        n_workers: number of processes.
    """

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers

    def carry_out(self, jobs: Sequence[Job], on_step: OnStep) -> Iterator[list[Result]]:
        """Yield the results of each job as it ends."""
        waiting, workers = deque(jobs), list[_Worker]()
        with graceful_stop() as asked:
            try:
                while waiting or any(worker.job for worker in workers):
                    if asked.is_set():
                        waiting.clear()
                        for worker in workers:
                            worker.ask_to_stop()
                    _hand_out(waiting, workers, self.n_workers)
                    yield from _receive(workers, on_step, asked)
            finally:
                for worker in workers:
                    worker.end()


def _hand_out(waiting: deque[Job], workers: list["_Worker"], most: int) -> None:
    for worker in workers:
        if waiting and worker.job is None:
            worker.begin(waiting.popleft())
    while waiting and len(workers) < most:
        workers.append(_Worker())
        workers[-1].begin(waiting.popleft())


def _receive(workers: list["_Worker"], on_step: OnStep, asked: threading.Event) -> Iterator[list[Result]]:
    """Wait a moment for messages of the workers, and yield the results among them; dead workers leave the list."""
    busy = {worker.connection: worker for worker in workers if worker.job is not None}
    for connection in wait(list(busy), timeout=0.2):
        worker = busy[connection]  # pyright: ignore[reportArgumentType]
        job = worker.job
        assert job is not None
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            workers.remove(worker)
            how = worker.ended_how()
            yield [Result(run.folder, error=None if asked.is_set() else how) for run in job.runs]
            continue
        if isinstance(message, tuple):
            on_step(*message)
        else:
            worker.job = None
            yield message


class _Worker:
    """A process that carries out one job after the other."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self._asked = False
        self.connection, of_worker = _CONTEXT.Pipe()
        with _ctrl_c_ignored():  # inherited: Ctrl-C is for this process, which asks its workers to stop
            self._process: BaseProcess = _CONTEXT.Process(target=_serve, args=(of_worker,), daemon=True)
            self._process.start()
        of_worker.close()

    def begin(self, job: Job) -> None:
        """Send it a job."""
        self.job = job
        with contextlib.suppress(OSError):  # if it has died, waiting for its answer will show
            self.connection.send(job)

    def ask_to_stop(self) -> None:
        """Ask it, once, to save the runs that it is training and to stop."""
        if not self._asked and self.job is not None and self._process.pid is not None:
            self._asked = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    def ended_how(self) -> str:
        """Return how the process ended, in words."""
        self._process.join()
        code = self._process.exitcode or 0
        how = f"was killed by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with code {code}"
        return f"the process that trained it {how}; if memory was short, use fewer workers"

    def end(self) -> None:
        """End the process; what it has saved stays."""
        with contextlib.suppress(OSError):
            self.connection.send(None)
        self._process.join(1 if self.job is None else 0)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(30)
        self.connection.close()


def _serve(connection: Connection) -> None:
    """Carry out the jobs that come through ``connection``, until None comes or it is closed."""
    load_plugins()  # the environment names them; a job may have settings of theirs
    if hasattr(os, "setsid"):
        os.setsid()  # a terminal sends Ctrl-C to its whole group
    with contextlib.suppress(EOFError, BrokenPipeError):
        while (job := connection.recv()) is not None:
            connection.send(carry_out(job, lambda folder, step: connection.send((folder, step))))


@contextlib.contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
