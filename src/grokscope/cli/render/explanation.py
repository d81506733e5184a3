"""Explanations, histories and measures in the terminal."""

from collections.abc import Iterator

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grokscope.analysis.curves.phases import find_phases_of_circuit
from grokscope.cli.render.modular import fits_table, modular_facts
from grokscope.cli.render.tables import frame_table, list_table, name_table
from grokscope.explanation import (
    CircuitExplanation,
    Claim,
    Explanation,
    ModularExplanation,
    ModularSubject,
    Subject,
    Timeline,
)
from grokscope.interop import ImportedNetwork
from grokscope.run import Run
from grokscope.tasks import ModularTask, require_modular

_COLOURS = {"explained": "bold green", "partly explained": "bold yellow", "not explained": "bold red"}


def print_explanation(explanation: Explanation, console: Console) -> None:
    """Print the verdict, what was found, every claim with its controls, and the fits and ablations."""
    console.print(*_headline(explanation))
    console.print()
    modular = explanation if isinstance(explanation, ModularExplanation) else None
    of_what = "all pairs" if modular else "fresh examples"
    table = name_table()
    table.add_row("accuracy, loss", f"{explanation.accuracy:.2%} of {of_what}, {explanation.loss:.3g} nats")
    for name, value in modular_facts(modular) if modular else _facts(explanation):
        table.add_row(name, Text(value))
    console.print(table)
    console.print()
    console.print(_claims_table(explanation.claims))
    for title, each in _more(explanation):
        console.print(f"\n{title}" if title else "", markup=False, highlight=False)
        console.print(each)
    for note in explanation.notes:
        console.print(Text(f"note: {note}"))


def _headline(explanation: Explanation) -> tuple[Text, Text]:
    verdict = Text(explanation.verdict.upper(), _COLOURS[explanation.verdict])
    return verdict, Text(f"· {explanation.headline} · {explanation.subject}")


def _facts(explanation: Explanation) -> tuple[tuple[str, str], ...]:
    return explanation.facts if isinstance(explanation, CircuitExplanation) else ()


def _more(explanation: Explanation) -> Iterator[tuple[str, Table]]:
    """Yield the tables behind the claims, with their titles."""
    if isinstance(explanation, ModularExplanation):
        if explanation.read_out or explanation.attention:
            yield "", fits_table(explanation)
        if explanation.ablations:
            table = list_table("intervention", "loss", "accuracy")
            table.add_row("none", f"{explanation.loss:.3g}", f"{explanation.accuracy:.2%}")
            for each in explanation.ablations:
                table.add_row(each.what, f"{each.loss:.3g}", f"{each.accuracy:.2%}")
            yield "", table
    elif isinstance(explanation, CircuitExplanation):
        for findings in explanation.findings:
            yield findings.title, frame_table(findings.table)


def print_timeline(timeline: Timeline, console: Console) -> None:
    """Print when each claim became true for good, and the verdict on the last network."""
    final = timeline.final
    console.print(*_headline(final))
    console.print()
    table = Table(box=None, pad_edge=False)
    table.add_column("claim", overflow="fold")
    table.add_column("true from step", justify="right")
    for claim, first in timeline.first_steps().items():
        table.add_row(claim.statement, "never" if first is None else f"{first:,}")
    console.print(table)
    told = ", ".join(f"{verdict} from step {step:,}" for step, verdict in timeline.verdicts().items())
    console.print(Text(f"\nVerdicts: {told}"))


_SHOWN = ("step", "test_loss", "loss", "accuracy", "excluded_loss", "restricted_loss", "gini_W_L", "logit_fve")
"""Measures that are printed of modular arithmetic; the rest are in the file."""
_MOST = 8
"""Columns that fit on a terminal."""


def print_measures(table: pd.DataFrame, run: Run, console: Console) -> None:
    """Print the main measures at a dozen steps, and the phases that they show."""
    modular = isinstance(run.task, ModularTask)
    chosen = [name for name in _SHOWN if name in table] if modular else _main_columns(table)
    stride = max(1, -(-(len(table) - 1) // 11))
    at = sorted({*range(0, len(table), stride), len(table) - 1})
    shown = table[chosen].iloc[at].rename(columns=lambda name: name.replace("_", " "))
    console.print(frame_table(shown))
    if modular:
        _print_phases(table, run, console)


def _main_columns(table: pd.DataFrame) -> list[str]:
    """Return step, loss, accuracy, and the measures that changed most."""
    first = [name for name in ("step", "loss", "accuracy") if name in table]
    skipped = {"sum_of_squares", *first}
    rest = [str(name) for name in table if name not in skipped and not str(name).startswith("loss_")]
    moved = (table[rest].max() - table[rest].min()).sort_values(ascending=False, kind="stable")
    return [*first, *map(str, moved.index[: _MOST - len(first)])]


def _print_phases(table: pd.DataFrame, run: Run, console: Console) -> None:
    phases = find_phases_of_circuit(table, require_modular(run.task, "phases by the measures").p)
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


def print_import(imported: ImportedNetwork, subject: Subject | None, path, console: Console) -> None:
    """Print what was found in a file, and where it was written."""
    model = imported.model
    table = name_table()
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
    if isinstance(subject, ModularSubject):
        rows.append(("operation", subject.operation or "not recognised"))
    elif subject is not None:
        rows.append(("task", subject.task.name))
    for name, value in rows:
        table.add_row(name, Text(value))
    console.print(table)
    for note in subject.notes if subject is not None else imported.notes:
        console.print(Text(f"note: {note}"))
    Console(soft_wrap=True).print(f"Written: {path}", markup=False, highlight=False)


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
