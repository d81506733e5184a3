import math

import pytest
import torch

from grokscope.analysis import NeuronFrequencies, cluster_frequencies, fourier_basis, neuron_frequencies
from grokscope.analysis.modular.neurons import frequency_masses


def waves(p: int, frequencies: list[int]) -> torch.Tensor:
    """ReLU neurons, each of one frequency, as the published networks have them: ReLU(cos wa + cos wb) with phases."""
    a = torch.arange(p, dtype=torch.float64)
    planted = [
        torch.relu(
            torch.cos(2 * math.pi * k * a / p + n).unsqueeze(1) + torch.cos(2 * math.pi * k * a / p + n).unsqueeze(0)
        )
        for n, k in enumerate(frequencies)
    ]
    return torch.stack(planted, dim=2)


def test_a_planted_neuron_of_every_frequency_is_found() -> None:
    p = 31
    frequencies = list(range(1, (p - 1) // 2 + 1))  # (p−1)/2 included: the field's code never tests it
    found = neuron_frequencies(waves(p, frequencies))
    assert found.frequency.tolist() == frequencies
    assert (found.share > 0.85).all()


def test_random_activations_belong_to_no_frequency() -> None:
    noise = torch.randn(31, 31, 50, generator=torch.Generator().manual_seed(0))
    found = neuron_frequencies(noise)
    assert found.share.max() < 0.1
    assert found.clusters() == {}
    assert cluster_frequencies(found) == []


def test_the_share_is_that_of_the_eight_non_constant_entries() -> None:
    p = 11
    neuron = torch.randn(p, p, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    centred = neuron - neuron.mean()
    basis = fourier_basis(p)
    shares = {}
    for k in range(1, 6):
        rows = [basis[0], basis[2 * k - 1], basis[2 * k]]
        parts = [(centred * torch.outer(f, g)).sum() ** 2 for f in rows for g in rows]  # the constant one is zero
        shares[k] = (sum(parts) / centred.square().sum()).item()
    found = neuron_frequencies(neuron.unsqueeze(2))
    assert found.frequency.item() == max(shares, key=shares.__getitem__)
    assert abs(found.share.item() - max(shares.values())) < 1e-12


def test_a_constant_neuron_has_frequency_zero() -> None:
    dead = torch.cat([torch.zeros(11, 11, 1), torch.ones(11, 11, 1), waves(11, [2]).float()], dim=2)
    found = neuron_frequencies(dead)
    assert found.frequency.tolist() == [0, 0, 2]
    assert found.clusters() == {2: 1}


def test_even_p_finds_the_alternating_frequency() -> None:
    p = 6
    sign = 1 - 2 * (torch.arange(p) % 2).double()
    neuron = (sign.unsqueeze(1) + sign.unsqueeze(0)).unsqueeze(2)
    found = neuron_frequencies(neuron)
    assert found.frequency.tolist() == [3]
    assert found.share.item() > 0.999


def test_key_frequencies_need_a_cluster_not_a_stray_neuron() -> None:
    frequency = torch.tensor([4] * 60 + [7] * 39 + [9])
    neurons = NeuronFrequencies(frequency, torch.full((100,), 0.9, dtype=torch.float64))
    assert neurons.clusters() == {4: 60, 7: 39, 9: 1}
    assert cluster_frequencies(neurons) == [4, 7]


def test_a_tiny_network_needs_three_neurons_for_a_key_frequency() -> None:
    neurons = NeuronFrequencies(torch.tensor([2, 2, 5, 5, 5]), torch.full((5,), 0.9, dtype=torch.float64))
    assert cluster_frequencies(neurons) == [5]


@pytest.mark.parametrize("p", [7, 8, 13])
def test_the_masses_are_those_of_the_blocks_definition(p: int) -> None:
    neurons = torch.randn(p, p, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    masses, basis = frequency_masses(neurons), fourier_basis(p)
    centred = neurons - neurons.mean((0, 1))
    assert masses.by_frequency.shape == (p // 2 + 1, 3)
    assert torch.allclose(masses.total, centred.square().sum((0, 1)))
    assert (masses.by_frequency[0] == 0).all()
    for k in range(1, p // 2 + 1):
        rows = basis[[0, 2 * k - 1] if 2 * k == p else [0, 2 * k - 1, 2 * k]]
        block = torch.einsum("fi,gj,ijm->fgm", rows, rows, centred)  # the constant entry of a centred neuron is zero
        assert torch.allclose(masses.by_frequency[k], block.square().sum((0, 1)))


def test_the_masses_of_many_neurons_are_those_of_each() -> None:
    neurons = torch.randn(5, 5, 130, dtype=torch.float64, generator=torch.Generator().manual_seed(3))  # three chunks
    together = frequency_masses(neurons)
    for m in (0, 63, 64, 129):
        alone = frequency_masses(neurons[:, :, m : m + 1])
        assert torch.allclose(together.by_frequency[:, m], alone.by_frequency[:, 0])
        assert torch.allclose(together.total[m], alone.total[0])


@pytest.mark.parametrize("p", [11, 12])
def test_planted_neurons_have_all_their_mass_at_their_frequency(p: int) -> None:
    frequencies = list(range(1, p // 2 + 1))
    a = torch.arange(p, dtype=torch.float64)
    columns = [torch.cos(2 * math.pi * k * a / p).unsqueeze(1).expand(p, p) for k in frequencies]
    masses = frequency_masses(torch.stack(columns, dim=2))
    assert torch.allclose(masses.by_frequency[1:], torch.diag(masses.total), atol=1e-9)
    found = masses.frequencies()
    assert found.frequency.tolist() == frequencies
    assert torch.allclose(found.share, torch.ones(len(frequencies), dtype=torch.float64))


def test_the_frequencies_of_the_masses_are_the_neurons_own() -> None:
    neurons = torch.randn(9, 9, 20, generator=torch.Generator().manual_seed(3))
    found, expected = frequency_masses(neurons).frequencies(), neuron_frequencies(neurons)
    assert torch.equal(found.frequency, expected.frequency)
    assert torch.equal(found.share, expected.share)
