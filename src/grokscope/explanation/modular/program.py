"""What a network learned, as a program that can be run without it.

Shapes: n coordinates, p residues, f frequencies.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.analysis.modular.coordinates import Coordinates
from grokscope.analysis.modular.logit_fits import LogitFit, pizza_envelope
from grokscope.display import brief_repr
from grokscope.errors import ConfigError
from grokscope.run.atomic import write_atomically

Algorithm = Literal["clock", "pizza"]

_TIE = 1e-9
"""Logits this close to the highest, as a share of Σ|α_k|, are a tie, which the smallest answer wins: rounding must
not decide, or the exported file would not answer as the program does."""


@dataclass(frozen=True, eq=False)
class Program:
    """The logits Σ_k α_k e_k(i − j) cos(w_k(i + j − l) + φ_k), with w_k = 2πk/n, in an operation's coordinates.

    e_k is 1 for the clock (Nanda et al. 2023, section 4) and |cos(w_k(i − j)/2)| for the pizza (Zhong et al. 2023,
    arXiv 2306.17844, section 4).

    Raises:
        ConfigError: there is no frequency, one is impossible or named twice, or the tuples differ in length.
    """

    algorithm: Algorithm
    frequencies: tuple[int, ...]
    amplitudes: tuple[float, ...]
    """α_k, in nats."""
    phases: tuple[float, ...]
    """φ_k, in radians; 0 where the answers are right."""
    coordinates: Coordinates

    __repr__ = brief_repr

    def __post_init__(self) -> None:
        f, highest = len(self.frequencies), self.coordinates.n // 2
        if not f:
            raise ConfigError("a program needs at least one frequency, got none; fit the logits at their key ones")
        if not f == len(self.amplitudes) == len(self.phases):
            raise ConfigError(
                f"a program needs an amplitude and a phase for each of its {f} frequencies, got "
                f"{len(self.amplitudes)} amplitudes and {len(self.phases)} phases"
            )
        for k in self.frequencies:
            if not 1 <= k <= highest:
                raise ConfigError(f"frequency {k} does not exist among {self.coordinates.n}; use 1 to {highest}")
            if self.frequencies.count(k) > 1:
                raise ConfigError(f"frequency {k} is named twice; name it once, with the sum of its amplitudes")

    @classmethod
    def from_fit(cls, fit: LogitFit, coordinates: Coordinates, algorithm: Algorithm) -> "Program":
        """Return the program whose logits are those of ``fit``."""
        return cls(algorithm, fit.frequencies, fit.amplitudes, fit.phases, coordinates)

    @property
    def p(self) -> int:
        """The modulus."""
        return int(self.coordinates.a.max()) + 1

    @property
    def operation(self) -> str:
        """The operation, in the usual notation."""
        return self.coordinates.formula

    def logits(self) -> Float[Tensor, "n n n"]:
        """Return the logits of all pairs and answers, ``[i, j, answer]`` in coordinates, in nats and float64."""
        return self._logits_of_rows(torch.arange(self.coordinates.n))

    def answers(self) -> Int[Tensor, "p p"]:
        """Return the answer to every pair of residues.

        It is the answer of the highest logit (of several as high, the smallest). Pairs without coordinates, those
        with a zero in a product, are answered 0.
        """
        names = self.coordinates
        residues, order = names.c.sort()
        tie = _TIE * sum(map(abs, self.amplitudes))
        best = []
        for rows in torch.arange(names.n).split(16):
            logits = self._logits_of_rows(rows).index_select(2, order)
            highest = logits >= logits.amax(-1, keepdim=True) - tie
            best.append(residues[highest.int().argmax(-1)])
        result = torch.zeros(self.p, self.p, dtype=torch.long)
        result[names.a[:, None], names.b] = torch.cat(best)
        return result

    def _logits_of_rows(self, i: Int[Tensor, " rows"]) -> Float[Tensor, "rows n n"]:
        n = self.coordinates.n
        x = torch.arange(n)
        by_distance = self._envelopes() @ self._waves()  # [i − j, i + j − l]
        distance = (i[:, None, None] + x[:, None] - x) % n
        return by_distance[((i[:, None] - x) % n)[..., None], distance]

    def _envelopes(self) -> Float[Tensor, "n f"]:
        n = self.coordinates.n
        if self.algorithm == "pizza":
            return pizza_envelope(n, self.frequencies)
        return torch.ones(n, len(self.frequencies), dtype=torch.float64)

    def _waves(self) -> Float[Tensor, "f n"]:
        n = self.coordinates.n
        k = torch.tensor(self.frequencies)[:, None]
        phase = torch.tensor(self.phases, dtype=torch.float64)[:, None]
        angle = 2 * math.pi / n * (k * torch.arange(n) % n).double()  # reduced first: keeps its precision
        return torch.tensor(self.amplitudes, dtype=torch.float64)[:, None] * torch.cos(angle + phase)

    def to_dict(self) -> dict[str, Any]:
        """Return the program as JSON's types; ``order`` is n, and differs from p for products."""
        return {
            "algorithm": self.algorithm,
            "operation": self.operation,
            "p": self.p,
            "order": self.coordinates.n,
            "frequencies": list(self.frequencies),
            "amplitudes": list(self.amplitudes),
            "phases": list(self.phases),
        }

    def to_python(self) -> str:
        """Return the program as the source of a Python file that needs NumPy only and answers as :meth:`answers` does.

        It defines ``logits(a, b)`` and ``predict(a, b)``, for numbers and for arrays; run, it prints how many of the
        p² answers are right.
        """
        formula = self.operation.replace("−", "-").replace("·", "*")
        operation, set_up, operands, answers = _coordinates_source(self)
        constants = [
            _constant("FREQUENCIES", self.frequencies),
            _constant("AMPLITUDES", self.amplitudes),
            _constant("PHASES", self.phases),
        ]
        pizza = self.algorithm == "pizza"
        return _TEMPLATE.format(
            formula=formula,
            algorithm=self.algorithm,
            source=_SOURCES[self.algorithm],
            envelope=" * abs(cos(w_k * (i - j) / 2))" if pizza else "",
            p=self.p,
            n=self.coordinates.n,
            constants="\n".join(constants),
            set_up=set_up,
            operands=operands,
            answers=answers,
            times_envelope=_TIMES_ENVELOPE if pizza else "",
            zeros=_ZEROS if self.coordinates.n != self.p else "",
            operation=operation,
        )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`to_python` to ``path``; a crash leaves the old file or the new one.

        Raises:
            RunError: the file cannot be written.
        """
        write_atomically(Path(path), self.to_python().encode())


def _constant(name: str, values: tuple[int, ...] | tuple[float, ...]) -> str:
    line = f"{name} = ({', '.join(map(repr, values))}{',' if len(values) == 1 else ''})"
    if len(line) <= 88:
        return line
    return "\n".join([f"{name} = (", *(f"    {value!r}," for value in values), ")"])


def _coordinates_source(program: Program) -> tuple[str, str, str, str]:
    """Return the operation, the lines that it needs, both operands' coordinates and the answers', as source."""
    names, p = program.coordinates, program.p

    def times(factor: int, name: str) -> str:
        return name if factor == 1 else f"{factor} * {name}"

    if names.n == p:
        alpha, beta, gamma = pow(int(names.a[1]), -1, p), pow(int(names.b[1]), -1, p), int(names.c[0])
        plus = f" + {gamma}" if gamma else ""
        operation = f"({times(alpha, 'a')} + {times(beta, 'b')}{plus}) % P"
        answers = f"(np.arange(P) - {gamma}) % P" if gamma else "np.arange(P)"
        return operation, "", f"{times(alpha, 'a')} % P, {times(beta, 'b')} % P", answers
    unit = int(names.c[0])
    answers = "LOG" if unit == 1 else f"LOG[{pow(unit, -1, p)} * np.arange(P) % P]"
    return (
        f"{times(unit, 'a * b')} % P",
        _LOGARITHMS.format(generator=int(names.a[1])),
        "LOG[a % P], LOG[b % P]",
        answers,
    )


_SOURCES = {
    "clock": "Nanda et al. (2023), arXiv 2301.05217",
    "pizza": "Zhong et al. (2023), arXiv 2306.17844",
}

_LOGARITHMS = """
# the coordinate of a nonzero residue is its discrete logarithm: products become sums
LOG = np.zeros(P, dtype=int)
LOG[[pow({generator}, i, P) for i in range(N)]] = np.arange(N)
"""

_TIMES_ENVELOPE = "\n        wave *= np.abs(np.cos(np.pi / N * (k * (i - j) % N)))[..., None]"

_ZEROS = """
    # zero has no logarithm: it is the answer wherever it is an operand, and nowhere else
    zero = (a * b % P == 0)[..., None]
    total[..., 0] = -np.inf
    total = np.where(zero, np.where(np.arange(P) == 0, 0.0, -np.inf), total)"""

_TEMPLATE = '''"""{formula}, computed as a trained network computes it: by the {algorithm}.

The logit of each answer, in nats, is the sum over the frequencies k of

    amplitude_k{envelope} * cos(w_k * (i + j - l) + phase_k)

with w_k = 2 * pi * k / N, where i, j and l are the coordinates of a, b and the answer.
The answer is the one with the highest logit. See {source}.

Needs NumPy only. Run this file to see how many of the P * P answers are right.
"""

import numpy as np

P = {p}
N = {n}
{constants}
{set_up}

def coordinates(a, b):
    """Return the coordinates of both operands; that of the right answer is their sum."""
    return {operands}


def logits(a, b):
    """Return the logits of the P answers, along a last axis of their own."""
    a, b = np.broadcast_arrays(a, b)
    i, j = coordinates(a, b)
    distance = (i + j)[..., None] - {answers}
    total = np.zeros(distance.shape)
    for k, amplitude, phase in zip(FREQUENCIES, AMPLITUDES, PHASES):
        wave = amplitude * np.cos(2 * np.pi / N * (k * distance % N) + phase){times_envelope}
        total += wave{zeros}
    return total


def predict(a, b):
    """Return the answer with the highest logit; of several as high, the smallest."""
    total = logits(a, b)
    tie = 1e-9 * np.abs(AMPLITUDES).sum()
    return np.argmax(total >= total.max(axis=-1, keepdims=True) - tie, axis=-1)


def operation(a, b):
    """Return the right answer."""
    return {operation}


if __name__ == "__main__":
    a, b = np.meshgrid(np.arange(P), np.arange(P), indexing="ij")
    right = int((predict(a, b) == operation(a, b)).sum())
    print(f"{{right}} of {{P * P}} answers are right")
'''
