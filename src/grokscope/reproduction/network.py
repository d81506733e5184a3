"""Measurements of a network and of its training: what published numbers are compared with."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from grokscope.analysis.modular.progress_measures import answer_losses
from grokscope.errors import ConfigError, nearest
from grokscope.explanation import ModularExplanation
from grokscope.explanation.modular.ablations import AblationId
from grokscope.reproduction.curves import OF_CURVES, in_steps
from grokscope.reproduction.measurement import Comparison, Measured, Measurement

FINAL_EPOCH = 40_000
"""The epoch of the paper's final network, on which its numbers were measured."""


def compare(published: Mapping[str, object], measured: Measured) -> tuple[Comparison, ...]:
    """Return the published numbers beside this run's.

    Args:
        published: by the names in :data:`MEASUREMENTS`.
        measured: of the run.

    Raises:
        ConfigError: another name.
    """
    return tuple(measurement_called(name).compare(value, measured) for name, value in published.items())


def measurement_called(name: str) -> Measurement:
    """Return how the published number of that name is measured.

    Raises:
        ConfigError: no measurement goes with it.
    """
    if name not in MEASUREMENTS:
        raise ConfigError(f"no measurement goes with the published number {name!r}{nearest(name, MEASUREMENTS)}")
    return MEASUREMENTS[name]


def _starting_loss(what: str, column: str) -> Measurement:
    def read(measured: Measured, published: float) -> float | None:
        start = measured.metrics.set_index("step").to_dict("index").get(0)
        return None if start is None else start[column]

    def remark(published: float, found: float | None, measured: Measured) -> str:
        return "" if found is None else f"difference {found - published:+.1e}"

    return Measurement(what, read, lambda loss: f"{loss:.6f}", remark, absent="not recorded")


def _in_a_row(numbers: Iterable[object]) -> str:
    return ", ".join(map(str, numbers)) or "none"


def _frequencies(measured: Measured, published: Sequence[int]) -> list[int] | None:
    return None if measured.circuit is None else measured.circuit.key_frequencies


def _missing_frequencies(published: Sequence[int], found: Sequence[int] | None, measured: Measured) -> str:
    if found is None:
        return ""
    missing, more = sorted(set(published) - set(found)), sorted(set(found) - set(published))
    parts = [f"{word} {_in_a_row(ks)}" for word, ks in (("missing", missing), ("in addition", more)) if ks]
    return "; ".join(parts) or "the same frequencies"


def _boundaries(measured: Measured, published: Sequence[int]) -> tuple[int | None, ...]:
    phases = measured.phases
    return phases.memorised, phases.generalised, phases.cleaned


def _final(
    what: str,
    read: Callable[[ModularExplanation], Any],
    text: Callable[[Any], str],
    difference: Callable[[Any, Any], str] = lambda published, found: "",
) -> Measurement:
    """Return the measurement of a number of the final network, which ``read`` finds in the explanation."""

    def remark(published: Any, found: Any, measured: Measured) -> str:
        if measured.explanation is None or found is None:
            return _epochs(None)
        more, step = difference(published, found), _epochs(measured.explanation.step)
        return f"{more}; {step}" if more else step

    return Measurement(what, lambda measured, _: _read(measured, read), text, remark, of_network=True)


def _read(measured: Measured, read: Callable[[ModularExplanation], Any]) -> Any:
    return None if measured.explanation is None else read(measured.explanation)


def _epochs(step: int | None) -> str:
    return f"epoch {FINAL_EPOCH:,}{'' if step is None else f', here step {step:,}'}"


def _final_loss(what: str, read: Callable[[ModularExplanation], float | None]) -> Measurement:
    def factor(published: float, found: float) -> str:
        return f"{found / published:.2g} times"

    return _final(f"{what} (nats)", read, lambda loss: f"{loss:.3g}", factor)


def _difference(published: float, found: float) -> str:
    return f"difference {found - published:+.3f}"


def _share(share: float) -> str:
    return f"{share:.3f}"


def _final_range(what: str, read: Callable[[ModularExplanation], Iterable[float]], form: str = ".3f") -> Measurement:
    def extent(explanation: ModularExplanation) -> tuple[float, float] | None:
        values = list(read(explanation))
        return (min(values), max(values)) if values else None

    return _final(what, extent, lambda ends: f"{ends[0]:{form}} to {ends[1]:{form}}")


def _ablated(what: str, ablation: str) -> Measurement:
    def read(explanation: ModularExplanation) -> float | None:
        return next((each.loss for each in explanation.ablations if each.id == ablation), None)

    return _final_loss(what, read)


def _neurons_in_clusters() -> Measurement:
    final = _final("share of the neurons in clusters", lambda found: found.clusters, _share, _difference)

    def read(measured: Measured, published: float) -> float | None:
        neurons, found = None if measured.circuit is None else measured.circuit.neurons, measured.explanation
        return None if neurons is None or found is None else sum(found.clusters.values()) / len(neurons.share)

    return replace(final, read=read)


def _without_frequencies(measured: Measured, published: Mapping[int, float]) -> tuple[float | None, ...]:
    losses = {} if measured.explanation is None else {each.id: each.loss for each in measured.explanation.ablations}
    return tuple(losses.get(f"{AblationId.WITHOUT_FREQUENCY}-{k}") for k in published)


def _formula_loss(explanation: ModularExplanation) -> float | None:
    program = explanation.program
    return None if program is None else float(answer_losses(program.logits()).mean())


MEASUREMENTS: dict[str, Measurement] = {
    "train_loss_at_0": _starting_loss("training loss at step 0 (nats)", "train_loss"),
    "test_loss_at_0": _starting_loss("test loss at step 0 (nats)", "test_loss"),
    "key_frequencies": Measurement(
        "key frequencies", _frequencies, _in_a_row, _missing_frequencies, absent="no checkpoint", of_network=True
    ),
    "phase_boundaries": Measurement(
        "ends of memorisation, circuit formation and cleanup (steps)",
        _boundaries,
        lambda steps: ", ".join(map(in_steps, steps)),
        lambda *_: "published borders were read off by eye; these follow a stated rule",
    ),
    "loss": _final_loss("loss on all pairs", lambda found: found.loss),
    "neurons_in_clusters": _neurons_in_clusters(),
    "logit_fve": _final(
        "share of the logits' variance in the formula", lambda found: found.logit_fve, _share, _difference
    ),
    "formula_loss": _final_loss("loss of the fitted formula", _formula_loss),
    "restricted_loss": _final_loss("loss with the key frequencies alone", lambda found: found.restricted_loss),
    "logit_map_rest": _final(
        "share of the Frobenius norm of W_L beyond two dimensions a key frequency",
        lambda found: found.logit_map_rest,
        lambda share: f"{share:.4f}",
    ),
    "read_out_fve": _final_range(
        "fits of one wave to what W_L reads from the neurons (FVE)", lambda found: [fit.fve for fit in found.read_out]
    ),
    "attention_fve": _final_range(
        "fits of one wave to each head's attention (FVE)", lambda found: [fit.fve for fit in found.attention]
    ),
    "mlp_skip_zero": _ablated("loss with the MLP skip set to zero", AblationId.MLP_SKIP_ZERO),
    "mlp_skip_mean": _ablated("loss with the MLP skip set to its mean", AblationId.MLP_SKIP_MEAN),
    "heads_zero": _ablated("loss with the heads set to zero", AblationId.HEADS_ZERO),
    "attention_skip_zero": _ablated("loss with the attention skip set to zero", AblationId.ATTENTION_SKIP_ZERO),
    "linear_softmax": _ablated("loss with a linear map instead of softmax", AblationId.LINEAR_SOFTMAX),
    "key_blocks": _ablated("loss with the 3 × 3 blocks of the key frequencies alone", AblationId.KEY_BLOCKS),
    "polynomials": _ablated("loss with the clustered neurons replaced by polynomials", AblationId.POLYNOMIALS),
    "without_frequency": Measurement(
        "loss without cos and sin of each key frequency in the neurons (nats)",
        _without_frequencies,
        lambda losses: ", ".join("not a key frequency" if loss is None else f"{loss:.2g}" for loss in losses),
        published_text=lambda losses: ", ".join(f"{k}: {loss:.2g}" for k, loss in losses.items()),
        of_network=True,
    ),
    "read_out_coefficients": _final_range(
        "coefficients of those waves", lambda found: [fit.coefficient for fit in found.read_out], ".1f"
    ),
    "excluded_loss": _final_loss("training loss without the key frequencies", lambda found: found.excluded_loss),
    "n_key_frequencies": Measurement(
        "number of key frequencies",
        lambda measured, _: None if measured.circuit is None else len(measured.circuit.key_frequencies),
        str,
        published_text=lambda ends: f"{ends[0]} to {ends[1]}",
        absent="no checkpoint",
        of_network=True,
    ),
    **OF_CURVES,
}
"""By the name of the published number. At the start and over training: ``train_loss_at_0``, ``test_loss_at_0`` (nats)
and ``phase_boundaries`` (ends of memorisation, circuit formation and cleanup, in steps). Of the final network:
``key_frequencies``; losses on all pairs (nats) of the network, ``loss``, of the fitted formula, ``formula_loss``, with
the key frequencies alone, ``restricted_loss``, and with a part replaced, ``mlp_skip_zero`` …; shares; lowest and
highest of the one-frequency fits, ``read_out_fve`` and ``attention_fve``. Of the curves of any task: those of
:data:`grokscope.reproduction.curves.OF_CURVES`."""
