"""Define-by-run: reference values of P4, accumulation, what is let go, and what wrong use says."""

from __future__ import annotations

import numpy as np
import pytest

import jitgrad
from jitgrad import Variable, tensor
from jitgrad.errors import DTypeError, ReadOnlyError, ShapeError, TapeError, TracingError

pytestmark = pytest.mark.usefixtures("both_ways")


def test_mean_of_squares() -> None:
    x = tensor(np.ones((2, 2)), requires_grad=True)
    y = x + 2
    z = 3 * y**2
    out = jitgrad.mean(z)
    y.retain_grad()
    z.retain_grad()
    assert out.item() == 27
    out.backward()
    assert (x.grad.numpy() == 4.5).all() and (y.grad.numpy() == 4.5).all() and (z.grad.numpy() == 0.25).all()
    assert out.grad is None
    assert y.grad_fn is jitgrad.add and y.grad_fn.name == "add"
    assert x.grad_fn is None and x.is_leaf and not y.is_leaf


def test_requires_grad_is_inherited_and_cut() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    assert (x * 2).requires_grad and not (tensor([1.0]) * 2).requires_grad
    assert not (x > 1).requires_grad and not jitgrad.argmax(x).requires_grad
    with jitgrad.no_grad():
        assert not (x * 2).requires_grad

    @jitgrad.no_grad()
    def doubled() -> jitgrad.Tensor:
        return x * 2

    assert not doubled().requires_grad
    cut = (x * 2).detach()
    assert not cut.requires_grad and cut.numpy().tolist() == [2, 4]
    (x * cut).sum().backward()
    assert x.grad.numpy().tolist() == [2, 4]


def test_a_loop_that_asks_for_values() -> None:
    x = tensor([0.5, -1.0, 2.0], requires_grad=True)
    y, doublings = x * 2, 1
    while jitgrad.linalg.norm(y) < 1000:
        y = y * 2
        doublings += 1
    y.backward(gradient=[0.1, 1.0, 0.0001])
    np.testing.assert_allclose(x.grad.numpy(), np.array([0.1, 1.0, 0.0001]) * 2**doublings, rtol=1e-15)


def test_gradients_add_up_until_zero_grad() -> None:
    x = tensor(3.0, requires_grad=True)
    (x * x).backward()
    (x * 5).backward()
    assert float(x.grad) == 11
    x.zero_grad()
    assert x.grad is None
    (x * 5).backward()
    assert float(x.grad) == 5
    x.grad = None
    assert x.grad is None


def test_a_second_backward_needs_retain_graph() -> None:
    x = tensor(3.0, requires_grad=True)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert float(x.grad) == 12
    with pytest.raises(TapeError, match="retain_graph=True"):
        y.backward()
    with pytest.raises(TapeError, match="retain_graph=True"):
        (y * 2).backward()
    assert float(y) == 9 and y.grad_fn is not None


def test_values_that_were_not_asked_for_stay_available() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    (y * y).sum().backward()
    assert y.numpy().tolist() == [3, 6]


def test_a_line_by_variables() -> None:
    a, b = Variable(0.0, requires_grad=True), Variable(0.0, requires_grad=True)
    x = np.linspace(-1, 1, 20)
    for _ in range(200):
        loss = jitgrad.mean((a * x + b - (3 * x - 2)) ** 2)
        loss.backward()
        with jitgrad.no_grad():
            a.assign_sub(0.5 * a.grad)
            b.assign_sub(0.5 * b.grad)
        a.zero_grad()
        b.zero_grad()
    assert a.item() == pytest.approx(3) and b.item() == pytest.approx(-2)


def test_backward_agrees_with_a_tape() -> None:
    x = Variable(np.array([0.3, -0.7]), requires_grad=True)
    with jitgrad.GradientTape() as tape:
        y = jitgrad.sum(jitgrad.tanh(x) * x)
    y.backward(retain_graph=True)
    np.testing.assert_array_equal(x.grad.numpy(), tape.gradient(y, x).detach().numpy())


def test_an_integer_result_of_floats_requires_none() -> None:
    x = tensor([1.5, 2.5], requires_grad=True)
    y = x[jitgrad.argmax(x)]
    y.backward()
    assert x.grad.numpy().tolist() == [0, 1]


def test_through_a_traced_function() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    jitgrad.function(lambda t: jitgrad.sum(t * t))(x).backward()
    assert x.grad.numpy().tolist() == [2, 4]
    jitgrad.function(lambda: jitgrad.sum(x * 3))().backward()
    assert x.grad.numpy().tolist() == [5, 7]
    v = Variable(3.0, requires_grad=True)
    jitgrad.function(lambda: v * v)().backward()
    assert float(v.grad) == 6


def test_wrong_use_says_what_to_do() -> None:
    x = tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ShapeError, match=r"shape \(2,\), so it needs a gradient"):
        (x * 2).backward()
    with pytest.raises(ShapeError, match=r"gradient has shape \(3,\)"):
        (x * 2).backward(np.ones(3))
    with pytest.raises(TapeError, match="requires_grad=True"):
        tensor([1.0]).backward()
    with pytest.raises(DTypeError, match="dtype int64 cannot require a gradient"):
        tensor([1], requires_grad=True)
    with pytest.raises(TapeError, match=r"Use detach\(\)"):
        (x * 2).requires_grad = False
    with pytest.raises(TapeError, match="no gradient to retain"):
        tensor([1.0]).retain_grad()
    with pytest.raises(ReadOnlyError, match="cannot be changed in place"):
        x[0] = 3.0
    with pytest.raises(TracingError):
        jitgrad.function(lambda t: (t * x).sum().backward())(np.ones(2))
