"""Key frequencies have one meaning, and are named only of networks that generalise with them."""

import pytest
import torch

from grokscope.analysis import fourier_summary, network_key_frequencies
from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.modular.key_frequencies import answered_with, frequency_power, name_frequencies
from grokscope.analysis.modular.logit_fits import align, all_frequencies, clock_fit
from grokscope.analysis.modular.neurons import NeuronFrequencies
from grokscope.analysis.modular.sum_directions import sum_index
from grokscope.explanation import ModularExplanation, Subject, explain
from grokscope.explanation.modular.program import Program
from grokscope.explanation.synthetic.decoys import lookup_network, masked_lookup
from grokscope.explanation.synthetic.planted import plant
from grokscope.models import TransformerConfig
from grokscope.tasks import FiniteData, ModularConfig, ModularTask


def task_of(operation: str, p: int) -> ModularTask:
    return ModularConfig(p=p, operation=operation, data=FiniteData(train_fraction=0.5)).build()


def program_of(task: ModularTask, *frequencies: int) -> Program:
    coordinates = find_coordinates(task.table)
    assert coordinates is not None
    n = len(frequencies)
    return Program("clock", frequencies, tuple(20.0 + k for k in range(n)), (0.0,) * n, coordinates)


@pytest.mark.parametrize("operation", ["add", "subtract", "multiply", "2*a + 3*b + 1"])
def test_they_are_those_that_explain_names(operation):
    task = task_of(operation, 17)
    network = plant(program_of(task, 2, 5, 7), TransformerConfig(d_mlp=147))
    summary = fourier_summary(network, task)
    explanation = explain(Subject("planted", network, task))
    assert isinstance(explanation, ModularExplanation)
    assert explanation.frequencies.keys == (2, 5, 7)
    assert network_key_frequencies(network, task).named == (2, 5, 7)
    assert summary.key_frequencies == [2, 5, 7]
    assert summary.no_key_frequencies == ""
    assert summary.n == (16 if operation == "multiply" else 17)
    if operation in (
        "add",
        "multiply",
    ):  # otherwise one embedding holds both operands' angles
        assert summary.embedding_norms.argsort(descending=True)[:3].add(1).sort().values.tolist() == [2, 5, 7]
    assert ("discrete logarithms" in summary.coordinates.note) == (operation == "multiply")
    assert (summary.coordinates.note == "") == (operation == "add")


def test_a_lookup_table_with_periodic_neurons_has_none():
    """It answers everything, and its neurons have clusters, but it does not answer by them."""
    task = task_of("add", 31)
    found = network_key_frequencies(masked_lookup(program_of(task, 1, 3, 14), seed=0), task)
    assert found.neurons is not None
    assert set(found.neurons.clusters()) == {1, 3, 14}
    assert (found.candidates, found.named) == ((1, 3, 14), ())
    assert found.reason


def test_the_control_shows_that_frequencies_are_those_of_a_lookup_table():
    neurons = NeuronFrequencies(torch.tensor([1, 3, 14] * 5), torch.full((15,), 0.95))
    found = name_frequencies(20 * torch.eye(31)[sum_index(31)], neurons)
    assert found.named == ()
    assert "hold as much of other frequencies as of 1, 3, 14" in found.reason


@pytest.mark.parametrize("p", [7, 13, 113])
def test_a_lookup_table_has_none(p):
    task = task_of("add", p)
    logits = 20 * torch.eye(p)[task.table]
    assert name_frequencies(logits, None).named == ()
    if p == 13:
        assert network_key_frequencies(lookup_network(task.table), task).named == ()


def test_what_is_right_on_training_pairs_alone_has_none():
    """Neurons look periodic, and with the frequencies alone all training pairs are answered, but no other."""
    n = 16
    held_out = (torch.arange(n)[:, None] + 3 * torch.arange(n)) % 2 == 0
    answers = torch.where(held_out, (sum_index(n) + 5) % n, sum_index(n))
    logits = torch.zeros(n, n, n)
    for k in (1, 4, 7):
        logits += torch.cos(2 * torch.pi / n * k * (answers[:, :, None] - torch.arange(n)))
    neurons = NeuronFrequencies(torch.tensor([1, 4, 7] * 5), torch.full((15,), 0.95))
    assert name_frequencies(logits, neurons, ~held_out).named == (1, 4, 7)
    found = name_frequencies(logits, neurons, held_out)
    assert (found.candidates, found.named) == ((1, 4, 7), ())
    assert found.reason.startswith(
        "with frequencies 1, 4, 7 (by the neuron clusters) alone the network answers only 0%"
    )


def test_one_of_several_frequencies_is_not_enough():
    """A network that knows sums modulo 4 alone has not grokked sums modulo 16."""
    n = 16
    logits = torch.cos(2 * torch.pi / n * 4 * (sum_index(n)[:, :, None] - torch.arange(n)))
    neurons = NeuronFrequencies(torch.tensor([4] * 6), torch.full((6,), 0.95))
    found = name_frequencies(logits, neurons)
    assert found.named == ()
    assert "with frequency 4 (by the neuron clusters) alone" in found.reason


def test_an_operation_that_is_no_addition_has_none():
    task = task_of("a*a + 3*a*b", 13)
    network = plant(program_of(task_of("add", 13), 2, 5), TransformerConfig(d_mlp=147))
    found = fourier_summary(network, task)
    assert found.key_frequencies == []
    assert found.no_key_frequencies == "the task is not addition in any coordinates"
    assert found.n == 13


@pytest.mark.parametrize("n", [2, 7, 12])
def test_the_power_of_all_frequencies_is_that_of_the_clock_fit(n):
    logits = torch.randn(n, n, n, generator=torch.Generator().manual_seed(0)) + 3 * torch.eye(n)[sum_index(n)]
    power, fit = frequency_power(logits), clock_fit(align(logits, all_frequencies(n)))
    torch.testing.assert_close(power.amplitudes, torch.tensor(fit.amplitudes, dtype=torch.float64))
    assert float(power.shares.sum()) == pytest.approx(fit.fve)
    assert answered_with(logits, all_frequencies(n)) == float((logits.argmax(2) == sum_index(n)).double().mean())
