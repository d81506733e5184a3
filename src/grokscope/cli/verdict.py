"""Explanations, histories and measures in the terminal."""

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grokscope.analysis.phases import find_phases_of_circuit
from grokscope.explain import Claim, Explanation, Subject, Timeline
from grokscope.interop import Imported
from grokscope.runs import Run

_COLOURS = {"explained": "bold green", "partly explained": "bold yellow", "not explained": "bold red"}


def print_explanation(explanation: Explanation, console: Console) -> None:
    """Print the verdict, what was found, every claim with its controls, and the fits and ablations."""
    console.print(Text(explanation.verdict.upper(), _COLOURS[explanation.verdict]), Text(_summary(explanation)))
    console.print()
    facts = _plain_table()
    for name, value in _facts(explanation):
        facts.add_row(name, Text(value))
    console.print(facts)
    console.print()
    console.print(_claims_table(explanation.claims))
    if explanation.read_out or explanation.attention:
        console.print()
        console.print(_fits_table(explanation))
    if explanation.ablations:
        console.print()
        table = Table(box=None, pad_edge=False)
        table.add_column("intervention")
        for heading in ("loss", "accuracy"):
            table.add_column(heading, justify="right")
        table.add_row("none", f"{explanation.loss:.3g}", f"{explanation.accuracy:.2%}")
        for each in explanation.ablations:
            table.add_row(each.what, f"{each.loss:.3g}", f"{each.accuracy:.2%}")
        console.print(table)
    for note in explanation.notes:
        console.print(Text(f"note: {note}"))


def print_timeline(timeline: Timeline, console: Console) -> None:
    """Print when each claim became true for good, and the verdict on the last network."""
    final = timeline.final
    console.print(Text(final.verdict.upper(), _COLOURS[final.verdict]), Text(_summary(final)))
    console.print()
    table = Table(box=None, pad_edge=False)
    table.add_column("claim", overflow="fold")
    table.add_column("true from step", justify="right")
    for claim, first in timeline.first_steps().items():
        table.add_row(claim.statement, "never" if first is None else f"{first:,}")
    console.print(table)
    verdicts = timeline.table.drop_duplicates("step")
    changed = verdicts["verdict"] != verdicts["verdict"].shift()
    told = ", ".join(
        f"{verdict} from step {step:,}"
        for step, verdict, new in zip(verdicts["step"], verdicts["verdict"], changed, strict=True)
        if new
    )
    console.print(Text(f"\nVerdicts: {told}"))


def print_measures(table: pd.DataFrame, run: Run, console: Console) -> None:
    """Print the main measures at a dozen steps, and the phases that they show."""
    columns = {
        "step": "{:,.0f}",
        "test_loss": "{:.3g}",
        "excluded_loss": "{:.3g}",
        "restricted_loss": "{:.3g}",
        "gini_W_L": "{:.3f}",
        "sum_of_squares": "{:,.0f}",
        "logit_fve": "{:.3f}",
    }
    chosen = {name: form for name, form in columns.items() if name in table}
    shown = Table(box=None, pad_edge=False)
    for name in chosen:
        shown.add_column(name.replace("_", " "), justify="right")
    stride = max(1, -(-(len(table) - 1) // 11))
    for at in sorted({*range(0, len(table), stride), len(table) - 1}):
        row = table.iloc[at]
        shown.add_row(*(form.format(row[name]) for name, form in chosen.items()))
    console.print(shown)
    phases = find_phases_of_circuit(table, run.task.p)
    told = [
        f"{name} {border:,}"
        for name, border in (
            ("memorised at", phases.memorised),
            ("circuit formed at", phases.generalised),
            ("cleaned up at", phases.cleaned),
        )
        if border is not None
    ]
    nothing = "no circuit came to matter: the excluded loss never reached half that of guessing"
    console.print(Text(f"\nPhases, by the measures: {', '.join(told) or nothing}"))


def print_import(imported: Imported, subject: Subject | None, path, console: Console) -> None:
    """Print what was found in a file, and where it was written."""
    model = imported.model
    table = _plain_table()
    hidden = {"kind", "d_mlp"} if getattr(model.config, "attention_only", False) else {"kind"}
    sizes = {name: value for name, value in model.config.model_dump().items() if name not in hidden}
    rows = [
        ("file", str(imported.source)),
        ("layout", imported.layout),
        ("network", f"{model.config.kind}, {model.n_parameters:,} weights"),
        ("settings", ", ".join(f"{name} {value}" for name, value in sizes.items())),
        ("tokens", f"{model.n_ctx} of {model.d_vocab}, {model.d_vocab_out} logits"),
        ("modulus", "none: not a network on pairs of residues" if imported.p is None else str(imported.p)),
    ]
    kept = [f"{name} {value:.6g}" for name, value in imported.stored.items() if isinstance(value, int | float)]
    if kept:
        rows.append(("kept beside", ", ".join(kept)))
    if subject is not None:
        rows.append(("operation", subject.operation or "not recognised"))
    for name, value in rows:
        table.add_row(name, Text(value))
    console.print(table)
    for note in subject.notes if subject is not None else imported.notes:
        console.print(Text(f"note: {note}"))
    Console(soft_wrap=True).print(f"Written: {path}", markup=False, highlight=False)


def _plain_table() -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    return table


def _summary(explanation: Explanation) -> str:
    what = explanation.operation or "no operation recognised"
    how = "" if explanation.verdict == "not explained" else f", {explanation.algorithm}"
    if explanation.algorithm == "neither" and how:
        how = ", neither clock-like nor pizza-like by all signs"
    return f"· {what} mod {explanation.modulus}{how} · {explanation.subject}"


def _facts(explanation: Explanation) -> list[tuple[str, str]]:
    found = explanation.frequencies
    rows = [("accuracy, loss", f"{explanation.accuracy:.2%} of all pairs, {explanation.loss:.3g} nats")]
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


def _claims_table(claims: tuple[Claim, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "claim", "what was measured"):
        table.add_column(heading, overflow="fold")
    for heading in ("value", "needs"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("controls, which must stay below", overflow="fold")
    for claim in claims:
        mark = Text("pass", "green") if claim.holds else Text("FAIL", "bold red")
        measured = Text(claim.measure)
        if claim.detail:
            measured.append(f" ({claim.detail})", "dim")
        controls = Text("none could be made", "red") if not claim.controls else Text()
        for at, control in enumerate(claim.controls):
            style = "bold red" if control in claim.failing_controls else ""
            controls.append(f"{'; ' if at else ''}{control.what} {_number(control.value)}", style)
        table.add_row(mark, Text(claim.statement), measured, _number(claim.value), f"≥ {claim.threshold:g}", controls)
    return table


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.2e}"


def _fits_table(explanation: Explanation) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("fit")
    for heading in ("coefficient", "FVE"):
        table.add_column(heading, justify="right")
    for fit in explanation.read_out:
        name = "u" if fit.wave == "cos" else "v"
        table.add_row(f"{name}_{fit.frequency}ᵀ MLP as {fit.wave} w(a+b)", f"{fit.coefficient:.1f}", f"{fit.fve:.1%}")
    for fit in explanation.attention:
        if fit.frequency:
            size = (fit.alpha**2 + fit.beta**2) ** 0.5
            table.add_row(f"attention of head {fit.head} as a wave of {fit.frequency}", f"{size:.3f}", f"{fit.fve:.1%}")
    return table
