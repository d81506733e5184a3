"""One HTML file that needs no network, no script and no other file."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from grokscope.figures import to_svg
from grokscope.report.content import Content, read_content
from grokscope.report.inline import inline_svg
from grokscope.runs import Run
from grokscope.runs.files import write_atomically


def write_report(
    run: Run, path: Path | None = None, step: int | None = None, published: Mapping[str, object] | None = None
) -> Path:
    """Write the report of ``run`` and return where it is.

    The same run gives the same bytes.

    Args:
        run: finished or not.
        path: the file to write; ``report.html`` in the run's folder if None.
        step: the checkpoint whose network is analysed; the last if None.
        published: numbers to compare with, by the names in :func:`grokscope.report.published.compare`.

    Raises:
        RunError: there is no checkpoint at ``step``, the run is damaged, or the file cannot be written.
        ConfigError: ``published`` has an unknown name.

    Example:
        >>> write_report(Run("runs/mainline"), step=9400)
    """
    path = run.folder.report if path is None else path
    write_atomically(path, render_page(read_content(run, step, published)).encode())
    return path


def render_page(content: Content) -> str:
    """Return the HTML of ``content``; every text in it is escaped."""
    environment = Environment(
        loader=PackageLoader("grokscope", "report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    drawings = {
        picture.name: inline_svg(to_svg(picture.figure), picture.name, picture.title) for picture in content.pictures
    }
    return environment.get_template("page.html.j2").render(content=content, drawings=drawings)
