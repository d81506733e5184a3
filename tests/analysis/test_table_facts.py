"""Properties of a table of answers."""

import torch

from grokscope.analysis.binary.table_facts import table_facts
from grokscope.tasks.modular.operations import operation_table


def renamed(table: torch.Tensor, seed: int) -> torch.Tensor:
    """The same operation with other names of its elements."""
    names = torch.randperm(len(table), generator=torch.Generator().manual_seed(seed))
    back = names.argsort()
    return names[table[back][:, back]]


def test_a_cyclic_group_under_any_names():
    facts = table_facts(renamed(operation_table("add", 12, 0), 1))
    assert facts.is_group
    assert facts.symmetric == 1
    assert sorted(facts.orders) == [1, 2, 3, 3, 4, 4, 6, 6, 12, 12, 12, 12]
    assert facts.in_words == "a Latin square, that of a commutative group of order 12, cyclic"


def test_a_commutative_group_that_is_not_cyclic():
    x = torch.arange(4)
    facts = table_facts(x[:, None] ^ x)
    assert facts.in_words == "a Latin square, that of a commutative group of order 4"


def test_the_smallest_group_that_does_not_commute():
    flips, turns = torch.arange(6) // 3, torch.arange(6) % 3
    table = (flips[:, None] ^ flips) * 3 + (turns * (1 - 2 * flips)[:, None] + turns[:, None]) % 3
    facts = table_facts(table)
    assert facts.is_group
    assert facts.symmetric < 1
    assert facts.in_words == "a Latin square, that of a group of order 6"


def test_a_latin_square_that_is_no_group():
    facts = table_facts(operation_table("subtract", 5, 0))
    assert facts.latin
    assert not facts.is_group
    assert facts.in_words == "a Latin square, not that of a group, symmetric in 0% of the pairs"


def test_what_is_none_of_these():
    facts = table_facts(operation_table("a*a + b*b", 7, 0))
    assert facts.in_words == "no Latin square, not that of a group, symmetric"
