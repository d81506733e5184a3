"""One safetensors file that says all of a network, and back."""

import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import Field, StrictBool, StrictInt, ValidationError

from grokscope.config import Config
from grokscope.errors import CheckpointError
from grokscope.interop.files import Checkpoint, dtype_of
from grokscope.interop.imported import ImportedNetwork
from grokscope.interop.settings import check_stated
from grokscope.models import ModelConfig, build_model
from grokscope.run.atomic import save_tensors

_MARK = "grokscope"


class _Record(Config):
    """What the file says beside the weights; every entry is JSON in the file's metadata."""

    grokscope: str
    """The version that wrote it."""
    model: ModelConfig
    d_vocab: StrictInt = Field(ge=1)
    d_vocab_out: StrictInt = Field(ge=1)
    n_ctx: StrictInt = Field(ge=1)
    p: StrictInt | None
    equals_token: StrictBool
    operation: str | None
    layout: str
    """Of the file that it was imported from, as are the next two."""
    source: str
    sha256: str


def save_network(
    imported: ImportedNetwork, path: str | os.PathLike[str], *, operation: str | None, overwrite: bool = False
) -> None:
    """Write the network to one safetensors file under our names; :func:`load_network` reads it back.

    The file's metadata keep settings, sizes, modulus and operation, and where the network came from: the source's
    layout, file name (without its folder) and hash.

    Args:
        imported: the network.
        path: the file.
        operation: what it computes, as ``task.operation`` takes it; None where that is not known.
        overwrite: replace the file if there is one.

    Raises:
        CheckpointError: the file exists and is not to be replaced.
        RunError: it cannot be written.
    """
    path, model = Path(path), imported.model
    if path.exists() and not overwrite:
        raise CheckpointError(f"{path} exists; choose another name, or overwrite it (overwrite=True, --overwrite)")
    record = _Record(
        grokscope=version("grokscope"),
        model=model.config,
        d_vocab=model.d_vocab,
        d_vocab_out=model.d_vocab_out,
        n_ctx=model.n_ctx,
        p=imported.p,
        equals_token=imported.equals_token,
        operation=operation,
        layout=imported.layout,
        source=imported.source.name,
        sha256=imported.sha256,
    )
    metadata = {name: json.dumps(value, ensure_ascii=False) for name, value in record.model_dump(mode="json").items()}
    save_tensors(path, model.state_dict(), metadata)


def is_saved(checkpoint: Checkpoint) -> bool:
    """Return whether :func:`save_network` wrote this."""
    return _MARK in checkpoint.metadata


def restore(
    path: Path, checkpoint: Checkpoint, *, p: int | None, equals_token: bool | None, stated: Mapping[str, Any]
) -> ImportedNetwork:
    """Return the network that :func:`save_network` wrote, with the settings written beside it.

    Raises:
        CheckpointError: the file is damaged, was written by a version with other settings, or contradicts what was
            stated.
    """
    try:
        record = _Record.model_validate({name: json.loads(text) for name, text in checkpoint.metadata.items()})
    except (ValidationError, ValueError) as error:
        by = checkpoint.metadata[_MARK]
        raise CheckpointError(
            f"what {path} says beside its weights is damaged, or of another version of grokscope than "
            f"{version('grokscope')} (written by {by}): {' '.join(str(error).split())}; import the original again"
        ) from error
    check_stated(record.model.kind, stated)
    said = {"p": record.p, "equals_token": record.equals_token, **record.model.model_dump()}
    for name, value in {"p": p, "equals_token": equals_token, **stated}.items():
        if value is not None and value != said[name]:
            raise CheckpointError(f"{path} says {name} = {said[name]}, stated was {value}; leave it out")
    sizes = {"d_vocab": record.d_vocab, "d_vocab_out": record.d_vocab_out, "n_ctx": record.n_ctx}
    model = build_model(record.model, **sizes, seed=0, dtype=dtype_of(checkpoint.tensors))
    try:
        model.load_state_dict(checkpoint.tensors)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"the weights in {path} do not fit the network it describes: {reason}") from error
    return ImportedNetwork(
        model=model.requires_grad_(False).eval(),
        p=record.p,
        equals_token=record.equals_token,
        layout="grokscope",
        source=path,
        sha256=checkpoint.sha256,
        notes=(f"imported from {record.source} (layout: {record.layout}; sha256 {record.sha256})",),
        operation=record.operation,
    )
