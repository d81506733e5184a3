"""Products with ReLU between them, taken in blocks, against the three operations that they stand for."""

import pytest
import torch

from grokscope.models import rectified as module
from grokscope.models.rectified import rectified

D, NEURONS, N_OUT = 5, 16, 4


def weights(dtype: torch.dtype = torch.float64, **left_out: None) -> dict[str, torch.Tensor | None]:
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "W_in": (D, NEURONS),
        "b_in": (NEURONS,),
        "W_out": (NEURONS, N_OUT),
        "b_out": (N_OUT,),
        "W_skip": (D, N_OUT),
    }
    drawn = {name: torch.randn(shape, generator=generator, dtype=torch.float64) for name, shape in shapes.items()}
    return {name: value.to(dtype).requires_grad_() for name, value in drawn.items()} | left_out


def inputs(n_rows: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    drawn = torch.randn(n_rows, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return drawn.to(dtype).requires_grad_()


def by_autograd(x, W_in, b_in, W_out, b_out, W_skip=None):
    out = torch.relu(x @ W_in + (0 if b_in is None else b_in)) @ W_out
    return out + (0 if b_out is None else b_out) + (0 if W_skip is None else x @ W_skip)


@pytest.fixture(params=[1, 3 * NEURONS * 8, 2**20], ids=["a row a block", "three rows", "one block"])
def block_bytes(request, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", request.param)


@pytest.mark.usefixtures("block_bytes")
@pytest.mark.parametrize(
    "left_out", [(), ("b_in",), ("b_out",), ("W_skip",), ("b_in", "b_out", "W_skip")], ids=lambda names: "-".join(names)
)
def test_value_and_gradients(left_out):
    x, given = inputs(10), weights(**dict.fromkeys(left_out))
    out, expected = rectified(x, **given), by_autograd(x, **given)
    torch.testing.assert_close(out, expected)
    leaves = [x, *(value for value in given.values() if value is not None)]
    weighting = torch.randn(out.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found, right = (torch.autograd.grad((weighting * each).sum(), leaves) for each in (out, expected))
    torch.testing.assert_close(found, right)


def test_a_neuron_at_zero_passes_no_gradient():
    x = torch.zeros(3, D, dtype=torch.float64, requires_grad=True)
    out = rectified(x, **weights(b_in=None, b_out=None, W_skip=None))
    assert not torch.autograd.grad(out.sum(), x)[0].any()


def test_what_is_not_a_number_stays_so():
    given = weights()
    out = rectified(torch.full((3, D), torch.nan, dtype=torch.float64), **given)
    assert out.isnan().all()
    assert torch.autograd.grad(out.sum(), given["W_in"])[0].isnan().all()


@pytest.mark.usefixtures("block_bytes")
def test_without_examples():
    given = weights()
    out = rectified(inputs(0), **given)
    assert out.shape == (0, N_OUT)
    assert not torch.autograd.grad(out.sum(), given["W_in"])[0].any()


def test_without_a_gradient_only_one_block_of_neurons_exists(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", 3 * NEURONS * 8)
    x, given = inputs(100), weights()
    sizes = []
    new_empty = torch.Tensor.new_empty
    monkeypatch.setattr(torch.Tensor, "new_empty", lambda self, *size: sizes.append(size) or new_empty(self, *size))
    with torch.no_grad():
        out = rectified(x, **given)
    assert sizes == [(3, NEURONS), (100, N_OUT)]
    torch.testing.assert_close(out, by_autograd(x, **given))


def test_narrow_types_are_summed_over_all_rows_at_once(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", 1)
    x, given = inputs(64, torch.bfloat16), weights(torch.bfloat16)
    found, right = (torch.autograd.grad(each(x, **given).sum(), given["W_in"])[0] for each in (rectified, by_autograd))
    assert torch.equal(found, right)


def test_is_differentiable_once():
    x = inputs(4)
    (gradient,) = torch.autograd.grad(rectified(x, **weights()).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        gradient.sum().backward()
