"""Initial weights, number for number those of the authors' code.

Nanda & Lieberum (2022), published code: after ``torch.manual_seed(seed)``, standard normal float32
numbers for each weight in the order W_E, W_pos, then for each layer W_K, W_Q, W_V, W_O, W_in, W_out,
then W_U, in *their* shapes (given below), divided by √d_model, W_U by √d_vocab. Biases are zero.
With another ``init_scale`` than 1, all of them are multiplied by it (Liu et al. 2022, "Omnigrok", arXiv 2210.01117).
Their network for repeated subsequences has W_K, W_Q and W_V over √d_head instead (``attention_init``).
"""

import math

import torch
from torch import Tensor


class Draw:
    """Draws weights in the authors' order and turns them into our orientation."""

    def __init__(self, generator: torch.Generator, dtype: torch.dtype, scale: float = 1.0) -> None:
        self._generator = generator
        self._dtype = dtype
        self._scale = scale

    def __call__(self, *shape: int, fan: int) -> Tensor:
        """Return normal numbers of ``shape`` over √``fan``, times the scale."""
        # divided as float32, whatever the dtype trained in: a float64 run starts at the same weights
        return (torch.randn(*shape, generator=self._generator) / math.sqrt(fan) * self._scale).to(self._dtype)

    def matrix(self, n_in: int, n_out: int, *, fan: int) -> Tensor:
        """Return a matrix ``[n_in, n_out]``, drawn as ``[n_out, n_in]``."""
        return self(n_out, n_in, fan=fan).T.contiguous()

    def heads_in(self, n_heads: int, d_model: int, d_head: int, *, fan: int) -> Tensor:
        """Return W_Q, W_K or W_V ``[n_heads, d_model, d_head]``, drawn as ``[n_heads, d_head, d_model]``."""
        return self(n_heads, d_head, d_model, fan=fan).transpose(1, 2).contiguous()

    def heads_out(self, n_heads: int, d_head: int, d_model: int) -> Tensor:
        """Return W_O ``[n_heads, d_head, d_model]``, drawn as ``[d_model, n_heads · d_head]``."""
        return self(d_model, n_heads * d_head, fan=d_model).T.reshape(n_heads, d_head, d_model).contiguous()

    def zeros(self, *shape: int) -> Tensor:
        """Return a bias of zeros."""
        return torch.zeros(*shape, dtype=self._dtype)

    def ones(self, *shape: int) -> Tensor:
        """Return a gain of ones."""
        return torch.ones(*shape, dtype=self._dtype)
