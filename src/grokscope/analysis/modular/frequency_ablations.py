"""What the network loses with each frequency: one removed at a time, and all but some removed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.modular.last_layer import LastLayer
from grokscope.analysis.modular.measures import check_frequencies
from grokscope.analysis.modular.progress_measures import mean_loss
from grokscope.analysis.modular.sum_directions import keep_frequencies, over_sums, sum_index
from grokscope.errors import ConfigError
from grokscope.models import Transformer


@dataclass(frozen=True)
class FrequencyAblations:
    """Losses (nats, over all pairs) of a network without some frequencies of its neurons."""

    intact: float
    """Of the network as it is."""
    without: tuple[float, ...]
    """Without frequency 1, 2 … n // 2, one at a time."""
    keys: tuple[int, ...]
    """The key frequencies."""
    keys_alone: float | None
    """With the key frequencies and the mean alone; None where there are no key frequencies."""


@torch.no_grad()
def frequency_ablations(layer: LastLayer, keys: Sequence[int]) -> FrequencyAblations:
    """Return the losses without each frequency alone, and with the key frequencies alone.

    Removed from (or left in) the last layer's neurons are their projections on cos and sin(w_k(i + j)), over all
    pairs. What goes past the neurons stays. Takes about a second at n = 113.

    Args:
        layer: recorded activations of the last layer.
        keys: the key frequencies; there may be none.

    Raises:
        ConfigError: the network has no neurons, or a frequency does not exist.

    Source: Nanda et al. (2023), section 4.4. Null value: a frequency of which the network makes no use leaves its loss
    as it is.
    """
    if layer.post is None:
        raise ConfigError("the network has no MLP, so there are no neurons to remove frequencies from")
    n = layer.coordinates.n
    check_frequencies(keys, n)
    post = layer.post.unflatten(0, (n, n))
    sums = over_sums(post)
    without = tuple(_loss_without(layer, keep_frequencies(sums, [k])) for k in range(1, n // 2 + 1))
    alone = None
    if keys:
        kept = keep_frequencies(sums, [0, *keys])[sum_index(n)]
        alone = mean_loss(layer.with_post(kept.to(post.dtype).flatten(0, 1)))
    return FrequencyAblations(mean_loss(layer.logits), without, tuple(keys), alone)


def _loss_without(layer: LastLayer, removed: Float[Tensor, "n m"]) -> float:
    """Return the loss with ``removed``, a function of i + j, taken from the neurons."""
    n = layer.coordinates.n
    if isinstance(layer.model, Transformer) and layer.model.ln_final is not None:
        assert layer.post is not None
        return mean_loss(layer.with_post(layer.post - removed.to(layer.post.dtype)[sum_index(n).flatten()]))
    assert layer.logit_map is not None
    # the read-out is linear: n sums instead of n² pairs go through it
    return mean_loss(layer.logits - (removed @ layer.logit_map.double())[sum_index(n)])
