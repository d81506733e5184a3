"""SVG documents as parts of an HTML page."""

import re
from xml.etree import ElementTree

from markupsafe import Markup

_URL = re.compile(r"url\(#([^)]+)\)")


def inline_svg(svg: str, name: str, label: str) -> Markup:
    """Return the SVG document ``svg`` as an element of an HTML page.

    Ids that something refers to get ``name`` before them, as a page has many figures and ids must differ; other ids,
    what would act on the whole page (style sheets), and namespaces, which HTML does without, are left out.

    Args:
        svg: a document that :func:`grokscope.figures.to_svg` made.
        name: differs for every figure of the page.
        label: read out in place of the picture.
    """
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in ("style", "metadata"):
                parent.remove(child)
    used = {id_ for element in root.iter() for key, value in element.items() for id_ in _ids_in(_local(key), value)}
    for element in root.iter():
        element.tag = _local(element.tag)
        attributes = {_local(key): value for key, value in element.attrib.items()}
        element.attrib.clear()
        for key, value in attributes.items():
            if key == "id" and value in used:
                element.set("id", f"{name}-{value}")
            elif key != "id":
                for id_ in _ids_in(key, value):
                    value = value.replace(f"#{id_}", f"#{name}-{id_}")
                element.set(key, value)
    for size in ("width", "height"):  # the page decides; the viewBox keeps the proportions
        del root.attrib[size]
    root.attrib.update({"role": "img", "aria-label": label})
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _local(qualified: str) -> str:
    return qualified.rpartition("}")[2]


def _ids_in(key: str, value: str) -> list[str]:
    """Return the ids that an attribute refers to."""
    return [value[1:]] if key == "href" and value.startswith("#") else _URL.findall(value)
