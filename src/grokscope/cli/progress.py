"""A progress bar over checkpoints."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grokscope.run.recording.progress import PLAIN_INTERVAL


@contextmanager
def step_bar(name: str, total: int, console: Console) -> Iterator[Callable[[int], None]]:
    """Show how many checkpoints are done; yields the function that takes each step.

    On a terminal this is one live line; elsewhere a plain line every few seconds.
    """
    if not console.is_terminal:
        yield _plain(name, total, console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(name, total=total)
        yield lambda step: progress.update(bar, advance=1, description=f"{name} step {step:,}")


@contextmanager
def frame_bar(name: str, console: Console) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """Show a bar once it is known how many checkpoints there are; yields the functions that take that and each step."""
    with ExitStack() as stack:
        advance: list[Callable[[int], None]] = []

        def begin(total: int) -> None:
            advance.append(stack.enter_context(step_bar(name, total, console)))

        yield begin, lambda step: advance[-1](step)


def _plain(name: str, total: int, console: Console) -> Callable[[int], None]:
    done, last = 0, time.monotonic()

    def advance(step: int) -> None:
        nonlocal done, last
        done += 1
        if time.monotonic() - last >= PLAIN_INTERVAL:
            last = time.monotonic()
            console.print(f"{name}: {done} of {total} (step {step:,})", highlight=False, markup=False)

    return advance
