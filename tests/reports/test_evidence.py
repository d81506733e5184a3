import dataclasses
import re

import pytest

from grokscope.explanation import Claim, ClaimSpec, Control, explain, subject_of_run
from grokscope.reports import read_content
from grokscope.reports.run.evidence import evidence


def claim(name="task", value=1.0, controls=(Control("guessing", 0.1),), threshold=0.99, detail="") -> Claim:
    spec = ClaimSpec(name, name, f"It has {name}", f"share with {name}", threshold)
    return spec.tested(value, controls, detail)


def of(explanation, **changes):
    return evidence(dataclasses.replace(explanation, **changes))


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def facts(told) -> dict[str, str]:
    return {name: plain(value) for name, value in told.facts}


def test_an_explained_network_is_said_to_be(explanation):
    told = evidence(explanation)
    assert told.verdict == (
        "Explained: the network computes a + b mod 13 by a clock-like algorithm, with the key frequencies 2 and 5."
    )
    assert [row.name for row in told.claims] == [each.name for each in explanation.claims]
    assert {row.result for row in told.claims} == {"pass"}
    found = facts(told)
    assert found["Network"] == "of step 20"
    assert found["Operation"] == "a + b mod 13"
    assert found["Accuracy"].startswith("100 % of all pairs, loss ")
    assert re.fullmatch(
        r"2 \(\d+ neurons\), 5 \(\d+ neurons\); read from the neuron clusters", found["Key frequencies"]
    )
    assert found["Algorithm"].startswith("clock-like: gradient symmetricity ")
    assert found["Logits explained"].startswith("99.9 % of the variance as a clock, ")
    assert re.fullmatch(
        r"\S+ nats with the key ones alone \(restricted\), \S+ nats without \(excluded\)", found["Loss by frequencies"]
    )


def test_one_failing_claim_leaves_it_partly_explained(explanation):
    claims = [claim("task"), claim("sparse"), claim("necessary"), claim("formula", 0.2)]
    told = of(explanation, claims=tuple(claims))
    assert told.verdict == (
        "Partly explained: the network does the task, its logits hold few frequencies, and without them it fails; "
        "but 1 of the 4 claims fails: “formula”."
    )
    assert [row.result for row in told.claims] == ["pass", "pass", "pass", "fail"]


def test_what_is_not_explained_names_no_algorithm(explanation):
    told = of(explanation, claims=(claim("task"), claim("sparse", 0.1), claim("necessary", 0.2)))
    assert (
        told.verdict
        == "Not explained: the network does the task, but 2 of the 3 claims fail: “sparse” and “necessary”."
    )
    assert facts(told)["Algorithm"].startswith("none is claimed: ")
    failed = of(explanation, claims=(claim("task", 0.4), claim("sparse", 0.1)), accuracy=0.4)
    assert (
        plain(failed.verdict) == "Not explained: the network does not do the task; it answers 40 % of all pairs right."
    )


def test_clock_and_pizza_are_not_named_where_the_signs_disagree(explanation):
    assert explanation.evidence is not None
    signs = dataclasses.replace(explanation.evidence, gradient_symmetricity=0.99, frozen_attention_drop=-0.01)
    told = of(explanation, evidence=signs)
    assert "by an algorithm that is neither clock-like nor pizza-like by all signs, with the key" in told.verdict
    assert facts(told)["Algorithm"].startswith("neither: ")
    assert facts(told)["Algorithm"].endswith("; 0 % of the pairs lost with attention frozen")


def test_a_claim_has_its_number_its_threshold_and_every_control(explanation):
    controls = (Control("untrained network", 0.00885), Control("lookup table", 0.99))
    [row] = of(explanation, claims=(claim("program", 0.98999, controls, detail="loss 3e-07"),)).claims
    assert row.result == "fail"
    assert (row.name, row.statement) == ("program", "It has program")
    assert row.measured == "share with program (loss 3e-07)"
    assert (row.value, plain(row.needs)) == ("0.98999", "≥ 0.99")
    assert [str(each) for each in row.controls] == ["untrained network 0.009", "lookup table (reaches it) 0.990"]


def test_a_claim_without_a_control_fails_and_it_is_said(explanation):
    [row] = of(explanation, claims=(claim(controls=()),)).claims
    assert (row.result, row.controls) == ("fail", ())


def test_weaker_frequencies_are_told(explanation):
    found = dataclasses.replace(explanation.frequencies, weaker=(1, 6))
    assert facts(of(explanation, frequencies=found))["Weaker frequencies"].startswith("1 and 6; ")
    many = dataclasses.replace(explanation.frequencies, weaker=tuple(range(20, 60)))
    assert facts(of(explanation, frequencies=many))["Weaker frequencies"].startswith("20, 21, 22, ")
    assert "31 and 28 more; " in facts(of(explanation, frequencies=many))["Weaker frequencies"]
    assert "Weaker frequencies" not in facts(evidence(explanation))


@pytest.mark.parametrize("kind", ["attention-only", "memorises"])
def test_where_there_is_no_hypothesis_the_notes_say_so(run_of, kind):
    told = evidence(explain(subject_of_run(run_of(kind))))
    assert told.verdict.startswith("Not explained")
    assert any("there is no hypothesis to test" in note for note in told.notes)
    assert facts(told)["Key frequencies"] == "none found"


def test_time_and_place_are_left_out(explanation):
    told = repr(evidence(explanation))
    assert told == repr(of(explanation, seconds=9.87))
    assert explanation.subject not in told


def test_a_network_whose_weights_are_not_finite_is_not_explained(run_of, monkeypatch):
    run = run_of("plain")
    network = run.model()
    network.W_U[0, 0] = float("nan")
    monkeypatch.setattr(run, "model", lambda step=None: network)
    told = read_content(run).evidence
    assert told is not None
    assert "not finite" in told.verdict
    assert not told.claims


def test_a_large_modulus_is_left_to_the_command(run_of, monkeypatch):
    monkeypatch.setattr("grokscope.reports.run.modular.MAX_EXPLAINED", 6)
    content = read_content(run_of("plain"))
    assert content.evidence is not None
    assert content.evidence.verdict.startswith("Modulo 7 the tests take minutes")
    assert "correlational" in content.findings[-1]
