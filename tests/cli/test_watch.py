"""A real training process, watched by another one to its end."""

import fcntl
import io
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console, ConsoleDimensions

import grokscope as gs
from grokscope.cli.main import main
from grokscope.cli.render.live import picture, plain_line
from grokscope.errors import DivergenceError
from grokscope.run import Execution, Run
from grokscope.run.metrics import MetricsFile, Row
from grokscope.run.monitor import RunMonitor

pytestmark = pytest.mark.slow

SMALL = gs.recipes()["small"].experiment.override(
    {"task.p": 11, "model.d_model": 16, "model.d_head": 8, "model.n_heads": 2, "model.d_mlp": 16}
    | {"stop.steps": 400_000, "evaluate_every": 5, "checkpoint_every": 100}
)
TINY = SMALL.override({"stop.steps": 20})
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def train(path: Path, experiment: gs.Experiment = TINY) -> Run:
    execution = Execution(device="cpu", threads=1)
    return gs.train(experiment, out=path, execution=execution, progress=False)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "grokscope", *arguments]


def begin(path: Path) -> subprocess.Popen[bytes]:
    """Return a process that trains for a very long time, once its run has rows."""
    path.with_suffix(".yaml").write_text(SMALL.to_yaml())
    arguments = command("train", str(path.with_suffix(".yaml")), "--out", str(path), "--threads", "1", "--no-report")
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    deadline = time.monotonic() + 600
    while not (path / "metrics.csv").exists() or (path / "metrics.csv").read_text().count("\n") < 4:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = begin(tmp_path / "run")
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def grokscope(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command line; returns its exit code, output and errors."""
    monkeypatch.setattr("grokscope.cli.render.live.LOOK_INTERVAL", 0.05)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["grokscope", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        return int(stopped.value.code or 0), *capsys.readouterr()

    return run


def contents(path: Path) -> dict[str, tuple[bytes, int]]:
    files = [file for file in path.rglob("*") if file.is_file()]
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


class TestARunInTraining:
    def test_goes_on_when_the_watcher_leaves_and_is_interrupted_when_it_dies(
        self, trainer, grokscope, tmp_path, monkeypatch
    ):
        def press_ctrl_c(seconds: float) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as pressed:
            pressed.setattr("grokscope.cli.render.live.time.sleep", press_ctrl_c)
            code, out, err = grokscope("watch", str(tmp_path / "run"))
        assert (code, err) == (130, "")
        (row,) = out.splitlines()
        assert row.startswith(f"{tmp_path / 'run'}: step ")
        assert "/400,000 · " in row
        assert trainer.poll() is None
        assert Run(tmp_path / "run").status == "running"

        trainer.kill()
        trainer.wait()
        assert Run(tmp_path / "run").record["status"] == "running"
        code, out, _ = grokscope("watch", str(tmp_path / "run"))
        assert code == 130
        assert "run: interrupted (its process ended without a word)" in out

    def test_is_followed_to_its_end_in_a_terminal(self, trainer, grokscope, tmp_path):
        screen, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
        plain = {key: value for key, value in ENVIRONMENT.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
        environment = plain | {"TERM": "xterm-256color"}
        watcher = subprocess.Popen(
            command("watch", "run"), cwd=tmp_path, stdin=terminal, stdout=terminal, env=environment
        )
        os.close(terminal)
        deadline = threading.Timer(600, watcher.kill)
        deadline.start()
        seen, told = b"", False
        while True:
            try:
                seen += os.read(screen, 65536)
            except OSError:  # the terminal's other side has been closed
                break
            if not told and seen.count(b"steps/s") >= 2:
                trainer.send_signal(signal.SIGINT)
                told = True
        os.close(screen)
        deadline.cancel()
        assert watcher.wait(timeout=600) == 130
        reason = f"stopped by the user at step {Run(tmp_path / 'run').record['step']}"
        begun, _, ended = seen.decode().partition("\x1b[?1049l")
        assert "\x1b[?1049h" in begun  # the whole terminal, given back before the last picture
        assert "Ctrl-C leaves; the run goes on" in begun
        assert "└──" in ended
        assert reason in ended
        assert "grokscope train run/experiment.yaml --out run --resume" in ended
        code, out, _ = grokscope("watch", str(tmp_path / "run"))
        assert code == 130
        assert f"run: interrupted ({reason})" in out

    def test_is_waited_for_and_followed_to_its_end(self, grokscope, tmp_path):
        experiment = TINY.override({"stop.steps": 100})
        trainer = threading.Timer(0.3, train, (tmp_path / "run", experiment))
        trainer.start()
        code, out, _ = grokscope("watch", str(tmp_path / "run"), "--wait")
        trainer.join()
        assert code == 0
        waiting, *rows, last, end = out.splitlines()
        assert waiting == f"Waiting for a run to begin in {tmp_path / 'run'}"
        assert len(rows) == 1
        assert "/100 · " in rows[0]
        assert "step 100/100" in last
        assert end == f"{tmp_path / 'run'}: finished (reached 100 steps)"


class TestARunThatHasEnded:
    def test_finished(self, grokscope, tmp_path):
        run = train(tmp_path / "run")
        before = contents(run.path)
        code, out, err = grokscope("watch", str(run.path))
        assert (code, err) == (0, "")
        row, end = out.splitlines()
        assert row.startswith(f"{run.path}: step 20/20 · ")
        assert f"train {run.metrics['train_loss'].iloc[-1]:.2e}" in row
        assert end == f"{run.path}: finished (reached 20 steps)"
        assert contents(run.path) == before

    def test_diverged(self, grokscope, tmp_path):
        with pytest.raises(DivergenceError):
            train(tmp_path / "run", SMALL.override({"optimizer.lr": 1e30}))
        code, out, _ = grokscope("watch", str(tmp_path / "run"))
        assert code == 1
        assert "run: diverged (training diverged: the loss at step" in out

    def test_failed(self, grokscope, tmp_path):
        run = train(tmp_path / "run")
        run.folder.write_record(run.record | {"status": "failed", "reason": "cannot write: [bold]No space[/bold]"})
        code, out, _ = grokscope("watch", str(run.path))
        assert code == 2
        assert "run: failed (cannot write: [bold]No space[/bold])" in out

    def test_half_a_line_at_the_end_is_left_out(self, grokscope, tmp_path):
        run = train(tmp_path / "run")
        with run.folder.metrics.open("a") as file:
            file.write("25,0.0")
        code, out, _ = grokscope("watch", str(run.path))
        assert code == 0
        assert "step 20/20" in out

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("run.json", "{", "run.json is missing or damaged"),
            ("run.json", '{"status": "asleep"}', "run.json is missing or damaged: its status is 'asleep'"),
            ("metrics.csv", "step\n", "metrics.csv is damaged"),
            ("experiment.yaml", "stop: {steps: many}", "experiment.yaml: stop.steps"),
        ],
    )
    def test_damage_is_named(self, grokscope, tmp_path, name, content, message):
        (train(tmp_path / "run").path / name).write_text(content)
        code, out, err = grokscope("watch", str(tmp_path / "run"))
        assert (code, out) == (2, "")
        assert message in err


class TestARunThatIsNotThere:
    def test_is_an_error_that_names_the_remedy(self, grokscope, tmp_path):
        code, out, err = grokscope("watch", str(tmp_path / "run"))
        assert (code, out) == (2, "")
        assert "is not a run" in err
        assert "--wait waits for it" in err

    def test_where_none_can_begin_is_not_waited_for(self, grokscope, tmp_path):
        (tmp_path / "notes.txt").touch()
        code, _, err = grokscope("watch", str(tmp_path), "--wait")
        assert code == 2
        assert "is not a run" in err


def planted(path: Path, *rows: Row) -> RunMonitor:
    """A run of 100 steps with these rows, that ended without a word."""
    run = train(path, TINY.override({"stop.steps": 1}))
    run.folder.experiment.write_text(TINY.override({"stop.steps": 100}).to_yaml())
    run.folder.write_record(run.record | {"status": "running", "training_seconds": 0.0})
    run.folder.metrics.unlink()
    file = MetricsFile(run.folder.metrics)
    for row in rows:
        file.append(row)
    file.close()
    return RunMonitor(Run(path))


GROKKED = [
    *(Row(0, 2.4, 0.1, 2.5, 0.1), Row(10, 0.5, 0.9, 4.0, 0.1), Row(20, 0.1, 1.0, 3.0, 0.2)),
    *(Row(30, 0.05, 1.0, 0.9, 0.8), Row(40, 0.02, 1.0, 0.1, 0.99)),
]


class TestWhatIsShown:
    def test_of_planted_metrics(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        following = planted(Path("run"), *GROKKED)
        console = Console(width=80, record=True, force_terminal=True, file=io.StringIO())
        with following.run.folder.lock():
            console.print(picture(following.run, following.look(), ConsoleDimensions(80, 20)))
        lines = [line.rstrip() for line in console.export_text().splitlines()]
        assert lines[0] == "run · add mod 11, 0.4 of the pairs"
        assert lines[1].endswith("40/100")
        assert lines[2] == "train 2.00e-02 (100.0%) · test 1.00e-01 (99.0%)"
        assert lines[3] == "memorised 10, generalised 30, grokked 40"
        assert lines[5] == "loss, nats"
        assert lines[-1] == "running · Ctrl-C leaves; the run goes on"
        assert len(lines) == 5 + 12 + 1
        assert max(map(len, lines)) <= 80

    def test_phases_come_as_they_are_reached(self, tmp_path):
        expected = ["", "", "memorised 10", "memorised 10, generalised 30", "memorised 10, generalised 30, grokked 40"]
        for n_rows, phases in enumerate(expected, start=1):
            following = planted(tmp_path / f"run-{n_rows}", *GROKKED[:n_rows])
            with following.run.folder.lock():
                line = plain_line(following.run, following.look())
            assert line.endswith(f" · {phases}" if phases else "%)")

    def test_before_the_first_row(self, tmp_path):
        following = planted(tmp_path / "run")
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(picture(following.run, following.look(), ConsoleDimensions(80, 20)))
        assert "no metrics yet" in console.export_text()

    def test_without_a_test_set(self, tmp_path):
        following = planted(tmp_path / "run", Row(0, 2.0, 0.1), Row(10, 1.0, 0.5))
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(picture(following.run, following.look(), ConsoleDimensions(80, 20)))
        assert " test" not in console.export_text()
