import numpy as np
import pytest
import torch

from grokscope.analysis.sequences.skip_trigrams import Readout
from grokscope.errors import ConfigError
from grokscope.figures import to_svg, trigram_tables


def tables(n_heads: int = 1, n_tokens: int = 6, n_answers: int = 3) -> Readout:
    generator = torch.Generator().manual_seed(0)
    return Readout(
        torch.randn(n_heads, n_tokens, generator=generator),
        torch.randn(n_heads, n_tokens, n_answers, generator=generator),
        torch.zeros(n_answers),
    )


NAMES = ("BOS", "?", "n0", "t0", "t1", "t2")


@pytest.mark.parametrize("n_heads", [1, 2, 4, 6])
def test_every_head_has_its_scores_beside_what_it_says(n_heads):
    found = tables(n_heads)
    drawn = [axes for axes in trigram_tables(found, NAMES).axes if axes.get_label() != "<colorbar>"]
    assert len(drawn) == 2 * min(n_heads, 4)
    extent = float(found.outputs[:4].abs().max())
    for head, (scores, says) in enumerate(zip(drawn[::2], drawn[1::2], strict=True)):
        assert [bar.get_width() for bar in scores.patches] == pytest.approx(found.scores[head].tolist())
        assert np.array_equal(says.images[0].get_array(), found.outputs[head].numpy())
        assert says.images[0].get_clim() == pytest.approx((-extent, extent))  # zero is white
        assert scores.get_ylim() == says.get_ylim()
    assert [tick.get_text() for tick in drawn[0].get_yticklabels()] == list(NAMES)
    assert drawn[0].get_title(loc="left").startswith("head 0: " if n_heads > 1 else "how much")


def test_what_says_nothing_is_still_drawn():
    nothing = Readout(torch.zeros(1, 6), torch.zeros(1, 6, 3), torch.zeros(3))
    assert "<svg" in to_svg(trigram_tables(nothing, NAMES))


def test_too_few_names_are_an_error():
    with pytest.raises(ConfigError, match="a name for each of the 6 tokens, got 5"):
        trigram_tables(tables(), NAMES[:5])
