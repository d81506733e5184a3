"""A sweep is trained once, goes on after any end, tries failures again, and leaves a table of all runs."""

import os
import signal
from collections.abc import Iterator, Sequence

import pytest
from short_runs import ONE_THREAD, SHORT

from grokscope.config import dump_yaml
from grokscope.errors import ConfigError, RunError
from grokscope.run import Run
from grokscope.sweeps import (
    LogUniform,
    Serial,
    Sweep,
    SweepBackend,
    SweepFolder,
    estimate,
    expected_cost,
    run_sweep,
    storage_at,
)
from grokscope.sweeps.jobs import Job, OnStep, Result, carry_out
from grokscope.sweeps.plan import RENAMED

OLD = {new: old for old, new in RENAMED.items()}


class Watching:
    """A progress that remembers what it is called with, and breaks something when steps are done."""

    def __init__(self, on_step=lambda detail: None):
        self.total, self.amounts, self.details, self.on_step = None, [], [], on_step

    def start(self, total, label):
        self.total = total

    def advance(self, amount=1, detail=""):
        self.amounts.append(amount)
        self.details.append(detail)
        if amount:
            self.on_step(detail)

    def message(self, text):
        pass

    def done(self):
        pass

    @property
    def before(self):
        """How many runs had ended before."""
        return int(self.details[0].partition(" ")[0])

    @property
    def steps(self):
        """How many steps were done, but for those of before."""
        return sum(self.amounts[1:])


class Counting(Serial):
    """An engine that remembers which runs it is given."""

    def __init__(self):
        self.folders = []

    def carry_out(self, jobs, on_step):
        self.folders += [run.folder for job in jobs for run in job.runs]
        yield from super().carry_out(jobs, on_step)


def swept(sweep, folder, engine=None, *, ensemble_size=1, **changes):
    progress = Watching()
    backend = SweepBackend(engine or Serial(), ONE_THREAD, ensemble_size=ensemble_size)
    options = {"explained": False, "progress": progress, **changes}
    return run_sweep(sweep, SweepFolder(folder), backend, **options), progress


class Failing:
    """An engine of which the jobs with certain runs fail, so many times."""

    def __init__(self, *folders: str, times: int = 1) -> None:
        self.left = dict.fromkeys(folders, times)
        self.sizes: list[int] = []

    def carry_out(self, jobs: Sequence[Job], on_step: OnStep) -> Iterator[list[Result]]:
        for job in jobs:
            self.sizes.append(len(job.runs))
            bad = [run.folder for run in job.runs if self.left.get(run.folder)]
            if not bad:
                yield carry_out(job, on_step)
                continue
            self.left[bad[0]] -= 1
            yield [Result(run.folder, error="the machine burned") for run in job.runs]


class TestRunSweep:
    def test_a_row_a_run_and_the_table_beside_them(self, tmp_path):
        sweep = Sweep(base=SHORT, seeds=(0, 1), vary={"weight_decay": (0.0, 1.0)})
        found, progress = swept(sweep, tmp_path / "sweep", measures=["gini_W_E"])
        table = found.table
        assert len(table) == 4
        assert found.is_complete
        assert (progress.total, sum(progress.amounts)) == (160, 160)
        assert (table["status"] == "finished").all()
        assert (table["gini_W_E"] > 0).all()
        kept = SweepFolder(tmp_path / "sweep").table()
        assert kept["run"].tolist() == table["run"].tolist()
        assert kept["train_loss"].tolist() == table["train_loss"].tolist()
        assert SweepFolder(tmp_path / "sweep").plan() == sweep
        again = SweepFolder(tmp_path / "sweep").outcomes()
        assert again.outcomes == found.outcomes
        assert [group.label for group in again.groups] == ["weight decay 0", "weight decay 1"]

    def test_at_an_address(self, tmp_path):
        sweep = Sweep(base=SHORT, seeds=(0, 1))
        address = (tmp_path / "there").as_uri()
        found, _ = swept(sweep, address)
        assert (
            SweepFolder(address).table()["run"].tolist() == [each.run for each in found.outcomes] == ["seed0", "seed1"]
        )
        _, progress = swept(sweep, address, resume=True)
        assert (progress.before, progress.steps) == (2, 0)

    def test_it_grows_and_repeats_nothing(self, tmp_path):
        swept(Sweep(base=SHORT, seeds=(0,)), tmp_path)
        engine = Counting()
        found, progress = swept(Sweep(base=SHORT, seeds=(0, 1)), tmp_path, engine, resume=True)
        assert [each.run for each in found.outcomes] == ["seed0", "seed1"]
        assert (progress.before, engine.folders) == (1, ["seed1"])

    def test_a_failure_is_tried_again_alone(self, tmp_path):
        engine = Failing("seed1")
        found, progress = swept(Sweep(base=SHORT, seeds=(0, 1, 2)), tmp_path, engine, ensemble_size=3)
        assert engine.sizes == [3, 1, 1, 1]
        assert [each.status for each in found.outcomes] == ["finished"] * 3
        assert "3 failed" in " ".join(progress.details)

    def test_a_lasting_failure_is_listed_and_the_rest_is_trained(self, tmp_path):
        found, _ = swept(Sweep(base=SHORT, seeds=(0, 1)), tmp_path, Failing("seed0", times=9))
        assert [each.status for each in found.outcomes] == ["failed", "finished"]
        assert [each.error for each in found.outcomes] == ["the machine burned", None]
        assert [len(group) for group in found.groups] == [1]
        found, _ = swept(Sweep(base=SHORT, seeds=(0, 1)), tmp_path, resume=True)
        assert [each.status for each in found.outcomes] == ["finished", "finished"]

    def test_asked_to_stop_it_begins_nothing_again(self, tmp_path):
        sweep, engine = Sweep(base=SHORT, seeds=(0, 1)), Counting()
        progress = Watching(lambda detail: os.kill(os.getpid(), signal.SIGTERM))
        found, _ = swept(sweep, tmp_path, engine, progress=progress)
        assert found.outcomes == ()
        assert not found.is_complete
        assert not (tmp_path / "runs" / "seed1").exists()
        again, _ = swept(sweep, tmp_path, resume=True)
        assert [each.status for each in again.outcomes] == ["finished", "finished"]
        assert Run(tmp_path / "runs" / "seed0").record["sessions"][1]["from_step"] > 0


class TestOlderFolders:
    def test_a_plan_with_fields_of_other_names(self, tmp_path):
        sample = {"lr": LogUniform(low=1e-4, high=1e-2)}
        sweep = Sweep(base=SHORT, seeds=(0, 1), sample=sample, n_samples=2)
        text = dump_yaml({OLD.get(name, name): value for name, value in sweep.model_dump(mode="json").items()})
        (tmp_path / "sweep.yaml").write_text(text)
        assert "draw_seed" in text
        assert SweepFolder(tmp_path).plan() == sweep

    def test_a_table_in_which_key_frequencies_are_text(self, tmp_path):
        found, _ = swept(Sweep(base=SHORT, seeds=(0, 1)), tmp_path)
        old = found.table.drop(columns="seeds").assign(key_frequencies=["3 5", ""])
        old.to_parquet(tmp_path / "results.parquet")
        first, second = SweepFolder(tmp_path).outcomes().outcomes
        assert (first.key_frequencies, first.seeds) == ((3, 5), (0, 0, 0, 0))
        assert second.key_frequencies == ()


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
        with storage_at(tmp_path).locked(), pytest.raises(RunError, match="a sweep is going on"):
            swept(Sweep(base=SHORT), tmp_path, resume=True)

    def test_nothing_is_written_for_a_wrong_measure(self, tmp_path):
        with pytest.raises(ConfigError, match=r"no measure of add mod 11 is called 'gini'.*"):
            swept(Sweep(base=SHORT), tmp_path / "sweep", measures=["gini"])
        assert not (tmp_path / "sweep").exists()

    def test_a_damaged_plan_and_table(self, tmp_path):
        swept(Sweep(base=SHORT), tmp_path)
        (tmp_path / "sweep.yaml").write_text("seeds: [")
        (tmp_path / "results.parquet").write_bytes(b"PAR1")
        with pytest.raises(RunError, match=r"sweep\.yaml is not YAML"):
            SweepFolder(tmp_path).plan()
        with pytest.raises(RunError, match=r"results\.parquet is damaged"):
            SweepFolder(tmp_path).table()

    def test_an_address_nobody_speaks(self):
        with pytest.raises(ConfigError, match="--out nosuch://place"):
            swept(Sweep(base=SHORT), "nosuch://place")


class TestExpectedCost:
    @staticmethod
    def backend(n_workers=1, ensemble_size=1):
        return SweepBackend(Serial(), ONE_THREAD, n_workers, ensemble_size)

    def test_scales_with_runs_steps_and_workers(self, monkeypatch):
        # every call takes a second: what the estimate makes of it does not depend on this machine
        monkeypatch.setattr(estimate, "_seconds", lambda action: 1.0)
        runs = Sweep(base=SHORT, seeds=range(4), vary={"weight_decay": (0.0, 1.0)}).runs()
        one, two = (expected_cost(runs, self.backend(n)) for n in (1, 2))
        evaluations = SHORT.stop.steps // SHORT.evaluate_every + 1
        assert (one.n_runs, one.seconds) == (8, 8 * (40 + evaluations))
        assert two.seconds == one.seconds / 2
        together = expected_cost(runs, self.backend(ensemble_size=8))
        assert together.seconds == one.seconds / 8
        longer = Sweep(base=SHORT.override({"stop.steps": 40_000}), seeds=range(8)).runs()
        assert expected_cost(longer, self.backend()).seconds > 100 * one.seconds

    def test_times_what_it_is_given(self):
        calls = []
        assert estimate._seconds(lambda: calls.append(1)) > 0
        assert len(calls) >= 2

    def test_disk_is_what_a_run_leaves(self, tmp_path):
        sweep = Sweep(base=SHORT, seeds=range(2))
        expected = expected_cost(sweep.runs(), self.backend(ensemble_size=2)).bytes
        swept(sweep, tmp_path)
        kept = sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors"))
        assert expected == pytest.approx(kept, rel=0.15)

    def test_nothing_left(self):
        assert expected_cost([], self.backend()).seconds == 0
