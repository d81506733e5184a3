"""Named random streams: every use of chance has its own generator, and none is global.

``init`` is the plain generator of the seed, so that it draws the numbers that
``torch.manual_seed(seed)`` would; every other stream mixes its name (and step) into the seed.
A stream is a pure function of its arguments: resuming a run replays nothing.
"""

import hashlib

import torch


def init_generator(seed: int) -> torch.Generator:
    """Return the generator that draws what the global one draws after ``torch.manual_seed(seed)``."""
    return torch.Generator().manual_seed(seed)


def stream(name: str, seed: int, step: int = 0, *, device: torch.device | str = "cpu") -> torch.Generator:
    """Return the generator of one named stream at one step, independent of every other."""
    digest = hashlib.sha256(f"{name}:{seed}:{step}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:8], "little", signed=True))
