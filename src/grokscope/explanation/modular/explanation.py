"""The explanation of a network of modular arithmetic."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from grokscope import formatting
from grokscope.analysis.modular.attention_fits import AttentionFit
from grokscope.analysis.modular.neuron_fits import ReadOutFit
from grokscope.errors import ConfigError
from grokscope.explanation.base import Explanation, Facts, Findings
from grokscope.explanation.claims import finite
from grokscope.explanation.modular.ablations import Ablation
from grokscope.explanation.modular.algorithm import AlgorithmEvidence, AlgorithmName
from grokscope.explanation.modular.frequencies import ClaimedFrequencies
from grokscope.explanation.modular.program import Program
from grokscope.tasks.modular.operations import operation_in_words

_NAMED = 12
"""So many weaker frequencies are named; a network that has not grokked may have nearly all."""


@dataclass(frozen=True, kw_only=True, repr=False)
class ModularExplanation(Explanation):
    """Which algorithm a network of modular arithmetic computes."""

    operation: str | None
    modulus: int
    frequencies: ClaimedFrequencies
    clusters: Mapping[int, int] = field(default_factory=dict)
    """How many neurons each frequency has above 85 %."""
    evidence: AlgorithmEvidence | None = None
    program: Program | None = None
    phases: tuple[float, ...] = ()
    """Of the circuit's frequencies in the logits, in radians, fitted freely; 0 is the phase of the right answer."""
    logit_map_rest: float | None = None
    """Share of W_L's Frobenius norm that is left beyond two dimensions a key frequency."""
    restricted_loss: float | None = None
    """Of the key frequencies, on all pairs."""
    excluded_loss: float | None = None
    """Of the key frequencies, on the training set where that is known, else on all pairs."""
    read_out: tuple[ReadOutFit, ...] = ()
    attention: tuple[AttentionFit, ...] = ()
    ablations: tuple[Ablation, ...] = ()

    @property
    def has_circuit(self) -> bool:
        """Whether there are key frequencies, whose circuit can be followed over training."""
        return bool(self.frequencies.keys)

    @property
    def measures_noun(self) -> str:
        """What ``grokscope measure`` gives of such a network, for sentences."""
        return "progress measures"

    @property
    def measure_options(self) -> str:
        """The option that names frequencies which ``grokscope measure`` would not find by itself."""
        if self.frequencies.source == "neuron clusters":
            return ""
        return f" --frequencies {','.join(map(str, self.frequencies.keys))}"

    @property
    def headline(self) -> str:
        """What was found, in a few words: ``add mod 113, clock-like``."""
        what = f"{self.operation or 'no operation recognised'} mod {self.modulus}"
        if self.verdict == "not explained":
            return what
        neither = self.algorithm == "neither"
        return f"{what}, {'neither clock-like nor pizza-like by all signs' if neither else self.algorithm}"

    @property
    def summary(self) -> str:
        """The verdict in a sentence, with the algorithm where one is shown."""
        if self.verdict == "explained":
            keys = self.frequencies.keys
            frequencies = f"key frequenc{'y' if len(keys) == 1 else 'ies'} {formatting.listed(keys)}"
            algorithm = f" by a {self.algorithm} algorithm"
            if self.algorithm == "neither":
                algorithm = ", by an algorithm that is neither clock-like nor pizza-like by all signs"
            return f"Explained: the network computes {self._operation}{algorithm}, with the {frequencies}."
        if self.verdict == "partly explained":
            return (
                f"Partly explained: the network does the task, its logits hold few frequencies, and without them it "
                f"fails; but {self.which_fail()}."
            )
        if self.misses_task:
            right = formatting.percent(self.accuracy)
            return f"Not explained: the network does not do the task; it answers {right} of all pairs right."
        return f"Not explained: the network does the task, but {self.which_fail()}."

    @property
    def algorithm(self) -> AlgorithmName:
        """``clock-like``, ``pizza-like`` or ``neither``; always ``neither`` of what is not explained."""
        return "neither" if self.evidence is None or self.verdict == "not explained" else self.evidence.name

    @property
    def logit_fve(self) -> float | None:
        """Share of the logits' variance that the better formula accounts for."""
        return None if self.evidence is None else max(self.evidence.clock_fve, self.evidence.pizza_fve)

    @property
    def key_frequencies(self) -> tuple[int, ...]:
        """The key frequencies that are claimed; empty where none were found."""
        return self.frequencies.keys

    def write_program(self, path: str | os.PathLike[str]) -> None:
        """Write what the network computes as a Python file that needs NumPy only.

        Raises:
            ConfigError: nothing was found that it computes.
            RunError: the file cannot be written.
        """
        if self.program is None:
            raise ConfigError(f"nothing was found that {self.subject} computes, so there is no program to write")
        self.program.write(path)

    @property
    def _operation(self) -> str:
        return "not recognised" if self.operation is None else operation_in_words(self.operation, self.modulus)

    def facts(self) -> Facts:
        """Return what was found besides the claims, as names and words."""
        found = [
            ("operation", self._operation),
            ("accuracy", f"{formatting.percent(self.accuracy)} of all pairs, loss {formatting.loss(self.loss)}"),
            ("key frequencies", self._key_frequencies()),
        ]
        weaker = self.frequencies.weaker
        if weaker:
            more = len(weaker) - _NAMED
            named = [*map(str, weaker[:_NAMED]), *([f"{more} more"] if more > 0 else [])]
            found.append(("weaker frequencies", f"{formatting.listed(named)}; in the logits too"))
        if self.evidence is not None:
            found += self._signs(self.evidence)
        if self.program is not None:
            program = self.program
            found.append(("amplitudes", f"{_by_frequency(program.frequencies, program.amplitudes, '.3g')} nats"))
            found.append(("phases, if free", f"{_by_frequency(program.frequencies, self.phases, '+.3f')} rad"))
        if self.logit_map_rest is not None:
            rank, rest = 2 * len(self.frequencies.keys), formatting.percent(self.logit_map_rest)
            found.append(("W_L", f"rank {rank}, and {rest} of the Frobenius norm beyond"))
        if self.restricted_loss is not None and self.excluded_loss is not None:
            kept, without = formatting.loss(self.restricted_loss), formatting.loss(self.excluded_loss)
            found.append(
                ("loss by frequencies", f"{kept} with the key ones alone (restricted), {without} without (excluded)")
            )
        return tuple(found)

    def _key_frequencies(self) -> str:
        keys, sizes = self.frequencies.keys, self.clusters
        if not keys:
            return "none found"
        named = (f"{k} ({sizes[k]} neuron{'s' if sizes[k] != 1 else ''})" if k in sizes else str(k) for k in keys)
        return f"{', '.join(named)}; read from the {self.frequencies.source}"

    def _signs(self, signs: AlgorithmEvidence) -> list[tuple[str, str]]:
        """Return what tells the clock from the pizza."""
        name = self.algorithm if self.verdict != "not explained" else "none is claimed"
        frozen = signs.frozen_attention_drop
        lost = ""
        if frozen is not None:
            lost = f"; {formatting.percent(max(frozen, 0.0))} of the pairs lost with attention frozen"
        clock, pizza = formatting.percent(signs.clock_fve), formatting.percent(signs.pizza_fve)
        best = formatting.percent(signs.any_envelope_fve)
        alone = (
            f"{circle.frequency}: {formatting.percent(circle.clock_fve)} as a clock, "
            f"{formatting.percent(circle.pizza_fve)} as a pizza"
            for circle in signs.circles
        )
        return [
            (
                "algorithm",
                f"{name}: gradient symmetricity {signs.gradient_symmetricity:.3f}, distance irrelevance "
                f"{signs.distance_irrelevance:.3f}{lost}",
            ),
            (
                "logits explained",
                f"{clock} of the variance as a clock, {pizza} as a pizza, {best} by the best formula of that kind",
            ),
            ("each circle alone", "; ".join(alone)),
        ]

    def tables(self) -> tuple[Findings, ...]:
        """Return the fits to the read-out and to attention, and what is left after each intervention."""
        tables = []
        fits = [*map(_read_out_row, self.read_out), *(_attention_row(fit) for fit in self.attention if fit.frequency)]
        if fits:
            tables.append(Findings("One wave fitted to what is read out, and to attention", pd.DataFrame(fits)))
        if self.ablations:
            rows = [{"intervention": "none", "loss": self.loss, "accuracy": self.accuracy}]
            rows += [{"intervention": it.what, "loss": it.loss, "accuracy": it.accuracy} for it in self.ablations]
            tables.append(Findings("With one part replaced", pd.DataFrame(rows)))
        return tuple(tables)

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as JSON takes it; numbers that are not finite become null."""
        return {
            "verdict": self.verdict,
            "algorithm": self.algorithm,
            "operation": self.operation,
            "modulus": self.modulus,
            "accuracy": self.accuracy,
            "loss": finite(self.loss),
            "key_frequencies": list(self.frequencies.keys),
            "weaker_frequencies": list(self.frequencies.weaker),
            "frequencies_read_from": self.frequencies.source,
            "neuron_clusters": dict(self.clusters),
            "logit_fve": self.logit_fve,
            "evidence": None if self.evidence is None else asdict(self.evidence),
            "phases": list(self.phases),
            "logit_map_rest": self.logit_map_rest,
            "restricted_loss": self.restricted_loss,
            "excluded_loss": self.excluded_loss,
            "program": None if self.program is None else self.program.to_dict(),
            "claims": [claim.to_dict() for claim in self.claims],
            "read_out_fits": [asdict(fit) for fit in self.read_out],
            "attention_fits": [asdict(fit) for fit in self.attention],
            "ablations": [{**asdict(each), "loss": finite(each.loss)} for each in self.ablations],
            "subject": self.subject,
            "step": self.step,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 2),
        }


def _by_frequency(frequencies: Sequence[int], values: Iterable[float], digits: str) -> str:
    return ", ".join(f"{k}: {value:{digits}}" for k, value in zip(frequencies, values, strict=True))


def _read_out_row(fit: ReadOutFit) -> dict[str, object]:
    name = "u" if fit.wave == "cos" else "v"
    what = f"{name}_{fit.frequency}ᵀ MLP as {fit.wave} w(a+b)"
    return {"fit": what, "coefficient": fit.coefficient, "FVE": fit.fve}


def _attention_row(fit: AttentionFit) -> dict[str, object]:
    size = (fit.alpha**2 + fit.beta**2) ** 0.5
    return {"fit": f"attention of head {fit.head} as a wave of {fit.frequency}", "coefficient": size, "FVE": fit.fve}
