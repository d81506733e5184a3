"""Addition in disguise is recognised, and nothing else is."""

import math
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grokscope.analysis.modular.coordinates import Coordinates, find_coordinates
from grokscope.tasks.modular.operations import operation_table

PRIMES = [3, 5, 7, 11, 13, 31]


def linear(alpha: int, beta: int, gamma: int, p: int) -> torch.Tensor:
    x = torch.arange(p)
    return (alpha * x[:, None] + beta * x + gamma) % p


def product(gamma: int, p: int) -> torch.Tensor:
    x = torch.arange(p)
    return gamma * x[:, None] * x % p


def found(table: torch.Tensor) -> Coordinates:
    coordinates = find_coordinates(table)
    assert coordinates is not None
    return coordinates


def assert_addition(table: torch.Tensor, coordinates: Coordinates) -> None:
    """The answer to (a_i, b_j) is c_{i+j}, and no two coordinates share a residue."""
    n = coordinates.n
    for i in range(n):
        for j in range(n):
            assert table[coordinates.a[i], coordinates.b[j]] == coordinates.c[(i + j) % n]
    for axis in (coordinates.a, coordinates.b, coordinates.c):
        assert len(set(axis.tolist())) == n


def units(p: int) -> list[int]:
    return [value for value in range(p) if math.gcd(value, p) == 1]


@st.composite
def linear_forms(draw):
    p = draw(st.integers(2, 24))
    alpha, beta = draw(st.sampled_from(units(p))), draw(st.sampled_from(units(p)))
    return p, alpha, beta, draw(st.integers(0, p - 1))


@given(form=linear_forms())
def test_every_linear_form_with_invertible_coefficients_is_addition(form):
    p, alpha, beta, gamma = form
    table = linear(alpha, beta, gamma, p)
    coordinates = found(table)
    assert coordinates.n == p
    assert_addition(table, coordinates)


@given(p=st.sampled_from(PRIMES), data=st.data())
def test_every_multiple_of_the_product_is_addition_of_logarithms(p, data):
    gamma = data.draw(st.integers(1, p - 1))
    table = product(gamma, p)
    coordinates = found(table)
    assert coordinates.n == p - 1
    assert 0 not in coordinates.a.tolist() + coordinates.b.tolist() + coordinates.c.tolist()
    assert_addition(table, coordinates)


def evaluated(formula: str, p: int) -> torch.Tensor:
    text, modulus = formula.split(" mod ")
    assert int(modulus) == p
    text = re.sub(r"(\d)([ab])", r"\1*\2", text.replace("−", "-").replace("·", "*"))
    return torch.tensor([[eval(text, {"a": a, "b": b}) % p for b in range(p)] for a in range(p)])


@given(form=linear_forms())
def test_the_formula_of_a_linear_form_is_its_table(form):
    p, *coefficients = form
    table = linear(*coefficients, p)
    assert torch.equal(evaluated(found(table).formula, p), table)


@given(p=st.sampled_from(PRIMES), gamma=st.integers(1, 100))
def test_the_formula_of_a_product_is_its_table(p, gamma):
    if gamma % p:
        table = product(gamma, p)
        assert torch.equal(evaluated(found(table).formula, p), table)


@pytest.mark.parametrize(
    ("operation", "formula"),
    [
        ("add", "a + b mod 7"),
        ("subtract", "a − b mod 7"),
        ("multiply", "a·b mod 7"),
        ("2*a*b", "2·a·b mod 7"),
        ("b - a", "− a + b mod 7"),
        ("3*a + 5*b + 4", "3a − 2b + 4 mod 7"),
    ],
)
def test_formulas_are_written_as_people_write_them(operation, formula):
    assert found(operation_table(operation, 7, 0)).formula == formula


def test_plain_addition_is_its_own_coordinates():
    assert found(linear(1, 1, 0, 9)).is_plain_addition
    assert not found(linear(1, 1, 1, 9)).is_plain_addition
    assert not found(linear(1, -1, 0, 9)).is_plain_addition
    assert not found(product(1, 7)).is_plain_addition


@pytest.mark.parametrize("p", [5, 7, 8, 13])
def test_the_quadratic_form_is_no_addition(p):
    assert find_coordinates(operation_table("x2xyy2", p, 0)) is None


@given(p=st.integers(5, 20), seed=st.integers(0, 1000))
def test_random_answers_are_no_addition(p, seed):
    assert find_coordinates(operation_table("random", p, seed)) is None


@given(form=linear_forms(), data=st.data())
def test_one_wrong_answer_in_the_table_is_seen(form, data):
    p, *coefficients = form
    if p > 3:  # the smallest tables are other forms when one answer changes
        table = linear(*coefficients, p)
        a, b = data.draw(st.integers(0, p - 1)), data.draw(st.integers(0, p - 1))
        table[a, b] = (table[a, b] + 1) % p
        assert find_coordinates(table) is None


@pytest.mark.parametrize("p", [4, 6, 8, 9, 15, 25])
def test_multiplication_modulo_a_composite_has_no_coordinates(p):
    for gamma in range(p):
        assert find_coordinates(product(gamma, p)) is None


@given(p=st.integers(2, 24), data=st.data())
def test_a_coefficient_that_shares_a_factor_with_p_loses_answers(p, data):
    shared = [value for value in range(p) if math.gcd(value, p) > 1]
    alpha = data.draw(st.sampled_from(shared))
    beta = data.draw(st.integers(0, p - 1))
    assert find_coordinates(linear(alpha, beta, 1, p)) is None
    assert find_coordinates(linear(beta, alpha, 1, p)) is None


def test_the_smallest_moduli():
    assert found(operation_table("add", 2, 0)).n == 2
    assert found(operation_table("subtract", 2, 0)).is_plain_addition  # −1 = 1
    assert find_coordinates(operation_table("multiply", 2, 0)) is None  # 1·1 = 1 and nothing else
    assert found(operation_table("subtract", 3, 0)).n == 3
    assert_addition(operation_table("multiply", 3, 0), found(operation_table("multiply", 3, 0)))


@pytest.mark.parametrize("operation", ["add", "subtract", "3*a + 2*b + 1", "multiply"])
def test_values_and_logits_are_put_in_coordinates(operation):
    p = 7
    coordinates = found(operation_table(operation, p, 0))
    values = torch.randn(p, p, p, generator=torch.Generator().manual_seed(0))
    inputs, logits = coordinates.of_inputs(values), coordinates.of_logits(values)
    for i in range(coordinates.n):
        for j in range(coordinates.n):
            row = values[coordinates.a[i], coordinates.b[j]]
            assert torch.equal(inputs[i, j], row)
            assert logits[i, j].tolist() == [row[answer].item() for answer in coordinates.c]


class TestRenamed:
    """Addition under names of the inputs and answers that no formula gives."""

    @given(n=st.integers(2, 30), seed=st.integers(0, 1000))
    def test_permuted_tokens_are_addition(self, n, seed):
        generator = torch.Generator().manual_seed(seed)
        of_a, of_b, of_c = (torch.randperm(n, generator=generator) for _ in range(3))
        table = of_c[(of_a[:, None] + of_b) % n]
        coordinates = found(table)
        assert coordinates.n == n
        assert_addition(table, coordinates)

    @pytest.mark.parametrize("p", [5, 7, 31])
    @pytest.mark.parametrize("expression", ["a * pow(b, p - 2, p)", "b * pow(a, p - 2, p)", "a*b + a + b"])
    def test_quotients_and_shifted_products_are_addition_but_for_one_residue(self, expression, p):
        table = operation_table(expression, p, 0)
        coordinates = found(table)
        assert coordinates.n == p - 1
        assert_addition(table, coordinates)

    def test_cubes_are_addition_where_every_residue_is_a_cube(self):
        table = operation_table("a**3 + b**3", 11, 0)
        assert found(table).n == 11
        assert find_coordinates(operation_table("a**3 + b**3", 7, 0)) is None

    @pytest.mark.parametrize("expression", ["(a + b)**2", "a*a + b*b", "a*a + a*b + b*b", "random"])
    def test_what_is_no_group_has_none(self, expression):
        assert find_coordinates(operation_table(expression, 11, 0)) is None

    def test_a_group_that_is_not_cyclic_has_none(self):
        x = torch.arange(8)
        assert find_coordinates(x[:, None] ^ x) is None
