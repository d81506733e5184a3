"""The explanation of a network that does modular arithmetic: what is measured, and which claims are tested."""

import time
from collections.abc import Sequence
from functools import partial

import torch

from grokscope.analysis.binary.all_pairs import all_pairs_table, train_mask
from grokscope.analysis.modular.attention_fits import AttentionFit, attention_fits
from grokscope.analysis.modular.circle_fits import circle_fits
from grokscope.analysis.modular.clock_pizza import distance_irrelevance, gradient_symmetricity
from grokscope.analysis.modular.coordinates import Coordinates, find_coordinates
from grokscope.analysis.modular.last_layer import LastLayer, record_last_layer
from grokscope.analysis.modular.logit_fits import align, any_envelope_fve, clock_fit, free_phase_fit, pizza_fit
from grokscope.analysis.modular.measures import check_frequencies
from grokscope.analysis.modular.neuron_fits import ReadOutFit, effective_rank, read_out_fits
from grokscope.analysis.modular.neurons import FrequencyMasses, frequency_masses
from grokscope.analysis.modular.progress_measures import (
    accuracy,
    answer_losses,
    excluded_loss,
    mean_loss,
    restricted_loss,
)
from grokscope.errors import NotApplicableError
from grokscope.explanation.claims import Claim, Control
from grokscope.explanation.explain import explain_network
from grokscope.explanation.modular.ablations import ablations
from grokscope.explanation.modular.algorithm import AlgorithmEvidence
from grokscope.explanation.modular.attention_claims import attention_claims, frozen_attention
from grokscope.explanation.modular.controls import ControlNetwork, lookup_table, untrained
from grokscope.explanation.modular.explanation import ModularExplanation
from grokscope.explanation.modular.frequencies import ClaimedFrequencies, claim_frequencies
from grokscope.explanation.modular.logit_claims import each_frequency_claim, fit_of, logit_claims
from grokscope.explanation.modular.neuron_claims import neuron_claims
from grokscope.explanation.modular.program import Program
from grokscope.explanation.modular.specs import REQUIRED, SPARSE, TASK
from grokscope.explanation.subject import Subject
from grokscope.models import MLP, Transformer
from grokscope.progress import SILENT, Progress
from grokscope.tasks import ModularTask

LARGEST = 500
"""Of the group order; the logits of all pairs, and a few changed copies in float64, are held in memory."""
_COPIES = 6


@explain_network.register
@torch.no_grad()
def explain_modular(
    task: ModularTask,
    subject: Subject,
    *,
    frequencies: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> ModularExplanation:
    """Return what the network computes, tested causally and against controls.

    Args:
        task: the subject's.
        subject: the network.
        frequencies: the key frequencies to claim [read off the network].
        seed: draws the controls.
        progress: says what is being done.

    Raises:
        ConfigError: one of ``frequencies`` does not exist.
        NotApplicableError: the modulus is above :data:`LARGEST`.
    """
    began = time.perf_counter()
    coordinates = find_coordinates(task.table)
    if coordinates is None or not subject.recognised:
        return _without_hypothesis(task, subject, began)
    if coordinates.n > LARGEST:
        gigabytes = _COPIES * 8 * coordinates.n**3 / 1e9
        raise NotApplicableError(
            f"explaining a network modulo {task.p} would take about {gigabytes:.0f} GB of memory; explain one "
            f"of at most {LARGEST}, or look at its frequencies with 'grokscope show'"
        )
    progress.message("recording activations")
    layer = record_last_layer(subject.model, task, coordinates)
    masses = None
    if layer.post is not None:
        progress.message("finding the neurons' frequencies")
        masses = frequency_masses(layer.post.unflatten(0, (coordinates.n, coordinates.n)))
    neurons = None if masses is None else masses.frequencies()
    claimed = claim_frequencies(layer.logits, neurons)
    if frequencies is not None:
        check_frequencies(frequencies, coordinates.n)
        claimed = ClaimedFrequencies(tuple(frequencies), (), "stated")
    clusters = {} if neurons is None else neurons.clusters()
    right, loss = accuracy(layer.logits), mean_loss(layer.logits)
    known = partial(
        ModularExplanation,
        subject=subject.name,
        step=subject.step,
        operation=task.operation,
        modulus=task.p,
        accuracy=right,
        loss=loss,
        frequencies=claimed,
        clusters=clusters,
        required=REQUIRED,
    )
    if not claimed.keys:
        nothing = "no frequency has a cluster of neurons, nor a share of the logits worth testing"
        return known(
            claims=(_task_claim(task, right), SPARSE.not_measurable("no key frequency was found")),
            notes=(*subject.notes, nothing, *_chance(task, right)),
            seconds=time.perf_counter() - began,
        )
    circuit = claimed.circuit
    progress.message("telling clock from pizza")
    evidence = _evidence(subject.model, task, layer, circuit, claimed.keys)
    formula = evidence.better_formula
    program = Program.from_fit(fit_of(layer.logits, circuit, formula), coordinates, formula)
    progress.message("testing the claims")
    train = None if subject.step is None else train_mask(task)
    mask = None if train is None else coordinates.of_inputs(train)
    return known(
        evidence=evidence,
        program=program,
        phases=free_phase_fit(align(layer.logits, circuit)).phases,
        logit_map_rest=None if layer.logit_map is None else effective_rank(layer.logit_map, 2 * len(claimed.keys))[1],
        restricted_loss=restricted_loss(layer.logits, claimed.keys),
        excluded_loss=excluded_loss(layer.logits, claimed.keys, mask),
        claims=tuple(_claims(task, subject, coordinates, layer, masses, claimed, program, seed=seed)),
        read_out=_read_out(layer, claimed),
        attention=_attention(layer, coordinates.n),
        ablations=tuple(ablations(layer, neurons, claimed.keys)),
        notes=(*subject.notes, *_chance(task, right)),
        seconds=time.perf_counter() - began,
    )


def _claims(
    task: ModularTask,
    subject: Subject,
    coordinates: Coordinates,
    layer: LastLayer,
    masses: FrequencyMasses | None,
    claimed: ClaimedFrequencies,
    program: Program,
    *,
    seed: int,
) -> list[Claim]:
    networks = [untrained(subject.model, task, coordinates, seed=seed), lookup_table(layer.logits)]
    if subject.memorised is not None:
        logits = coordinates.of_logits(all_pairs_table(subject.memorised, task).logits)
        networks.append(ControlNetwork("the run's own memorising network", logits))
    circuit = claimed.circuit
    claims = logit_claims(layer.logits, circuit, program, networks, seed=seed)
    claims.append(each_frequency_claim(layer.logits, claimed.keys, circuit, seed=seed))
    if masses is not None:
        claims += neuron_claims(layer, masses, claimed, seed=seed)
    return claims + attention_claims(layer, seed=seed)


def _evidence(
    model: Transformer | MLP, task: ModularTask, layer: LastLayer, circuit: Sequence[int], keys: Sequence[int]
) -> AlgorithmEvidence:
    alignment = align(layer.logits, circuit)
    drop = None
    if layer.has_attention:
        drop = accuracy(layer.logits) - accuracy(frozen_attention(layer))
    return AlgorithmEvidence(
        clock_fve=clock_fit(alignment).fve,
        pizza_fve=pizza_fit(alignment).fve,
        any_envelope_fve=any_envelope_fve(alignment),
        circles=tuple(circle_fits(model, task, layer.coordinates, layer.logits, keys)),
        gradient_symmetricity=gradient_symmetricity(model, task),
        distance_irrelevance=distance_irrelevance(layer.logits),
        frozen_attention_drop=drop,
    )


def _read_out(layer: LastLayer, claimed: ClaimedFrequencies) -> tuple[ReadOutFit, ...]:
    logit_map, n = layer.logit_map, layer.coordinates.n
    if layer.post is None or logit_map is None:
        return ()
    return tuple(read_out_fits(layer.post.unflatten(0, (n, n)), logit_map, claimed.keys))


def _attention(layer: LastLayer, n: int) -> tuple[AttentionFit, ...]:
    return () if layer.pattern is None else tuple(attention_fits(layer.pattern.unflatten(0, (n, n))))


def _task_claim(task: ModularTask, right: float) -> Claim:
    chance = Control("guessing", 1 / task.p)
    return TASK.tested(right, (chance,))


def _without_hypothesis(task: ModularTask, subject: Subject, began: float) -> ModularExplanation:
    """Return what can be said of a network whose operation is not addition in any coordinates that we know."""
    logits = all_pairs_table(subject.model, task).logits
    right = float((logits.argmax(2) == task.table).double().mean())
    losses = answer_losses(logits, task.table)
    notes = list(subject.notes)
    if subject.recognised:
        notes.append(
            f"there is no hypothesis to test for {task.operation!r}, which is addition under no names of the residues: "
            f"that is not to say that the network does not compute it"
        )
    return ModularExplanation(
        subject=subject.name,
        step=subject.step,
        operation=task.operation if subject.recognised else None,
        modulus=task.p,
        accuracy=right,
        loss=float(losses.mean()),
        frequencies=ClaimedFrequencies((), (), "none found"),
        required=REQUIRED,
        claims=(_task_claim(task, right), SPARSE.not_measurable("no key frequency was found")),
        notes=(*notes, *(_chance(task, right) if subject.recognised else ())),
        seconds=time.perf_counter() - began,
    )


def _chance(task: ModularTask, right: float) -> tuple[str, ...]:
    """Return what is to be said of a network that knows nothing of the task that it was trained on."""
    guessing = 1 / task.p
    if right >= 2 * guessing:
        return ()
    return (f"the network is at chance: {right:.2%} of the pairs, guessing gives {guessing:.2%}",)
