"""Runs recorded together: each is what it would have been alone, and survives what a run alone survives."""

import os
import signal
from pathlib import Path

import pandas as pd
import pytest
import torch
from file_failures import Killed, at_file_operation

from grokscope.errors import ConfigError, RunError
from grokscope.models import TransformerConfig
from grokscope.run import Execution, Experiment, Run, ensemble_key, record_ensemble, record_run
from grokscope.run.folder import RunFolder
from grokscope.tasks import FiniteData, ModularConfig
from grokscope.training import AdamWConfig, Stop

ONE_THREAD = Execution(device="cpu", threads=1)
BASE = Experiment(
    name="small",
    task=ModularConfig(p=13, data=FiniteData(train_fraction=0.6)),
    model=TransformerConfig(d_model=16, n_heads=2, d_head=8, d_mlp=32),
    optimizer=AdamWConfig(lr=1e-2),
    stop=Stop(steps=24),
    dtype="float64",
    evaluate_every=3,
    checkpoint_every=8,
)
MEMBERS = [
    BASE,
    BASE.override({"seed": 1, "optimizer.weight_decay": 3.0, "model.init_scale": 0.5, "stop.steps": 10}),
    BASE.override({"seed": 2, "optimizer.lr": 3e-3, "stop.test_loss": 100.0, "stop.patience": 3}),
    BASE.override({"seed": 3, "stop.steps": 17}),
]
ENDS = ["reached 24 steps", "reached 10 steps", "test loss below 100", "reached 17 steps"]


def together(folder: Path, experiments=MEMBERS, **options) -> list[Run]:
    paths = [folder / f"run{number}" for number in range(len(experiments))]
    return record_ensemble(experiments, paths, **{"execution": ONE_THREAD, **options})


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> list[Run]:
    folder = tmp_path_factory.mktemp("alone")
    return [
        record_run(experiment, folder / f"run{number}", execution=ONE_THREAD)
        for number, experiment in enumerate(MEMBERS)
    ]


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory) -> list[Run]:
    return together(tmp_path_factory.mktemp("together"))


def assert_same_run(one: Run, other: Run) -> None:
    """The same up to the rounding of float64."""
    assert (one.status, one.record["reason"], one.record["step"]) == (
        other.status,
        other.record["reason"],
        other.record["step"],
    )
    assert one.experiment == other.experiment
    assert one.checkpoints == other.checkpoints
    pd.testing.assert_frame_equal(one.metrics, other.metrics, rtol=1e-7, atol=1e-7)  # accuracies alone are float32
    for step in one.checkpoints:
        weights = other.weights(step)
        assert one.weights(step).keys() == weights.keys()
        for name, value in one.weights(step).items():
            torch.testing.assert_close(value, weights[name], rtol=1e-9, atol=1e-11)


class TestEveryMember:
    @pytest.mark.parametrize("number", range(len(MEMBERS)))
    def test_is_kept_as_if_it_had_been_alone(self, alone, ensemble, number):
        assert ensemble[number].record["reason"] == ENDS[number]
        assert_same_run(ensemble[number], alone[number])

    @pytest.mark.parametrize("number", range(len(MEMBERS)))
    def test_starts_at_the_same_bits(self, alone, ensemble, number):
        weights = alone[number].weights(0)
        assert all(torch.equal(value, weights[name]) for name, value in ensemble[number].weights(0).items())

    def test_tells_how_many_were_trained_together(self, alone, ensemble):
        assert ensemble[0].record["sessions"][0]["together"] == len(MEMBERS)
        assert "together" not in alone[0].record["sessions"][0]

    def test_hands_out_its_rows(self, tmp_path):
        seen: list[tuple[int, int]] = []
        together(tmp_path, MEMBERS[1:], on_row=lambda number, row: seen.append((number, row.step)))
        assert [step for number, step in seen if number == 0] == [0, 3, 6, 9, 10]
        assert [step for number, step in seen if number == 1] == [0, 3, 6]
        assert [step for number, step in seen if number == 2] == [0, 3, 6, 9, 12, 15, 17]


class TestInterrupted:
    def stopped_at(self, folder: Path, step: int, **options) -> list[Run]:
        """Ctrl-C while the rows of ``step`` are written."""

        def stop(number, row):
            if (number, row.step) == (0, step):
                os.kill(os.getpid(), signal.SIGINT)

        return together(folder, on_row=stop, **options)

    def test_all_that_had_not_ended_can_go_on(self, alone, tmp_path):
        runs = self.stopped_at(tmp_path, 12)
        assert [run.status for run in runs] == ["interrupted", "finished", "finished", "interrupted"]
        assert runs[0].record["reason"] == "stopped by the user at step 13"
        for run, expected in zip(together(tmp_path, resume=True), alone, strict=True):
            assert_same_run(run, expected)

    def test_one_can_go_on_alone_and_one_begun_alone_together(self, alone, tmp_path):
        self.stopped_at(tmp_path, 12)
        run = record_run(MEMBERS[3], tmp_path / "run3", execution=ONE_THREAD, resume=True)
        assert_same_run(run, alone[3])
        for other, expected in zip(together(tmp_path, resume=True), alone, strict=True):
            assert_same_run(other, expected)

    def test_killed_between_two_checkpoints_of_one_step(self, alone, tmp_path, monkeypatch):
        """Some stand at step 16 and some at step 8."""
        real = RunFolder.checkpoint

        def killed(folder, step):
            if step == 16 and folder.path.name == "run3":
                raise KeyboardInterrupt
            return real(folder, step)

        monkeypatch.setattr(RunFolder, "checkpoint", killed)
        with pytest.raises(KeyboardInterrupt):
            together(tmp_path)
        monkeypatch.undo()
        assert [Run(tmp_path / name).status for name in ("run0", "run3")] == ["interrupted", "interrupted"]
        for run, expected in zip(together(tmp_path, resume=True), alone, strict=True):
            assert_same_run(run, expected)


@pytest.mark.slow
class TestEndsAtEveryWrite:
    """Each file operation of an ensemble in turn is its last; then all of its runs are resumed together."""

    SHORT = tuple(
        each.override({"stop.steps": steps, "stop.test_loss": None, "evaluate_every": 2, "checkpoint_every": 3})
        for each, steps in zip(MEMBERS[:2], (6, 4), strict=True)
    )

    def ended_everywhere(self, tmp_path, error, caught, **options):
        with pytest.MonkeyPatch.context() as patch:
            count = at_file_operation(patch, -1, Killed())
            whole = together(tmp_path / "whole", self.SHORT)
        assert count[0] >= 40
        for number in range(1, count[0] + 1):
            folder = tmp_path / str(number)
            with pytest.MonkeyPatch.context() as patch:
                at_file_operation(patch, number, error, **options)
                with pytest.raises(caught):
                    together(folder, self.SHORT)
            yield folder
            for run, expected in zip(together(folder, self.SHORT, resume=True), whole, strict=True):
                assert_same_run(run, expected)

    def test_killed(self, tmp_path):
        for folder in self.ended_everywhere(tmp_path, Killed(), Killed):
            assert folder.exists()

    def test_disk_full(self, tmp_path):
        error = OSError(28, "No space left on device")
        for folder in self.ended_everywhere(tmp_path, error, RunError, forever=True):
            assert not list(folder.rglob("*.tmp")), "temporary files are removed"


class TestDivergence:
    def test_ends_that_run_alone(self, alone, tmp_path):
        wild = BASE.override({"seed": 1, "optimizer.lr": 1e30, "schedule.warmup_steps": 0})
        runs = together(tmp_path, [MEMBERS[0], wild, MEMBERS[3]])
        assert [run.status for run in runs] == ["finished", "diverged", "finished"]
        assert "training diverged: the loss at step" in runs[1].record["reason"]
        assert runs[1].checkpoints == [0]
        assert_same_run(runs[0], alone[0])
        assert_same_run(runs[2], alone[3])


class TestRefused:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"model.d_mlp": 33}, "run 1 does not fit into one ensemble with run 0: model.d_mlp is 33, of run 0 32"),
            ({"task.data.train_fraction": 0.5}, "task.data.train_fraction is 0.5, of run 0 0.6; train them apart"),
            ({"evaluate_every": 4}, "evaluate_every is 4, of run 0 3"),
            ({"optimizer.kind": "sgd"}, "optimizer.kind is 'sgd', of run 0 'adamw'"),
        ],
    )
    def test_what_does_not_fit_together(self, tmp_path, changes, message):
        with pytest.raises(ConfigError, match=message):
            together(tmp_path, [BASE, BASE.override(changes)])
        assert list(tmp_path.iterdir()) == []

    def test_one_folder_for_two(self, tmp_path):
        with pytest.raises(ConfigError, match=r"runs 0 and 1 have the same folder, .*one; give each its own"):
            record_ensemble([BASE, BASE], [tmp_path / "one", tmp_path / "one"])

    def test_not_as_many_folders_as_experiments(self, tmp_path):
        with pytest.raises(ConfigError, match="2 experiments and 1 folders; give as many"):
            record_ensemble([BASE, BASE], [tmp_path / "one"])

    def test_compilation(self, tmp_path):
        with pytest.raises(ConfigError, match="compile"):
            together(tmp_path, execution=Execution(compile=True))

    def test_a_folder_that_is_taken_leaves_the_others_unwritten(self, ensemble, tmp_path):
        with pytest.raises(RunError, match="already holds a run"):
            record_ensemble([BASE, MEMBERS[0]], [tmp_path / "free", ensemble[0].path])
        assert list(tmp_path.iterdir()) == []


def test_the_key_tells_what_fits_together():
    assert len({ensemble_key(each) for each in MEMBERS}) == 1
    for changes in ({"optimizer.betas": [0.5, 0.5]}, {"l1": 0.1}, {"schedule.warmup_steps": 0}):
        assert ensemble_key(BASE.override(changes)) == ensemble_key(BASE)
    sgd = BASE.override({"optimizer.kind": "sgd"})
    assert ensemble_key(sgd.override({"optimizer.momentum": 0.5})) == ensemble_key(sgd)
    assert ensemble_key(sgd.override({"optimizer.nesterov": True})) != ensemble_key(sgd)
    for changes in ({"task.p": 11}, {"dtype": "float32"}, {"loss": "float64"}, {"model.n_layers": 2}):
        assert ensemble_key(BASE.override(changes)) != ensemble_key(BASE)
