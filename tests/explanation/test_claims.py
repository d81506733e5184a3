"""What a claim needs to hold, and what verdict follows."""

import json
import math

import pytest

from grokscope.explanation.claims import ClaimSpec, Control, required_ids, verdict
from grokscope.explanation.modular.specs import REQUIRED
from grokscope.explanation.rows import claim_row, score


def claim(name="sufficient", value=1.0, threshold=0.9, controls=(0.1,)):
    made = (Control(f"control {at}", value) for at, value in enumerate(controls))
    return ClaimSpec(name, name, "It does", "share", threshold).tested(value, made)


def test_a_specification_fills_its_texts():
    spec = ClaimSpec("rank", "rank", "It has {rank} directions", "share within {rank}", 0.9)
    filled = spec.filled(rank=4).tested(1.0, [Control("random directions", 0.1)], "loss 0.2")
    assert (filled.statement, filled.measure, filled.detail) == ("It has 4 directions", "share within 4", "loss 0.2")
    assert filled.holds


def test_what_cannot_be_measured_fails_with_the_same_texts_and_threshold():
    spec = ClaimSpec("sparse", "sparse", "It is sparse", "share", 0.9)
    missing = spec.not_measurable("there is no circuit")
    assert not missing.holds
    assert (missing.id, missing.statement, missing.threshold) == (spec.id, spec.statement, spec.threshold)
    assert claim_row(missing).measured == "share (not measured: there is no circuit)"


def test_required_claims_are_those_that_say_so():
    specs = [ClaimSpec(id_, id_, "", "", 0.5, required=id_ != "more") for id_ in ("task", "more", "cause")]
    assert required_ids(specs) == {"task", "cause"}


def test_a_claim_holds_at_its_threshold_and_with_controls_below_it():
    assert claim(value=0.9).holds
    assert not claim(value=0.8999).holds


def test_a_control_that_reaches_the_threshold_refutes_the_claim():
    refuted = claim(controls=(0.1, 0.9))
    assert refuted.reached
    assert not refuted.holds
    assert [control.what for control in refuted.failing_controls] == ["control 1"]


def test_a_claim_without_a_control_is_not_tested():
    assert not claim(controls=()).holds


def test_what_is_no_number_never_passes():
    assert not claim(value=math.nan).holds
    assert not claim(controls=(math.nan,)).holds


def test_a_claim_is_json_even_where_it_is_not_finite():
    told = json.loads(json.dumps(claim(value=math.inf, controls=(math.nan,)).to_dict(), allow_nan=False))
    assert told["value"] is None
    assert told["controls"] == [{"what": "control 0", "value": None}]
    assert told["pass"] is False


def test_verdicts():
    core = [claim(name) for name in sorted(REQUIRED)]
    assert verdict([*core, claim()], REQUIRED) == "explained"
    assert verdict([*core, claim(value=0.1)], REQUIRED) == "partly explained"
    assert verdict([], REQUIRED) == "not explained"


@pytest.mark.parametrize("missing", sorted(REQUIRED))
def test_nothing_is_explained_without_the_core(missing):
    core = {name: claim(name) for name in REQUIRED}
    core[missing] = claim(missing, value=0.0)
    assert verdict(core.values(), REQUIRED) == "not explained"
    del core[missing]
    assert verdict(core.values(), REQUIRED) == "not explained"


@pytest.mark.parametrize(
    ("value", "threshold", "text"),
    [
        (1.0, 0.99, "1.000"),
        (0.9861, 0.5, "0.986"),
        (0.99992, 0.99, "0.9999"),
        (0.9999999, 0.99, "0.9999"),
        (0.98999, 0.99, "0.98999"),
        (0.99, 0.99, "0.990"),
        (-0.25, 0.5, "−0.250"),
        (862.117, 1.5, "862"),
        (23271.05, 1.5, "23,271"),
        (1.5 - 1e-13, 1.5, "1.4999999999999"),
        (1.5 - 2e-16, 1.5, "1.4999999999999998"),
        (math.inf, 1.5, "inf"),
        (math.nan, 1.5, "nan"),
    ],
)
def test_a_score_shows_on_which_side_of_its_threshold_it_is(value, threshold, text):
    assert score(value, threshold) == text
