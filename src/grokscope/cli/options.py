"""Settings on the command line."""

from typing import Any

from grokscope.config import load_yaml
from grokscope.errors import ConfigError, RunError


def assignments(texts: list[str]) -> dict[str, Any]:
    """Return the settings that ``--set NAME=VALUE`` gives, by name.

    Raises:
        ConfigError: a text has no name or no ``=``.
    """
    settings: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set {text!r}: expected NAME=VALUE, for example --set model.d_mlp=256")
        settings[name.strip()] = value_of(value)
    return settings


def value_of(text: str) -> Any:
    """Return what ``text`` means in YAML; the experiment's own validation names the setting if it is wrong."""
    try:
        return load_yaml(text)
    except RunError:
        return text
