"""A replay's numbers as text for a page: whole numbers of one or two bytes, deflated, in base64."""

import base64
import zlib
from typing import Any

import numpy as np
from jaxtyping import Float

from grokscope.reports.replay.frames import Bars, Maps, Picture, Points

_LEVEL = 9


def pack_picture(picture: Picture) -> dict[str, Any]:
    """Return what a page needs to draw ``picture`` at every step.

    Maps have one byte a number, 254 shades between their lowest and highest; bars and points two.
    """
    values, n_bytes = picture.values, 2
    finite = values[np.isfinite(values)]
    lowest, highest = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    match picture:
        case Maps():
            n_bytes = 1
            lowest, highest = _limits(picture)
            words = {"kind": "maps", "xlabel": picture.xlabel, "ylabel": picture.ylabel, "label": picture.label,
                     "tiles": picture.tiles, "palette": picture.palette, "rows": picture.rows,
                     "columns": picture.columns}  # fmt: skip
        case Bars():
            words = {"kind": "bars", "xlabel": picture.xlabel, "ylabel": picture.ylabel, "labels": picture.labels,
                     "series": picture.series}  # fmt: skip
        case Points():
            words = {"kind": "points", "tiles": picture.tiles, "order": picture.order}
    codes = quantised(values, lowest, highest, n_bytes)
    return {
        "name": picture.name, "title": picture.title, **words,
        "shape": values.shape, "lowest": lowest, "highest": highest, "bytes": n_bytes,
        "data": base64.b64encode(zlib.compress(codes.tobytes(), _LEVEL)).decode("ascii"),
    }  # fmt: skip


def _limits(picture: Maps) -> tuple[float, float]:
    """Return between which values the colours lie: shares from 0 to 1, what has a sign around zero.

    The others are those of the last step: on a scale of whatever was highest on the way, its pattern might be faint.
    """
    for values in (picture.values[-1], picture.values):
        finite = values[np.isfinite(values)]
        if finite.any():
            break
    lowest, highest = (float(finite.min()), float(finite.max())) if finite.any() else (0.0, 1.0)
    if picture.palette == "diverging":
        extent = max(-lowest, highest)
        return -extent, extent
    if picture.palette == "sequential" and lowest >= 0 and highest <= 1:
        return 0.0, 1.0
    return min(lowest, 0.0), highest


def quantised(values: Float[np.ndarray, "*shape"], lowest: float, highest: float, n_bytes: int) -> np.ndarray:
    """Return whole numbers from 0 for ``lowest`` to the last but one for ``highest``; the last is "no number".

    Infinite values are taken for the highest or the lowest. Little-endian, as browsers are.
    """
    none = 256**n_bytes - 1
    with np.errstate(invalid="ignore"):
        shares = (np.clip(values, lowest, highest) - lowest) / ((highest - lowest) or 1.0)
        codes = np.where(np.isnan(shares), none, np.round(shares * (none - 1)))
    return codes.astype(f"<u{n_bytes}")
