"""What a claim needs to hold, and what verdict follows."""

import json
import math

import pytest

from grokscope.explain.claims import Claim, Control, verdict
from grokscope.explain.explanation import PARTIAL


def claim(name="sufficient", value=1.0, threshold=0.9, controls=(0.1,)):
    made = tuple(Control(f"control {at}", value) for at, value in enumerate(controls))
    return Claim(name, "It does", "share", value, threshold, made)


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
    core = [claim(name) for name in sorted(PARTIAL)]
    assert verdict([*core, claim()], PARTIAL) == "explained"
    assert verdict([*core, claim(value=0.1)], PARTIAL) == "partly explained"
    assert verdict([], PARTIAL) == "not explained"


@pytest.mark.parametrize("missing", sorted(PARTIAL))
def test_nothing_is_explained_without_the_core(missing):
    core = {name: claim(name) for name in PARTIAL}
    core[missing] = claim(missing, value=0.0)
    assert verdict(core.values(), PARTIAL) == "not explained"
    del core[missing]
    assert verdict(core.values(), PARTIAL) == "not explained"
