import dataclasses

import pytest

from grokscope.analysis import Phases, find_phases, fourier_summary
from grokscope.analysis.modular.progress_measures import answer_losses
from grokscope.errors import ConfigError
from grokscope.recipe import recipe
from grokscope.reproduction.measurement import Measured
from grokscope.reproduction.network import compare

NONE = Phases(None, None, None, None)


@pytest.fixture
def measured(planted, explanation) -> Measured:
    """What was measured of the planted run."""
    metrics = planted.metrics
    return Measured(
        metrics,
        find_phases(metrics, planted.task.chance_loss),
        fourier_summary(planted.model(), planted.task),
        explanation,
    )


def test_the_start_the_frequencies_and_the_phases(measured):
    metrics, circuit = measured.metrics, dataclasses.replace(measured.circuit, key_frequencies=[14, 35, 50])
    start = metrics["train_loss"].iloc[0]
    published = {
        "train_loss_at_0": start - 0.5,
        "key_frequencies": (14, 35, 41),
        "phase_boundaries": (1400, 9400, 14000),
    }
    loss, keys, borders = compare(published, Measured(metrics, Phases(1300, 9300, None, None), circuit))
    assert loss.measured == f"{start:.6f}"
    assert loss.remark == "difference +5.0e-01"
    assert (keys.published, keys.measured) == ("14, 35, 41", "14, 35, 50")
    assert keys.remark == "missing 41; in addition 50"
    assert (borders.published, borders.measured) == ("1,400, 9,400, 14,000", "1,300, 9,300, not reached")
    [same] = compare({"key_frequencies": (14, 35, 50)}, Measured(metrics, NONE, circuit))
    assert same.remark == "the same frequencies"
    [none] = compare({"test_loss_at_0": 1.0}, Measured(metrics.iloc[1:], NONE))
    assert none.measured == "not recorded"


def test_a_loss_of_the_final_network_is_told_with_its_factor_and_epoch(measured):
    loss = measured.explanation.loss
    [row] = compare({"loss": loss / 2}, measured)
    assert row.published == f"{loss / 2:.3g}"
    assert row.measured == f"{loss:.3g}"
    assert row.remark == "2 times; epoch 40,000, here step 20"


def test_shares_are_told_with_their_difference(measured):
    inside = sum(measured.explanation.clusters.values()) / 100
    neurons, fve = compare({"neurons_in_clusters": inside - 0.1, "logit_fve": 1.0}, measured)
    assert neurons.measured == f"{inside:.3f}"
    assert neurons.remark == "difference +0.100; epoch 40,000, here step 20"
    assert fve.measured == f"{measured.explanation.logit_fve:.3f}" == "0.999"
    assert fve.remark.startswith("difference -0.001;")


def test_fits_are_told_as_ranges(measured):
    found = measured.explanation
    read_out, attention = compare({"read_out_fve": (0.9, 0.98), "attention_fve": (0.5, 0.6)}, measured)
    for row, fits in ((read_out, found.read_out), (attention, found.attention)):
        values = [fit.fve for fit in fits]
        assert row.measured == f"{min(values):.3f} to {max(values):.3f}"
        assert row.remark == "epoch 40,000, here step 20"
    assert read_out.published == "0.900 to 0.980"


def test_the_formula_is_the_programs_and_the_rest_from_where_it_says(measured):
    found = measured.explanation
    formula, restricted = compare({"formula_loss": 1.0, "restricted_loss": 1.0}, measured)
    assert formula.measured == f"{answer_losses(found.program.logits()).mean():.3g}"
    assert restricted.measured == f"{found.restricted_loss:.3g}"
    names = {
        "mlp_skip_zero": "MLP skip set to zero",
        "mlp_skip_mean": "MLP skip set to its mean",
        "heads_zero": "heads set to zero",
        "attention_skip_zero": "attention skip set to zero",
        "linear_softmax": "linear map instead of softmax",
    }
    losses = {each.what: f"{each.loss:.3g}" for each in found.ablations}
    rows = compare(dict.fromkeys(names, 1.0), measured)
    assert [row.measured for row in rows] == [losses[what] for what in names.values()]
    assert [row.what for row in rows] == [
        f"loss with {'the ' if 'linear' not in w else 'a '}{w} (nats)" for w in names.values()
    ]


def test_the_mainlines_numbers_all_have_a_measurement(measured):
    published = recipe("mainline").published
    rows = compare(published, measured)
    assert len(rows) == len({row.what for row in rows}) == len(published)
    assert not [row for row in rows if row.measured in ("not measured", "not recorded", "no checkpoint")]
    without = compare(published, Measured(measured.metrics, NONE))
    assert [row.measured for row in without][4:] == ["not measured"] * (len(published) - 4)
    assert {row.remark for row in without[4:]} == {"epoch 40,000"}


def test_what_this_network_does_not_have_is_not_measured(measured):
    found = dataclasses.replace(measured.explanation, ablations=(), attention=(), program=None, restricted_loss=None)
    names = ("mlp_skip_zero", "formula_loss", "restricted_loss")
    rows = compare(
        {**dict.fromkeys(names, 1.0), "attention_fve": (0, 1)}, dataclasses.replace(measured, explanation=found)
    )
    assert {row.measured for row in rows} == {"not measured"}


def test_an_unknown_name_is_an_error(measured):
    with pytest.raises(ConfigError, match="'los'; did you mean loss"):
        compare({"los": 1.0}, measured)
