import math

import torch

from grokscope.analysis import NeuronFrequencies, fourier_basis, key_frequencies, neuron_frequencies


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
    assert key_frequencies(found) == []


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
    assert key_frequencies(neurons) == [4, 7]


def test_a_tiny_network_needs_three_neurons_for_a_key_frequency() -> None:
    neurons = NeuronFrequencies(torch.tensor([2, 2, 5, 5, 5]), torch.full((5,), 0.9, dtype=torch.float64))
    assert key_frequencies(neurons) == [5]
