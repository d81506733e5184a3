"""What it costs to look at a network, in steps of the mainline: explanation, report, measures.

    python benchmarks/looking.py [--run FOLDER]

Looks at the run of `make demo` (51 checkpoints), or at a run of `fast` that it trains first in a temporary folder. Each
look is timed between two turns of mainline steps, and divided by the time of those steps: the machine's mood falls on
both. Measures are taken of every checkpoint and reckoned for 400 of them. What a first look costs besides (imports,
fonts) is left out: everything is done once before it is timed.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from timing import seconds, stepping

import grokscope as gs
from grokscope.analysis.trajectories.measure_run import measure_run
from grokscope.explanation import explain, subject_of_run
from grokscope.recipe import recipe
from grokscope.reports import write_report
from grokscope.run import Execution, Run

STEPS = 30
"""Of the mainline, in one turn."""
MEASURED = 400
"""Checkpoints for which the measures are reckoned."""


def mainline_steps() -> Callable[[], None]:
    """Return a function that makes a turn of mainline steps."""
    step = stepping(recipe("mainline").experiment)

    def turn() -> None:
        for _ in range(STEPS):
            step()

    return turn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a run of 'fast' [one is trained]")
    parser.add_argument("--times", type=int, default=3, help="how often each look is timed [3]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Execution(device="cpu").resolved().applied():
        run = Run(options.run) if options.run else gs.train("fast", out=Path(folder) / "fast", progress=False)
        compare(run, Path(folder) / "report.html", options.times)


def compare(run: Run, page: Path, times: int) -> None:
    n, step = len(run.checkpoints), mainline_steps()
    looks: dict[str, tuple[float, Callable[[], object]]] = {
        "explanation": (1, lambda: explain(subject_of_run(run))),
        f"report, {n} checkpoints": (1, lambda: write_report(run, page)),
        f"measures, {MEASURED} checkpoints": (MEASURED / n, lambda: measure_run(run)),
    }
    step()
    print(f"{torch.get_num_threads()} threads, PyTorch {torch.__version__}")
    for name, (factor, look) in looks.items():
        look()
        ratios, taken = [], []
        for _ in range(times):
            before, looking, after = (seconds(each)[0] for each in (step, look, step))
            ratios.append(factor * looking / ((before + after) / 2 / STEPS))
            taken.append(factor * looking)
        print(f"{name:28s} {statistics.median(taken):7.2f} s   {statistics.median(ratios):7.0f} mainline steps")


if __name__ == "__main__":
    main()
