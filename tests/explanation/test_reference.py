"""What must be said of networks that other people trained and published."""

import pytest
import torch

from grokscope.analysis.binary.all_pairs import all_pairs_table
from grokscope.analysis.modular.circle_fits import with_plane
from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.modular.logit_fits import align, clock_fit, pizza_fit
from grokscope.explanation import ModularExplanation, explain, open_subject

pytestmark = [pytest.mark.reference, pytest.mark.slow]


@pytest.fixture(scope="module")
def explained(reference):
    known: dict[str, ModularExplanation] = {}

    def of(name: str, **stated) -> ModularExplanation:
        if name not in known:
            known[name] = explain(open_subject(reference / "models" / name, **stated))
        return known[name]

    return of


def failing(explanation: ModularExplanation) -> set[str]:
    return {claim.name for claim in explanation.claims if not claim.holds}


def test_without_weight_decay(explained):
    told = explained("nanda/mod_addition_no_wd.pth")
    assert (told.operation, told.modulus, told.accuracy) == ("add", 113, 1.0)
    assert told.verdict == "explained"
    assert told.frequencies.keys == (36, 52)
    assert (told.clusters[36], told.clusters[52]) == (181, 139)
    assert told.program is not None
    amplitudes = dict(zip(told.program.frequencies, told.program.amplitudes, strict=True))
    assert (amplitudes[36], amplitudes[52]) == pytest.approx((249.6, 114.7), abs=0.05)
    assert told.logit_fve == pytest.approx(0.946, abs=5e-4)
    assert told.restricted_loss == pytest.approx(1.13e-8, rel=5e-3)
    assert told.excluded_loss == pytest.approx(76.0, abs=0.05)


def test_in_low_precision_it_is_explained_in_part(explained):
    told = explained("nanda/low_precision_mod_addition.pth")
    assert told.verdict == "partly explained"
    assert told.accuracy == pytest.approx(0.9995, abs=5e-5)
    assert told.frequencies.keys == (6, 23, 39)
    assert 3 in told.frequencies.weaker
    assert told.logit_fve is not None
    assert 0.32 <= told.logit_fve <= 0.40
    assert {"formula", "sufficient"} <= failing(told)


def test_of_the_universality_paper(explained):
    told = explained("chughtai/C113_T_seed1/model.pt")
    assert told.verdict == "explained"
    assert told.algorithm == "clock-like"
    assert told.frequencies.keys == (16, 30, 56)
    assert [told.clusters[k] for k in (16, 30, 56)] == [196, 103, 196]
    assert told.logit_fve == pytest.approx(0.968, abs=6e-4)
    assert told.restricted_loss == pytest.approx(5.57e-8, rel=2e-3)


def test_its_mlp_has_the_frequencies_that_its_authors_list(explained, reference):
    told = explained("chughtai/C113_MLP_seed1/model.pt")
    listed = (reference / "models/chughtai/C113_MLP_seed1/key_reps.txt").read_text().split()
    assert told.verdict == "explained"
    assert told.frequencies.circuit == tuple(sorted(int(name.removeprefix("freq_")) for name in listed))


def test_the_clock_of_the_clock_and_the_pizza(explained):
    told = explained("pizza/model_l8k1hzciux.pt")
    assert told.verdict == "explained"
    assert told.algorithm == "clock-like"
    assert told.evidence is not None
    assert told.evidence.gradient_symmetricity == pytest.approx(0.34, abs=0.03)  # random triples
    assert told.evidence.distance_irrelevance == pytest.approx(0.855, abs=0.01)
    assert told.evidence.frozen_attention_drop is not None
    assert told.evidence.frozen_attention_drop > 0.3


def test_the_pizza_of_the_clock_and_the_pizza(explained):
    """Its attention coefficient, 0, is not in the weights and not stated: it is inferred."""
    told = explained("pizza/model_p99zdpze5l.pt")
    assert any("attention_coefficient 0 inferred" in note for note in told.notes)
    assert told.verdict == "explained"
    assert told.algorithm == "pizza-like"
    assert told.evidence is not None
    assert told.evidence.gradient_symmetricity == pytest.approx(0.994, abs=1e-3)
    assert told.evidence.distance_irrelevance == pytest.approx(0.17, abs=5e-3)
    assert told.evidence.circles_pizza_fve > 0.99
    assert told.evidence.circles_clock_fve < 0.78
    assert told.evidence.frozen_attention_drop == pytest.approx(0, abs=1e-3)


def test_its_circles_in_the_published_planes(reference):
    """The paper takes principal components for the planes of circles: FVE 99.2 % as a pizza, 75.5 % as a clock."""
    subject = open_subject(reference / "models/pizza/model_p99zdpze5l.pt", attention_coefficient=0)
    coordinates = find_coordinates(subject.task.table)
    assert coordinates is not None
    for at in (0, 2, 4):

        def components(embedding, at=at):
            return torch.linalg.svd(embedding - embedding.mean(0))[2][at : at + 2].T

        logits = all_pairs_table(with_plane(subject.model, coordinates, components), subject.task).logits
        fits = [align(logits, [k]) for k in (3, 15, 17)]
        assert max(pizza_fit(fit).fve for fit in fits) == pytest.approx(0.992, abs=1.5e-3)
        assert max(clock_fit(fit).fve for fit in fits) == pytest.approx(0.755, abs=2e-2)


def test_the_mlps_of_the_clock_and_the_pizza(explained):
    """Type D reads both embeddings side by side and multiplies; type B has their sum only, as a pizza does."""
    assert explained("pizza/model_7r4zst7evs.pt").verdict == "explained"
    assert explained("pizza/model_7r4zst7evs.pt").algorithm == "clock-like"
    two_layers = explained("pizza/model_amw6ox6bzn.pt")
    assert two_layers.verdict == "partly explained"
    assert two_layers.algorithm == "pizza-like"
    assert failing(two_layers) == {"neurons: periodic"}  # the second layer's neurons mix frequencies
