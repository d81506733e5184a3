"""Looking at many checkpoints at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from grokscope.run import parallel
from grokscope.run.parallel import map_checkpoints
from grokscope.tasks import ModularConfig

TASK = ModularConfig(p=5).build()


@pytest.fixture(params=[1, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_what_is_seen_comes_in_order(threads, progress):
    later = threading.Event()

    def look(step):
        if threads > 1:  # the first is done after the second
            later.wait(10) if step == 1 else later.set()
        return step * 10

    assert map_checkpoints([1, 2, 3, 4], look, TASK, progress) == [10, 20, 30, 40]
    assert progress.details == ["step 1", "step 2", "step 3", "step 4"]
    assert torch.get_num_threads() == threads


def test_at_once_each_has_one_thread(threads):
    assert set(map_checkpoints([1, 2, 3], lambda _: torch.get_num_threads(), TASK)) == {1}


def test_what_takes_much_memory_is_looked_at_alone_with_all_threads(monkeypatch, threads):
    monkeypatch.setattr(parallel, "ROOM", 1)
    seen = map_checkpoints([1, 2], lambda _: (threading.current_thread(), torch.get_num_threads()), TASK)
    assert seen == [(threading.main_thread(), threads)] * 2


def test_an_error_ends_it(threads, monkeypatch):
    looked = []
    cancelled = threading.Event()
    shut_down = ThreadPoolExecutor.shutdown

    def announced(pool, wait=True, *, cancel_futures=False):
        shut_down(pool, wait=False, cancel_futures=cancel_futures)
        cancelled.set()
        shut_down(pool, wait=wait)

    def look(step):
        looked.append(step)
        if step == 1:
            raise ValueError("damaged")
        cancelled.wait()

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", announced)
    with pytest.raises(ValueError, match="damaged"):
        map_checkpoints(list(range(1, 201)), look, TASK)
    # the thread that took the damaged step may have taken another one before the rest were cancelled
    assert len(looked) <= threads + 1
    assert torch.get_num_threads() == threads


def test_of_no_steps_nothing_is_seen(threads):
    assert map_checkpoints([], lambda step: step, TASK) == []
