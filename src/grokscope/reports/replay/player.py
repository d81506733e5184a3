"""The part of a page that shows a run as a replay: what its pictures show, and all that the script draws them from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from grokscope.analysis import Phases
from grokscope.analysis.measure_table import pivot
from grokscope.figures.axes import phase_bands
from grokscope.figures.theme import BLUE, CYCLIC, DIVERGING, GREEN, ORANGE, PURPLE, SEQUENTIAL, SPARSE, TEST, TRAIN
from grokscope.reports.replay.frames import Replay
from grokscope.reports.replay.pack import pack_picture

_POINTS = 1000
"""Of a curve; more would not show."""
_BRIGHT = {TRAIN: "#56B4E9", TEST: "#FF8A3D", GREEN: "#2FC79B", PURPLE: "#E3A3C6"}
"""The same colours on a dark ground."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of the replay, as the page lays it out."""

    name: str
    title: str
    caption: str
    wide: bool


_CURVES = Panel(
    "curves",
    "Training and test loss",
    "Loss against weight updates, on a logarithmic scale; the line is the step shown below. A click on the curves goes "
    "there.",
    wide=True,
)


@dataclass(frozen=True, eq=False)
class Player:
    """What a page holds of a replay."""

    panels: tuple[Panel, ...]
    data: Mapping[str, Any]
    """For the script, as JSON."""


def make_player(
    replay: Replay, metrics: pd.DataFrame, measures: pd.DataFrame | None = None, phases: Phases | None = None
) -> Player:
    """Return the replay of a run beside its curves.

    Args:
        replay: the pictures.
        metrics: of the run.
        measures: of ``grokscope measure``, tidy, for restricted and excluded loss; None where there are none.
        phases: name the time of each step, where they are complete.
    """
    curves = _curves(metrics, None if measures is None else pivot(measures))
    packed = [pack_picture(picture) for picture in replay.pictures]
    panels = (_CURVES, *(Panel(each.name, each.title, each.caption, each.wide) for each in replay.pictures))
    data = {
        "steps": replay.steps,
        "told": _told(replay.steps, metrics, phases),
        "pictures": [curves, *packed],
        "colours": [BLUE, ORANGE, GREEN, PURPLE],
        "palettes": {
            "sequential": _scale(SEQUENTIAL), "sparse": _scale(SPARSE), "diverging": _scale(DIVERGING),
            "cyclic": _scale(CYCLIC),
        },
    }  # fmt: skip
    return Player(panels, data)


def _scale(name: str) -> list[tuple[float, str]]:
    places = np.linspace(0, 1, 33)
    return [(round(float(place), 5), to_hex(matplotlib.colormaps[name](place))) for place in places]


def _curves(metrics: pd.DataFrame, measures: pd.DataFrame | None) -> dict[str, Any]:
    lines, axes = [], []
    for table, columns in (
        (metrics, {"train_loss": ("train", TRAIN, "solid"), "test_loss": ("test", TEST, "solid")}),
        (
            measures,
            {
                "restricted_loss": ("restricted: key frequencies alone", GREEN, "dash"),
                "excluded_loss": ("excluded: without them", PURPLE, "dashdot"),
            },
        ),
    ):
        if table is None or table.empty:
            continue
        thin = table.iloc[np.unique(np.linspace(0, len(table) - 1, _POINTS).round().astype(int))]
        for column, (name, colour, dash) in columns.items():
            if column in thin and thin[column].notna().any():
                values = [float(f"{value:.4g}") if 0 < value < np.inf else None for value in thin[column]]
                lines.append({"name": name, "axis": len(axes), "values": values, "light": colour,
                              "dark": _BRIGHT[colour], "dash": dash})  # fmt: skip
        axes.append(thin["step"].tolist())
    known = [value for line in lines for value in line["values"] if value is not None]
    decades = np.log10(max(known) / min(known)) if known else 0
    # beyond a few decades every one of them would be written over the next
    return {"kind": "curves", "name": "curves", "steps": axes, "lines": lines, "dtick": max(1, round(decades / 6))}


def _told(steps: Sequence[int], metrics: pd.DataFrame, phases: Phases | None) -> list[str]:
    """Return for each step what is read beside the slider: step, losses, accuracies, phase."""
    bands = {} if phases is None or metrics.empty else phase_bands(phases, int(metrics["step"].iloc[0]))
    known = metrics.set_index("step").to_dict("index")
    told = []
    for step in steps:
        parts = [f"step {step:,}"]
        for data in ("train", "test"):
            row = known.get(step)
            if row is not None and not np.isnan(row[f"{data}_loss"]):
                parts.append(f"{data} loss {row[f'{data}_loss']:.3g} ({row[f'{data}_accuracy']:.1%} right)")
        parts += [name for name, (begin, end) in bands.items() if begin <= step < end]
        told.append(" · ".join(parts))
    return told
