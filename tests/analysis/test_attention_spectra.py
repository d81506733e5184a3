"""The heads' attention scores in the Fourier basis, against those of a whole forward pass."""

import math

import pytest
import torch

from grokscope.analysis.fourier import fourier_basis
from grokscope.analysis.modular.attention_spectra import attention_spectra
from grokscope.errors import ConfigError
from grokscope.models import MLP, MLPConfig, Transformer, TransformerConfig
from grokscope.models.transformer import Block
from grokscope.randomness import init_generator
from grokscope.tasks import ModularConfig, ModularTask


def task_of(p: int, *, equals_token: bool = True) -> ModularTask:
    return ModularConfig(p=p, equals_token=equals_token).build()


def network(task: ModularTask, *, noise: float = 0.5, **options) -> Transformer:
    config = TransformerConfig(**{"d_model": 16, "n_heads": 3, "d_head": 5, "d_mlp": 7, **options})
    model = Transformer(
        config, d_vocab=task.d_vocab, d_vocab_out=task.d_vocab_out, n_ctx=task.n_ctx, generator=init_generator(0),
        dtype=torch.float64,
    ).requires_grad_(False)  # fmt: skip
    if noise:
        for weight in model.parameters():  # biases too, which are zero at first
            draw = torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel()))
            weight.copy_(noise * draw)
    return model


@pytest.mark.parametrize("equals_token", [True, False])
@pytest.mark.parametrize("options", [{}, {"layer_norm": True}, {"biases": "all"}, {"n_layers": 2}])
def test_scores_are_those_of_the_forward_pass(equals_token, options):
    task = task_of(7, equals_token=equals_token)
    model = network(task, **options)
    name = "blocks.0.attn.hook_attn_scores"
    _, cache = model.run_with_cache(task.all_pairs.tokens, {name})
    expected = cache[name][:, :, -1, 0].unflatten(0, (7, 7)).mean(1).T  # a in rows; b only asks
    found = attention_spectra(model, task)
    torch.testing.assert_close(found.scores, expected)
    torch.testing.assert_close(found.components @ fourier_basis(7), expected)


@pytest.mark.parametrize(("p", "k"), [(13, 1), (13, 6), (12, 5), (12, 6)])
def test_a_planted_wave_is_found(p, k):
    task = task_of(p)
    model = network(task, noise=0.0, biases="none", n_heads=2, d_head=2)
    for weight in model.parameters():
        weight.zero_()
    block = model.blocks[0]
    assert isinstance(block, Block)
    model.embed.W_E[:p, 0] = torch.cos(2 * math.pi * k * torch.arange(p) / p + 0.3)
    model.embed.W_E[p, 1] = 1
    block.attn.W_K[0, 0, 0], block.attn.W_Q[0, 1, 0] = 3, 1
    found = attention_spectra(model, task)
    assert found.strongest == (k, 0), "the second head reads nothing, so it follows no wave"
    assert found.shares == (pytest.approx(1), 0)
    amplitude = found.components[0].norm() * math.sqrt((1 if 2 * k == p else 2) / p)
    wave = 3 * abs(math.cos(0.3)) if 2 * k == p else 3  # of p/2 there is a cos alone
    assert float(amplitude) == pytest.approx(wave / math.sqrt(2))


def test_random_weights_have_no_frequency_of_their_own():
    shares = []
    for seed in range(10):
        task = task_of(113)
        model = Transformer(
            TransformerConfig(), d_vocab=task.d_vocab, d_vocab_out=task.d_vocab_out, n_ctx=task.n_ctx,
            generator=init_generator(seed),
        )  # fmt: skip
        shares += attention_spectra(model, task).shares
    mean = sum(shares) / len(shares)
    assert 0.07 < mean < 0.1
    assert max(shares) < 0.25


def test_a_network_without_attention_is_refused():
    task = task_of(5, equals_token=False)
    sizes = {"d_vocab": task.d_vocab, "d_vocab_out": task.d_vocab_out, "n_ctx": task.n_ctx}
    with pytest.raises(ConfigError, match="no attention"):
        attention_spectra(MLP(MLPConfig(), **sizes, generator=init_generator(0)), task)
