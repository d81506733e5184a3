"""Named random streams: every use of chance has its own generator, and none is global.

``init`` is the plain generator of the seed, so that it draws the numbers that
``torch.manual_seed(seed)`` would; every other stream mixes its name (and step) into the seed.
A stream is a pure function of its arguments: resuming a run replays nothing.
"""

import hashlib
import random
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import numpy as np
import torch


def init_generator(seed: int) -> torch.Generator:
    """Return the generator that draws what the global one draws after ``torch.manual_seed(seed)``."""
    return torch.Generator().manual_seed(seed)


def stream(name: str, seed: int, step: int = 0, *, device: torch.device | str = "cpu") -> torch.Generator:
    """Return the generator of one named stream at one step, independent of every other."""
    digest = hashlib.sha256(f"{name}:{seed}:{step}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "little", signed=True))


@contextmanager
def global_streams(name: str, seed: int, step: int, gpus: Collection[torch.device] = ()) -> Iterator[None]:
    """Let other people's code draw from streams where it draws from the global generators; these stay as they were.

    Args:
        name: of the streams, as of :func:`stream`.
        seed: of the streams.
        step: at which they begin.
        gpus: whose generators are meant too; Python's, NumPy's and PyTorch's on the CPU always are.
    """
    first = stream(name, seed, step)
    number = int(torch.randint(2**31, (), generator=first))
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - other people draw from them
    with torch.random.fork_rng(devices=[gpu.index for gpu in gpus]):
        try:
            random.setstate(random.Random(number).getstate())
            np.random.set_state(np.random.RandomState(number).get_state())  # noqa: NPY002
            torch.set_rng_state(first.get_state())
            for gpu in gpus:
                torch.cuda.set_rng_state(stream(name, seed, step, device=gpu).get_state(), gpu)
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)  # noqa: NPY002
