"""What came of planted runs: grokked, censored, diverged."""

import shutil

import pandas as pd
import pytest

from grokscope.analysis.many_runs.groups import group_runs
from grokscope.analysis.many_runs.outcomes import classify_outcome, run_outcome
from grokscope.analysis.many_runs.table import outcome_table
from grokscope.errors import RunError
from grokscope.run import Execution, Experiment, Run, record_run
from grokscope.run.metrics import COLUMNS

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
    ("fitted", "grokked", "outcome"),
    [(20, 60, "grokked"), (20, 30, "generalised at once"), (20, None, "memorised"), (None, None, "not fitted")],
)
def test_how_a_run_turned_out(fitted, grokked, outcome):
    assert classify_outcome("finished", fitted, grokked) == outcome
    assert classify_outcome("diverged", fitted, grokked) == "diverged"


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
    found = run_outcome(run)
    assert (found.memorised, found.generalised, found.grokked) == (10, 200, 250)
    assert found.delay == pytest.approx(150, abs=10)
    assert (found.last_step, found.test_loss, found.train_loss) == (10 * (n - 1), 0.01, 0.01)
    assert (found.seed, found.seeds, found.status, found.fitted) == (0, (0, 0, 0, 0), "finished", 0)


def test_a_run_that_does_not(trained, tmp_path):
    run = with_metrics(trained, tmp_path / "run", [2.0, 3.0, 4.0, 4.0], [0.1] * 4, [2.0, 1.0, 0.1, 0.1])
    found = run_outcome(run)
    assert (found.memorised, found.generalised, found.grokked, found.delay) == (None, None, None, None)


def test_of_infinite_data_nothing_is_memorised(tmp_path):
    infinite = TINY.override({"task.data.kind": "infinite", "task.data.batch_size": 8, "seeds.data": 3})
    run = record_run(infinite, tmp_path / "infinite", execution=Execution(device="cpu", threads=1))
    test = [2.0] * 3 + [3.0] * 5 + [0.01] * 12
    found = run_outcome(with_metrics(run, tmp_path / "copy", test, [0.1] * 10 + [1.0] * 10, test))
    assert (found.memorised, found.delay) == (None, None)
    assert (found.generalised, found.grokked) == (80, 100)
    assert (found.seed, found.seeds) == (None, (0, 0, 3, 0))


def test_a_run_without_metrics_is_named(trained, tmp_path):
    run = Run(shutil.copytree(trained.path, tmp_path / "empty"))
    run.folder.metrics.write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(RunError, match="empty has no metrics yet"):
        group_runs([trained, run])


def test_settings_that_differ_are_columns_for_pandas(trained, tmp_path):
    other = TINY.override({"optimizer.weight_decay": 0.5, "seed": 2})
    run = record_run(other, tmp_path / "other", execution=Execution(device="cpu", threads=1))
    groups = group_runs([trained, run])
    table = outcome_table([each for group in groups for each in group.outcomes])
    assert table["optimizer.weight_decay"].tolist() == [0.5, 1.0]
    assert [group.label for group in groups] == ["weight decay 0.5", "weight decay 1"]
    assert table["seed"].tolist() == [2, 0]
    assert table["grokked"].tolist() == [pd.NA, pd.NA]
