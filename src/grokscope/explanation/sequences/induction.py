"""The explanation of a network that continues repeated subsequences: previous-token heads and induction heads.

The circuit (Elhage et al. 2021; Olsson et al. 2022): heads of an early layer write at every position which token
stood before it; heads of a later layer look for positions whose *previous* token is the present one (their keys read
what the earlier heads wrote: K-composition), and copy the token that stands there.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from grokscope.analysis.fresh_examples import fresh_examples, score_fresh
from grokscope.analysis.sequences.heads import composition_by_chance, composition_scores
from grokscope.analysis.sequences.induction import (
    HeadScores,
    Repeats,
    at_distance,
    head_scores,
    uniform_previous_token_score,
)
from grokscope.explanation.base import CircuitExplanation, Findings
from grokscope.explanation.claims import Claim, Control
from grokscope.explanation.controls import control_networks
from grokscope.explanation.sequences.head_interventions import Head, Reading, Watched
from grokscope.explanation.subject import SequenceSubject
from grokscope.models import Transformer
from grokscope.models.hooks import Hook
from grokscope.tasks import RepeatedSubsequencesTask

N_EXAMPLES = 256
"""Fresh sequences on which everything is measured."""

NEARLY = 0.9
"""The network does the task if it is right nearly as often as the induction rule."""
PREVIOUS = 1.5
"""A previous-token head attends to the previous token this many times as much as uniform attention does."""
MATCHING = 0.3
"""An induction head has at least this prefix-matching score; uniform attention has about 0.03."""
COPIES = 0.8
"""Induction heads have at least this copying score on average; random weights have about 0."""
CAUSAL = 0.8
"""An intervention that cuts the circuit loses this share of the accuracy; one that keeps it, keeps this share."""
MOST = 0.5
"""The heads of the circuit alone keep more than this share of the accuracy."""

_NEEDS = frozenset({"task", "matching", "composition"})


@dataclass(frozen=True, eq=False)
class _Circuit:
    watched: Watched
    repeats: Repeats
    scores: HeadScores
    uniform: float
    """Previous-token score of uniform attention."""
    previous: list[Head]
    induction: list[Head]
    """Heads of one later layer, that with the most of them."""


def explain_induction(subject: SequenceSubject, task: RepeatedSubsequencesTask, *, seed: int) -> CircuitExplanation:
    """Return what a network that continues repeated subsequences computes."""
    began = time.perf_counter()
    examples = fresh_examples(task, N_EXAMPLES, seed=seed)
    repeats = Repeats.of(examples, task.target_positions)
    circuit = _find(subject.model, task, repeats)
    rule_loss, rule_accuracy = repeats.rule()
    score = circuit.watched.score
    controls = control_networks(subject, seed=seed)
    claims = [_task_claim(score.accuracy, rule_accuracy, controls, task, seed=seed)]
    claims += _score_claims(circuit, controls)
    notes = list(subject.notes)
    if circuit.induction and circuit.previous:
        claims += _causal_claims(circuit)
    else:
        claims.append(_missing())
        notes.append(_what_is_missing(circuit))
    return CircuitExplanation(
        subject=subject.name,
        step=subject.step,
        task="repeated subsequences",
        accuracy=score.accuracy,
        loss=score.loss,
        claims=tuple(claims),
        needs=_NEEDS,
        circuit=f"induction by {_named(circuit.induction)} reading {_named(circuit.previous)}",
        facts=(
            ("the induction rule", f"{rule_accuracy:.2%} right, {rule_loss:.3g} nats on the same sequences"),
            ("previous-token heads", _named(circuit.previous)),
            ("induction heads", _named(circuit.induction)),
        ),
        findings=_findings(circuit),
        notes=tuple(notes),
        seconds=time.perf_counter() - began,
    )


def _find(model: Transformer, task: RepeatedSubsequencesTask, repeats: Repeats) -> _Circuit:
    scores = head_scores(model, repeats)
    uniform = uniform_previous_token_score(task.n_ctx)
    matching = (scores.prefix_matching >= MATCHING).nonzero().tolist()
    by_layer = {layer: [(at, head) for at, head in matching if at == layer] for layer, _ in matching}
    induction = max(by_layer.values(), key=len, default=[])
    first = induction[0][0] if induction else len(model.blocks)
    previous = [
        (layer, head)
        for layer, head in (scores.previous_token >= PREVIOUS * uniform).nonzero().tolist()
        if layer < first
    ]
    return _Circuit(Watched.on(model, task, repeats.examples), repeats, scores, uniform, previous, induction)


def _task_claim(
    right: float, by_rule: float, networks: dict[str, Transformer], task: RepeatedSubsequencesTask, *, seed: int
) -> Claim:
    controls = tuple(
        Control(name, score_fresh(network, task, N_EXAMPLES, seed=seed).accuracy / by_rule)
        for name, network in networks.items()
    )
    return Claim(
        "task",
        "The network continues repeated subsequences",
        "share of repeated tokens predicted, over that of the induction rule",
        right / by_rule,
        NEARLY,
        controls,
    )


def _score_claims(circuit: _Circuit, networks: dict[str, Transformer]) -> list[Claim]:
    others = {name: head_scores(network, circuit.repeats) for name, network in networks.items()}
    layers = range(max(1, len(circuit.watched.model.blocks) - 1))

    def highest_previous(scores: HeadScores) -> float:
        return float(scores.previous_token[list(layers)].max()) / circuit.uniform

    def controls(measure: Callable[[HeadScores], float]) -> tuple[Control, ...]:
        return tuple(Control(name, measure(scores)) for name, scores in others.items())

    induction = circuit.induction
    copying = [float(circuit.scores.copying[head]) for head in induction]
    return [
        Claim(
            "previous token",
            "A head of an early layer attends to the previous token",
            "highest previous-token score, over that of uniform attention",
            highest_previous(circuit.scores),
            PREVIOUS,
            controls(highest_previous),
        ),
        Claim(
            "prefix matching",
            "A head attends to what came after the token before",
            "highest prefix-matching score",
            float(circuit.scores.prefix_matching.max()),
            MATCHING,
            (
                *controls(lambda scores: float(scores.prefix_matching.max())),
                Control("matches of another sequence", _mismatched(circuit)),
            ),
        ),
        Claim(
            "copying",
            "Induction heads copy the token that they attend to",
            "mean copying score of the induction heads",
            sum(copying) / len(copying) if copying else 0.0,
            COPIES,
            controls(lambda scores: float(scores.copying.max(dim=1).values.mean())),
        ),
    ]


def _mismatched(circuit: _Circuit) -> float:
    """Return the highest prefix-matching score for where the matches of another sequence are."""
    other = Repeats(circuit.repeats.examples, circuit.repeats.matches.roll(1, 0), circuit.repeats.queries)
    return float(head_scores(circuit.watched.model, other).prefix_matching.max())


def _causal_claims(circuit: _Circuit) -> list[Claim]:
    watched, repeats = circuit.watched, circuit.repeats
    whole = max(watched.score.accuracy, 1e-9)

    def kept(hooks: Mapping[str, Hook]) -> float:
        return watched.accuracy(hooks) / whole

    def hidden(reading: Reading) -> float:
        return 1 - kept(watched.hidden_from(circuit.previous, watched.heads_of(circuit.induction[0][0]), reading))

    def not_looking_back(distance: int) -> float:
        places = at_distance(repeats.examples.tokens.shape[1], distance)
        blind = {head: watched.pattern(head).masked_fill(places, 0) for head in circuit.previous}
        return 1 - kept(watched.with_patterns(blind))

    def attending(pattern: Tensor) -> float:
        return kept(watched.with_patterns(dict.fromkeys(circuit.induction, pattern)))

    ideal = repeats.matching_pattern
    claims = [
        Claim(
            "composition",
            "Keys of the induction heads' layer read what the previous-token heads wrote (K-composition)",
            "share of the accuracy lost with it hidden from the keys",
            hidden("K"),
            CAUSAL,
            (Control("hidden from the queries", hidden("Q")), Control("hidden from the values", hidden("V"))),
        ),
        Claim(
            "matching",
            "Where the induction heads look is where the token came before",
            "share of the accuracy kept with their attention replaced by exact matches",
            attending(ideal),
            CAUSAL,
            (
                Control("matches of another sequence", attending(ideal.roll(1, 0))),
                Control("their mean attention", kept(watched.with_mean_patterns(circuit.induction))),
            ),
        ),
        Claim(
            "one token back",
            "What previous-token heads bring is the token one place back",
            "share of the accuracy lost with their attention there set to zero",
            not_looking_back(1),
            CAUSAL,
            (Control("to the token itself", not_looking_back(0)), Control("two places back", not_looking_back(2))),
        ),
    ]
    return claims + _sufficiency(circuit, kept)


def _sufficiency(circuit: _Circuit, kept: Callable[[Mapping[str, Hook]], float]) -> list[Claim]:
    """Return the claim that the circuit's heads are enough; none where the network has no others."""
    inside = {*circuit.previous, *circuit.induction}
    others = [head for head in circuit.watched.heads if head not in inside]
    if not others:
        return []
    return [
        Claim(
            "sufficient",
            "The circuit's heads are enough for most of it",
            "share of the accuracy kept with all other heads at their mean",
            kept(circuit.watched.without(others)),
            MOST,
            (Control("the other heads alone", kept(circuit.watched.without(inside))),),
        )
    ]


def _missing() -> Claim:
    return Claim(
        "composition", "Keys of induction heads read what previous-token heads wrote (K-composition)",
        "share of the accuracy lost with it hidden from the keys", 0.0, CAUSAL, (),
    )  # fmt: skip


def _what_is_missing(circuit: _Circuit) -> str:
    if len(circuit.watched.model.blocks) == 1:
        return "a network with one layer has no heads that could read what others wrote, so it cannot do induction"
    if not circuit.induction:
        return f"no head has a prefix-matching score of {MATCHING}, so there is no circuit to cut"
    return f"no head before the induction heads attends to the previous token {PREVIOUS} times as much as evenly"


def _findings(circuit: _Circuit) -> tuple[Findings, ...]:
    watched, scores = circuit.watched, circuit.scores
    rows = []
    for layer, head in watched.heads:
        each = (layer, head)
        rows.append(
            {
                "head": f"{layer}.{head}",
                "previous token": float(scores.previous_token[each]),
                "prefix matching": float(scores.prefix_matching[each]),
                "copying": float(scores.copying[each]),
                "accuracy without it": watched.accuracy(watched.without([each])),
                "accuracy, pattern frozen": watched.accuracy(watched.with_mean_patterns([each])),
            }
        )
    tables = [Findings("Heads", pd.DataFrame(rows))]
    if len(watched.model.blocks) > 1:
        tables.append(Findings("Composition: what later heads read", _composition(watched.model)))
    return tuple(tables)


def _composition(model: Transformer) -> pd.DataFrame:
    config = model.config
    rows = []
    for later in range(1, config.n_layers):
        for layer in range(later):
            scores = composition_scores(model, layer, later)
            for head in range(config.n_heads):
                row: dict[str, object] = {"written by": f"{layer}.{head}"}
                for letter, values in scores.items():
                    best = int(values[head].argmax())
                    row[letter] = float(values[head].mean())
                    row[f"{letter}, most by"] = f"{later}.{best}: {float(values[head, best]):.2f}"
                rows.append(row)
    chance = composition_by_chance(config.d_model, config.d_head)
    nobody = {f"{letter}, most by": "" for letter in ("K", "Q", "V")}
    rows.append({"written by": "random weights", **dict.fromkeys(("K", "Q", "V"), chance), **nobody})
    return pd.DataFrame(rows)


def _named(heads: list[Head]) -> str:
    return ", ".join(f"{layer}.{head}" for layer, head in heads) or "none found"
