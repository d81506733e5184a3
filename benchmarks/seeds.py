"""How dependable a recipe is: when each seed groks, and whether it stays there.

    python benchmarks/seeds.py fast --seeds 0:20 --out runs/fast-seeds

One run a seed (weights and split both take it), kept in the folder; a run that is there already is not trained again.
"""

import argparse
from pathlib import Path

import grokscope as gs
from grokscope.analysis import network_key_frequencies
from grokscope.tasks import require_modular

GROKKED, PERFECT = 0.95, 0.999


def first_step(run: gs.Run, accuracy: float) -> int | None:
    reached = run.metrics.loc[run.metrics["test_accuracy"] >= accuracy, "step"]
    return None if reached.empty else int(reached.iloc[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="a recipe")
    parser.add_argument("--seeds", default="0:20", help="first:last, the last not included [0:20]")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--threads", type=int, help="CPU threads [PyTorch's choice]")
    options = parser.parse_args()
    first, last = map(int, options.seeds.split(":"))
    kept = 0
    print(f"seed  {GROKKED:.0%} at  {PERFECT:.1%} at  least after  final   test loss  seconds  key frequencies")
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
        least = 0.0 if perfect is None else metrics.loc[metrics["step"] >= perfect, "test_accuracy"].min()
        kept += least > PERFECT
        frequencies = network_key_frequencies(run.model(), require_modular(run.task, "this benchmark")).named
        print(
            f"{seed:4d}  {first_step(run, GROKKED)!s:>6s}  {perfect!s:>8s}  {least:11.4%}  "
            f"{metrics['test_accuracy'].iloc[-1]:7.3%}  {metrics['test_loss'].iloc[-1]:.2e}  "
            f"{run.record['training_seconds']:7.1f}  {frequencies}",
            flush=True,
        )
    print(f"{kept} of {last - first} seeds reach {PERFECT:.1%} test accuracy and stay above it to the end")


if __name__ == "__main__":
    main()
