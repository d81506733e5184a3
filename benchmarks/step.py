"""A training step of a recipe against plain PyTorch, and the mainline's against its matrix products alone.

    python benchmarks/step.py                         the mainline
    python benchmarks/step.py repeated-subsequences skip-trigrams
    python benchmarks/step.py --compile               the compiled step as well

What is compared is timed in turns, so that whatever else the machine does falls on all of it; the medians' ratios are
what counts, not the milliseconds. Of the mainline, the plain implementation computes train and test loss every epoch,
as the published loop does; grokscope's own rhythm is the test loss every tenth epoch. Of other recipes, steps are
compared without evaluation, and the plain attention is PyTorch's fused one.
"""

import argparse
import resource
import statistics
import sys
from collections.abc import Callable

import torch
from plain import PlainTraining
from timing import seconds, taking

from grokscope.models import Transformer
from grokscope.recipe import recipe, recipe_names
from grokscope.run import Execution, Experiment
from grokscope.run.build import initial_model, task_of, trainer_of
from grokscope.run.recording.memory import freed_memory_kept
from grokscope.tasks import Task
from grokscope.training import Trainer

TURN = 20
"""Steps of grokscope in one turn; a plain epoch of the mainline is long enough to be timed one by one."""


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
    parser.add_argument("names", nargs="*", metavar="NAME", help="recipes of transformers [mainline]")
    parser.add_argument("--steps", type=int, default=200, help="steps of grokscope to time [200]")
    parser.add_argument("--compile", action="store_true", help="time the compiled step as well as the eager one")
    options = parser.parse_args()
    if unknown := set(options.names) - set(recipe_names()):
        parser.error(f"no recipe is called {', '.join(sorted(unknown))}; see 'grokscope recipes'")
    # as 'grokscope train' runs
    with Execution(device="cpu").resolved().applied(), freed_memory_kept():
        for name in options.names or ["mainline"]:
            experiment = recipe(name).experiment
            task = task_of(experiment)
            model = initial_model(experiment, task)
            if not isinstance(model, Transformer):
                print(f"{name}: plain PyTorch is written for transformers only", file=sys.stderr)
                continue
            compare = compare_mainline if name == "mainline" else compare_steps
            compare(name, experiment, task, model, options.steps, with_compiled=options.compile)


def steps(experiment: Experiment, task: Task, *, with_compiled: bool) -> dict[str, Trainer]:
    """Return trainers by the name of their step: the eager one and, if asked for, the compiled one."""
    kinds = {"grokscope step": False} | ({"grokscope step, compiled": True} if with_compiled else {})
    return {
        name: trainer_of(experiment, initial_model(experiment, task), task, compile=compiled)
        for name, compiled in kinds.items()
    }


def compare_steps(
    name: str, experiment: Experiment, task: Task, model: Transformer, n_steps: int, *, with_compiled: bool
) -> None:
    """Print how long steps of a recipe take, and their ratios to plain ones in the same turn."""
    plain = PlainTraining(model, task, fused=True)
    trainers = steps(experiment, task, with_compiled=with_compiled)
    losses = [next(iter(trainers.values())).gradient().loss.item(), plain.step()]
    work: dict[str, Callable[[], object]] = {"plain step": plain.step}
    work |= {each: taking(trainer) for each, trainer in trainers.items()}
    times: dict[str, list[float]] = {each: [] for each in work}
    for run in work.values():
        seconds(run, 2)
    turn = max(1, min(TURN, n_steps // 10))
    for _ in range(max(1, n_steps // turn)):
        for each, run in work.items():
            times[each].append(statistics.mean(seconds(run, turn)))
    print(f"{name}: loss at step 0: grokscope {losses[0]:.6f}, plain {losses[1]:.6f}")
    for each, values in times.items():
        ratio = statistics.median(own / other for own, other in zip(values, times["plain step"], strict=True))
        print(f"  {each:26s} {1e3 * statistics.median(values):8.2f} ms   {ratio:.2f} plain steps")


def compare_mainline(
    name: str, experiment: Experiment, task: Task, model: Transformer, n_steps: int, *, with_compiled: bool
) -> None:
    """Print how long an epoch takes, and its ratios to a plain one and to its matrix products."""
    trainers = steps(experiment, task, with_compiled=with_compiled)
    eager = trainers["grokscope step"]
    plain = PlainTraining(model, task, fused=False)
    start = (eager.gradient().loss.item(), *(eager.test() or ())), plain.epoch()
    print(
        f"loss at epoch 0: grokscope {start[0][0]:.6f} / {start[0][1]:.6f}, plain {start[1][0]:.6f} / {start[1][1]:.6f}"
    )
    work: dict[str, Callable[[], object]] = {"plain epoch, test loss included": plain.epoch}
    work |= {each: taking(trainer) for each, trainer in trainers.items()}
    work |= {"grokscope test loss": eager.test, "matrix products alone": matrix_products(len(task.train or ()))}
    once = {"plain epoch, test loss included", "grokscope test loss"}
    times: dict[str, list[float]] = {each: [] for each in work}
    memory = 0
    for each, run in sorted(work.items(), key=lambda item: item[0].startswith("plain")):
        seconds(run, 3)  # warm-up; plain last, so that the peak before it is grokscope's own
        if not each.startswith("plain"):
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(max(1, n_steps // TURN)):
        for each, run in work.items():
            times[each] += seconds(run, 1 if each in once else TURN)
    median = {each: statistics.median(values) for each, values in times.items()}

    flop = 6 * len(task.train or ()) * (128 * 128 + 2 * 128 * 512 + 128 * 114)
    for each, value in median.items():
        print(f"{each:34s} {1e3 * value:8.2f} ms   (fastest {1e3 * min(times[each]):.2f})")
    products, test = median["matrix products alone"], median["grokscope test loss"]
    rate = flop / products / 1e9
    print(
        f"{torch.get_num_threads()} threads; the products run at {rate:.0f} GFLOP/s; peak memory {memory / 1024:.0f} MB"
    )
    whole = median["plain epoch, test loss included"]
    for each in trainers:
        own = median[each]
        print(
            f"{each}: {whole / (own + test / 10):.1f}x the plain loop at its own rhythm (test loss every tenth "
            f"epoch), {whole / (own + test):.1f}x with the test loss every epoch, "
            f"{own / products:.2f} times its matrix products"
        )


if __name__ == "__main__":
    main()
