"""Keeping freed memory between steps instead of giving it back and asking again.

A training step frees and allocates the same tens of megabytes every time. glibc returns memory at the top of its
heap to the system beyond a small threshold, and every page that comes back is zeroed and mapped anew: hundreds of
page faults a step, a few per cent of its time (``benchmarks/step.py``).
"""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_DEFAULT_THRESHOLD = 128 * 1024
_KEEP = 1 << 30
_LARGEST_IN_HEAP = 1 << 25  # the most that glibc accepts


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let the allocator keep up to 1 GiB of freed memory for a while, then give it back; does nothing without glibc."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is None or not (hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim")):
        yield
        return
    libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_IN_HEAP)
    libc.mallopt(_M_TRIM_THRESHOLD, _KEEP)
    try:
        yield
    finally:
        libc.mallopt(_M_MMAP_THRESHOLD, _DEFAULT_THRESHOLD)
        libc.mallopt(_M_TRIM_THRESHOLD, _DEFAULT_THRESHOLD)
        libc.malloc_trim(0)
