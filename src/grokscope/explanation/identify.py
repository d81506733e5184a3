"""Which task somebody else's network does, read off its shapes and then tried."""

from typing import Protocol

from grokscope.errors import CheckpointError
from grokscope.explanation.subject import Subject
from grokscope.interop import ImportedNetwork
from grokscope.registry import Registry


class Identify(Protocol):
    """How a family of tasks recognises a network on one of its tasks."""

    def __call__(self, imported: ImportedNetwork, *, operation: str | None) -> Subject | None:
        """Return the network with its task; None where its shapes are those of no task of the family.

        ``operation`` is what the network is said to compute; a family without operations raises ConfigError of one.
        """
        ...


FAMILIES: Registry[Identify] = Registry("family of tasks")
"""In the order in which they are asked."""


def identify(imported: ImportedNetwork, *, operation: str | None = None) -> Subject:
    """Return somebody else's network with what it computes.

    Args:
        imported: the network.
        operation: what it computes modulo p [as stored with it, or found by trying].

    Raises:
        CheckpointError: it is a network for none of the tasks here.
        ConfigError: an operation was stated of a network that is not on pairs of residues.
    """
    for family in FAMILIES.values():
        subject = family(imported, operation=operation)
        if subject is not None:
            return subject
    model = imported.model
    raise CheckpointError(
        f"{imported.source} is a network on {model.n_ctx} tokens of {model.d_vocab} with {model.d_vocab_out} logits: "
        f"neither pairs of residues (two tokens of p, or three with '='), nor digits of sums, repeated subsequences or "
        f"skip trigrams; train a network here, or rename its task's tokens"
    )
