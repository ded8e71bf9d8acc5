"""Gradients in PyTorch's ways: backward, grad, Functions of one's own, Jacobians, modes."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.torch as torch
from jitgrad.compat.torch.autograd import functional


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any, scale: float) -> Any:
        ctx.save_for_backward(x)
        ctx.scale = scale
        return scale * x**3

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        assert ctx.needs_input_grad == (True, False)
        return g * 3 * ctx.scale * x**2, None


class SumAndProduct(torch.autograd.Function):
    @staticmethod
    def forward(x: Any, y: Any) -> Any:
        return x + y, x * y

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        x, y = ctx.saved_tensors
        return g + h * y, g + h * x


def test_a_function_of_ones_own_is_differentiated_by_its_backward() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = Cube.apply(x, 2.0)
    assert str(y) == "tensor([ 2., 16.], grad_fn=<CubeBackward>)"
    y.sum().backward()
    assert x.grad.tolist() == [6, 24]
    (slope,) = torch.autograd.grad(Cube.apply(x, 2.0).sum(), x, create_graph=True)
    assert torch.autograd.grad(slope.sum(), x)[0].tolist() == [12, 24]
    assert not Cube.apply(torch.ones(1), 2.0).requires_grad


def test_a_function_may_have_several_outputs() -> None:
    x, y = torch.tensor(2.0, requires_grad=True), torch.tensor(5.0, requires_grad=True)
    total, product = SumAndProduct.apply(x, y)
    (total * 3 + product).backward()
    assert (x.grad.item(), y.grad.item()) == (8, 5)


def test_a_function_that_returns_too_few_gradients_is_told() -> None:
    class Wrong(Cube):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    x = torch.ones(1, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"WrongBackward returned an incorrect number of gradients \(expected 2, got 1\)"):
        Wrong.apply(x, 2.0).backward()


def test_gradients_as_results() -> None:
    x, unused = torch.tensor([1.0, 2.0], requires_grad=True), torch.ones(1, requires_grad=True)
    y = x**3
    (g,) = torch.autograd.grad(y, x, torch.tensor([1.0, 10.0]), retain_graph=True)
    assert g.tolist() == [3, 120]
    assert x.grad is None
    (g,) = torch.autograd.grad(y.sum(), [x], create_graph=True)
    assert torch.autograd.grad(g.sum(), x)[0].tolist() == [6, 12]
    assert torch.autograd.grad((x * 2).sum(), [x, unused], allow_unused=True)[1] is None
    with pytest.raises(RuntimeError, match="allow_unused=True"):
        torch.autograd.grad((x * 2).sum(), [x, unused])
    z = (x * x).sum()
    torch.autograd.grad(z, x)
    with pytest.raises(RuntimeError, match="second time"):
        torch.autograd.grad(z, x)


def test_backward_goes_once_unless_the_graph_is_retained() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 12
    with pytest.raises(RuntimeError, match=r"Trying to backward through the graph a second time.*retain_graph=True"):
        y.backward()
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        (torch.ones(2, requires_grad=True) * 1).backward()
    with pytest.raises(RuntimeError, match="does not require grad and does not have a grad_fn"):
        torch.ones(()).backward()


def test_gradients_of_results_are_kept_where_that_is_asked() -> None:
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4, 4]
    assert x.grad.tolist() == [8, 8]


@pytest.mark.parametrize(
    ("enter", "required"),
    [
        (torch.no_grad, False),
        (torch.inference_mode, False),
        (torch.enable_grad, True),
        (lambda: torch.set_grad_enabled(False), False),
        (lambda: torch.set_grad_enabled(True), True),
        (lambda: torch.inference_mode(False), True),
    ],
)
def test_modes_are_contexts_and_decorators(enter: Any, required: bool) -> None:
    x = torch.ones(1, requires_grad=True)
    with enter():
        assert (x * 2).requires_grad == required == torch.is_grad_enabled()
        with torch.enable_grad():
            assert (x * 2).requires_grad
        assert (x * 2).requires_grad == required
    assert enter()(lambda: (x * 2).requires_grad)() == required
    assert (x * 2).requires_grad


def test_no_grad_without_parentheses_and_around_generators() -> None:
    x = torch.ones(1, requires_grad=True)

    @torch.no_grad
    def double() -> Any:
        return x * 2

    @torch.no_grad()
    def doubles() -> Any:
        yield x * 2

    assert not double().requires_grad
    assert not next(doubles()).requires_grad
    torch.set_grad_enabled(False)
    assert not (x * 2).requires_grad
    torch.set_grad_enabled(True)
    assert (x * 2).requires_grad


def test_jacobians_and_products() -> None:
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    assert functional.jacobian(lambda t: t**2, x).tolist() == [[2, 0], [0, 4]]
    by_x, by_y = functional.jacobian(lambda a, b: a * b, (x, y))
    assert by_x.tolist() == [[3, 0], [0, 4]]
    assert by_y.tolist() == [[1, 0], [0, 2]]
    assert functional.hessian(lambda t: (t**3).sum(), x).tolist() == [[6, 0], [0, 12]]
    assert functional.vjp(lambda t: t * t, x, torch.tensor([1.0, 10.0]))[1].tolist() == [2, 40]
    assert functional.jvp(lambda t: t * t, (x,), (torch.tensor([1.0, 10.0]),))[1].tolist() == [2, 40]
    assert functional.hvp(lambda t: (t**3).sum(), x, torch.tensor([1.0, 0.0]))[1].tolist() == [6, 0]
    assert torch.func.grad(lambda t: (t**2).sum())(x).tolist() == [2, 4]
    assert torch.func.jacrev(torch.sin)(x).shape == torch.func.jacfwd(torch.sin)(x).shape == (2, 2)
    assert torch.func.hessian(lambda t: (t**2).sum())(x).tolist() == [[2, 0], [0, 2]]
    assert torch.vmap(lambda row: row.sum())(torch.ones(3, 2)).tolist() == [2, 2, 2]
    assert torch.autograd.gradcheck(lambda t: t**3, (torch.tensor([1.0, 2.0], dtype=torch.float64),))


def test_copies_have_values_of_their_own() -> None:
    x = torch.ones(2, requires_grad=True)
    same, flat = copy.deepcopy(x), copy.copy(x)
    with torch.no_grad():
        x += 1
    assert same.tolist() == [1, 1]
    assert flat.tolist() == [2, 2]
    assert same.requires_grad
    with pytest.raises(RuntimeError, match="copied deeply"):
        copy.deepcopy(x * 2)


def test_requires_grad_is_for_floats() -> None:
    for wrong in (torch.tensor([1]), torch.tensor([True])):
        with pytest.raises(RuntimeError, match="Only floating-point tensors can require gradients"):
            wrong.requires_grad_()
    x = torch.ones(1, requires_grad=True)
    with pytest.raises(RuntimeError, match="Only leaves can stop"):
        (x * 2).requires_grad_(False)
    x.requires_grad = False
    assert not (x * 2).requires_grad
    with pytest.raises(RuntimeError, match=r"detach\(\)\.numpy\(\)"):
        torch.ones(1, requires_grad=True).numpy()


def test_numpy_takes_tensors() -> None:
    x = torch.tensor([1.0, 4.0])
    assert isinstance(np.sqrt(x), torch.Tensor)
    assert np.sqrt(x).tolist() == [1, 2]
    assert np.allclose(x, [1, 4])
    assert (np.ones(2) * x).dtype is torch.float64
    assert np.asarray(x).dtype == np.float32
