import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgba

from grokscope.errors import ConfigError
from grokscope.figures import embedding_circles, to_svg
from grokscope.figures.theme import CYCLIC


def rounds(p: int, frequencies: list[int], radius: float = 2.0) -> torch.Tensor:
    """Tokens on perfect circles, [k, p, 2]."""
    turn = 2 * torch.pi * torch.outer(torch.tensor(frequencies), torch.arange(p)).double() / p
    return radius * torch.stack([turn.cos(), turn.sin()], dim=2)


def panels(figure):
    return [axes for axes in figure.axes if axes.get_title(loc="left")]


@pytest.mark.parametrize("n", [1, 2, 4, 5, 9, 12])
def test_every_frequency_has_a_panel_with_its_tokens(n):
    frequencies = list(range(1, n + 1))
    points = rounds(29, frequencies)
    drawn = panels(embedding_circles(points, frequencies))
    assert [axes.get_title(loc="left") for axes in drawn] == [f"k = {k}" for k in frequencies]
    for axes, plane in zip(drawn, points.numpy(), strict=True):
        np.testing.assert_allclose(axes.collections[0].get_offsets(), plane)
        assert axes.get_xlim() == axes.get_ylim() == drawn[0].get_xlim()
        assert axes.get_aspect() == 1


def test_neighbours_in_angle_are_joined_and_coloured_alike():
    points = rounds(7, [3])
    [axes] = panels(embedding_circles(points, [3]))
    [line] = axes.lines
    path = np.column_stack([np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)])
    sides = np.linalg.norm(np.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(sides, 2 * 2.0 * np.sin(np.pi / 7), rtol=1e-6)  # of a regular heptagon, not of its star
    assert np.array_equal(path[0], path[-1])
    [dots] = axes.collections
    assert dots.get_cmap().name == CYCLIC
    np.testing.assert_allclose(dots.get_array(), 3 * np.arange(7) % 7 / 7)
    assert dots.get_clim() == (0, 1)


def test_the_first_tokens_are_named_where_they_stand():
    points = rounds(13, [5])
    [axes] = panels(embedding_circles(points, [5]))
    assert {text.get_text(): tuple(text.xy) for text in axes.texts} == {
        str(token): pytest.approx(tuple(points[0, token].tolist())) for token in range(3)
    }


def test_the_colour_bar_says_the_angle():
    [bar] = [axes for axes in embedding_circles(rounds(7, [1]), [1]).axes if axes.get_label() == "<colorbar>"]
    assert bar.get_ylabel() == "angle 2πk·token/p"
    assert [label.get_text() for label in bar.get_yticklabels()] == ["0", "π/2", "π", "3π/2", "2π"]


def test_what_is_not_finite_or_has_no_size_is_still_drawn():
    points = rounds(7, [1, 2])
    points[0, 3] = torch.nan
    assert "<svg" in to_svg(embedding_circles(points, [1, 2]))
    assert "<svg" in to_svg(embedding_circles(torch.zeros(1, 7, 2), [1]))
    with pytest.raises(ConfigError, match="no frequency was given"):
        embedding_circles(torch.zeros(0, 7, 2), [])


def test_lines_stay_behind_the_tokens():
    [axes] = panels(embedding_circles(rounds(7, [1]), [1]))
    assert axes.lines[0].get_zorder() < axes.collections[0].get_zorder()
    assert to_rgba(axes.lines[0].get_color()) == to_rgba("#BBBBBB")
