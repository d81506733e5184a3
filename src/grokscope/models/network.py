"""What every network can do: a textbook pass and a fast one, reading activations and replacing them."""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Self, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from grokscope.display import facts_table, folded, list_table
from grokscope.errors import ConfigError, HookError
from grokscope.models.activation_cache import ActivationCache
from grokscope.models.config import MLPConfig, TransformerConfig
from grokscope.models.dropout import Noise
from grokscope.models.hooks import Hook, Recorder, Replacer, Tap, require_names, untouched

AnyConfig = TypeVar("AnyConfig", bound=TransformerConfig | MLPConfig)


class Network(nn.Module, Generic[AnyConfig]):
    """A network from token sequences to logits, with named parameters and named activations."""

    def __init__(self, config: AnyConfig, *, d_vocab: int, d_vocab_out: int, n_ctx: int) -> None:
        super().__init__()
        if config.tied_embeddings and d_vocab_out > d_vocab:
            raise ConfigError(f"tied_embeddings needs d_vocab_out ≤ d_vocab, got {d_vocab_out} > {d_vocab}; untie them")
        self.config, self.d_vocab, self.d_vocab_out, self.n_ctx = config, d_vocab, d_vocab_out, n_ctx
        self.n_stacked: int | None = None
        """How many networks are stacked in this one (:func:`grokscope.models.stack`); None of a single network."""
        self._replacers: tuple[Replacer, ...] = ()
        self._activation_names: tuple[str, ...] = ()

    @abstractmethod
    def forward(
        self,
        tokens: Int[Tensor, "*given example n_ctx"],
        positions: Sequence[int] | None = None,
        *,
        tap: Tap = untouched,
    ) -> Float[Tensor, "*stack example n_out d_vocab_out"]:
        """Return the logits by the textbook pass, in which every activation has its name.

        Args:
            tokens: the input sequences.
            positions: where logits are wanted, everywhere if None; what the last layer would compute for other
                positions is left out.
            tap: is shown every activation, and returns the one to go on with.

        Raises:
            ConfigError: a token or a position does not exist.
        """

    @abstractmethod
    def plan(self, tokens: Int[Tensor, "*given example n_ctx"], positions: Sequence[int]) -> Any:
        """Return the work that these inputs share; reuse it wherever the same tokens are run again.

        Raises:
            ConfigError: a token or a position does not exist.
        """

    @abstractmethod
    def forward_fast(
        self, plan: Any, *, noise: Noise | None = None, tap: Tap = untouched
    ) -> Float[Tensor, "*stack example n_targets d_vocab_out"]:
        """Return the logits at the planned positions, doing shared work once: equal to :meth:`forward` up to rounding.

        It computes few of the named activations, and is the one to train and to measure with.

        Args:
            plan: from :meth:`plan`.
            noise: draws the dropout masks; without it nothing is dropped.
            tap: is shown the activations that :meth:`shown_fast` names, at the planned positions; it cannot replace
                them.

        Raises:
            HookError: called inside a :meth:`hooks` block.
        """

    @abstractmethod
    def shown_fast(self, plan: Any) -> frozenset[str]:
        """Return the names of the activations that :meth:`forward_fast` computes anyway, and shows."""

    def run_with_cache(
        self,
        tokens: Int[Tensor, "*given example n_ctx"],
        names: Collection[str] | None = None,
        positions: Sequence[int] | None = None,
    ) -> tuple[Float[Tensor, "*stack example n_out d_vocab_out"], ActivationCache]:
        """Return the logits and the activations by name, at every position.

        Args:
            tokens: the input sequences.
            names: the activations to keep, all if None; for example ``{"blocks.0.mlp.hook_post"}``.
            positions: where logits are wanted [everywhere]; the last layer's activations are those at these positions
                (of keys and values, and before its queries: all), which saves the work for the others.

        Raises:
            HookError: a name does not exist in this network.
            ConfigError: a token or a position does not exist.

        Example:
            >>> logits, cache = model.run_with_cache(tokens)
            >>> cache["blocks.0.attn.hook_pattern"].shape  # [example, n_heads, query, key]; cache["pattern", 0] as well
        """
        if names is not None:
            require_names(names, self.activation_names)
        recorder = Recorder(names)
        logits = self(tokens, positions, tap=recorder)
        return logits, ActivationCache(recorder.kept, self.config.n_layers)

    def run_with_hooks(
        self,
        tokens: Int[Tensor, "*given example n_ctx"],
        hooks: Mapping[str, Hook],
        positions: Sequence[int] | None = None,
    ) -> Float[Tensor, "*stack example n_out d_vocab_out"]:
        """Return the logits with some activations replaced.

        Args:
            tokens: the input sequences.
            hooks: for each activation's name, a function from the activation (or from the activation and a
                :class:`grokscope.models.hooks.HookPoint`) to its replacement.
            positions: where logits are wanted, as of :meth:`run_with_cache`.

        Raises:
            HookError: a name does not exist, or a replacement has another shape.
            ConfigError: a token or a position does not exist.

        Example:
            >>> model.run_with_hooks(tokens, {"blocks.0.hook_mlp_out": torch.zeros_like})  # ablate the MLP
        """
        with self.hooks(hooks):
            return self(tokens, positions)

    @contextmanager
    def hooks(self, hooks: Mapping[str, Hook]) -> Iterator[Self]:
        """Replace activations in every textbook pass inside a ``with`` block; afterwards the network is as before.

        Blocks can stand inside each other: the outer hooks are called first.

        Args:
            hooks: as of :meth:`run_with_hooks`.

        Raises:
            HookError: a name does not exist, a replacement has another shape, or there was no pass inside the block.

        Example:
            >>> with model.hooks({"blocks.0.hook_mlp_out": torch.zeros_like}):
            ...     ablated = model(tokens)
            ...     _, cache = model.run_with_cache(tokens)
        """
        replacer = Replacer(hooks, self.activation_names)
        self._replacers = (*self._replacers, replacer)
        try:
            yield self
        finally:
            self._replacers = tuple(each for each in self._replacers if each is not replacer)
        replacer.require_called()

    @property
    def activation_names(self) -> tuple[str, ...]:
        """The names of all activations, in the order in which the textbook pass computes them."""
        if not self._activation_names:
            recorder, replacers = Recorder(), self._replacers
            self._replacers = ()
            try:
                with torch.no_grad():
                    self(torch.zeros(1, self.n_ctx, dtype=torch.long, device=self._device), tap=recorder)
            finally:
                self._replacers = replacers
            self._activation_names = tuple(recorder.seen)
        return self._activation_names

    def _through_hooks(self, tap: Tap) -> Tap:
        """Return the tap that lets the hooks of the present ``with`` blocks replace an activation before ``tap``."""
        if not self._replacers:
            return tap

        def through(name: str, value: Tensor) -> Tensor:
            for replacer in self._replacers:
                value = replacer(name, value)
            return tap(name, value)

        return through

    def _without_hooks(self) -> None:
        if self._replacers:
            raise HookError("forward_fast leaves most activations out, so hooks cannot work; call the network itself")

    @property
    def _device(self) -> torch.device:
        return next(self.parameters()).device

    def check(
        self, tokens: Int[Tensor, "*given example n_ctx"], positions: Sequence[int] = ()
    ) -> Int[Tensor, "*stack example n_ctx"]:
        """Return ``tokens`` as the network reads them; without a stack axis, all stacked networks read the same ones.

        Raises:
            ConfigError: sequences are too long, or a token or a position does not exist (a lookup by row would
                otherwise find another token's row and go on), or there are tokens for another number of networks.
        """
        n_ctx = tokens.shape[-1]
        if n_ctx > self.n_ctx:
            raise ConfigError(
                f"sequences of {n_ctx} tokens are longer than the network's n_ctx, {self.n_ctx}; shorten them"
            )
        lowest, highest = (int(token) for token in tokens.aminmax())
        if lowest < 0 or highest >= self.d_vocab:
            wrong = lowest if lowest < 0 else highest
            raise ConfigError(f"expected tokens 0 to {self.d_vocab - 1} (d_vocab is {self.d_vocab}), got {wrong}")
        for position in positions:
            if not 0 <= position < n_ctx:
                raise ConfigError(f"there is no position {position} in sequences of {n_ctx}; use 0 to {n_ctx - 1}")
        return self._for_every_network(tokens)

    def _for_every_network(self, tokens: Tensor) -> Tensor:
        expected = () if self.n_stacked is None else (self.n_stacked,)
        if tokens.shape[:-2] == expected:
            return tokens
        if tokens.ndim == 2:
            return tokens.expand(*expected, *tokens.shape)
        stacked = "a single network" if self.n_stacked is None else f"{self.n_stacked} stacked networks"
        raise ConfigError(
            f"{stacked} cannot read tokens of shape {tuple(tokens.shape)}; give {[*expected, 'example', 'n_ctx']}"
        )

    @property
    def n_parameters(self) -> int:
        """The number of trained weights, of all networks together where they are stacked."""
        return sum(parameter.numel() for parameter in self.parameters())

    def settings(self) -> dict[str, object]:
        """Return the sizes, and what else is not as it is by default, by name."""
        default, unused = type(self.config)(), {"kind"}
        if getattr(self.config, "attention_only", False):
            unused |= {"d_mlp", "activation"}
        sizes = {name: getattr(self, name) for name in ("d_vocab", "d_vocab_out", "n_ctx")}
        options = {
            name: value
            for name, value in self.config
            if name not in unused and (type(value) is int or value != getattr(default, name))
        }
        stacked = {} if self.n_stacked is None else {"n_stacked": self.n_stacked}
        return {**options, **sizes, **stacked}

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.settings().items())
        return f"{type(self).__name__}({settings}: {self.n_parameters:,} weights)"

    def _repr_html_(self) -> str:
        facts = [("weights", f"{self.n_parameters:,}"), *self.settings().items()]
        shapes = [(name, " × ".join(map(str, weight.shape))) for name, weight in self.named_parameters()]
        weights = list_table(("name", "shape"), shapes)
        return facts_table(type(self).__name__, facts) + folded("weights by name", weights)
