"""Mean ablation, frozen patterns and path patching on a two-layer network whose logits are computed by hand here.

The reference is written with NumPy in float64, from the weights alone: nothing of the package computes it.
"""

import numpy as np
import pytest
import torch
from known_networks import task_of

from grokscope.explanation.sequences.head_interventions import HeadInterventions
from grokscope.models import Transformer, TransformerConfig
from grokscope.randomness import init_generator
from grokscope.tasks import Examples

B, T, V, D, H, E = 5, 4, 6, 7, 2, 3
"""Examples, tokens, vocabulary, residual stream, heads, width of a head."""
SCALE = 2.0
"""The residual scale, so that a path through a layer is not the same as one around it."""


@pytest.fixture(scope="module", params=[1.0, SCALE], ids=["plain", "residual scale 2"])
def scale(request) -> float:
    return request.param


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(3)
    shapes = {"embed.W_E": (V, D), "pos_embed.W_pos": (T, D), "unembed.W_U": (D, V)}
    for layer in range(2):
        shapes |= {f"blocks.{layer}.attn.W_{letter}": (H, D, E) for letter in "QKV"}
        shapes |= {f"blocks.{layer}.attn.W_O": (H, E, D)}
        shapes |= {f"blocks.{layer}.attn.b_{letter}": (H, E) for letter in "QKV"}
    return {name: draw.normal(size=shape) / np.sqrt(shape[-2]) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def tokens() -> np.ndarray:
    return np.random.default_rng(5).integers(0, V, size=(B, T))


def softmax(scores):
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def layer_of(weights, layer, x, *, seen=None, patterns=None, z_of=None):
    """Return what each head writes, its z and its pattern; ``seen[letter][head]`` is read instead of ``x``."""
    part = {letter: weights[f"blocks.{layer}.attn.W_{letter}"] for letter in "QKVO"}
    bias = {letter: weights[f"blocks.{layer}.attn.b_{letter}"] for letter in "QKV"}
    z = np.zeros((B, T, H, E))
    found = np.zeros((B, H, T, T))
    for head in range(H):
        read = {letter: (seen or {}).get((letter, head), x) for letter in "QKV"}
        q, k, v = (read[letter] @ part[letter][head] + bias[letter][head] for letter in "QKV")
        scores = q @ k.transpose(0, 2, 1) / np.sqrt(E)
        scores = np.where(np.tril(np.ones((T, T), dtype=bool)), scores, -np.inf)
        found[:, head] = softmax(scores)
        if patterns is not None and head in patterns:
            found[:, head] = patterns[head]
        z[:, :, head] = found[:, head] @ v
        if z_of is not None and head in z_of:
            z[:, :, head] = z_of[head](z[:, :, head])
    written = np.einsum("bthe,hed->bthd", z, part["O"])
    return written, z, found


def start(weights, tokens):
    return weights["embed.W_E"][tokens] + weights["pos_embed.W_pos"]


def mean_over_examples(values):
    return np.broadcast_to(values.mean(0, keepdims=True), values.shape)


@pytest.fixture(scope="module")
def network(weights, tokens, scale) -> HeadInterventions:
    config = TransformerConfig(
        n_layers=2, d_model=D, n_heads=H, d_head=E, attention_only=True, biases="all", residual_scale=scale
    )
    sizes = {"d_vocab": V, "d_vocab_out": V, "n_ctx": T}
    model = Transformer(config, **sizes, generator=init_generator(0)).double().requires_grad_(False)
    for name, value in model.state_dict().items():
        value.copy_(torch.from_numpy(weights[name]) if name in weights else torch.zeros_like(value))
    # of the task, only the places that are scored are used
    task = task_of("add", 5)
    examples = Examples(torch.from_numpy(tokens), torch.zeros(B, len(task.target_positions), dtype=torch.long))
    return HeadInterventions.on(model, task, examples)


def logits(network, hooks):
    return network.model.run_with_hooks(network.examples.tokens, hooks).numpy()


def by_hand(weights, tokens, scale, first=None, second=None):
    """Return the logits with keyword arguments for each layer."""
    x = start(weights, tokens)
    written, _, _ = layer_of(weights, 0, x, **(first or {}))
    x = scale * x + written.sum(2)
    written, _, _ = layer_of(weights, 1, x, **(second or {}))
    return (scale * x + written.sum(2)) @ weights["unembed.W_U"]


def test_the_reference_is_the_network(network, weights, tokens, scale):
    plain = network.model(network.examples.tokens).numpy()
    np.testing.assert_allclose(plain, by_hand(weights, tokens, scale), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("heads", [[(0, 1)], [(1, 0)], [(0, 0), (0, 1)], [(0, 0), (1, 1)]])
def test_mean_ablation(network, weights, tokens, scale, heads):
    first = {"z_of": {head: mean_over_examples for layer, head in heads if layer == 0}}
    second = {"z_of": {head: mean_over_examples for layer, head in heads if layer == 1}}
    expected = by_hand(weights, tokens, scale, first, second)
    np.testing.assert_allclose(logits(network, network.mean_ablate(heads)), expected, rtol=1e-10, atol=1e-12)
    assert not np.allclose(expected, by_hand(weights, tokens, scale))


@pytest.mark.parametrize("heads", [[(0, 1)], [(1, 0)], [(0, 0), (1, 1)]])
def test_frozen_patterns(network, weights, tokens, scale, heads):
    """A frozen pattern is the mean over the examples of the untouched network's, not of what is left of it."""
    x = start(weights, tokens)
    written, _, of_first = layer_of(weights, 0, x)
    _, _, of_second = layer_of(weights, 1, scale * x + written.sum(2))
    found = (of_first, of_second)
    frozen = [{head: found[at][:, head].mean(0) for layer, head in heads if layer == at} for at in (0, 1)]
    expected = by_hand(weights, tokens, scale, {"patterns": frozen[0]}, {"patterns": frozen[1]})
    np.testing.assert_allclose(logits(network, network.freeze_patterns(heads)), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("reading", ["K", "Q", "V"])
@pytest.mark.parametrize("writers", [[(0, 0)], [(0, 0), (0, 1)]])
@pytest.mark.parametrize("readers", [[(1, 1)], [(1, 0), (1, 1)]])
def test_path_patching(network, weights, tokens, scale, reading, writers, readers):
    """Only the readers' keys, queries or values miss what the writers wrote; the residual stream still has it."""
    x = start(weights, tokens)
    written, _, _ = layer_of(weights, 0, x)
    before = scale * x + written.sum(2)
    without = before.copy()
    for _, head in writers:
        without -= written[:, :, head] - written[:, :, head].mean(0, keepdims=True)
    seen = {(reading, head): without for _, head in readers}
    expected = by_hand(weights, tokens, scale, None, {"seen": seen})
    hooks = network.path_patch(writers, readers, reading)
    np.testing.assert_allclose(logits(network, hooks), expected, rtol=1e-10, atol=1e-12)
    assert not np.allclose(expected, by_hand(weights, tokens, scale))


def test_set_patterns_replaces_one_head_alone(network, weights, tokens, scale):
    even = np.tril(np.ones((T, T))) / np.arange(1, T + 1)[:, None]
    expected = by_hand(weights, tokens, scale, None, {"patterns": {1: even}})
    hooks = network.set_patterns({(1, 1): torch.from_numpy(even)})
    np.testing.assert_allclose(logits(network, hooks), expected, rtol=1e-10, atol=1e-12)


def test_the_network_is_scored_with_hooks_and_without(network, weights, tokens, scale):
    places = list(network.task.target_positions)
    with_hooks = by_hand(weights, tokens, scale, {"z_of": {0: mean_over_examples}})[:, places]
    assert network.accuracy(network.mean_ablate([(0, 0)])) == pytest.approx(float((with_hooks.argmax(-1) == 0).mean()))
    assert network.evaluate({}) is network.baseline
