"""Removing single frequencies from the neurons, against projections done one by one and a whole forward pass."""

import pytest
import torch
from test_last_layer import ATTENTION_ONLY, LINEAR, MLPS, OPERATIONS, TRANSFORMERS, Case
from test_sums import directions

from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.modular.frequency_ablations import FrequencyAblations, frequency_ablations
from grokscope.analysis.modular.last_layer import record_last_layer
from grokscope.analysis.modular.progress_measures import mean_loss
from grokscope.errors import ConfigError
from grokscope.explanation import Program
from grokscope.explanation.synthetic.planted import plant
from grokscope.models import TransformerConfig, build_model
from grokscope.tasks import FiniteData, ModularConfig

N = 13
KEYS = (2, 5)


def projected(post: torch.Tensor, n: int, frequencies: list[int]) -> torch.Tensor:
    """The part of the neurons along the directions of these frequencies."""
    found = torch.zeros_like(post)
    for k in frequencies:
        for direction in directions(n, k):
            along = direction.flatten()
            found += torch.outer(along, along @ post)
    return found


def assert_is_definition(case: Case) -> None:
    post, n = case.layer.post, case.coordinates.n
    assert post is not None
    found = frequency_ablations(case.layer, [2])

    def loss(changed: torch.Tensor) -> float:
        return mean_loss(case.hooked("mlp.hook_post", changed))

    assert found.intact == pytest.approx(loss(post))
    for k in (1, 2):
        assert found.without[k - 1] == pytest.approx(loss(post - projected(post, n, [k])))
    assert found.keys_alone == pytest.approx(loss(projected(post, n, [0, 2])))
    assert len({found.intact, *found.without, found.keys_alone}) == 4, "each of them changes the loss"


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("options", TRANSFORMERS.values(), ids=TRANSFORMERS.keys())
def test_losses_of_a_transformer_are_those_of_hooks(operation, options):
    assert_is_definition(Case(operation, options))


@pytest.mark.parametrize("options", MLPS.values(), ids=MLPS.keys())
def test_losses_of_an_mlp_are_those_of_hooks(options):
    assert_is_definition(Case("add", options, mlp=True))


def test_both_ways_are_tested():
    assert LINEAR
    assert len(LINEAR) < len(TRANSFORMERS)


def on_addition(*, planted: bool) -> FrequencyAblations:
    task = ModularConfig(p=N, data=FiniteData(train_fraction=1)).build()
    coordinates = find_coordinates(task.table)
    assert coordinates is not None
    config = TransformerConfig(d_model=32, d_head=8, d_mlp=100)
    sizes = {"d_vocab": task.d_vocab, "d_vocab_out": task.d_vocab_out, "n_ctx": task.n_ctx}
    if planted:
        model = plant(Program("clock", KEYS, (12.0, 10.0), (0.0, 0.0), coordinates), config)
    else:
        model = build_model(config, **sizes, seed=0)
    return frequency_ablations(record_last_layer(model, task, coordinates), KEYS)


def test_a_planted_circuit_needs_its_own_frequencies_and_no_others():
    found = on_addition(planted=True)
    for k, loss in enumerate(found.without, start=1):
        if k in KEYS:
            assert loss > 100 * found.intact
        else:
            assert loss == pytest.approx(found.intact, rel=0.05)  # the aliases of finitely many neurons
    assert found.keys_alone == pytest.approx(found.intact, rel=0.05)


def test_random_weights_need_none():
    found = on_addition(planted=False)
    assert found.without == pytest.approx([found.intact] * (N // 2), rel=0.05)


def test_without_key_frequencies_nothing_is_kept_alone():
    assert frequency_ablations(Case("add", {}).layer, []).keys_alone is None


def test_what_has_no_neurons_or_no_such_frequency_is_refused():
    with pytest.raises(ConfigError, match="no MLP, so there are no neurons"):
        frequency_ablations(Case("add", {**ATTENTION_ONLY["attention only"], "attention_only": True}).layer, [1])
    with pytest.raises(ConfigError, match="3"):
        frequency_ablations(Case("add", {}).layer, [3])
