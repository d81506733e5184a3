"""How many threads a run gets where nobody says so. Nothing here depends on how fast anything is: the clock is ours."""

import pytest
import torch

from grokscope.recipe import recipe
from grokscope.run import Execution, record_run
from grokscope.run.recording import single, thread_choice
from grokscope.run.recording.thread_choice import fastest_threads, threads_for

SMALL = recipe("small").experiment.override(
    {
        "task.p": 13,
        "model.d_model": 8,
        "model.n_heads": 2,
        "model.d_head": 4,
        "model.d_mlp": 16,
        "stop.steps": 12,
        "evaluate_every": 6,
    }
)


@pytest.fixture(autouse=True)
def few_steps_are_worth_it(monkeypatch):
    monkeypatch.setattr(thread_choice, "WORTH_IT", 10)


class Machine:
    """A clock that a step moves on, by an amount that depends on the number of threads."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds, self.now, self.tried = seconds, 0.0, set()

    def step(self) -> None:
        self.tried.add(torch.get_num_threads())
        self.now += self.seconds[torch.get_num_threads()]

    def clock(self) -> float:
        return self.now


@pytest.fixture
def restored():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("seconds", "fastest"),
    [
        ({1: 1.0, 2: 0.6, 4: 0.5}, 4),
        ({1: 1.0, 2: 1.8, 4: 3.0}, 1),
        ({1: 1.0, 2: 0.7, 4: 0.9}, 2),
        ({1: 1.0, 2: 0.98, 4: 0.97}, 1),
    ],
)
def test_the_fastest_is_chosen_and_of_equals_the_fewest(seconds, fastest):
    machine = Machine(seconds)
    assert fastest_threads(machine.step, 4, clock=machine.clock) == fastest
    assert machine.tried == set(seconds)


def test_numbers_that_are_no_power_of_two_are_tried_too():
    machine = Machine({1: 1.0, 2: 0.6, 4: 0.5, 6: 0.3})
    assert fastest_threads(machine.step, 6, clock=machine.clock) == 6


@pytest.mark.parametrize("fails", [False, True])
def test_the_number_is_as_before(fails):
    before = torch.get_num_threads()

    def step():
        if fails and torch.get_num_threads() == 2:
            raise RuntimeError("out of memory")

    if fails:
        with pytest.raises(RuntimeError):
            fastest_threads(step, 2)
    else:
        fastest_threads(step, 2)
    assert torch.get_num_threads() == before


def chosen(path):
    return record_run(SMALL, path, resume=True).record["execution"]["threads"]


@pytest.fixture
def always_two(monkeypatch):
    monkeypatch.setattr(single, "threads_for", lambda experiment, trainer, task: 2)


def test_it_is_recorded_and_used_again(tmp_path, monkeypatch, always_two):
    used = []
    monkeypatch.setattr(single, "threads_for", lambda experiment, trainer, task: used.append(trainer.step) or 2)
    assert chosen(tmp_path) == 2
    on = SMALL.override({"stop.steps": 18})
    run = record_run(on, tmp_path, resume=True, on_row=lambda row: used.append(torch.get_num_threads()))
    assert run.record["execution"]["threads"] == 2
    assert used[0] == 0  # measured once, at the beginning
    assert set(used[1:]) == {2}


def test_on_resume_a_number_is_kept_though_the_device_is_named_again(tmp_path, always_two):
    chosen(tmp_path)
    run = record_run(SMALL, tmp_path, resume=True, execution=Execution(device="cpu"))
    assert run.record["execution"]["threads"] == 2


def test_a_number_that_is_given_is_taken(tmp_path, always_two):
    run = record_run(SMALL, tmp_path, execution=Execution(device="cpu", threads=1))
    assert run.record["execution"]["threads"] == 1


class TestMeasuring:
    @pytest.fixture
    def trained(self, tmp_path, monkeypatch, restored):
        """The weights after a run whose threads were measured, and how often its twin made a step."""

        def train(name, most):
            torch.set_num_threads(most)
            made = []
            monkeypatch.setattr(
                thread_choice, "fastest_threads", lambda step, most: [made.append(step()) for _ in range(7)] and 1
            )
            run = record_run(SMALL, tmp_path / name)
            return run.model().state_dict(), len(made)

        return train

    def test_changes_nothing_of_the_run(self, trained):
        measured, steps = trained("measured", 2)
        unmeasured, none = trained("unmeasured", 1)
        assert (steps, none) == (7, 0)  # with one thread there is nothing to choose
        assert all(torch.equal(measured[name], unmeasured[name]) for name in unmeasured)

    def test_is_left_out_where_few_steps_remain(self, tmp_path, monkeypatch, restored):
        torch.set_num_threads(2)
        monkeypatch.setattr(thread_choice, "fastest_threads", None)
        few = SMALL.override({"stop.steps": thread_choice.WORTH_IT - 1})
        assert record_run(few, tmp_path).record["execution"]["threads"] == 2

    def test_is_of_the_run_s_own_step(self, monkeypatch, restored, tmp_path):
        torch.set_num_threads(2)
        seen = []
        monkeypatch.setattr(single, "threads_for", lambda *of: seen.append(threads_for(*of)) or seen[-1])
        assert record_run(SMALL, tmp_path).record["execution"]["threads"] == seen[0]
        assert seen[0] in (1, 2)
