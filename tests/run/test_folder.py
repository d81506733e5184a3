import fcntl
import json
import threading

import pytest
from filelock import FileLock

from grokscope.errors import ConfigError, RunError
from grokscope.run import Experiment, run_folders
from grokscope.run.folder import RunFolder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    folder = RunFolder(tmp_path / "run")
    folder.experiment.write_text(Experiment().to_yaml())
    return folder


def test_checkpoints_are_named_by_the_step_of_the_run(folder):
    """Not by the step within an epoch, which in a full-batch run is always the same."""
    paths = {folder.checkpoint(step) for step in (0, 1, 100, 40_000, 123_456_789)}
    assert len(paths) == 5
    assert folder.checkpoint(1400).name == "00001400.safetensors"


def test_checkpoint_steps_are_numbers_in_order(folder):
    for step in (100, 9, 123_456_789, 0):
        folder.checkpoint(step).touch()
    for other in ("notes.txt", ".00000007.safetensors.123.tmp", "best.safetensors", "12x.safetensors"):
        (folder.path / "checkpoints" / other).touch()
    assert folder.checkpoint_steps() == [0, 9, 100, 123_456_789]


def test_no_checkpoints(tmp_path):
    assert RunFolder(tmp_path).checkpoint_steps() == []


class TestLock:
    def test_held_by_another(self, folder):
        with (
            FileLock(folder.lock_file),
            pytest.raises(RunError, match=r"run is being written by another process; wait for it"),
        ):
            folder.lock()

    def test_is_seen_and_given_back(self, folder):
        assert not folder.is_locked()
        lock = folder.lock()
        assert folder.is_locked()
        lock.release()
        assert not folder.is_locked()
        folder.lock().release()

    def test_a_look_writes_nothing(self, folder):
        assert not folder.is_locked()
        assert not folder.lock_file.exists()

    def test_those_who_look_are_not_in_the_way_of_a_writer(self, folder):
        folder.lock().release()
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                folder.is_locked()

        watchers = [threading.Thread(target=look) for _ in range(3)]
        for watcher in watchers:
            watcher.start()
        try:
            for _ in range(20):
                folder.lock().release()
        finally:
            done.set()
            for watcher in watchers:
                watcher.join()

    def test_those_who_look_do_not_take_each_other_for_a_writer(self, folder):
        folder.lock().release()
        with folder.lock_file.open("rb") as looking:
            fcntl.flock(looking, fcntl.LOCK_SH)
            assert not folder.is_locked()


class TestStatus:
    def test_while_it_is_written_the_record_may_be_of_the_sitting_before(self, folder):
        folder.write_record({"status": "interrupted", "reason": "stopped"})
        lock = folder.lock()
        assert folder.status() == ("running", "")
        lock.release()
        assert folder.status() == ("interrupted", "stopped")

    def test_before_the_first_record(self, folder):
        lock = folder.lock()
        assert folder.status() == ("running", "")
        lock.release()
        with pytest.raises(RunError, match=r"run\.json is missing or damaged"):
            folder.status()

    def test_a_writer_that_died_without_a_word(self, folder):
        folder.write_record({"status": "running", "reason": ""})
        assert folder.status() == ("interrupted", "its process ended without a word")

    @pytest.mark.parametrize("locked", [[False, True], [True]])
    def test_a_writer_that_begins_between_two_looks(self, folder, monkeypatch, locked):
        folder.write_record({"status": "running", "reason": ""})
        monkeypatch.setattr(RunFolder, "is_locked", lambda self: locked.pop(0))
        assert folder.status() == ("running", "")
        assert not locked

    def test_a_writer_that_ends_between_two_looks(self, folder, monkeypatch):
        def end(self) -> bool:
            folder.write_record({"status": "finished", "reason": "reached 9 steps"})
            return False

        folder.write_record({"status": "running", "reason": ""})
        monkeypatch.setattr(RunFolder, "is_locked", end)
        assert folder.status() == ("finished", "reached 9 steps")

    def test_unknown(self, folder):
        folder.write_record({"status": "asleep"})
        with pytest.raises(RunError, match=r"run\.json is missing or damaged: its status is 'asleep'"):
            folder.status()


class TestRecord:
    def test_round_trip(self, folder):
        folder.write_record({"status": "finished", "reason": "∑ – fertig"})
        assert folder.read_record() == {"status": "finished", "reason": "∑ – fertig"}
        assert "∑ – fertig" in folder.record.read_bytes().decode()

    @pytest.mark.parametrize("content", [b"", b"{", b'{"status": ', b"\xff\xfe", b"[]", b'"text"', b"null", b"{}"])
    def test_damaged(self, folder, content):
        folder.record.write_bytes(content)
        with pytest.raises(RunError, match=r"run\.json is missing or damaged: "):
            folder.read_record()

    def test_missing(self, folder):
        with pytest.raises(RunError, match=r"run\.json is missing or damaged: "):
            folder.read_record()


class TestExperiment:
    def test_read(self, folder):
        assert folder.read_experiment() == Experiment()

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"{", r"experiment\.yaml is not YAML: "),
            (b"a: b: c", r"experiment\.yaml is not YAML: "),
            (b"\xff\xfe\x00", r"experiment\.yaml is not YAML: "),
            (b"!!python/object/apply:os.system [true]", r"experiment\.yaml is not YAML: "),
            (b"", r"experiment\.yaml: expected settings"),
            (b"task: {p: 0}", r"experiment\.yaml: task\.p: "),
            (b"nonsense: 1", r"experiment\.yaml: no setting is called 'nonsense'"),
        ],
    )
    def test_damaged(self, folder, content, message):
        folder.experiment.write_bytes(content)
        with pytest.raises((RunError, ConfigError), match=message) as caught:
            folder.read_experiment()
        assert "\n" not in str(caught.value)

    def test_no_run(self, tmp_path):
        with pytest.raises(RunError, match=r"nothing is not a run: .*\(there is no such folder\)"):
            RunFolder(tmp_path / "nothing").read_experiment()

    def test_runs_below_are_named(self, folder):
        with pytest.raises(RunError, match=rf"is not a run: it has no experiment\.yaml; runs below it: {folder.path}"):
            RunFolder(folder.path.parent).read_experiment()


def test_run_folders(tmp_path):
    for name in ("b", "a", "deep/down"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "experiment.yaml").write_text("{}")
    (tmp_path / "empty").mkdir()
    assert [folder.path for folder in run_folders(tmp_path)] == [
        tmp_path / "a",
        tmp_path / "b",
        tmp_path / "deep" / "down",
    ]
    assert [folder.path for folder in run_folders(tmp_path / "a")] == [tmp_path / "a"]
    assert run_folders(tmp_path / "empty") == []


def test_record_is_readable_by_anything(folder):
    folder.write_record({"a": [1, 2]})
    assert json.loads(folder.record.read_text()) == {"a": [1, 2]}
    assert folder.record.read_text().endswith("\n")
