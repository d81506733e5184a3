"""What a network of modular arithmetic computes, in words: the algorithm and its frequencies."""

from grokscope.explanation import ModularExplanation
from grokscope.reports import formatting
from grokscope.reports.claims import misses_task, which_fail
from grokscope.reports.provenance import Facts
from grokscope.reports.run.training_setup import operation_in_words

_NAMED = 12
"""So many weaker frequencies are named; a network that has not grokked may have nearly all."""


def modular_verdict(explanation: ModularExplanation) -> str:
    """Return the verdict, with the algorithm where one is shown."""
    if explanation.verdict == "explained":
        keys = formatting.listed(explanation.frequencies.keys)
        frequencies = f"key frequenc{'y' if len(explanation.frequencies.keys) == 1 else 'ies'} {keys}"
        operation = _operation(explanation)
        return f"Explained: the network computes {operation}{_algorithm(explanation)}, with the {frequencies}."
    if explanation.verdict == "partly explained":
        return (
            f"Partly explained: the network does the task, its logits hold few frequencies, and without them it "
            f"fails; but {which_fail(explanation)}."
        )
    if misses_task(explanation):
        right = formatting.percent(explanation.accuracy)
        return f"Not explained: the network does not do the task; it answers {right} of all pairs right."
    return f"Not explained: the network does the task, but {which_fail(explanation)}."


def _algorithm(explanation: ModularExplanation) -> str:
    if explanation.algorithm == "neither":
        return ", by an algorithm that is neither clock-like nor pizza-like by all signs"
    return f" by a {explanation.algorithm} algorithm"


def _operation(explanation: ModularExplanation) -> str:
    if explanation.operation is None:
        return "not recognised"
    return operation_in_words(explanation.operation, explanation.modulus)


def modular_facts(explanation: ModularExplanation) -> Facts:
    """Return what was found besides the claims."""
    found, signs = explanation.frequencies, explanation.evidence
    sizes = explanation.clusters
    keys = ", ".join(
        f"{k} ({sizes[k]} neuron{'s' if sizes[k] != 1 else ''})" if k in sizes else str(k) for k in found.keys
    )
    loss = f"{formatting.percent(explanation.accuracy)} of all pairs, loss {formatting.loss(explanation.loss)}"
    rows = [] if explanation.step is None else [("Network", f"of {formatting.step(explanation.step)}")]
    rows += [
        ("Operation", _operation(explanation)),
        ("Accuracy", loss),
        ("Key frequencies", f"{keys}; read from the {found.source}" if keys else "none found"),
    ]
    if found.weaker:
        more = len(found.weaker) - _NAMED
        named = [*map(str, found.weaker[:_NAMED]), *([f"{more} more"] if more > 0 else [])]
        rows.append(("Weaker frequencies", f"{formatting.listed(named)}; in the logits too"))
    if signs is None:
        return tuple(rows)
    name = explanation.algorithm if explanation.verdict != "not explained" else "none is claimed"
    frozen = signs.frozen_attention_drop
    lost = "" if frozen is None else f"; {formatting.percent(max(frozen, 0.0))} of the pairs lost with attention frozen"
    rows += [
        (
            "Algorithm",
            f"{name}: gradient symmetricity {signs.gradient_symmetricity:.3f}, distance irrelevance "
            f"{signs.distance_irrelevance:.3f}{lost}",
        ),
        (
            "Logits explained",
            f"{formatting.percent(signs.clock_fve)} of the variance as a clock, {formatting.percent(signs.pizza_fve)} "
            f"as a pizza, {formatting.percent(signs.any_envelope_fve)} by the best formula of that kind",
        ),
    ]
    alone = (
        f"{circle.frequency}: {formatting.percent(circle.clock_fve)} as a clock, "
        f"{formatting.percent(circle.pizza_fve)} as a pizza"
        for circle in signs.circles
    )
    rows.append(("Each circle alone", "; ".join(alone)))
    if explanation.restricted_loss is not None and explanation.excluded_loss is not None:
        with_, without = formatting.loss(explanation.restricted_loss), formatting.loss(explanation.excluded_loss)
        rows.append(
            ("Loss by frequencies", f"{with_} with the key ones alone (restricted), {without} without (excluded)")
        )
    return tuple(rows)
