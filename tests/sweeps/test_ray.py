"""Sweeps on a real Ray cluster of three nodes on this machine: the same rows, and no run lost with a worker or node."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import psutil
import pytest
from short_runs import LONG, ONE_THREAD, SHORT

from grokscope.run import Run
from grokscope.sweeps import Serial, Sweep, SweepBackend, SweepFolder, run_sweep, storage_at
from grokscope.sweeps.jobs import jobs_of

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'grokscope[ray]'")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning:ray", "ignore::ResourceWarning", "ignore::DeprecationWarning"),
]

MIDDLING = SHORT.override({"stop.steps": 1_000, "checkpoint_every": 50})


@pytest.fixture(scope="module")
def nodes():
    """A cluster: a head without work to do, and two nodes with a core each."""
    from ray.cluster_utils import Cluster

    # a node that is lost is asked for sooner than by default; one that is only busy still has as long to answer
    soon = {"health_check_initial_delay_ms": 1_000, "health_check_period_ms": 500, "health_check_failure_threshold": 3}
    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": {"health_check_timeout_ms": 10_000, **soon}}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def engine(nodes):
    from grokscope.sweeps.engines.ray import RayCluster

    return RayCluster(nodes.address)


def workers(of=None):
    """The processes that are training a job: all of them, or those that the process ``of`` has begun."""
    each = psutil.process_iter(["cmdline", "ppid"])
    training = [one for one in each if any(word.startswith("ray::_carry_out") for word in one.info["cmdline"] or [])]
    return [one.pid for one in training if of in (None, one.info["ppid"])]


def command(*options, cwd):
    """Run the command as a user does: this process has joined the cluster already."""
    return subprocess.run(
        [sys.executable, "-m", "grokscope", "sweep", *options], cwd=cwd, capture_output=True, text=True, timeout=600
    )


class Watching:
    """A progress that remembers which runs failed, and why."""

    def __init__(self):
        self.failed = set()

    def start(self, total, label):
        pass

    def advance(self, amount=1, detail=""):
        if " failed: " in detail:
            self.failed.add(detail.rpartition(" · ")[2])

    def message(self, text):
        pass

    def done(self):
        pass


def swept(sweep, folder, engine, progress):
    backend = SweepBackend(engine, ONE_THREAD)
    return run_sweep(sweep, SweepFolder(folder), backend, progress=progress, explained=False).table


@contextmanager
def trying(breaks):
    """Call ``breaks`` again and again beside the block, until it says that it has broken something."""
    ended, broken = threading.Event(), threading.Event()

    def keep_trying():
        while not ended.is_set() and not broken.is_set():
            if breaks():
                broken.set()
            ended.wait(0.02)

    thread = threading.Thread(target=keep_trying)
    thread.start()
    try:
        yield broken
    finally:
        ended.set()
        thread.join()


def kill_one_that_can_be_resumed(folder):
    """Kill a worker whose run can be resumed from a step after its first; it stands still while that is looked up.

    A run's state is written after its checkpoint: with its third, the state of the second is there.
    """
    for pid in workers():
        try:
            worker = psutil.Process(pid)
            worker.suspend()
            written = {Path(each.path).parent for each in worker.open_files() if each.path.endswith("metrics.csv")}
            if any(path.parent == folder / "runs" and len(Run(path).checkpoints) > 2 for path in written):
                worker.kill()
                return True
            worker.resume()
        except psutil.NoSuchProcess:
            continue
    return False


def test_the_same_outcomes_as_in_this_process(tmp_path, engine):
    assert (str(engine), engine.n_at_a_time) == ("a Ray cluster of 3 nodes", 2)
    sweep = Sweep(base=SHORT, seeds=(0, 1, 2))
    there = swept(sweep, tmp_path / "there", engine, Watching())
    here = swept(sweep, tmp_path / "here", Serial(), Watching())
    assert there["status"].tolist() == ["finished"] * 3
    pd.testing.assert_frame_equal(there.drop(columns="seconds"), here.drop(columns="seconds"), check_exact=True)


def test_a_worker_killed_in_the_middle(tmp_path, engine):
    watcher = Watching()
    with trying(lambda: kill_one_that_can_be_resumed(tmp_path)) as killed:
        table = swept(Sweep(base=MIDDLING, seeds=(0, 1, 2)), tmp_path, engine, watcher)
    assert killed.is_set()
    [why] = watcher.failed
    assert "its worker on the cluster died: WorkerCrashedError" in why
    assert table["status"].tolist() == ["finished"] * 3
    sessions = [Run(tmp_path / "runs" / name).record["sessions"] for name in table["run"]]
    [again] = [each for each in sessions if len(each) == 2]
    assert again[1]["from_step"] > 0  # resumed, and not begun anew


def test_after_being_asked_to_stop_none_begins_and_what_began_can_be_gone_on_with(tmp_path, engine):
    planned = jobs_of(Sweep(base=LONG, seeds=range(3)).runs(), storage_at(tmp_path), ONE_THREAD, explained=False)
    asked = threading.Event()

    def ask_once(folder, step):
        if not asked.is_set():
            asked.set()
            os.kill(os.getpid(), signal.SIGTERM)

    results = [result for some in engine.carry_out(planned, ask_once) for result in some]
    assert [(each.outcome, each.error) for each in results] == [(None, None)] * 3
    kept = [tmp_path / f"seed{seed}" for seed in range(3) if (tmp_path / f"seed{seed}").exists()]
    assert 1 <= len(kept) <= 2
    assert {Run(path).status for path in kept} == {"interrupted"}


def test_the_command(tmp_path, nodes):
    (tmp_path / "short.yaml").write_text(SHORT.to_yaml())
    place = (tmp_path / "kept").as_uri()
    done = command(
        *("short.yaml", "--seeds", "0:2", "--no-explain", "--no-report", "-o", place),
        *("--engine", "ray", "--address", nodes.address),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "on a Ray cluster of 3 nodes, 2 at a time" in " ".join(done.stdout.split())
    assert SweepFolder(place).table()["status"].tolist() == ["finished"] * 2


def test_a_node_lost_in_the_middle(tmp_path, engine, nodes):
    """The last one on the cluster, which takes its time to notice."""
    node = nodes.add_node(num_cpus=1)
    [raylet] = node.all_processes["raylet"]

    def lost():
        if not workers(of=raylet.process.pid):
            return False
        nodes.remove_node(node, allow_graceful=False)
        return True

    watcher = Watching()
    with trying(lost) as broken:
        table = swept(Sweep(base=MIDDLING, seeds=range(3)), tmp_path, engine, watcher)
    assert broken.is_set()
    [why] = watcher.failed
    assert "its worker on the cluster died" in why
    assert table["status"].tolist() == ["finished"] * 3, table["error"].tolist()


def test_nobody_at_the_address(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        done = command("small", "--engine", "ray", "--address", address, "--dry-run", cwd=tmp_path)
    assert done.returncode == 2
    assert f"--address {address}: no Ray cluster answers there" in done.stderr
    assert "Traceback" not in done.stderr
