"""What came of planted runs: grokked, censored, diverged."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest

from grokscope.analysis.many_runs.outcomes import RunOutcome, censored_median, group_table, outcome_table, run_outcome
from grokscope.errors import RunError
from grokscope.run import Execution, Experiment, Run, record_run
from grokscope.run.groups import group_runs
from grokscope.run.metrics import COLUMNS

OUTCOME = RunOutcome("run", "one", "0", "finished", 100, 10, 20, 30, 5.0, 0.1, 0.2, 0.9, "")
TINY = Experiment(name="tiny").override(
    {
        "task.p": 7,
        "model.d_model": 4,
        "model.n_heads": 1,
        "model.d_head": 4,
        "model.d_mlp": 4,
        "stop.steps": 2,
    }
)


@pytest.mark.parametrize(
    ("reached", "n", "median"),
    [
        ([30.0], 1, 30),
        ([], 1, None),
        ([10.0, 20.0, 30.0, 40.0, 50.0], 5, 30),
        ([50.0, 10.0, 30.0], 5, 50),
        ([10.0, 20.0], 5, None),
        ([10.0, 20.0], 4, 20),
        ([10.0, 20.0, 30.0, 40.0], 4, 20),
        ([10.0], 4, None),
    ],
)
def test_a_median_over_runs_that_may_never_have_got_there(reached, n, median):
    assert censored_median(reached, n) == median


def outcomes(*grokked: int | None, group: str = "one") -> pd.DataFrame:
    rows = [
        dataclasses.replace(OUTCOME, grokked=step, group=group, test_loss=float(at)) for at, step in enumerate(grokked)
    ]
    return pd.DataFrame([vars(row) for row in rows]).astype({"grokked": "Int64"})


def test_three_of_five():
    [row] = group_table(outcomes(900, None, 300, 600, None)).to_dict("records")
    assert (row["runs"], row["grokked_runs"], row["grokked_median"]) == (5, 3, 900)
    assert (row["grokked_low"], row["grokked_high"]) == (300, 900)
    assert (row["test_loss_low"], row["test_loss_median"], row["test_loss_high"]) == (0, 2, 4)


def test_fewer_than_half_have_no_median_but_a_range():
    [row] = group_table(outcomes(900, None, 300, None, None)).to_dict("records")
    assert np.isnan(row["grokked_median"])
    assert (row["grokked_runs"], row["grokked_low"], row["grokked_high"]) == (2, 300, 900)


def test_groups_keep_their_order():
    table = group_table(pd.concat([outcomes(1, group="z"), outcomes(None, None, group="a")]))
    assert table["group"].tolist() == ["z", "a"]
    assert table["grokked_runs"].tolist() == [1, 0]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Run:
    path = tmp_path_factory.mktemp("outcomes") / "run"
    return record_run(TINY, path, execution=Execution(device="cpu", threads=1))


def with_metrics(run: Run, path, test_losses, test_accuracies, train_losses) -> Run:
    copied = Run(shutil.copytree(run.path, path))
    steps = [10 * at for at in range(len(test_losses))]
    columns = (steps, train_losses, [1.0] * len(steps), test_losses, test_accuracies)
    pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))).to_csv(copied.folder.metrics, index=False)
    return copied


def test_a_run_that_groks(trained, tmp_path):
    n = 40
    test = [2.0] + [3.0] * 5 + [2.9] * 14 + [0.01] * 20
    train = [2.0] * 5 + [0.01] * 35
    run = with_metrics(trained, tmp_path / "run", test, [0.1] * 25 + [1.0] * 15, train)
    found = run_outcome(run, "g")
    assert (found.memorised, found.generalised, found.grokked) == (10, 200, 250)
    assert found.delay == pytest.approx(150, abs=10)
    assert (found.last_step, found.test_loss, found.train_loss) == (10 * (n - 1), 0.01, 0.01)
    assert (found.seeds, found.group, found.status) == ("0", "g", "finished")


def test_a_run_that_does_not(trained, tmp_path):
    run = with_metrics(trained, tmp_path / "run", [2.0, 3.0, 4.0, 4.0], [0.1] * 4, [2.0, 1.0, 0.1, 0.1])
    found = run_outcome(run, "g")
    assert (found.memorised, found.generalised, found.grokked, found.delay) == (None, None, None, None)


def test_of_infinite_data_nothing_is_memorised(tmp_path):
    infinite = TINY.override({"task.data.kind": "infinite", "task.data.batch_size": 8, "seeds.data": 3})
    run = record_run(infinite, tmp_path / "infinite", execution=Execution(device="cpu", threads=1))
    test = [2.0] * 3 + [3.0] * 5 + [0.01] * 12
    found = run_outcome(with_metrics(run, tmp_path / "copy", test, [0.1] * 10 + [1.0] * 10, test), "g")
    assert (found.memorised, found.delay) == (None, None)
    assert (found.generalised, found.grokked) == (80, 100)
    assert found.seeds == "0/0/3/0"


def test_a_run_without_metrics_is_named(trained, tmp_path):
    run = Run(shutil.copytree(trained.path, tmp_path / "empty"))
    run.folder.metrics.write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(RunError, match="empty has no metrics yet"):
        outcome_table(group_runs([trained, run]))


def test_settings_that_differ_are_columns_for_pandas(trained, tmp_path):
    other = TINY.override({"optimizer.weight_decay": 0.5, "seed": 2})
    run = record_run(other, tmp_path / "other", execution=Execution(device="cpu", threads=1))
    table = outcome_table(group_runs([trained, run]))
    assert table["optimizer.weight_decay"].tolist() == [0.5, 1.0]
    assert table["group"].tolist() == ["weight decay 0.5", "weight decay 1"]
    assert table["seeds"].tolist() == ["2", "0"]
    assert table["grokked"].tolist() == [pd.NA, pd.NA]
