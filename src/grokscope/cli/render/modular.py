"""What is particular to explanations of modular arithmetic, in the terminal."""

from rich.table import Table

from grokscope.cli.render.tables import list_table
from grokscope.explanation import ModularExplanation


def modular_facts(explanation: ModularExplanation) -> list[tuple[str, str]]:
    """Return what was found besides the claims, as names and words."""
    found = explanation.frequencies
    rows = []
    sizes = ", ".join(f"{k}: {explanation.clusters[k]}" for k in found.keys if k in explanation.clusters)
    keys = f"{', '.join(map(str, found.keys))} (from {found.source}{f'; neurons {sizes}' if sizes else ''})"
    rows.append(("key frequencies", keys if found.keys else "none found"))
    if found.weaker:
        rows.append(("weaker ones", ", ".join(map(str, found.weaker))))
    evidence = explanation.evidence
    if evidence is not None:
        rows.append(("logits explained", f"{evidence.clock_fve:.1%} as a clock, {evidence.pizza_fve:.1%} as a pizza"))
        rows.append(
            (
                "circles alone",
                ", ".join(f"{c.frequency}: {c.clock_fve:.1%} / {c.pizza_fve:.1%}" for c in evidence.circles)
                + " (clock / pizza)",
            )
        )
        frozen = evidence.frozen_attention_drop
        lost = "" if frozen is None else f", {frozen:.1%} of the pairs lost with attention frozen"
        rows.append(
            (
                "clock or pizza",
                f"gradient symmetricity {evidence.gradient_symmetricity:.3f}, "
                f"distance irrelevance {evidence.distance_irrelevance:.3f}{lost}",
            )
        )
    if explanation.program is not None:
        program = explanation.program
        terms = zip(program.frequencies, program.amplitudes, strict=True)
        rows.append(("amplitudes", ", ".join(f"{k}: {alpha:.3g}" for k, alpha in terms)))
        phases = zip(program.frequencies, explanation.phases, strict=True)
        rows.append(("phases, if free", ", ".join(f"{k}: {phase:+.3f}" for k, phase in phases) + " rad"))
    if explanation.logit_map_rest is not None:
        rank = 2 * len(found.keys)
        rows.append(("W_L", f"rank {rank}, and {explanation.logit_map_rest:.2%} of the Frobenius norm beyond"))
    if explanation.restricted_loss is not None and explanation.excluded_loss is not None:
        rows.append(
            (
                "key frequencies",
                f"restricted loss {explanation.restricted_loss:.3g}, excluded {explanation.excluded_loss:.3g}",
            )
        )
    return rows


def fits_table(explanation: ModularExplanation) -> Table:
    """Return the fits of the read-out directions and of the heads' attention."""
    table = list_table("fit", "coefficient", "FVE")
    for fit in explanation.read_out:
        name = "u" if fit.wave == "cos" else "v"
        table.add_row(f"{name}_{fit.frequency}ᵀ MLP as {fit.wave} w(a+b)", f"{fit.coefficient:.1f}", f"{fit.fve:.1%}")
    for fit in explanation.attention:
        if fit.frequency:
            size = (fit.alpha**2 + fit.beta**2) ** 0.5
            table.add_row(f"attention of head {fit.head} as a wave of {fit.frequency}", f"{size:.3f}", f"{fit.fve:.1%}")
    return table
