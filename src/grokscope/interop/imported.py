"""A network that came from a file, and what is known of it."""

from dataclasses import dataclass, field
from pathlib import Path

from grokscope.display import brief, brief_repr, facts_table
from grokscope.interop.files import Simple
from grokscope.models import MLP, Transformer


@dataclass(frozen=True, eq=False)
class ImportedNetwork:
    """Somebody else's network as one of ours, ready to be run: no gradients, on the CPU."""

    model: Transformer | MLP
    p: int | None
    """The modulus; None where the shapes are not those of a network on pairs of residues."""
    equals_token: bool
    """Whether the token '=' (number p) follows the pair."""
    layout: str
    """Whose names and orientations the weights had, for people; ``grokscope`` where :func:`save_network` wrote them,
    and then nothing was taken for granted: the file says the settings that weights do not show."""
    source: Path
    sha256: str
    """Of the file."""
    notes: tuple[str, ...] = ()
    """What was left out or taken for granted, for people."""
    operation: str | None = None
    """What the network computes, where the file says it: a name or an expression, as ``task.operation`` takes it."""
    stored: dict[str, Simple] = field(default_factory=dict)
    """Numbers, texts and lists of numbers that the file keeps beside the weights, such as ``train_losses``."""

    __repr__ = brief_repr

    def _repr_html_(self) -> str:
        facts = [
            ("layout", self.layout),
            ("network", repr(self.model)),
            ("modulus", "none: not a network on pairs of residues" if self.p is None else str(self.p)),
            ("operation", self.operation or "not said in the file"),
            *((f"stored {name}", brief(value)) for name, value in self.stored.items()),
            *(("note", note) for note in self.notes),
        ]
        return facts_table(self.source.name, facts)
