import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.analysis.fourier import frequency_rows
from grokscope.figures import logit_spectrum, to_svg, weight_spectra
from grokscope.figures.modular.logits import block_maxima, component_name
from grokscope.figures.modular.spectra import neighbours
from grokscope.figures.theme import COSINE, GREY, MAX_SIDE, SINE


def bars(axes, colour: str) -> list[tuple[float, float]]:
    """Centre and height of each bar of one colour."""
    from matplotlib.colors import to_rgba

    chosen = [bar for bar in axes.patches if bar.get_facecolor() == to_rgba(colour)]
    return [(round(bar.get_x() + bar.get_width() / 2, 6), bar.get_height()) for bar in chosen]


@pytest.mark.parametrize("p", [2, 3, 5, 8, 13])
def test_every_component_has_its_bar(make_circuit, p):
    circuit = make_circuit(p)
    embedding, logit_map = weight_spectra(circuit).axes
    for axes, norms in ((embedding, circuit.embedding_components), (logit_map, circuit.logit_map_components)):
        n_pairs = (p - 1) // 2
        expected_cos = [(k - 0.2, norms[2 * k - 1].item()) for k in range(1, n_pairs + 1)]
        if p % 2 == 0:
            expected_cos.append((p // 2, norms[-1].item()))
        assert bars(axes, GREY) == [(0, norms[0].item())]
        assert bars(axes, COSINE) == expected_cos
        assert bars(axes, SINE) == [(k + 0.2, norms[2 * k].item()) for k in range(1, n_pairs + 1)]


def test_key_frequencies_are_numbered_above_their_bars(make_circuit):
    circuit = make_circuit(113, keys=[4, 20, 21, 30])
    axes = weight_spectra(circuit).axes[0]
    norms = circuit.embedding_components
    found = {text.get_text(): text.xy for text in axes.texts}
    assert set(found) == {"4", "20, 21", "30"}
    assert found["4"] == (4, pytest.approx(max(norms[7], norms[8]).item()))
    assert found["20, 21"] == (20.5, pytest.approx(norms[39:43].max().item()))


def test_the_highest_frequency_of_an_even_p_can_be_a_key(make_circuit):
    circuit = make_circuit(8, keys=[4])
    [text] = weight_spectra(circuit).axes[0].texts
    assert text.xy == (4, pytest.approx(circuit.embedding_components[7].item()))


def test_without_neurons_the_embedding_stands_alone(make_circuit):
    [axes] = weight_spectra(make_circuit(with_mlp=False)).axes
    assert "W_E" in axes.get_title(loc="left")


def test_the_map_is_the_components(make_circuit):
    circuit = make_circuit(7)
    axes = logit_spectrum(circuit).axes[0]
    assert np.array_equal(axes.images[0].get_array(), circuit.logit_components.numpy())
    assert axes.images[0].get_clim() == (0, circuit.logit_components.max().item())
    names = ["const", "cos 1", "sin 1", "cos 2", "sin 2", "cos 3", "sin 3"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == names
    assert [tick.get_text() for tick in axes.get_xticklabels()] == names


def test_beside_it_are_the_key_frequencies(make_circuit):
    circuit = make_circuit(29, keys=[3, 14])
    whole, zoom, _ = logit_spectrum(circuit).axes
    rows = [0, 5, 6, 27, 28]
    assert np.array_equal(zoom.images[0].get_array(), circuit.logit_components.numpy()[np.ix_(rows, rows)])
    assert [tick.get_text() for tick in zoom.get_yticklabels()] == ["const", "cos 3", "sin 3", "cos 14", "sin 14"]
    assert zoom.images[0].get_clim() == whole.images[0].get_clim()


@pytest.mark.parametrize("p", [29, 113, 997])
def test_ticks_are_few_and_stand_at_their_frequencies(make_circuit, p):
    axes = logit_spectrum(make_circuit(p)).axes[0]
    places, names = axes.get_yticks(), [tick.get_text() for tick in axes.get_yticklabels()]
    assert 4 <= len(places) <= 12
    assert (places[0], names[0]) == (0, "const")
    for place, name in zip(places[1:], names[1:], strict=True):
        k = int(name.removeprefix("k = "))
        assert place == (2 * k - 1 + 2 * k) / 2
        assert 1 <= k <= p // 2


def test_a_lone_component_of_a_large_p_is_not_lost(make_circuit):
    circuit = make_circuit(997)
    circuit.logit_components.zero_()
    circuit.logit_components[600, 996] = 50.0
    image = logit_spectrum(circuit).axes[0].images[0]
    array = image.get_array()
    assert len(array) <= MAX_SIDE
    assert array.max() == 50
    [[row, column]] = np.argwhere(array == 50)
    block = (image.get_extent()[1] + 0.5) / len(array)
    assert (row, column) == (600 // block, 996 // block)


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_logits_without_a_scale_are_still_drawn(make_circuit, value):
    circuit = make_circuit(5)
    circuit.logit_components.fill_(value)
    assert "<svg" in to_svg(logit_spectrum(circuit))


@given(st.integers(1, 40), st.integers(1, 40))
def test_block_maxima_cover_everything(n, most):
    values = torch.rand(n, n, generator=torch.Generator().manual_seed(n), dtype=torch.float64).numpy()
    coarse, block = block_maxima(values, most)
    assert len(coarse) <= most
    assert len(coarse) * block >= n
    for row in range(len(coarse)):
        for column in range(len(coarse)):
            part = values[row * block : (row + 1) * block, column * block : (column + 1) * block]
            assert part.size == 0 or coarse[row, column] == part.max()
    if n <= most:
        assert np.array_equal(coarse, values)


@given(st.lists(st.integers(1, 100), unique=True).map(sorted), st.floats(0.5, 10))
def test_neighbours_split_where_there_is_room(keys, distance):
    groups = neighbours(keys, distance)
    assert [k for group in groups for k in group] == keys
    for group in groups:
        assert all(b - a < distance for a, b in pairwise(group))
    for one, other in pairwise(groups):
        assert other[0] - one[-1] >= distance


@given(st.integers(2, 60))
def test_rows_and_names_follow_the_basis(p):
    names = [component_name(row) for row in range(p)]
    assert len(set(names)) == p
    assert [row for k in range(1, p // 2 + 1) for row in frequency_rows(p, k)] == list(range(1, p))
    for k in range(1, p // 2 + 1):
        assert {names[row] for row in frequency_rows(p, k)} <= {f"cos {k}", f"sin {k}"}
