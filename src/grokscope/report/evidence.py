"""What a network computes and how sure that is, in words: the verdict, the claims and their controls."""

from dataclasses import dataclass

from grokscope.explain import Claim, Explanation
from grokscope.report import wording
from grokscope.report.making import Facts
from grokscope.report.setting import operation_in_words

_NAMED = 12
"""So many weaker frequencies are named; a network that has not grokked may have nearly all."""


@dataclass(frozen=True)
class TestedClaim:
    """A row of the table of claims."""

    result: str
    """``pass`` or ``fail``."""
    name: str
    statement: str
    measured: str
    value: str
    needs: str
    controls: tuple[tuple[str, str], ...]
    """What each is, and its value; of one that reaches the threshold that is said."""


@dataclass(frozen=True)
class Evidence:
    """What a section on the network's algorithm says, in its order; texts are plain, not HTML."""

    verdict: str
    """Or why there is none."""
    facts: Facts = ()
    claims: tuple[TestedClaim, ...] = ()
    history: tuple[str, ...] = ()
    """What is known of earlier steps, or how to add it."""
    notes: tuple[str, ...] = ()


def evidence(explanation: Explanation) -> Evidence:
    """Return the words for ``explanation``."""
    return Evidence(
        verdict=_verdict(explanation),
        facts=tuple(_facts(explanation)),
        claims=tuple(_row(claim) for claim in explanation.claims),
        notes=explanation.notes,
    )


def _verdict(explanation: Explanation) -> str:
    failed = [claim for claim in explanation.claims if not claim.holds]
    which = wording.listed(f"“{claim.name}”" for claim in failed) if failed else ""
    fails = f"{len(failed)} of the {len(explanation.claims)} claims fail{'s' if len(failed) == 1 else ''}: {which}"
    if explanation.verdict == "explained":
        keys = wording.listed(explanation.frequencies.keys)
        frequencies = f"key frequenc{'y' if len(explanation.frequencies.keys) == 1 else 'ies'} {keys}"
        operation = _operation(explanation)
        return f"Explained: the network computes {operation}{_algorithm(explanation)}, with the {frequencies}."
    if explanation.verdict == "partly explained":
        return (
            f"Partly explained: the network does the task, its logits hold few frequencies, and without them it "
            f"fails; but {fails}."
        )
    if any(claim.name == "task" and not claim.reached for claim in failed):
        right = wording.percent(explanation.accuracy)
        return f"Not explained: the network does not do the task; it answers {right} of all pairs right."
    return f"Not explained: the network does the task, but {fails}."


def _algorithm(explanation: Explanation) -> str:
    if explanation.algorithm == "neither":
        return ", by an algorithm that is neither clock-like nor pizza-like by all signs"
    return f" by a {explanation.algorithm} algorithm"


def _operation(explanation: Explanation) -> str:
    if explanation.operation is None:
        return "not recognised"
    return operation_in_words(explanation.operation, explanation.modulus)


def _facts(explanation: Explanation) -> list[tuple[str, str]]:
    found, signs = explanation.frequencies, explanation.evidence
    sizes = explanation.clusters
    keys = ", ".join(
        f"{k} ({sizes[k]} neuron{'s' if sizes[k] != 1 else ''})" if k in sizes else str(k) for k in found.keys
    )
    loss = f"{wording.percent(explanation.accuracy)} of all pairs, loss {wording.loss(explanation.loss)}"
    rows = [] if explanation.step is None else [("Network", f"of {wording.step(explanation.step)}")]
    rows += [
        ("Operation", _operation(explanation)),
        ("Accuracy", loss),
        ("Key frequencies", f"{keys}; read from the {found.source}" if keys else "none found"),
    ]
    if found.weaker:
        more = len(found.weaker) - _NAMED
        named = [*map(str, found.weaker[:_NAMED]), *([f"{more} more"] if more > 0 else [])]
        rows.append(("Weaker frequencies", f"{wording.listed(named)}; in the logits too"))
    if signs is None:
        return rows
    name = explanation.algorithm if explanation.verdict != "not explained" else "none is claimed"
    frozen = signs.frozen_attention_drop
    lost = "" if frozen is None else f"; {wording.percent(max(frozen, 0.0))} of the pairs lost with attention frozen"
    rows += [
        (
            "Algorithm",
            f"{name}: gradient symmetricity {signs.gradient_symmetricity:.3f}, distance irrelevance "
            f"{signs.distance_irrelevance:.3f}{lost}",
        ),
        (
            "Logits explained",
            f"{wording.percent(signs.clock_fve)} of the variance as a clock, {wording.percent(signs.pizza_fve)} as a "
            f"pizza, {wording.percent(signs.any_envelope_fve)} by the best formula of that kind",
        ),
    ]
    alone = (
        f"{circle.frequency}: {wording.percent(circle.clock_fve)} as a clock, {wording.percent(circle.pizza_fve)} as a "
        f"pizza"
        for circle in signs.circles
    )
    rows.append(("Each circle alone", "; ".join(alone)))
    if explanation.restricted_loss is not None and explanation.excluded_loss is not None:
        with_, without = wording.loss(explanation.restricted_loss), wording.loss(explanation.excluded_loss)
        rows.append(
            ("Loss by frequencies", f"{with_} with the key ones alone (restricted), {without} without (excluded)")
        )
    return rows


def _row(claim: Claim) -> TestedClaim:
    def shown(value: float) -> str:
        return wording.score(value, claim.threshold)

    controls = tuple(
        (f"{control.what}{' (reaches it)' if control in claim.failing_controls else ''}", shown(control.value))
        for control in claim.controls
    )
    detail = f" ({claim.detail})" if claim.detail else ""
    return TestedClaim(
        result="pass" if claim.holds else "fail",
        name=claim.name,
        statement=claim.statement,
        measured=f"{claim.measure}{detail}",
        value=shown(claim.value),
        needs=f"≥ {claim.threshold:g}",
        controls=controls or (("none could be made", ""),),
    )
