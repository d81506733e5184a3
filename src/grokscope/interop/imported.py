"""A network that came from a file, and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Unpack

from grokscope.display import brief, brief_repr, facts_table
from grokscope.interop.files import Simple
from grokscope.interop.settings import UnseenSettings, check_stated, validated
from grokscope.models import MLP, Transformer, build_model


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
    """What the network computes, where the file says it or it was found: as ``task.operation`` takes it."""
    stored: dict[str, Simple] = field(default_factory=dict)
    """Numbers, texts and lists of numbers that the file keeps beside the weights, such as ``train_losses``."""
    stated: Mapping[str, Any] = field(default_factory=dict)
    """The settings that somebody stated, which are not to be guessed."""

    __repr__ = brief_repr

    @property
    def open_settings(self) -> tuple[str, ...]:
        """The settings of the network that neither the file shows nor anybody stated: the usual values were taken."""
        if self.layout == "grokscope":
            return ()
        known = type(self.model.config).model_fields
        return tuple(name for name in UnseenSettings.__annotations__ if name in known and name not in self.stated)

    def with_settings(self, **changes: Unpack[UnseenSettings]) -> "ImportedNetwork":
        """Return the same weights under other settings; the file is not read again.

        Args:
            **changes: settings that weights do not show.

        Raises:
            ConfigError: weights show the setting, no such network has it, or the value is impossible.

        Example:
            >>> load_network("induction_head_infinite.pth").with_settings(residual_scale=2.0)
        """
        old = self.model
        check_stated(old.config.kind, changes)
        config = validated({**old.config.model_dump(), **changes})
        sizes = {"d_vocab": old.d_vocab, "d_vocab_out": old.d_vocab_out, "n_ctx": old.n_ctx}
        model = build_model(config, **sizes, seed=0, dtype=next(old.parameters()).dtype)
        model.load_state_dict(old.state_dict())
        return replace(self, model=model.requires_grad_(False).eval())

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
