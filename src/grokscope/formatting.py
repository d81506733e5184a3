"""Numbers as readers like them; the same in captions, on pages and in documents."""

import math
from collections.abc import Iterable

_SPACE = "\N{NO-BREAK SPACE}"  # a number and its unit stay on one line


def loss(value: float) -> str:
    """Return a loss to three digits, with its unit."""
    return f"{value:.3g}{_SPACE}nats" if math.isfinite(value) else str(value)


def percent(share: float) -> str:
    """Return a share as a percentage; only a whole is ever 100 %, and only nothing is 0 %."""
    if not math.isfinite(share):
        return str(share)
    if 0.9995 <= share < 1:
        return f"{min(100 * share, 99.99):.2f}{_SPACE}%"
    if 0 < share < 0.0001:
        return f"below 0.01{_SPACE}%"
    return f"{100 * share:.3g}{_SPACE}%"


def number(value: float) -> str:
    """Return a number to three digits; of what is not one, a dash."""
    if math.isnan(value):
        return "\N{EN DASH}"
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def step(value: int) -> str:
    """Return ``step 9,400``."""
    return f"step{_SPACE}{value:,}"


def duration(seconds: float) -> str:
    """Return a time in its two largest units."""
    if seconds < 60:
        return f"{seconds:.1f}{_SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}{_SPACE}h {minutes}{_SPACE}min"
    return f"{minutes}{_SPACE}min {rest}{_SPACE}s"


def listed(items: Iterable[object]) -> str:
    """Return ``a, b and c``."""
    *most, last = [str(item) for item in items]
    return f"{', '.join(most)} and {last}" if most else last
