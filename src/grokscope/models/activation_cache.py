"""The activations of one forward pass, under TransformerLens's long and short names."""

from collections.abc import Iterator, Mapping

from torch import Tensor

from grokscope.display import brief
from grokscope.errors import nearest

Key = str | tuple[str | int, ...]


class ActivationCache(Mapping[str, Tensor]):
    """Activations by name, in the order in which they were computed.

    Args:
        activations: by their long names.
        n_layers: of the network, so that -1 is its last layer.

    Example:
        >>> logits, cache = model.run_with_cache(tokens)
        >>> cache["blocks.0.attn.hook_pattern"]  # the long name, [example, n_heads, query, key]
        >>> cache["pattern", 0]  # the short one and the layer
        >>> cache["resid_post", -1]  # the last layer
        >>> cache["normalized", 0, "ln2"]  # the part of the layer too, where there are several
        >>> cache["embed"]
    """

    def __init__(self, activations: Mapping[str, Tensor], n_layers: int) -> None:
        self._activations, self._n_layers = dict(activations), n_layers

    def __getitem__(self, key: Key) -> Tensor:
        """Return an activation.

        Raises:
            KeyError: there is none of that name, or several.
        """
        if isinstance(key, str) and key in self._activations:
            return self._activations[key]
        short, *place = (key,) if isinstance(key, str) else key
        matching = [name for name in self._activations if self._is_at(name, str(short), place)]
        if len(matching) != 1:
            reason = f"is one of {', '.join(matching)}" if matching else f"is not in the cache{self._nearest(key)}"
            raise KeyError(f"{key!r} {reason}")
        return self._activations[matching[0]]

    def _is_at(self, name: str, short: str, place: list[str | int]) -> bool:
        path, _, last = name.rpartition(".")
        if last.removeprefix("hook_") != short.removeprefix("hook_"):
            return False
        if not place:
            return not path.startswith("blocks.")
        layer, *part = place
        if isinstance(layer, int) and layer < 0:
            layer += self._n_layers
        return path.split(".")[:2] == ["blocks", str(layer)] and path.split(".")[2 : 2 + len(part)] == part

    def _nearest(self, key: Key) -> str:
        if isinstance(key, str):
            return nearest(key, [*self._activations, *(str(each[0]) for each in self._short_names() if len(each) == 1)])
        return nearest(str(key), [str(each) for each in self._short_names()])

    def _short_names(self) -> list[tuple[str | int, ...]]:
        short = []
        for name in self._activations:
            path, _, last = name.rpartition(".")
            layer = (int(path.split(".")[1]),) if path.startswith("blocks.") else ()
            short.append((last.removeprefix("hook_"), *layer))
        return short

    def __iter__(self) -> Iterator[str]:
        return iter(self._activations)

    def __len__(self) -> int:
        return len(self._activations)

    def __repr__(self) -> str:
        return f"ActivationCache({brief(self._activations)})"
