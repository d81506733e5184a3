"""The fast pass against the textbook one, and both against a third written here with nothing shared.

Everything in float64, where the three agree to rounding: a tolerance of 1e-11 relative to the largest entry.
"""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.models import Transformer, TransformerConfig
from grokscope.models.shared_work import DistinctRows, Plan
from grokscope.randomness import init_generator

SMALL = {"d_model": 12, "n_heads": 3, "d_head": 5, "d_mlp": 17}
SHAPES = {
    "mainline": {},
    "one head": {"n_heads": 1, "d_head": 7},
    "gelu, all biases": {"activation": "gelu", "biases": "all"},
    "quadratic, no biases": {"activation": "quadratic", "biases": "none"},
    "layer norm": {"layer_norm": True},
    "layer norm, all biases, tied": {"layer_norm": True, "biases": "all", "tied_embeddings": True},
    "tied": {"tied_embeddings": True},
    "residual scale 2": {"residual_scale": 2.0},
    "attention only": {"attention_only": True, "biases": "none"},
    "two layers": {"n_layers": 2},
    "attention coefficient": {"attention_coefficient": 0.3},
    "constant attention": {"attention_coefficient": 0.0, "n_layers": 2},
    "not causal": {"causal": False},
    "two layers, not causal, attention coefficient": {"n_layers": 2, "causal": False, "attention_coefficient": 0.6},
    "two layers of everything": {
        "n_layers": 2,
        "layer_norm": True,
        "biases": "all",
        "activation": "gelu",
        "residual_scale": 0.5,
    },
    "two layers, attention only": {"n_layers": 2, "attention_only": True, "residual_scale": 2.0, "biases": "all"},
    "three layers": {"n_layers": 3, "n_heads": 2, "biases": "none"},
    "three layers, layer norm, tied": {
        "n_layers": 3,
        "layer_norm": True,
        "tied_embeddings": True,
        "activation": "quadratic",
    },
}
POSITIONS = {
    "last": (4,),
    "all": (0, 1, 2, 3, 4),
    "middle": (1, 3),
    "first": (0,),
    "out of order": (4, 1, 2),
    "twice": (3, 1, 3),
}
N_CTX = 5


def network(**options) -> Transformer:
    """A float64 network whose every weight, bias and gain is random, so that each one matters."""
    d_vocab = options.pop("d_vocab", 6)
    config = TransformerConfig(**{**SMALL, **options})
    model = Transformer(
        config, d_vocab=d_vocab, d_vocab_out=d_vocab - 1, n_ctx=N_CTX, generator=init_generator(0), dtype=torch.float64
    )
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator, dtype=torch.float64) / 3)
    return model


def from_scratch(model: Transformer, tokens: torch.Tensor) -> torch.Tensor:
    """Return the logits at every position: explicit loops over examples, layers, positions and heads."""
    c, w = model.config, dict(model.named_parameters())

    def norm(x, name):
        if not c.layer_norm:
            return x
        centred = x - x.sum() / len(x)
        return centred / torch.sqrt((centred**2).sum() / len(x) + 1e-5) * w[f"{name}.w"] + w[f"{name}.b"]

    def activation(x):
        if c.activation == "relu":
            return torch.where(x > 0, x, 0)
        return x**2 if c.activation == "quadratic" else x * (1 + torch.erf(x / math.sqrt(2))) / 2

    logits = []
    for sequence in tokens.tolist():
        stream = [w["embed.W_E"][token] + w["pos_embed.W_pos"][place] for place, token in enumerate(sequence)]
        for layer in range(c.n_layers):
            name = f"blocks.{layer}"
            normal = [norm(x, f"{name}.ln1") for x in stream]
            after = []
            for query in range(len(stream)):
                out = w.get(f"{name}.attn.b_O", 0)
                for head in range(c.n_heads):

                    def project(x, letter, head=head, name=name):
                        return (
                            x @ w[f"{name}.attn.W_{letter}"][head]
                            + w.get(f"{name}.attn.b_{letter}", [0] * c.n_heads)[head]
                        )

                    q = project(normal[query], "Q")
                    keys = range(query + 1) if c.causal else range(len(stream))
                    scores = [q @ project(normal[key], "K") / math.sqrt(c.d_head) for key in keys]
                    exponentials = [score.exp() for score in scores]
                    share, constant = c.attention_coefficient / sum(exponentials), 1 - c.attention_coefficient
                    z = sum((share * e + constant) * project(normal[key], "V") for key, e in enumerate(exponentials))
                    out = out + z @ w[f"{name}.attn.W_O"][head]
                x = c.residual_scale * stream[query] + out
                if not c.attention_only:
                    pre = norm(x, f"{name}.ln2") @ w[f"{name}.mlp.W_in"] + w.get(f"{name}.mlp.b_in", 0)
                    x = x + activation(pre) @ w[f"{name}.mlp.W_out"] + w.get(f"{name}.mlp.b_out", 0)
                after.append(x)
            stream = after
        unembedding = w["embed.W_E"][: model.d_vocab_out].T if c.tied_embeddings else w["unembed.W_U"]
        logits.append(torch.stack([norm(x, "ln_final") @ unembedding + w.get("unembed.b_U", 0) for x in stream]))
    return torch.stack(logits)


def gradients(model: Transformer, logits: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the gradient of a random weighting of the logits."""
    weighting = torch.randn(logits.shape, generator=torch.Generator().manual_seed(2), dtype=logits.dtype)
    names = [name for name, _ in model.named_parameters()]
    found = torch.autograd.grad((weighting * logits).sum(), list(model.parameters()), allow_unused=True)
    return {name: value for name, value in zip(names, found, strict=True) if value is not None}


def assert_close(one: torch.Tensor, other: torch.Tensor) -> None:
    torch.testing.assert_close(one, other, rtol=0, atol=1e-11 * max(1.0, other.abs().max().item()))


def tokens_for(model: Transformer, n_examples: int) -> torch.Tensor:
    return torch.randint(model.d_vocab, (n_examples, N_CTX), generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("positions", POSITIONS.values(), ids=POSITIONS)
@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(("d_vocab", "n_examples", "table"), [(3, 90, True), (40, 2, False)], ids=["table", "no table"])
def test_fast_pass_equals_textbook_pass(options, positions, d_vocab, n_examples, table):
    model = network(d_vocab=d_vocab, **options)
    tokens = tokens_for(model, n_examples)
    plan = model.plan(tokens, positions)
    assert (plan.score_index is not None) is table, "the other branch is meant to be tested here"
    plain, fast = model(tokens)[:, list(positions)], model.forward_fast(plan)
    assert_close(fast, plain)
    slow_gradients, fast_gradients = gradients(model, plain), gradients(model, fast)
    assert {"embed.W_E", "pos_embed.W_pos", "blocks.0.attn.W_Q", "blocks.0.attn.W_O"} <= fast_gradients.keys()
    for name, weights in model.named_parameters():
        assert_close(
            fast_gradients.get(name, torch.zeros_like(weights)), slow_gradients.get(name, torch.zeros_like(weights))
        )


@pytest.mark.parametrize("common", [0, 2, 4])
@pytest.mark.parametrize("positions", [(4,), (0, 1, 2, 3, 4)], ids=["last", "all"])
@pytest.mark.parametrize(
    "options", [{}, {"attention_coefficient": 0.3}, {"causal": False, "n_layers": 2}, {"biases": "all"}], ids=str
)
def test_a_key_that_all_sequences_share(options, positions, common):
    model = network(d_vocab=3, **options)
    tokens = tokens_for(model, 90)
    tokens[:, common] = 1
    plan = model.plan(tokens, positions)
    assert plan.common_key is not None
    place, row = plan.common_key
    assert place == common
    assert (plan.keys.tokens[row], plan.keys.positions[row]) == (1, common)
    plain, fast = model(tokens)[:, list(positions)], model.forward_fast(plan)
    assert_close(fast, plain)
    expected = gradients(model, plain)
    for name, found in gradients(model, fast).items():
        assert_close(found, expected[name])


def test_no_key_is_common_where_tokens_differ_or_keys_are_many():
    model = network(d_vocab=3)
    assert model.plan(tokens_for(model, 90), [4]).common_key is None
    assert Plan.of(torch.ones(5, 9, dtype=torch.long), [8], 3, 1, causal=True).common_key is None


@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_both_equal_a_third_written_with_loops(options):
    model = network(**options)
    tokens = tokens_for(model, 3)
    expected = from_scratch(model, tokens)
    expected_gradients = gradients(model, expected)
    assert expected_gradients.keys() == dict(model.named_parameters()).keys(), (
        "a weight without influence is not tested"
    )
    for logits in (model(tokens), model.forward_fast(model.plan(tokens, range(N_CTX)))):
        assert_close(logits, expected)
        for name, found in gradients(model, logits).items():
            assert_close(found, expected_gradients[name])


def test_network_of_the_mainline_in_float32_too():
    """In the arithmetic that is trained in, the two passes differ by rounding alone."""
    model = Transformer(TransformerConfig(), d_vocab=114, d_vocab_out=114, n_ctx=3, generator=init_generator(0))
    tokens = torch.cartesian_prod(torch.arange(113), torch.arange(0, 113, 8), torch.tensor([113]))
    fast, plain = model.forward_fast(model.plan(tokens, [2])), model(tokens)[:, 2:]
    assert fast.dtype == torch.float32
    torch.testing.assert_close(fast, plain, rtol=0, atol=2e-6)  # logits are of size 0.5


def test_one_plan_serves_changing_weights():
    model = network()
    tokens = tokens_for(model, 20)
    plan = model.plan(tokens, [4])
    model.forward_fast(plan)
    with torch.no_grad():
        model.blocks[0].mlp.W_in.mul_(-1)
        model.embed.W_E.add_(0.1)
    assert_close(model.forward_fast(plan), model(tokens)[:, 4:])


def test_fast_pass_leaves_its_inputs_alone():
    """ReLU works in place: nothing that is used again may be what it writes to."""
    model = network(biases="none")
    tokens = tokens_for(model, 20)
    plan = model.plan(tokens, [4])
    with torch.no_grad():
        first = model.forward_fast(plan)
        assert torch.equal(model.forward_fast(plan), first)


def test_no_work_is_repeated():
    """The point of it all: 227 rows and one query a sequence in the mainline, not 11,490 and three."""
    model = Transformer(TransformerConfig(), d_vocab=114, d_vocab_out=114, n_ctx=3, generator=init_generator(0))
    tokens = torch.cartesian_prod(torch.arange(113), torch.arange(113), torch.tensor([113]))
    plan = model.plan(tokens, [2])
    assert plan.keys.n_rows == 113 + 113 + 1
    assert plan.queries.n_rows == 1
    assert plan.queries.index.shape == (113 * 113, 1)
    assert model.forward_fast(plan).shape == (113 * 113, 1, 114)


def test_keys_after_the_last_scored_position_are_left_out():
    model = network()
    tokens = tokens_for(model, 10)
    plan = model.plan(tokens, [1])
    assert plan.n_keys == plan.keys.index.shape[1] == 2
    assert_close(model.forward_fast(plan), model(tokens)[:, 1:2])


def test_without_a_mask_every_position_is_a_key():
    model = network(causal=False)
    tokens = tokens_for(model, 10)
    plan = model.plan(tokens, [1])
    assert plan.n_keys == plan.keys.index.shape[1] == N_CTX
    changed = tokens.clone()
    changed[:, -1] = (tokens[:, -1] + 1) % model.d_vocab
    assert not torch.allclose(model.forward_fast(plan), model.forward_fast(model.plan(changed, [1])))


@given(st.data())
def test_distinct_rows_lose_nothing(data):
    n_examples, n_ctx, d_vocab = (data.draw(st.integers(1, top)) for top in (9, 6, 7))
    row = st.lists(st.integers(0, d_vocab - 1), min_size=n_ctx, max_size=n_ctx)
    tokens = torch.tensor(data.draw(st.lists(row, min_size=n_examples, max_size=n_examples)))
    positions = data.draw(st.lists(st.integers(0, n_ctx - 1), min_size=1, max_size=n_ctx))
    rows = DistinctRows.of(tokens, positions, d_vocab)
    assert torch.equal(rows.tokens[rows.index], tokens[:, positions])
    assert torch.equal(rows.positions[rows.index], torch.tensor(positions).expand(n_examples, -1))
    pairs = list(zip(rows.tokens.tolist(), rows.positions.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs) == rows.n_rows


def test_table_is_used_only_where_it_is_smaller_than_the_scores():
    few = torch.zeros(50, 3, dtype=torch.long)
    many = torch.arange(12).reshape(4, 3)
    assert Plan.of(few, [2], 5, 1, causal=True).score_index is not None
    assert Plan.of(many, [2], 12, 1, causal=True).score_index is None
