"""What was planted is recovered; what only looks like a circuit is never explained."""

import json

import pytest
import torch
from known_networks import program_of, task_of

from grokscope.errors import ConfigError
from grokscope.explanation import Subject, explain
from grokscope.explanation.synthetic.decoys import lookup_network, masked_lookup, rehearsed, scrambled
from grokscope.explanation.synthetic.planted import plant
from grokscope.models import MLPConfig, TransformerConfig, build_model
from grokscope.tasks.modular.operations import operation_table

pytestmark = pytest.mark.slow


def claims_of(explanation):
    return {claim.name: claim for claim in explanation.claims}


def failing(explanation):
    return {claim.name for claim in explanation.claims if not claim.holds}


@pytest.mark.parametrize(
    ("algorithm", "operation", "p", "frequencies", "changes"),
    [
        ("clock", "add", 59, (3, 17, 29), {}),
        ("clock", "add", 59, (1, 12), {"activation": "quadratic"}),
        ("clock", "add", 37, (2, 5, 11), {"activation": "gelu"}),
        ("clock", "subtract", 41, (4, 20), {}),
        ("clock", "multiply", 43, (5, 8, 13), {}),
        ("clock", "3*a + 5*b + 2", 31, (7, 15), {}),
        ("clock", "add", 48, (5, 11, 17), {}),
        ("pizza", "add", 59, (3, 17, 29), {}),
    ],
)
def test_what_was_planted_is_recovered(planted, algorithm, operation, p, frequencies, changes):
    subject, program = planted(algorithm, operation, p, frequencies, **changes)
    explanation = explain(subject)
    assert not failing(explanation)
    assert explanation.verdict == "explained"
    assert explanation.algorithm == f"{algorithm}-like"
    assert explanation.frequencies.keys == frequencies
    assert explanation.frequencies.weaker == ()
    assert explanation.program is not None
    assert explanation.program.algorithm == algorithm
    assert explanation.program.amplitudes == pytest.approx(program.amplitudes, rel=1e-3)
    assert explanation.phases == pytest.approx([0.0] * len(frequencies), abs=1e-3)
    assert explanation.logit_map_rest == pytest.approx(0, abs=1e-5)
    assert explanation.accuracy == 1
    assert explanation.logit_fve == pytest.approx(1, abs=5e-3)


def test_every_frequency_is_found(planted):
    """The last one, (p − 1)/2, too, which is easily forgotten."""
    for k in range(1, 12):
        subject, _ = planted("clock", "add", 23, (k,), d_model=32, d_mlp=64)
        explanation = explain(subject)
        assert explanation.frequencies.keys == (k,)
        assert explanation.verdict == "explained"


@pytest.mark.parametrize("config", [MLPConfig(d_mlp=300), MLPConfig(combine="sum", d_mlp=200)])
def test_planted_in_an_mlp(planted, config):
    algorithm = "pizza" if config.combine == "sum" else "clock"
    subject, program = planted(algorithm, "add", 47, (6, 19), config)
    explanation = explain(subject)
    assert explanation.verdict == "explained"
    assert explanation.algorithm == f"{algorithm}-like"
    assert explanation.program is not None
    assert explanation.program.amplitudes == pytest.approx(program.amplitudes, rel=1e-3)
    assert explanation.attention == ()
    assert not any("heads" in each.what or "skip" in each.what for each in explanation.ablations)


def test_a_lookup_table_is_not_explained_though_always_right():
    """Its logits are a sum over all frequencies, so enough of them suffice; but none is needed."""
    task = task_of("add", 29)
    explanation = explain(Subject("lookup", lookup_network(task.table), task))
    assert explanation.accuracy == 1
    assert explanation.verdict == "not explained"
    assert explanation.algorithm == "neither"
    assert {"sparse", "formula", "necessary", "neurons: periodic"} <= failing(explanation)


def test_a_lookup_table_that_rehearses_a_circuit_is_not_explained():
    """Its logits are a clock's in every respect; only the neurons are not."""
    task = task_of("add", 29)
    network = rehearsed(program_of(task, "clock", (3, 7, 11)))
    explanation = explain(Subject("rehearsed", network, task))
    assert explanation.accuracy == 1
    assert explanation.logit_fve == pytest.approx(1, abs=1e-6)
    assert explanation.frequencies.keys == (3, 7, 11)
    assert explanation.verdict == "partly explained"
    assert failing(explanation) == {"neurons: periodic"}


@pytest.mark.parametrize("seed", range(3))
def test_a_lookup_table_dressed_as_a_circuit_is_not_explained(seed):
    """Its neurons have three clean clusters, which is all that a correlational measure sees."""
    task = task_of("add", 29)
    program = program_of(task, "clock", (3, 7, 11))
    explanation = explain(Subject("masked", masked_lookup(program, seed=seed), task))
    assert explanation.accuracy == 1
    assert explanation.frequencies.keys == (3, 7, 11)
    assert explanation.frequencies.source == "neuron clusters"
    assert explanation.verdict == "not explained"
    assert {"sparse", "necessary", "neurons: enough", "neurons: needed"} <= failing(explanation)


def test_stating_the_frequencies_does_not_help_a_masked_lookup():
    task = task_of("add", 29)
    program = program_of(task, "clock", (3, 7, 11))
    explanation = explain(Subject("masked", masked_lookup(program, seed=0), task), frequencies=program.frequencies)
    assert explanation.frequencies.source == "stated"
    assert explanation.verdict == "not explained"


def test_scrambled_phases_are_not_explained():
    task = task_of("add", 59)
    program = program_of(task, "clock", (3, 17, 20))
    explanation = explain(Subject("scrambled", plant(scrambled(program, seed=1), TransformerConfig()), task))
    assert explanation.frequencies.keys == (3, 17, 20)  # the spectrum is intact
    assert explanation.verdict == "not explained"
    assert {"task", "program", "sufficient", "necessary"} <= failing(explanation)


def test_random_labels_are_not_explained():
    table = operation_table("random", 23, 0)
    task = task_of("random", 23, table=table)
    explanation = explain(Subject("random", lookup_network(table), task))
    assert explanation.accuracy == 1
    assert explanation.verdict == "not explained"
    assert any("no hypothesis" in note for note in explanation.notes)


@pytest.mark.parametrize("config", [TransformerConfig(), TransformerConfig(attention_only=True), MLPConfig()])
def test_an_untrained_network_is_not_explained(config):
    task = task_of("add", 31, equals_token=isinstance(config, TransformerConfig))
    model = build_model(config, d_vocab=task.d_vocab, d_vocab_out=task.d_vocab_out, n_ctx=task.n_ctx, seed=5)
    explanation = explain(Subject("untrained", model, task))
    assert explanation.verdict == "not explained"
    assert explanation.frequencies.keys == ()
    assert explanation.accuracy < 0.2


def test_half_a_circuit_is_explained_in_part(planted):
    """A network whose answers come from three frequencies, of which two are claimed."""
    subject, _ = planted("clock", "add", 59, (3, 17, 29))
    explanation = explain(subject, frequencies=(3, 17))
    assert explanation.verdict != "explained"
    assert {"sparse", "formula"} & failing(explanation)


def test_the_wrong_frequencies_explain_nothing(planted):
    subject, _ = planted("clock", "add", 59, (3, 17, 29))
    explanation = explain(subject, frequencies=(4, 18, 28))
    assert explanation.verdict == "not explained"
    assert {"sparse", "formula", "sufficient", "necessary", "neurons: enough", "neurons: needed"} <= failing(
        explanation
    )


def test_every_claim_has_a_control_and_a_number(planted):
    subject, _ = planted("clock", "add", 59, (3, 17, 29))
    for claim in explain(subject).claims:
        assert claim.controls, claim.name
        assert claim.statement
        assert claim.measure
        assert all(control.value < claim.threshold for control in claim.controls)


def test_it_is_json_with_the_documented_keys(planted):
    subject, _ = planted("pizza", "add", 37, (3, 7))
    told = json.loads(json.dumps(explain(subject).to_dict(), allow_nan=False))
    for key in ("verdict", "operation", "modulus", "accuracy", "key_frequencies", "logit_fve", "algorithm", "claims"):
        assert key in told
    assert told["key_frequencies"] == [3, 7]
    assert told["modulus"] == 37
    assert {"name", "value", "threshold", "controls", "pass"} <= set(told["claims"][0])


def test_the_same_network_gives_the_same_explanation(planted):
    subject, _ = planted("clock", "add", 37, (3, 7))
    first, second = (explain(subject).to_dict() for _ in range(2))
    first.pop("seconds"), second.pop("seconds")
    assert first == second


def test_the_network_is_left_as_it_was(planted):
    subject, _ = planted("clock", "add", 37, (3, 7))
    before = {name: weight.clone() for name, weight in subject.model.state_dict().items()}
    explain(subject)
    assert all(torch.equal(before[name], weight) for name, weight in subject.model.state_dict().items())


def test_a_modulus_too_large_for_memory_is_refused_at_once():
    task = task_of("add", 503)
    model = build_model(MLPConfig(d_mlp=8), d_vocab=503, d_vocab_out=503, n_ctx=2, seed=0)
    with pytest.raises(ConfigError, match="modulo 503 would take about 6 GB of memory; explain one of at most 500"):
        explain(Subject("large", model, task))
