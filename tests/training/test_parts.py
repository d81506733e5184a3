"""Losses of a task's subtasks, and places where nothing is to be predicted, against loops over examples and places."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from grokscope.models import TransformerConfig, build_model
from grokscope.tasks import (
    DigitAdditionConfig,
    Examples,
    RepeatedSubsequencesConfig,
    SkipTrigramsConfig,
)
from grokscope.tasks.examples import NO_TARGET
from grokscope.training import AdamWConfig, Evaluator, Schedule, Trainer, evaluation, relative_cross_entropy
from grokscope.training.evaluation import subtask_losses
from grokscope.training.loss import LOSSES, row_losses

TINY = TransformerConfig(d_model=12, n_heads=2, d_head=6, d_mlp=16)
TASKS = {
    "digit addition": DigitAdditionConfig(
        n_digits=2, base=4, data={"kind": "finite", "train_size": 40, "test_size": 50}
    ),
    "digit addition, infinite": DigitAdditionConfig(
        n_digits=2, base=4, data={"kind": "infinite", "batch_size": 30, "test_size": 50}
    ),
    "repeated subsequences": RepeatedSubsequencesConfig(
        d_vocab=6,
        interval=5,
        subsequence_length=3,
        data={"kind": "finite", "train_size": 30, "test_size": 33, "batch_size": None},
    ),
    "skip trigrams": SkipTrigramsConfig(
        length=4, n_background=3, n_triggers=4, data={"kind": "finite", "train_size": 40, "test_size": 50}
    ),
}
EACH = pytest.mark.parametrize("name", TASKS)


def trainer(name: str, model: TransformerConfig = TINY, **options) -> Trainer:
    """A float64 network on the task, with losses that are no longer those of guessing."""
    task = TASKS[name].build()
    sizes = {"d_vocab": task.d_vocab, "d_vocab_out": task.d_vocab_out, "n_ctx": task.n_ctx}
    network = build_model(model, **sizes, seed=0, dtype=torch.float64)
    with torch.no_grad():
        for weights in network.parameters():
            weights.mul_(1.3)
    return Trainer(network, task, **{"optimizer": AdamWConfig(lr=1e-2), "schedule": Schedule(), **options})


def by_hand(t: Trainer, examples: Examples):
    """Return the mean loss with its graph, the accuracy, and the loss and count of each part: one place at a time."""
    logits = t.model(examples.tokens)
    losses, right, subtasks = [], [], {part: [] for part in range(len(t.task.subtasks))}
    for row, targets in enumerate(examples.targets.tolist()):
        for place, target in enumerate(targets):
            if target == NO_TARGET:
                continue
            here = logits[row, t.task.target_positions[place]]
            losses.append(here.logsumexp(0) - here[target])
            right.append(bool(here.argmax() == target))
            subtasks[int(examples.subtasks[row, place])].append(losses[-1].item())
    loss = torch.stack(losses).mean()
    means = [math.fsum(each) / len(each) if each else math.nan for each in subtasks.values()]
    return loss, sum(right) / len(right), means, [len(each) for each in subtasks.values()]


@EACH
class TestAgainstLoops:
    def test_score_of_a_step(self, name):
        t = trainer(name)
        loss, accuracy, subtasks, _ = by_hand(t, t.task.batches(0))
        found = t.gradient(with_evaluation=True)
        assert found.loss.item() == found.evaluation.loss == pytest.approx(loss.item(), rel=1e-12)
        assert found.evaluation.accuracy == pytest.approx(accuracy, rel=1e-6)
        assert found.evaluation.subtasks == pytest.approx(subtasks, rel=1e-12)

    @pytest.mark.parametrize("kind", [kind for kind in LOSSES if kind != "stablemax"])
    def test_gradient_of_a_step(self, name, kind):
        t = trainer(name, loss=kind)
        loss, *_ = by_hand(t, t.task.batches(0))
        weights = dict(t.model.named_parameters())
        expected = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
        t.gradient()
        tolerance = 1e-6 if kind == "float32" else 1e-12
        for (weight, value), gradient in zip(weights.items(), expected, strict=True):
            torch.testing.assert_close(value.grad, gradient, rtol=0, atol=tolerance, msg=weight)

    @pytest.mark.parametrize("sizes", [(1, 10**6), (7, 10**6), (10**6, 50), (10**6, 10**6)])
    def test_score_on_the_test_set_in_chunks_of_any_size(self, name, sizes, monkeypatch):
        monkeypatch.setattr(evaluation, "CHUNK", sizes[0])
        monkeypatch.setattr(evaluation, "TOKENS", sizes[1])
        t = trainer(name)
        loss, accuracy, subtasks, _ = by_hand(t, t.task.test)
        found = t.test()
        assert found.loss == pytest.approx(loss.item(), rel=1e-12)
        assert found.accuracy == pytest.approx(accuracy, rel=1e-6)
        assert found.subtasks == pytest.approx(subtasks, rel=1e-12)

    def test_parts_weighted_by_their_counts_are_the_whole(self, name):
        t = trainer(name)
        for examples, score in (
            (t.task.batches(0), t.gradient(with_evaluation=True).evaluation),
            (t.task.test, t.test()),
        ):
            counts = by_hand(t, examples)[3]
            assert sum(counts) == int((examples.targets != NO_TARGET).sum())
            whole = math.fsum(n * loss for n, loss in zip(counts, score.subtasks, strict=True)) / sum(counts)
            assert whole == pytest.approx(score.loss, rel=1e-12)

    def test_parts_tell_something_apart(self, name):
        score = trainer(name).test()
        assert len(score.subtasks) == len(TASKS[name].build().subtasks)
        assert max(score.subtasks) > 1.01 * min(score.subtasks)


def test_repeated_subsequences_have_places_that_are_not_scored():
    """Or nothing above has tested them."""
    test = TASKS["repeated subsequences"].build().test
    assert 0 < int((test.targets == NO_TARGET).sum()) < test.targets.numel()
    assert TASKS["digit addition"].build().test.target_places() is None


class TestUnscored:
    """What stands where nothing is to be predicted changes no number."""

    @pytest.fixture
    def t(self):
        return trainer("repeated subsequences")

    def test_parts_of_unscored_places_mean_nothing(self, t):
        test = t.task.test
        subtasks = torch.where(test.targets == NO_TARGET, 0, test.subtasks)
        assert not torch.equal(subtasks, test.subtasks)
        changed = Examples(test.tokens, test.targets, subtasks)
        assert Evaluator(t.model, changed, t.task.target_positions, len(t.task.subtasks))() == t.test()

    def test_scoring_one_place_more_changes_the_loss(self, t):
        """The test above could fail."""
        test = t.task.test
        targets = test.targets.clone()
        row, place = (int(at) for at in (targets == NO_TARGET).nonzero()[0])
        targets[row, place] = 1
        changed = Examples(test.tokens, targets, test.subtasks)
        found = Evaluator(t.model, changed, t.task.target_positions, len(t.task.subtasks))()
        assert found.loss != t.test().loss
        assert sum(a != b for a, b in zip(found.subtasks, t.test().subtasks, strict=True)) == 1

    @pytest.mark.parametrize("chunk", [1, 4, 100])
    def test_examples_count_by_their_scored_places(self, t, chunk, monkeypatch):
        """Where some have more of them than others, and so have the chunks."""
        monkeypatch.setattr(evaluation, "CHUNK", chunk)
        test = t.task.test
        targets = test.targets.clone()
        for row in range(0, len(test), 2):
            _, *others = (targets[row] != NO_TARGET).nonzero()[:, 0].tolist()
            targets[row, others] = NO_TARGET
        fewer = Examples(test.tokens, targets, test.subtasks)
        found = Evaluator(t.model, fewer, t.task.target_positions, len(t.task.subtasks))()
        loss, accuracy, subtasks, _ = by_hand(t, fewer)
        assert found.loss == pytest.approx(loss.item(), rel=1e-12)
        assert found.accuracy == pytest.approx(accuracy, rel=1e-6)
        assert found.subtasks == pytest.approx(subtasks, rel=1e-12)

    def test_gradient_is_that_of_the_scored_place_alone(self, t):
        (example,) = t.task.test.select(torch.tensor([0])).split(1)
        targets = torch.full_like(example.targets, NO_TARGET)
        place = int((example.targets[0] != NO_TARGET).nonzero()[0])
        targets[0, place] = example.targets[0, place]
        plan = t.model.plan(example.tokens, t.task.target_positions)
        scored = evaluation.Targets.of(Examples(example.tokens, targets, example.subtasks))
        assert scored.places.tolist() == [place]
        assert scored.targets.tolist() == [int(targets[0, place])]
        assert scored.subtasks.tolist() == [int(example.subtasks[0, place])]
        logits = t.model.forward_fast(plan)
        logits.retain_grad()
        relative_cross_entropy(scored.rows(logits), scored.targets).backward()
        (found,) = logits.grad.abs().sum(2).nonzero(as_tuple=True)[1].tolist()
        assert found == place


class TestScoreOfAStep:
    def test_only_where_asked_for(self):
        assert trainer("digit addition").gradient().evaluation is None

    def test_asking_changes_nothing(self):
        one, other = trainer("repeated subsequences"), trainer("repeated subsequences")
        for step in range(4):
            found, silent = one.gradient(with_evaluation=step % 2 == 0), other.gradient()
            assert torch.equal(found.loss, silent.loss)
            for left, right in zip(one.model.parameters(), other.model.parameters(), strict=True):
                assert torch.equal(left.grad, right.grad)
            one.update()
            other.update()

    def test_of_the_whole_training_set_it_is_the_evaluators(self):
        t = trainer("digit addition")
        expected = Evaluator(t.model, t.task.train, t.task.target_positions, len(t.task.subtasks))()
        found = t.gradient(with_evaluation=True).evaluation
        assert (found.loss, found.accuracy) == pytest.approx((expected.loss, expected.accuracy), rel=1e-7)
        assert found.subtasks == pytest.approx(expected.subtasks, rel=1e-12)

    def test_it_belongs_to_the_weights_before_the_update(self):
        t = trainer("digit addition", schedule=Schedule(warmup_steps=0))
        before = t.gradient(with_evaluation=True).evaluation
        t.update()
        assert t.gradient(with_evaluation=True).evaluation.loss < before.loss

    def test_it_is_what_the_optimiser_saw_with_dropout(self):
        t = trainer("digit addition", TINY.model_copy(update={"dropout": 0.4}))
        loss, score = t.gradient(with_evaluation=True)
        assert score.loss == loss.item() != pytest.approx(by_hand(t, t.task.train)[0].item(), rel=1e-3)
        assert sum(score.subtasks) / len(score.subtasks) == pytest.approx(score.loss, rel=1e-12)

    def test_penalties_are_left_out(self):
        score = trainer("digit addition", l1=0.1).gradient(with_evaluation=True).evaluation
        assert score == trainer("digit addition").gradient(with_evaluation=True).evaluation


def test_a_part_without_an_example_has_no_loss():
    t = trainer("skip trigrams")
    only = t.task.test.select((t.task.test.targets[:, 0] == 2).nonzero()[:, 0])
    score = Evaluator(t.model, only, t.task.target_positions, 4)()
    assert [math.isnan(loss) for loss in score.subtasks] == [True, True, False, True]
    assert score.subtasks[2] == pytest.approx(score.loss, rel=1e-12)


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 4)), min_size=1, max_size=30))
def test_part_losses_are_sums_and_counts(rows):
    losses, subtasks = (torch.tensor(column) for column in zip(*rows, strict=True))
    found = subtask_losses(losses.float(), subtasks, 5)
    for part in range(5):
        mine = [float(loss) for loss, own in zip(losses.float(), subtasks.tolist(), strict=True) if own == part]
        assert found[part].tolist() == pytest.approx([math.fsum(mine), len(mine)], rel=1e-12)


def logits_and_targets(rows: list[list[float]], data, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    targets = [data.draw(st.integers(0, len(rows[0]) - 1)) for _ in rows]
    return torch.tensor(rows, dtype=dtype), torch.tensor(targets)


LOGITS = st.integers(2, 6).flatmap(
    lambda n: st.lists(st.lists(st.floats(-40, 40), min_size=n, max_size=n), min_size=1, max_size=5)
)


class TestRowLosses:
    @given(LOGITS, st.data())
    def test_in_float64_they_are_the_cross_entropies(self, rows, data):
        logits, targets = logits_and_targets(rows, data, torch.float64)
        expected = F.cross_entropy(logits, targets, reduction="none")
        torch.testing.assert_close(row_losses(logits, targets), expected, rtol=1e-12, atol=1e-13)

    @given(LOGITS, st.data())
    def test_in_float32_they_are_so_to_rounding(self, rows, data):
        """A difference of logits of size 80 is rounded to 4e-6, and its exponential with it."""
        logits, targets = logits_and_targets(rows, data, torch.float32)
        found = row_losses(logits, targets)
        assert found.dtype == torch.float32
        expected = F.cross_entropy(logits.double(), targets, reduction="none")
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-13)

    @given(LOGITS, st.data())
    def test_their_mean_is_the_loss(self, rows, data):
        logits, targets = logits_and_targets(rows, data, torch.float64)
        torch.testing.assert_close(
            row_losses(logits, targets).mean(), relative_cross_entropy(logits, targets), rtol=1e-13, atol=0
        )

    @pytest.mark.parametrize("excess", [1.0, 20.0, 40.0, 80.0])
    def test_small_ones_keep_their_precision(self, excess):
        found = row_losses(torch.tensor([[0.0, -excess]]), torch.tensor([0]))
        assert found.item() == pytest.approx(math.log1p(math.exp(-excess)), rel=1e-6, abs=0)

    def test_each_row_is_on_its_own(self):
        logits = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
        targets = torch.tensor([0, 1, 2, 3, 4, 0])
        one_by_one = torch.cat([row_losses(logits[[row]], targets[[row]]) for row in range(6)])
        assert torch.equal(row_losses(logits, targets), one_by_one)

    def test_nothing_is_written_to_and_no_graph_is_kept(self):
        logits, targets = torch.ones(2, 3, requires_grad=True), torch.tensor([0, 2])
        assert not row_losses(logits, targets).requires_grad
        assert torch.equal(logits, torch.ones(2, 3))
