"""One worker's part: runs are trained once, gone on with, and what fails says so without taking others along."""

import json
from dataclasses import replace

import pytest
import torch
from short_runs import ONE_THREAD, SHORT

from grokscope.recipe import recipe
from grokscope.run import Execution, Run, record_ensemble, record_run
from grokscope.sweeps import Sweep, jobs, storage_at
from grokscope.sweeps.jobs import OUTCOME, Job, carry_out, jobs_of, kept_outcome


def job(tmp_path, sweep, **changes):
    return Job(tuple(sweep.runs()), storage_at(tmp_path), ONE_THREAD, **{"explained": False, **changes})


class TestJobs:
    def test_one_run_each(self, tmp_path):
        runs = Sweep(base=SHORT, seeds=range(3)).runs()
        assert [each.runs for each in jobs_of(runs, storage_at(tmp_path), ONE_THREAD)] == [(run,) for run in runs]

    def test_together_only_what_fits_together(self, tmp_path):
        runs = Sweep(base=SHORT, seeds=range(3), vary={"weight_decay": (0.0, 1.0), "d_mlp": (32, 64)}).runs()
        jobs = jobs_of(runs, storage_at(tmp_path), ONE_THREAD, ensemble_size=4)
        assert [len(each.runs) for each in jobs] == [4, 2, 4, 2]
        for each in jobs:
            assert len({run.settings["model.d_mlp"] for run in each.runs}) == 1
        assert sorted(run.folder for each in jobs for run in each.runs) == sorted(run.folder for run in runs)


class TestPacking:
    """Nobody said how many runs are to be trained together."""

    @staticmethod
    def sizes(base, n_runs, n_workers=1, execution=ONE_THREAD, **changes):
        runs = Sweep(base=base, seeds=range(n_runs), **changes).runs()
        storage = storage_at("runs")
        return [len(each.runs) for each in jobs_of(runs, storage, execution, ensemble_size=None, n_workers=n_workers)]

    def test_small_networks_together_and_large_ones_alone(self):
        assert self.sizes(SHORT, 40) == [16, 16, 8]
        assert self.sizes(recipe("small").experiment, 8) == [4, 4]
        assert self.sizes(recipe("mainline").experiment, 3) == [1, 1, 1]
        assert self.sizes(recipe("repeated-subsequences").experiment, 2) == [1, 1]

    def test_every_worker_has_its_share(self):
        assert self.sizes(SHORT, 16, n_workers=2) == [8, 8]
        assert self.sizes(SHORT, 3, n_workers=8) == [1, 1, 1]

    def test_only_what_fits_together(self):
        assert self.sizes(SHORT, 4, vary={"d_mlp": (32, 64), "weight_decay": (0.0, 1.0)}) == [8, 8]

    def test_on_a_gpu_by_the_hundred(self):
        on_gpu = Execution(device="cuda", threads=1)
        assert self.sizes(recipe("mainline").experiment, 300, execution=on_gpu) == [256, 44]


class TestCarryOut:
    @pytest.mark.parametrize("n_runs", [1, 3])
    def test_trains_and_keeps_outcomes(self, tmp_path, n_runs):
        told = []
        results = carry_out(job(tmp_path, Sweep(base=SHORT, seeds=range(n_runs))), lambda *each: told.append(each))
        assert [each.folder for each in results] == [f"seed{seed}" for seed in range(n_runs)]
        for each in results:
            assert each.error is None
            assert each.outcome is not None
            assert each.outcome == kept_outcome((tmp_path / each.folder / OUTCOME).read_bytes(), explained=False)
            assert (each.folder, 40) in told
            assert Run(tmp_path / each.folder).status == "finished"

    def test_what_has_ended_is_not_trained_again(self, tmp_path):
        planned = job(tmp_path, Sweep(base=SHORT, seeds=range(2)))
        first = carry_out(planned)
        told = []
        assert carry_out(planned, lambda *each: told.append(each)) == first
        assert told == []

    def test_what_has_begun_is_gone_on_with(self, tmp_path):
        [run] = Sweep(base=SHORT).runs()
        record_run(run.experiment.override({"stop.steps": 20}), tmp_path / run.folder, execution=ONE_THREAD)
        record = json.loads((tmp_path / run.folder / "run.json").read_text())
        (tmp_path / run.folder / "run.json").write_text(json.dumps(record | {"status": "interrupted"}))
        told = []
        carry_out(job(tmp_path, Sweep(base=SHORT)), lambda *each: told.append(each))
        assert min(step for _, step in told) == 20

    def test_a_measure_asked_for_later_needs_no_training(self, tmp_path):
        sweep = Sweep(base=SHORT)
        carry_out(job(tmp_path, sweep))
        told = []
        [later] = carry_out(job(tmp_path, sweep, measures=("gini_W_E",)), lambda *each: told.append(each))
        assert later.outcome.measures["gini_W_E"] > 0
        assert told == []

    def test_a_verdict_asked_for_later(self, tmp_path):
        sweep = Sweep(base=SHORT)
        [before] = carry_out(job(tmp_path, sweep))
        [after] = carry_out(job(tmp_path, sweep, explained=True))
        assert before.outcome.verdict is None
        assert after.outcome.verdict == "not explained"

    def test_divergence_is_an_outcome(self, tmp_path):
        sweep = Sweep(base=SHORT, vary={"lr": (0.01, 1e30)})
        for planned in (
            job(tmp_path / "together", sweep),
            *jobs_of(sweep.runs(), storage_at(tmp_path / "alone"), ONE_THREAD),
        ):
            for each in carry_out(planned):
                assert each.error is None
                assert (each.outcome.outcome == "diverged") == (each.outcome.settings["optimizer.lr"] == 1e30)

    def test_an_ensemble_too_large_for_the_memory_is_trained_in_parts(self, tmp_path, monkeypatch):
        sizes = []

        def short_of_memory(experiments, *rest, **options):
            sizes.append(len(experiments))
            if len(experiments) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return record_ensemble(experiments, *rest, **options)

        monkeypatch.setattr(jobs, "record_ensemble", short_of_memory)
        results = carry_out(job(tmp_path, Sweep(base=SHORT, seeds=range(5))))
        assert sizes == [5, 2, 3, 2]  # and the last one alone
        assert [each.outcome.status for each in results] == ["finished"] * 5
        sessions = Run(tmp_path / "seed0").record["sessions"]
        assert [each["together"] for each in sessions] == [2]

    @pytest.mark.parametrize("n_runs", [1, 2])
    def test_a_failure_is_said_and_not_raised(self, tmp_path, n_runs):
        (tmp_path / "seed0").mkdir(parents=True)
        (tmp_path / "seed0" / "mine.txt").write_text("not a run")
        results = carry_out(job(tmp_path, Sweep(base=SHORT, seeds=range(n_runs))))
        assert "is not an empty folder" in results[0].error
        assert results[0].outcome is None

    def test_a_damaged_outcome_is_made_again(self, tmp_path):
        planned = job(tmp_path, Sweep(base=SHORT))
        first = carry_out(planned)
        (tmp_path / "seed0" / OUTCOME).write_text("{")
        assert carry_out(planned) == first

    def test_the_outcome_of_an_older_version_is_made_again(self, tmp_path):
        planned = job(tmp_path, Sweep(base=SHORT))
        first = carry_out(planned)
        old = {"explained": False, "row": {"run": "seed0", "seed": 0, "key_frequencies": "3 5"}}
        (tmp_path / "seed0" / OUTCOME).write_text(json.dumps(old))
        assert carry_out(planned) == first


class TestRemote:
    """An address of fsspec's: runs are trained in a scratch folder and copied there."""

    def test_the_same_rows_and_files(self, tmp_path):
        sweep = Sweep(base=SHORT, seeds=range(2))
        here = carry_out(job(tmp_path / "here", sweep))
        elsewhere = replace(job(tmp_path, sweep), storage=storage_at((tmp_path / "elsewhere").as_uri()))
        there = carry_out(elsewhere)
        but_time = [replace(each.outcome, seconds=None) for each in here]
        assert [replace(each.outcome, seconds=None) for each in there] == but_time
        files = [
            sorted(path.relative_to(tmp_path / name).as_posix() for path in (tmp_path / name).rglob("*.*"))
            for name in ("here", "elsewhere")
        ]
        assert files[0] == files[1]
        assert Run(tmp_path / "elsewhere" / "seed0").status == "finished"

    def test_what_has_ended_is_fetched_and_not_trained_again(self, tmp_path):
        planned = replace(job(tmp_path, Sweep(base=SHORT)), storage=storage_at(tmp_path.as_uri()))
        first = carry_out(planned)
        told = []
        assert carry_out(planned, lambda *each: told.append(each)) == first
        assert told == []

    def test_what_cannot_be_written_is_said(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        address = f"{(tmp_path / 'file').as_uri()}/runs"
        [result] = carry_out(replace(job(tmp_path, Sweep(base=SHORT)), storage=storage_at(address)))
        assert "cannot" in result.error
        assert address in result.error
