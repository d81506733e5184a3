"""Looking at many checkpoints: as many at once as there are threads, with one thread each.

A network of this size is too small for several threads: they wait for each other at every step of the work, and on a
machine that is busy with something else they wait very long. Networks wait for nobody.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

from grokscope.progress import SILENT, Progress
from grokscope.run.recording.memory import freed_memory_kept
from grokscope.tasks import Task

Seen = TypeVar("Seen")
ROOM = 4 * 2**30
"""Bytes that all looks together may take."""


def map_checkpoints(
    steps: Sequence[int],
    look: Callable[[int], Seen],
    task: Task,
    progress: Progress = SILENT,
    label: str = "reading checkpoints",
) -> list[Seen]:
    """Return what ``look`` sees at each step, in the order of ``steps``.

    Args:
        steps: of the checkpoints.
        look: is called with each step, several times at once and in other threads (where gradients are on).
        task: of the run; where its networks take much memory, fewer are looked at at once.
        progress: shows how many are done.
        label: what is being done, for ``progress``.

    Whatever ``look`` raises is raised, and no more checkpoints are looked at.

    Example:
        >>> map_checkpoints(run.checkpoints, lambda step: float(run.model(step).W_U.norm()), run.task)
    """
    progress.start(len(steps), label)
    at_once = min(torch.get_num_threads(), ROOM // task.bytes_to_inspect)
    if at_once < 2:
        return [_counted(look(step), step, progress) for step in steps]
    with _one_thread(), freed_memory_kept(), ThreadPoolExecutor(at_once) as pool:
        looks = [pool.submit(look, step) for step in steps]
        seen: list[Seen] = []
        try:
            for step, each in zip(steps, looks, strict=True):
                seen.append(_counted(each.result(), step, progress))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # else those still waiting would all be looked at
            raise
    return seen


def _counted(seen: Seen, step: int, progress: Progress) -> Seen:
    progress.advance(detail=f"step {step:,}")
    return seen


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let every operation take one thread for a while."""
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(threads)
