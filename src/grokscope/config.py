"""The base of every configuration, and the one way in which YAML is read and written."""

import os
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from grokscope.errors import RunError


class Config(BaseModel):
    """A frozen, serialisable bag of settings; an unknown key is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


def load_yaml(text: str | bytes, *, source: str = "the text") -> Any:
    """Return the plain values that ``text`` holds, as YAML 1.2 has them: ``1e-3`` is a number, ``yes`` and dates words.

    Args:
        text: one YAML document.
        source: what errors call it, for example the file's path.

    Raises:
        RunError: it is not YAML, or names a setting twice; the message has the line.

    Example:
        >>> load_yaml("lr: 1e-3")
        {'lr': 0.001}
    """
    try:
        return _yaml().load(text.decode() if isinstance(text, bytes) else text)
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        reason = " ".join(str(error.problem or error).split())
        raise RunError(f"{source} is not YAML: {line}{reason}") from error
    except (YAMLError, UnicodeDecodeError, ValueError) as error:
        raise RunError(f"{source} is not YAML: {' '.join(str(error).split())}") from error


def read_yaml(path: str | os.PathLike[str]) -> Any:
    """Return the plain values in a YAML file; see :func:`load_yaml`.

    Raises:
        RunError: the file cannot be read or is not YAML.
    """
    return load_yaml(read_file(path), source=os.fspath(path))


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Return what is in a file.

    Raises:
        RunError: it cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise RunError(f"cannot read {os.fspath(path)}: {error.strerror}") from error


def dump_yaml(tree: Any) -> str:
    """Return plain values as YAML, in the order in which they are given."""
    stream = StringIO()
    _yaml().dump(tree, stream)
    return stream.getvalue()


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor, yaml.Representer = _Constructor, _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # pyright: ignore[reportAttributeAccessIssue]
    return yaml


class _Constructor(SafeConstructor):
    """Reads a date as the text that it is: no setting is a date, and a name may look like one."""


_Constructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


class _Representer(SafeRepresenter):
    """Writes numbers such as 1.0e-08 with a point, without which readers of YAML 1.1 take them for text."""

    def represent_float(self, data: float) -> ScalarNode:
        node = super().represent_float(data)
        mantissa, e, exponent = node.value.partition("e")
        if e and "." not in mantissa:
            node.value = f"{mantissa}.0e{exponent}"
        return node


_Representer.add_representer(float, _Representer.represent_float)
