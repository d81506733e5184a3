"""Looking at many checkpoints: as many at once as there are threads, with one thread each.

A network of this size is too small for several threads: they wait for each other at every step of the work, and on a
machine that is busy with something else they wait very long. Networks wait for nobody.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

from grokscope.run.recording.memory import freed_memory_kept
from grokscope.tasks import Task

Seen = TypeVar("Seen")
ROOM = 4 * 2**30
"""Bytes that all looks together may take."""


def map_checkpoints(
    steps: Sequence[int],
    look: Callable[[int], Seen],
    task: Task,
    advance: Callable[[int], None] = lambda step: None,
) -> list[Seen]:
    """Return what ``look`` sees at each step, in the order of ``steps``.

    Args:
        steps: of the checkpoints.
        look: is called with each step, several times at once and in other threads (where gradients are on).
        task: of the run; where its networks take much memory, fewer are looked at at once.
        advance: is called with each step that is done, in order.

    Whatever ``look`` raises is raised, and no more checkpoints are looked at.

    Example:
        >>> map_checkpoints(run.steps, lambda step: float(run.model(step).W_U.norm()), run.task)
    """
    at_once = min(torch.get_num_threads(), ROOM // task.bytes_to_inspect)
    if at_once < 2:
        return [_told(look(step), step, advance) for step in steps]
    with _one_thread(), freed_memory_kept(), ThreadPoolExecutor(at_once) as pool:
        looks = [pool.submit(look, step) for step in steps]
        seen: list[Seen] = []
        try:
            for step, each in zip(steps, looks, strict=True):
                seen.append(_told(each.result(), step, advance))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # else those still waiting would all be looked at
            raise
    return seen


def _told(seen: Seen, step: int, advance: Callable[[int], None]) -> Seen:
    advance(step)
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
