import pytest
from matplotlib.colors import to_hex

from grokscope.errors import ConfigError
from grokscope.figures import neuron_shares, to_svg
from grokscope.figures.theme import BLUE, GREY


def test_every_neuron_is_counted_once_in_its_bin(make_circuit):
    left = neuron_shares(make_circuit(shares=[0.0, 0.12, 0.86, 0.874, 1.0], frequencies=[0, 1, 2, 2, 3])).axes[0]
    counts = {round(bar.get_x(), 3): bar.get_height() for bar in left.patches if bar.get_height()}
    assert counts == {0.0: 1, 0.1: 1, 0.85: 2, 0.975: 1}
    [line] = left.lines
    assert set(line.get_xdata()) == {0.85}


def test_clusters_are_drawn_with_their_sizes(make_circuit):
    circuit = make_circuit(keys=[5], shares=[0.9, 0.9, 0.95, 0.99, 0.5], frequencies=[5, 5, 5, 2, 2])
    right = neuron_shares(circuit).axes[1]
    assert [bar.get_height() for bar in right.patches] == [1, 3]
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["2", "5"]
    assert [to_hex(bar.get_facecolor()).upper() for bar in right.patches] == [GREY, BLUE]
    assert [text.get_text() for text in right.texts] == ["1", "3"]


def test_without_clusters_it_says_so(make_circuit):
    figure = neuron_shares(make_circuit(shares=[0.1, 0.84, 0.85], frequencies=[1, 2, 3]))
    assert not figure.axes[1].patches
    assert [text.get_text() for text in figure.axes[1].texts] == ["no neuron is\nabove 85%"]
    assert "<svg" in to_svg(figure)


def test_many_clusters_do_not_crowd_the_axis(make_circuit):
    circuit = make_circuit(101, shares=[0.9] * 40, frequencies=range(1, 41))
    figure = neuron_shares(circuit)
    to_svg(figure)
    named = [tick for tick in figure.axes[1].get_xticklabels() if tick.get_text()]
    assert 3 <= len(named) <= 12


def test_a_network_without_neurons_is_an_error(make_circuit):
    with pytest.raises(ConfigError, match="no neurons"):
        neuron_shares(make_circuit(with_mlp=False))
