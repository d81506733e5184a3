"""Finding where a network on skip trigrams looks, and what its weights say of every token."""

from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Int
from torch import Tensor

from grokscope.analysis.fresh_examples import fresh_examples
from grokscope.analysis.sequences.skip_trigrams import Readout
from grokscope.display import brief_repr
from grokscope.explanation.base import Findings
from grokscope.explanation.sequences.head_interventions import HeadInterventions
from grokscope.models import Transformer
from grokscope.tasks import SkipTrigramsTask

N_EXAMPLES = 1000
"""Fresh sequences on which everything is measured."""


@dataclass(frozen=True, eq=False)
class Trigrams:
    """A network on fresh sequences, and where the trigger stands in each."""

    model: Transformer
    task: SkipTrigramsTask
    interventions: HeadInterventions
    places: Int[Tensor, " b"]
    """Where the trigger stands."""

    __repr__ = brief_repr

    @property
    def answers(self) -> Int[Tensor, " b"]:
        """The right answers."""
        return self.interventions.examples.targets[:, 0]

    def attention(self, places: Int[Tensor, " b"]) -> float:
        """Return the mean attention of the query to ``places``, of the head and layer that has most."""
        rows = torch.arange(len(places))
        return max(
            float(self.interventions.pattern(head)[rows, -1, places].mean()) for head in self.interventions.heads
        )


def observe(model: Transformer, task: SkipTrigramsTask, *, seed: int) -> Trigrams:
    """Return the network on fresh sequences."""
    examples = fresh_examples(task, N_EXAMPLES, seed=seed)
    places = (examples.tokens >= task.triggers.start).long().argmax(1)
    return Trigrams(model, task, HeadInterventions.on(model, task, examples), places)


def findings(tables: Readout, task: SkipTrigramsTask) -> Findings:
    """Return what the weights say of every token."""
    rows = []
    names = {**{token: f"trigger {m}" for m, token in enumerate(task.triggers)}, 0: "first token", 1: "query"}
    highest = tables.scores.argmax(0)
    for token in [*task.triggers, *task.background, 0, 1]:
        raised = tables.outputs.sum(0)[token]
        rows.append(
            {
                "token": names.get(token, f"noise {token}"),
                "score": float(tables.scores[:, token].max()),
                "head": int(highest[token]),
                "raises most": int(raised.argmax()),
                "by": float(raised.max() - raised.mean()),
            }
        )
    return Findings("Readout of the weights", pd.DataFrame(rows))
