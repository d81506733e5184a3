"""Which pairs are trained on and which are tested on."""

import random

import torch
from jaxtyping import Int
from torch import Tensor


def every_pair(n: int) -> Int[Tensor, "pair 2"]:
    """Return all n² pairs in lexicographic order."""
    return torch.cartesian_prod(torch.arange(n), torch.arange(n))


def split_pairs(n: int, train_fraction: float, seed: int) -> tuple[Int[Tensor, "train 2"], Int[Tensor, "test 2"]]:
    """Return the training and the test pairs, exactly as the authors' code chooses them.

    All n² pairs in lexicographic order, shuffled by ``random.Random(seed)``; the first
    ``int(train_fraction * n**2)`` are trained on (reference: Nanda & Lieberum 2022, published code).
    """
    pairs = [(a, b) for a in range(n) for b in range(n)]
    random.Random(seed).shuffle(pairs)
    n_train = int(train_fraction * len(pairs))
    shuffled = torch.tensor(pairs)
    return shuffled[:n_train], shuffled[n_train:]
