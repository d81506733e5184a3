"""The events are read back as TensorBoard reads them."""

import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import grokscope as gs
from grokscope.cli.main import main
from grokscope.errors import ConfigError, RunError
from grokscope.run import Execution, Experiment, Run, record_run
from grokscope.run.folder import RunFolder
from grokscope.run.metrics import Row
from grokscope.run.recording.tensorboard import tensorboard_events
from grokscope.tasks import DigitAdditionConfig
from grokscope.tasks.sequences.digit_addition import InfiniteSums
from grokscope.workflows.train import train

ONE_THREAD = Execution(device="cpu", threads=1)
SMALL = gs.recipes()["small"].experiment.override(
    {"task.p": 13, "model.d_model": 16, "model.d_head": 8, "model.n_heads": 2, "model.d_mlp": 16}
    | {"stop.steps": 24, "evaluate_every": 3, "checkpoint_every": 8, "description": "[bold]*tag*"}
)


def record(path: Path, *, tensorboard: bool = True, **options) -> Run:
    experiment = SMALL.override({"stop.steps": options.pop("steps", 24)})
    return train(experiment, out=path, execution=ONE_THREAD, progress=False, tensorboard=tensorboard, **options)


def events(run: Run) -> EventAccumulator:
    return EventAccumulator(str(run.folder.tensorboard), size_guidance={"scalars": 0, "tensors": 0}).Reload()


def curve(run: Run, tag: str = "loss/test") -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in events(run).Scalars(tag)]


def rows(run: Run, column: str = "test_loss") -> list[tuple[int, float]]:
    steps, values = run.metrics["step"], run.metrics[column]
    return [(step, pytest.approx(value, rel=1e-6)) for step, value in zip(steps, values, strict=True)]


def test_every_row_is_there_once(tmp_path):
    run = record(tmp_path / "run")
    assert set(events(run).Tags()["scalars"]) == {"loss/train", "loss/test", "accuracy/train", "accuracy/test"}
    for data in ("train", "test"):
        for kind in ("loss", "accuracy"):
            assert curve(run, f"{kind}/{data}") == rows(run, f"{data}_{kind}")


def test_settings_are_text_that_is_shown_as_it_is(tmp_path):
    run = record(tmp_path / "run")
    (event,) = events(run).Tensors("experiment")
    assert event.step == 0
    text = event.tensor_proto.string_val[0].decode()
    assert [line.removeprefix("    ") for line in text.splitlines()] == SMALL.to_yaml().splitlines()
    assert all(line.startswith("    ") for line in text.splitlines())


def test_metrics_and_weights_do_not_depend_on_it(tmp_path):
    one, other = record(tmp_path / "one"), record(tmp_path / "other", tensorboard=False)
    assert one.folder.metrics.read_bytes() == other.folder.metrics.read_bytes()
    assert one.folder.checkpoint(24).read_bytes() == other.folder.checkpoint(24).read_bytes()
    assert not other.folder.tensorboard.exists()


class TestResume:
    def test_steps_that_are_done_again_are_shown_once(self, tmp_path):
        """As after kill -9: the last training state is older than the last rows."""
        path = tmp_path / "run"
        run = record(path, steps=8)
        older = run.folder.resume.read_bytes()
        record(path, steps=20, resume=True)
        run.folder.resume.write_bytes(older)
        record(path, resume=True)
        assert len(list(run.folder.tensorboard.iterdir())) == 3
        assert curve(run) == rows(run)
        assert [step for step, _ in curve(run)] == [0, 3, 6, 9, 12, 15, 18, 21, 24]

    def test_a_last_row_off_schedule_is_void(self, tmp_path):
        record(tmp_path / "run", steps=11)
        run = record(tmp_path / "run", resume=True)
        assert 11 not in run.metrics["step"].tolist()
        assert curve(run) == rows(run)

    def test_a_sitting_without_events_is_filled_in(self, tmp_path):
        path = tmp_path / "run"
        record(path, steps=8)
        record(path, steps=16, tensorboard=False, resume=True)
        assert curve(record(path, resume=True)) == rows(Run(path))

    def test_begun_without_events(self, tmp_path):
        record(tmp_path / "run", steps=16, tensorboard=False)
        run = record(tmp_path / "run", resume=True)
        assert curve(run) == rows(run)

    @pytest.mark.parametrize("cut", [1, 30, 300])
    def test_events_that_a_crash_cut_short(self, tmp_path, cut):
        run = record(tmp_path / "run", steps=16)
        (file,) = run.folder.tensorboard.iterdir()
        file.write_bytes(file.read_bytes()[:-cut])
        record(tmp_path / "run", resume=True)
        assert curve(run) == rows(run)


def test_losses_of_parts(tmp_path):
    experiment = Experiment(
        task=DigitAdditionConfig(n_digits=2, data=InfiniteSums(batch_size=8)),
        model=gs.TransformerConfig(d_model=8, n_heads=1, d_head=8, d_mlp=8),
        stop=gs.Stop(steps=2),
        evaluate_every=1,
    )
    run = train(experiment, out=tmp_path / "run", execution=ONE_THREAD, progress=False, tensorboard=True)
    parts = [column for column in run.metrics if column.startswith("test_loss_")]
    assert len(parts) == len(run.task.subtasks) > 1
    for column in parts:
        assert curve(run, f"loss_of_parts/{column.removeprefix('test_loss_')}/test") == rows(run, column)


def test_what_is_not_a_number_is_left_out(tmp_path):
    folder = RunFolder(tmp_path)
    folder.metrics.write_text("step,train_loss,train_accuracy,test_loss,test_accuracy\n0,1.0,0.5,,\n")
    with tensorboard_events(folder, SMALL) as take:
        take(Row(0, 1.0, 0.5))
        shown = EventAccumulator(str(folder.tensorboard)).Reload()  # and at once, not when the run ends
    assert shown.Tags()["scalars"] == ["loss/train", "accuracy/train"]


def test_a_full_disk_is_named_and_the_run_failed(tmp_path):
    run = record(tmp_path / "run", steps=8)
    (file,) = run.folder.tensorboard.iterdir()
    file.unlink()
    run.folder.tensorboard.rmdir()
    run.folder.tensorboard.write_text("a file where the folder should be")
    with pytest.raises(RunError, match=r"cannot write .*tensorboard: File exists; the events before are intact"):
        record(tmp_path / "run", resume=True)
    assert run.status == "failed"


def test_without_the_package_nothing_is_begun(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "grokscope.run.recording.tensorboard")
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ConfigError, match=r"pip install 'grokscope\[tensorboard\]'"):
        record(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(SMALL.to_yaml())
    arguments = ["small.yaml", "--out", "run", "--threads", "1", "--tensorboard", "--no-report"]
    monkeypatch.setattr(sys, "argv", ["grokscope", "train", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    assert curve(Run("run")) == rows(Run("run"))


def test_record_run_hands_rows_out_in_order(tmp_path):
    """What the events rely on: a row is in metrics.csv before it is handed out."""
    seen = []

    def take(row: Row) -> None:
        seen.append((row.step, int(Run(tmp_path / "run").metrics["step"].iloc[-1])))

    record_run(SMALL, tmp_path / "run", execution=ONE_THREAD, on_row=take)
    assert all(step == written for step, written in seen)
    assert len(seen) == 9
