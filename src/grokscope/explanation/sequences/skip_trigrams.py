"""The explanation of a network on skip trigrams: it looks for a trigger (QK), and says what follows it (OV)."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.analysis.fresh_examples import fresh_examples
from grokscope.analysis.sequences.skip_trigrams import Readout, answers_with, is_readable, looks_for, readout
from grokscope.explanation.base import CircuitExplanation, Findings
from grokscope.explanation.claims import Claim, Control
from grokscope.explanation.controls import control_networks
from grokscope.explanation.sequences.head_interventions import Watched
from grokscope.explanation.subject import SequenceSubject
from grokscope.models import Transformer
from grokscope.randomness import stream
from grokscope.tasks import SkipTrigramsTask

N_EXAMPLES = 1000
"""Fresh sequences on which everything is measured."""

RIGHT = 0.99
"""The network does the task if this share of the answers is right."""
ATTENDED = 0.5
"""The query gives the trigger more than this of its attention."""
CAUSAL = 0.95
"""An interchange is followed, or an intervention survived, in this share of the sequences."""
READ = 0.95
"""What the tables must get right."""

_NEEDS = frozenset({"task", "trigger alone"})


@dataclass(frozen=True, eq=False)
class _Trigrams:
    model: Transformer
    task: SkipTrigramsTask
    watched: Watched
    places: Int[Tensor, " b"]
    """Where the trigger stands."""

    @property
    def answers(self) -> Int[Tensor, " b"]:
        """The right answers."""
        return self.watched.examples.targets[:, 0]

    def attention(self, places: Int[Tensor, " b"]) -> float:
        """Return the mean attention of the query to ``places``, of the head and layer that has most."""
        rows = torch.arange(len(places))
        return max(float(self.watched.pattern(head)[rows, -1, places].mean()) for head in self.watched.heads)


def explain_skip_trigrams(subject: SequenceSubject, task: SkipTrigramsTask, *, seed: int) -> CircuitExplanation:
    """Return how a network finds and answers triggers."""
    began = time.perf_counter()
    whole = _watch(subject.model, task, seed=seed)
    others = {name: _watch(network, task, seed=seed) for name, network in control_networks(subject, seed=seed).items()}
    elsewhere = 1 + torch.randint(task.config.length, whole.places.shape, generator=stream("elsewhere", seed))
    claims = [_task_claim(whole, others), _attention_claim(whole, elsewhere, others)]
    claims += [_trigger_alone(whole, elsewhere), _value_claim(whole, elsewhere, others)]
    notes, findings = list(subject.notes), ()
    if is_readable(subject.model):
        tables = readout(subject.model, task)
        claims += _readout_claims(whole, tables, others, seed=seed)
        findings = (Findings("Readout of the weights", _table(tables, task)),)
    else:
        notes.append("QK and OV tables are the whole network only of one attention-only layer without LayerNorm")
    score = whole.watched.score
    return CircuitExplanation(
        subject=subject.name,
        step=subject.step,
        task="skip trigrams",
        accuracy=score.accuracy,
        loss=score.loss,
        claims=tuple(claims),
        needs=_NEEDS,
        circuit="attention to the trigger (QK), which says the answer (OV)",
        facts=(("attention to the trigger", f"{whole.attention(whole.places):.1%}"),),
        findings=findings,
        notes=tuple(notes),
        seconds=time.perf_counter() - began,
    )


def _watch(model: Transformer, task: SkipTrigramsTask, *, seed: int) -> _Trigrams:
    examples = fresh_examples(task, N_EXAMPLES, seed=seed)
    places = (examples.tokens >= task.triggers.start).long().argmax(1)
    return _Trigrams(model, task, Watched.on(model, task, examples), places)


def _task_claim(whole: _Trigrams, others: dict[str, _Trigrams]) -> Claim:
    controls = [Control(name, other.watched.score.accuracy) for name, other in others.items()]
    controls.append(Control("guessing", 1 / whole.task.config.n_triggers))
    right = whole.watched.score.accuracy
    return Claim("task", "The network answers triggers", "share answered right", right, RIGHT, tuple(controls))


def _attention_claim(whole: _Trigrams, elsewhere: Int[Tensor, " b"], others: dict[str, _Trigrams]) -> Claim:
    return Claim(
        "attention",
        "The query attends to the trigger",
        "mean attention to it",
        whole.attention(whole.places),
        ATTENDED,
        (
            Control("a random place", whole.attention(elsewhere)),
            *(Control(name, other.attention(other.places)) for name, other in others.items()),
        ),
    )


def _trigger_alone(whole: _Trigrams, elsewhere: Int[Tensor, " b"]) -> Claim:
    """All attention of the query put on one place: enough where that is the trigger's."""
    watched = whole.watched

    def right(places: Int[Tensor, " b"]) -> float:
        rows = torch.arange(len(places))
        patterns = {}
        for head in watched.heads:
            pattern = watched.pattern(head).clone()
            pattern[:, -1] = 0
            pattern[rows, -1, places] = 1
            patterns[head] = pattern
        return watched.accuracy(watched.with_patterns(patterns))

    return Claim(
        "trigger alone",
        "Attention to the trigger alone is enough",
        "share answered right with all attention of the query on it",
        right(whole.places),
        CAUSAL,
        (Control("on a random place", right(elsewhere)),),
    )


def _value_claim(whole: _Trigrams, elsewhere: Int[Tensor, " b"], others: dict[str, _Trigrams]) -> Claim:
    """The value at the trigger's place taken from another trigger: the answer becomes that trigger's."""

    def follows(which: _Trigrams, places: Int[Tensor, " b"]) -> float:
        rows = torch.arange(len(places))
        donor = torch.arange(len(places)).roll(1)
        other = which.answers[donor]
        differs = other != which.answers

        def hook(v: Tensor) -> Tensor:
            changed = v.clone()
            changed[rows, places] = v[donor, which.places[donor]]
            return changed

        with torch.no_grad():
            logits = which.model.run_with_hooks(which.watched.examples.tokens, {"blocks.0.attn.hook_v": hook})
        return float((logits[:, -1].argmax(1) == other)[differs].float().mean())

    return Claim(
        "value",
        "What the trigger's value says is the answer",
        "share of answers that follow another trigger's value put in its place",
        follows(whole, whole.places),
        CAUSAL,
        (
            Control("put in a random place", follows(whole, elsewhere)),
            *(Control(name, follows(other, other.places)) for name, other in others.items()),
        ),
    )


def _readout_claims(whole: _Trigrams, tables: Readout, others: dict[str, _Trigrams], *, seed: int) -> list[Claim]:
    task = whole.task
    read = {name: readout(other.model, task) for name, other in others.items()}
    mixed = _mixed(tables, task, seed=seed)

    def right(which: Readout) -> float:
        said = which.logits(whole.watched.examples.tokens).argmax(1)
        return float((said == whole.answers).float().mean())

    def against(measure: Callable[[Readout], float]) -> tuple[Control, ...]:
        return tuple(Control(name, measure(other)) for name, other in read.items())

    return [
        Claim(
            "QK readout",
            "The weights look for triggers",
            "share of pairs of a trigger and another token in which the trigger has the higher score",
            looks_for(tables.scores, task.triggers, task.background),
            READ,
            against(lambda each: looks_for(each.scores, task.triggers, task.background)),
        ),
        Claim(
            "OV readout",
            "The weights answer every trigger",
            "share of triggers whose right answer is raised most",
            answers_with(tables.outputs, task.triggers),
            READ,
            (
                *against(lambda each: answers_with(each.outputs, task.triggers)),
                Control("triggers' outputs exchanged at random", answers_with(mixed.outputs, task.triggers)),
            ),
        ),
        Claim(
            "tables",
            "Two tables, one score and one output a token, are the network",
            "share answered right by the tables alone",
            right(tables),
            READ,
            (*against(right), Control("triggers' outputs exchanged at random", right(mixed))),
        ),
    ]


def _mixed(tables: Readout, task: SkipTrigramsTask, *, seed: int) -> Readout:
    triggers = torch.tensor(list(task.triggers))
    # a cyclic shift of a random order: no trigger keeps its own output
    order = triggers[torch.randperm(len(triggers), generator=stream("exchanged", seed))]
    outputs: Float[Tensor, "h d_vocab d_vocab_out"] = tables.outputs.clone()
    outputs[:, order] = tables.outputs[:, order.roll(1)]
    return Readout(tables.scores, outputs, tables.constant)


def _table(tables: Readout, task: SkipTrigramsTask) -> pd.DataFrame:
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
    return pd.DataFrame(rows)
