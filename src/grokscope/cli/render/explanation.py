"""Explanations, histories and measures in the terminal."""

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grokscope.analysis.measure_table import pivot
from grokscope.cli.render.tables import frame_table, name_table
from grokscope.curves.phases import find_phases_of_circuit
from grokscope.explanation import Explanation, Subject, Timeline
from grokscope.explanation.rows import NO_CONTROLS
from grokscope.interop import ImportedNetwork
from grokscope.run import Run
from grokscope.tasks import ModularTask, require_modular

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


_SHOWN = ("step", "test_loss", "loss", "accuracy", "excluded_loss", "restricted_loss", "gini_W_L", "logit_fve")
"""Measures that are printed of modular arithmetic; the rest are in the file."""
_MOST = 8
"""Columns that fit on a terminal."""


def print_measures(table: pd.DataFrame, run: Run, console: Console) -> None:
    """Print the main measures at a dozen steps, and the phases that they show."""
    modular, measures = isinstance(run.task, ModularTask), table
    table = pivot(measures)
    chosen = [name for name in _SHOWN if name in table] if modular else _main_columns(table)
    stride = max(1, -(-(len(table) - 1) // 11))
    at = sorted({*range(0, len(table), stride), len(table) - 1})
    shown = table[chosen].iloc[at].rename(columns=lambda name: name.replace("_", " "))
    console.print(frame_table(shown))
    if modular:
        _print_phases(measures, run, console)


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
