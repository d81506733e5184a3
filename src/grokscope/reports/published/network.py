"""Published numbers beside the measured ones."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from grokscope.analysis.modular.progress_measures import answer_losses
from grokscope.errors import ConfigError, nearest
from grokscope.explanation import ModularExplanation
from grokscope.explanation.modular.ablations import AblationId
from grokscope.reports.published.comparison import Compared, Comparison, Measured
from grokscope.reports.published.curves import OF_CURVES

FINAL_EPOCH = 40_000
"""The epoch of the paper's final network, on which its numbers were measured."""


def compare(published: Mapping[str, object], measured: Measured) -> tuple[Comparison, ...]:
    """Return the published numbers beside this run's.

    Args:
        published: any of these. At the start and over training: ``train_loss_at_0``, ``test_loss_at_0`` (nats) and
            ``phase_boundaries`` (ends of memorisation, circuit formation and cleanup, in steps). Of the final network:
            ``key_frequencies``; losses on all pairs (nats) of the network, ``loss``, of the fitted formula,
            ``formula_loss``, with the key frequencies alone, ``restricted_loss``, and with a part replaced,
            ``mlp_skip_zero``, ``mlp_skip_mean``, ``heads_zero``, ``attention_skip_zero``, ``linear_softmax``; shares,
            ``neurons_in_clusters`` and ``logit_fve``; lowest and highest share of the one-frequency fits,
            ``read_out_fve`` and ``attention_fve``. Of the curves of any task: those of
            :data:`grokscope.reports.published.curves.OF_CURVES`.
        measured: of the run.

    Raises:
        ConfigError: another name.
    """
    for name in published:
        if name not in _COMPARED:
            raise ConfigError(f"no measurement goes with the published number {name!r}{nearest(name, _COMPARED)}")
    return tuple(_COMPARED[name](value, measured) for name, value in published.items())


def _starting_loss(what: str, column: str) -> Compared:
    def compared(published: float, measured: Measured) -> Comparison:
        start = measured.metrics.set_index("step").to_dict("index").get(0)
        if start is None:
            return Comparison(what, f"{published:.6f}", "not recorded", "")
        loss = start[column]
        return Comparison(what, f"{published:.6f}", f"{loss:.6f}", f"difference {loss - published:+.1e}")

    return compared


def _frequencies(published: Sequence[int], measured: Measured) -> Comparison:
    expected = ", ".join(map(str, published))
    if measured.circuit is None:
        return Comparison("key frequencies", expected, "no checkpoint", "")
    found = measured.circuit.key_frequencies
    missing, more = sorted(set(published) - set(found)), sorted(set(found) - set(published))
    parts = [f"{word} {', '.join(map(str, ks))}" for word, ks in (("missing", missing), ("in addition", more)) if ks]
    return Comparison(
        "key frequencies", expected, ", ".join(map(str, found)) or "none", "; ".join(parts) or "the same frequencies"
    )


def _boundaries(published: Sequence[int], measured: Measured) -> Comparison:
    phases = measured.phases
    return Comparison(
        "ends of memorisation, circuit formation and cleanup (steps)",
        ", ".join(f"{step:,}" for step in published),
        ", ".join(
            "not reached" if step is None else f"{step:,}"
            for step in (phases.memorised, phases.generalised, phases.cleaned)
        ),
        "published borders were read off by eye; these follow a stated rule",
    )


def _final(
    what: str,
    read: Callable[[ModularExplanation], Any],
    text: Callable[[Any], str],
    difference: Callable[[Any, Any], str] = lambda published, found: "",
) -> Compared:
    """Return the comparison of a number of the final network, which ``read`` finds in the explanation."""

    def compared(published: Any, measured: Measured) -> Comparison:
        explanation = measured.explanation
        found = None if explanation is None else read(explanation)
        if explanation is None or found is None:
            return Comparison(what, text(published), "not measured", _epochs(None))
        more = difference(published, found)
        remark = f"{more}; {_epochs(explanation.step)}" if more else _epochs(explanation.step)
        return Comparison(what, text(published), text(found), remark)

    return compared


def _epochs(step: int | None) -> str:
    return f"epoch {FINAL_EPOCH:,}{'' if step is None else f', here step {step:,}'}"


def _final_loss(what: str, read: Callable[[ModularExplanation], float | None]) -> Compared:
    def factor(published: float, found: float) -> str:
        return f"{found / published:.2g} times"

    return _final(f"{what} (nats)", read, lambda loss: f"{loss:.3g}", factor)


def _final_share(what: str, read: Callable[[ModularExplanation], float | None]) -> Compared:
    def difference(published: float, found: float) -> str:
        return f"difference {found - published:+.3f}"

    return _final(what, read, lambda share: f"{share:.3f}", difference)


def _final_range(what: str, read: Callable[[ModularExplanation], Iterable[float]]) -> Compared:
    def extent(explanation: ModularExplanation) -> tuple[float, float] | None:
        values = list(read(explanation))
        return (min(values), max(values)) if values else None

    return _final(what, extent, lambda ends: f"{ends[0]:.3f} to {ends[1]:.3f}")


def _ablated(what: str, ablation: AblationId) -> Compared:
    def read(explanation: ModularExplanation) -> float | None:
        return next((each.loss for each in explanation.ablations if each.id == ablation), None)

    return _final_loss(what, read)


def _neurons_in_clusters(published: float, measured: Measured) -> Comparison:
    neurons = None if measured.circuit is None else measured.circuit.neurons

    def read(explanation: ModularExplanation) -> float | None:
        return None if neurons is None else sum(explanation.clusters.values()) / len(neurons.share)

    return _final_share("share of the neurons in clusters", read)(published, measured)


def _formula_loss(explanation: ModularExplanation) -> float | None:
    program = explanation.program
    return None if program is None else float(answer_losses(program.logits()).mean())


_COMPARED: dict[str, Compared] = {
    "train_loss_at_0": _starting_loss("training loss at step 0 (nats)", "train_loss"),
    "test_loss_at_0": _starting_loss("test loss at step 0 (nats)", "test_loss"),
    "key_frequencies": _frequencies,
    "phase_boundaries": _boundaries,
    "loss": _final_loss("loss on all pairs", lambda found: found.loss),
    "neurons_in_clusters": _neurons_in_clusters,
    "logit_fve": _final_share("share of the logits' variance in the formula", lambda found: found.logit_fve),
    "formula_loss": _final_loss("loss of the fitted formula", _formula_loss),
    "restricted_loss": _final_loss("loss with the key frequencies alone", lambda found: found.restricted_loss),
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
    **OF_CURVES,
}
