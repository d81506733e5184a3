import dataclasses

import pytest
import torch

from grokscope.analysis import NeuronFrequencies, fourier_summary
from grokscope.figures.catalogue import pictures
from grokscope.figures.source import Source
from grokscope.reports import read_content
from grokscope.reports.run.fourier_findings import CORRELATIONAL, TESTED_BELOW, findings
from grokscope.run import Run

pytestmark = pytest.mark.slow


@pytest.fixture
def circuit(run_of):
    run: Run = run_of("plain")
    return fourier_summary(run.model(), run.task)


def with_neurons(circuit, shares, frequencies, keys):
    neurons = NeuronFrequencies(torch.tensor(frequencies), torch.tensor(shares, dtype=torch.float64))
    return dataclasses.replace(circuit, neurons=neurons, key_frequencies=keys)


def words(sentences) -> str:
    return " ".join(sentences).replace("\N{NO-BREAK SPACE}", " ")


def test_clusters_are_told_with_their_sizes(circuit):
    text = words(findings(with_neurons(circuit, [0.9, 0.9, 0.99, 0.2], [3, 3, 1, 2], [1, 3]), "add", tested=False))
    assert "Key frequencies: 1 (1 neuron) and 3 (2 neurons)." in text
    assert "Clusters hold 3 of the 4 neurons (75 %)" in text
    assert CORRELATIONAL in text


def test_no_clusters_is_told_plainly(circuit):
    text = words(findings(with_neurons(circuit, [0.1, 0.84], [3, 3], []), "add", tested=False))
    assert "No frequency has a cluster of neurons" in text
    assert "are: none." in text
    assert "Key frequenc" not in text
    assert CORRELATIONAL in text


def test_where_claims_were_tested_the_picture_only_points_at_them(circuit, run_of):
    assert findings(circuit, "add", tested=True)[-1] == TESTED_BELOW
    content = read_content(run_of("plain"))
    assert content.evidence is not None
    assert TESTED_BELOW in content.findings
    assert CORRELATIONAL not in content.findings


def test_too_small_a_cluster_is_counted_and_not_called_one(circuit):
    text = words(findings(with_neurons(circuit, [0.9] + [0.1] * 99, [3] * 100, []), "add", tested=False))
    assert "are: only 1, and a cluster needs 2 % of them." in text


def test_the_wrong_basis_is_warned_of(run_of):
    assert "may be the wrong basis" in words(read_content(run_of("attention-only")).findings)
    for kind in ("plain", "memorises"):  # addition; random labels, which have no right basis
        assert "wrong basis" not in words(read_content(run_of(kind)).findings)


def test_one_frequency_says_nothing(run_of):
    assert "Modulo 2 there is only one frequency" in words(read_content(run_of("smallest")).findings)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("plain", "A 1-layer transformer (d_model 8, 2 heads of width 4, 8 ReLU neurons) was trained on a + b mod 7."),
        ("plain", "It saw 14 of the 49 pairs (28.6 %), all at once; the other 35 are the test set."),
        ("plain", "Optimiser: AdamW, learning rate 0.001, weight decay 1, at most 20 steps."),
        ("mlp", "A multilayer perceptron with one hidden layer of 12 ReLU neurons on the concatenation of its 8-wide"),
        (
            "attention-only",
            "A 1-layer attention-only transformer (d_model 8, 2 heads of width 4) was trained on a * b mod 8",
        ),
        ("no-test-set", "It saw 49 of the 49 pairs (100 %), all at once; there is no test set."),
        ("smallest", "8 GELU neurons, with LayerNorm"),
        ("infinite", "Every step drew 16 of the 49 pairs afresh; all of them are the test set."),
        ("infinite", "A 2-layer transformer (d_model 8, 2 heads of width 4, 8 ReLU neurons in each layer)"),
        ("memorises", "random labels: every pair of residues mod 7 has an answer drawn once"),
        ("diverged", "Optimiser: SGD, learning rate 10000, momentum 0.9, L2 penalty 0"),
    ],
)
def test_what_was_trained(run_of, kind, expected):
    assert expected in words([read_content(run_of(kind)).setting])


def test_a_network_that_memorises_is_said_to(run_of):
    assert read_content(run_of("memorises")).headline == "Memorised and has not generalised"


def test_captions_give_the_share_of_the_key_frequencies(circuit, run_of, monkeypatch):
    components = torch.zeros(7, dtype=torch.float64)
    components[[0, 3, 4, 5]] = torch.tensor([9.0, 1.0, 1.0, 2.0], dtype=torch.float64)
    logits = torch.zeros(7, 7, dtype=torch.float64)
    logits[0, 0], logits[3, 4], logits[4, 6] = 9.0, 3.0, 1.0
    planted = dataclasses.replace(
        with_neurons(circuit, [0.9] * 8, [2] * 8, [2]),
        embedding_components=components,
        logit_map_components=components.roll(1),
        logit_components=logits,
    )
    source = Source(run_of("plain").task)
    monkeypatch.setattr(source, "once", lambda function: planted)
    captions = {each.name: each.caption for each in pictures(source, "network")}
    caption = words([captions["weights"]])
    assert "have 33.3 % of the squared norm of W_E and 1.15 % of that of W_L" in caption
    assert "Here the key frequencies' blocks hold 90 % of the squared norm" in words([captions["logits"]])
    assert "8 of" not in captions["attention"]


def test_only_the_first_heads_are_shown_and_it_is_said(run_of):
    [attention] = [each for each in read_content(run_of("no-test-set")).pictures if each.name == "attention"]
    assert "The first 16 of 17 heads are shown." in attention.caption
