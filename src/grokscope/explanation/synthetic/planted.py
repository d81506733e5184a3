"""Networks whose weights are written by hand to compute a known program: what a true explanation must find.

Shapes: p residues, f features of an operand, m neurons, o features of an answer, K frequencies.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.display import brief_repr
from grokscope.errors import ConfigError
from grokscope.explanation.modular.program import Program
from grokscope.models import MLP, MLPConfig, Transformer, TransformerConfig, build_model
from grokscope.models.activations import activate
from grokscope.models.config import Activation
from grokscope.models.mlp import HiddenBlock
from grokscope.models.transformer import Block

_FINE = 1024
"""Points in a period at which a neuron's Fourier coefficients are computed; ReLU's aliases are then below 1e-5."""

_SCORE = 60.0
"""Attention score of an attended position; every other has 0, and e^−60 vanishes beside 1 in float32."""

_LEAST_PHASES = {"relu": 5, "gelu": 5, "quadratic": 3}
"""Phases in a period below which aliases reach the answers (of x²: below which they are not exactly zero)."""

_PIZZA_GAIN = {"relu": 1.0, "gelu": 30.0}
"""GELU is ReLU at a large gain; x² squares the envelope and has no pizza."""


@dataclass(frozen=True, eq=False)
class Wiring:
    """A computation in one hidden layer: logits = act(A[a]·read_a + B[b]·read_b + bias) · write · answers."""

    tokens_a: Float[Tensor, "p f"]
    """A: the features of each residue as first operand."""
    tokens_b: Float[Tensor, "p f"]
    """B: the same as second operand."""
    read_a: Float[Tensor, "f m"]
    read_b: Float[Tensor, "f m"]
    bias: Float[Tensor, " m"]
    write: Float[Tensor, "m o"]
    answers: Float[Tensor, "o p"]

    __repr__ = brief_repr

    @property
    def same_tokens(self) -> bool:
        """Whether a residue has the same features as first and as second operand."""
        return torch.equal(self.tokens_a, self.tokens_b)

    @property
    def reads_the_sum(self) -> bool:
        """Whether the neurons need only A[a] + B[b]."""
        return torch.equal(self.read_a, self.read_b)

    def beside(self, other: "Wiring") -> "Wiring":
        """Return both computations in one layer; their logits add up."""
        return Wiring(
            torch.cat([self.tokens_a, other.tokens_a], dim=1),
            torch.cat([self.tokens_b, other.tokens_b], dim=1),
            torch.block_diag(self.read_a, other.read_a),
            torch.block_diag(self.read_b, other.read_b),
            torch.cat([self.bias, other.bias]),
            torch.block_diag(self.write, other.write),
            torch.cat([self.answers, other.answers]),
        )


def plant(program: Program, config: TransformerConfig | MLPConfig, *, equals_token: bool = True) -> Transformer | MLP:
    """Return a network that computes the logits of ``program``, up to the aliases of its finitely many neurons.

    Clock: the neurons of a frequency lie on a grid of phases, act(cos(w_k i + φ₁) + cos(w_k j + φ₂)), and write
    cos(w_k l + φ₁ + φ₂), which leaves the product of the two first harmonics; exact for x² (Gromov 2023,
    arXiv 2301.02679). Pizza: act(cos(w_k i + φ) + cos(w_k j + φ)) writes its second harmonic cos(w_k l + 2φ), which
    for ReLU has the amplitude |cos(w_k(i − j)/2)| (Zhong et al. 2023, arXiv 2306.17844, section 4). What aliases leave
    is small: of the logits' root mean square, a ReLU clock misses 1.2 % with a hundred neurons a frequency and 6 %
    with the least, 25; a ReLU pizza 0.01 % with a hundred.

    A transformer brings the operands to the answer's position by heads that attend by position alone: to a and to b,
    or, for a pizza whose operands have the same coordinates, to both alike. Residues without coordinates embed as a
    flag that one more neuron turns into the answer 0. Neurons, heads and dimensions that are not needed are zero.

    Args:
        program: what to compute.
        config: the network's shape; one layer without LayerNorm. An MLP that sums its embeddings has room for a
            pizza, and for a clock only with an embedding for each position.
        equals_token: whether inputs end with ``=``, as in :class:`~grokscope.tasks.ModularTask`.

    Raises:
        ConfigError: the network's shape cannot compute it; the text says what would.
    """
    return assemble(wire(program, config.d_mlp, config.activation), config, equals_token=equals_token)


def wire(program: Program, n_neurons: int, activation: Activation) -> Wiring:
    """Return the computation of ``program`` by at most ``n_neurons`` neurons.

    Raises:
        ConfigError: there are too few neurons, or the activation cannot compute it.
    """
    names, n, K = program.coordinates, program.coordinates.n, len(program.frequencies)
    partial = n < program.p
    phases = _phases(program, (n_neurons - partial) // K, activation)
    gain = 1.0 if program.algorithm == "clock" else _PIZZA_GAIN[activation]
    waves = torch.zeros(n, 2 * K)
    reads, writes = [], []
    for f, (k, amplitude, phase) in enumerate(
        zip(program.frequencies, program.amplitudes, program.phases, strict=True)
    ):
        angle = 2 * math.pi / n * (k * torch.arange(n) % n).double()
        waves[:, 2 * f], waves[:, 2 * f + 1] = angle.cos(), angle.sin()
        reads.append(gain * torch.stack([phases.cos(), -phases.sin()]))  # [2, neuron, operand]
        written = phases.sum(1) - phase
        strength = len(phases) * _harmonic(program, k, len(phases), activation, gain)
        writes.append(amplitude / strength * torch.stack([written.cos(), -written.sin()], dim=1))
    read = torch.stack([torch.block_diag(*(part[..., side] for part in reads)) for side in (0, 1)]).float()
    write = torch.block_diag(*writes).float()
    wiring = Wiring(
        _rows(waves, names.a, program.p),
        _rows(waves, names.b, program.p),
        read[0],
        read[1],
        torch.zeros(len(write)),
        write,
        _rows(waves, names.c, program.p).T,
    )
    return wiring.beside(_zero_flag(program, activation)) if partial else wiring


def _phases(program: Program, room: int, activation: Activation) -> Float[Tensor, "m 2"]:
    """Return the phases (φ₁, φ₂) of one frequency's neurons."""
    clock, least = program.algorithm == "clock", _LEAST_PHASES[activation]
    if not clock and activation not in _PIZZA_GAIN:
        raise ConfigError(
            f"activation {activation!r} has no pizza: it squares |cos(w_k(a − b)/2)|; use 'relu' or 'gelu'"
        )
    # a pizza's phases are odd in number: the even harmonics of ReLU then alias only at twice as many
    count = math.isqrt(room) if clock else room - (room % 2 == 0)
    if count < least:
        K, each = len(program.frequencies), least**2 if clock else least
        flag = int(program.coordinates.n < program.p)
        raise ConfigError(
            f"a {program.algorithm} of {K} frequencies needs {each} {activation} neurons for each, "
            f"{K * each + flag} in all; raise d_mlp to that or name fewer frequencies"
        )
    phase = _circle(count)
    return torch.cartesian_prod(phase, phase) if clock else torch.stack([phase, phase], dim=1)


def _harmonic(program: Program, k: int, n_phases: int, activation: Activation, gain: float) -> float:
    """Return the Fourier coefficient, of each of a frequency's neurons, that they write to the answers."""
    if program.algorithm == "pizza":
        x = _circle(_FINE)
        return float(torch.fft.fft(activate(activation, gain * 2 * x.cos()), norm="forward")[2].real)
    # operands and phases together meet no other angles than these, so that amplitudes come out with their aliases
    n = program.coordinates.n
    x = _circle(min(math.lcm(math.isqrt(n_phases), n // math.gcd(k, n)), _FINE))
    activity = activate(activation, gain * (x.cos()[:, None] + x.cos()))
    return float(torch.fft.fft2(activity, norm="forward")[1, 1].real)


def _circle(n_points: int) -> Float[Tensor, " n"]:
    return 2 * math.pi / n_points * torch.arange(n_points, dtype=torch.float64)


def _rows(features: Float[Tensor, "n f"], residues: Int[Tensor, " n"], p: int) -> Float[Tensor, "p f"]:
    """Return the features in the rows of their residues; residues without coordinates have zeros."""
    return torch.zeros(p, features.shape[1]).index_copy_(0, residues, features)


def _zero_flag(program: Program, activation: Activation) -> Wiring:
    """Return one neuron that says 0 where an operand has no coordinate."""
    flag = torch.ones(program.p, 1).index_fill_(0, program.coordinates.a, 0.0)
    one = torch.ones(1, 1)
    logit = 2 * sum(map(abs, program.amplitudes)) / float(activate(activation, one))
    return Wiring(flag, flag, one, one, torch.zeros(1), logit * one, flag.T)


def assemble(wiring: Wiring, config: TransformerConfig | MLPConfig, *, equals_token: bool) -> Transformer | MLP:
    """Return the network of shape ``config`` that computes ``wiring``; see :func:`plant`.

    Raises:
        ConfigError: the network's shape cannot compute it; the text says what would.
    """
    if config.n_layers != 1:
        raise ConfigError(f"weights by hand are for one layer, and n_layers is {config.n_layers}; set n_layers to 1")
    if config.tied_embeddings:
        raise ConfigError(
            "weights by hand read answers from other directions than tokens; set tied_embeddings to false"
        )
    m, p = len(wiring.bias), len(wiring.tokens_a)
    _need({"d_mlp": (config.d_mlp, m)})
    tokens = p + equals_token
    model = build_model(config, d_vocab=tokens, d_vocab_out=tokens, n_ctx=2 + equals_token, seed=0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        if isinstance(model, Transformer):
            _assemble_transformer(wiring, model)
        else:
            _assemble_mlp(wiring, model)
    return model


def _need(room: Mapping[str, tuple[int, int]]) -> None:
    """Raise unless every setting, given as what it is and what it must be, is large enough."""
    for name, (has, needs) in room.items():
        if has < needs:
            raise ConfigError(f"{name} is {has}, and this network needs {needs}; raise {name} to that")


def _assemble_transformer(wiring: Wiring, model: Transformer) -> None:
    config, block = model.config, model.blocks[0]
    assert isinstance(block, Block)
    if config.layer_norm:
        raise ConfigError("weights by hand are for a residual stream that is not rescaled; set layer_norm to false")
    if block.mlp is None:
        raise ConfigError("weights by hand need neurons; set attention_only to false")
    p, f = wiring.tokens_a.shape
    m, o = wiring.write.shape
    both_alike = wiring.same_tokens and wiring.reads_the_sum
    # the residual stream: tokens, what the heads bring of a and of b, answers, positions
    as_a, as_b = 0, 0 if wiring.same_tokens else f
    of_a = as_b + f
    of_b = of_a if wiring.reads_the_sum else of_a + f
    out = of_b + f
    place = out + o
    _need(
        {
            "d_model": (config.d_model, place + model.n_ctx),
            "d_head": (config.d_head, f),
            "n_heads": (config.n_heads, 1 if both_alike else 2),
        }
    )
    model.embed.W_E[:p, as_a : as_a + f] = wiring.tokens_a
    model.embed.W_E[:p, as_b : as_b + f] = wiring.tokens_b
    model.pos_embed.W_pos[:, place:] = torch.eye(model.n_ctx, config.d_model - place)
    # with scores of zero a head takes the mean over all positions, of which '=' brings nothing
    routes = [(None, as_a, of_a)] if both_alike else [(0, as_a, of_a), (1, as_b, of_b)]
    attention, identity = block.attn, torch.eye(f)
    for head, (attended, source, target) in enumerate(routes):
        if attended is not None:
            attention.W_Q[head, place + model.n_ctx - 1, 0] = _SCORE * math.sqrt(config.d_head)
            attention.W_K[head, place + attended, 0] = 1.0
        attention.W_V[head, source : source + f, :f] = identity
        attention.W_O[head, :f, target : target + f] = identity * (model.n_ctx if attended is None else 1)
    block.mlp.W_in[of_a : of_a + f, :m] = wiring.read_a
    block.mlp.W_in[of_b : of_b + f, :m] = wiring.read_b
    _set_bias(block.mlp.b_in, wiring)
    block.mlp.W_out[:m, out : out + o] = wiring.write
    model.W_U[out : out + o, :p] = wiring.answers


def _assemble_mlp(wiring: Wiring, model: MLP) -> None:
    config, block = model.config, model.blocks[0]
    assert isinstance(block, HiddenBlock)
    hidden = block.mlp
    p, f = wiring.tokens_a.shape
    m, d = len(wiring.bias), config.d_model
    summed = config.combine == "sum"
    same_place = wiring.reads_the_sum if summed else True
    same_table = wiring.same_tokens or not config.shared_embedding
    if summed and config.shared_embedding and not (same_place and same_table):
        raise ConfigError(
            "a sum of embeddings that the positions share cannot tell a from b, and this computation must; "
            "set combine to 'concat' or shared_embedding to false"
        )
    as_b = 0 if same_place and same_table else f
    _need({"d_model": (d, as_b + f)})
    for side, (start, tokens, read) in enumerate(
        [(0, wiring.tokens_a, wiring.read_a), (as_b, wiring.tokens_b, wiring.read_b)]
    ):
        model.embed.at(side)[:p, start : start + f] = tokens
        first = 0 if summed else side * d
        hidden.W_in[first + start : first + start + f, :m] = read
    _set_bias(hidden.b_in, wiring)
    model.W_U[:m, :p] = wiring.write @ wiring.answers


def _set_bias(bias: Tensor | None, wiring: Wiring) -> None:
    if bias is not None:
        bias[: len(wiring.bias)] = wiring.bias
    elif wiring.bias.any():
        raise ConfigError("these neurons have thresholds, and the network no biases; turn biases on")
