"""What every network here can do: be run fast, be watched, and be intervened on."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar

from jaxtyping import Float, Int
from torch import Tensor, nn

from grokscope.display import facts_table, folded, list_table
from grokscope.errors import ConfigError
from grokscope.models.config import MLPConfig, TransformerConfig
from grokscope.models.dropout import Noise
from grokscope.models.hooks import Hook, Recorder, Replacer, Tap

AnyConfig = TypeVar("AnyConfig", bound=TransformerConfig | MLPConfig)


class Network(nn.Module, Generic[AnyConfig]):
    """A network from token sequences to logits, with named parameters and named activations."""

    def __init__(self, config: AnyConfig, *, d_vocab: int, d_vocab_out: int, n_ctx: int) -> None:
        super().__init__()
        if config.tied_embeddings and d_vocab_out > d_vocab:
            raise ConfigError(f"tied_embeddings needs d_vocab_out ≤ d_vocab, got {d_vocab_out} > {d_vocab}; untie them")
        self.config, self.d_vocab, self.d_vocab_out, self.n_ctx = config, d_vocab, d_vocab_out, n_ctx
        self.n_runs: int | None = None
        """How many networks are stacked in this one (:func:`grokscope.models.stack`); None of a single network."""

    @abstractmethod
    def plan(self, tokens: Int[Tensor, "*given example n_ctx"], positions: Sequence[int]) -> Any:
        """Return the work that these inputs share; reuse it wherever the same tokens are run again."""

    @abstractmethod
    def run(
        self,
        plan: Any,
        *,
        noise: Noise | None = None,
    ) -> Float[Tensor, "*run example n_scored d_vocab_out"]:
        """Return the logits at the planned positions, doing shared work once.

        ``noise`` draws the dropout masks; without it nothing is dropped.
        """

    @abstractmethod
    def run_plainly(
        self, tokens: Int[Tensor, "*run example n_ctx"], tap: Tap, positions: Sequence[int] | None = None
    ) -> Float[Tensor, "*run example n_out d_vocab_out"]:
        """Return the logits of the textbook forward pass, which shows every activation to ``tap``.

        With ``positions``, what the last layer computes for other positions is left out.
        """

    def forward(
        self, tokens: Int[Tensor, "*given example n_ctx"], positions: Sequence[int] | None = None
    ) -> Float[Tensor, "*run example n_scored d_vocab_out"]:
        """Return the logits at ``positions`` (all of them if None)."""
        if positions is None:
            positions = range(tokens.shape[-1])
        return self.run(self.plan(tokens, positions))

    def run_with_cache(
        self,
        tokens: Int[Tensor, "*given example n_ctx"],
        names: Collection[str] | None = None,
        positions: Sequence[int] | None = None,
    ) -> tuple[Float[Tensor, "*run example n_out d_vocab_out"], dict[str, Tensor]]:
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
            >>> cache["blocks.0.attn.hook_pattern"].shape  # [example, n_heads, query, key]
        """
        tokens = self.check(tokens, positions or ())
        recorder = Recorder(names)
        logits = self.run_plainly(tokens, recorder, positions)
        recorder.require(names)
        return logits, recorder.cache

    def run_with_hooks(
        self, tokens: Int[Tensor, "*given example n_ctx"], hooks: Mapping[str, Hook]
    ) -> Float[Tensor, "*run example n_out d_vocab_out"]:
        """Return the logits at every position with some activations replaced.

        Args:
            tokens: the input sequences.
            hooks: for each activation's name, a function from the activation to its replacement.

        Raises:
            HookError: a name does not exist, or a replacement has another shape.

        Example:
            >>> model.run_with_hooks(tokens, {"blocks.0.hook_mlp_out": torch.zeros_like})  # ablate the MLP
        """
        tokens = self.check(tokens)
        replacer = Replacer(hooks)
        logits = self.run_plainly(tokens, replacer)
        replacer.finish()
        return logits

    def check(
        self, tokens: Int[Tensor, "*given example n_ctx"], positions: Sequence[int] = ()
    ) -> Int[Tensor, "*run example n_ctx"]:
        """Return ``tokens`` as the network reads them; stacked networks read the same ones where there is no run axis.

        Raises:
            ConfigError: sequences are too long, or a token or a position does not exist (a lookup by row would
                otherwise find another token's row and go on), or there are tokens for another number of runs.
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
        return self._for_every_run(tokens)

    def _for_every_run(self, tokens: Tensor) -> Tensor:
        expected = () if self.n_runs is None else (self.n_runs,)
        if tokens.shape[:-2] == expected:
            return tokens
        if tokens.ndim == 2:
            return tokens.expand(*expected, *tokens.shape)
        stacked = "a single network" if self.n_runs is None else f"{self.n_runs} stacked networks"
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
        told = {
            name: value
            for name, value in self.config
            if name not in unused and (type(value) is int or value != getattr(default, name))
        }
        runs = {} if self.n_runs is None else {"n_runs": self.n_runs}
        return {**told, **sizes, **runs}

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.settings().items())
        return f"{type(self).__name__}({told}: {self.n_parameters:,} weights)"

    def _repr_html_(self) -> str:
        facts = [("weights", f"{self.n_parameters:,}"), *self.settings().items()]
        shapes = [(name, " × ".join(map(str, weight.shape))) for name, weight in self.named_parameters()]
        weights = list_table(("name", "shape"), shapes)
        return facts_table(type(self).__name__, facts) + folded("weights by name", weights)
