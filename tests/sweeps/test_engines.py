"""Every engine gives the same rows; a worker that is killed takes its own job along and no other."""

import multiprocessing
import os
import signal

import pytest
from short_runs import LONG, ONE_THREAD, SHORT

from grokscope.run import Run
from grokscope.sweeps import Processes, Serial, Sweep, storage_at
from grokscope.sweeps.jobs import jobs_of


def jobs(folder, base, n_runs, **changes):
    runs = Sweep(base=base, seeds=range(n_runs)).runs()
    return jobs_of(runs, storage_at(folder), ONE_THREAD, explained=False, **changes)


def all_results(engine, planned, tell=lambda folder, step: None):
    results = [result for each in engine.carry_out(planned, tell) for result in each]
    return sorted(results, key=lambda result: result.folder)


def but_time(result):
    assert result.outcome is not None, result.error
    return {name: value for name, value in vars(result.outcome).items() if name != "seconds"}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The rows of three runs trained here, one after the other."""
    return [but_time(each) for each in all_results(Serial(), jobs(tmp_path_factory.mktemp("here"), SHORT, 3))]


@pytest.mark.slow
def test_processes_give_the_same_rows(tmp_path, alone):
    told = []
    found = all_results(Processes(2), jobs(tmp_path, SHORT, 3), lambda *each: told.append(each))
    assert [but_time(each) for each in found] == alone
    assert {("seed0", 40), ("seed1", 40), ("seed2", 40)} <= set(told)
    assert not multiprocessing.active_children()


def test_an_ensemble_gives_the_same_rows_but_for_rounding(tmp_path, alone):
    found = [but_time(each) for each in all_results(Serial(), jobs(tmp_path, SHORT, 3, ensemble_size=3))]
    for row, other in zip(found, alone, strict=True):
        for name, value in row.items():
            close = pytest.approx(other[name], rel=1e-4) if isinstance(value, float) else other[name]
            assert value == close, name


@pytest.mark.slow
def test_a_killed_worker_fails_its_own_job_only(tmp_path):
    killed = []

    def kill_once(folder, step):
        if not killed:
            killed.append(folder)
            [child] = multiprocessing.active_children()
            os.kill(child.pid, signal.SIGKILL)

    first, *others = all_results(
        Processes(1), [*jobs(tmp_path, LONG, 1), *jobs(tmp_path / "short", SHORT, 2)][:3], kill_once
    )
    assert killed == ["seed0"]
    assert len([each for each in (first, *others) if each.error]) == 1
    failed = next(each for each in (first, *others) if each.error)
    assert failed.folder == "seed0"
    assert "killed by signal 9" in failed.error
    assert [each.outcome.status for each in (first, *others) if each.outcome] == ["finished", "finished"]


@pytest.mark.parametrize("engine", [Serial(), Processes(1)], ids=["serial", "processes"])
@pytest.mark.slow
def test_after_being_asked_to_stop_none_begins_and_what_began_can_be_gone_on_with(tmp_path, engine):
    asked = []

    def ask_once(folder, step):
        if not asked:
            asked.append(folder)
            os.kill(os.getpid(), signal.SIGTERM)

    [only] = all_results(engine, jobs(tmp_path, LONG, 2), ask_once)
    assert (only.folder, only.outcome, only.error) == ("seed0", None, None)
    assert Run(tmp_path / "seed0").status == "interrupted"
    assert not (tmp_path / "seed1").exists()
    assert not multiprocessing.active_children()
