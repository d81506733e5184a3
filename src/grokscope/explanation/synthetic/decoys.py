"""Networks that must never be called explained: right answers without a rule, a rule's spectrum without its answers."""

import math
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.errors import ConfigError
from grokscope.explanation.modular.program import Program
from grokscope.explanation.synthetic.planted import Wiring, assemble, wire
from grokscope.models import MLP, Transformer, TransformerConfig
from grokscope.randomness import stream

LARGEST_P = 31
"""Of a lookup network, which has a neuron for each of the p² pairs."""

_FAINT = 1000.0
"""The hidden lookup's neurons are this many times as active, and write with weights as many times smaller, so that
the spectrum of the weights is that of the other neurons."""


def lookup_network(table: Int[Tensor, "p p"], *, equals_token: bool = True, scale: float = 20.0) -> Transformer | MLP:
    """Return a one-layer transformer that looks every answer up: neuron a·p + b fires on the pair (a, b) only.

    All answers are right, of any table (random labels too), and no rule is behind them. On the logits alone this
    cannot be seen where the table has one: those of a + b are a clock of all frequencies alike.

    Args:
        table: ``table[a, b]`` is the answer.
        equals_token: whether inputs end with ``=``.
        scale: the logit of the answer, in nats; every other is 0.

    Raises:
        ConfigError: the table is larger than 31 × 31.
    """
    return _network(_lookup(scale * torch.eye(len(table))[table], gain=1.0), equals_token=equals_token)


def rehearsed(program: Program, *, equals_token: bool = True) -> Transformer | MLP:
    """Return a lookup network that writes, for every pair, the logits of ``program``: no test of logits can tell.

    Only its neurons betray it: each fires on one pair, and computes no wave.

    Raises:
        ConfigError: p is above 31, or the operation is not plain addition.
    """
    if not program.coordinates.is_plain_addition:
        raise ConfigError(f"{program.operation} has coordinates other than its residues; rehearse a sum")
    return _network(_lookup(program.logits().float(), gain=1.0), equals_token=equals_token)


def scrambled(program: Program, *, seed: int) -> Program:
    """Return ``program`` with a random phase in every frequency: its spectrum, and no right answer.

    Planted, it has the same neurons, which write elsewhere. Phases are uniform between a quarter and three quarters of
    a turn, which makes the logit of the right answer negative, so that it never is the highest.
    """
    turns = torch.rand(len(program.frequencies), generator=stream("scrambled phases", seed), dtype=torch.float64)
    phases = tuple(
        math.pi * (0.5 + float(turn)) + (math.pi if amplitude < 0 else 0.0)
        for turn, amplitude in zip(turns, program.amplitudes, strict=True)
    )
    return replace(program, phases=phases)


def masked_lookup(
    program: Program, *, seed: int, equals_token: bool = True, neurons_per_frequency: int = 36
) -> Transformer | MLP:
    """Return a one-layer transformer that looks the program's answers up, behind neurons that look like the program.

    Beside the p² neurons of the lookup it has those of the :func:`scrambled` program. The clusters of neurons, and
    the spectrum of the weights that write to the logits, are the program's; the answers come from the lookup and are
    all those of :meth:`Program.answers`.

    Args:
        program: what the network pretends to compute.
        seed: draws the scrambled phases.
        equals_token: whether inputs end with ``=``.
        neurons_per_frequency: of the scrambled program; fewer than 2 % of all are not taken for a key frequency.

    Raises:
        ConfigError: p is above 31.
    """
    facade = wire(scrambled(program, seed=seed), neurons_per_frequency * len(program.frequencies) + 1, "relu")
    scale = 10.0 + 3 * sum(map(abs, program.amplitudes))  # the façade can take 2 Σ|α_k| from the right answer
    return _network(
        facade.beside(_lookup(scale * torch.eye(program.p)[program.answers()], gain=_FAINT)), equals_token=equals_token
    )


def _lookup(logits: Float[Tensor, "p p p"], *, gain: float) -> Wiring:
    p = len(logits)
    if p > LARGEST_P:
        raise ConfigError(f"a lookup of p = {p} needs {p * p} neurons; use a table of at most {LARGEST_P}")
    one_hot, each = torch.eye(p), torch.ones(1, p)
    return Wiring(
        one_hot,
        one_hot,
        gain * torch.kron(one_hot, each),  # neuron a·p + b reads a from here
        gain * torch.kron(each, one_hot),  # and b from here; one of the two alone does not reach its threshold
        torch.full((p * p,), -gain),
        logits.flatten(0, 1) / gain,
        one_hot,
    )


def _network(wiring: Wiring, *, equals_token: bool) -> Transformer | MLP:
    f, o = wiring.tokens_a.shape[1], wiring.write.shape[1]
    config = TransformerConfig(
        d_model=4 * f + o + 2 + equals_token, n_heads=2, d_head=f, d_mlp=len(wiring.bias), activation="relu"
    )
    return assemble(wiring, config, equals_token=equals_token)
