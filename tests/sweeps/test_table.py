"""The table has a row a run, columns of one type, and is the same after a way through a file."""

import io

import pandas as pd
import pytest

from grokscope.run import Experiment
from grokscope.sweeps import PlannedRun, Sweep
from grokscope.sweeps.jobs import Result
from grokscope.sweeps.table import as_parquet, results_table


def row(run, grokked):
    steps = {"last_step": 400, "fitted": 20, "memorised": None, "generalised": None, "first_crossing": grokked}
    ends = {"delay": None, "train_loss": 0.1, "test_loss": 0.2, "test_accuracy": 0.9, "seconds": 1.5}
    words = {"status": "finished", "outcome": "grokked", "key_frequencies": "3 5", "n_key_frequencies": 2}
    return {
        "run": run.folder,
        **run.arm,
        "seed": run.seed,
        **steps,
        "grokked": grokked,
        **ends,
        **words,
        "verdict": None,
    }


def results(runs):
    """The first failed, the last was interrupted, of the others one never grokked."""
    failed, first, second, interrupted = runs
    return [
        Result(second.folder, row(second, 300)),
        Result(failed.folder, error="RunError: the disk is full"),
        Result(first.folder, {**row(first, None), "gini_W_E": 0.7}),
        Result(interrupted.folder),
    ]


def test_a_row_for_each_run_that_ended_in_the_order_of_the_plan():
    runs = Sweep(base=Experiment(), seeds=(0, 1), vary={"weight_decay": (0.3, 1)}).runs()
    table = results_table(runs, results(runs), ["gini_W_E"])
    assert table["run"].tolist() == [run.folder for run in runs[:3]]
    assert table["status"].tolist() == ["failed", "finished", "finished"]
    assert table["grokked"].tolist() == [pd.NA, pd.NA, 300]
    assert table["gini_W_E"].tolist()[1] == 0.7
    assert table["error"].tolist()[0] == "RunError: the disk is full"
    assert table["optimizer.weight_decay"].tolist() == [0.3, 1.0, 0.3]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("weight_decay", (0.3, 1.0)),
        ("betas", ([0.9, 0.98], [0.9, 0.999])),
        ("stop.test_loss", (None, 0.1)),
        ("operation", ("add", "subtract")),
    ],
)
def test_through_a_file(name, values):
    runs = Sweep(base=Experiment(), seeds=(0, 1), vary={name: values}).runs()
    table = results_table(runs, results(runs), ["gini_W_E"])
    written = read(table)
    assert written.columns.tolist() == table.columns.tolist()
    assert written["grokked"].tolist() == table["grokked"].tolist()
    assert written["error"].isna().tolist() == [False, True, True]
    [varied] = runs[0].arm
    for there, here in zip(written[varied], table[varied], strict=True):
        assert there == here or (pd.isna(there) and pd.isna(here))
    as_planned = [str(value) if isinstance(value, list) else value for value in values]
    for there, here in zip(written[varied], as_planned, strict=False):
        assert there == here or (pd.isna(there) and here is None)


def read(table):
    return pd.read_parquet(io.BytesIO(as_parquet(table)))


def test_a_column_of_numbers_and_words_is_written_as_text():
    runs = [PlannedRun(Experiment(), {"d_mlp": value}, 0, f"run{value}") for value in (4, "many", None)]
    table = results_table(runs, [Result(run.folder, row(run, 300)) for run in runs], [])
    assert read(table)["d_mlp"].tolist()[:2] == ["4", "many"]


def test_a_table_without_rows():
    runs = Sweep(base=Experiment()).runs()
    assert read(results_table(runs, [], [])).empty
