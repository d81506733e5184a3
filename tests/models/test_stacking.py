"""Stacked networks against the same networks one by one: values, gradients, caches, hooks.

In float64, where they agree to rounding: 1e-12 relative to the largest entry.
"""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from grokscope.errors import ConfigError
from grokscope.models import MLP, MLPConfig, Network, Transformer, TransformerConfig, member, stack
from grokscope.randomness import init_generator, stream

D_VOCAB, N_CTX, N_RUNS = 6, 5, 3
TRANSFORMERS = {
    "mainline": {},
    "all biases, gelu": {"biases": "all", "activation": "gelu"},
    "no biases, quadratic": {"biases": "none", "activation": "quadratic"},
    "layer norm, tied": {"layer_norm": True, "tied_embeddings": True, "biases": "all"},
    "attention only": {"attention_only": True, "biases": "all", "residual_scale": 2.0},
    "attention coefficient": {"attention_coefficient": 0.3},
    "two layers": {"n_layers": 2, "layer_norm": True, "biases": "all"},
    "two layers, not causal": {"n_layers": 2, "causal": False, "attention_coefficient": 0.6, "residual_scale": 0.5},
}
MLPS = {
    "mlp": {},
    "two layers of sums, an embedding each": {"n_layers": 2, "combine": "sum", "shared_embedding": False},
    "no biases, gelu": {"biases": "none", "activation": "gelu"},
    "tied": {"tied_embeddings": True, "d_mlp": 12, "biases": "hidden"},
}
KINDS = [*TRANSFORMERS, *MLPS]
POSITIONS = {"last": (4,), "all": (0, 1, 2, 3, 4), "out of order": (4, 1)}


def network(kind: str, seed: int, **options) -> Network:
    """A float64 network whose every weight, bias and gain is random, so that each one matters."""
    sizes = {"d_vocab": D_VOCAB, "d_vocab_out": D_VOCAB - 1, "n_ctx": N_CTX}
    rest = {**sizes, "generator": init_generator(seed), "dtype": torch.float64}
    if kind in MLPS:
        model = MLP(MLPConfig(**{"d_model": 12, "d_mlp": 17, **MLPS[kind], **options}), **rest)
    else:
        shape = {"d_model": 12, "n_heads": 3, "d_head": 5, "d_mlp": 17}
        model = Transformer(TransformerConfig(**{**shape, **TRANSFORMERS[kind], **options}), **rest)
    generator = torch.Generator().manual_seed(100 + seed)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator, dtype=torch.float64) / 3)
    return model


def networks(kind: str, **options) -> list[Network]:
    return [network(kind, seed, **options) for seed in range(N_RUNS)]


def data(n_examples: int = 40, seed: int = 0) -> Tensor:
    """Sequences for each run, in which each run lacks a token that the others have."""
    tokens = torch.randint(0, D_VOCAB, (N_RUNS, n_examples, N_CTX), generator=torch.Generator().manual_seed(seed))
    return torch.stack([tokens[run].masked_fill(tokens[run] == run, D_VOCAB - 1) for run in range(N_RUNS)])


def same(one: Tensor, other: Tensor) -> None:
    one, other = one.detach(), other.detach()
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12 * max(1.0, float(other.abs().max())))


@pytest.mark.parametrize("positions", POSITIONS.values(), ids=POSITIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_logits_and_gradients_are_those_of_each_alone(kind, positions):
    alone, tokens = networks(kind), data()
    stacked = stack(alone)
    logits = stacked.forward_fast(stacked.plan(tokens, positions))
    logits.square().mean().backward()
    for run, single in enumerate(alone):
        own = single.forward_fast(single.plan(tokens[run], positions))
        same(logits[run], own)
        (own.square().sum() / logits.numel()).backward()
        gradients = dict(single.named_parameters())
        for name, weights in stacked.named_parameters():
            expected = gradients[name].grad
            if expected is None:
                assert weights.grad is None, f"{name} has a gradient in the stack only"
            else:
                assert weights.grad is not None
                same(weights.grad[run], expected)


@pytest.mark.parametrize("n_examples", [1, 300])
@pytest.mark.parametrize("kind", ["mainline", "two layers", "mlp"])
def test_few_examples_and_many_take_either_way_to_the_scores(kind, n_examples):
    alone, tokens = networks(kind), data(n_examples)
    logits = stack(alone)(tokens, [4])
    for run, single in enumerate(alone):
        same(logits[run], single(tokens[run], [4]))


@pytest.mark.parametrize("kind", KINDS)
def test_caches_are_those_of_each_alone(kind):
    alone, tokens = networks(kind), data(7)
    logits, cache = stack(alone).run_with_cache(tokens)
    for run, single in enumerate(alone):
        own_logits, own = single.run_with_cache(tokens[run])
        same(logits[run], own_logits)
        assert list(cache) == list(own)
        for name, value in own.items():
            same(cache[name][run], value)


@pytest.mark.parametrize("kind", ["mainline", "two layers, not causal", "mlp"])
def test_the_same_tokens_serve_all_runs(kind):
    alone, tokens = networks(kind), data()[0]
    stacked = stack(alone)
    every_position = range(tokens.shape[-1])
    for logits in (stacked(tokens), stacked.forward_fast(stacked.plan(tokens, every_position))):
        assert logits.shape[0] == N_RUNS
        for run, single in enumerate(alone):
            same(logits[run], single(tokens))


def test_a_hook_reaches_every_run_or_one_of_them():
    alone, tokens = networks("mainline"), data(9)
    stacked, name = stack(alone), "blocks.0.mlp.hook_post"

    def ablate_one(value: Tensor) -> Tensor:
        value = value.clone()
        value[1] = 0
        return value

    everywhere = stacked.run_with_hooks(tokens, {name: torch.zeros_like})
    once = stacked.run_with_hooks(tokens, {name: ablate_one})
    for run, single in enumerate(alone):
        ablated = single.run_with_hooks(tokens[run], {name: torch.zeros_like})
        same(everywhere[run], ablated)
        same(once[run], ablated if run == 1 else single(tokens[run]))


@pytest.mark.parametrize("kind", ["mainline", "two layers", "mlp", "two layers of sums, an embedding each"])
def test_dropout_draws_for_each_run_what_it_draws_alone(kind):
    alone, tokens = networks(kind, dropout=0.4), data()
    stacked = stack(alone)
    noise = [stream("dropout", seed) for seed in range(N_RUNS)]
    logits = stacked.forward_fast(stacked.plan(tokens, [4]), noise=noise)
    for run, single in enumerate(alone):
        plan = single.plan(tokens[run], [4])
        same(logits[run], single.forward_fast(plan, noise=stream("dropout", run)))
        assert not torch.allclose(logits[run], single.forward_fast(plan))


@pytest.mark.parametrize("kind", KINDS)
def test_a_member_is_the_network_that_was_stacked(kind):
    alone = networks(kind)
    stacked = stack(alone)
    assert (stacked.n_stacked, alone[0].n_stacked) == (N_RUNS, None)
    for run, single in enumerate(alone):
        out = member(stacked, run)
        assert out.n_stacked is None
        assert out.settings() == single.settings()
        for name, weights in single.named_parameters():
            assert torch.equal(dict(out.named_parameters())[name], weights)
    before = copy.deepcopy(alone[0].state_dict())
    with torch.no_grad():
        for weights in stacked.parameters():
            weights.zero_()
    assert all(torch.equal(value, before[name]) for name, value in alone[0].state_dict().items()), "nothing is shared"


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 3))
def test_any_number_of_runs(seeds, position):
    alone = [network("mainline", seed) for seed in seeds]
    tokens = data()[0]
    logits = stack(alone)(tokens, [position])
    for run, single in enumerate(alone):
        same(logits[run], single(tokens, [position]))


def test_what_cannot_be_stacked_is_refused():
    one, wider = network("mainline", 0), network("mainline", 1, d_mlp=18)
    with pytest.raises(ConfigError, match="no networks to stack"):
        stack([])
    with pytest.raises(
        ConfigError, match=r"network 1 is .*d_mlp=18.*, network 0 .*d_mlp=17.*only networks of one shape"
    ):
        stack([one, wider])
    with pytest.raises(ConfigError, match="network 0 is itself a stack of 2; stack single networks"):
        stack([stack([one, one])])
    with pytest.raises(ConfigError, match="a single one, not a stack"):
        member(one, 0)
    with pytest.raises(ConfigError, match="no member 2 in a stack of 2; use 0 to 1"):
        member(stack([one, one]), 2)


def test_tokens_for_another_number_of_runs_are_refused():
    one, two = network("mainline", 0), stack([network("mainline", 0), network("mainline", 1)])
    with pytest.raises(ConfigError, match=r"2 stacked networks cannot read tokens of shape \(3, 40, 5\)"):
        two(data())
    with pytest.raises(ConfigError, match=r"a single network cannot read tokens of shape \(3, 40, 5\)"):
        one(data())
