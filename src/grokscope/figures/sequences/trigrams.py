"""What a network on skip trigrams looks for, and what it says then."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from grokscope.analysis.sequences.skip_trigrams import Readout, is_readable, readout
from grokscope.analysis.sequences.token_labels import token_labels
from grokscope.errors import ConfigError, NotApplicableError
from grokscope.figures.axes import frame_image
from grokscope.figures.canvas import Target, canvas, title, xlabel, ylabel
from grokscope.figures.catalogue import figure
from grokscope.figures.source import Source
from grokscope.figures.theme import BLACK, BLUE, DIVERGING, SMALL, em
from grokscope.models import Transformer
from grokscope.tasks import SkipTrigramsTask

_MOST_HEADS = 4
_MOST_NAMED = 60
"""Tokens up to which each is written, half a row's height apart."""


def trigram_tables(tables: Readout, tokens: Sequence[str], *, ax: Target = None) -> Figure:
    """Return for each head (the first four) every token's attention score, and what attention to it says.

    Left, how much the query looks for each token; right, beside it, the logits that full attention to that token would
    add to each answer. All maps share one scale around zero. After Elhage et al. (2021), "A Mathematical Framework for
    Transformer Circuits", the QK and OV circuits.

    Args:
        tables: of :meth:`grokscope.analysis.sequences.skip_trigrams.Readout.above_noise`.
        tokens: the name of each.
        ax: where to draw [a new figure].

    Raises:
        ConfigError: the names are not as many as the tokens.
    """
    scores, outputs = tables.scores[:_MOST_HEADS].numpy(), tables.outputs[:_MOST_HEADS].numpy()
    n_heads, n_tokens = scores.shape
    if len(tokens) != n_tokens:
        raise ConfigError(f"tokens: expected a name for each of the {n_tokens} tokens, got {len(tokens)}")
    extent = float(np.abs(outputs).max()) or 1.0
    scale = Normalize(-extent, extent)
    with canvas(ax) as sheet:
        # each head has two panels; heads that have no room beside each other stand below each other
        beside = max(1, min(n_heads, int(sheet.width / 26)))
        height = max(16.0, min(40.0, 1.15 * n_tokens))
        ratios = {"width_ratios": (1, 1.6) * beside} if ax is None else {}
        panels = sheet.panels(2 * n_heads, 2 * beside, height, sharey=True, **ratios)
        for head, (bars, table) in enumerate(zip(panels[::2], panels[1::2], strict=True)):
            of = f"head {head}: " if n_heads > 1 else ""
            _scores(bars, scores[head], of)
            table.imshow(outputs[head], cmap=DIVERGING, norm=scale, interpolation="none", aspect="auto")
            title(table, "what it says" if of else "what attention to it says")
            xlabel(table, "answer")
            frame_image(table)
        for bars in panels[:: 2 * beside]:
            if n_tokens <= _MOST_NAMED:
                bars.set_yticks(range(n_tokens), tokens, fontsize=em(min(SMALL, 0.8 * height / n_tokens)))
            ylabel(bars, "token: n noise, t trigger, ? query")
        sheet.colorbar(ScalarMappable(scale, DIVERGING), panels, "logit (nats) above the answers' mean")
    return sheet.figure


def _scores(axes: Axes, scores: np.ndarray, of: str) -> None:
    axes.barh(np.arange(len(scores)), scores, 0.75, color=BLUE)
    axes.axvline(0, color=BLACK, linewidth=em(0.08))
    title(axes, f"{of}looks for" if of else "how much the query looks for it")
    xlabel(axes, "attention score above noise (nats)")
    axes.grid(False, axis="y")


def _is_readable(source: Source[SkipTrigramsTask]) -> bool:
    return isinstance(source.model, Transformer) and is_readable(source.model)


@figure(
    "trigrams",
    summary="which tokens a head looks for, and what it says then",
    title="What it looks for, and what it says then",
    caption=(
        "The whole network as two tables of its weights. Left: how much the query looks for each token; right: what "
        "full attention to that token adds to the logit of each answer. A network that has learned looks for triggers "
        "(t) and not for noise (n), and says each trigger's own answer: the diagonal."
    ),
    tasks=(SkipTrigramsTask,),
    after="Elhage et al. (2021)",
    on_page=lambda source: source.explanation is not None and _is_readable(source),
)
def draw_trigrams(source: Source[SkipTrigramsTask], *, ax: Target = None) -> Figure:
    """Return :func:`trigram_tables` of a network.

    Raises:
        NotApplicableError: the network is more than its tables.
    """
    task, model = source.task, source.model
    if not isinstance(model, Transformer) or not is_readable(model):
        raise NotApplicableError(
            "the tables are the network only if that is one layer of attention without MLP and LayerNorm"
        )
    tables = readout(model, task).above_noise(task.background)
    return trigram_tables(tables, token_labels(task, torch.arange(task.d_vocab)), ax=ax)
