"""One HTML file about a reproduction, which needs no network: every number, and the published figures of our runs."""

from pathlib import Path

from grokscope import figures
from grokscope.config import dump_yaml
from grokscope.errors import NotApplicableError
from grokscope.figures.catalogue import Picture
from grokscope.progress import SILENT, Progress
from grokscope.reports.html.inline import inline_svg
from grokscope.reports.reproduction.tables import MEANING, in_words, results_tables
from grokscope.reports.run.page import page_environment
from grokscope.reproduction.catalogue import Arm
from grokscope.reproduction.plan import folder_of
from grokscope.reproduction.results import Reproduction, Result
from grokscope.reproduction.run import RUNS
from grokscope.run import Run
from grokscope.run.atomic import write_atomically

PAGE = "reproduction.html"
"""The page, in the reproduction's folder."""


def write_reproduction_page(found: Reproduction, folder: Path, path: Path, *, progress: Progress = SILENT) -> None:
    """Write the page of a reproduction.

    Args:
        found: its results.
        folder: where its runs are.
        path: the file.
        progress: shows how many experiments have been drawn.

    Raises:
        RunError: the file cannot be written, or a run is damaged.
    """
    there = [arm for arm in found.plan.arms if _seeds(found, arm)]
    progress.start(len(there), "drawing")
    drawings = []
    for arm in there:
        seed = _seeds(found, arm)[0]
        drawings += [
            (picture, inline_svg(figures.to_svg(picture.figure), picture.name, picture.title))
            for picture in _pictures(arm, Run(folder / RUNS / folder_of(arm.name, seed)), seed)
        ]
        progress.advance(detail=arm.name)
    settings = [(arm.name, dump_yaml(arm.experiment(0, quick=found.plan.quick).model_dump(mode="json")))
                for arm in found.plan.arms]  # fmt: skip
    page = page_environment().get_template("reproduction/page.html.j2").render(
        title="Published and measured",
        sentences=[in_words(found), MEANING],
        tables=results_tables(found),
        rules=[(result.item.id, _rule(result)) for result in found.results],
        drawings=drawings,
        settings=settings,
        script_sources="",
    )  # fmt: skip
    write_atomically(path, page.encode())


def _rule(result: Result) -> str:
    rule = result.item.rule
    why = f" Ours differs: {result.why}." if result.verdict == "differs" else ""
    return f"Agrees {rule}: {rule.reason}.{why} Source: {result.item.source}."


def _seeds(found: Reproduction, arm: Arm) -> list[int]:
    """Return the seeds of which an experiment has been measured."""
    return sorted({seed for result in found.results if result.item.arm == arm.name for seed in result.values})


def _pictures(arm: Arm, run: Run, seed: int) -> list[Picture]:
    drawn = []
    for drawing in arm.drawings:
        try:
            figure = figures.draw_figure(drawing.figure, figures.RunSource(run))
        except NotApplicableError:  # a network that does not do the task has no frequencies to draw
            continue
        step = int(run.metrics["step"].iloc[-1])
        caption = f"Seed {seed}, step {step:,}; “grokscope figure {drawing.figure} {run.path}” draws it."
        drawn.append(Picture(f"{arm.name}-{drawing.figure}", f"{arm.name}: {drawing.of}", caption, figure))
    return drawn
