"""Finding the circuit that continues repeated subsequences: previous-token heads and induction heads.

The circuit (Elhage et al. 2021; Olsson et al. 2022): heads of an early layer write at every position which token
stood before it; heads of a later layer look for positions whose *previous* token is the present one (their keys read
what the earlier heads wrote: K-composition), and copy the token that stands there.
"""

from dataclasses import dataclass

import pandas as pd

from grokscope.analysis.sequences.heads import composition_by_chance, composition_scores
from grokscope.analysis.sequences.induction import HeadScores, Repeats, head_scores, uniform_previous_token_score
from grokscope.display import brief_repr
from grokscope.explanation.base import Findings
from grokscope.explanation.sequences.head_interventions import Head, HeadInterventions
from grokscope.models import Transformer
from grokscope.tasks import RepeatedSubsequencesTask

PREVIOUS = 1.5
"""A previous-token head attends to the previous token this many times as much as uniform attention does."""
MATCHING = 0.3
"""An induction head has at least this prefix-matching score; uniform attention has about 0.03."""


@dataclass(frozen=True, eq=False)
class InductionCircuit:
    """The heads that a network is claimed to do induction with."""

    interventions: HeadInterventions
    repeats: Repeats
    scores: HeadScores
    uniform: float
    """Previous-token score of uniform attention."""
    previous: list[Head]
    induction: list[Head]
    """Heads of one later layer, that with the most of them."""

    __repr__ = brief_repr

    @property
    def model(self) -> Transformer:
        """The network."""
        return self.interventions.model

    def what_is_missing(self) -> str | None:
        """Return why there is no circuit to cut; None where both kinds of heads were found."""
        if self.induction and self.previous:
            return None
        if len(self.model.blocks) == 1:
            return "a network with one layer has no heads that could read what others wrote, so it cannot do induction"
        if not self.induction:
            return f"no head has a prefix-matching score of {MATCHING}, so there is no circuit to cut"
        return f"no head before the induction heads attends to the previous token {PREVIOUS} times as much as evenly"


def find_circuit(model: Transformer, task: RepeatedSubsequencesTask, repeats: Repeats) -> InductionCircuit:
    """Return the heads that score as previous-token and as induction heads on ``repeats``."""
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
    interventions = HeadInterventions.on(model, task, repeats.examples)
    return InductionCircuit(interventions, repeats, scores, uniform, previous, induction)


def findings(circuit: InductionCircuit) -> tuple[Findings, ...]:
    """Return the scores of every head, what is left without it, and what later heads read of earlier ones."""
    interventions, scores = circuit.interventions, circuit.scores
    rows = []
    for layer, head in interventions.heads:
        each = (layer, head)
        rows.append(
            {
                "head": f"{layer}.{head}",
                "previous token": float(scores.previous_token[each]),
                "prefix matching": float(scores.prefix_matching[each]),
                "copying": float(scores.copying[each]),
                "accuracy without it": interventions.accuracy(interventions.mean_ablate([each])),
                "accuracy, pattern frozen": interventions.accuracy(interventions.freeze_patterns([each])),
            }
        )
    tables = [Findings("Heads", pd.DataFrame(rows))]
    if len(interventions.model.blocks) > 1:
        tables.append(Findings("Composition: what later heads read", _composition(interventions.model)))
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


def named(heads: list[Head]) -> str:
    """Return heads as ``layer.head``."""
    return ", ".join(f"{layer}.{head}" for layer, head in heads) or "none found"
