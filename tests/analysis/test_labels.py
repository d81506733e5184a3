"""Runs are grouped by what training depends on, and groups are named by what tells them apart."""

import pytest

from grokscope.analysis.many_runs.groups import RunGroup, group_runs
from grokscope.analysis.many_runs.labels import differing_settings, naming_settings, setting_in_words, settings_of
from grokscope.errors import ConfigError, RunError
from grokscope.recipe import recipe, recipe_names
from grokscope.run import Execution, Experiment, Run, record_run

BASE = Experiment(name="base")


def names_of(*experiments: Experiment) -> list[str]:
    """Return what groups of these experiments would be called."""
    named = naming_settings([settings_of(each) for each in experiments], [{each.name} for each in experiments])
    return [", ".join(setting_in_words(name, value) for name, value in each.items()) for each in named]


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        ({"optimizer.weight_decay": 0.3}, {}, ["weight decay 0.3", "weight decay 1"]),
        ({"task.data.train_fraction": 0.5}, {}, ["train fraction 0.5", "train fraction 0.3"]),
        ({"task.data.kind": "infinite"}, {}, ["infinite", "finite"]),
        ({"task.p": 59}, {}, ["add mod 59", "add mod 113"]),
        ({"task.operation": "multiply"}, {}, ["multiply mod 113", "add mod 113"]),
        ({"model.kind": "mlp"}, {}, ["mlp", "transformer"]),
        ({"model.layer_norm": True}, {}, ["layer norm", "no layer norm"]),
        ({"task.data.batch_size": 64}, {}, ["batch size 64", "batch size null"]),
        ({"optimizer.betas": (0.9, 0.999)}, {}, ["betas 0.9 and 0.999", "betas 0.9 and 0.98"]),
        ({"optimizer.lr": 0.0123456789}, {}, ["lr 0.0123456789", "lr 0.001"]),
        ({"l1": 0.1, "optimizer.lr": 0.1}, {}, ["lr 0.1, l1 0.1", "lr 0.001, l1 0"]),
        ({"task.equals_token": False}, {}, ["no equals token", "equals token"]),
        (
            {"task.data.kind": "infinite", "optimizer.weight_decay": 0.3},
            {},
            ["infinite, weight decay 0.3", "finite, weight decay 1"],
        ),
    ],
)
def test_names_say_what_differs(first, second, names):
    assert names_of(BASE.override(first), BASE.override(second)) == names


def test_sizes_that_differ_within_a_kind_are_said():
    fractions = [BASE.override({"task.data.train_fraction": fraction}) for fraction in (0.3, 0.5)]
    infinite = BASE.override({"task.data.kind": "infinite"})
    assert names_of(*fractions, infinite) == ["finite, train fraction 0.3", "finite, train fraction 0.5", "infinite"]


def test_where_much_differs_the_name_says_what_kind_it_is():
    much = {"optimizer.lr": 0.01, "optimizer.weight_decay": 3.0, "l1": 0.1, "model.d_mlp": 64}
    assert names_of(BASE, BASE.override({**much, "task.data.kind": "infinite"})) == ["finite", "infinite"]
    assert names_of(BASE, BASE.override({**much, "task.p": 59})) == ["add mod 113", "add mod 59"]
    other = Experiment(name="other").override(much)
    assert names_of(BASE, other) == ["base", "other"]
    assert names_of(BASE, BASE.override(much)) == ["d mlp 512", "d mlp 64"]


def test_every_two_recipes_of_one_task_have_different_names():
    experiments = [recipe(name).experiment for name in recipe_names()]
    pairs = 0
    for at, first in enumerate(experiments):
        for second in experiments[at + 1 :]:
            trees = [settings_of(first), settings_of(second)]
            if first.task.kind == second.task.kind and differing_settings(trees):
                assert len(set(names_of(first, second))) == 2, (first.name, second.name)
                pairs += 1
    assert pairs > 10


def test_seeds_and_when_to_stop_or_look_make_no_group():
    other = BASE.override({"seed": 4, "stop.steps": 7, "evaluate_every": 3, "checkpoint_every": 9})
    assert settings_of(other) == settings_of(BASE)
    assert differing_settings([settings_of(BASE), settings_of(Experiment(name="another", description="x"))]) == []


SMALL = {"task.p": 5, "model.d_model": 4, "model.n_heads": 1, "model.d_head": 4, "model.d_mlp": 4, "stop.steps": 1}


@pytest.fixture(scope="module")
def make_run(tmp_path_factory):
    """Train for a step."""

    def make(**changes: object) -> Run:
        settings = {name.replace("__", "."): value for name, value in changes.items()}
        path = tmp_path_factory.mktemp("groups") / "run"
        return record_run(BASE.override({**SMALL, **settings}), path, execution=Execution(device="cpu", threads=1))

    return make


def test_groups_are_in_the_order_of_their_numbers(make_run):
    decays = [10.0, 0.3, 3.0]
    runs = [make_run(optimizer__weight_decay=decay, seed=seed) for seed in (0, 1) for decay in decays]
    groups = group_runs(runs)
    assert [group.label for group in groups] == ["weight decay 0.3", "weight decay 3", "weight decay 10"]
    assert [[each.seed for each in group.outcomes] for group in groups] == [[0, 1]] * 3
    assert groups[0].settings == {"optimizer.weight_decay": 0.3}
    assert groups[0].outcomes[1].run == str(runs[4].path)


def test_runs_of_one_experiment_are_one_group(make_run):
    [group] = group_runs([make_run(seed=0), make_run(seed=1)])
    assert isinstance(group, RunGroup)
    assert (group.label, len(group), group.settings, group.labelled_by) == ("base", 2, {}, ())


def test_a_run_given_twice_is_refused_however_it_is_written(make_run):
    run = make_run()
    again = Run(run.path / ".." / run.path.name)
    with pytest.raises(RunError, match="is given twice"):
        group_runs([run, again])


def test_tasks_of_different_kinds_are_refused(make_run, tmp_path):
    other = recipe("skip-trigrams").experiment.override(
        {"stop.steps": 1, "task.length": 4, "task.data.test_size": 8, "model.d_model": 8}
    )
    run = record_run(other, tmp_path / "trigrams", execution=Execution(device="cpu", threads=1))
    with pytest.raises(ConfigError, match="different tasks cannot be compared") as error:
        group_runs([make_run(), run])
    assert str(run.path) in str(error.value)
    with pytest.raises(ConfigError, match="no runs"):
        group_runs([])
