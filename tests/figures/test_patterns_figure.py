import numpy as np
import pytest
import torch

from grokscope.analysis.sequences.attention_examples import ExampleAttention
from grokscope.errors import ConfigError
from grokscope.figures import attention_patterns, to_svg
from grokscope.figures.sequences.attention import MARK
from grokscope.figures.theme import MAX_HEADS


def one_example(n_heads: int = 2, n: int = 6) -> ExampleAttention:
    values = torch.rand(n_heads, n, n, generator=torch.Generator().manual_seed(0))
    names = tuple("12+34="[at % 6] for at in range(n))
    answered = torch.zeros(n, dtype=torch.bool)
    answered[-2:] = True
    heads = tuple(f"0.{head}" for head in range(n_heads))
    return ExampleAttention(heads, values, names, names, answered, torch.zeros(n, n, dtype=torch.bool))


def of_triggers(n: int = 3, n_ctx: int = 8) -> ExampleAttention:
    values = torch.rand(1, n, n_ctx, generator=torch.Generator().manual_seed(0))
    wanted = torch.zeros(n, n_ctx, dtype=torch.bool)
    wanted[0, 2] = wanted[1, 5] = wanted[2, 5] = True
    rows = tuple(f"t{at}" for at in range(n))
    return ExampleAttention(
        ("0.0",), values, rows, tuple(map(str, range(n_ctx))), torch.ones(n, dtype=torch.bool), wanted
    )


def maps(figure):
    return [axes for axes in figure.axes if axes.images and axes.get_label() != "<colorbar>"]


@pytest.mark.parametrize("n_heads", [1, 4, 8, 20])
def test_every_head_is_a_map_from_rows_to_columns(n_heads):
    attention = one_example(n_heads)
    drawn = maps(attention_patterns(attention))
    assert len(drawn) == min(n_heads, MAX_HEADS)
    for axes, pattern, name in zip(drawn, attention.patterns.numpy(), attention.heads, strict=False):
        assert np.array_equal(axes.images[0].get_array(), pattern)
        assert axes.images[0].get_clim() == (0, 1)
        assert axes.get_title(loc="left") + axes.get_title() == f"head {name}"


def test_tokens_are_named_at_both_sides():
    [axes] = maps(attention_patterns(one_example(1)))
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert "".join(tick.get_text() for tick in ticks) == "12+34="
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("from the token", "to the token")


def test_of_many_tokens_some_positions_are_named():
    [axes] = maps(attention_patterns(one_example(1, n=60)))
    assert 2 <= len(axes.get_xticks()) <= 8


def test_where_answers_are_read_has_a_line_beside_it():
    figure = attention_patterns(one_example(1))
    [axes] = maps(figure)
    marked = [segment for lines in axes.collections[1:] for segment in lines.get_segments()]
    assert [list(segment[:, 1]) for segment in marked] == [[3.5, 4.5], [4.5, 5.5]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["an answer is read here"]


def test_triggers_have_rings_and_the_rows_are_named_by_them():
    figure = attention_patterns(of_triggers())
    [axes] = maps(figure)
    [rings] = axes.collections
    assert rings.get_offsets().tolist() == [[2, 0], [5, 1], [5, 2]]
    from matplotlib.colors import to_rgba

    assert tuple(rings.get_edgecolors()[0]) == to_rgba(MARK)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["t0", "t1", "t2"]
    assert axes.get_ylabel().replace("\n", " ") == "trigger in the sequence"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["where the trigger stands"]


def test_no_heads_are_an_error_and_the_same_picture_has_the_same_bytes():
    assert to_svg(attention_patterns(one_example())) == to_svg(attention_patterns(one_example()))
    with pytest.raises(ConfigError, match="no heads"):
        attention_patterns(one_example(0))
