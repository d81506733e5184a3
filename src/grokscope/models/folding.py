"""Products of weight matrices taken once, where the textbook multiplies every example by one and then the other.

Where nothing but addition lies between two linear maps (no LayerNorm, no dropout), z·W_O·W_in may be computed as
z·(W_O·W_in): the product in brackets is the same for all examples. In a network of one layer whose answer is read at
one and the same token, the residual stream before attention is one row as well, so nothing else stands in the way.
On the mainline this saves a sixth of the arithmetic of :mod:`grokscope.models.shared_work`.

Letters: h heads of width e together "he", d residual stream, m neurons, v vocabulary, b examples.
"""

from jaxtyping import Float
from torch import Tensor

from grokscope.models.activations import activate_in_place
from grokscope.models.hooks import Show, unseen
from grokscope.models.layers import Attention, MLPLayer
from grokscope.models.rectified import rectified
from grokscope.models.stack_axis import added_product


def folding_pays(attention: Attention, mlp: MLPLayer | None, n_logits: int) -> bool:
    """Return whether an example takes fewer multiplications with folded matrices than without."""
    n_heads, d_head, d_model = attention.W_O.shape[-3:]
    he = n_heads * d_head
    if mlp is None:
        return he * n_logits < he * d_model + d_model * n_logits
    d_mlp = mlp.W_in.shape[-1]
    plain = he * d_model + 2 * d_model * d_mlp + d_model * n_logits
    return he * d_mlp + he * n_logits + d_mlp * n_logits < plain


def folded_logits(
    attention: Attention,
    mlp: MLPLayer | None,
    z: Float[Tensor, "*stack b he"],
    row: Float[Tensor, "*stack 1 d"],
    W_U: Float[Tensor, "*stack d v"],
    b_U: Float[Tensor, "*stack v"] | None,
    show: Show = unseen,
) -> Float[Tensor, "*stack b v"]:
    """Return the logits of a one-layer network from its attention's z.

    Args:
        attention: gives W_O and b_O.
        mlp: None in an attention-only network.
        z: what the heads read, side by side.
        row: the residual stream before attention, scaled; the same for every example.
        W_U: the unembedding.
        b_U: its bias, if it has one.
        show: is given the neurons.
    """
    W_O = attention.W_O.flatten(-3, -2)
    row = _plus(row, attention.b_O)
    if mlp is None:
        return added_product(_plus(row @ W_U, b_U), z, W_O @ W_U)
    to_pre, to_logits = _plus(row @ mlp.W_in, mlp.b_in), _plus(_plus(row, mlp.b_out) @ W_U, b_U)
    W_in, W_out, W_skip = W_O @ mlp.W_in, mlp.W_out @ W_U, W_O @ W_U
    if mlp.activation == "relu" and z.ndim == 2 and show is unseen:
        return rectified(z, W_in, to_pre.squeeze(0), W_out, to_logits.squeeze(0), W_skip)
    post = activate_in_place(mlp.activation, added_product(to_pre, z, W_in))
    show(post)
    return added_product(added_product(to_logits, z, W_skip), post, W_out)


def _plus(value: Float[Tensor, "*stack 1 n"], bias: Float[Tensor, "*stack n"] | None) -> Float[Tensor, "*stack 1 n"]:
    return value if bias is None else value + bias.unsqueeze(-2)
