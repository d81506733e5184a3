"""One epoch of the mainline, against a plain implementation and against its matrix products alone.

    python benchmarks/step.py [--epochs N] [--compile]

The three are timed in turns, so that whatever else the machine does falls on all of them; the medians'
ratios are what counts, not the milliseconds. The plain implementation computes train and test loss every
epoch, as the published loop does; grokscope's own rhythm is the test loss every tenth epoch.
"""

import argparse
import resource
import statistics
from collections.abc import Callable

import torch
from plain import PlainTraining
from timing import seconds

from grokscope.recipe import recipe
from grokscope.run import Execution
from grokscope.run.build import initial_model, trainer_of
from grokscope.training import Trainer

TURN = 20
"""Epochs of grokscope in one turn; a plain epoch is long enough to be timed one by one."""


def matrix_products(n_examples: int) -> Callable[[], None]:
    """Return a function that does the products of one epoch, forward and backward, and nothing else."""
    shapes = {"W_O": (128, 128), "W_in": (128, 512), "W_out": (512, 128), "W_U": (128, 114)}
    triples = [
        (torch.randn(n_examples, n_in), torch.randn(n_in, n_out), torch.randn(n_examples, n_out))
        for n_in, n_out in shapes.values()
    ]
    results = [(torch.empty_like(y), torch.empty_like(x), torch.empty_like(w)) for x, w, y in triples]

    def run() -> None:
        for (x, w, y), (forward, to_input, to_weight) in zip(triples, results, strict=True):
            torch.mm(x, w, out=forward)
            torch.mm(y, w.T, out=to_input)
            torch.mm(x.T, y, out=to_weight)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=200, help="epochs of grokscope to time [200]")
    parser.add_argument("--compile", action="store_true", help="time the compiled step as well as the eager one")
    options = parser.parse_args()
    with Execution(device="cpu").resolved().applied():  # as 'grokscope train' runs
        compare(options.epochs, with_compiled=options.compile)


def compare(epochs: int, *, with_compiled: bool) -> None:
    experiment = recipe("mainline").experiment
    task = experiment.task.build()

    def trainer(compile: bool) -> Trainer:
        return trainer_of(experiment, initial_model(experiment, task), task, compile=compile)

    def step(trainer: Trainer) -> Callable[[], None]:
        def run() -> None:
            trainer.gradient()
            trainer.update()

        return run

    eager = trainer(compile=False)
    plain = PlainTraining(initial_model(experiment, task), task)  # pyright: ignore[reportArgumentType]
    start = (eager.gradient().loss.item(), *(eager.test() or ())), plain.epoch()
    print(
        f"loss at epoch 0: grokscope {start[0][0]:.6f} / {start[0][1]:.6f}, plain {start[1][0]:.6f} / {start[1][1]:.6f}"
    )
    work: dict[str, Callable[[], object]] = {
        "plain epoch, test loss included": plain.epoch,
        "grokscope step": step(eager),
        "grokscope test loss": eager.test,
        "matrix products alone": matrix_products(len(task.train or ())),
    }
    if with_compiled:
        work["grokscope step, compiled"] = step(trainer(compile=True))
    once = {"plain epoch, test loss included", "grokscope test loss"}
    times: dict[str, list[float]] = {name: [] for name in work}
    memory = 0
    for name, run in sorted(work.items(), key=lambda item: item[0].startswith("plain")):
        seconds(run, 3)  # warm-up; plain last, so that the peak before it is grokscope's own
        if not name.startswith("plain"):
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(max(1, epochs // TURN)):
        for name, run in work.items():
            times[name] += seconds(run, 1 if name in once else TURN)
    median = {name: statistics.median(values) for name, values in times.items()}

    flop = 6 * len(task.train or ()) * (128 * 128 + 2 * 128 * 512 + 128 * 114)
    for name, value in median.items():
        print(f"{name:34s} {1e3 * value:8.2f} ms   (fastest {1e3 * min(times[name]):.2f})")
    rate = flop / median["matrix products alone"] / 1e9
    print(
        f"{torch.get_num_threads()} threads; the products run at {rate:.0f} GFLOP/s; peak memory {memory / 1024:.0f} MB"
    )
    products, test = median["matrix products alone"], median["grokscope test loss"]
    for name in ("grokscope step", "grokscope step, compiled"):
        if name in median:
            own = median[name]
            ratio = median["plain epoch, test loss included"]
            print(
                f"{name}: {ratio / (own + test / 10):.1f}x the plain loop at its own rhythm (test loss every tenth "
                f"epoch), {ratio / (own + test):.1f}x with the test loss every epoch, "
                f"{own / products:.2f} times its matrix products"
            )


if __name__ == "__main__":
    main()
