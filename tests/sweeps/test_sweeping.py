"""A sweep is trained once, goes on after any end, tries failures again, and leaves a table of all runs."""

import os
import signal
from collections.abc import Iterator, Sequence

import pytest
from short_runs import ONE_THREAD, SHORT

from grokscope.errors import ConfigError, RunError
from grokscope.sweeps import Destination, InProcess, Sweep, SweepFolder, Way, expected_cost, run_sweep
from grokscope.sweeps.jobs import Job, Result, Tell, carry_out


class Watching:
    """Remembers what it is told."""

    def __init__(self):
        self.n_runs, self.before, self.steps, self.results = 0, [], [], []

    def begin(self, planned, ended):
        self.n_runs, self.before = len(planned), [each.folder for each in ended]

    def step(self, folder, step):
        self.steps.append((folder, step))

    def ended(self, result):
        self.results.append(result)


def swept(sweep, folder, engine=None, *, together=1, **changes):
    watcher = Watching()
    way = Way(engine or InProcess(), ONE_THREAD, together=together)
    return run_sweep(sweep, SweepFolder(folder), way, **{"explained": False, "watcher": watcher, **changes}), watcher


class Failing:
    """An engine of which the jobs with certain runs fail, so many times."""

    def __init__(self, *folders: str, times: int = 1) -> None:
        self.left = dict.fromkeys(folders, times)
        self.sizes: list[int] = []

    def carry_out(self, jobs: Sequence[Job], tell: Tell) -> Iterator[list[Result]]:
        for job in jobs:
            self.sizes.append(len(job.runs))
            bad = [run.folder for run in job.runs if self.left.get(run.folder)]
            if not bad:
                yield carry_out(job, tell)
                continue
            self.left[bad[0]] -= 1
            yield [Result(run.folder, error="the machine burned") for run in job.runs]


class TestRunSweep:
    def test_a_row_a_run_and_the_table_beside_them(self, tmp_path):
        sweep = Sweep(base=SHORT, seeds=(0, 1), vary={"weight_decay": (0.0, 1.0)})
        table, watcher = swept(sweep, tmp_path / "sweep", measures=["gini_W_E"])
        assert len(table) == watcher.n_runs == 4
        assert (table["status"] == "finished").all()
        assert (table["gini_W_E"] > 0).all()
        kept = SweepFolder(tmp_path / "sweep").table()
        assert kept["run"].tolist() == table["run"].tolist()
        assert kept["train_loss"].tolist() == table["train_loss"].tolist()
        assert SweepFolder(tmp_path / "sweep").plan() == sweep

    def test_elsewhere(self, tmp_path):
        sweep = Sweep(base=SHORT, seeds=(0, 1))
        address = (tmp_path / "there").as_uri()
        table, _ = swept(sweep, address)
        assert SweepFolder(address).table()["run"].tolist() == table["run"].tolist() == ["seed0", "seed1"]
        _, watcher = swept(sweep, address, resume=True)
        assert watcher.before == ["seed0", "seed1"]
        assert watcher.steps == []

    def test_it_grows_and_repeats_nothing(self, tmp_path):
        swept(Sweep(base=SHORT, seeds=(0,)), tmp_path)
        table, watcher = swept(Sweep(base=SHORT, seeds=(0, 1)), tmp_path, resume=True)
        assert table["run"].tolist() == ["seed0", "seed1"]
        assert watcher.before == ["seed0"]
        assert {folder for folder, _ in watcher.steps} == {"seed1"}

    def test_a_failure_is_tried_again_alone(self, tmp_path):
        engine = Failing("seed1")
        table, watcher = swept(Sweep(base=SHORT, seeds=(0, 1, 2)), tmp_path, engine, together=3)
        assert engine.sizes == [3, 1, 1, 1]
        assert (table["status"] == "finished").all()
        assert sum(each.error is not None for each in watcher.results) == 3

    def test_a_lasting_failure_is_listed_and_the_rest_is_trained(self, tmp_path):
        table, _ = swept(Sweep(base=SHORT, seeds=(0, 1)), tmp_path, Failing("seed0", times=9))
        assert table["status"].tolist() == ["failed", "finished"]
        assert table["error"].tolist()[0] == "the machine burned"
        table, _ = swept(Sweep(base=SHORT, seeds=(0, 1)), tmp_path, resume=True)
        assert table["status"].tolist() == ["finished", "finished"]

    def test_asked_to_stop_it_begins_nothing_again(self, tmp_path):
        class Asking(Watching):
            def step(self, folder, step):
                super().step(folder, step)
                if step == 20:
                    os.kill(os.getpid(), signal.SIGTERM)

        sweep, watcher = Sweep(base=SHORT, seeds=(0, 1)), Asking()
        table, _ = swept(sweep, tmp_path, watcher=watcher)
        assert table.empty
        assert {folder for folder, _ in watcher.steps} == {"seed0"}
        table, again = swept(sweep, tmp_path, resume=True)
        assert table["status"].tolist() == ["finished", "finished"]
        assert min(step for folder, step in again.steps if folder == "seed0") > 0


class TestRefusals:
    def test_a_folder_that_is_taken(self, tmp_path):
        (tmp_path / "mine.txt").write_text("mine")
        with pytest.raises(RunError, match="is not an empty folder"):
            swept(Sweep(base=SHORT), tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

    def test_a_sweep_that_is_there(self, tmp_path):
        swept(Sweep(base=SHORT), tmp_path)
        with pytest.raises(RunError, match="already holds a sweep; use --resume"):
            swept(Sweep(base=SHORT), tmp_path)
        with pytest.raises(RunError, match=r"another base: stop\.steps is 50, the sweep has 40"):
            swept(Sweep(base=SHORT.override({"stop.steps": 50})), tmp_path, resume=True)

    def test_a_sweep_that_is_going_on(self, tmp_path):
        with Destination(str(tmp_path)).held(), pytest.raises(RunError, match="a sweep is going on"):
            swept(Sweep(base=SHORT), tmp_path, resume=True)

    def test_nothing_is_written_for_a_wrong_measure(self, tmp_path):
        with pytest.raises(ConfigError, match=r"no measure of short is called 'gini'.*"):
            swept(Sweep(base=SHORT), tmp_path / "sweep", measures=["gini"])
        assert not (tmp_path / "sweep").exists()

    def test_a_damaged_plan_and_table(self, tmp_path):
        swept(Sweep(base=SHORT), tmp_path)
        (tmp_path / "sweep.yaml").write_text("seeds: [")
        (tmp_path / "results.parquet").write_bytes(b"PAR1")
        with pytest.raises(RunError, match=r"sweep\.yaml is damaged"):
            SweepFolder(tmp_path).plan()
        with pytest.raises(RunError, match=r"results\.parquet is damaged"):
            SweepFolder(tmp_path).table()

    def test_an_address_nobody_speaks(self):
        with pytest.raises(ConfigError, match="--out nosuch://place"):
            swept(Sweep(base=SHORT), "nosuch://place")


class TestExpectedCost:
    @staticmethod
    def way(n_workers=1, together=1):
        return Way(InProcess(), ONE_THREAD, n_workers, together)

    def test_scales_with_runs_steps_and_workers(self):
        runs = Sweep(base=SHORT, seeds=range(4), vary={"weight_decay": (0.0, 1.0)}).runs()
        one, two = (expected_cost(runs, self.way(n)) for n in (1, 2))
        assert one.n_runs == 8
        assert 1.2 < one.seconds / two.seconds < 3.3
        longer = Sweep(base=SHORT.override({"stop.steps": 40_000}), seeds=range(8)).runs()
        assert expected_cost(longer, self.way()).seconds > 100 * one.seconds

    def test_disk_is_what_a_run_leaves(self, tmp_path):
        sweep = Sweep(base=SHORT, seeds=range(2))
        expected = expected_cost(sweep.runs(), self.way(together=2)).bytes
        swept(sweep, tmp_path)
        kept = sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors"))
        assert expected == pytest.approx(kept, rel=0.15)

    def test_nothing_left(self):
        assert expected_cost([], self.way()).seconds == 0
