"""Tests of the circuit that continues repeated subsequences, and their thresholds."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from torch import Tensor

from grokscope.analysis.fresh_examples import score_fresh
from grokscope.analysis.sequences.induction import HeadScores, Repeats, at_distance, head_scores
from grokscope.explanation.claims import DOES_TASK, Claim, ClaimSpec, Control, required_ids
from grokscope.explanation.sequences.head_interventions import Reading
from grokscope.explanation.sequences.induction.circuit import MATCHING, PREVIOUS, InductionCircuit
from grokscope.models import Transformer
from grokscope.models.hooks import Hook
from grokscope.tasks import RepeatedSubsequencesTask

NEARLY = 0.9
"""The network does the task if it is right nearly as often as the induction rule."""
COPIES = 0.8
"""Induction heads have at least this copying score on average; random weights have about 0."""
CAUSAL = 0.8
"""An intervention that cuts the circuit loses this share of the accuracy; one that keeps it, keeps this share."""
MOST = 0.5
"""The heads of the circuit alone keep more than this share of the accuracy."""


class InductionClaim(StrEnum):
    """The ids of the claims."""

    TASK = DOES_TASK
    PREVIOUS_TOKEN = "previous-token"
    PREFIX_MATCHING = "prefix-matching"
    COPYING = "copying"
    COMPOSITION = "composition"
    MATCHING = "matching"
    ONE_TOKEN_BACK = "one-token-back"
    SUFFICIENT = "sufficient"


_TASK = ClaimSpec(
    InductionClaim.TASK,
    "task",
    "The network continues repeated subsequences",
    "share of repeated tokens predicted, over that of the induction rule",
    NEARLY,
    required=True,
)
_PREVIOUS_TOKEN = ClaimSpec(
    InductionClaim.PREVIOUS_TOKEN,
    "previous token",
    "A head of an early layer attends to the previous token",
    "highest previous-token score, over that of uniform attention",
    PREVIOUS,
)
_PREFIX_MATCHING = ClaimSpec(
    InductionClaim.PREFIX_MATCHING,
    "prefix matching",
    "A head attends to what came after the token before",
    "highest prefix-matching score",
    MATCHING,
)
_COPYING = ClaimSpec(
    InductionClaim.COPYING,
    "copying",
    "Induction heads copy the token that they attend to",
    "mean copying score of the induction heads",
    COPIES,
)
_COMPOSITION = ClaimSpec(
    InductionClaim.COMPOSITION,
    "composition",
    "Keys of the induction heads' layer read what the previous-token heads wrote (K-composition)",
    "share of the accuracy lost with it hidden from the keys",
    CAUSAL,
    required=True,
)
_MATCHING = ClaimSpec(
    InductionClaim.MATCHING,
    "matching",
    "Where the induction heads look is where the token came before",
    "share of the accuracy kept with their attention replaced by exact matches",
    CAUSAL,
    required=True,
)
_ONE_TOKEN_BACK = ClaimSpec(
    InductionClaim.ONE_TOKEN_BACK,
    "one token back",
    "What previous-token heads bring is the token one place back",
    "share of the accuracy lost with their attention there set to zero",
    CAUSAL,
)
_SUFFICIENT = ClaimSpec(
    InductionClaim.SUFFICIENT,
    "sufficient",
    "The circuit's heads are enough for most of it",
    "share of the accuracy kept with all other heads at their mean",
    MOST,
)
REQUIRED = required_ids((_TASK, _COMPOSITION, _MATCHING))


def induction_claims(
    circuit: InductionCircuit, networks: Mapping[str, Transformer], task: RepeatedSubsequencesTask, *, seed: int
) -> list[Claim]:
    """Return the claims about a network that continues repeated subsequences, each with its controls.

    Args:
        circuit: what was found in the network.
        networks: control networks by name.
        task: of all of them.
        seed: draws the examples for the control networks.
    """
    _, by_rule = circuit.repeats.rule()
    claims = [_task_claim(circuit, by_rule, networks, task, seed=seed), *_score_claims(circuit, networks)]
    missing = circuit.what_is_missing()
    return [*claims, _COMPOSITION.not_measurable(missing)] if missing else claims + _causal_claims(circuit)


def _task_claim(
    circuit: InductionCircuit,
    by_rule: float,
    networks: Mapping[str, Transformer],
    task: RepeatedSubsequencesTask,
    *,
    seed: int,
) -> Claim:
    n_examples = len(circuit.repeats.examples)
    controls = (
        Control(name, score_fresh(network, task, n_examples, seed=seed).accuracy / by_rule)
        for name, network in networks.items()
    )
    return _TASK.tested(circuit.interventions.baseline.accuracy / by_rule, controls)


def _score_claims(circuit: InductionCircuit, networks: Mapping[str, Transformer]) -> list[Claim]:
    others = {name: head_scores(network, circuit.repeats) for name, network in networks.items()}
    layers = range(max(1, len(circuit.model.blocks) - 1))

    def highest_previous(scores: HeadScores) -> float:
        return float(scores.previous_token[list(layers)].max()) / circuit.uniform

    def controls(measure: Callable[[HeadScores], float]) -> tuple[Control, ...]:
        return tuple(Control(name, measure(scores)) for name, scores in others.items())

    copying = [float(circuit.scores.copying[head]) for head in circuit.induction]
    return [
        _PREVIOUS_TOKEN.tested(highest_previous(circuit.scores), controls(highest_previous)),
        _PREFIX_MATCHING.tested(
            float(circuit.scores.prefix_matching.max()),
            (
                *controls(lambda scores: float(scores.prefix_matching.max())),
                Control("matches of another sequence", _mismatched(circuit)),
            ),
        ),
        _COPYING.tested(
            sum(copying) / len(copying) if copying else 0.0,
            controls(lambda scores: float(scores.copying.max(dim=1).values.mean())),
        ),
    ]


def _mismatched(circuit: InductionCircuit) -> float:
    """Return the highest prefix-matching score for where the matches of another sequence are."""
    other = Repeats(circuit.repeats.examples, circuit.repeats.matches.roll(1, 0), circuit.repeats.queries)
    return float(head_scores(circuit.model, other).prefix_matching.max())


def _causal_claims(circuit: InductionCircuit) -> list[Claim]:
    interventions, repeats = circuit.interventions, circuit.repeats
    whole = max(interventions.baseline.accuracy, 1e-9)

    def kept(hooks: Mapping[str, Hook]) -> float:
        return interventions.accuracy(hooks) / whole

    def hidden(reading: Reading) -> float:
        readers = interventions.heads_of(circuit.induction[0][0])
        return 1 - kept(interventions.path_patch(circuit.previous, readers, reading))

    def not_looking_back(distance: int) -> float:
        places = at_distance(repeats.examples.tokens.shape[1], distance)
        blind = {head: interventions.pattern(head).masked_fill(places, 0) for head in circuit.previous}
        return 1 - kept(interventions.set_patterns(blind))

    def attending(pattern: Tensor) -> float:
        return kept(interventions.set_patterns(dict.fromkeys(circuit.induction, pattern)))

    ideal = repeats.matching_pattern
    claims = [
        _COMPOSITION.tested(
            hidden("K"),
            (Control("hidden from the queries", hidden("Q")), Control("hidden from the values", hidden("V"))),
        ),
        _MATCHING.tested(
            attending(ideal),
            (
                Control("matches of another sequence", attending(ideal.roll(1, 0))),
                Control("their mean attention", kept(interventions.freeze_patterns(circuit.induction))),
            ),
        ),
        _ONE_TOKEN_BACK.tested(
            not_looking_back(1),
            (Control("to the token itself", not_looking_back(0)), Control("two places back", not_looking_back(2))),
        ),
    ]
    inside = {*circuit.previous, *circuit.induction}
    others = [head for head in interventions.heads if head not in inside]
    if others:  # otherwise the circuit is the network
        control = Control("the other heads alone", kept(interventions.mean_ablate(inside)))
        claims.append(_SUFFICIENT.tested(kept(interventions.mean_ablate(others)), (control,)))
    return claims
