"""Many networks of one shape as one network, whose parameters and activations have a leading stack axis."""

import copy
from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from grokscope.errors import ConfigError
from grokscope.models.network import Network

AnyNetwork = TypeVar("AnyNetwork", bound=Network)


def stack(networks: Sequence[AnyNetwork]) -> AnyNetwork:
    """Return one network that computes what each of ``networks`` does, all at once.

    Every parameter and every activation has a leading stack axis: ``blocks.0.attn.W_Q [stack, n_heads, d_model,
    d_head]``. It is called, watched and intervened on as one network is; tokens are ``[example, n_ctx]``, the same for
    all networks, or ``[stack, example, n_ctx]``.

    Raises:
        ConfigError: there are none, they are stacked already, or they differ in shape.

    Example:
        >>> models = [Run(path).model() for path in sorted(Path("runs").glob("seed*"))]
        >>> logits, cache = stack(models).run_with_cache(tokens)
        >>> cache["blocks.0.mlp.hook_post"].shape  # [stack, example, position, d_mlp]
    """
    if not networks:
        raise ConfigError("there are no networks to stack; name at least one")
    first = networks[0]
    for number, network in enumerate(networks):
        if network.n_stacked is not None:
            raise ConfigError(f"network {number} is itself a stack of {network.n_stacked}; stack single networks")
        shape, expected = _shape(network), _shape(first)
        if shape != expected:
            raise ConfigError(
                f"network {number} is {shape}, network 0 {expected}; only networks of one shape are stacked"
            )
    each = [dict(network.named_parameters()) for network in networks]
    values = {name: torch.stack([parameters[name].detach() for parameters in each]) for name in each[0]}
    return with_parameters(first, values, n_stacked=len(networks))


def member(stacked: AnyNetwork, index: int) -> AnyNetwork:
    """Return one of the stacked networks, a copy on its own.

    Raises:
        ConfigError: the network is not a stack, or has no such member.
    """
    if stacked.n_stacked is None:
        raise ConfigError("this network is a single one, not a stack; use it as it is")
    if not 0 <= index < stacked.n_stacked:
        raise ConfigError(
            f"there is no member {index} in a stack of {stacked.n_stacked}; use 0 to {stacked.n_stacked - 1}"
        )
    values = {name: parameter.detach()[index].clone() for name, parameter in stacked.named_parameters()}
    return with_parameters(stacked, values, n_stacked=None)


def with_parameters(network: AnyNetwork, values: Mapping[str, Tensor], *, n_stacked: int | None) -> AnyNetwork:
    """Return a copy of ``network`` whose parameters are ``values``, in the very memory that these are in."""
    # deepcopy skips what its memo holds already: the old parameters are never copied
    done = {id(parameter): nn.Parameter(values[name]) for name, parameter in network.named_parameters()}
    copied = copy.deepcopy(network, done)
    copied.n_stacked = n_stacked
    return copied


def _shape(network: Network) -> str:
    """Return what must be the same of stacked networks: how initial weights were scaled no longer matters."""
    settings = {name: value for name, value in network.settings().items() if name != "init_scale"}
    dtype = next(network.parameters()).dtype
    return f"{type(network).__name__}({', '.join(f'{name}={value!r}' for name, value in settings.items())}, {dtype})"
