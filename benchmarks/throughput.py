"""Grokked networks an hour on this machine, and what an ensemble costs as it grows.

    python benchmarks/throughput.py                    # both, ten minutes on two cores
    python benchmarks/throughput.py hour --runs 16     # so many of `small`, more of tiny and fewer of large ones
    python benchmarks/throughput.py growth --most 256  # steps of 1, 2, 4 … networks at once

hour: the same runs one after another with all threads, in processes of one thread each, and as ensembles in such
processes (on a GPU: ensembles in this process); the ratio is to one after another. Networks of `small` and `fast` are
really trained until they grok, everything included: starting processes, evaluating, writing. A mainline network takes
minutes: its steps are timed, and 9,550 of them, after which seed 0 groks, count as a grokked network.

growth: each size in a fresh process, so that its peak memory is its own. The knee is the smallest ensemble whose step
takes, for each network in it, at most a tenth longer than that of the best size.
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import pandas as pd
import torch

from grokscope.recipe import recipe
from grokscope.run import Execution, Experiment
from grokscope.run.build import member_of, task_of
from grokscope.sweeps import Sweep, SweepBackend, SweepFolder, run_sweep, sweep_backend
from grokscope.sweeps.batching import batches_of
from grokscope.training import EnsembleTrainer

GROKS_AT, TIMED_STEPS = 9_550, 100
"""Of the mainline, seed 0: docs/results.md. And how many steps of it are timed."""
TINY = {"task.p": 31, "task.data.train_fraction": 0.6, "model.d_model": 32, "model.d_head": 8, "model.d_mlp": 64}
"""What the smallest network that is timed differs in from `small`."""
KNEE = 1.1
"""How much longer than at the best size a network's step may take."""


def tiny() -> Experiment:
    return recipe("small").experiment.override(TINY)


def backends(n_runs: int) -> dict[str, SweepBackend]:
    """Return how the same runs are trained: the first is what the others are compared with."""
    if torch.cuda.is_available():
        return {"one after another": sweep_backend("serial", ensemble_size=1), "ensembles": sweep_backend("serial")}
    return {
        "one after another": sweep_backend("serial"),
        "processes, one run each": sweep_backend("processes", ensemble_size=1),
        "processes, ensembles that pay": sweep_backend("processes"),
        "processes, one ensemble each": sweep_backend("processes", ensemble_size=-(-n_runs // (os.cpu_count() or 1))),
    }


def trained(experiment: Experiment, n_runs: int, backend: SweepBackend) -> tuple[pd.DataFrame, float]:
    """Return what came of so many seeds, and how many seconds all of it took."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        sweep = Sweep(base=experiment, seeds=tuple(range(n_runs)))
        found = run_sweep(sweep, SweepFolder(folder), backend, explained=False, resume=True)
        if not found.is_complete:
            raise SystemExit("stopped: these numbers are of no use")
        return found.table, time.perf_counter() - began


def hour(n_runs: int) -> None:
    print(f"{'network':10s} {'how':32s} {'runs':>5s} {'grokked':>8s} {'seconds':>8s} {'an hour':>8s} {'ratio':>6s}")
    timed = recipe("mainline").experiment.override({"stop.steps": TIMED_STEPS, "checkpoint_every": TIMED_STEPS})
    for name, experiment, number in (
        ("small", recipe("small").experiment, n_runs),
        ("tiny", tiny(), 4 * n_runs),
        ("fast", recipe("fast").experiment, max(1, n_runs // 2)),
        ("mainline", timed, max(1, n_runs // 2)),
    ):
        first = 0.0
        for how, backend in backends(number).items():
            table, seconds = trained(experiment, number, backend)
            grokked = len(table["grokked"].dropna())
            rate = 3600 * grokked / seconds
            if experiment is timed:  # as fast as in the middle of a long sweep: without the start of processes
                runs = Sweep(base=experiment, seeds=tuple(range(number))).runs()
                first_batch = batches_of(runs, backend.execution, backend.ensemble_size, backend.n_workers)[0]
                at_once = min(number, backend.n_workers * len(first_batch))
                seconds = sum(table["seconds"].tolist()) / at_once * GROKS_AT / TIMED_STEPS
                rate, grokked = 3600 * number / seconds, number
            first = first or rate
            print(
                f"{name:10s} {how:32s} {number:5d} {grokked:8d} {seconds:8.1f} {rate:8.1f} {rate / first:6.2f}",
                flush=True,
            )


@dataclass(frozen=True)
class Size:
    """What an ensemble of so many networks takes."""

    n_runs: int
    step_ms: float
    memory_mb: float


def measured(experiment: Experiment, n_runs: int) -> Size:
    """Time steps of an ensemble in this process, which has done nothing else before."""
    with Execution(threads=None if torch.cuda.is_available() else 1).resolved().applied() as device:
        seeded = [experiment.override({"seed": seed}) for seed in range(n_runs)]
        trainer = EnsembleTrainer([member_of(each, task_of(each), device) for each in seeded])
        step(trainer, device)
        times, began = list[float](), time.perf_counter()
        while len(times) < 3 or (time.perf_counter() - began < 3 and len(times) < 300):
            start = time.perf_counter()
            step(trainer, device)
            times.append(time.perf_counter() - start)
    peak = (
        torch.cuda.max_memory_allocated()
        if device.type == "cuda"
        else 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    )
    return Size(n_runs, 1000 * sorted(times)[len(times) // 2], peak / 1e6)


def step(trainer: EnsembleTrainer, device: torch.device) -> None:
    trainer.gradient()
    trainer.update()
    if device.type == "cuda":
        torch.cuda.synchronize()


def growth(most: int) -> None:
    where = "the GPU" if torch.cuda.is_available() else "one thread"
    for name, experiment in (("tiny", tiny()), ("small", recipe("small").experiment)):
        print(f"\n{name}, on {where}: ensembles of 1 to {most:,}")
        print(f"{'networks':>8s} {'ms a step':>10s} {'ms a network':>13s} {'times as fast':>14s} {'peak MB':>8s}")
        found: list[Size] = []
        n_runs = 1
        while n_runs <= most:
            fresh = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=fresh) as process:
                size = process.submit(measured, experiment, n_runs).result()
            found.append(size)
            each = size.step_ms / n_runs
            ratio = found[0].step_ms / each
            print(f"{n_runs:8,d} {size.step_ms:10.2f} {each:13.3f} {ratio:14.2f} {size.memory_mb:8.0f}", flush=True)
            n_runs *= 2
        best = min(size.step_ms / size.n_runs for size in found)
        knee = next(size for size in found if size.step_ms / size.n_runs <= KNEE * best)
        print(f"knee: {knee.n_runs} networks, {found[0].step_ms * knee.n_runs / knee.step_ms:.2f} times as fast")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("hour", "growth"), help="one of the two [both]")
    parser.add_argument(
        "--runs", type=int, default=4, help="of `small`; four times as many tiny ones, half as many large ones [4]"
    )
    parser.add_argument("--most", type=int, default=1024, help="the largest ensemble [1024]")
    options = parser.parse_args()
    if options.what != "growth":
        hour(options.runs)
    if options.what != "hour":
        growth(options.most)


if __name__ == "__main__":
    main()
