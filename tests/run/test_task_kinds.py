"""An experiment has any of the tasks, and one that does not say which is modular arithmetic."""

import pytest

from grokscope.errors import ConfigError
from grokscope.run import Experiment
from grokscope.run.experiment import experiment_from
from grokscope.tasks import (
    DigitAdditionConfig,
    InfiniteData,
    ModularConfig,
    RepeatedSubsequencesConfig,
    SkipTrigramsConfig,
)
from grokscope.tasks.sequences.digit_addition import FiniteSums
from grokscope.tasks.sequences.repeated_subsequences import FiniteSequences, InfiniteSequences
from grokscope.tasks.sequences.skip_trigrams import FiniteTrigrams

TASKS = [
    ModularConfig(p=7),
    ModularConfig(p=7, data=InfiniteData()),
    DigitAdditionConfig(n_digits=3, base=7),
    DigitAdditionConfig(data=FiniteSums(train_size=9, batch_size=4)),
    RepeatedSubsequencesConfig(d_vocab=9, interval=6, subsequence_length=4),
    RepeatedSubsequencesConfig(data=FiniteSequences(batch_size=None)),
    SkipTrigramsConfig(length=5, n_background=3, n_triggers=4),
]


def test_a_task_that_does_not_say_its_kind_is_modular():
    assert experiment_from({"task": {"p": 59}}).task == ModularConfig(p=59)
    assert Experiment.model_validate({"task": {}}).task == ModularConfig()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.summary)
def test_a_tree_and_back(task):
    experiment = Experiment(task=task)
    tree = experiment.model_dump(mode="json")
    assert tree["task"]["kind"] == task.kind
    again = experiment_from(tree)
    assert again == experiment
    assert type(again.task) is type(task)
    assert type(again.task.data) is type(task.data)


@pytest.mark.parametrize(
    ("changes", "task"),
    [
        ({"task.kind": "digit-addition"}, DigitAdditionConfig(data=FiniteSums())),
        ({"task.n_digits": 3, "task.kind": "digit-addition"}, DigitAdditionConfig(n_digits=3, data=FiniteSums())),
        ({"task.kind": "skip-trigrams", "task.length": 9}, SkipTrigramsConfig(length=9, data=FiniteTrigrams())),
        (
            {"task.kind": "repeated-subsequences"},
            RepeatedSubsequencesConfig(data=FiniteSequences(batch_size=None)),
        ),
        (
            {"task.data.kind": "infinite", "task.kind": "repeated-subsequences"},
            RepeatedSubsequencesConfig(data=InfiniteSequences()),
        ),
        ({"task.kind": "modular"}, ModularConfig()),
        (
            {"task.kind": "digit-addition", "task.data.kind": "finite", "task.data.train_size": 5},
            DigitAdditionConfig(data=FiniteSums(train_size=5)),
        ),
    ],
)
def test_changing_the_kind_keeps_the_kind_of_data(changes, task):
    assert Experiment().override(changes).task == task


def test_changing_the_data_keeps_the_task():
    experiment = Experiment(task=DigitAdditionConfig(n_digits=3, base=7))
    changed = experiment.override({"task.data.kind": "finite"})
    assert changed.task == DigitAdditionConfig(n_digits=3, base=7, data=FiniteSums(batch_size=64))
    assert changed.override({"task.data.kind": "infinite"}) == experiment


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"task": {"kind": "digit-adition"}}, "task: no task is called 'digit-adition'; did you mean digit-addition"),
        ({"task": {"kind": "digit-addition", "p": 7}}, "no setting is called 'task.p' here"),
        ({"task": {"kind": "skip-trigrams", "length": 0}}, r"^task.length: .* 1, got 0"),
        (
            {"task": {"kind": "repeated-subsequences", "interval": 4, "subsequence_length": 5}},
            "task: a subsequence of 5 tokens does not fit into an interval of 4; lower subsequence_length",
        ),
        ({"task": {"n_digits": 3}}, "no setting is called 'task.n_digits' here"),
        ({"task": 5}, "task: "),
    ],
)
def test_what_is_wrong_is_named(tree, message):
    with pytest.raises(ConfigError, match=message):
        experiment_from(tree)
