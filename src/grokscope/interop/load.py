"""From a file of weights to a network of ours."""

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from torch import Tensor

from grokscope.errors import CheckpointError
from grokscope.interop.biases import completed, smallest_setting
from grokscope.interop.files import Checkpoint, dtype_of, read_checkpoint
from grokscope.interop.imported import ImportedNetwork
from grokscope.interop.layouts.flat import FLAT, from_flat, is_flat
from grokscope.interop.layouts.mlp import draft_mlp, layout_of_mlp
from grokscope.interop.layouts.transformer import TRANSFORMER_LENS, draft_transformer, layout_of_transformer
from grokscope.interop.modulus import modulus_and_length
from grokscope.interop.native import is_saved, restore
from grokscope.interop.parsed import ParsedWeights
from grokscope.interop.settings import UnseenSettings, check_stated, validated
from grokscope.interop.shape_reader import TensorReader
from grokscope.models import build_model

_OF_THE_NETWORK = re.compile(r"((attn_)?blocks|embed|pos_embed|unembed|ln_final|l\d+)\.")
"""Tensors that a forward pass would use: where one has no place here, the network is another one."""


def load_network(
    path: str | os.PathLike[str],
    *,
    p: int | None = None,
    equals_token: bool | None = None,
    index: int | None = None,
    **stated: Unpack[UnseenSettings],
) -> ImportedNetwork:
    """Return the network whose weights are in a file.

    Layouts: Nanda & Lieberum's code, TransformerLens, one layer under flat names, the MLPs of "The Clock and the Pizza"
    and of Chughtai et al., MLPs on sums of one-hot tokens, checkpoints of our runs, and what :func:`save_network`
    writes.

    Args:
        path: a .safetensors file, or one of PyTorch, which is read without running code in it.
        p: the modulus, where shapes do not say it.
        equals_token: whether '=' follows the pair, where shapes do not say it.
        index: which of the networks in a list [the last].
        **stated: settings that weights do not show, see :class:`UnseenSettings`.

    Raises:
        CheckpointError: the file cannot be read, is of no known layout, has tensors that do not fit together, or
            contradicts what was stated.
        ConfigError: something was stated that no such network has.

    Example:
        >>> imported = load_network("model_p99zdpze5l.pt", attention_coefficient=0, causal=False)
        >>> imported.p, imported.model.config.attention_coefficient
        (59, 0.0)
    """
    path = Path(path)
    checkpoint = read_checkpoint(path, index)
    if is_saved(checkpoint):
        return restore(path, checkpoint, p=p, equals_token=equals_token, stated=stated)
    draft = _draft(path, checkpoint.tensors)
    check_stated(draft.config["kind"], stated)
    biases = smallest_setting(draft.config["kind"], draft.weights)
    config = validated({**draft.config, "biases": biases, **stated})
    modulus, equals, n_ctx = modulus_and_length(path, draft, p, equals_token)
    dtype = dtype_of(draft.weights)
    model = build_model(config, d_vocab=draft.d_vocab, d_vocab_out=draft.d_vocab_out, n_ctx=n_ctx, seed=0, dtype=dtype)
    shapes = {name: weight.shape for name, weight in model.state_dict().items()}
    model.load_state_dict(completed(draft.weights, shapes))
    return ImportedNetwork(
        model=model.requires_grad_(False).eval(),
        p=modulus,
        equals_token=equals,
        layout=draft.layout,
        source=path,
        sha256=checkpoint.sha256,
        notes=(*_notes(draft), *_beside(checkpoint)),
        stored=checkpoint.stored,
        stated=dict(stated),
    )


def _draft(path: Path, tensors: dict[str, Tensor]) -> ParsedWeights:
    if is_flat(tensors):
        renamed = TensorReader(path, from_flat(tensors), TRANSFORMER_LENS)
        draft = replace(draft_transformer(renamed), layout=FLAT)
    elif layout := layout_of_transformer(tensors):
        draft = draft_transformer(TensorReader(path, tensors, layout))
    elif layout := layout_of_mlp(tensors):
        draft = draft_mlp(TensorReader(path, tensors, layout))
    else:
        raise _unknown(path, tensors)
    lost = [name for name in draft.left if _OF_THE_NETWORK.match(name)]
    if lost:
        raise CheckpointError(
            f"{path} has tensors for which there is no place in its layout ({draft.layout}): {', '.join(lost)}; "
            f"without them it would be another network. If they are no part of it, take them out of the file"
        )
    return draft


def _unknown(path: Path, tensors: dict[str, Tensor]) -> CheckpointError:
    return CheckpointError(
        f"{path} is of no layout known here: found {', '.join(list(tensors)[:12])}; rename the tensors to "
        f"TransformerLens's names (embed.W_E, pos_embed.W_pos, blocks.0.attn.W_Q, …, unembed.W_U)"
    )


def _beside(checkpoint: Checkpoint) -> tuple[str, ...]:
    if not checkpoint.left_out:
        return ()
    return (f"left out, as they are no weights: {', '.join(checkpoint.left_out)}",)


def _notes(draft: ParsedWeights) -> tuple[str, ...]:
    notes = []
    if draft.left:
        notes.append(f"tensors in the file that are no part of the network were left out: {', '.join(draft.left)}")
    if draft.config.get("tied_embeddings"):
        notes.append("there is no unembed.W_U: taken to be the transpose of embed.W_E")
    return tuple(notes)
