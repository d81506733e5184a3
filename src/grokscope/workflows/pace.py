"""Noticing that a run has become several times slower than it began."""

import time
from collections import deque
from collections.abc import Callable

SLOWER = 3.0
"""How many times longer steps must take than at the beginning."""
AT_FIRST = 10.0
"""Seconds in which the pace of the beginning is taken."""
LATELY = 30.0
"""Seconds over which the present pace is taken: shorter lulls are not worth a word."""


class Pace:
    """How fast a run goes, compared with how it began.

    Args:
        clock: tells the time in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self._first: float | None = None
        """Steps a second at the beginning."""
        self._said = False

    def at(self, step: int) -> str | None:
        """Take note of a step, and return a sentence the first time that the run has become several times slower."""
        now = self._clock()
        self._seen.append((now, step))
        if self._first is None:
            if self._elapsed() >= AT_FIRST:
                self._first = self._speed()
                self._seen = deque([(now, step)])
            return None
        while len(self._seen) > 1 and now - self._seen[1][0] >= LATELY:
            self._seen.popleft()
        if self._said or self._elapsed() < LATELY:
            return None
        speed = self._speed()
        if speed * SLOWER > self._first:
            return None
        self._said = True
        return (
            f"This run has become {self._first / speed:.1f} times slower than it began: {speed:.3g} steps a second, at "
            f"first {self._first:.3g}. Something else uses the machine. Ctrl-C stops the run and loses nothing, and "
            f"--resume goes on with it once the machine is free; on a busy one, a new run may be faster with "
            f"--threads 1."
        )

    def _elapsed(self) -> float:
        return self._seen[-1][0] - self._seen[0][0]

    def _speed(self) -> float:
        return (self._seen[-1][1] - self._seen[0][1]) / max(self._elapsed(), 1e-9)
