"""What an optimiser remembers between two steps, by the name of the parameter that it belongs to."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from grokscope.errors import ConfigError


def slots_of(optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """Return what ``optimizer`` remembers, by slot and parameter (``exp_avg.embed.W_E``), as tensors of their own.

    Raises:
        ConfigError: it remembers something that is no tensor, with which a run could not be resumed.
    """
    tensors, remembered = {}, optimizer.state_dict()["state"]
    for name, number in _numbers(optimizer, parameters).items():
        for slot, value in remembered.get(number, {}).items():
            if value is None:
                continue
            if not isinstance(value, Tensor):
                raise ConfigError(
                    f"{type(optimizer).__name__} remembers {slot!r} as {type(value).__name__}; keep a tensor instead, "
                    f"so that a run can be resumed"
                )
            tensors[f"{slot}.{name}"] = value.detach().clone()
    return tensors


def load_slots(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor]
) -> None:
    """Let ``optimizer`` take up what :func:`slots_of` returned."""
    numbers = _numbers(optimizer, parameters)
    slots: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        slot, _, name = key.partition(".")
        # cloned: the optimiser keeps what it is given and writes to it
        slots.setdefault(numbers[name], {})[slot] = value.clone()
    optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})


def _numbers(optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]) -> dict[str, int]:
    """Return by which number a state dict of ``optimizer`` calls each parameter."""
    given = [each for group in optimizer.param_groups for each in group["params"]]
    numbers = {id(parameter): number for number, parameter in enumerate(given)}
    return {name: numbers[id(parameter)] for name, parameter in parameters.items()}
