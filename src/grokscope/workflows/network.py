"""``gs.load_network``: somebody else's network, or one that was saved here."""

import os
from pathlib import Path
from typing import Any

from grokscope.interop import ImportedNetwork
from grokscope.interop import load_network as load


def load_network(path: str | os.PathLike[str], *, p: int | None = None, **settings: Any) -> ImportedNetwork:
    """Return the network in a file of weights, with TransformerLens's names.

    Args:
        path: a .pt, .pth or .safetensors file; nothing in it is executed.
        p: the modulus, where shapes do not show it.
        **settings: what weights do not show, for example ``attention_coefficient=0``.

    Raises:
        CheckpointError: the file cannot be read, or is not a network known here.

    Example:
        >>> gs.load_network("their.pth").model
    """
    return load(Path(path), p=p, **settings)
