"""What attention heads do on sequences: where they look, what they copy, and which of them read each other.

Shape letters: b example, h head, q query, k key.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from grokscope.analysis.precision import widened_network
from grokscope.models import Transformer
from grokscope.models.layers import Attention
from grokscope.models.transformer import Block
from grokscope.randomness import stream

Pattern = Float[Tensor, "b h q k"]


@torch.no_grad()
def patterns(model: Transformer, tokens: Int[Tensor, "b n_ctx"]) -> list[Pattern]:
    """Return the attention pattern of every layer on ``tokens``."""
    names = [f"blocks.{layer}.attn.hook_pattern" for layer in range(len(model.blocks))]
    _, cache = widened_network(model).run_with_cache(tokens, set(names))
    return [cache[name] for name in names]


def previous_token_scores(pattern: Pattern) -> Float[Tensor, " h"]:
    """Return each head's mean attention from a token to the one before it.

    From 0 to 1; the mean is over examples and all positions but the first. Uniform attention over the n tokens that
    a position sees has the mean of 1/n. Source: Olsson et al. (2022), "In-context Learning and Induction Heads".
    """
    return pattern.diagonal(-1, 2, 3).mean(dim=(0, 2))


def successors(tokens: Int[Tensor, "b n_ctx"]) -> Bool[Tensor, "b n_ctx n_ctx"]:
    """Return for each query which keys come right after an earlier occurrence of the query's token."""
    n_ctx = tokens.shape[1]
    same = tokens.unsqueeze(2) == tokens.unsqueeze(1)
    after = torch.zeros_like(same)
    after[:, :, 1:] = same[:, :, :-1]
    earlier = torch.ones(n_ctx, n_ctx, dtype=torch.bool, device=tokens.device).tril()
    return after & earlier


def prefix_matching_scores(
    pattern: Pattern, matches: Bool[Tensor, "b q k"], queries: Bool[Tensor, "b q"]
) -> Float[Tensor, " h"]:
    """Return each head's mean attention from a token to those that came after it before.

    From 0 to 1, over the chosen queries. Uniform attention has the mean share of matching keys, which ``pattern``'s
    own uniform version gives. Source: Olsson et al. (2022), "prefix matching".

    Args:
        pattern: of one layer.
        matches: of :func:`successors`.
        queries: which queries count.
    """
    attended = (pattern * matches.unsqueeze(1)).sum(3)
    return attended.transpose(0, 1)[:, queries].mean(1)


@torch.no_grad()
def copying_scores(model: Transformer, layer: int) -> Float[Tensor, " h"]:
    """Return for each head of a layer how far it raises the logit of the token that it attends to.

    Σ Re λ / Σ |λ| over the eigenvalues λ of W_E W_V W_O W_U, the map from attended tokens to logits along the direct
    path: 1 where every direction is copied, −1 where it is suppressed, about 0 for random weights.
    Source: Elhage et al. (2021), "A Mathematical Framework for Transformer Circuits".
    """
    attention = _attention(model, layer)
    embedded, read = model.embed.W_E.double(), model.W_U.double()
    scores = []
    for head in range(attention.W_V.shape[0]):
        # the eigenvalues of A·B that are not zero are those of B·A, which here is a small matrix
        value = embedded @ attention.W_V[head].double()
        written = attention.W_O[head].double() @ read
        values = torch.linalg.eigvals(written @ value)
        scores.append(values.real.sum() / values.abs().sum().clamp_min(1e-30))
    return torch.stack(scores)


@torch.no_grad()
def composition_scores(model: Transformer, layer: int, later: int) -> dict[str, Float[Tensor, "h later"]]:
    """Return how strongly each head of ``later`` reads what each head of ``layer`` wrote, as key, query or value.

    ‖W_OV W‖ / (‖W_OV‖ ‖W‖) in Frobenius norms, W being W_QKᵀ for the keys (``K``), W_QK for the queries (``Q``) and
    W_OV for the values (``V``) of the later head. From 0 to 1; random matrices of the same shapes have
    :func:`composition_by_chance`. Source: Elhage et al. (2021).
    """
    first, second = _attention(model, layer), _attention(model, later)
    written = torch.einsum("hde,hef->hdf", first.W_V.double(), first.W_O.double())
    read = torch.einsum("hde,hfe->hdf", second.W_Q.double(), second.W_K.double())
    moved = torch.einsum("hde,hef->hdf", second.W_V.double(), second.W_O.double())
    found = {}
    for name, reading in (("K", read.transpose(1, 2)), ("Q", read), ("V", moved)):
        product = torch.einsum("hde,gef->hgdf", written, reading).norm(dim=(2, 3))
        found[name] = product / (written.norm(dim=(1, 2)).unsqueeze(1) * reading.norm(dim=(1, 2)))
    return found


def composition_by_chance(d_model: int, d_head: int, *, draws: int = 20, seed: int = 0) -> float:
    """Return the mean composition score of heads with random weights."""
    generator = stream("composition by chance", seed)
    total = 0.0
    for _ in range(draws):
        factors = [torch.randn(d_model, d_head, generator=generator, dtype=torch.float64) for _ in range(4)]
        one, two = factors[0] @ factors[1].T, factors[2] @ factors[3].T
        total += float((one @ two).norm() / (one.norm() * two.norm()))
    return total / draws


def _attention(model: Transformer, layer: int) -> Attention:
    block = model.blocks[layer]
    assert isinstance(block, Block)
    return block.attn
