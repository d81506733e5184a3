"""The measures of a recorded run, checkpoint after checkpoint."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from measured import measure

from grokscope.analysis.binary.all_pairs import train_mask
from grokscope.analysis.measure_table import pivot, read_measures, tidy
from grokscope.analysis.trajectories.measure_run import chosen_steps, measure_run
from grokscope.errors import ConfigError, RunError
from grokscope.progress import Silent
from grokscope.run import Execution, Experiment, Run, record_run
from grokscope.run.atomic import save_tensors
from grokscope.run.tables import MEASURE_COLUMNS

TINY = Experiment(name="tiny").override(
    {
        "task.p": 7,
        "task.equals_token": False,
        "model.kind": "mlp",
        "model.shared_embedding": False,
        "model.d_model": 4,
        "model.d_mlp": 8,
        "stop.steps": 25,
        "evaluate_every": 5,
        "checkpoint_every": 10,
    }
)
"""Shaped like a network with two planted frequencies."""


def record(folder: Path, **changes: object) -> Run:
    experiment = TINY.override({name.replace("__", "."): value for name, value in changes.items()})
    return record_run(experiment, folder, execution=Execution(device="cpu", threads=1))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return record(tmp_path_factory.mktemp("trained") / "run")


@pytest.fixture
def run(trained: Run, tmp_path: Path) -> Run:
    """A copy, to be spoiled."""
    shutil.copytree(trained.path, tmp_path / "run")
    return Run(tmp_path / "run")


def test_every_checkpoint_has_its_row(trained):
    found = measure_run(trained, frequencies=[1, 3])
    assert list(found.columns) == MEASURE_COLUMNS
    table = pivot(found)
    assert table["step"].tolist() == trained.checkpoints == [0, 10, 20, 25]
    assert table.columns[0] == "step"
    for position, step in enumerate(trained.checkpoints):
        expected = measure(trained.model(step), trained.task, [1, 3], train_mask(trained.task))
        assert table.iloc[position].drop("step").to_dict() == expected
    assert table["train_loss"].is_unique  # another network at every step


def test_the_losses_are_those_that_the_run_recorded(trained):
    table = pivot(measure_run(trained, frequencies=[1])).set_index("step")
    recorded = trained.metrics.set_index("step")
    for step in (0, 10, 20, 25):
        for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
            assert table.loc[step, name] == pytest.approx(recorded.loc[step, name], rel=1e-5)


def test_a_run_on_infinite_data_has_no_split(tmp_path):
    run = record(tmp_path / "run", task__data__kind="infinite", task__data__batch_size=16, stop__steps=10)
    table = measure_run(run, frequencies=[2])
    assert not any(name.startswith(("train_", "test_")) for name in table["measure"])
    assert table["step"].unique().tolist() == [0, 10]


@pytest.mark.parametrize(
    ("every", "steps"),
    [(None, [0, 10, 20, 25]), (10, [0, 10, 20, 25]), (20, [0, 20, 25]), (7, [0, 25]), (5, [0, 10, 20, 25])],
)
def test_only_multiples_of_every_and_the_last_are_measured(trained, every, steps):
    assert chosen_steps(trained, every) == steps
    seen: list[str] = []

    class Seen(Silent):
        def advance(self, amount: int = 1, detail: str = "") -> None:
            seen.append(detail)

    table = measure_run(trained, frequencies=[1], every=every, progress=Seen())
    assert table["step"].unique().tolist() == steps
    assert seen == [f"step {step}" for step in steps]


@pytest.mark.parametrize("operation", ["add", "subtract", "multiply"])
@pytest.mark.parametrize("keys", [[2], [1, 3]])
def test_the_frequencies_are_those_of_the_last_networks_neurons(tmp_path, planted, operation, keys):
    changes = {"task__operation": operation, "model__d_model": 2 * len(keys), "model__d_mlp": 4 * len(keys)}
    run = record(tmp_path / "run", **changes, stop__steps=10)
    save_tensors(run.folder.checkpoint(10), planted(run.task, keys).state_dict())
    table = measure_run(run)
    alphas = table[(table["measure"] == "alpha") & (table["step"] == 10)]
    assert alphas["index"].tolist() == [str(k) for k in keys]
    pd.testing.assert_frame_equal(table, measure_run(run, frequencies=keys))
    assert pivot(table)["neurons_in_clusters"].iloc[-1] == 1


def test_the_table_reads_back_as_it_was_written(trained, tmp_path):
    table = measure_run(trained, frequencies=[1, 3])
    table.to_csv(tmp_path / "measures.csv", index=False)
    pd.testing.assert_frame_equal(read_measures(tmp_path / "measures.csv"), table)


def test_a_wide_table_of_an_earlier_version_is_converted(trained, tmp_path):
    table = measure_run(trained, frequencies=[1, 3])
    wide = pivot(table)
    assert {"excluded_loss", "excluded_loss_1", "excluded_loss_cube", "alpha_3", "sum_of_squares.embed.W_E"} <= set(
        wide
    )
    wide.to_csv(tmp_path / "measures.csv", index=False)
    read = read_measures(tmp_path / "measures.csv")
    assert read is not None
    order = ["step", "measure", "index"]
    pd.testing.assert_frame_equal(
        read.sort_values(order, ignore_index=True), table.sort_values(order, ignore_index=True)
    )
    pd.testing.assert_frame_equal(pivot(tidy(wide)), wide)


class TestErrors:
    def test_a_network_without_key_frequencies(self, trained):
        with pytest.raises(ConfigError, match=r"the network has no key frequencies .*; name some with --frequencies$"):
            measure_run(trained)

    def test_a_network_without_neurons(self, tmp_path):
        changes = {"model.kind": "transformer", "model.attention_only": True, "model.d_model": 8, "stop.steps": 5}
        run = record(tmp_path / "run", **changes)
        with pytest.raises(ConfigError, match=r"has no key frequencies .*; name some with --frequencies$"):
            measure_run(run)
        assert measure_run(run, frequencies=[1])["step"].nunique() == 2

    def test_a_frequency_that_does_not_exist(self, trained):
        with pytest.raises(ConfigError, match=r"^there is no frequency 4 modulo 7; use 1 to 3$"):
            measure_run(trained, frequencies=[1, 4])

    @pytest.mark.parametrize("operation", ["x2xyy2", "random"])
    def test_an_operation_that_is_no_addition(self, tmp_path, operation):
        run = record(tmp_path / "run", task__operation=operation, stop__steps=5)
        with pytest.raises(ConfigError, match=f"{operation} mod 7 is not addition in any coordinates"):
            measure_run(run, frequencies=[1])

    @pytest.mark.parametrize("every", [0, -10])
    def test_no_step_is_a_multiple_of_nothing(self, trained, every):
        with pytest.raises(ConfigError, match=rf"^every: expected a number of steps from 1 up, got {every}$"):
            measure_run(trained, frequencies=[1], every=every)

    @pytest.mark.parametrize("frequencies", [None, [1]])
    def test_a_run_without_checkpoints(self, run, frequencies):
        for step in run.checkpoints:
            run.folder.checkpoint(step).unlink()
        with pytest.raises(RunError, match=r"run has no checkpoints to measure$"):
            measure_run(run, frequencies=frequencies)
        with pytest.raises(RunError, match=r"run has no checkpoints to measure$"):
            chosen_steps(run, 10)
