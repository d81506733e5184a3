"""Causal tests on the logits: keep the claimed directions, remove them, replace all by the formula."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from grokscope.analysis.fourier import fourier_basis, row_frequencies
from grokscope.analysis.modular.logit_fits import LogitFit, align, all_frequencies, clock_fit, pizza_fit
from grokscope.analysis.modular.progress_measures import accuracy, mean_loss
from grokscope.explanation.claims import Claim, Control
from grokscope.explanation.modular.controls import ControlNetwork, frequency_draws
from grokscope.explanation.modular.program import Algorithm, Program
from grokscope.explanation.modular.specs import EACH_FREQUENCY, FORMULA, NECESSARY, PROGRAM, SPARSE, SUFFICIENT, TASK
from grokscope.randomness import stream

Logits = Float[Tensor, "n n n"]


def keep_answers(logits: Logits, frequencies: Sequence[int]) -> Float[Tensor, "n n n"]:
    """Return the logits with only these frequencies over the answers (and the mean) kept.

    These are the directions that W_L has on a network with the circuit, whatever it does with i − j, so that the test
    is the same for a clock and for a pizza.
    """
    return _over_answers(logits, [0, *frequencies])


def remove_answers(logits: Logits, frequencies: Sequence[int]) -> Float[Tensor, "n n n"]:
    """Return the logits without these frequencies over the answers."""
    return logits.double() - _over_answers(logits, frequencies)


def _over_answers(logits: Logits, frequencies: Sequence[int]) -> Float[Tensor, "n n n"]:
    n = logits.shape[0]
    basis = fourier_basis(n)[torch.isin(row_frequencies(n), torch.tensor(list(frequencies)))]
    return (logits.double() @ basis.T) @ basis


def logit_claims(
    logits: Logits,
    frequencies: Sequence[int],
    program: Program,
    networks: Sequence[ControlNetwork],
    *,
    seed: int,
) -> list[Claim]:
    """Return the claims about the logits of a network, each with its controls.

    Args:
        logits: of all pairs, in coordinates.
        frequencies: those of the circuit.
        program: what the network is said to compute.
        networks: control networks; one that knows the answers counts only where it ought to fail.
        seed: draws random frequencies and phases.
    """
    n = logits.shape[0]
    others = frequency_draws(n, frequencies, seed=seed)
    learners = [network for network in networks if not network.knows_answers]
    loss, right = mean_loss(logits), accuracy(logits)
    kept, rest = keep_answers(logits, frequencies), remove_answers(logits, frequencies)
    losses = [mean_loss(each) for each in (kept, rest)]
    return [
        TASK.tested(
            right, (Control(network.name, accuracy(network.logits)) for network in learners), f"loss {loss:.3g}"
        ),
        SPARSE.tested(
            sparse_share(logits, frequencies),
            (
                *_worst("random other frequencies", (sparse_share(logits, draw) for draw in others)),
                *(Control(network.name, sparse_share(network.logits, frequencies)) for network in networks),
            )
            if others
            else (),
            f"{len(frequencies)} of {n // 2}",
        ),
        FORMULA.filled(algorithm=program.algorithm).tested(
            formula_fve(logits, frequencies, program.algorithm),
            (
                *_worst("random other frequencies", (formula_fve(logits, draw, program.algorithm) for draw in others)),
                *(
                    Control(network.name, formula_fve(network.logits, frequencies, program.algorithm))
                    for network in networks
                ),
            ),
        ),
        _program_claim(logits, program, seed=seed),
        SUFFICIENT.tested(
            accuracy(kept),
            (
                *_worst("random other frequencies", (accuracy(keep_answers(logits, draw)) for draw in others)),
                *(Control(network.name, accuracy(keep_answers(network.logits, frequencies))) for network in learners),
            ),
            f"loss {losses[0]:.3g}",
        ),
        NECESSARY.tested(
            right - accuracy(rest),
            (
                *_worst(
                    "random other frequencies", (right - accuracy(remove_answers(logits, draw)) for draw in others)
                ),
                *(
                    Control(
                        network.name,
                        accuracy(network.logits) - accuracy(remove_answers(network.logits, frequencies)),
                    )
                    for network in networks
                ),
            ),
            f"loss {losses[1]:.3g}",
        ),
    ]


def each_frequency_claim(logits: Logits, keys: Sequence[int], circuit: Sequence[int], *, seed: int) -> Claim:
    """Return the claim that every key frequency matters more than any frequency outside the circuit.

    Outside it, the strongest and some random ones are removed one by one. The control gives random frequencies the
    role of the keys.
    """
    n = logits.shape[0]
    others = _strongest_others(logits, circuit) + [
        k for draw in frequency_draws(n, keys, seed=seed)[:1] for k in draw if k not in circuit
    ]
    loss = max(mean_loss(logits), 1e-300)
    growth = {k: mean_loss(remove_answers(logits, [k])) / loss for k in {*keys, *others}}
    most = max((growth[k] for k in others), default=1.0)
    least = min(growth[k] for k in keys)
    controls = ()
    if others:
        weakest = min(growth[k] for k in others)
        controls = (Control("other frequencies in the keys' place", weakest / max(1e-300, *(growth[k] for k in keys))),)
    return EACH_FREQUENCY.tested(
        least / max(most, 1e-300),
        controls,
        "the loss grows without " + ", ".join(f"{k} {growth[k]:.3g}x" for k in keys) + f"; without others {most:.3g}x",
    )


def _strongest_others(logits: Logits, circuit: Sequence[int], count: int = 5) -> list[int]:
    fit = clock_fit(align(logits, all_frequencies(logits.shape[0])))
    strength = {k: abs(alpha) for k, alpha in zip(fit.frequencies, fit.amplitudes, strict=True) if k not in circuit}
    return sorted(strength, key=lambda k: -strength[k])[:count]


def sparse_share(logits: Logits, frequencies: Sequence[int]) -> float:
    """Return which part of the FVE of all frequencies' clock formula these frequencies have."""
    alignment = align(logits, all_frequencies(logits.shape[0]))
    fit = clock_fit(alignment)
    parts = [alpha**2 * alignment.norm_of(k) for k, alpha in zip(fit.frequencies, fit.amplitudes, strict=True)]
    chosen = sum(part for k, part in zip(fit.frequencies, parts, strict=True) if k in set(frequencies))
    return chosen / max(sum(parts), 1e-300)


def formula_fve(logits: Logits, frequencies: Sequence[int], algorithm: Algorithm) -> float:
    """Return the FVE of the algorithm's formula with its amplitudes fitted to these logits."""
    return fit_of(logits, frequencies, algorithm).fve


def fit_of(logits: Logits, frequencies: Sequence[int], algorithm: Algorithm) -> LogitFit:
    """Return the fit of the algorithm's formula."""
    fitted: Callable[..., LogitFit] = {"clock": clock_fit, "pizza": pizza_fit}[algorithm]
    return fitted(align(logits, frequencies))


def _program_claim(logits: Logits, program: Program, *, seed: int) -> Claim:
    answers = logits.argmax(2)
    predicted = program.logits()
    generator = stream("control-phases", seed)
    turns = (2 * torch.pi * torch.rand(len(program.frequencies), generator=generator, dtype=torch.float64)).tolist()
    scrambled = replace(program, phases=tuple(turns))
    loss = mean_loss(predicted)
    return PROGRAM.tested(
        float((predicted.argmax(2) == answers).double().mean()),
        (
            Control(
                "the program with scrambled phases", float((scrambled.logits().argmax(2) == answers).double().mean())
            ),
        ),
        f"loss of the program {loss:.3g}",
    )


def _worst(what: str, values: Iterable[float]) -> tuple[Control, ...]:
    """Return the control that comes nearest to refuting the claim, or none where none could be drawn."""
    drawn = list(values)
    return (Control(what, max(drawn)),) if drawn else ()
