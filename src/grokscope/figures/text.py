"""How wide text is, before anything is drawn, and where it breaks into lines."""

from functools import cache

from matplotlib import cbook
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

LINE = 1.25
"""Height of a line, in sizes of its text."""
_MEASURED = 100.0


@cache
def width_of(text: str, *, parse_math: bool = True) -> float:
    """Return the width of ``text`` (of its longest line) in sizes of the text."""
    if not text.strip():
        return 0.0
    whole = text if parse_math else text.replace("$", r"\$")
    return max(_width_of_line(line) for line in whole.split("\n"))


def _width_of_line(line: str) -> float:
    """Return the sum of the letters' widths, from the font's own table: their outlines need not be known."""
    is_math = cbook.is_math_text(line)
    line = line.rstrip()
    plain = line if is_math else line.replace(r"\$", "$")
    width, _, _ = text_to_path.get_text_width_height_descent(plain, FontProperties(size=_MEASURED), is_math)
    return float(width) / _MEASURED


def wrap(text: str, room: float, *, parse_math: bool = True) -> str:
    """Return ``text`` with lines broken at spaces where they are longer than ``room`` (sizes of the text).

    A word that is longer keeps a line of its own, and formulas between dollars are not broken.
    """
    lines: list[str] = []
    for given in text.split("\n"):
        lines.append("")
        for word in given.split(" "):
            longer = f"{lines[-1]} {word}".lstrip()
            in_formula = parse_math and lines[-1].count("$") % 2 == 1
            if lines[-1] and not in_formula and _is_wider(longer, room, parse_math=parse_math):
                lines.append(word)
            else:
                lines[-1] = longer
    return "\n".join(lines)


def _is_wider(text: str, room: float, *, parse_math: bool) -> bool:
    # half a formula cannot be measured: its dollar is then a character as any other
    whole = parse_math and text.count("$") % 2 == 0
    return width_of(text, parse_math=whole) > room
