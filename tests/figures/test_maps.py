import numpy as np
import pytest
import torch

from grokscope.errors import ConfigError
from grokscope.figures import attention_maps, neuron_maps, to_svg
from grokscope.figures.modular.maps import neurons_to_show
from grokscope.figures.theme import DIVERGING, MAX_HEADS, MAX_SIDE, SEQUENTIAL, SPARSE


def images(figure):
    """Every map, without the colour bar."""
    return [axes.images[0] for axes in figure.axes if axes.images]


@pytest.mark.parametrize("p", [2, 5, 13])
def test_attention_goes_to_the_first_token_of_each_head(make_circuit, p):
    circuit = make_circuit(p, n_heads=3)
    figure = attention_maps(circuit)
    drawn = images(figure)
    assert len(drawn) == 3
    for head, image in enumerate(drawn):
        assert np.array_equal(image.get_array(), circuit.pattern[:, :, head, 0].numpy())  # a downwards, b to the right
        assert image.get_clim() == (0, 1)
        assert image.get_cmap().name == SEQUENTIAL
        assert image.axes.get_title(loc="left") == f"head {head}"
        assert image.axes.get_aspect() == 1
        assert image.axes.get_xlabel() == "b"
    assert drawn[0].axes.get_ylabel() == "a"
    assert drawn[0].origin == "upper"
    assert "<svg" in to_svg(figure)


@pytest.mark.parametrize("n_heads", [1, 5, 16, 20])
def test_any_number_of_heads_fits(make_circuit, n_heads):
    assert len(images(attention_maps(make_circuit(5, n_heads=n_heads)))) == min(n_heads, MAX_HEADS)


def test_a_large_p_shows_a_corner_with_few_ticks(make_circuit):
    circuit = make_circuit(997, n_heads=1, shares=[0.1], frequencies=[1], post=torch.rand(997, 997, 1))
    for figure, whole in (
        (attention_maps(circuit), circuit.pattern[..., 0, 0]),
        (neuron_maps(circuit), circuit.post[..., 0]),
    ):
        [image] = images(figure)
        assert np.array_equal(image.get_array(), whole[:MAX_SIDE, :MAX_SIDE].numpy())
        assert len(image.axes.get_xticks()) <= 6
        assert len(to_svg(figure)) < 300_000


def test_the_clearest_neuron_of_each_key_frequency_is_shown(make_circuit):
    circuit = make_circuit(keys=[2, 6], shares=[0.9, 0.95, 0.99, 0.91, 0.9, 1.0], frequencies=[6, 6, 2, 2, 6, 3])
    figure = neuron_maps(circuit)
    drawn = images(figure)
    for image, neuron, title in zip(drawn, (2, 1), ("neuron 2\nk = 2, 99.0%", "neuron 1\nk = 6, 95.0%"), strict=True):
        assert np.array_equal(image.get_array(), circuit.post[..., neuron].numpy())
        assert image.axes.get_title(loc="left") == title


def test_where_there_are_too_many_the_largest_clusters_win(make_circuit):
    circuit = make_circuit(keys=[1, 2, 3], shares=[0.9] * 6, frequencies=[1, 2, 2, 3, 3, 3])
    assert list(neurons_to_show(circuit, 2)) == [1, 3]


def test_without_key_frequencies_the_liveliest_are_shown(make_circuit):
    post = torch.randn(5, 5, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 9.0, 0.0, 4.0])
    circuit = make_circuit(5, shares=[0.1] * 4, frequencies=[1] * 4, post=post + 100.0)
    assert list(neurons_to_show(circuit, 3)) == [1, 3, 0]
    assert neurons_to_show(circuit, 3)[1] == "neuron 1"


def test_relu_neurons_share_a_scale_from_zero(make_circuit):
    post = torch.rand(5, 5, 3) * torch.tensor([1.0, 2.0, 3.0])
    drawn = images(neuron_maps(make_circuit(5, post=post)))
    assert {image.get_clim() for image in drawn} == {(0.0, post.max().item())}
    assert {image.get_cmap().name for image in drawn} == {SPARSE}


def test_negative_activations_share_a_scale_around_zero(make_circuit):
    post = torch.rand(5, 5, 3) * 4 - 1
    drawn = images(neuron_maps(make_circuit(5, post=post)))
    extent = post.abs().max().item()
    assert {image.get_clim() for image in drawn} == {(-extent, extent)}
    assert {image.get_cmap().name for image in drawn} == {DIVERGING}


def test_dead_neurons_can_be_drawn(make_circuit):
    figure = neuron_maps(make_circuit(5, post=torch.zeros(5, 5, 3)))
    assert images(figure)[0].get_clim() == (0, 1)
    assert "<svg" in to_svg(figure)


def test_what_a_network_has_not_cannot_be_drawn(make_circuit):
    with pytest.raises(ConfigError, match="no attention"):
        attention_maps(make_circuit(with_attention=False))
    with pytest.raises(ConfigError, match="no neurons"):
        neuron_maps(make_circuit(with_mlp=False))
