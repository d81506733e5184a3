"""A user's own claims in explanations, and tasks for which nobody has a hypothesis."""

from dataclasses import fields

import pytest
from known_networks import task_of
from planted_sequences import planted_trigrams

from grokscope.errors import ConfigError, NotApplicableError
from grokscope.explanation import ClaimSpec, Control, Subject, claim, explain
from grokscope.models import MLPConfig, build_model
from grokscope.registry import Registry
from grokscope.tasks import ModularTask, SkipTrigramsConfig, SkipTrigramsTask, Task

SMALL = ClaimSpec("small", "small", "It has few weights", "ten thousand over their number", 1.0)


@pytest.fixture(autouse=True)
def own_claims(monkeypatch):
    """An empty registry in place of the one that other tests share."""
    registry = Registry("claim")
    monkeypatch.setattr("grokscope.explanation.own_claims.OWN_CLAIMS", registry)
    return registry


def smallness(subject):
    return SMALL.tested(10_000 / subject.model.n_parameters, [Control("a million weights", 0.01)])


@pytest.fixture(scope="module")
def subject() -> Subject:
    task = SkipTrigramsConfig(length=9, n_background=4, n_triggers=5).build()
    return Subject("planted", planted_trigrams(task), task)


def untrained_on(task) -> Subject:
    model = build_model(
        MLPConfig(d_mlp=8), d_vocab=task.d_vocab, d_vocab_out=task.d_vocab_out, n_ctx=task.n_ctx, seed=0
    )
    return Subject("untrained", model, task)


def unheard_of() -> Task:
    """A task of a class that no family knows."""
    known = task_of("add", 5, equals_token=False)
    return Task(**{each.name: getattr(known, each.name) for each in fields(Task)})


def test_a_claim_is_added_to_the_explanations_of_its_tasks_only(subject):
    before = explain(subject)
    claim(SMALL, tasks=(SkipTrigramsTask,))(smallness)
    explanation = explain(subject)
    assert [each.id for each in explanation.claims] == [*(each.id for each in before.claims), "small"]
    assert explanation.claim_rows()[-1].statement == "It has few weights"
    assert explanation.to_dict()["claims"][-1]["pass"]
    assert explanation.verdict == "explained"
    assert explain(untrained_on(task_of("add", 5, equals_token=False))).claim("small") is None


def test_a_required_claim_that_fails_decides(subject):
    impossible = ClaimSpec("impossible", "impossible", "It cannot be", "zero", 1.0, required=True)
    claim(impossible, tasks=(Task,))(lambda subject: impossible.tested(0.0, [Control("also zero", 0.0)]))
    assert explain(subject).verdict == "not explained"


def test_a_claim_that_does_not_apply_is_left_out(subject):
    @claim(SMALL, tasks=(Task,))
    def nothing(subject):
        raise NotApplicableError("says nothing of such networks")

    assert explain(subject).claim("small") is None


def test_an_id_that_is_taken_is_refused(subject):
    spec = ClaimSpec("attention", "attention", "Another one", "share", 0.5)
    claim(spec, tasks=(Task,))(lambda subject: spec.tested(1.0, []))
    with pytest.raises(ConfigError, match="has a claim 'attention' already; give your claim another id"):
        explain(subject)
    claim(SMALL, tasks=(Task,))(smallness)
    with pytest.raises(ConfigError, match="'small'"):
        claim(SMALL, tasks=(ModularTask,))(lambda subject: SMALL.not_measurable("never"))
    claim(SMALL, tasks=(Task,))(smallness)  # its file imported again


def test_a_task_without_a_hypothesis_is_said_to_have_none():
    with pytest.raises(NotApplicableError, match="no hypothesis to test about a network on add mod 5"):
        explain(untrained_on(unheard_of()))


def test_a_task_of_which_only_a_user_claims_something_is_explained_by_that():
    claim(SMALL, tasks=(Task,))(smallness)
    explanation = explain(untrained_on(unheard_of()))
    assert [each.id for each in explanation.claims] == ["task", "small"]
    assert explanation.verdict == "not explained"
    assert explanation.summary == "Not explained: add mod 5; 1 of the 2 claims fails: “task”."
    assert dict(explanation.facts())["task"] == "add mod 5"
