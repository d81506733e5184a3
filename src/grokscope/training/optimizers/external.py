"""Any other optimiser, by the path of its class: one of an installed package, or of the user's own file."""

import importlib
import runpy
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from grokscope.errors import ConfigError, nearest
from grokscope.randomness import global_streams
from grokscope.training.optimizers.base import OptimizerConfig
from grokscope.training.optimizers.memory import as_tensors, contiguous, from_tensors
from grokscope.training.optimizers.registry import register_optimizer

_OWN, _GROUP = "own_", "group_"
"""What the names of slots begin with: a parameter's own memory, and that of the group which it is the first of."""

Build = Callable[..., torch.optim.Optimizer]


class External(torch.optim.Optimizer):
    """Somebody else's optimiser, with a memory of tensors by parameter, whatever it keeps itself.

    What it draws at random it draws anew in every step from the number of updates, so that a resumed run draws the
    same.

    Args:
        inner: the optimiser. What it keeps beside its ``state`` and its parameter groups is not known here.
        lr: its learning rate.
    """

    def __init__(self, inner: torch.optim.Optimizer, lr: float) -> None:
        super().__init__([{"params": group["params"]} for group in inner.param_groups], {"lr": lr})
        self._inner = inner
        self._given = [{**group} for group in inner.param_groups]
        self._updates = 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Move every weight by the inner optimiser's rule."""
        for mine, group in zip(self.param_groups, self._inner.param_groups, strict=True):
            group["lr"] = mine["lr"]
        gpus = {weights.device for group in self.param_groups for weights in group["params"] if weights.is_cuda}
        with global_streams("optimizer", 0, self._updates, gpus):
            self._inner.step()
        for own in self._inner.state.values():
            own.update(contiguous(own))
        self._updates += 1

    def state_dict(self) -> dict[str, Any]:
        """Return what the inner optimiser and its parameter groups remember, once it has moved, as tensors."""
        whole = super().state_dict()
        if not self._updates:
            return whole
        whose, state = type(self._inner).__name__, {}
        for numbered, group, given in zip(whole["param_groups"], self._inner.param_groups, self._given, strict=True):
            changed = {key: group[key] for key in group if key not in ("params", "lr") and _differs(group, given, key)}
            for place, (number, weights) in enumerate(zip(numbered["params"], group["params"], strict=True)):
                parts = {_OWN: self._inner.state.get(weights, {})}
                if place == 0:
                    parts[_GROUP] = {"updates": self._updates, "group": changed}
                state[number] = {
                    f"{prefix}{name}": value
                    for prefix, part in parts.items()
                    for name, value in as_tensors(dict(part), whose).items()
                }
        return {**whole, "state": state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what another one of the same settings remembered."""
        parameters = [weights for group in self.param_groups for weights in group["params"]]
        for number, slots in state_dict["state"].items():
            weights = parameters[number]
            own, group = _part(slots, _OWN), _part(slots, _GROUP)
            if own:
                self._inner.state[weights] = from_tensors(own)
            if group:
                kept = from_tensors(group)
                self._updates = kept["updates"]
                [holder] = [each for each in self._inner.param_groups if each["params"][0] is weights]
                holder.update(kept["group"])


def _part(slots: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in slots.items() if name.startswith(prefix)}


def _differs(group: dict[str, Any], given: dict[str, Any], key: str) -> bool:
    """Return whether a group's entry is not what it was when the optimiser was built."""
    value, before = group[key], given.get(key)
    if key not in given or isinstance(value, Tensor):
        return True
    return value is not before and value != before


@register_optimizer
class ExternalConfig(OptimizerConfig):
    """Any optimiser that PyTorch's interface knows, by its path; runs of it do not gain from an ensemble."""

    kind: Literal["external"] = "external"
    path: str = Field(
        default="torch.optim:RAdam",
        description="package:Class or file.py:Class, called with the parameters, lr and the arguments",
    )
    around: str | None = Field(
        default=None, description="path of the optimiser that a wrapper such as Lookahead takes as its first argument"
    )
    arguments: dict[str, Any] = Field(default={}, description="of the class, by name, besides lr")

    @field_validator("path", "around")
    @classmethod
    def _has_two_parts(cls, path: str | None) -> str | None:
        if path is not None and not all(path.rpartition(":")[::2]):
            raise ValueError(f"expected package:Class or file.py:Class, got {path!r}")
        return path

    @property
    def summary(self) -> str:
        """The class, its learning rate and its arguments."""
        name = self.path.rpartition(":")[2]
        around = f" around {self.around.rpartition(':')[2]}" if self.around else ""
        arguments = "".join(
            f", {key.replace('_', ' ')} {value:g}" if isinstance(value, float) else f", {key.replace('_', ' ')} {value}"
            for key, value in self.arguments.items()
        )
        return f"{name}{around}, learning rate {self.lr:g}{arguments}"

    def build(self, parameters: Iterable[nn.Parameter]) -> External:
        """Return the optimiser of one network.

        Raises:
            ConfigError: there is no such class, or it does not take these arguments.
        """
        parameters = list(parameters)
        self._require_a_step(parameters[0])
        return self._wrapped(parameters)

    def _wrapped(self, parameters: list[nn.Parameter]) -> External:
        make = imported(self.path)
        try:
            if self.around is None:
                inner = make(parameters, lr=self.lr, **self.arguments)
            else:
                inner = make(imported(self.around), params=parameters, lr=self.lr, **self.arguments)
        except (TypeError, ValueError, AssertionError) as error:
            raise ConfigError(f"optimizer.arguments: {self.path} does not take them: {error}") from error
        if not callable(getattr(inner, "step", None)) or not hasattr(inner, "param_groups"):
            raise ConfigError(
                f"optimizer.path: {self.path} makes a {type(inner).__name__}, which is no PyTorch optimiser"
            )
        return External(inner, self.lr)

    def _require_a_step(self, like: nn.Parameter) -> None:
        """Raise unless weights of another network can be moved, and what is remembered stored: nothing is begun yet."""
        tried = [nn.Parameter(like.new_ones(shape)) for shape in ((2, 2), (2,))]
        for weights in tried:
            weights.grad = torch.ones_like(weights)
        optimizer = self._wrapped(tried)
        try:
            optimizer.step()
        except Exception as error:  # anybody's code
            raise ConfigError(f"optimizer.path: {self.path} cannot make a step: {error}") from error
        optimizer.state_dict()


def imported(path: str) -> Build:
    """Return the class or function at ``package:Class`` or ``file.py:Class``.

    Raises:
        ConfigError: there is none, or its module cannot be imported.
    """
    module, _, name = path.rpartition(":")
    if module.endswith(".py"):
        if not Path(module).is_file():
            raise ConfigError(f"optimizer.path: there is no file {module}")
        try:
            known = runpy.run_path(module, run_name="grokscope_optimizer")
        except (Exception, SystemExit) as error:
            raise ConfigError(f"optimizer.path: {module} does not run: {type(error).__name__}: {error}") from error
    else:
        try:
            known = vars(importlib.import_module(module))
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"optimizer.path: {module} cannot be imported ({error}); install its package: pip install "
                f"{module.partition('.')[0].replace('_', '-')}"
            ) from error
        except (Exception, SystemExit) as error:
            raise ConfigError(
                f"optimizer.path: {module!r} cannot be imported: {type(error).__name__}: {error}"
            ) from error
    if not callable(known.get(name)):
        names = [key for key, value in known.items() if callable(value) and not key.startswith("_")]
        raise ConfigError(f"optimizer.path: {module} has no class {name!r}{nearest(name, names)}")
    return known[name]
