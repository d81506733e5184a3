"""The figures of a network of modular arithmetic: its Fourier picture, its neurons and its attention."""

from dataclasses import replace

from torch import Tensor

from grokscope import figures, formatting
from grokscope.analysis import FourierSummary
from grokscope.analysis.fourier import frequency_rows
from grokscope.figures.modular.maps import MAX_HEADS
from grokscope.figures.theme import MAX_SIDE
from grokscope.reports.run.pictures import Picture


def fourier_pictures(circuit: FourierSummary) -> tuple[Picture, ...]:
    """Return the figures that this network has data for, in the order of the page."""
    drawn = [_weights(circuit)]
    drawn += [] if circuit.neurons is None else [_shares(circuit)]
    drawn += [_logits(circuit)]
    drawn += [] if circuit.pattern is None else [_attention(circuit)]
    drawn += [] if circuit.post is None else [_neurons(circuit)]
    note = circuit.coordinates.note
    return tuple(replace(picture, caption=f"{picture.caption} Drawn {note}.") if note else picture for picture in drawn)


def _weights(circuit: FourierSummary) -> Picture:
    maps = "W_E" if circuit.logit_map_components is None else "W_E and of W_L"
    caption = (
        f"Norm of each Fourier component of {maps}. A network that computes with a few frequencies has few high pairs "
        f"of bars, cos and sin alike, and little else; random weights give a flat profile."
    )
    if circuit.key_frequencies:
        shares = [f"{formatting.percent(_key_share(circuit.embedding_components, circuit))} of the squared norm of W_E"]
        if circuit.logit_map_components is not None:
            shares.append(f"{formatting.percent(_key_share(circuit.logit_map_components, circuit))} of that of W_L")
        caption += f" Here the key frequencies (numbered) have {formatting.listed(shares)}, the constant left out."
    return Picture("weights", "Weights in the Fourier basis", caption, figures.weight_spectra(circuit))


def _key_share(components: Tensor, circuit: FourierSummary) -> float:
    power = components.double().square()
    rows = [row for k in circuit.key_frequencies for row in frequency_rows(circuit.n, k)]
    return float(power[rows].sum() / power[1:].sum())


def _shares(circuit: FourierSummary) -> Picture:
    caption = (
        "Left: how much of each neuron's variance over all inputs its best single frequency explains. Right: how many "
        "neurons each frequency has above the threshold (dashed); blue are the key frequencies. After grokking most "
        "neurons stand at the right edge; in an untrained network, or one that memorises, they stand at the left."
    )
    return Picture("shares", "Neurons and their frequencies", caption, figures.neuron_shares(circuit))


def _logits(circuit: FourierSummary) -> Picture:
    caption = (
        "Norm, over the answers, of each component of the logits in the product basis: rows are the Fourier components "
        "in a, columns those in b. A network that adds through angles writes only into small blocks on the diagonal, "
        "where cos and sin of one frequency in a meet cos and sin of the same frequency in b."
    )
    held = _block_share(circuit)
    if circuit.key_frequencies and held is not None:
        share = formatting.percent(held)
        caption += f" Here the key frequencies' blocks hold {share} of the squared norm, the constant left out."
    return Picture("logits", "Logits in the Fourier basis", caption, figures.logit_spectrum(circuit))


def _block_share(circuit: FourierSummary) -> float | None:
    power = circuit.logit_components.double().square()
    varying = float(power.sum() - power[0, 0])
    blocks = 0.0
    for rows in (frequency_rows(circuit.n, k) for k in circuit.key_frequencies):
        blocks += float(power[rows][:, rows].sum())
    return blocks / varying if varying > 0 else None


def _attention(circuit: FourierSummary) -> Picture:
    assert circuit.pattern is not None
    n_heads = circuit.pattern.shape[2]
    which = f" The first {MAX_HEADS} of {n_heads} heads are shown." if n_heads > MAX_HEADS else ""
    caption = (
        f"Attention of the last layer from where the answer is read to the token a, {_pairs(circuit)}. After grokking "
        f"it is periodic in a and in b, mostly with one frequency a head; without structure it looks like noise.{which}"
    )
    return Picture("attention", "Attention on every input", caption, figures.attention_maps(circuit))


def _neurons(circuit: FourierSummary) -> Picture:
    which = "for each key frequency, the neuron that it explains best, with the share of the variance that it explains"
    if not circuit.key_clusters:
        which = "the neurons that vary most, as there are no key frequencies"
    caption = f"Activations {_pairs(circuit)}: {which}. Neurons of one frequency show as a regular lattice."
    return Picture("neurons", "Neurons on every input", caption, figures.neuron_maps(circuit))


def _pairs(circuit: FourierSummary) -> str:
    return "for every pair (a, b)" if circuit.n <= MAX_SIDE else f"for the pairs (a, b) with both below {MAX_SIDE}"
