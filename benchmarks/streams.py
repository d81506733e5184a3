"""What drawing fresh examples costs, as a share of the step that trains on them.

    python benchmarks/streams.py [--steps N]

Times each recipe with infinite data on one thread: whole steps, and the drawing of their batches alone.
"""

import argparse
import statistics
import time
from collections.abc import Callable

from grokscope.recipe import recipe
from grokscope.run import Execution
from grokscope.run.build import initial_model, trainer_of
from grokscope.training import Trainer

RECIPES = (
    *("mainline-infinite", "five-digit-addition", "five-digit-addition-small"),
    *("repeated-subsequences", "skip-trigrams"),
)
LIMIT = 0.1
"""A batch should take no more than this share of its step."""


def median_seconds(work: Callable[[int], object], steps: int) -> float:
    taken = []
    for step in range(steps):
        began = time.perf_counter()
        work(step)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30, help="steps of each recipe to time [30]")
    steps = parser.parse_args().steps
    with Execution(device="cpu", threads=1).resolved().applied():
        for name in RECIPES:
            experiment = recipe(name).experiment
            task = experiment.task.build()
            trainer = trainer_of(experiment, initial_model(experiment, task), task)

            def step(_: int, trainer: Trainer = trainer) -> None:
                trainer.gradient()
                trainer.update()

            whole, drawn = median_seconds(step, steps), median_seconds(task.batches, steps)
            share = drawn / whole
            print(
                f"{name:26} step {1e3 * whole:7.2f} ms   batch {1e3 * drawn:6.3f} ms   {share:6.1%} of the step "
                f"({'within' if share <= LIMIT else 'above'} {LIMIT:.0%})"
            )


if __name__ == "__main__":
    main()
