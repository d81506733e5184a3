"""``grokscope figure``: one figure of a run or of a sweep, in the size and the format of a paper."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grokscope.cli.options import StepOption
from grokscope.cli.output import say
from grokscope.errors import ConfigError, RunError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def figure(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which figure; without a name, they are listed.")
    ] = None,
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN|SWEEP", help="The folder of a run or a sweep, like runs/mainline.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The file to write: .pdf, .svg or .png.")
    ] = None,
    step: StepOption = None,
    width_mm: Annotated[
        float, typer.Option(metavar="MM", help="Width in millimetres, 40 to 1,000; one column is often 85 or 90.")
    ] = 180.0,
    height_mm: Annotated[
        float | None, typer.Option(metavar="MM", help="Height in millimetres [what the panels need].")
    ] = None,
    font_pt: Annotated[float, typer.Option(metavar="PT", help="Size of the text in points, 4 to 40.")] = 7.0,
    dpi: Annotated[
        int, typer.Option(metavar="DPI", min=30, max=2400, help="Pixels in an inch, of PNG and of images in others.")
    ] = 300,
    log_loss: Annotated[
        bool | None, typer.Option("--log-loss/--linear-loss", help="The axis of losses [as the figure has it].")
    ] = None,
    log_steps: Annotated[
        bool | None, typer.Option("--log-steps/--linear-steps", help="The axis of steps [as the figure has it].")
    ] = None,
) -> None:
    """Draw one figure of a run or a sweep for a paper: exact size in millimetres, vectors, fonts embedded.

    The figure is drawn at its size, with text of the size asked for: in a narrow one, panels stand below each other,
    and long titles are broken into lines.

    Examples:

    \b
      grokscope figure
      grokscope figure curves runs/mainline -o curves.pdf --width-mm 85
      grokscope figure circles runs/mainline --step 9000 -o circles.svg
      grokscope figure curves runs/skip-trigrams -o linear.png --linear-loss --linear-steps
      grokscope figure survival runs/sweep-small -o survival.pdf
    """
    if name is None:
        _list_figures()
        return
    if run is None:
        raise ConfigError(f"name a run to draw {name!r} of: grokscope figure {name} runs/mainline -o {name}.pdf")
    if out is None:
        raise ConfigError(f"name the file to write, for example: --out {name}.pdf")
    if out.suffix not in (".png", ".svg", ".pdf"):  # those that save_figure writes, without importing it
        raise ConfigError(
            f"cannot save a figure as {out.name!r}: the name must end in .png, .svg or .pdf, got {out.suffix!r}"
        )
    if not out.parent.is_dir():
        raise RunError(f"cannot write {out}: there is no folder {out.parent}; make it first")

    from grokscope.figures import Theme, save_figure
    from grokscope.figures.theme import MM

    with Theme(width_mm, font_pt, height_mm):
        drawn = _drawn(name, run, step, {"log_loss": log_loss, "log_steps": log_steps})
    save_figure(drawn, out, dpi=dpi)
    width, height = drawn.get_size_inches() * MM
    say(f"Written: {out}, {width:.0f} × {height:.0f} mm")


def _drawn(name: str, folder: Path, step: int | None, options: dict[str, Any]) -> "Figure":
    from grokscope.figures.catalogue import draw_figure, draw_sweep_figure, sweep_figures
    from grokscope.figures.source import RunSource
    from grokscope.run import Run
    from grokscope.sweeps import SweepFolder
    from grokscope.sweeps.folder import PLAN

    if not (folder / PLAN).is_file():
        if name in sweep_figures():
            raise ConfigError(f"{name!r} is a figure of a sweep, and there is none in {folder}: no {PLAN}")
        return draw_figure(name, RunSource(Run(folder), step), **options)
    for option, value in {"step": step, **options}.items():
        if value is not None:
            word = f"--{option.replace('_', '-')}"
            raise ConfigError(f"{word} does not change a figure of a sweep, which {folder} is; leave it off")
    return draw_sweep_figure(name, SweepFolder(folder).outcomes())


def _list_figures() -> None:
    from rich.console import Console
    from rich.table import Table

    from grokscope.figures.catalogue import first_of_each_name, tasks_in_words

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "what it shows", "of"):
        table.add_column(heading, no_wrap=heading == "name")
    for name, spec in first_of_each_name().items():
        table.add_row(name, spec.summary, tasks_in_words(name))
    Console().print(table)
