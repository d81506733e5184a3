"""The relative form against exact arithmetic, down to losses where others have nothing left."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from grokscope.training import relative_cross_entropy
from grokscope.training.loss import LOSSES, float32_cross_entropy, float64_cross_entropy


def exact(logits: torch.Tensor, targets: torch.Tensor) -> tuple[float, torch.Tensor]:
    """Return loss and gradient from sums that do not cancel, in float64 with exactly rounded summation."""
    losses, gradient = [], torch.zeros(logits.shape, dtype=torch.float64)
    for row, (values, target) in enumerate(zip(logits.double().tolist(), targets.tolist(), strict=True)):
        excess = [value - values[target] for value in values]
        largest = max(excess)  # at least 0, the target's own
        scaled = [math.exp(x - largest) for x in excess]
        wrong = math.fsum(e for j, e in enumerate(scaled) if j != target)
        right = scaled[target]
        losses.append(math.log1p(wrong) if largest == 0 else largest + math.log(wrong + right))
        for j, e in enumerate(scaled):
            gradient[row, j] = (-wrong if j == target else e) / (wrong + right) / len(logits)
    return math.fsum(losses) / len(losses), gradient


def loss_and_gradient(loss, logits, targets):
    logits = logits.clone().requires_grad_()
    value = loss(logits, targets)
    value.backward()
    return value, logits.grad


def confident(
    loss: float, n_rows: int = 64, n_classes: int = 113, dtype=torch.float32
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, spread as a trained network's, whose cross-entropy is near ``loss``."""
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(n_rows, n_classes, generator=generator, dtype=torch.float64)
    targets = torch.randint(n_classes, (n_rows,), generator=generator)
    others = logits.scatter(1, targets.unsqueeze(1), -math.inf).logsumexp(1)
    logits[torch.arange(n_rows), targets] = others - math.log(math.expm1(loss))
    return logits.to(dtype), targets


LEVELS = [1e1, 1e0, 1e-2, 1e-4, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12, 1e-20, 1e-30]


class TestPrecision:
    @pytest.mark.parametrize("level", LEVELS)
    def test_float32_is_good_to_rounding(self, level):
        """Measured: relative errors of 1.2e-7 at most in the loss, 4e-6 in the gradient's entries.

        An entry is exp of a difference of logits, and the difference of size 70 is rounded to 4e-6.
        """
        logits, targets = confident(level)
        expected, expected_gradient = exact(logits, targets)
        assert expected == pytest.approx(level, rel=1e-6, abs=0), "the logits make the loss they were made for"
        loss, gradient = loss_and_gradient(relative_cross_entropy, logits, targets)
        assert loss.dtype == gradient.dtype == torch.float32
        assert loss.item() == pytest.approx(expected, rel=1e-6, abs=0)
        # below 1e-38 numbers are a few whole steps of 1.4e-45 apart
        torch.testing.assert_close(gradient.double(), expected_gradient, rtol=1e-5, atol=3e-45)

    @pytest.mark.parametrize("level", LEVELS)
    def test_float64_is_good_to_rounding(self, level):
        logits, targets = confident(level, dtype=torch.float64)
        expected, expected_gradient = exact(logits, targets)
        loss, gradient = loss_and_gradient(relative_cross_entropy, logits, targets)
        assert loss.item() == pytest.approx(expected, rel=1e-13, abs=0)
        torch.testing.assert_close(gradient, expected_gradient, rtol=1e-12, atol=0)

    def test_float32_log_softmax_is_not(self):
        """Why there is a relative form: below 1e-7 the usual loss is off by more than half, or nothing at all."""
        logits, targets = confident(1e-7)
        expected, _ = exact(logits, targets)
        usual = float32_cross_entropy(logits, targets).item()
        assert usual != pytest.approx(expected, rel=0.1, abs=0)
        logits, targets = confident(1e-9)
        assert float32_cross_entropy(logits, targets).item() == 0
        _, gradient = loss_and_gradient(float32_cross_entropy, logits, targets)
        assert (gradient[torch.arange(64), targets] == 0).all(), "and the right answer is pulled up no more"
        _, gradient = loss_and_gradient(relative_cross_entropy, logits, targets)
        assert (gradient[torch.arange(64), targets] < 0).all()

    def test_float64_log_softmax_loses_its_precision_later(self):
        logits, targets = confident(1e-12)
        expected, _ = exact(logits, targets)
        found = float64_cross_entropy(logits, targets).item()
        assert found == pytest.approx(expected, rel=1e-2, abs=0)
        assert found != pytest.approx(expected, rel=1e-5, abs=0)
        logits, targets = confident(1e-20)
        assert float64_cross_entropy(logits, targets).item() == 0
        assert relative_cross_entropy(logits, targets).item() == pytest.approx(1e-20, rel=1e-6, abs=0)

    @pytest.mark.parametrize("offset", [1e2, -1e3])
    def test_common_offset_costs_no_more_than_its_rounding(self, offset):
        logits, targets = confident(1e-7)
        shifted = logits + offset
        expected, _ = exact(shifted, targets)
        assert relative_cross_entropy(shifted, targets).item() == pytest.approx(expected, rel=1e-6, abs=0)


class TestExtremes:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize("size", [50, 1e2, 1e4])
    def test_wrong_by_a_lot(self, size, dtype):
        logits = torch.tensor([[size, -size, 0.0], [0.0, size, size], [-size, size, -size]], dtype=dtype)
        targets = torch.tensor([1, 0, 2])
        loss, gradient = loss_and_gradient(relative_cross_entropy, logits, targets)
        expected = (2 * size + size + math.log(2) + 2 * size) / 3
        assert loss.item() == pytest.approx(expected, rel=1e-6)
        torch.testing.assert_close(gradient.double(), exact(logits, targets)[1], rtol=1e-6, atol=1e-30)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize("size", [50, 1e2, 1e4])
    def test_right_by_a_lot(self, size, dtype):
        logits = torch.tensor([[size, -size, 0.0], [-size, 0.0, -size]], dtype=dtype)
        loss, gradient = loss_and_gradient(relative_cross_entropy, logits, torch.tensor([0, 1]))
        # an exponential below the smallest normal number may be flushed to zero
        tiny = torch.finfo(dtype).tiny
        assert loss.item() == pytest.approx((math.exp(-size) + 2 * math.exp(-size)) / 2, rel=1e-5, abs=tiny)
        assert gradient.isfinite().all()

    def test_all_equal(self):
        loss, gradient = loss_and_gradient(relative_cross_entropy, torch.full((2, 5), 7.0), torch.tensor([0, 3]))
        assert loss.item() == pytest.approx(math.log(5), rel=1e-6)
        torch.testing.assert_close(gradient[0], torch.tensor([-0.4, 0.1, 0.1, 0.1, 0.1]))

    def test_tie_with_one_wrong_answer(self):
        logits = torch.tensor([[4.0, 4.0, -1e4]])
        assert relative_cross_entropy(logits, torch.tensor([0])).item() == pytest.approx(math.log(2), rel=1e-6)

    @pytest.mark.parametrize("bad", [math.nan, math.inf])
    def test_what_is_not_a_number_does_not_pass_for_a_loss(self, bad):
        for place in range(3):
            logits = torch.zeros(2, 3)
            logits[0, place] = bad
            assert not math.isfinite(relative_cross_entropy(logits, torch.tensor([1, 1])).item()), place

    def test_inputs_are_not_written_to(self):
        logits, targets = confident(1e-3)
        before = logits.clone(), targets.clone()
        relative_cross_entropy(logits, targets)
        assert torch.equal(logits, before[0])
        assert torch.equal(targets, before[1])


LOGITS = st.integers(2, 6).flatmap(
    lambda n: st.lists(st.lists(st.floats(-40, 40), min_size=n, max_size=n), min_size=1, max_size=5)
)


@given(LOGITS, st.data())
def test_agrees_with_pytorch_where_that_is_precise(rows, data):
    logits = torch.tensor(rows, dtype=torch.float64)
    targets = torch.tensor([data.draw(st.integers(0, logits.shape[1] - 1)) for _ in rows])
    loss, gradient = loss_and_gradient(relative_cross_entropy, logits, targets)
    expected, expected_gradient = loss_and_gradient(F.cross_entropy, logits, targets)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-12, atol=1e-15)


@given(LOGITS, st.data())
def test_gradient_rows_sum_to_zero(rows, data):
    """A constant added to a row changes no loss; here that holds relative to the size of each row."""
    logits = torch.tensor(rows, dtype=torch.float32)
    targets = torch.tensor([data.draw(st.integers(0, logits.shape[1] - 1)) for _ in rows])
    _, gradient = loss_and_gradient(relative_cross_entropy, logits, targets)
    assert (gradient.sum(1).abs() <= 4e-7 * gradient.abs().amax(1) + torch.finfo(torch.float32).tiny).all()
    wrong = gradient.scatter(1, targets.unsqueeze(1), 0)
    assert (wrong >= 0).all()
    assert (gradient.gather(1, targets.unsqueeze(1)) <= 0).all()


@given(st.floats(-3, 3))
def test_gradient_is_scaled_by_what_comes_after(scale):
    logits, targets = confident(1e-2, n_rows=4, n_classes=5)
    _, plain = loss_and_gradient(relative_cross_entropy, logits, targets)
    _, scaled = loss_and_gradient(lambda *given: scale * relative_cross_entropy(*given), logits, targets)
    torch.testing.assert_close(scaled, scale * plain)


def test_gradient_by_finite_differences():
    logits, targets = confident(0.5, n_rows=3, n_classes=4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: relative_cross_entropy(x, targets), logits.requires_grad_())


def test_second_derivative_is_refused_rather_than_wrong():
    logits, targets = confident(0.5)
    (gradient,) = torch.autograd.grad(
        relative_cross_entropy(logits.requires_grad_(), targets), logits, create_graph=True
    )
    with pytest.raises(RuntimeError, match=r"once_differentiable|does not require grad"):
        gradient.sum().backward()


@pytest.mark.parametrize("kind", ["relative", "float64", "float32"])
def test_kinds_agree_on_ordinary_losses(kind):
    logits, targets = confident(1.0)
    assert LOSSES[kind](logits, targets).item() == pytest.approx(exact(logits, targets)[0], rel=1e-6)


def test_stablemax_is_the_cross_entropy_of_linear_and_reciprocal_sizes():
    logits = torch.tensor([[2.0, -1.0, 0.0], [0.5, -3.0, 1.0]], dtype=torch.float64)
    targets = torch.tensor([0, 1])
    sizes = [[3, 1 / 2, 1], [1.5, 1 / 4, 2]]
    expected = sum(-math.log(row[target] / sum(row)) for row, target in zip(sizes, (0, 1), strict=True)) / 2
    assert LOSSES["stablemax"](logits, targets).item() == pytest.approx(expected, rel=1e-12)
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda logits: LOSSES["stablemax"](logits, targets), logits)


def test_stablemax_still_learns_where_softmax_is_sure():
    logits, targets = torch.tensor([[60.0, 0.0]], requires_grad=True), torch.tensor([0])
    (slow,) = torch.autograd.grad(LOSSES["stablemax"](logits, targets), logits)
    (gone,) = torch.autograd.grad(LOSSES["float32"](logits, targets), logits)
    assert slow.abs().max() > 1e-4
    assert gone.abs().max() < 1e-20


def test_kinds_compute_in_what_they_are_called():
    logits, targets = confident(1.0)
    assert float32_cross_entropy(logits.double(), targets).dtype == torch.float32
    assert float64_cross_entropy(logits, targets).dtype == torch.float64
    assert relative_cross_entropy(logits, targets).dtype == torch.float32
    assert relative_cross_entropy(logits.double(), targets).dtype == torch.float64
