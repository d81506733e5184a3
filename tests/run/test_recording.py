"""What must survive: any end at any moment, and then the same bits as a run never stopped."""

import json
import math
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from file_failures import Killed, at_file_operation
from filelock import FileLock

from grokscope.errors import ConfigError, DivergenceError, ObserverError, RunError
from grokscope.models import TransformerConfig
from grokscope.run import Execution, Experiment, Run, record_run
from grokscope.run.build import initial_model
from grokscope.run.folder import RunFolder
from grokscope.run.metrics import MetricsFile
from grokscope.tasks import ModularConfig
from grokscope.training import AdamWConfig, Stop

ONE_THREAD = Execution(device="cpu", threads=1)
SMALL = Experiment(
    name="small",
    task=ModularConfig(p=13),
    model=TransformerConfig(d_model=16, n_heads=2, d_head=8, d_mlp=32),
    optimizer=AdamWConfig(lr=1e-2),
    stop=Stop(steps=24),
    evaluate_every=3,
    checkpoint_every=8,
)


def record(experiment: Experiment, path: Path, **options) -> Run:
    return record_run(experiment, path, **{"execution": ONE_THREAD, **options})


def bits(path: Path) -> dict[str, bytes]:
    """Everything of a run that may not depend on when, or in how many sittings, it was made."""
    names = ["metrics.csv", "experiment.yaml", "resume.safetensors"]
    return {name: (path / name).read_bytes() for name in names} | {
        file.name: file.read_bytes()
        for file in sorted((path / "checkpoints").iterdir())
        if file.suffix == ".safetensors"
    }


def assert_same_bits(one: Path, other: Path) -> None:
    left, right = bits(one), bits(other)
    assert left.keys() == right.keys()
    for name in left:
        assert left[name] == right[name], f"{name} differs"


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A run of SMALL that nothing disturbed; look, do not touch."""
    return record(SMALL, tmp_path_factory.mktemp("runs") / "finished").path


class TestWhatIsKept:
    def test_folder(self, finished):
        assert {entry.name for entry in finished.iterdir()} == {
            *("experiment.yaml", "run.json", "metrics.csv", "resume.safetensors", "checkpoints", ".lock")
        }
        assert (finished / "experiment.yaml").read_text() == SMALL.to_yaml()

    def test_a_checkpoint_at_every_scheduled_step_and_the_last(self, finished):
        """Not one file that every checkpoint overwrites."""
        names = sorted(file.name for file in (finished / "checkpoints").iterdir())
        assert names == [f"{step:08d}.safetensors" for step in (0, 8, 16, 24)]

    def test_last_step_is_kept_off_schedule_too(self, tmp_path):
        run = record(SMALL.override({"stop.steps": 11}), tmp_path / "run")
        assert run.checkpoints == [0, 8, 11]
        assert run.metrics["step"].tolist() == [0, 3, 6, 9, 11]

    def test_metrics(self, finished):
        metrics = Run(finished).metrics
        assert metrics["step"].tolist() == list(range(0, 25, 3))
        assert metrics.notna().all(axis=None)
        assert metrics["train_loss"].is_monotonic_decreasing
        assert metrics["train_accuracy"].between(0, 1).all()

    def test_metrics_and_checkpoints_belong_to_the_same_weights(self, finished):
        run = Run(finished)
        for step in (0, 24):
            row = run.metrics.set_index("step").loc[step]
            for examples, part in ((run.task.train, "train"), (run.task.test, "test")):
                logits = run.model(step)(examples.tokens, [2]).flatten(0, 1).double()
                targets = examples.targets.flatten()
                loss = torch.nn.functional.cross_entropy(logits, targets).item()
                assert row[f"{part}_loss"] == pytest.approx(loss, rel=1e-5)
                share = (logits.argmax(1) == targets).double().mean().item()
                assert row[f"{part}_accuracy"] == pytest.approx(share, abs=1e-6)

    def test_kept_weights_do_not_follow_the_network(self, finished):
        """No checkpoint aliases the live weights: the first is the initial network, and all differ."""
        run = Run(finished)
        for name, weights in initial_model(SMALL, run.task).state_dict().items():
            assert torch.equal(run.weights(0)[name], weights), name
        embeddings = [run.weights(step)["embed.W_E"] for step in run.checkpoints]
        assert all(not torch.equal(one, other) for one, other in pairwise(embeddings))

    def test_record(self, finished):
        content = Run(finished).record
        assert content["status"] == "finished"
        assert content["reason"] == "reached 24 steps"
        assert content["step"] == 24
        assert content["training_seconds"] > 0
        (session,) = content["sessions"]
        assert session["from_step"] == 0
        assert session["versions"]["torch"] == torch.__version__
        assert content["execution"] == {**content["execution"], "device": "cpu", "threads": 1}

    def test_rows_are_handed_out_as_they_come(self, tmp_path):
        rows = []
        run = record(SMALL, tmp_path / "run", on_row=rows.append)
        assert [row.step for row in rows] == run.metrics["step"].tolist()
        assert [row.test_loss for row in rows] == run.metrics["test_loss"].tolist()


VARIANTS = {
    "mini-batches, dropout": SMALL.override({"task.data.batch_size": 20, "model.dropout": 0.2}),
    "infinite": SMALL.override({"task.data.kind": "infinite", "task.data.batch_size": 20}),
    "mlp, sgd": SMALL.override({"model.kind": "mlp", "model.d_model": 8, "model.d_mlp": 16, "optimizer.kind": "sgd"}),
    "tied, float64": SMALL.override({"model.tied_embeddings": True, "dtype": "float64"}),
    "random labels, l1": SMALL.override({"task.operation": "random", "l1": 1e-4, "optimizer.kind": "adam"}),
    "no test set": SMALL.override({"task.data.train_fraction": 1.0}),
}


class TestSameBits:
    def test_same_experiment_same_run(self, finished, tmp_path):
        torch.manual_seed(12345)
        torch.rand(7)
        assert_same_bits(record(SMALL, tmp_path / "again").path, finished)

    @pytest.mark.parametrize("experiment", VARIANTS.values(), ids=VARIANTS)
    def test_of_other_kinds_of_runs_too_and_when_stopped(self, experiment, tmp_path):
        whole = record(experiment, tmp_path / "whole")
        record(experiment.override({"stop.steps": 11}), tmp_path / "parts")
        parts = record(experiment, tmp_path / "parts", resume=True)
        # step 11 was the last of the first sitting, and is on no schedule
        assert parts.checkpoints == [*whole.checkpoints[:2], 11, *whole.checkpoints[2:]]
        (parts.folder.checkpoint(11)).unlink()
        assert_same_bits(parts.path, whole.path)
        assert math.isnan(whole.metrics["test_loss"].iloc[0]) is (experiment is VARIANTS["no test set"])

    def test_looking_more_often_changes_nothing(self, finished, tmp_path):
        often = record(SMALL.override({"evaluate_every": 1, "checkpoint_every": 1}), tmp_path / "often")
        calm = Run(finished)
        for step in calm.checkpoints:
            assert often.folder.checkpoint(step).read_bytes() == calm.folder.checkpoint(step).read_bytes()
        rows = often.metrics[often.metrics["step"] % 3 == 0].reset_index(drop=True)
        assert rows.equals(calm.metrics)

    def test_other_seeds_other_runs(self, finished, tmp_path):
        other = record(SMALL.override({"seed": 1}), tmp_path / "other")
        assert other.metrics["train_loss"][0] != Run(finished).metrics["train_loss"][0]


class TestInterrupted:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_wish_to_stop_is_granted_between_steps(self, number, finished, tmp_path):
        handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

        def stop(row):
            if row.step == 9:
                os.kill(os.getpid(), number)

        run = record(SMALL, tmp_path / "run", on_row=stop)
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
        assert run.status == "interrupted"
        assert run.record["reason"] == "stopped by the user at step 10"
        assert run.metrics["step"].iloc[-1] == 9
        assert run.checkpoints == [0, 8], "no checkpoint that an undisturbed run would not have"
        resumed = record(SMALL, run.path, resume=True)
        assert resumed.status == "finished"
        assert [session["from_step"] for session in resumed.record["sessions"]] == [0, 10]
        assert_same_bits(run.path, finished)

    def test_a_second_ctrl_c_stops_at_once(self, finished, tmp_path):
        def stop(row):
            if row.step == 9:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)

        before = signal.getsignal(signal.SIGINT)  # where tests run in the background, it is ignored
        with pytest.raises(KeyboardInterrupt):
            record(SMALL, tmp_path / "run", on_row=stop)
        assert signal.getsignal(signal.SIGINT) is before
        assert Run(tmp_path / "run").status == "interrupted"
        record(SMALL, tmp_path / "run", resume=True)
        assert_same_bits(tmp_path / "run", finished)

    def test_an_error_of_the_caller_is_passed_on(self, finished, tmp_path):
        def fail(row):
            if row.step == 12:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            record(SMALL, tmp_path / "run", on_row=fail)
        assert Run(tmp_path / "run").status == "interrupted"
        record(SMALL, tmp_path / "run", resume=True)
        assert_same_bits(tmp_path / "run", finished)

    def test_disk_full_in_the_middle_of_a_row(self, finished, tmp_path, monkeypatch):
        whole_append = MetricsFile.append

        def append(metrics, row):
            if row.step < 12:
                return whole_append(metrics, row)
            with (tmp_path / "run" / "metrics.csv").open("a") as file:
                file.write(f"{row.step},0.0")
            raise RunError("cannot write metrics.csv: No space left on device")

        monkeypatch.setattr(MetricsFile, "append", append)
        with pytest.raises(RunError, match="No space left"):
            record(SMALL, tmp_path / "run")
        monkeypatch.undo()
        run = Run(tmp_path / "run")
        assert run.status == "failed"
        assert run.record["reason"] == "cannot write metrics.csv: No space left on device"
        assert run.metrics["step"].tolist() == [0, 3, 6, 9]
        record(SMALL, run.path, resume=True)
        assert_same_bits(run.path, finished)


def test_checkpoints_are_kept_in_every_factor_of_ten_and_at_the_end(tmp_path):
    run = record(
        SMALL.override({"checkpoints_per_decade": 3, "checkpoint_every": 1_000, "stop.steps": 12}), tmp_path / "run"
    )
    assert run.checkpoints == [0, 1, 2, 5, 10, 12]


SHORT = SMALL.override({"stop.steps": 6, "evaluate_every": 2, "checkpoint_every": 3})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return record(SHORT, tmp_path_factory.mktemp("whole") / "run").path


@pytest.fixture(scope="module")
def n_operations(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        count = at_file_operation(patch, -1, Killed())
        record(SHORT, tmp_path_factory.mktemp("count") / "run")
    assert count[0] >= 20
    return count[0]


@pytest.mark.slow
class TestEndsAtEveryWrite:
    """Each file operation of a run in turn is its last; then it is resumed, and its bits compared."""

    def interrupted_everywhere(self, n_operations, whole, tmp_path, error, caught, **options):
        for number in range(1, n_operations + 1):
            path = tmp_path / str(number)
            with pytest.MonkeyPatch.context() as patch:
                at_file_operation(patch, number, error, **options)
                with pytest.raises(caught):
                    record(SHORT, path)
            if (path / "experiment.yaml").exists():
                run = Run(path)
                for step in run.checkpoints:
                    assert run.folder.checkpoint(step).read_bytes() == RunFolder(whole).checkpoint(step).read_bytes()
                if run.folder.metrics.exists():
                    assert len(run.metrics) <= 4
            yield number, path
            record_run(SHORT, path, resume=True)  # with threads as they are in the tests, one, or as recorded
            assert_same_bits(path, whole)

    def test_killed(self, n_operations, whole, tmp_path):
        ends = self.interrupted_everywhere(n_operations, whole, tmp_path, Killed(), Killed)
        assert len(list(ends)) == n_operations

    def test_disk_full(self, n_operations, whole, tmp_path):
        error = OSError(28, "No space left on device")
        for number, path in self.interrupted_everywhere(n_operations, whole, tmp_path, error, RunError, forever=True):
            assert not list(path.rglob("*.tmp")), "temporary files are removed"
            if number <= 2:
                assert not path.exists(), "a run that could not begin leaves nothing"


SCRIPT = """
import sys
from pathlib import Path
from grokscope.run import Execution, load_experiment, record_run

def show(row):
    print(row.step, flush=True)

experiment = load_experiment(Path(sys.argv[1]))
run = record_run(experiment, sys.argv[2], execution=Execution(device="cpu", threads=1), on_row=show)
print(run.status)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.slow
def test_process_ended_from_outside(number, tmp_path):
    """A process in full flight, ended at a moment of nobody's choosing, against one that never was."""
    infinite = SMALL.override({"stop.steps": 10**9, "checkpoint_every": 5})
    (tmp_path / "experiment.yaml").write_text(infinite.to_yaml())
    path = tmp_path / "run"
    arguments = [sys.executable, "-c", SCRIPT, str(tmp_path / "experiment.yaml"), str(path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                if int(line) >= 30:
                    break
            with pytest.raises(RunError, match=r"is being written by another process"):
                record(infinite, path, resume=True)
            assert Run(path).status == "running"
            process.send_signal(number)
            rest, errors = process.communicate(timeout=600)
        finally:
            process.kill()
    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        assert (process.returncode, rest.split()[-1], errors) == (0, "interrupted", "")
    run = Run(path)
    assert run.status == "interrupted"
    # a little further, to a step that is on both schedules
    until = infinite.override({"stop.steps": (run.metrics["step"].iloc[-1].item() // 15 + 2) * 15})
    record(until, path, resume=True)
    assert_same_bits(path, record(until, tmp_path / "whole").path)


class TestResume:
    def test_finished_run_stays_as_it_is(self, finished, tmp_path):
        path = record(SMALL, tmp_path / "run").path
        assert record(SMALL, path, resume=True).status == "finished"
        assert_same_bits(path, finished)

    def test_nothing_there_begins_a_run(self, finished, tmp_path):
        assert_same_bits(record(SMALL, tmp_path / "run", resume=True).path, finished)

    def test_more_steps(self, finished, tmp_path):
        path = record(SMALL.override({"stop.steps": 16}), tmp_path / "run").path
        assert Run(path).record["reason"] == "reached 16 steps"
        record(SMALL, path, resume=True)
        assert_same_bits(path, finished)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"optimizer.lr": 0.5}, r"optimizer\.lr is 0\.5, the run has 0\.01"),
            ({"seeds.init": 3, "task.p": 17}, r"task\.p is 17, the run has 13; seeds\.init is 3, the run has 0"),
            ({"evaluate_every": 1}, r"evaluate_every is 1, the run has 3"),
            ({"model.kind": "mlp"}, r"model\.kind is 'mlp', the run has 'transformer'"),
        ],
    )
    def test_other_settings_are_refused_by_name(self, finished, changes, message):
        with pytest.raises(RunError, match=rf"cannot be resumed with other settings: .*{message}"):
            record(SMALL.override(changes), finished, resume=True)

    def test_execution_is_as_before(self, tmp_path):
        path = record_run(
            SMALL.override({"stop.steps": 8}), tmp_path / "run", execution=Execution(device="cpu", threads=1)
        ).path
        threads = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            record_run(SMALL, path, resume=True)
        finally:
            torch.set_num_threads(threads)
        assert Run(path).record["execution"]["threads"] == 1

    def test_half_a_line_of_metrics(self, finished, tmp_path):
        path = record(SMALL.override({"stop.steps": 16}), tmp_path / "run").path
        with (path / "metrics.csv").open("a") as file:
            file.write("18,0.12")
        record(SMALL, path, resume=True)
        assert_same_bits(path, finished)

    def test_folder_that_was_cut_off_before_the_experiment_was_written(self, finished, tmp_path):
        (tmp_path / "run" / "checkpoints").mkdir(parents=True)
        (tmp_path / "run" / ".lock").touch()
        (tmp_path / "run" / ".experiment.yaml.123.tmp").write_text("name: sm")
        record(SMALL, tmp_path / "run", resume=True)
        assert_same_bits(tmp_path / "run", finished)

    @pytest.mark.parametrize("name", ["metrics.csv", "resume.safetensors", "run.json", "experiment.yaml"])
    def test_damage_is_named_and_nothing_is_overwritten(self, name, tmp_path):
        path = record(SMALL.override({"stop.steps": 8}), tmp_path / "run").path
        (path / name).write_bytes(b"\x00damaged\nand more\n")
        with pytest.raises((RunError, ConfigError), match=name.replace(".", r"\.")):
            record_run(SMALL, path, resume=True)
        assert (path / name).read_bytes() == b"\x00damaged\nand more\n"

    def test_state_of_another_network(self, tmp_path):
        path = record(SMALL.override({"stop.steps": 8}), tmp_path / "run").path
        other = record(SMALL.override({"stop.steps": 8, "model.d_mlp": 8}), tmp_path / "other").path
        for wrong in (other / "resume.safetensors", path / "checkpoints" / "00000000.safetensors"):
            (path / "resume.safetensors").write_bytes(wrong.read_bytes())
            with pytest.raises(RunError, match=r"resume\.safetensors is not a training state of this experiment"):
                record(SMALL, path, resume=True)

    def test_record_with_an_impossible_execution(self, tmp_path):
        path = record(SMALL.override({"stop.steps": 8}), tmp_path / "run").path
        content = Run(path).record
        (path / "run.json").write_text(json.dumps({**content, "execution": {"threads": -1}}))
        with pytest.raises(RunError, match=r"run\.json is damaged: execution: threads"):
            record_run(SMALL, path, resume=True)


class TestRefused:
    def test_folder_that_holds_a_run(self, finished):
        with pytest.raises(RunError, match=r"finished already holds a run; use --resume"):
            record(SMALL, finished)

    @pytest.mark.parametrize("resume", [False, True])
    def test_folder_that_holds_something_else(self, resume, tmp_path):
        (tmp_path / "thesis.tex").touch()
        with pytest.raises(RunError, match=r"exists and is not an empty folder; use another --out"):
            record(SMALL, tmp_path, resume=resume)
        assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]

    def test_file_in_the_place_of_the_folder(self, tmp_path):
        (tmp_path / "run").touch()
        with pytest.raises(RunError, match=r"exists and is not an empty folder"):
            record(SMALL, tmp_path / "run")

    def test_empty_folder_is_fine(self, tmp_path):
        assert record(SMALL, tmp_path).status == "finished"

    @pytest.mark.parametrize("below", ["run", "deep/down/run"])
    def test_folder_that_cannot_be_made(self, below, tmp_path):
        (tmp_path / "file").write_text("content")
        with pytest.raises(RunError, match=r"cannot write to .*file/.*run: Not a directory; use another --out"):
            record(SMALL, tmp_path / "file" / below)
        assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
        assert (tmp_path / "file").read_text() == "content"

    def test_locked_folder(self, tmp_path):
        path = record(SMALL.override({"stop.steps": 8}), tmp_path / "run").path
        before = bits(path)
        with (
            FileLock(path / ".lock"),
            pytest.raises(
                RunError, match=r"run is being written by another process; wait for it, or use another --out"
            ),
        ):
            record(SMALL, path, resume=True)
        assert bits(path) == before

    @pytest.mark.parametrize(
        "experiment",
        [
            SMALL.override({"task.operation": "nowhere.py:f"}),
            SMALL.override({"task.operation": "a // b"}),
            SMALL.override({"task.operation": "a ** (p ** 9)"}),
        ],
    )
    def test_bad_input_leaves_no_folder(self, experiment, tmp_path):
        with pytest.raises(ConfigError, match="operation"):
            record(experiment, tmp_path / "run")
        assert list(tmp_path.iterdir()) == []

    def test_folder_that_another_run_takes_meanwhile(self, tmp_path, monkeypatch):
        """Between the look at the folder and the first file, all data and weights are made: time enough for another."""
        theirs = SMALL.override({"seed": 1, "stop.steps": 8})

        def slowly(*given):
            monkeypatch.undo()
            record(theirs, tmp_path / "run")
            return initial_model(*given)

        monkeypatch.setattr("grokscope.run.recording.single.initial_model", slowly)
        with pytest.raises(RunError, match=r"holds a run that another process has just made; use another --out"):
            record(SMALL, tmp_path / "run")
        assert Run(tmp_path / "run").experiment == theirs
        assert Run(tmp_path / "run").status == "finished"

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
    def test_no_silent_fallback_of_the_device(self, tmp_path):
        with pytest.raises(ConfigError, match=r"device 'cuda': .* no GPU; use device 'cpu' or 'auto'"):
            record_run(SMALL, tmp_path / "run", execution=Execution(device="cuda"))
        assert list(tmp_path.iterdir()) == []


class TestDivergence:
    @pytest.fixture
    def diverging(self):
        changes = {"optimizer.kind": "sgd", "optimizer.lr": 0.2, "stop.steps": 500, "checkpoint_every": 5}
        return SMALL.override({**changes, "evaluate_every": 4})

    def test_nothing_is_kept_unlooked_at(self, diverging, tmp_path):
        """Where metrics come more rarely than checkpoints, each checkpoint is still looked at first."""
        with pytest.raises(DivergenceError):
            record(diverging.override({"evaluate_every": 1000}), tmp_path / "run")
        run = Run(tmp_path / "run")
        assert 5 in run.checkpoints
        for step in run.checkpoints:
            assert all(weights.isfinite().all() for weights in run.weights(step).values())

    def test_is_an_error_and_what_was_finite_is_kept(self, diverging, tmp_path):
        with pytest.raises(DivergenceError, match=r"diverged: the loss at step \d+ is (nan|inf)") as caught:
            record(diverging, tmp_path / "run")
        run = Run(tmp_path / "run")
        assert run.status == "diverged"
        assert run.record["reason"] == str(caught.value)
        assert f"the last good checkpoint is step {run.checkpoints[-1]}, in {run.path}" in str(caught.value)
        assert "try a lower learning rate (optimizer.lr is 0.2)" in str(caught.value)
        assert 5 in run.checkpoints
        for step in run.checkpoints:
            assert all(weights.isfinite().all() for weights in run.weights(step).values())
        assert all(map(math.isfinite, run.metrics["train_loss"]))

    def test_again_when_resumed(self, diverging, tmp_path):
        messages = []
        for resume in (False, True):
            with pytest.raises(DivergenceError) as caught:
                record(diverging, tmp_path / "run", resume=resume)
            messages.append(str(caught.value))
        assert messages[0] == messages[1]


class TestStopping:
    def test_when_good_enough(self, tmp_path):
        experiment = SMALL.override({"stop.test_loss": 10.0, "stop.patience": 3})
        run = record(experiment, tmp_path / "run")
        assert run.record["reason"] == "test loss below 10"
        assert run.metrics["step"].tolist() == [0, 3, 6]
        assert run.checkpoints == [0, 6], "where it stopped is kept"
        assert record(experiment, run.path, resume=True).metrics["step"].tolist() == [0, 3, 6]

    def test_patience_counts_across_sittings(self, tmp_path):
        first = SMALL.override({"stop.steps": 7})
        record(first, tmp_path / "run")
        run = record(SMALL.override({"stop.test_loss": 10.0, "stop.patience": 4}), tmp_path / "run", resume=True)
        assert run.metrics["step"].tolist() == [0, 3, 6, 9]


class TestOwnOperation:
    def test_the_table_is_kept_with_the_run(self, tmp_path):
        """The user's file may change or go; the run goes on with the answers it began with."""
        file = tmp_path / "op.py"
        file.write_text("def f(a, b, p):\n    return a * a + b\n")
        experiment = SMALL.override({"task.operation": f"{file}:f"})
        whole = record(experiment, tmp_path / "whole")
        record(experiment.override({"stop.steps": 8}), tmp_path / "run")
        file.write_text("def f(a, b, p):\n    return 0\n")
        run = record(experiment, tmp_path / "run", resume=True)
        assert_same_bits(run.path, whole.path)
        file.unlink()
        expected = torch.tensor([[(a * a + b) % 13 for b in range(13)] for a in range(13)])
        assert torch.equal(Run(run.path).task.table, expected)


class TestExecution:
    def test_what_was_set_is_set_back(self, tmp_path):
        deterministic, threads = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
        seen = []
        record_run(
            SMALL.override({"stop.steps": 3}),
            tmp_path / "run",
            execution=Execution(device="cpu", threads=2),
            on_row=lambda row: seen.append((torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())),
        )
        assert set(seen) == {(2, True)}
        assert (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()) == (deterministic, threads)

    def test_also_after_an_error(self, tmp_path):
        threads = torch.get_num_threads()
        with pytest.raises(ConfigError):
            record_run(SMALL.override({"task.operation": "a // b"}), tmp_path / "run", execution=Execution(threads=2))
        assert torch.get_num_threads() == threads
        assert not torch.are_deterministic_algorithms_enabled()


class TestObservers:
    def test_are_called_at_every_checkpoint_once_it_is_on_disk(self, tmp_path):
        seen = []

        def observer(run, step, model):
            assert run.checkpoints[-1] == step
            assert run.status == "running"
            assert not any(weights.requires_grad for weights in model.parameters())
            assert all(torch.equal(model.state_dict()[name], value) for name, value in run.weights(step).items())
            seen.append(step)

        run = record(SMALL, tmp_path / "run", observers=[observer, lambda run, step, model: seen.append(-step)])
        assert seen == [sign * step for step in run.checkpoints for sign in (1, -1)]

    def test_change_no_bit_whatever_they_do(self, finished, tmp_path):
        def meddles(run, step, model):
            for weights in model.parameters():
                weights.zero_()
            torch.manual_seed(0)
            torch.randn(3)
            torch.set_grad_enabled(False)

        record(SMALL, tmp_path / "run", observers=[meddles])
        assert_same_bits(tmp_path / "run", finished)

    def test_one_that_fails_ends_the_run_with_everything_kept(self, finished, tmp_path):
        def fails(run, step, model):
            if step == 8:
                raise ZeroDivisionError("by zero")

        with pytest.raises(ObserverError, match="the observer fails failed at step 8: ZeroDivisionError") as caught:
            record(SMALL, tmp_path / "run", observers=[fails])
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        run = Run(tmp_path / "run")
        assert (run.status, run.checkpoints[-1]) == ("failed", 8)
        assert "by zero" in run.record["reason"]
        record(SMALL, run.path, resume=True)
        assert_same_bits(run.path, finished)
