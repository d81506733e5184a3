"""Operations that broadcast over a leading stack axis, with which many networks of one shape are run as one.

A single network's weight has its textbook shape; in stacked networks it has one axis more, ``[stack, …]``, and so has
every activation. The layers are written once, with these operations, and do to a single network exactly what they
would do if nothing were stacked. An axis that the code can see, rather than ``torch.vmap``, keeps hooks and caches
what they are: a hook on stacked networks is given the activation of all of them.
"""

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor


def affine(
    x: Float[Tensor, "*stack rows n_in"],
    weight: Float[Tensor, "*stack n_in n_out"],
    bias: Float[Tensor, "*stack n_out"] | None,
) -> Float[Tensor, "*stack rows n_out"]:
    """Return x·W + b, each network with its own weights."""
    if bias is None:
        return x @ weight
    return torch.addmm(bias, x, weight) if weight.ndim == 2 else torch.baddbmm(bias.unsqueeze(1), x, weight)


def added_product(
    constant: Float[Tensor, "*stack #rows n_out"],
    x: Float[Tensor, "*stack rows n_in"],
    weight: Float[Tensor, "*stack n_in n_out"],
) -> Float[Tensor, "*stack rows n_out"]:
    """Return the constant + x·W, in one operation."""
    return (torch.addmm if weight.ndim == 2 else torch.baddbmm)(constant, x, weight)


def times_matrix(x: Tensor, weight: Float[Tensor, "*stack n_in n_out"]) -> Tensor:
    """Return x·W, where x has any axes in between: ``[*stack, …, n_in]`` to ``[*stack, …, n_out]``."""
    return x @ (weight if weight.ndim == 2 else weight[(slice(None), *(None,) * (x.ndim - 3))])


def along(parameter: Tensor, value: Tensor, *, own: int) -> Tensor:
    """Return ``parameter`` so that it broadcasts against ``value``, whose last ``own`` axes are the parameter's.

    Stacked, the parameter has the stack axis before them, and ``value`` its places between.
    """
    if parameter.ndim == own:
        return parameter
    return parameter[(slice(None), *(None,) * (value.ndim - parameter.ndim))]


def look_up(
    table: Float[Tensor, "*stack r n"], index: Int[Tensor, "*stack_and_places"]
) -> Float[Tensor, "*stack_and_places n"]:
    """Return the rows of each network's own table that its own ``index`` names."""
    if table.ndim == 2:
        return table[index]
    networks = torch.arange(table.shape[0], device=index.device)
    return table[along(networks, index, own=0), index]


def row_offsets(index: Int[Tensor, "*stack places any"], n_rows: int) -> Int[Tensor, "..."]:
    """Return what to add to row numbers in each network's own table, to count through all tables in turn."""
    if index.ndim == 2:
        return torch.zeros((), dtype=index.dtype, device=index.device)
    return torch.arange(index.shape[0], device=index.device).view(-1, 1, 1) * n_rows


def take_rows(
    table: Shaped[Tensor, "*stack r n"], index: Int[Tensor, "*stack_and_places"]
) -> Shaped[Tensor, "*stack places n"]:
    """Return rows of each network's table in the order of ``index``, which counts through all (:func:`row_offsets`).

    ``index_select``, whose backward is far cheaper than that of advanced indexing.
    """
    rows = table.flatten(0, -2).index_select(0, index.flatten())
    return rows if table.ndim == 2 else rows.view(table.shape[0], -1, table.shape[-1])
