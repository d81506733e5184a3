"""Circuits with known contents to draw."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from grokscope.analysis import AllPairsTable, FourierSummary, NeuronFrequencies, frequency_norms
from grokscope.analysis.modular.coordinates import residues

MakeCircuit = Callable[..., FourierSummary]


@pytest.fixture(scope="session")
def make_circuit() -> MakeCircuit:
    """Build a circuit from its parts; every number in it differs, so that nothing can be taken for anything else."""

    def make(
        p: int = 13,
        keys: Sequence[int] = (),
        *,
        n_heads: int = 2,
        shares: Sequence[float] = (0.1, 0.2, 0.3),
        frequencies: Sequence[int] = (1, 1, 1),
        post: Tensor | None = None,
        with_mlp: bool = True,
        with_attention: bool = True,
    ) -> FourierSummary:
        generator = torch.Generator().manual_seed(p)
        norms = 1 + torch.rand(p, generator=generator, dtype=torch.float64)
        values = torch.rand(p, 3, generator=generator, dtype=torch.float64)
        if post is None:
            post = torch.rand(p, p, len(shares), generator=generator)
        neurons = NeuronFrequencies(torch.tensor(frequencies), torch.tensor(shares, dtype=torch.float64))
        return FourierSummary(
            n=p,
            coordinates=residues(p, "a + b"),
            table=AllPairsTable(torch.zeros(1, 1, 1).expand(p, p, p), {}),
            neurons=neurons if with_mlp else None,
            post=post if with_mlp else None,
            pattern=torch.rand(p, p, n_heads, 3, generator=generator) if with_attention else None,
            key_frequencies=list(keys),
            no_key_frequencies="" if keys else "no frequency has a cluster of neurons",
            embedding_components=norms,
            logit_map_components=norms.flip(0) if with_mlp else None,
            embedding_norms=frequency_norms(values),
            logit_map_norms=frequency_norms(values) if with_mlp else None,
            logit_components=torch.rand(p, p, generator=generator, dtype=torch.float64),
        )

    return make
