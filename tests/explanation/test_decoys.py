"""Decoys are what they claim to be: right without a rule, or periodic without right answers."""

import pytest
import torch

from grokscope.analysis.binary.all_pairs import all_pairs_table
from grokscope.analysis.binary.unembedding import neuron_logit_map
from grokscope.analysis.fourier import frequency_norms
from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.modular.logit_fits import align, all_frequencies, clock_fit
from grokscope.analysis.modular.neurons import cluster_frequencies, neuron_frequencies
from grokscope.errors import ConfigError
from grokscope.explanation.modular.program import Program
from grokscope.explanation.synthetic.decoys import lookup_network, masked_lookup, scrambled
from grokscope.explanation.synthetic.planted import plant
from grokscope.models import TransformerConfig
from grokscope.tasks import ModularConfig

POST = "blocks.0.mlp.hook_post"


def task_of(operation, p, equals_token=True):
    return ModularConfig(p=p, operation=operation, equals_token=equals_token).build()


def program_for(task, frequencies, algorithm="clock"):
    coordinates = find_coordinates(task.table)
    assert coordinates is not None
    f = len(frequencies)
    return Program(algorithm, tuple(frequencies), tuple(20.0 + k for k in range(f)), (0.0,) * f, coordinates)


def accuracy(logits, task):
    return (logits.argmax(-1) == task.table).double().mean().item()


@pytest.mark.parametrize(("operation", "p"), [("add", 12), ("add", 31), ("multiply", 13), ("random", 17)])
@pytest.mark.parametrize("equals_token", [True, False])
def test_a_lookup_is_right_everywhere_and_has_no_key_frequency(operation, p, equals_token):
    task = task_of(operation, p, equals_token)
    table = all_pairs_table(lookup_network(task.table, equals_token=equals_token), task, {POST})
    post = table.activations[POST].flatten(0, 1)
    assert torch.equal(post, torch.eye(p * p))  # neuron a·p + b fires on (a, b) and nowhere else
    assert torch.equal(table.logits.argmax(-1), task.table)
    assert table.logits.amax() == 20
    assert cluster_frequencies(neuron_frequencies(table.activations[POST])) == []


def test_on_logits_alone_a_lookup_of_sums_is_a_clock_of_all_frequencies():
    """Why an explanation has to look at the neurons, and must not be allowed every frequency there is."""
    task = task_of("add", 13)
    alignment = align(all_pairs_table(lookup_network(task.table), task).logits, all_frequencies(13))
    assert clock_fit(alignment).fve == pytest.approx(1)


@pytest.mark.parametrize("algorithm", ["clock", "pizza"])
@pytest.mark.parametrize("operation", ["add", "2*a + b"])
def test_a_scrambled_program_has_the_neurons_and_not_the_answers(algorithm, operation):
    task = task_of(operation, 23)
    program = program_for(task, (2, 5, 11), algorithm)
    config = TransformerConfig(d_mlp=147)
    right = all_pairs_table(plant(program, config), task, {POST})
    wrong = all_pairs_table(plant(scrambled(program, seed=3), config), task, {POST})
    assert torch.equal(right.activations[POST], wrong.activations[POST])
    neurons = neuron_frequencies(program.coordinates.of_inputs(wrong.activations[POST]))
    assert cluster_frequencies(neurons) == [2, 5, 11]
    assert accuracy(right.logits, task) == 1
    assert accuracy(wrong.logits, task) <= 2 / 23


@pytest.mark.parametrize("seed", range(10))
def test_a_scrambled_program_is_never_right(seed):
    task = task_of("add", 13)
    program = program_for(task, (1,) if seed % 2 else (1, 4, 6))
    flipped = Program("clock", program.frequencies, (-9.0,) * len(program.phases), program.phases, program.coordinates)
    for of in (program, flipped):
        assert not (scrambled(of, seed=seed).answers() == task.table).any()
    assert scrambled(program, seed=seed).phases == scrambled(program, seed=seed).phases
    assert scrambled(program, seed=seed).phases != scrambled(program, seed=seed + 1).phases


@pytest.mark.parametrize("algorithm", ["clock", "pizza"])
@pytest.mark.parametrize(("operation", "p"), [("add", 13), ("subtract", 31), ("multiply", 17)])
def test_a_masked_lookup_looks_like_the_program(operation, p, algorithm):
    task = task_of(operation, p)
    frequencies = (1, 3, (p - 1) // 2 - 1)
    program = program_for(task, frequencies, algorithm)
    network = masked_lookup(program, seed=0)
    table = all_pairs_table(network, task, {POST})
    assert torch.equal(table.logits.argmax(-1), program.answers())
    assert algorithm == "pizza" or accuracy(table.logits, task) == 1
    neurons = neuron_frequencies(program.coordinates.of_inputs(table.activations[POST]))
    assert cluster_frequencies(neurons) == list(frequencies)
    write = neuron_logit_map(network, p)
    assert write is not None
    norms = frequency_norms(write.T.index_select(0, program.coordinates.c))
    assert sorted((norms.topk(3).indices + 1).tolist()) == list(frequencies)
    assert norms.topk(3).values.min() > 10 * norms.topk(4).values[-1]


def test_the_masked_answers_come_from_the_lookup():
    """Without the lookup's neurons every answer is wrong; without the others none changes."""
    task = task_of("add", 13)
    network = masked_lookup(program_for(task, (2, 5)), seed=1)
    tokens, is_lookup = task.all_pairs.tokens, torch.arange(network.config.d_mlp) >= network.config.d_mlp - 169

    def keep(mask):
        logits = network.run_with_hooks(tokens, {POST: lambda post: post * mask})[:, -1, :13]
        return accuracy(logits.unflatten(0, (13, 13)), task)

    assert keep(is_lookup) == 1
    assert keep(~is_lookup) == 0


def test_a_large_table_is_refused():
    task = task_of("add", 37)
    with pytest.raises(ConfigError, match="p = 37 needs 1369 neurons; use a table of at most 31"):
        lookup_network(task.table)
    with pytest.raises(ConfigError, match="at most 31"):
        masked_lookup(program_for(task, (1,)), seed=0)
