"""Whether a network reads pairs of residues, by its shapes."""

from pathlib import Path

from grokscope.errors import CheckpointError
from grokscope.interop.parsed import ParsedWeights


def modulus_and_length(
    path: Path, draft: ParsedWeights, p: int | None, equals_token: bool | None
) -> tuple[int | None, bool, int]:
    """Return the modulus, whether '=' follows the pair, and the length of a sequence.

    Two tokens of p, or three of p + 1 where '=' is one of them; p logits, or p + 1. The modulus is None where the
    shapes are others.

    Raises:
        CheckpointError: ``p`` or ``equals_token`` contradicts the shapes, or these leave a choice.
    """
    possible = [
        (modulus, equals)
        for equals, modulus in ((False, draft.d_vocab), (True, draft.d_vocab - 1))
        if draft.n_ctx in (None, 2 + equals) and modulus >= 2 and draft.d_vocab_out in (modulus, modulus + 1)
    ]
    chosen = [(q, equals) for q, equals in possible if p in (None, q) and equals_token in (None, equals)]
    if len(chosen) == 1:
        modulus, equals = chosen[0]
        return modulus, equals, 2 + equals
    length = "any number of" if draft.n_ctx is None else str(draft.n_ctx)
    found = f"{path} reads {length} tokens of {draft.d_vocab} and has {draft.d_vocab_out} logits"
    fits = " or ".join(f"p = {q} {'with' if equals else 'without'} '='" for q, equals in possible)
    if chosen:
        raise CheckpointError(f"{found}, which fits {fits}; state p or equals_token")
    if p is None and equals_token is None and draft.n_ctx is not None:
        return None, False, draft.n_ctx
    said = {"p": p, "equals_token": equals_token}
    stated = ", ".join(f"{name} = {value}" for name, value in said.items() if value is not None) or "nothing"
    raise CheckpointError(
        f"{found}, which fits {fits or 'no pairs of residues'}; stated was {stated}: state what fits, or leave it out"
    )
