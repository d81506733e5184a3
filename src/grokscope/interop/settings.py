"""The settings of a network: those that its weights show, and those that somebody has to state."""

from collections.abc import Mapping
from typing import Any, TypedDict

from pydantic import TypeAdapter, ValidationError

from grokscope.errors import ConfigError, nearest
from grokscope.models import MLPConfig, ModelConfig, TransformerConfig
from grokscope.models.config import Activation


class UnseenSettings(TypedDict, total=False):
    """Settings that weights do not show, so that somebody has to state them where they are not the usual ones.

    All are of :class:`grokscope.models.TransformerConfig`; of an MLP, ``activation`` alone.
    """

    activation: Activation
    """[``"relu"``]."""
    attention_coefficient: float
    """Of the softmax; the rest is even attention [1]."""
    residual_scale: float
    """x ← scale·x + attention(x) in every layer [1]."""
    causal: bool
    """Whether a token sees only those before it [True]."""


_UNSEEN = {
    "transformer": ("attention_coefficient", "activation", "residual_scale", "causal"),
    "mlp": ("activation",),
}


def check_stated(kind: str, stated: Mapping[str, Any]) -> None:
    """Raise unless every stated setting is one that the weights of such a network do not show.

    Raises:
        ConfigError: another name.
    """
    for name in stated:
        if name not in _UNSEEN[kind]:
            raise ConfigError(
                f"{name} cannot be stated of this network (kind: {kind}){nearest(name, _UNSEEN[kind])}; only what "
                f"weights do not show can be, the rest is read off them"
            )


def validated(settings: Mapping[str, Any]) -> TransformerConfig | MLPConfig:
    """Return the configuration with these settings.

    Raises:
        ConfigError: one of them is impossible.
    """
    try:
        return TypeAdapter(ModelConfig).validate_python(dict(settings))
    except ValidationError as error:
        problems = [(each["loc"][-1], each["input"], each["msg"]) for each in error.errors()]
        raise ConfigError("; ".join(f"{name} {value!r}: {what}" for name, value, what in problems)) from error
