"""Entering the last layer anywhere is the same as a whole forward pass with a hook there."""

import pytest
import torch

from grokscope.analysis import all_pairs_table
from grokscope.analysis.modular.coordinates import Coordinates, find_coordinates
from grokscope.analysis.modular.last_layer import LastLayer, record_last_layer
from grokscope.models import MLP, MLPConfig, Network, Transformer, TransformerConfig
from grokscope.randomness import init_generator
from grokscope.tasks import ModularConfig, ModularTask

P, D, H, E, M = 5, 8, 2, 3, 12

TRANSFORMERS = {
    "plain": {},
    "no '='": {"equals_token": False},
    "LayerNorm": {"layer_norm": True},
    "all biases": {"biases": "all"},
    "no biases": {"biases": "none"},
    "residual scale": {"residual_scale": 2.0},
    "two layers": {"n_layers": 2},
    "gelu": {"activation": "gelu"},
    "tied": {"tied_embeddings": True},
    "constant attention": {"attention_coefficient": 0.0, "equals_token": False, "causal": False},
    "mixed attention": {"attention_coefficient": 0.3},
    "everything": {
        "n_layers": 2,
        "layer_norm": True,
        "biases": "all",
        "residual_scale": 2.0,
        "activation": "quadratic",
    },
}
LINEAR = {name: options for name, options in TRANSFORMERS.items() if not options.get("layer_norm")}
"""Those whose neurons are linear in the logits."""
ATTENTION_ONLY = {
    "attention only": {},
    "two layers": {"n_layers": 2, "residual_scale": 2.0},
    "everything": {"layer_norm": True, "biases": "all", "equals_token": False},
}
MLPS = {
    "one layer": {},
    "two layers": {"n_layers": 2},
    "no biases": {"biases": "none"},
    "hidden biases": {"biases": "hidden"},
    "sum, gelu": {"combine": "sum", "activation": "gelu"},
    "own embeddings": {"shared_embedding": False},
    "tied": {"tied_embeddings": True, "d_mlp": D},
}
OPERATIONS = ["add", "subtract", "multiply"]


class Case:
    """A network with random weights and biases, its last layer, and the same interventions as hooks."""

    def __init__(self, operation: str, options: dict, *, mlp: bool = False) -> None:
        options = dict(options)
        equals = options.pop("equals_token", not mlp)
        self.task: ModularTask = ModularConfig(p=P, operation=operation, equals_token=equals).build()
        self.model = network(self.task, options, mlp=mlp)
        found = find_coordinates(self.task.table)
        assert found is not None
        self.coordinates: Coordinates = found
        self.layer: LastLayer = record_last_layer(self.model, self.task, found)
        self.name = f"blocks.{len(self.model.blocks) - 1}"
        self.pairs = (found.a[:, None] * P + found.b).flatten()

    def hooked(self, name: str, replacement: torch.Tensor) -> torch.Tensor:
        """The logits, in coordinates, of the textbook pass with this activation where the answer is read."""

        def replace(value: torch.Tensor) -> torch.Tensor:
            value = value.clone()
            if name.endswith("hook_pattern"):
                value[self.pairs, :, -1] = replacement
            elif value.ndim == 2:
                value[self.pairs] = replacement
            else:
                value[self.pairs, -1] = replacement
            return value

        logits = self.model.run_with_hooks(self.task.all_pairs.tokens, {f"{self.name}.{name}": replace})
        return self.coordinates.of_logits(logits[:, -1, :P].unflatten(0, (P, P)))


def network(task: ModularTask, options: dict, *, mlp: bool) -> Transformer | MLP:
    sizes = {"d_vocab": task.d_vocab, "d_vocab_out": task.d_vocab_out, "n_ctx": task.n_ctx}
    given = {"generator": init_generator(0), "dtype": torch.float64}
    if mlp:
        config = MLPConfig.model_validate({"d_model": D, "d_mlp": M, **options})
        model: Transformer | MLP = MLP(config, **sizes, **given)
    else:
        config = TransformerConfig.model_validate({"d_model": D, "n_heads": H, "d_head": E, "d_mlp": M, **options})
        model = Transformer(config, **sizes, **given)
    return with_random_weights(model)


def with_random_weights(model: Network) -> Network:
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in model.parameters():  # biases too, which are zero at first
            weights.copy_(torch.randn(weights.shape, generator=generator, dtype=torch.float64) / 2)
    return model.requires_grad_(False)


def noise_like(values: torch.Tensor | None) -> torch.Tensor:
    assert values is not None
    return torch.randn(values.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(7))


def assert_same(left: torch.Tensor, right: torch.Tensor) -> None:
    assert torch.allclose(left, right, atol=1e-9), (left - right).abs().max()


@pytest.fixture(params=OPERATIONS)
def operation(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("options", TRANSFORMERS.values(), ids=TRANSFORMERS.keys())
class TestTransformer:
    def test_interventions_are_hooks(self, operation, options):
        case = Case(operation, options)
        layer = case.layer
        assert layer.pattern is not None
        pattern = noise_like(layer.pattern).softmax(dim=2)
        assert_same(layer.with_pattern(pattern), case.hooked("attn.hook_pattern", pattern))
        mid = noise_like(layer.resid_mid)
        assert_same(layer.with_mid(mid), case.hooked("hook_resid_mid", mid))
        post = noise_like(layer.post)
        assert_same(layer.with_post(post), case.hooked("mlp.hook_post", post))
        # so that agreement means something: each of the three changes the answer
        for changed in (layer.with_pattern(pattern), layer.with_mid(mid), layer.with_post(post)):
            assert not torch.allclose(changed, layer.logits, atol=1e-2)

    def test_the_recorded_activations_give_the_recorded_logits(self, operation, options):
        case = Case(operation, options)
        layer = case.layer
        assert layer.has_attention
        assert layer.pattern is not None
        assert layer.resid_pre is not None
        assert layer.resid_mid is not None
        assert layer.post is not None
        assert_same(layer.logits, case.coordinates.of_logits(all_pairs_table(case.model, case.task).logits))
        assert_same(layer.with_pattern(layer.pattern), layer.logits)
        assert_same(layer.with_mid(layer.resid_mid), layer.logits)
        assert_same(layer.with_post(layer.post), layer.logits)
        assert_same(layer.mid(layer.resid_pre, layer.attn_out(layer.pattern)), layer.resid_mid)
        assert_same(layer.neurons(layer.resid_mid), layer.post)

    def test_the_attention_and_the_skips_alone(self, operation, options):
        case = Case(operation, options)
        layer = case.layer
        assert layer.resid_pre is not None
        out = noise_like(layer.resid_pre)
        mid = layer.mid(layer.resid_pre, out)
        assert_same(layer.with_mid(mid), case.hooked("hook_attn_out", out))
        assert_same(layer.read_out(layer.resid_mid, None), case.hooked("hook_mlp_out", torch.zeros_like(out)))


@pytest.mark.parametrize("options", LINEAR.values(), ids=LINEAR.keys())
def test_the_logit_map_is_what_one_neuron_adds(operation, options):
    layer = Case(operation, options).layer
    assert layer.post is not None
    assert layer.logit_map is not None
    more = layer.post.clone()
    more[:, 4] += 1
    added = layer.with_post(more) - layer.logits
    assert_same(added, layer.logit_map[4].expand_as(added))


@pytest.mark.parametrize("options", ATTENTION_ONLY.values(), ids=ATTENTION_ONLY.keys())
def test_attention_only(operation, options):
    case = Case(operation, {"attention_only": True, **options})
    layer = case.layer
    assert layer.post is None
    assert layer.logit_map is None
    assert layer.resid_mid is not None
    assert layer.neurons(layer.resid_mid) is None
    pattern = noise_like(layer.pattern).softmax(dim=2)
    assert_same(layer.with_pattern(pattern), case.hooked("attn.hook_pattern", pattern))
    mid = noise_like(layer.resid_mid)
    assert_same(layer.with_mid(mid), case.hooked("hook_resid_post", mid))
    assert_same(layer.with_mid(layer.resid_mid), layer.logits)


@pytest.mark.parametrize("options", MLPS.values(), ids=MLPS.keys())
@pytest.mark.parametrize("equals", [False, True])
def test_mlp(operation, options, equals):
    case = Case(operation, {"equals_token": equals, **options}, mlp=True)
    layer = case.layer
    assert not layer.has_attention
    assert layer.resid_pre is None
    assert layer.resid_mid is None
    assert layer.post is not None
    assert_same(layer.with_post(layer.post), layer.logits)
    post = noise_like(layer.post)
    assert_same(layer.with_post(post), case.hooked("mlp.hook_post", post))
    assert layer.logit_map is not None
    more = layer.post.clone()
    more[:, 4] += 1
    added = layer.with_post(more) - layer.logits
    assert_same(added, layer.logit_map[4].expand_as(added))


def test_rows_are_examples_in_coordinates(operation):
    """Row i·n + j of an activation is the one of the pair (a_i, b_j)."""
    case = Case(operation, {})
    layer, found = case.layer, case.coordinates
    assert layer.post is not None
    _, cache = case.model.run_with_cache(case.task.all_pairs.tokens)
    for i in range(found.n):
        for j in range(found.n):
            example = int(found.a[i]) * P + int(found.b[j])
            row = cache["blocks.0.mlp.hook_post"][example, -1]
            assert torch.equal(layer.post[i * found.n + j], row)
