"""One HTML file that needs no network and no other file; only the replay needs a script, which is inside."""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from grokscope.figures import to_svg
from grokscope.progress import SILENT, Progress
from grokscope.reports.html.inline import inline_svg
from grokscope.reports.run.content import Content, read_content
from grokscope.run import Run
from grokscope.run.atomic import write_atomically


def write_report(
    run: Run,
    path: Path | None = None,
    step: int | None = None,
    published: Mapping[str, object] | None = None,
    *,
    progress: Progress = SILENT,
) -> Path:
    """Write the report of ``run`` and return where it is.

    The same run gives the same bytes.

    Args:
        run: finished or not.
        path: the file to write; ``report.html`` in the run's folder if None.
        step: the checkpoint whose network is analysed; the last if None.
        published: numbers to compare with, by the names in :func:`grokscope.reproduction.network.compare`.
        progress: shows how many checkpoints are read.

    Raises:
        RunError: there is no checkpoint at ``step``, the run is damaged, or the file cannot be written.
        ConfigError: ``published`` has an unknown name.

    Example:
        >>> write_report(Run("runs/mainline"), step=9400)
    """
    path = run.folder.report if path is None else path
    write_atomically(path, render_page(read_content(run, step, published, progress=progress)).encode())
    return path


def render_page(content: Content) -> str:
    """Return the HTML of ``content``; every text in it is escaped."""
    drawings = {
        picture.name: inline_svg(to_svg(picture.figure), picture.name, picture.title) for picture in content.pictures
    }
    scripts = page_scripts() if content.player else ()
    return page_environment().get_template("run/page.html.j2").render(
        content=content, drawings=drawings, player=content.player, scripts=scripts,
        script_sources=script_sources(scripts),
    )  # fmt: skip


def page_environment() -> Environment:
    """Return what renders pages; every text is escaped."""
    return Environment(
        loader=PackageLoader("grokscope", "reports"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def page_scripts() -> tuple[Markup, ...]:
    """Return the chart library and the replay's player, as they stand in the page."""
    library = files("plotly").joinpath("package_data", "plotly.min.js").read_text(encoding="utf-8")
    player = files("grokscope.reports").joinpath("replay/player.js").read_text(encoding="utf-8")
    return Markup(library), Markup(player)


def script_sources(scripts: tuple[Markup, ...]) -> Markup:
    """Return the part of a page's content security policy that allows these scripts and no others."""
    return Markup(f"; script-src {' '.join(map(_source, scripts))}" if scripts else "")


def _source(script: str) -> Markup:
    """Return what allows this script, and no other, to run in the page: the content security policy's name for it."""
    digest = hashlib.sha256(script.encode()).digest()
    return Markup(f"'sha256-{base64.b64encode(digest).decode('ascii')}'")
