"""Tests of the circuit that finds and answers triggers, and their thresholds."""

from collections.abc import Callable, Mapping
from enum import StrEnum

import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.analysis.sequences.skip_trigrams import Readout, answers_with, looks_for, readout
from grokscope.explanation.claims import DOES_TASK, Claim, ClaimSpec, Control, required_ids
from grokscope.explanation.sequences.skip_trigrams.circuit import Trigrams
from grokscope.randomness import stream
from grokscope.tasks import SkipTrigramsTask

RIGHT = 0.99
"""The network does the task if this share of the answers is right."""
ATTENDED = 0.5
"""The query gives the trigger more than this of its attention."""
CAUSAL = 0.95
"""An interchange is followed, or an intervention survived, in this share of the sequences."""
READ = 0.95
"""What the tables must get right."""


class TrigramClaim(StrEnum):
    """The ids of the claims."""

    TASK = DOES_TASK
    ATTENTION = "attention"
    TRIGGER_ALONE = "trigger-alone"
    VALUE = "value"
    QK_READOUT = "qk-readout"
    OV_READOUT = "ov-readout"
    TABLES = "tables"


_TASK = ClaimSpec(
    TrigramClaim.TASK, "task", "The network answers triggers", "share answered right", RIGHT, required=True
)
_ATTENTION = ClaimSpec(
    TrigramClaim.ATTENTION, "attention", "The query attends to the trigger", "mean attention to it", ATTENDED
)
_TRIGGER_ALONE = ClaimSpec(
    TrigramClaim.TRIGGER_ALONE,
    "trigger alone",
    "Attention to the trigger alone is enough",
    "share answered right with all attention of the query on it",
    CAUSAL,
    required=True,
)
_VALUE = ClaimSpec(
    TrigramClaim.VALUE,
    "value",
    "What the trigger's value says is the answer",
    "share of answers that follow another trigger's value put in its place",
    CAUSAL,
)
_QK_READOUT = ClaimSpec(
    TrigramClaim.QK_READOUT,
    "QK readout",
    "The weights look for triggers",
    "share of pairs of a trigger and another token in which the trigger has the higher score",
    READ,
)
_OV_READOUT = ClaimSpec(
    TrigramClaim.OV_READOUT,
    "OV readout",
    "The weights answer every trigger",
    "share of triggers whose right answer is raised most",
    READ,
)
_TABLES = ClaimSpec(
    TrigramClaim.TABLES,
    "tables",
    "Two tables, one score and one output a token, are the network",
    "share answered right by the tables alone",
    READ,
)
REQUIRED = required_ids((_TASK, _TRIGGER_ALONE))


def trigram_claims(whole: Trigrams, others: Mapping[str, Trigrams], *, seed: int) -> list[Claim]:
    """Return the claims about what a network on skip trigrams does, each with its controls.

    Args:
        whole: the network on fresh sequences.
        others: control networks on the same sequences, by name.
        seed: draws places where no trigger stands.
    """
    length = whole.task.config.length
    elsewhere = 1 + torch.randint(length, whole.places.shape, generator=stream("elsewhere", seed))
    return [
        _task_claim(whole, others),
        _attention_claim(whole, elsewhere, others),
        _trigger_alone(whole, elsewhere),
        _value_claim(whole, elsewhere, others),
    ]


def _task_claim(whole: Trigrams, others: Mapping[str, Trigrams]) -> Claim:
    controls = [Control(name, other.interventions.baseline.accuracy) for name, other in others.items()]
    controls.append(Control("guessing", 1 / whole.task.config.n_triggers))
    return _TASK.tested(whole.interventions.baseline.accuracy, controls)


def _attention_claim(whole: Trigrams, elsewhere: Int[Tensor, " b"], others: Mapping[str, Trigrams]) -> Claim:
    return _ATTENTION.tested(
        whole.attention(whole.places),
        (
            Control("a random place", whole.attention(elsewhere)),
            *(Control(name, other.attention(other.places)) for name, other in others.items()),
        ),
    )


def _trigger_alone(whole: Trigrams, elsewhere: Int[Tensor, " b"]) -> Claim:
    """All attention of the query put on one place: enough where that is the trigger's."""
    interventions = whole.interventions

    def right(places: Int[Tensor, " b"]) -> float:
        rows = torch.arange(len(places))
        patterns = {}
        for head in interventions.heads:
            pattern = interventions.pattern(head).clone()
            pattern[:, -1] = 0
            pattern[rows, -1, places] = 1
            patterns[head] = pattern
        return interventions.accuracy(interventions.set_patterns(patterns))

    return _TRIGGER_ALONE.tested(right(whole.places), (Control("on a random place", right(elsewhere)),))


def _value_claim(whole: Trigrams, elsewhere: Int[Tensor, " b"], others: Mapping[str, Trigrams]) -> Claim:
    """The value at the trigger's place taken from another trigger: the answer becomes that trigger's."""

    def follows(which: Trigrams, places: Int[Tensor, " b"]) -> float:
        rows = torch.arange(len(places))
        donor = torch.arange(len(places)).roll(1)
        other = which.answers[donor]
        differs = other != which.answers

        def hook(v: Tensor) -> Tensor:
            changed = v.clone()
            changed[rows, places] = v[donor, which.places[donor]]
            return changed

        with torch.no_grad():
            logits = which.model.run_with_hooks(which.interventions.examples.tokens, {"blocks.0.attn.hook_v": hook})
        return float((logits[:, -1].argmax(1) == other)[differs].float().mean())

    return _VALUE.tested(
        follows(whole, whole.places),
        (
            Control("put in a random place", follows(whole, elsewhere)),
            *(Control(name, follows(other, other.places)) for name, other in others.items()),
        ),
    )


def readout_claims(whole: Trigrams, tables: Readout, others: Mapping[str, Trigrams], *, seed: int) -> list[Claim]:
    """Return the claims about what the weights say, of a network that is its two ``tables`` and nothing else."""
    task = whole.task
    read = {name: readout(other.model, task) for name, other in others.items()}
    mixed = _mixed(tables, task, seed=seed)

    def right(which: Readout) -> float:
        answers = which.logits(whole.interventions.examples.tokens).argmax(1)
        return float((answers == whole.answers).float().mean())

    def against(measure: Callable[[Readout], float]) -> tuple[Control, ...]:
        return tuple(Control(name, measure(other)) for name, other in read.items())

    return [
        _QK_READOUT.tested(
            looks_for(tables.scores, task.triggers, task.background),
            against(lambda each: looks_for(each.scores, task.triggers, task.background)),
        ),
        _OV_READOUT.tested(
            answers_with(tables.outputs, task.triggers),
            (
                *against(lambda each: answers_with(each.outputs, task.triggers)),
                Control("triggers' outputs exchanged at random", answers_with(mixed.outputs, task.triggers)),
            ),
        ),
        _TABLES.tested(
            right(tables),
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
