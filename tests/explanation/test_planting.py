"""Networks written by hand compute their program, through the real forward pass."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grokscope.analysis.binary.all_pairs import all_pairs_table
from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.modular.logit_fits import align, clock_fit, free_phase_fit, pizza_fit
from grokscope.analysis.modular.neurons import neuron_frequencies
from grokscope.errors import ConfigError
from grokscope.explanation.modular.program import Program
from grokscope.explanation.synthetic.planted import plant
from grokscope.models import MLPConfig, TransformerConfig
from grokscope.tasks import ModularConfig

POST = "blocks.0.mlp.hook_post"


def task_of(operation, p, equals_token=True):
    return ModularConfig(p=p, operation=operation, equals_token=equals_token).build()


def program_for(task, algorithm, frequencies, *, amplitudes=None, phases=None):
    coordinates = find_coordinates(task.table)
    assert coordinates is not None
    f = len(frequencies)
    amplitudes = amplitudes or tuple(10.0 + 2 * k for k in range(f))
    return Program(algorithm, tuple(frequencies), amplitudes, phases or (0.0,) * f, coordinates)


def check(program, config, task, *, tolerance=0.02, fve=0.99):
    """The network is right on all pairs, and its logits are the program's."""
    network = plant(program, config, equals_token=task.equals_token)
    table = all_pairs_table(network, task)
    assert torch.equal(table.logits.argmax(-1), task.table)
    alignment = align(program.coordinates.of_logits(table.logits), program.frequencies)
    fit = (clock_fit if program.algorithm == "clock" else pizza_fit)(alignment)
    assert fit.amplitudes == pytest.approx(program.amplitudes, rel=tolerance)
    assert fit.fve >= fve
    tokens = task.all_pairs.tokens
    highest = network(tokens, [tokens.shape[1] - 1])[:, -1].argmax(-1)  # among all logits, that of '=' too
    assert torch.equal(highest, task.table.flatten())
    return network


MAINLINE = (14, 35, 41, 42, 52)


@pytest.mark.parametrize(("algorithm", "fve", "tolerance"), [("clock", 0.9998, 1e-5), ("pizza", 0.99999, 1e-4)])
def test_the_mainline_network(algorithm, fve, tolerance):
    task = task_of("add", 113)
    program = program_for(task, algorithm, MAINLINE, amplitudes=(44.0, 93.0, 145.0, 87.0, 64.0))
    network = check(program, TransformerConfig(), task, fve=fve, tolerance=tolerance)
    neurons = neuron_frequencies(all_pairs_table(network, task, {POST}).activations[POST])
    n = {"clock": 100, "pizza": 101}[algorithm]
    assert neurons.clusters() == dict.fromkeys(MAINLINE, n)
    assert int((neurons.frequency == 0).sum()) == 512 - 5 * n  # the rest is silent


@st.composite
def cases(draw):
    operation = draw(st.sampled_from(["add", "subtract", "2*a + b", "multiply"]))
    p = draw(st.sampled_from([13, 17, 19, 37] if operation == "multiply" else [13, 15, 21, 29]))
    algorithm = "clock" if operation == "multiply" else draw(st.sampled_from(["clock", "pizza"]))
    n = p - 1 if operation == "multiply" else p
    others = draw(st.lists(st.integers(2, n // 2), max_size=2, unique=True))
    return operation, p, algorithm, (1, *others), draw(st.booleans()), draw(st.sampled_from(["relu", "gelu"]))


@given(cases())
@settings(max_examples=20)
def test_in_a_transformer(case):
    operation, p, algorithm, frequencies, equals_token, activation = case
    task = task_of(operation, p, equals_token)
    config = TransformerConfig(d_model=64, d_head=8, d_mlp=150, activation=activation)
    check(program_for(task, algorithm, frequencies), config, task)


@given(cases(), st.booleans(), st.sampled_from(["none", "hidden", "all"]))
@settings(max_examples=20)
def test_in_an_mlp(case, shared, biases):
    operation, p, algorithm, frequencies, equals_token, activation = case
    task = task_of(operation, p, equals_token)
    combine = "sum" if (algorithm == "pizza" and operation == "add") or not shared else "concat"
    config = MLPConfig(
        d_model=32, d_mlp=150, activation=activation, combine=combine, shared_embedding=shared, biases=biases
    )
    check(program_for(task, algorithm, frequencies), config, task)


@pytest.mark.parametrize("operation", ["add", "subtract", "multiply"])
@pytest.mark.parametrize("config", [TransformerConfig(activation="quadratic", d_mlp=28), MLPConfig(d_mlp=28)])
@pytest.mark.parametrize("highest", [False, True])
def test_nine_quadratic_neurons_are_exact(operation, config, highest):
    task = task_of(operation, 13)
    program = program_for(task, "clock", (1, 3, 6) if highest else (1, 2, 4))
    quadratic = config.model_copy(update={"activation": "quadratic"})
    check(program, quadratic, task, tolerance=1e-4, fve=1 - 1e-6)


@pytest.mark.parametrize("config", [TransformerConfig(), MLPConfig()])
@pytest.mark.parametrize("algorithm", ["clock", "pizza"])
def test_phases_come_out(config, algorithm):
    task = task_of("subtract", 17)
    program = program_for(task, algorithm, (3, 8), phases=(0.7, -2.0))
    logits = program.coordinates.of_logits(all_pairs_table(plant(program, config), task).logits)
    fit = free_phase_fit(align(logits, (3, 8)))
    assert fit.phases == pytest.approx((0.7, -2.0), abs=0.01)
    distance = (logits.double() - program.logits()).square().mean() / program.logits().square().mean()
    assert distance < 0.001


def test_every_frequency_can_be_planted():
    task = task_of("add", 23)
    for k in range(1, 12):
        check(program_for(task, "clock", (k,)), TransformerConfig(d_mlp=49), task)


def test_a_clock_attends_to_one_operand_with_each_head_and_a_pizza_to_both():
    task = task_of("add", 13)
    name = "blocks.0.attn.hook_pattern"
    for algorithm, heads in [("clock", [[1, 0, 0], [0, 1, 0]]), ("pizza", [[1 / 3, 1 / 3, 1 / 3]])]:
        network = plant(program_for(task, algorithm, (1, 5)), TransformerConfig())
        pattern = all_pairs_table(network, task, {name}).activations[name][:, :, : len(heads)]
        torch.testing.assert_close(pattern, torch.tensor(heads).float().expand_as(pattern))


def test_the_residual_scale_changes_nothing():
    task = task_of("add", 13, equals_token=False)
    program = program_for(task, "clock", (2,))
    check(program, TransformerConfig(residual_scale=2.0, biases="none", d_mlp=100), task)


@pytest.mark.parametrize(
    ("algorithm", "config", "text"),
    [
        ("clock", TransformerConfig(n_layers=2), "n_layers is 2; set n_layers to 1"),
        ("clock", TransformerConfig(layer_norm=True), "set layer_norm to false"),
        ("clock", TransformerConfig(attention_only=True), "set attention_only to false"),
        ("clock", TransformerConfig(tied_embeddings=True), "set tied_embeddings to false"),
        ("clock", TransformerConfig(n_heads=1), "n_heads is 1, and this network needs 2"),
        ("clock", TransformerConfig(d_head=3), "d_head is 3, and this network needs 4"),
        ("clock", TransformerConfig(d_model=18), "d_model is 18, and this network needs 19"),
        ("clock", TransformerConfig(d_mlp=49), "25 relu neurons for each, 50 in all"),
        ("clock", TransformerConfig(d_mlp=17, activation="quadratic"), "9 quadratic neurons for each, 18 in all"),
        ("pizza", TransformerConfig(d_mlp=9), "5 relu neurons for each, 10 in all"),
        ("pizza", TransformerConfig(activation="quadratic"), "'quadratic' has no pizza"),
        ("clock", MLPConfig(combine="sum"), "set combine to 'concat' or shared_embedding to false"),
        ("clock", MLPConfig(d_model=3), "d_model is 3, and this network needs 4"),
    ],
)
def test_too_little_room_is_refused_with_what_is_needed(algorithm, config, text):
    with pytest.raises(ConfigError, match=text):
        plant(program_for(task_of("add", 13), algorithm, (1, 2)), config)


@pytest.mark.parametrize(
    "config", [TransformerConfig(n_heads=2, d_head=4, d_model=19, d_mlp=50), MLPConfig(d_model=4, d_mlp=50)]
)
def test_what_the_errors_ask_for_is_enough(config):
    task = task_of("add", 13)
    check(program_for(task, "clock", (1, 2)), config, task)
