import pytest
import torch

from grokscope.analysis.modular.attention_fits import AttentionFit
from grokscope.analysis.modular.attention_spectra import AttentionSpectra
from grokscope.figures import attention_spectra, to_svg
from grokscope.figures.theme import COSINE, GREY, MAX_HEADS, SINE


def spectra(n_heads: int = 2, p: int = 13, *, strongest=None) -> AttentionSpectra:
    """Components that all differ, some of them negative."""
    values = torch.randn(n_heads, p, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    values[:, 0] = 100  # what is the same for all residues
    found = tuple(range(1, n_heads + 1)) if strongest is None else strongest
    return AttentionSpectra(values, values, found, tuple(0.5 if k else 0.0 for k in found))


def bars(axes, colour: str) -> list[tuple[float, float]]:
    from matplotlib.colors import to_rgba

    chosen = [bar for bar in axes.patches if bar.get_facecolor() == to_rgba(colour)]
    return [(round(bar.get_x() + bar.get_width() / 2, 6), bar.get_height()) for bar in chosen]


def test_every_heads_components_are_bars_without_the_constant():
    found = spectra()
    drawn = attention_spectra(found).axes
    assert len(drawn) == 2
    for axes, components in zip(drawn, found.components.abs().tolist(), strict=True):
        assert bars(axes, COSINE) == [(k - 0.2, pytest.approx(components[2 * k - 1])) for k in range(1, 7)]
        assert bars(axes, SINE) == [(k + 0.2, pytest.approx(components[2 * k])) for k in range(1, 7)]
        assert all(height == 0 for _, height in bars(axes, GREY))
        assert axes.get_ylim() == drawn[0].get_ylim()
        assert axes.get_ylim()[1] < 10


def test_titles_say_what_the_head_follows():
    fits = [AttentionFit(0, 1, 0.1, 0.1, 0.987), AttentionFit(1, 4, 0.1, 0.1, 0.5)]
    titles = [axes.get_title(loc="left") for axes in attention_spectra(spectra(3, strongest=(1, 2, 0)), fits).axes]
    assert titles == [
        "head 0: k = 1, 50.0% of the scores' variance; 98.7% of the attention's",
        "head 1: k = 2, 50.0% of the scores' variance; k = 4, 50.0% of the attention's",
        "head 2: its scores do not depend on the residue",
    ]


@pytest.mark.parametrize(("n_heads", "columns"), [(1, 1), (4, 1), (5, 2), (20, 2)])
def test_any_number_of_heads_fits(n_heads, columns):
    drawn = attention_spectra(spectra(n_heads)).axes
    assert len(drawn) == min(n_heads, MAX_HEADS)
    lowest = [axes for axes in drawn if axes.get_xlabel() == "frequency k"]
    assert len(lowest) == columns


def test_key_frequencies_are_numbered():
    axes = attention_spectra(spectra(), keys=[2, 5]).axes[0]
    assert {text.get_text() for text in axes.texts} == {"2", "5"}


def test_scores_of_nothing_are_still_drawn():
    nothing = torch.zeros(1, 7, dtype=torch.float64)
    assert "<svg" in to_svg(attention_spectra(AttentionSpectra(nothing, nothing, (0,), (0.0,))))
