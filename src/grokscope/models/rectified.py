"""Two matrix products with ReLU between them, a block of rows at a time.

The neurons of all examples are the largest tensor of a training step. Taken whole, they are written to memory and read
back between the first product, the ReLU and the second one, and twice more for the gradient; a block of rows stays in
the processor's cache meanwhile. Without a gradient only one block of neurons exists at all.

Letters: d inputs, m neurons, n outputs.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK_BYTES = 2**21
"""Of the neurons of one block: what fits into the caches of today's processors beside the weights."""


def rectified(
    x: Float[Tensor, "rows d"],
    W_in: Float[Tensor, "d m"],
    b_in: Float[Tensor, " m"] | None,
    W_out: Float[Tensor, "m n"],
    b_out: Float[Tensor, " n"] | None,
    W_skip: Float[Tensor, "d n"] | None = None,
) -> Float[Tensor, "rows n"]:
    """Return ``relu(x·W_in + b_in)·W_out + x·W_skip + b_out``; differentiable once."""
    return _Rectified.apply(torch.is_grad_enabled(), x, W_in, b_in, W_out, b_out, W_skip)  # pyright: ignore[reportReturnType]


class _Rectified(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        with_grad: bool,
        x: Tensor,
        W_in: Tensor,
        b_in: Tensor | None,
        W_out: Tensor,
        b_out: Tensor | None,
        W_skip: Tensor | None,
    ) -> Tensor:
        kept = with_grad and any(ctx.needs_input_grad)
        blocks = list(_blocks(x, W_in.shape[1]))
        neurons = x.new_empty(len(x) if kept else max((len(x[rows]) for rows in blocks), default=0), W_in.shape[1])
        out = x.new_empty(len(x), W_out.shape[1])
        for rows in blocks:
            given, answer = x[rows], out[rows]
            post = neurons[rows] if kept else neurons[: len(given)]
            _product(b_in, given, W_in, post).relu_()
            if W_skip is None:
                _product(b_out, post, W_out, answer)
            else:
                _product(b_out, given, W_skip, answer).addmm_(post, W_out)
        if kept:
            ctx.save_for_backward(x, W_in, b_in, W_out, b_out, W_skip, neurons)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, W_in, b_in, W_out, b_out, W_skip, neurons = ctx.saved_tensors
        (to_out,) = upstream
        to_x = torch.empty_like(x)
        to_W_in, to_W_out = torch.zeros_like(W_in), torch.zeros_like(W_out)
        to_b_in = None if b_in is None else torch.zeros_like(b_in)
        for rows in _blocks(x, W_in.shape[1]):
            given, post, arriving = x[rows], neurons[rows], to_out[rows]
            to_W_out.addmm_(post.T, arriving)
            to_pre = arriving @ W_out.T
            torch.ops.aten.threshold_backward.grad_input(to_pre, post, 0, grad_input=to_pre)
            to_W_in.addmm_(given.T, to_pre)
            if to_b_in is not None:
                to_b_in += to_pre.sum(0)
            torch.mm(to_pre, W_in.T, out=to_x[rows])
            if W_skip is not None:
                to_x[rows].addmm_(arriving, W_skip.T)
        to_b_out = None if b_out is None else to_out.sum(0)
        to_W_skip = None if W_skip is None else x.T @ to_out
        return None, to_x, to_W_in, to_b_in, to_W_out, to_b_out, to_W_skip


def _blocks(x: Tensor, n_neurons: int) -> Iterator[slice]:
    """Yield blocks of about equally many rows.

    There is one only on a GPU, which is slower by parts, and in narrow types, whose sums over blocks would be rounded.
    """
    whole = x.device.type != "cpu" or x.element_size() < 4
    n_blocks = 1 if whole else math.ceil(len(x) * n_neurons * x.element_size() / BLOCK_BYTES)
    n_rows = math.ceil(len(x) / max(n_blocks, 1))
    return (slice(first, min(first + n_rows, len(x))) for first in range(0, len(x), max(n_rows, 1)))


def _product(constant: Tensor | None, x: Tensor, weight: Tensor, out: Tensor) -> Tensor:
    return torch.mm(x, weight, out=out) if constant is None else torch.addmm(constant, x, weight, out=out)
