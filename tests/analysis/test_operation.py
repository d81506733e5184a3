"""What an operation's answers say about it, also when many of them are wrong."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grokscope.analysis.modular.operation import find_operation
from grokscope.tasks.modular.operations import NAMED, operation_table


def corrupted(table: torch.Tensor, share: float, seed: int) -> torch.Tensor:
    """The table with this share of its answers replaced by others, all of them wrong."""
    p, generator = table.shape[0], torch.Generator().manual_seed(seed)
    wrong = (table + torch.randint(1, p, table.shape, generator=generator)) % p
    chosen = torch.randperm(p * p, generator=generator)[: int(share * p * p)]
    answers = table.flatten().clone()
    answers[chosen] = wrong.flatten()[chosen]
    return answers.view(p, p)


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("p", [5, 6, 7, 23, 53])
def test_every_named_operation_is_found(name, p):
    table = operation_table(name, p, 0)
    found = find_operation(table)
    assert found.operation == name
    assert found.agreement == 1
    assert torch.equal(found.table, table)
    assert found.runner_up < 0.7


@settings(max_examples=30)
@given(p=st.integers(5, 23), data=st.data())
def test_every_linear_form_is_found_and_its_name_means_it(p, data):
    coefficients = data.draw(st.tuples(*[st.integers(0, p - 1)] * 3).filter(lambda form: any(form[:2])))
    table = operation_table("{}*a + {}*b + {}".format(*coefficients), p, 0)
    found = find_operation(table)
    assert found.agreement == 1
    assert torch.equal(found.table, table)
    assert torch.equal(operation_table(found.operation, p, 0), table)


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("seed", range(5))
def test_named_operations_survive_wrong_answers(name, seed):
    p = 23
    answers = corrupted(operation_table(name, p, 0), 0.3, seed)
    found = find_operation(answers)
    assert found.operation == name
    assert found.agreement == pytest.approx(0.7, abs=1 / p**2)
    assert found.runner_up < 0.3


@settings(max_examples=30)
@given(p=st.integers(13, 29), seed=st.integers(0, 1000), data=st.data())
def test_linear_forms_survive_wrong_answers(p, seed, data):
    alpha, beta = (data.draw(st.integers(1, p - 1)) for _ in range(2))
    table = operation_table(f"{alpha}*a + {beta}*b + {data.draw(st.integers(0, p - 1))}", p, 0)
    found = find_operation(corrupted(table, 0.3, seed))
    assert torch.equal(found.table, table)
    assert found.agreement == pytest.approx(0.7, abs=1 / p**2)


def test_half_of_the_answers_suffice_for_a_named_operation():
    answers = corrupted(operation_table("multiply", 31, 0), 0.5, 0)
    assert find_operation(answers).operation == "multiply"


def test_random_answers_agree_with_nothing():
    found = find_operation(operation_table("random", 53, 0))
    assert found.agreement < 3 / 53
    assert found.runner_up <= found.agreement


def test_a_sum_written_as_a_linear_form_keeps_its_name():
    assert find_operation(operation_table("1*a + 1*b", 11, 0)).operation == "add"
    assert find_operation(operation_table("a + 10*b", 11, 0)).operation == "subtract"
    assert find_operation(operation_table("3*a + 10*b + 2", 11, 0)).operation == "3*a + 10*b + 2"


@pytest.mark.parametrize("p", [2, 3])
def test_the_smallest_moduli_have_tables_with_two_names(p):
    for name in NAMED:
        table = operation_table(name, p, 0)
        assert torch.equal(find_operation(table).table, table)


@pytest.mark.parametrize(
    "expression",
    ["a * pow(b, p - 2, p)", "(a + b)**2", "a*b + a + b", "a**3 + b**3", "a*a + b*b", "2*a**3 + 5*a*a*b + b + 4"],
)
def test_quotients_common_expressions_and_cubics_are_found_though_a_third_is_wrong(expression):
    table = operation_table(expression, 31, 0)
    found = find_operation(corrupted(table, 0.35, 0))
    assert torch.equal(found.table, table)
    assert torch.equal(operation_table(found.operation, 31, 0), table)
    assert found.stands_out


def test_what_memorised_a_third_of_the_sums_stands_out_as_a_sum():
    p, generator = 59, torch.Generator().manual_seed(0)
    guesses = torch.randint(p, (p, p), generator=generator)
    memorised = torch.rand(p, p, generator=generator) < 0.3
    found = find_operation(torch.where(memorised, operation_table("add", p, 0), guesses))
    assert found.operation == "add"
    assert found.agreement == pytest.approx(0.3, abs=0.05)
    assert found.stands_out


@pytest.mark.parametrize("seed", range(5))
def test_nothing_stands_out_of_answers_without_a_rule(seed):
    assert not find_operation(operation_table("random", 31, seed)).stands_out


def test_answers_that_are_all_the_same_are_no_operation():
    found = find_operation(torch.full((31, 31), 3))
    assert not found.stands_out
