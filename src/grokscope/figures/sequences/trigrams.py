"""What a network on skip trigrams looks for, and what it says then."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from grokscope.analysis.sequences.skip_trigrams import Readout
from grokscope.errors import ConfigError
from grokscope.figures.theme import BLACK, BLUE, DIVERGING, blank_figure, frame_image, styled

_MOST_HEADS = 4
_MOST_NAMED = 60
"""Tokens up to which each is written, half a row's height apart."""


@styled
def trigram_tables(tables: Readout, tokens: Sequence[str]) -> Figure:
    """Return for each head (the first four) every token's attention score, and what attention to it says.

    Left, how much the query looks for each token; right, beside it, the logits that full attention to that token would
    add to each answer. All maps share one scale around zero. After Elhage et al. (2021), "A Mathematical Framework for
    Transformer Circuits", the QK and OV circuits.

    Args:
        tables: of :meth:`grokscope.analysis.sequences.skip_trigrams.Readout.above_noise`.
        tokens: the name of each.

    Raises:
        ConfigError: the names are not as many as the tokens.
    """
    scores, outputs = tables.scores[:_MOST_HEADS].numpy(), tables.outputs[:_MOST_HEADS].numpy()
    n_heads, n_tokens = scores.shape
    if len(tokens) != n_tokens:
        raise ConfigError(f"tokens: expected a name for each of the {n_tokens} tokens, got {len(tokens)}")
    figure = blank_figure(0.8 + max(2.4, min(6.0, 0.17 * n_tokens)))
    grid = figure.subplots(1, 2 * n_heads, squeeze=False, width_ratios=(1, 1.6) * n_heads, sharey=True)[0]
    extent = float(np.abs(outputs).max()) or 1.0
    scale = Normalize(-extent, extent)
    for head, (bars, table) in enumerate(zip(grid[::2], grid[1::2], strict=True)):
        of = f"head {head}: " if n_heads > 1 else ""
        _scores(bars, scores[head], of)
        table.imshow(outputs[head], cmap=DIVERGING, norm=scale, interpolation="none", aspect="auto")
        table.set_title("what it says" if of else "what attention to it says")
        table.set_xlabel("answer")
        frame_image(table)
    if n_tokens <= _MOST_NAMED:
        grid[0].set_yticks(range(n_tokens), tokens, fontsize=min(9.0, 200 / n_tokens))
    grid[0].set_ylabel("token: n noise, t trigger, ? query")
    figure.colorbar(
        ScalarMappable(scale, DIVERGING), ax=grid.tolist(), aspect=30, label="logit (nats) above the answers' mean"
    )
    return figure


def _scores(axes: Axes, scores: np.ndarray, of: str) -> None:
    axes.barh(np.arange(len(scores)), scores, 0.75, color=BLUE)
    axes.axvline(0, color=BLACK, linewidth=0.8)
    axes.set_title(f"{of}looks for" if of else "how much the query looks for it")
    axes.set_xlabel("attention score\nabove noise (nats)")
    axes.grid(False, axis="y")
