"""Coordinates in which an operation is addition modulo n."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from grokscope.analysis.precision import widened
from grokscope.display import brief_repr
from grokscope.models import MLP, Transformer


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Names for the inputs and answers of an operation under which the answer to (i, j) is i + j mod n.

    Everything that is known about networks that add holds of one that subtracts or multiplies, in these coordinates.
    """

    n: int
    """The order of the group; p for sums, p − 1 for products, whose zero has no coordinate."""
    a: Int[Tensor, " n"]
    """The first operand at each coordinate i."""
    b: Int[Tensor, " n"]
    """The second operand at each coordinate j."""
    c: Int[Tensor, " n"]
    """The answer at each coordinate."""
    formula: str
    """The operation, in the usual notation."""
    are_logarithms: bool = False
    """Whether they are discrete logarithms."""

    __repr__ = brief_repr

    def of_inputs(self, values: Shaped[Tensor, "p p *rest"]) -> Shaped[Tensor, "n n *rest"]:
        """Return ``values`` of all pairs in coordinates (i, j)."""
        if self.is_plain_addition:
            return values
        return values.index_select(0, self.a).index_select(1, self.b)

    def of_logits(self, logits: Float[Tensor, "p p p"]) -> Float[Tensor, "n n n"]:
        """Return the logits of all pairs in coordinates (i, j, answer)."""
        return logits if self.is_plain_addition else self.of_inputs(logits).index_select(2, self.c)

    @property
    def is_plain_addition(self) -> bool:
        """Whether a coordinate is the residue itself."""
        plain = torch.arange(self.n)
        return all(torch.equal(axis, plain) for axis in (self.a, self.b, self.c))

    @property
    def inputs(self) -> tuple[str, str]:
        """What stands on the axes of a picture of all pairs."""
        return ("a", "b") if self.is_plain_addition else ("coordinate of a", "coordinate of b")

    @property
    def note(self) -> str:
        """What to say beside a picture whose axes are not residues; empty where they are."""
        if self.is_plain_addition:
            return ""
        logarithms = ", which are discrete logarithms" if self.are_logarithms else ""
        return f"in the coordinates in which {self.formula} is addition{logarithms}"


def find_coordinates(table: Int[Tensor, "p p"]) -> Coordinates | None:
    """Return coordinates in which ``table`` is addition, or None where there are none that we know.

    Found are αa + βb + γ mod p (α, β prime to p), so sums and differences; for a prime p, γ·a·b over the nonzero
    residues, whose coordinates are discrete logarithms; and whatever else is addition under other names, such as
    quotients, ab + a + b, and sums of permuted tokens.

    Args:
        table: ``table[a, b]`` is the answer.
    """
    p = table.shape[0]
    x = torch.arange(p)
    gamma = int(table[0, 0])
    alpha, beta = (int(table[1 % p, 0]) - gamma) % p, (int(table[0, 1 % p]) - gamma) % p
    if torch.equal(table, (alpha * x[:, None] + beta * x + gamma) % p):
        inverses = _inverse(alpha, p), _inverse(beta, p)
        if None not in inverses:
            a, b = (x * inverse % p for inverse in inverses if inverse is not None)
            return Coordinates(p, a, b, (x + gamma) % p, _linear(alpha, beta, gamma, p))
    unit = int(table[1 % p, 1 % p])
    generator = _generator(p)
    if generator is not None and unit and torch.equal(table, unit * x[:, None] * x % p):
        powers = torch.tensor([pow(generator, int(i), p) for i in range(p - 1)])
        factor = "" if unit == 1 else f"{unit}·"
        return Coordinates(p - 1, powers, powers, unit * powers % p, f"{factor}a·b mod {p}", are_logarithms=True)
    return _of_renamed_addition(table)


def _of_renamed_addition(table: Int[Tensor, "p p"]) -> Coordinates | None:
    """Return coordinates in which ``table`` is addition modulo n under any names of its inputs and answers.

    Operands with which the answer is always the same (0 in a product) have no coordinate; the others must have each
    answer once in every row and column. Then x ∘ y = table[row that begins with x, column that begins with y] is a
    group if the table is addition in some coordinates, and the powers of one that generates it are the coordinates
    (Albert 1943, Quasigroups I: a quasigroup isotopic to a group is isotopic to it by this loop).
    """
    rows, columns = ((axis != axis[:, :1]).any(1).nonzero().flatten() for axis in (table, table.T))
    part = table[rows][:, columns]
    n = len(rows)
    answers = part[0].sort().values if len(columns) == n and n > 1 else part.new_zeros(0)
    if not all(n > 1 and torch.equal(axis.sort(1).values, answers.expand(n, -1)) for axis in (part, part.T)):
        return None
    small = torch.searchsorted(answers, part)  # answers as 0 … n − 1
    row_of, column_of = small[:, 0].argsort(), small[0].argsort()
    product = small[row_of][:, column_of]  # of what a row and a column begin with
    unit = int(small[0, 0])
    for generator in range(n):
        powers = [unit]
        while len(powers) < n and (value := int(product[powers[-1], generator])) != unit:
            powers.append(value)
        if len(powers) == n:
            break
    else:
        return None
    order = torch.tensor(powers)
    x = torch.arange(n)
    if len(set(powers)) < n or not torch.equal(product[order][:, order], order[(x[:, None] + x) % n]):
        return None
    return Coordinates(n, rows[row_of[order]], columns[column_of[order]], answers[order], "the operation")


def residues(p: int, formula: str) -> Coordinates:
    """Return the residues themselves as coordinates, of an operation that need not be addition."""
    x = torch.arange(p)
    return Coordinates(p, x, x, x, formula)


def coordinate_embedding(model: Transformer | MLP, coordinates: Coordinates) -> Float[Tensor, "n d"]:
    """Return the embedding at each coordinate; side by side where each operand has its own."""
    weight = widened(model.embed.W_E.detach())
    if weight.ndim == 2:
        return weight[coordinates.a]
    return torch.cat([weight[0, coordinates.a], weight[1, coordinates.b]], dim=1)


def _inverse(value: int, p: int) -> int | None:
    try:
        return pow(value, -1, p)
    except ValueError:
        return None


def _linear(alpha: int, beta: int, gamma: int, p: int) -> str:
    signed = [value if value <= p // 2 else value - p for value in (alpha, beta)]
    text = f"{_term(signed[0], 'a')} {_term(signed[1], 'b')}".removeprefix("+ ")
    return f"{text}{f' + {gamma}' if gamma else ''} mod {p}"


def _term(factor: int, name: str) -> str:
    return f"{'−' if factor < 0 else '+'} {'' if abs(factor) == 1 else abs(factor)}{name}"


def _generator(p: int) -> int | None:
    """Return a generator of the nonzero residues, or None if p is not an odd prime."""
    for g in range(2, p):
        seen, value = 1, g
        while value > 1:
            value, seen = value * g % p, seen + 1
            if seen > p:
                return None
        if value == 1 and seen == p - 1:
            return g
    return None
