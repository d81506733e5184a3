"""Matrix products taken once, against the textbook pass; float64, as in test_shared_work."""

import pytest
import torch

from grokscope.models import Transformer, TransformerConfig, folding
from grokscope.randomness import init_generator

SHAPES = {
    "mainline": {},
    "gelu, all biases": {"activation": "gelu", "biases": "all"},
    "quadratic, no biases": {"activation": "quadratic", "biases": "none"},
    "tied, residual scale 2": {"tied_embeddings": True, "residual_scale": 2.0},
    "attention only, all biases": {"attention_only": True, "biases": "all"},
    "attention only, no biases": {"attention_only": True, "biases": "none", "residual_scale": 0.5},
}


def network(**options) -> Transformer:
    config = TransformerConfig(**{"d_model": 12, "n_heads": 3, "d_head": 4, "d_mlp": 17, **options})
    model = Transformer(config, d_vocab=6, d_vocab_out=5, n_ctx=4, generator=init_generator(0), dtype=torch.float64)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator, dtype=torch.float64) / 3)
    return model


def ending_in(token: int | None) -> torch.Tensor:
    tokens = torch.randint(6, (40, 4), generator=torch.Generator().manual_seed(3))
    if token is not None:
        tokens[:, -1] = token
    return tokens


@pytest.fixture
def folded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts how often the folded way was taken."""
    calls: list[int] = []

    def counting(*arguments):
        calls.append(1)
        return folding.folded_logits(*arguments)

    monkeypatch.setattr("grokscope.models.transformer.folded_logits", counting)
    return calls


@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_values_and_gradients_equal_the_textbook_pass(options, folded):
    model, tokens = network(**options), ending_in(2)
    plain, fast = model(tokens)[:, -1:], model.forward_fast(model.plan(tokens, [3]))
    assert folded == [1]
    torch.testing.assert_close(fast, plain, rtol=0, atol=1e-11)
    weighting = torch.randn(plain.shape, generator=torch.Generator().manual_seed(2), dtype=plain.dtype)
    names, weights = zip(*model.named_parameters(), strict=True)
    expected = torch.autograd.grad((weighting * plain).sum(), weights)
    for name, found, right in zip(names, torch.autograd.grad((weighting * fast).sum(), weights), expected, strict=True):
        torch.testing.assert_close(found, right, rtol=0, atol=1e-11 * max(1, right.abs().max().item()), msg=name)


@pytest.mark.parametrize(
    ("options", "token"),
    [({"layer_norm": True}, 2), ({"n_layers": 2}, 2), ({}, None), ({"d_model": 4, "d_mlp": 30}, 2)],
    ids=["layer norm", "two layers", "answers read at several tokens", "more logits than it pays for"],
)
def test_it_is_left_alone_where_it_does_not_hold_or_pay(options, token, folded):
    model, tokens = network(**options), ending_in(token)
    fast = model.forward_fast(model.plan(tokens, [3]))
    torch.testing.assert_close(fast, model(tokens)[:, -1:], rtol=0, atol=1e-11)
    assert folded == []


def test_dropout_lies_between_and_prevents_it(folded):
    model = network(dropout=0.5)
    plan = model.plan(ending_in(2), [3])
    model.forward_fast(plan, noise=torch.Generator().manual_seed(0))
    assert folded == []
    model.forward_fast(plan)
    assert folded == [1]
