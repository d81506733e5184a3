"""Which operation a network computes, found by trying candidates on the whole table."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Int
from torch import Tensor

from grokscope.display import brief_repr
from grokscope.tasks.modular.operations import NAMED, operation_table

DEGREE = 3
"""Polynomials in a and b are fitted up to this degree."""
_SMALLEST = 7
"""A polynomial of that degree has ten coefficients, with which it would fit anything modulo less."""
_EXPRESSIONS = ("(a + b)**2", "a*b + a + b", "a*a + b*b", "a**3 + b**3", "a**3 + a*b")
"""Tried beside the named operations: common in experiments, and found where half of the answers are wrong."""
_DIVISIONS = ("a * pow(b, p - 2, p)", "b * pow(a, p - 2, p)")
"""Modulo a prime, the quotients; 0 where the divisor is 0."""

FAR_FROM_CHANCE = 10.0
"""An operation stands out if its agreement is so many standard deviations above guessing …"""
ABOVE_NEXT = 3.0
"""… and so many times that of the next best candidate."""

FITTED = 0.25
"""A polynomial whose coefficients were read off the answers counts from this agreement on: one always agrees a bit."""


@dataclass(frozen=True, eq=False)
class FoundOperation:
    """The candidate that a network's answers agree with most."""

    operation: str
    """A name or an expression in a, b and p, as ``task.operation`` takes it."""
    table: Int[Tensor, "p p"]
    agreement: float
    """Share of the p² pairs; about 1/p for a network at chance."""
    runner_up: float
    """The agreement of the next best candidate with another table."""

    __repr__ = brief_repr

    @property
    def stands_out(self) -> bool:
        """Whether the agreement cannot be chance: so a network that memorised a third of the pairs is recognised."""
        p = self.table.shape[0]
        spread = math.sqrt((1 - 1 / p) / p) / p  # of the share of p² guesses that are right
        return self.agreement > 1 / p + FAR_FROM_CHANCE * spread and self.agreement > ABOVE_NEXT * self.runner_up


def find_operation(answers: Int[Tensor, "p p"]) -> FoundOperation:
    """Return the operation that gives most of ``answers``.

    Candidates are the named operations (sum, difference, product, x² + xy + y²), quotients, a few common expressions,
    and the polynomial in a and b of degree at most 3 whose coefficients the answers show by majority.
    """
    p = answers.shape[0]
    named = _named(p)
    candidates = dict(named)
    for coefficients in (_fitted(answers, 1), _fitted(answers, DEGREE) if p >= _SMALLEST else {}):
        table = _polynomial(coefficients, p)
        if any(powers != (0, 0) for powers in coefficients) and not any(
            torch.equal(table, known) for known in candidates.values()
        ):
            candidates[_in_words(coefficients)] = table
    scores = {name: float((answers == table).double().mean()) for name, table in candidates.items()}
    scores = {name: score for name, score in scores.items() if name in named or score >= FITTED}
    ranked = sorted(scores, key=lambda name: -scores[name])
    best = ranked[0]
    others = [scores[name] for name in ranked if not torch.equal(candidates[name], candidates[best])]
    return FoundOperation(best, candidates[best], scores[best], others[0] if others else 0.0)


@cache
def _named(p: int) -> dict[str, Int[Tensor, "p p"]]:
    names = [*NAMED, *_EXPRESSIONS, *(_DIVISIONS if _is_prime(p) and p > 2 else ())]
    return {name: operation_table(name, p, 0) for name in names}


Coefficients = dict[tuple[int, int], int]
"""Of aⁱ·bʲ, by (i, j); none is 0."""


def _fitted(answers: Int[Tensor, "p p"], degree: int) -> Coefficients:
    """Return the coefficients of a polynomial, from the highest degree down.

    The i-th difference in a of the j-th in b is constant, i!·j! times the coefficient of aⁱ·bʲ, once all terms of
    higher degree have been subtracted. Most frequent values are taken, so some answers may be wrong.
    """
    p, rest, found = answers.shape[0], answers % answers.shape[0], Coefficients()
    for total in range(min(degree, p - 1), -1, -1):
        terms: Coefficients = {}
        for i in range(total, -1, -1):
            constant = int(_differences(rest, i, total - i).flatten().mode().values)
            multiple = math.factorial(i) * math.factorial(total - i)
            if math.gcd(multiple, p) == 1 and (value := constant * pow(multiple, -1, p) % p):
                terms[i, total - i] = value
        rest = (rest - _polynomial(terms, p)) % p
        found |= terms
    return found


def _differences(values: Int[Tensor, "p p"], in_a: int, in_b: int) -> Int[Tensor, "p p"]:
    for dim, times in ((0, in_a), (1, in_b)):
        for _ in range(times):
            values = values.roll(-1, dim) - values
    return values % values.shape[0]


def _polynomial(coefficients: Coefficients, p: int) -> Int[Tensor, "p p"]:
    x, table = torch.arange(p), torch.zeros(p, p, dtype=torch.long)
    for (i, j), factor in coefficients.items():
        table += factor * (x[:, None] ** i * x**j % p)
    return table % p


def _in_words(coefficients: Coefficients) -> str:
    """Return a polynomial as an expression that ``task.operation`` takes."""

    def terms() -> Iterator[str]:
        for (i, j), factor in coefficients.items():
            powers = [f"{name}**{n}" if n > 1 else name for name, n in (("a", i), ("b", j)) if n]
            yield "*".join([*([str(factor)] if factor > 1 or not powers else []), *powers])

    return " + ".join(terms())


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % divisor for divisor in range(2, math.isqrt(n) + 1))
