"""What the table of a binary operation is, whatever the operation may be called."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from grokscope.display import brief_repr


@dataclass(frozen=True, eq=False)
class TableFacts:
    """Properties of a table of answers."""

    symmetric: float
    """Share of the pairs (a, b), a < b, whose answer is that of (b, a)."""
    latin: bool
    """Whether every row and every column has every answer once."""
    identity: int | None
    """The e with e·a = a·e = a for every a; None if there is none."""
    associative: bool
    """Whether (a·b)·c = a·(b·c) for all triples."""
    orders: tuple[int, ...]
    """How many times each element is taken until the identity comes out, of a group; empty otherwise."""

    __repr__ = brief_repr

    @property
    def is_group(self) -> bool:
        """Whether the table is that of a group."""
        return self.latin and self.associative and self.identity is not None

    @property
    def in_words(self) -> str:
        """The facts in a sentence without its first words: ``is a Latin square, symmetric, …``."""
        words = ["a Latin square" if self.latin else "no Latin square"]
        if self.is_group:
            abelian = "commutative " if self.symmetric == 1 else ""
            cyclic = ", cyclic" if max(self.orders) == len(self.orders) else ""
            words.append(f"that of a {abelian}group of order {len(self.orders)}{cyclic}")
        else:
            words.append("not that of a group")
            words.append("symmetric" if self.symmetric == 1 else f"symmetric in {self.symmetric:.0%} of the pairs")
        return ", ".join(words)


def table_facts(table: Int[Tensor, "n n"]) -> TableFacts:
    """Return what ``table``, whose entries are numbers below n, is."""
    n = table.shape[0]
    x = torch.arange(n)
    above = torch.triu(torch.ones(n, n, dtype=torch.bool), 1)
    symmetric = float((table == table.T)[above].double().mean()) if n > 1 else 1.0
    latin = all(bool((axis.sort(1).values == x).all()) for axis in (table, table.T))
    neutral = [e for e in range(n) if torch.equal(table[e], x) and torch.equal(table[:, e], x)]
    identity = neutral[0] if neutral else None
    associative = all(torch.equal(table[table[a]], table[a][table]) for a in range(n))
    facts = TableFacts(symmetric, latin, identity, associative, ())
    if not facts.is_group or identity is None:
        return facts
    orders = []
    for a in range(n):
        value, times = a, 1
        while value != identity:
            value, times = int(table[value, a]), times + 1
        orders.append(times)
    return TableFacts(symmetric, latin, identity, associative, tuple(orders))
