"""How time and memory of a training step grow with p, width, batch and length; exponents, peak memory, a picture.

    python benchmarks/growth.py [--what p width batch length] [--rounds 3] [--out growth.png] [--csv growth.csv]

Every size is measured in a process of its own, on one thread, so that its peak memory is its own; steps are timed in
turns with a product of two 512 × 512 matrices, and their ratio is what counts: a machine's mood falls on both. The
rounds go through all sizes again, and the median is taken. An exponent is the slope of a line through the upper half of
the sizes, in logarithms: y grows as x to that power. Memory is what is added at the peak to that of the process after a
small network has been trained in it: libraries are loaded by then.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter
from timing import seconds, stepping

from grokscope.figures import canvas, save_figure
from grokscope.figures.canvas import xlabel, ylabel
from grokscope.figures.theme import BLUE
from grokscope.recipe import recipe
from grokscope.run import Experiment

PRODUCT = 512
"""Rows and columns of the matrices whose product is the unit of time."""
SIZES = {
    "p": (53, 79, 113, 163, 229, 331, 499),
    "width": (32, 64, 128, 256, 512, 1024),
    "batch": (256, 512, 1024, 2048, 4096, 8192, 16384),
    "length": (29, 57, 85, 113, 169, 225),
}
MEANING = {
    "p": "p (mainline, 30 % of the p² pairs, all in a step)",
    "width": "d_model (mainline; d_mlp = 4 d_model, four heads)",
    "batch": "pairs in a step (mainline on infinite data)",
    "length": "tokens in a sequence (repeated subsequences, two layers, 32 sequences in a step)",
}
EXPECTED = {"p": "2 to 3", "width": "2", "batch": "1", "length": "1 to 2"}
"""By what each must grow in the end: pairs, each with p logits; products of matrices; examples; scores of attention."""


def experiment_of(what: str, size: int) -> Experiment:
    """Return the experiment of one size."""
    mainline = recipe("mainline").experiment
    match what:
        case "p":
            return mainline.override({"task.p": size})
        case "width":
            return mainline.override({"model.d_model": size, "model.d_head": size // 4, "model.d_mlp": 4 * size})
        case "batch":
            return recipe("mainline-infinite").experiment.override({"task.data.batch_size": size})
        case _:
            interval = (size - 1) // 2
            changes = {
                "task.interval": interval,
                "task.subsequence_length": interval // 2,
                "task.n_repeats": 2,
                "task.data.batch_size": 32,
                "task.data.test_size": 32,
            }
            return recipe("repeated-subsequences").experiment.override(changes)


def peak() -> int:
    """Return the most memory that this process has had so far, in bytes."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024


def measure(what: str, size: int) -> dict[str, float]:
    """Return seconds of a step, of a product, and the memory that the training took; in this process."""
    torch.set_num_threads(1)
    left, right = torch.randn(2, PRODUCT, PRODUCT).unbind()
    torch.mm(left, right)
    stepping(experiment_of("width", 16).override({"task.p": 11}))()
    before = peak()
    step = stepping(experiment_of(what, size))
    times = max(1, min(50, int(0.2 / statistics.mean(seconds(step, 2)))))
    taken = [
        (statistics.mean(seconds(step, times)), statistics.mean(seconds(lambda: torch.mm(left, right), 10)))
        for _ in range(5)
    ]
    return {
        "seconds": statistics.median(each for each, _ in taken),
        "products": statistics.median(each / product for each, product in taken),
        "bytes": float(peak() - before),
    }


def exponent(sizes: np.ndarray, values: np.ndarray) -> float:
    """Return the slope of ``values`` over ``sizes``, in logarithms, over the upper half of the sizes."""
    upper = slice(len(sizes) // 2 - (len(sizes) % 2 == 0), None)
    return float(np.polyfit(np.log(sizes[upper]), np.log(values[upper]), 1)[0])


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw time and memory over size, a row of panels each."""
    names = list(dict.fromkeys(table["what"]))
    with canvas() as sheet:
        grid = sheet.grid([13.0, 13.0], len(names))
        for column, what in enumerate(names):
            part = table.loc[table["what"] == what]
            for axes, name, unit in zip(grid[:, column], ("products", "megabytes"), ("products", "MB"), strict=True):
                slope = exponent(part["size"].to_numpy(float), part[name].to_numpy(float))
                axes.plot(part["size"], part[name], color=BLUE, marker="o")
                axes.set(xscale="log", yscale="log")
                for axis, ticks in ((axes.xaxis, part["size"][::2]), (axes.yaxis, _round_numbers(part[name]))):
                    axis.set_major_locator(FixedLocator(list(ticks)))
                    axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
                    axis.set_minor_locator(NullLocator())
                axes.set_title(f"{what}: power {slope:.2f}", loc="left")
                if column == 0:
                    ylabel(axes, f"a step, in {unit}" if name == "products" else f"memory, {unit}")
            xlabel(grid[1, column], what)
        figure = sheet.figure
    save_figure(figure, path)


def _round_numbers(values: pd.Series) -> list[float]:
    """Return 1, 2 and 5 times powers of ten among ``values``, at most one in a factor of two."""
    low, high = float(values.min()), float(values.max())
    fine = [step * 10.0**power for power in range(-1, 6) for step in (1, 2, 5)]
    ticks = [tick for tick in fine if low / 1.5 <= tick <= 1.5 * high]
    return ticks if len(ticks) < 6 else [tick for tick in ticks if f"{tick:e}".startswith("1")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", nargs="+", choices=list(SIZES), default=list(SIZES), help="what grows [all]")
    parser.add_argument("--rounds", type=int, default=3, help="how often each size is measured [3]")
    parser.add_argument("--out", type=Path, help="a picture to write (.png, .svg, .pdf)")
    parser.add_argument("--csv", type=Path, help="a table to write")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        what, size = options.one
        print(json.dumps(measure(what, int(size))))
        return
    found: dict[tuple[str, int], list[dict[str, float]]] = {}
    for number in range(options.rounds):
        for what in options.what:
            for size in SIZES[what]:
                command = [sys.executable, __file__, "--one", what, str(size)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                found.setdefault((what, size), []).append(json.loads(done.stdout))
                print(f"round {number + 1}: {what} {size}", end="\r", file=sys.stderr, flush=True)
    rows = [
        {
            "what": what,
            "size": size,
            "milliseconds": 1e3 * statistics.median(each["seconds"] for each in some),
            "products": statistics.median(each["products"] for each in some),
            "megabytes": statistics.median(each["bytes"] for each in some) / 1e6,
        }
        for (what, size), some in found.items()
    ]
    table = pd.DataFrame(rows)
    for what in options.what:
        part = table.loc[table["what"] == what]
        sizes = part["size"].to_numpy(float)
        slopes = [exponent(sizes, part[name].to_numpy(float)) for name in ("products", "megabytes")]
        print(f"\n{MEANING[what]}\n  size   a step, ms   in products   memory, MB")
        for row in part.to_dict("records"):
            shown = (row["size"], row["milliseconds"], row["products"], row["megabytes"])
            print("{:6d}   {:10.2f}   {:11.1f}   {:10.0f}".format(*shown))
        print(f"time grows as size to the power {slopes[0]:.2f} (in the end {EXPECTED[what]}), memory {slopes[1]:.2f}")
    if options.csv:
        table.to_csv(options.csv, index=False)
    if options.out:
        draw(table, options.out)


if __name__ == "__main__":
    main()
