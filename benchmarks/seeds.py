"""How dependable a recipe is: when each seed groks, whether it stays there, and whether it can be explained.

    python benchmarks/seeds.py fastest --seeds 0:64 --out runs/fastest-seeds --threads 1

One run a seed (weights and split both take it), kept in the folder; a run that is there already is not trained again.
"""

import argparse
import statistics
from pathlib import Path

import grokscope as gs
from grokscope.analysis import network_key_frequencies
from grokscope.tasks import require_modular

GROKKED, PERFECT = 0.95, 0.999


def first_step(run: gs.Run, accuracy: float) -> int | None:
    reached = run.metrics.loc[run.metrics["test_accuracy"] >= accuracy, "step"]
    return None if reached.empty else int(reached.iloc[0])


def least_after(run: gs.Run, step: int | None) -> float:
    """Return the least test accuracy from that step on; 0 without one."""
    metrics = run.metrics
    return 0.0 if step is None else float(metrics.loc[metrics["step"] >= step, "test_accuracy"].min())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="a recipe")
    parser.add_argument("--seeds", default="0:20", help="first:last, the last not included [0:20]")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--threads", type=int, help="CPU threads [as many as are fastest]")
    options = parser.parse_args()
    first, last = map(int, options.seeds.split(":"))
    grokked: list[float] = []
    kept = stayed = explained = 0
    print(
        f"seed  {GROKKED:.0%} at  {PERFECT:.1%} at  least after  final   test loss  seconds  verdict  key frequencies"
    )
    for seed in range(first, last):
        run = gs.train(
            options.name,
            seed=seed,
            out=options.out / f"seed-{seed}",
            resume=True,
            execution=gs.Execution(device="cpu", threads=options.threads),
            progress=False,
        )
        metrics, perfect = run.metrics, first_step(run, PERFECT)
        least = least_after(run, perfect)
        at, verdict = first_step(run, GROKKED), gs.explain(run).verdict
        grokked.append(float("inf") if at is None else at)
        kept += least > PERFECT
        stayed += least_after(run, at) >= GROKKED
        explained += verdict == "explained"
        frequencies = network_key_frequencies(run.model(), require_modular(run.task, "this benchmark")).named
        print(
            f"{seed:4d}  {at!s:>6s}  {perfect!s:>8s}  {least:11.4%}  "
            f"{metrics['test_accuracy'].iloc[-1]:7.3%}  {metrics['test_loss'].iloc[-1]:.2e}  "
            f"{run.record['training_seconds']:7.1f}  {verdict}  {frequencies}",
            flush=True,
        )
    n = last - first
    print(f"{GROKKED:.0%} test accuracy at step {statistics.median(grokked):g} in the median of {n} seeds")
    print(f"{stayed} stay at or above it to the end, {kept} at or above {PERFECT:.1%}; {explained} are explained")


if __name__ == "__main__":
    main()
