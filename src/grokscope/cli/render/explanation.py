"""Explanations, histories and measures in the terminal."""

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grokscope.analysis.measure_table import pivot
from grokscope.cli.render.family import main_measures, measured_phases
from grokscope.cli.render.tables import frame_table, name_table
from grokscope.explanation import Explanation, Subject, Timeline
from grokscope.explanation.rows import NO_CONTROLS
from grokscope.interop import ImportedNetwork
from grokscope.run import Run

_COLOURS = {"explained": "bold green", "partly explained": "bold yellow", "not explained": "bold red"}


def print_explanation(explanation: Explanation, console: Console) -> None:
    """Print the verdict, what was found, every claim with its controls, and the fits and ablations."""
    console.print(*_headline(explanation))
    console.print()
    table = name_table()
    for name, text in explanation.facts():
        table.add_row(name, Text(_plain(text)))
    console.print(table)
    console.print()
    console.print(_claims_table(explanation))
    for findings in explanation.tables():
        console.print(f"\n{findings.title}", markup=False, highlight=False)
        console.print(frame_table(findings.table))
    for note in explanation.notes:
        console.print(Text(f"note: {note}"))


def _headline(explanation: Explanation) -> tuple[Text, Text]:
    verdict = Text(explanation.verdict.upper(), _COLOURS[explanation.verdict])
    return verdict, Text(f"· {explanation.headline} · {explanation.subject}")


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


def print_measures(table: pd.DataFrame, run: Run, console: Console) -> None:
    """Print the main measures at a dozen steps, and the phases that they show."""
    wide = pivot(table)
    stride = max(1, -(-(len(wide) - 1) // 11))
    at = sorted({*range(0, len(wide), stride), len(wide) - 1})
    shown = wide[main_measures(run.task, wide)].iloc[at]
    console.print(frame_table(shown.rename(columns=lambda name: name.replace("_", " "))))
    phases = measured_phases(run.task, table)
    if phases is not None:
        console.print(Text(f"\n{phases}"))


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
    if imported.p is not None:
        rows.append(("operation", imported.operation or "not recognised"))
    elif subject is not None:
        rows.append(("task", subject.task.name))
    for name, value in rows:
        table.add_row(name, Text(value))
    console.print(table)
    for note in subject.notes if subject is not None else imported.notes:
        console.print(Text(f"note: {note}"))
    Console(soft_wrap=True).print(f"Written: {path}", markup=False, highlight=False)


def _claims_table(explanation: Explanation) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "claim", "what was measured"):
        table.add_column(heading, overflow="fold")
    for heading in ("value", "needs"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("controls, which must stay below", overflow="fold")
    for row in explanation.claim_rows():
        mark = Text("pass", "green") if row.result == "pass" else Text("FAIL", "bold red")
        controls = Text("; ").join(Text(str(each), "bold red" if each.reaches else "") for each in row.controls)
        texts = (Text(text) for text in (row.statement, row.measured, row.value, _plain(row.needs)))
        table.add_row(mark, *texts, controls if row.controls else Text(NO_CONTROLS, "red"))
    return table


def _plain(text: str) -> str:
    """Return a text with ordinary spaces, as who copies or searches a terminal's output expects them."""
    return text.replace("\N{NO-BREAK SPACE}", " ")
