"""The page of one network: one HTML file that needs no network and no other file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from grokscope.explanation import Explanation, Subject, explain, open_subject
from grokscope.figures import to_svg
from grokscope.interop import UnseenSettings
from grokscope.progress import SILENT, Progress
from grokscope.reports.foreign.content import Content, read_content
from grokscope.reports.html.inline import inline_svg
from grokscope.reports.run.page import page_environment
from grokscope.run.atomic import write_atomically


def report_file(
    file: str | os.PathLike[str],
    path: str | os.PathLike[str] | None = None,
    *,
    p: int | None = None,
    operation: str | None = None,
    frequencies: Sequence[int] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
    **stated: Unpack[UnseenSettings],
) -> Path:
    """Explain the network in a file of weights, write its page, and return where that is.

    Args:
        file: weights that somebody else trained.
        path: the page [beside ``file``, with the suffix .html].
        p: the modulus, where shapes do not show it.
        operation: what the network computes modulo p [found by trying].
        frequencies: the key frequencies to claim [read off the network].
        seed: draws the controls, and fresh examples.
        progress: says what is being done.
        **stated: settings that weights do not show.

    Raises:
        CheckpointError: the file cannot be read, or its network is for none of the tasks here.
        ConfigError: something was stated that contradicts the file.
        RunError: the page cannot be written.

    Example:
        >>> report_file("model.pth", "theirs.html", attention_coefficient=0)
    """
    page = Path(file).with_suffix(".html") if path is None else Path(path)
    subject = open_subject(file, p=p, operation=operation, **stated)
    explanation = explain(subject, frequencies=frequencies, seed=seed, progress=progress)
    progress.message("drawing")
    return write_network_page(subject, explanation, page)


def write_network_page(subject: Subject, explanation: Explanation, path: str | os.PathLike[str]) -> Path:
    """Write the page of a network and return where it is.

    It has the settings, stated or found, the evidence with every claim and its controls, and the figures that need no
    training history. The same network gives the same bytes.

    Args:
        subject: the network.
        explanation: of it.
        path: the file to write.

    Raises:
        RunError: the file cannot be written.

    Example:
        >>> subject = open_subject("model.pth")
        >>> write_network_page(subject, explain(subject), "model.html")
    """
    path = Path(path)
    write_atomically(path, render_page(read_content(subject, explanation)).encode())
    return path


def render_page(content: Content) -> str:
    """Return the HTML of ``content``; every text in it is escaped."""
    drawings = {
        picture.name: inline_svg(to_svg(picture.figure), picture.name, picture.title) for picture in content.pictures
    }
    return page_environment().get_template("foreign/page.html.j2").render(content=content, drawings=drawings)
