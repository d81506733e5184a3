"""Interventions on attention heads: mean ablation, frozen patterns, path patching.

Head *h* of layer *l* is the pair ``(l, h)``. Each method returns hooks, which :meth:`HeadInterventions.accuracy` runs.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.fresh_examples import evaluate
from grokscope.display import brief_repr
from grokscope.models import Transformer
from grokscope.models.hooks import Hook
from grokscope.models.transformer import Block
from grokscope.tasks import Examples, Task
from grokscope.training import Evaluation

Head = tuple[int, int]
"""Layer and head."""
Reading = Literal["K", "Q", "V"]
"""What a head computes from the residual stream: keys, queries or values."""


@dataclass(frozen=True, eq=False)
class HeadInterventions:
    """A network on some examples, with the activations of its heads there."""

    model: Transformer
    task: Task
    examples: Examples
    cache: Mapping[str, Tensor]
    baseline: Evaluation
    """With nothing changed."""

    __repr__ = brief_repr

    @classmethod
    def on(cls, model: Transformer, task: Task, examples: Examples) -> "HeadInterventions":
        """Return the interventions on a network that reads ``examples``."""
        names = {
            name
            for layer in range(len(model.blocks))
            for name in (_name(layer, "attn.hook_z"), _name(layer, "attn.hook_pattern"), _name(layer, "hook_resid_pre"))
        }
        with torch.no_grad():
            logits, cache = model.run_with_cache(examples.tokens, names)
        return cls(model, task, examples, cache, evaluate(lambda _: logits, examples, task.target_positions))

    @property
    def heads(self) -> list[Head]:
        """Every head."""
        n_heads = self.model.config.n_heads
        return [(layer, head) for layer in range(len(self.model.blocks)) for head in range(n_heads)]

    def heads_of(self, layer: int) -> list[Head]:
        """The heads of one layer."""
        return [head for head in self.heads if head[0] == layer]

    def pattern(self, head: Head) -> Float[Tensor, "b q k"]:
        """The attention pattern of a head."""
        return self.cache[_name(head[0], "attn.hook_pattern")][:, head[1]]

    def accuracy(self, hooks: Mapping[str, Hook]) -> float:
        """Return the share of scored places answered right with the hooks; without hooks, of the network as it is."""
        return self.evaluate(hooks).accuracy

    @torch.no_grad()
    def evaluate(self, hooks: Mapping[str, Hook]) -> Evaluation:
        """Return loss and accuracy with the hooks."""
        if not hooks:
            return self.baseline
        forward = lambda examples: self.model.run_with_hooks(examples.tokens, hooks)  # noqa: E731
        return evaluate(forward, self.examples, self.task.target_positions)

    def mean_ablate(self, heads: Collection[Head]) -> dict[str, Hook]:
        """Return hooks that replace what ``heads`` compute by its mean over the examples at each position.

        What does not depend on the input stays. Source: Wang et al. (2023), arXiv 2211.00593, section 2.1.
        """
        return {
            _name(layer, "attn.hook_z"): _mean_of([h for at, h in heads if at == layer])
            for layer in {layer for layer, _ in heads}
        }

    def set_patterns(self, patterns: Mapping[Head, Float[Tensor, "*b q k"]]) -> dict[str, Hook]:
        """Return hooks that give heads other attention patterns."""

        def replace(layer: int) -> Hook:
            def hook(pattern: Tensor) -> Tensor:
                changed = pattern.clone()
                for (at, head), other in patterns.items():
                    if at == layer:
                        changed[:, head] = other
                return changed

            return hook

        return {_name(layer, "attn.hook_pattern"): replace(layer) for layer in {layer for layer, _ in patterns}}

    def freeze_patterns(self, heads: Collection[Head]) -> dict[str, Hook]:
        """Return hooks that give ``heads`` their mean attention over the examples, which depends on position only."""
        return self.set_patterns({head: self.pattern(head).mean(0) for head in heads})

    def path_patch(self, writers: Collection[Head], readers: Collection[Head], reading: Reading) -> dict[str, Hook]:
        """Return hooks that cut the direct path from some heads to the keys, queries or values of later ones.

        What ``writers`` add to the residual stream is replaced by its mean over the examples where ``readers`` (heads
        of one layer) compute their keys, queries or values, and nowhere else. A layer between them still sees it.
        Source: Goldowsky-Dill et al. (2023), arXiv 2304.05969.
        """
        (layer,) = {layer for layer, _ in readers}
        block = self._block(layer)
        residual = self.cache[_name(layer, "hook_resid_pre")] - self._varying(writers, layer)
        normal = residual if block.ln1 is None else block.ln1.fast(residual)
        weight, bias = getattr(block.attn, f"W_{reading}"), getattr(block.attn, f"b_{reading}")
        chosen = [head for _, head in readers]
        patched = torch.einsum("bkd,hde->bkhe", normal, weight[chosen])
        patched = patched if bias is None else patched + bias[chosen]

        def hook(value: Tensor) -> Tensor:
            changed = value.clone()
            changed[:, :, chosen] = patched
            return changed

        return {_name(layer, f"attn.hook_{reading.lower()}"): hook}

    def _varying(self, heads: Collection[Head], layer: int) -> Float[Tensor, "b k d"]:
        """Return what heads write into the residual stream before ``layer``, without its mean over the examples."""
        total = torch.zeros_like(self.cache[_name(layer, "hook_resid_pre")])
        for at, head in heads:
            z = self.cache[_name(at, "attn.hook_z")][:, :, head]
            scale = self.model.config.residual_scale ** (layer - at - 1)
            total += scale * (z - z.mean(0, keepdim=True)) @ self._block(at).attn.W_O[head]
        return total

    def _block(self, layer: int) -> Block:
        block = self.model.blocks[layer]
        assert isinstance(block, Block)
        return block


def _mean_of(heads: Collection[int]) -> Callable[[Tensor], Tensor]:
    def hook(z: Tensor) -> Tensor:
        changed = z.clone()
        for head in heads:
            changed[:, :, head] = z[:, :, head].mean(0, keepdim=True)
        return changed

    return hook


def _name(layer: int, activation: str) -> str:
    return f"blocks.{layer}.{activation}"
