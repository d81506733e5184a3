"""One row of numbers: each is that of its own function, on the pairs that its name says."""

import math

import pytest
import torch
import torch.nn.functional as F
from measured import measure

from grokscope.analysis import all_pairs_table, fourier_basis, neuron_frequencies
from grokscope.analysis.binary.all_pairs import train_mask
from grokscope.analysis.binary.unembedding import neuron_logit_map
from grokscope.analysis.modular.clock_pizza import distance_irrelevance, gradient_symmetricity
from grokscope.analysis.modular.logit_fits import align, clock_fit, pizza_fit
from grokscope.analysis.modular.measures import coordinates_of
from grokscope.analysis.modular.progress_measures import (
    excluded_loss,
    excluded_loss_of_cube,
    logit_margins,
    restricted_loss,
)
from grokscope.errors import ConfigError
from grokscope.models import MLP, Transformer, TransformerConfig, build_model
from grokscope.models.config import MLPConfig, ModelConfig
from grokscope.tasks import FiniteData, InfiniteData, ModularConfig, ModularTask

P = 7
TRANSFORMER = TransformerConfig(d_model=8, n_heads=2, d_head=4, d_mlp=16)
PERCEPTRON = MLPConfig(d_model=6, d_mlp=16)
ATTENTION_ONLY = TransformerConfig(d_model=8, n_heads=2, d_head=4, attention_only=True)


def task_of(operation: str = "add", *, equals: bool = True, train_fraction: float = 0.4) -> ModularTask:
    data = FiniteData(train_fraction=train_fraction)
    return ModularConfig(p=P, operation=operation, equals_token=equals, data=data).build()


def model_of(config: ModelConfig, task: ModularTask, *, seed: int = 0) -> Transformer | MLP:
    sizes = {"d_vocab": task.d_vocab, "d_vocab_out": task.d_vocab_out, "n_ctx": task.n_ctx}
    return build_model(config, **sizes, seed=seed, dtype=torch.float64)


SCORES = {"loss", "accuracy", "margin_mean", "margin_min"}
SPLIT = {"train_loss", "train_accuracy", "test_loss", "test_accuracy"}
PROGRESS = {"restricted_loss", "excluded_loss", "excluded_loss_cube", "logit_fve", "pizza_fve"}
OF_KEYS = {"excluded_loss_1", "excluded_loss_3", "alpha_1", "alpha_3"}
NEURONS = {"neurons_in_clusters", "neuron_share_mean", "gini_W_L", "ipr_W_L", "rest_W_L"}
REST = {"gini_W_E", "sum_of_squares", "gradient_symmetricity", "distance_irrelevance"}


class TestColumns:
    @pytest.mark.parametrize("config", [TRANSFORMER, PERCEPTRON, ATTENTION_ONLY])
    @pytest.mark.parametrize("split", [False, True])
    def test_there_is_one_for_every_measure_that_the_network_has(self, config, split):
        task = task_of()
        model = model_of(config, task)
        row = measure(model, task, [1, 3], train_mask(task) if split else None)
        weights = {f"sum_of_squares.{name}" for name, _ in model.named_parameters()}
        neurons = set() if config is ATTENTION_ONLY else NEURONS
        assert set(row) == SCORES | PROGRESS | OF_KEYS | REST | weights | neurons | (SPLIT if split else set())
        assert all(type(value) is float and math.isfinite(value) for value in row.values())

    def test_where_all_pairs_are_trained_on_there_is_no_test(self):
        task = task_of(train_fraction=1.0)
        row = measure(model_of(TRANSFORMER, task), task, [1], train_mask(task))
        assert row["train_loss"] == pytest.approx(row["loss"])
        assert not any(name.startswith("test") for name in row)

    def test_without_frequencies_nothing_is_kept_and_nothing_excluded(self):
        task = task_of()
        row = measure(model_of(TRANSFORMER, task), task, [])
        assert row["excluded_loss"] == row["excluded_loss_cube"] == pytest.approx(row["loss"])
        assert row["logit_fve"] == row["pizza_fve"] == 0


@pytest.mark.parametrize("config", [TRANSFORMER, PERCEPTRON])
@pytest.mark.parametrize("operation", ["add", "subtract", "2*a + 3*b + 1", "multiply"])
def test_every_value_is_that_of_its_own_function(config, operation):
    task, keys = task_of(operation), [1, 3]
    model, train = model_of(config, task), train_mask(task)
    assert train is not None
    row, coordinates = measure(model, task, keys, train), coordinates_of(task)
    post = f"blocks.{len(model.blocks) - 1}.mlp.hook_post"
    table = all_pairs_table(model, task, {post})
    logits, mask = coordinates.of_logits(table.logits).detach(), coordinates.of_inputs(train)
    fit, margins = clock_fit(align(logits, keys)), logit_margins(logits)
    shares = neuron_frequencies(coordinates.of_inputs(table.activations[post])).share
    expected = {
        "restricted_loss": restricted_loss(logits, keys),
        "excluded_loss": excluded_loss(logits, keys, mask),
        "excluded_loss_cube": excluded_loss_of_cube(logits, keys, mask),
        "excluded_loss_1": excluded_loss(logits, [1], mask),
        "excluded_loss_3": excluded_loss(logits, [3], mask),
        "logit_fve": fit.fve,
        "pizza_fve": pizza_fit(align(logits, keys)).fve,
        "alpha_1": fit.amplitudes[0],
        "alpha_3": fit.amplitudes[1],
        "margin_mean": margins.mean().item(),
        "margin_min": margins.min().item(),
        "neurons_in_clusters": (shares > 0.85).double().mean().item(),
        "neuron_share_mean": shares.mean().item(),
        "gradient_symmetricity": gradient_symmetricity(model, task),
        "distance_irrelevance": distance_irrelevance(logits),
        "sum_of_squares": sum(weight.square().sum().item() for weight in model.parameters()),
    }
    assert {name: row[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize("config", [TRANSFORMER, PERCEPTRON])
@pytest.mark.parametrize("operation", ["add", "subtract"])
def test_train_and_test_are_the_tasks_own_examples(config, operation):
    task = task_of(operation, equals=False)  # so that the logits are those of the p answers alone
    model = model_of(config, task)
    row = measure(model, task, [1], train_mask(task))
    for name, examples in (("train", task.train), ("test", task.test)):
        assert examples is not None
        logits, targets = model(examples.tokens, task.target_positions)[:, -1], examples.targets[:, 0]
        assert row[f"{name}_loss"] == pytest.approx(F.cross_entropy(logits, targets).item())
        assert row[f"{name}_accuracy"] == pytest.approx((logits.argmax(1) == targets).double().mean().item())
    assert row["train_loss"] != pytest.approx(row["test_loss"])


def test_a_product_is_measured_without_its_zeros_and_among_the_other_answers():
    task = task_of("multiply", equals=False)
    model = model_of(PERCEPTRON, task)
    row, logits, losses = measure(model, task, [1]), all_pairs_table(model, task).logits, []
    for a in range(1, P):
        for b in range(1, P):
            target = torch.tensor(a * b % P - 1)
            losses.append(F.cross_entropy(logits[a, b, 1:], target).item())
    assert row["loss"] == pytest.approx(sum(losses) / len(losses))


@pytest.mark.parametrize("operation", ["subtract", "3*a + 2*b + 4"])
def test_the_same_network_under_other_names_has_the_same_measures(operation):
    """Renaming operands and answers turns an adder into another's, and nothing that is measured may change."""
    config = MLPConfig(d_model=6, d_mlp=16, shared_embedding=False)
    adds, renamed = task_of("add", equals=False), task_of(operation, equals=False)
    adder, other = model_of(config, adds), model_of(config, renamed)
    coordinates = coordinates_of(renamed)
    with torch.no_grad():
        other.embed.W_E[0, coordinates.a] = adder.embed.W_E[0]
        other.embed.W_E[1, coordinates.b] = adder.embed.W_E[1]
        other.unembed.W_U[:, coordinates.c] = adder.unembed.W_U
    expected, measured = measure(adder, adds, [1, 2]), measure(other, renamed, [1, 2])
    for name in expected.keys() - {"gradient_symmetricity"}:  # that is of random triples
        assert measured[name] == pytest.approx(expected[name], abs=1e-9), name


def test_sparseness_is_of_the_fourier_components(planted):
    """Planted waves: two embedding components of seven have everything, alike."""
    task = task_of(equals=False)
    row = measure(planted(task, [2]), task, [2])
    assert row["gini_W_E"] == pytest.approx(5 / 7)
    assert row["neurons_in_clusters"] == 1
    assert row["neuron_share_mean"] > 0.9


@pytest.mark.parametrize("operation", ["add", "subtract", "multiply"])
def test_the_logit_maps_measures_are_over_the_answers_in_coordinates(planted, operation):
    task = task_of(operation, equals=False)
    model, coordinates = planted(task, [2]), coordinates_of(task)
    wave = fourier_basis(coordinates.n)[3].float()  # one row, cos 2
    with torch.no_grad():
        model.unembed.W_U.zero_()
        model.unembed.W_U[:, coordinates.c] = wave.expand(model.W_U.shape[0], -1)
    row = measure(model, task, [2])
    assert row["gini_W_L"] == pytest.approx((coordinates.n - 1) / coordinates.n, abs=1e-5)
    assert row["ipr_W_L"] == pytest.approx(1)


class TestTrainMask:
    @pytest.mark.parametrize("operation", ["add", "multiply"])
    @pytest.mark.parametrize("train_fraction", [0.1, 0.4, 1.0])
    def test_trained_and_tested_pairs_are_disjoint_and_all_there_are(self, operation, train_fraction):
        task = task_of(operation, train_fraction=train_fraction)
        mask = train_mask(task)
        assert mask is not None
        assert mask.sum() == len(task.train or ()) == int(train_fraction * P * P)
        trained = {(a, b) for a, b in mask.nonzero().tolist()}
        tested = {(a, b) for a, b, *_ in task.test.tokens.tolist()} if task.test else set()
        assert trained == {(a, b) for a, b, *_ in task.train.tokens.tolist()} if task.train else set()
        assert not trained & tested
        assert trained | tested == {(a, b) for a in range(P) for b in range(P)}

    def test_infinite_data_have_none(self):
        assert train_mask(ModularConfig(p=P, data=InfiniteData(batch_size=4)).build()) is None


class TestErrors:
    @pytest.mark.parametrize("operation", ["x2xyy2", "random"])
    def test_an_operation_that_is_no_addition(self, operation):
        task = task_of(operation)
        with pytest.raises(ConfigError, match=rf"{operation} mod 7 is not addition in any coordinates: .*linear forms"):
            measure(model_of(TRANSFORMER, task), task, [1])

    @pytest.mark.parametrize(
        ("operation", "wrong", "n", "last"), [("add", 4, 7, 3), ("add", 0, 7, 3), ("multiply", 4, 6, 3)]
    )
    def test_a_frequency_that_does_not_exist(self, operation, wrong, n, last):
        task = task_of(operation)
        with pytest.raises(ConfigError, match=f"^there is no frequency {wrong} modulo {n}; use 1 to {last}$"):
            measure(model_of(TRANSFORMER, task), task, [1, wrong])

    def test_the_last_frequency_exists(self):
        task = task_of("multiply")
        model = model_of(TRANSFORMER, task)
        assert neuron_logit_map(model, P) is not None
        assert "alpha_3" in measure(model, task, [3])
