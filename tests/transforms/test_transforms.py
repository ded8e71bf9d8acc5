"""The transforms of functions: values, nests, aux, orders, and what wrong use says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import Variable
from jitgrad.errors import ArgumentError, DTypeError, GradientError, ShapeError

A = np.random.default_rng(0).normal(size=(3, 2))
X = np.array([0.3, -0.8])


def f(x: Any) -> Any:
    return jitgrad.tanh(A @ x)


def jacobian_of_f(x: np.ndarray) -> np.ndarray:
    return (1 - np.tanh(A @ x) ** 2)[:, None] * A


def test_grad_of_numbers_arrays_and_variables() -> None:
    assert float(jitgrad.grad(lambda x: x**3)(2.0)) == 12
    assert float(jitgrad.grad(jitgrad.grad(jitgrad.grad(lambda x: x**3)))(2.0)) == 6
    v = Variable(np.float32(2.0))
    g = jitgrad.grad(lambda x: x * x)(v)
    assert float(g) == 4 and g.dtype == np.float32
    assert jitgrad.grad(lambda x: jitgrad.sum(x * 2.0))(np.ones(2, np.float32)).dtype == np.float32


def test_argnums_nests_and_aux() -> None:
    def loss(p: Any, x: Any, scale: float) -> Any:
        y = p["w"] * x + p["b"][0]
        return scale * jitgrad.sum(y * y), {"y": y}

    p, x = {"w": 2.0, "b": [np.ones(2), 5.0]}, np.array([1.0, 2.0])
    g, aux = jitgrad.grad(loss, has_aux=True)(p, x, 0.5)
    assert float(g["w"]) == 13 and g["b"][0].numpy().tolist() == [3, 5] and float(g["b"][1]) == 0
    assert aux["y"].numpy().tolist() == [3, 5]
    (value, _), (gp, gx) = jitgrad.value_and_grad(loss, argnums=(0, 1), has_aux=True)(p, x, scale=0.5)
    assert float(value) == 17 and gx.numpy().tolist() == [6, 10] and float(gp["w"]) == 13
    assert float(jitgrad.grad(loss, argnums=-1, has_aux=True)(p, x, 0.5)[0]) == 34


def test_closures_and_nesting_are_not_confused() -> None:
    assert float(jitgrad.grad(lambda x: x * jitgrad.grad(lambda y: x + y)(1.0))(1.0)) == 1
    assert float(jitgrad.grad(lambda x: jitgrad.jvp(lambda y: x * y * y, (x,), (1.0,))[1])(3.0)) == 12
    v = Variable(3.0)
    assert float(jitgrad.grad(lambda x: v * x)(v)) == 3


def test_vjp_and_jvp() -> None:
    y, pull = jitgrad.vjp(f, X)
    np.testing.assert_allclose(y.numpy(), np.tanh(A @ X))
    for w in np.eye(3):
        np.testing.assert_allclose(pull(w)[0].numpy(), w @ jacobian_of_f(X), rtol=1e-13)
    y, t, aux = jitgrad.jvp(lambda x: (f(x), "aux"), (X,), (np.array([1.0, 2.0]),), has_aux=True)
    np.testing.assert_allclose(t.numpy(), jacobian_of_f(X) @ [1, 2], rtol=1e-13)
    assert aux == "aux"
    # Dicts go by their keys, not by the order of these.
    assert float(jitgrad.jvp(lambda p: p["a"] * 10 + p["b"], ({"a": 1.0, "b": 2.0},), ({"b": 1.0, "a": 0.0},))[1]) == 1
    assert float(jitgrad.vjp(lambda x: {"a": x, "b": 2.0 * x}, 1.0)[1]({"b": 1.0, "a": 0.0})[0]) == 2
    out, pull = jitgrad.vjp(lambda p: {"s": p["a"] * 2.0, "t": p["a"] * p["b"]}, {"a": 3.0, "b": 4.0})
    assert float(out["t"]) == 12
    (back,) = pull({"s": 1.0, "t": 10.0})
    assert float(back["a"]) == 42 and float(back["b"]) == 30


def test_jacobians_and_hessians() -> None:
    for jacobian in (jitgrad.jacrev, jitgrad.jacfwd, jitgrad.jacobian):
        np.testing.assert_allclose(jacobian(f)(X).numpy(), jacobian_of_f(X), rtol=1e-13)
    for jacobian in (jitgrad.jacrev, jitgrad.jacfwd):
        nested = jacobian(lambda p, q: {"y": p[0] * q, "z": jitgrad.sum(q)}, argnums=(0, 1))([2.0, 1.0], X)
        (dp, dq), z = nested["y"], nested["z"]
        assert dp[0].shape == (2,) and float(dp[1][0]) == 0 and dq.shape == (2, 2)
        assert z[1].numpy().tolist() == [1, 1]
    h = jitgrad.hessian(lambda x: jitgrad.sum(f(x) ** 3))(X).numpy()
    np.testing.assert_allclose(h, h.T, rtol=1e-12)
    v = np.array([1.0, -2.0])
    np.testing.assert_allclose(jitgrad.hvp(lambda x: jitgrad.sum(f(x) ** 3), (X,), (v,)).numpy(), h @ v, rtol=1e-12)
    two = jitgrad.hvp(lambda x, y: x * x * y, (2.0, 3.0), (1.0, 0.0))
    assert [float(t) for t in two] == [6, 4]
    assert jitgrad.jacrev(lambda x: x * 2)(np.zeros((0, 2))).shape == (0, 2, 0, 2)
    assert jitgrad.hessian(lambda x: jitgrad.sum(x * x))(np.ones((1,))).numpy().tolist() == [[2]]


def test_transforms_are_traced() -> None:
    step = jitgrad.function(jitgrad.value_and_grad(lambda w, x: jitgrad.sum((w * x) ** 2)))
    for w in (1.0, 2.0):
        value, g = step(w, X)
        assert float(value) == pytest.approx(w * w * X @ X) and float(g) == pytest.approx(2 * w * X @ X)
    hessian = jitgrad.function(jitgrad.hessian(lambda x: jitgrad.sum(f(x))))
    np.testing.assert_allclose(hessian(X).numpy(), jitgrad.hessian(lambda x: jitgrad.sum(f(x)))(X).numpy(), rtol=1e-13)


def test_python_control_flow() -> None:
    def branching(x: Any) -> Any:
        y = x
        while y < 100:
            y = y * 2 if y > 3 else y * y
        return y

    assert float(jitgrad.grad(branching)(2.0)) == 32 * 4


def test_stop_gradient_and_no_grad() -> None:
    assert float(jitgrad.grad(lambda x: x * jitgrad.stop_gradient(x))(3.0)) == 3

    def half(x: Any) -> Any:
        with jitgrad.no_grad():
            c = x * 1.0
        return x * c

    assert float(jitgrad.grad(half)(3.0)) == 3
    assert float(jitgrad.jvp(half, (3.0,), (1.0,))[1]) == 3


def test_check_grads_on_nests_with_integers() -> None:
    jitgrad.check_grads(lambda p, i: p["x"][i] ** 2, ({"x": X}, np.array([1, 0])), order=2)
    jitgrad.check_grads(lambda x: jitgrad.sin(x), (X.astype(np.float32),), order=2)
    wrong = jitgrad.custom_gradient(lambda x: (x * x, lambda g: g * x))
    for mode in ("fwd", "rev"):
        with pytest.raises(GradientError, match=rf"check_grads \({mode}\)"):
            jitgrad.check_grads(wrong, (X,), order=1, modes=(mode,))
    second = jitgrad.custom_gradient(lambda x: (x**3, lambda g: g * 3 * jitgrad.stop_gradient(x) * x))
    jitgrad.check_grads(second, (X,), order=1)
    with pytest.raises(GradientError, match="of"):
        jitgrad.check_grads(second, (X,), order=2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jitgrad.grad(f)(X), ShapeError, r"result has shape \(3,\).*jacobian"),
        (lambda: jitgrad.grad(lambda x: x)(1), DTypeError, "dtype int64, and only floats"),
        (lambda: jitgrad.grad(lambda x: x, argnums=1)(1.0), ArgumentError, "argnums is 1"),
        *[
            (lambda f=f: jitgrad.grad(f)(1.0), DTypeError, "grad: the function's result is a boolean")
            for f in (lambda x: x > 2, lambda x: True, lambda x: np.allclose(x, x), lambda x: jitgrad.isnan(x))
        ],
        (lambda: jitgrad.grad(lambda x: x, has_aux=True)(1.0), ArgumentError, "must return a pair"),
        (lambda: jitgrad.jvp(f, X, X), ArgumentError, "primals is a ndarray"),
        (lambda: jitgrad.jvp(f, (X,), (X, X)), ArgumentError, "1 primals and 2 tangents"),
        (lambda: jitgrad.jvp(f, (X,), (np.ones(3),)), ShapeError, r"tangent has shape \(3,\)"),
        (lambda: jitgrad.vjp(f, X)[1](np.ones(2)), ShapeError, r"cotangent has shape \(2,\)"),
        (lambda: jitgrad.vjp(f, X)[1]([1.0, 2.0]), ShapeError, r"cotangent has shape \(2,\)"),
        (lambda: jitgrad.vjp(lambda x: [x, x], 1.0)[1]([1.0]), ArgumentError, "cotangent has 1 items .* of 2"),
        (lambda: jitgrad.vjp(lambda x: {"a": x}, 1.0)[1]({"b": 1.0}), ArgumentError, r"keys \['b'\] in the place of .*\['a'\]"),
        (lambda: jitgrad.jvp(lambda p: p["a"], ({"a": 1.0},), (1.0,)), ArgumentError, "tangents has a float .* a dict"),
        (lambda: jitgrad.check_grads(f, (X,), order=1, modes=["forward"]), ArgumentError, "'fwd' and 'rev'"),
        (lambda: jitgrad.check_grads(f, X, order=1), ArgumentError, "args is a ndarray"),
        (lambda: jitgrad.custom_gradient(lambda x: x)(1.0), ArgumentError, "must return a pair"),
        (lambda: jitgrad.optimizers.SGD(0.1).minimize(jitgrad.tensor(1.0)), ArgumentError, "is already computed"),
        (lambda: jitgrad.check_grads(f, (np.array(1),), order=1), ArgumentError, "no argument is a float"),
    ],
)
def test_wrong_use_says_what_to_do(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
