"""Cross-entropy that keeps its relative precision however small it gets.

A grokked network's loss is 1e-7 and below, where float32 log-softmax has rounded it to zero or to
multiples of 1e-7: training on that spikes ("slingshots"). The published runs therefore go to float64.
The relative form needs no float64 and runs on every device.
"""

import math
from typing import Any, Literal, Protocol

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

LossKind = Literal["relative", "float64", "float32", "stablemax"]


def _relative(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return each row's loss, the others' exponentials over exp(largest), their sum, and the largest excess."""
    chosen = targets.unsqueeze(-1)
    right = logits.gather(-1, chosen)
    excess = logits - right
    excess.scatter_(-1, chosen, -math.inf)
    largest = excess.amax(-1, keepdim=True).clamp_(min=0)
    others = excess.sub_(largest).exp_()
    total = others.sum(-1, keepdim=True)
    # log(1 + Σ exp(excess)) with the exponentials over exp(largest); 1 becomes exp(−largest)
    losses = largest + torch.log1p(total + torch.expm1(-largest))
    # adds 0, or NaN where the right answer's logit overflowed: a loss of 0 would hide that training diverged
    return (losses + (right - right)).squeeze(-1), others, total, largest


def _wide(logits: Tensor) -> Tensor:
    """Return ``logits`` in a type in which a small loss keeps its precision: float32 at least."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


class _RelativeCrossEntropy(torch.autograd.Function):
    """Loss and gradient in one pass over the logits: the exponentials of the loss are those of the gradient."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, shares: Tensor | None) -> Tensor:
        losses, others, total, largest = _relative(logits, targets)
        if ctx.needs_input_grad[0]:
            total_of_all = total + torch.exp(-largest)
            scale = 1 / (total_of_all * logits.shape[-2]) if shares is None else shares.unsqueeze(-1) / total_of_all
            gradient = others.mul_(scale)
            gradient.scatter_(-1, targets.unsqueeze(-1), -total * scale)
            ctx.save_for_backward(gradient)
        return _mean(losses, shares)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (gradient,) = ctx.saved_tensors
        return gradient * upstream[0][..., None, None], None, None


def _mean(losses: Float[Tensor, "*stack rows"], shares: Float[Tensor, "*stack rows"] | None) -> Float[Tensor, "*stack"]:
    if shares is not None:
        return (losses * shares).sum(-1)
    return losses.mean() if losses.ndim == 1 else losses.mean(-1)  # not the same bits, where there is no stack axis


def relative_cross_entropy(
    logits: Float[Tensor, "*stack rows d_vocab_out"],
    targets: Int[Tensor, "*stack rows"],
    shares: Float[Tensor, "*stack rows"] | None = None,
) -> Float[Tensor, "*stack"]:
    """Return the mean cross-entropy (of each run, where there is a stack axis), precise relative to its own size.

    ``log1p(Σ_{j ≠ t} exp(l_j − l_t))``, averaged over rows: the sum over the wrong answers does not cancel and does
    not underflow before 1e-38, where ``1 − p_t`` and log-softmax lose everything below 6e-8 in float32.
    The gradient has the same property: at the target it is minus the sum of the others, not ``p_t − 1``.

    Args:
        logits: of any floating type; the loss of narrower ones than float32 is computed in float32.
        targets: the right class of each row.
        shares: of each row in the mean; None counts all alike.

    Returns:
        The loss in nats; differentiable once.
    """
    return _RelativeCrossEntropy.apply(_wide(logits), targets, shares)  # pyright: ignore[reportReturnType]


@torch.no_grad()
def row_losses(
    logits: Float[Tensor, "*stack rows d_vocab_out"], targets: Int[Tensor, "*stack rows"]
) -> Float[Tensor, "*stack rows"]:
    """Return the cross-entropy of each row in nats, precise relative to its own size; not differentiable."""
    return _relative(_wide(logits), targets)[0]


def float64_cross_entropy(
    logits: Float[Tensor, "*stack rows d_vocab_out"],
    targets: Int[Tensor, "*stack rows"],
    shares: Float[Tensor, "*stack rows"] | None = None,
) -> Float[Tensor, "*stack"]:
    """Return the mean cross-entropy with log-softmax in float64, as the published runs compute it."""
    return _from_log_softmax(logits.double(), targets, shares)


def float32_cross_entropy(
    logits: Float[Tensor, "*stack rows d_vocab_out"],
    targets: Int[Tensor, "*stack rows"],
    shares: Float[Tensor, "*stack rows"] | None = None,
) -> Float[Tensor, "*stack"]:
    """Return the mean cross-entropy with log-softmax in float32: it rounds below 1e-7, and training on it spikes."""
    return _from_log_softmax(logits.float(), targets, shares)


def stablemax_cross_entropy(
    logits: Float[Tensor, "*stack rows d_vocab_out"],
    targets: Int[Tensor, "*stack rows"],
    shares: Float[Tensor, "*stack rows"] | None = None,
) -> Float[Tensor, "*stack"]:
    """Return the mean cross-entropy with s(x) in place of exp(x): x + 1 from 0 up, 1 / (1 − x) below.

    It grows so slowly that no logit outweighs the others for good, and does not round to zero.
    Source: Prieto et al. (2025), "Grokking at the Edge of Numerical Stability", arXiv 2501.04697, section 4.
    """
    wide = _wide(logits)
    sizes = torch.where(wide >= 0, wide + 1, 1 / (1 - wide.clamp(max=0)))
    losses = sizes.sum(-1).log() - sizes.gather(-1, targets.unsqueeze(-1)).squeeze(-1).log()
    return _mean(losses, shares)


def _from_log_softmax(logits: Tensor, targets: Tensor, shares: Tensor | None) -> Tensor:
    if logits.ndim == 2 and shares is None:
        return F.cross_entropy(logits, targets)
    rows = F.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none")
    return _mean(rows.view(targets.shape), shares)


class CrossEntropy(Protocol):
    """A form of the cross-entropy."""

    def __call__(self, logits: Tensor, targets: Tensor, shares: Tensor | None = None) -> Tensor:
        """Return the mean over rows, of each run where there is a stack axis."""
        ...


LOSSES: dict[LossKind, CrossEntropy] = {
    "relative": relative_cross_entropy,
    "float64": float64_cross_entropy,
    "float32": float32_cross_entropy,
    "stablemax": stablemax_cross_entropy,
}
