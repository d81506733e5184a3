"""``grokscope compare``: several runs together, with medians and bands."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grokscope.cli.output import say
from grokscope.errors import ConfigError, RunError

if TYPE_CHECKING:
    from rich.console import Console

FIGURES, PAGE, TABLE = (".png", ".svg", ".pdf"), ".html", ".csv"


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Folders of runs on one kind of task.")],
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out", "-o", metavar="FILE",
            help="Write a page (.html), the curves (.png, .svg, .pdf) or a row a run (.csv); may be given often.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:  # fmt: skip
    """Compare runs: seeds, weight decays, train fractions, infinite against finite data.

    Runs that differ only in their seeds (and in how long they were trained) are one group, which is named by the
    settings in which it differs from the others. Prints how many runs of each group grokked and when, with medians
    and ranges; a run that never did counts as later than all that did.

    Curves are medians at the steps at which all runs of a group were evaluated, to the end of the shortest, with bands
    from lowest to highest (of more than ten runs: the middle half). The page has all of it, and the measures too if
    'grokscope measure' has taken them of every run.

    Examples:

    \b
      grokscope compare runs/fast runs/fast-seed1 runs/fast-seed2
      grokscope compare runs/grid/fraction0.3-* -o decays.png -o decays.csv
      grokscope compare runs/skip-trigrams* -o infinite-against-finite.html
    """
    files = out or []
    for path in files:
        _check(path)
    from rich.console import Console

    from grokscope.cli.render.tables import print_whole
    from grokscope.reports.comparison.page import curves_of, read_compared, render_compared
    from grokscope.reports.comparison.runs import MEANING, MEDIANS, compare_runs, group_rows, run_rows
    from grokscope.run import Run
    from grokscope.run.atomic import write_atomically

    compared = compare_runs([Run(path) for path in runs])
    # everything is made before anything is written
    figure = curves_of(compared) if any(path.suffix in FIGURES for path in files) else None
    page = render_compared(read_compared(compared)) if any(path.suffix == PAGE for path in files) else ""
    for path in files:
        if figure is not None and path.suffix in FIGURES:
            from grokscope.figures import save_figure

            save_figure(figure, path)
        else:
            text = page if path.suffix == PAGE else compared.table.to_csv(index=False)
            write_atomically(path, text.encode())
    if as_json:
        tables = {"groups": compared.group_table, "runs": compared.table}
        tree = {name: json.loads(table.to_json(orient="records") or "[]") for name, table in tables.items()}
        typer.echo(json.dumps({**tree, "cautions": compared.cautions}, indent=2, ensure_ascii=False))
        return
    console = Console()
    for text in (compared.headline, compared.sentences[0]):
        _say(console, text)
    for found, meaning in ((group_rows(compared), MEDIANS), (run_rows(compared), MEANING)):
        if found is None:
            continue
        console.print()
        print_whole(console, found.columns, found.rows)
        _say(console, meaning)
    for caution in compared.cautions:
        _say(console, f"Note: {caution}")
    for path in files:
        say(f"Written: {path}")


def _check(path: Path) -> None:
    """Raise unless something can be written to ``path``, before any work is done for it."""
    known = (PAGE, *FIGURES, TABLE)
    if path.suffix not in known:
        raise ConfigError(f"--out {path}: the name must end in one of {', '.join(known)}, got {path.suffix!r}")
    if not path.parent.is_dir():
        raise RunError(f"cannot write {path}: there is no folder {path.parent}; make it first")


def _say(console: "Console", text: str) -> None:
    console.print(text, markup=False, highlight=False)
