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
from grokscope.explanation.modular.program_source import python_source
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
        return python_source(self)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`to_python` to ``path``; a crash leaves the old file or the new one.

        Raises:
            RunError: the file cannot be written.
        """
        write_atomically(Path(path), self.to_python().encode())
