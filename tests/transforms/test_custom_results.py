"""Ops and gradients of the user's with several results."""

from __future__ import annotations

import sys
from typing import Any

import numba
import numpy as np
import pytest

import jitgrad
from jitgrad.errors import ArgumentError, ShapeError, TapeError

X, Y = np.array([[1.0, -2.0, 3.0], [0.5, 0.25, -1.0]]), np.array([[4.0, 5.0, -6.0], [1.0, 2.0, 3.0]])


@jitgrad.custom_op(shape=lambda x, y: (x[:1], (2, *x)))
@numba.njit
def dot_and_both(x: Any, y: Any) -> Any:
    """The dot products of rows, and the products and sums of elements."""
    dot, both = np.zeros(x.shape[0], x.dtype), np.empty((2, x.shape[0], x.shape[1]), x.dtype)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            both[0, i, j], both[1, i, j] = x[i, j] * y[i, j], x[i, j] + y[i, j]
            dot[i] += both[0, i, j]
    return dot, both


def pull(g: Any, out: Any, x: Any, y: Any) -> Any:
    (dot, both), _ = g, out
    along = jitgrad.reshape(dot, (-1, 1)) + both[0]
    return along * y + both[1], along * x + both[1]


@numba.njit
def compiled_pull(g: Any, out: Any, x: Any, y: Any) -> Any:
    (dot, both), (_, before) = g, out
    dx, dy = np.empty_like(x), np.empty_like(y)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            along = dot[i] + both[0, i, j]
            dx[i, j] = along * y[i, j] + both[1, i, j]
            dy[i, j] = along * (before[1, i, j] - y[i, j]) + both[1, i, j]
    return dx, dy


def by_ops(x: Any, y: Any) -> Any:
    return [jitgrad.sum(x * y, axis=1), jitgrad.stack([x * y, x + y])]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_derivatives_of_a_vjp_of_ops(dtype: Any) -> None:
    dot_and_both.def_vjp(pull)
    x, y = X.astype(dtype), Y.astype(dtype)
    dot, both = dot_and_both(jitgrad.tensor(x), y)
    assert dot.dtype == both.dtype == dtype
    np.testing.assert_allclose(dot.numpy(), (x * y).sum(1), rtol=1e-6)
    np.testing.assert_array_equal(both.numpy(), np.stack([x * y, x + y]))
    f = lambda x, y: list(dot_and_both(x, y))  # noqa: E731
    jitgrad.check_grads(f, (x, y), order=2, rtol=0.05 if dtype == np.float32 else None)
    for derive in (jitgrad.jacrev, jitgrad.jacfwd):
        for got, expected in zip(derive(f)(x, y), derive(by_ops)(x, y), strict=True):
            np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_compiled_vjp_takes_and_returns_several(dtype: Any) -> None:
    dot_and_both.def_vjp(compiled_pull)
    x, y = X.astype(dtype), Y.astype(dtype)
    for one in (lambda p: p[0], lambda p: p[1][0], lambda p: list(p)):
        _, back = jitgrad.vjp(lambda x, y, one=one: one(dot_and_both(x, y)), x, y)
        value, expected = jitgrad.vjp(lambda x, y, one=one: one(by_ops(x, y)), x, y)
        weight = jitgrad.tape.tree.tree_map(lambda t: np.arange(1, t.size + 1, dtype=dtype).reshape(t.shape), value)
        for got, wanted in zip(back(weight), expected(weight), strict=True):
            np.testing.assert_allclose(got.numpy(), wanted.numpy(), rtol=1e-5)
    rows = jitgrad.jacrev(lambda x: list(dot_and_both(x, y)))(x)
    for got, expected in zip(rows, jitgrad.jacrev(lambda x: by_ops(x, y))(x), strict=True):
        np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-5)
    with pytest.raises(TapeError, match="vjp of the custom op dot_and_both is compiled"):
        jitgrad.jvp(lambda x: list(dot_and_both(x, y)), (x,), (x,))


@pytest.mark.parametrize("vjp", [pull, compiled_pull])
def test_in_functions_tapes_backward_and_the_native_loop(vjp: Any) -> None:
    dot_and_both.def_vjp(vjp)
    dot, both = jitgrad.function(dot_and_both)(X, Y)
    np.testing.assert_array_equal(both.numpy()[0].sum(1), dot.numpy())
    v = jitgrad.Variable(X)
    with jitgrad.GradientTape() as tape:
        dot, both = dot_and_both(v, Y)
        assert float(dot[0]) == -24  # asked for while it is recorded
        loss = jitgrad.sum(dot) + jitgrad.sum(both[1])
    np.testing.assert_allclose(tape.gradient(loss, v).numpy(), Y + 1)
    t = jitgrad.tensor(X, requires_grad=True)
    dot_and_both(t, Y)[0].sum().backward()
    assert t.grad is not None and t.grad.numpy().tolist() == Y.tolist()
    w = jitgrad.Variable(np.zeros((1, 3), np.float32))
    rows = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32)
    targets = rows @ np.array([1, -2, 3], np.float32)

    def cost(x: Any, y: Any) -> Any:
        dot, both = dot_and_both(jitgrad.broadcast_to(w, x.shape), x)
        return jitgrad.mean((dot - y) ** 2) + 0 * jitgrad.mean(both)

    jitgrad.fit(cost, (rows, targets), jitgrad.optimizers.SGD(0.1), epochs=100, batch_size=8, seed=0)
    np.testing.assert_allclose(w.numpy()[0], [1, -2, 3], atol=1e-4)


def test_a_result_that_is_a_number() -> None:
    @jitgrad.custom_op(shape=lambda x: ((), x))
    @numba.njit
    def norm_and_unit(x: Any) -> Any:
        norm, unit = np.hypot(x[0], x[1]), np.empty_like(x)
        unit[0], unit[1] = x[0] / norm, x[1] / norm
        return norm, unit

    @norm_and_unit.def_vjp
    @numba.njit
    def _vjp(g: Any, out: Any, x: Any) -> Any:
        norm, unit = out
        along, dx = g[1][0] * unit[0] + g[1][1] * unit[1], np.empty_like(x)
        for i in range(2):
            dx[i] = g[0] * unit[i] + (g[1][i] - along * unit[i]) / norm
        return (dx,)

    norm, unit = norm_and_unit(np.array([3.0, 4.0]))
    assert float(norm) == 5 and unit.numpy().tolist() == [0.6, 0.8]
    jitgrad.check_grads(lambda x: list(norm_and_unit(x)), (np.array([3.0, 4.0]),), order=1, modes=["rev"])


def test_one_made_of_jitgrads_functions() -> None:
    @jitgrad.custom_op
    def polar(x: Any, y: Any) -> Any:
        return jitgrad.hypot(x, y), jitgrad.arctan2(y, x)

    plain = lambda x, y: [jitgrad.hypot(x, y), jitgrad.arctan2(y, x)]  # noqa: E731
    jitgrad.check_grads(lambda x, y: list(polar(x, y)), (3.0, 4.0), order=2)

    @polar.def_vjp
    def _vjp(g: Any, out: Any, x: Any, y: Any) -> Any:
        (dr, dphi), (r, _) = g, out
        return 2 * (dr * x / r - dphi * y / r**2), 2 * (dr * y / r + dphi * x / r**2)

    for derive in (jitgrad.jacrev, jitgrad.jacfwd):
        for got, expected in zip(derive(lambda x: list(polar(x, 4.0)))(3.0), derive(lambda x: plain(x, 4.0))(3.0), strict=True):
            assert float(got) == pytest.approx(2 * float(expected), rel=1e-14)


def test_the_gradient_of_several_is_asked_for_once() -> None:
    calls = []

    @jitgrad.custom_gradient
    def both(x: Any, y: Any) -> Any:
        def gradient(g: Any, h: Any) -> Any:
            calls.append(1)
            return g * y + h, g * x + h

        return {"product": x * y, "sum": x + y}, gradient

    found = jitgrad.grad(lambda x, y: both(x, y)["product"] + 3 * both(x, y)["sum"], argnums=(0, 1))(2.0, 5.0)
    assert [float(g) for g in found] == [8, 5]
    assert len(calls) == 2  # two calls of the function
    result = both(2.0, 5.0)
    assert float(result["sum"]) == 7 and float(result["product"]) == 10


def test_a_wrong_number_of_results_does_not_compile() -> None:
    for made in (lambda x: x, lambda x: (x, x, x), lambda x: (x, 1.0)):
        op = jitgrad.custom_op(numba.njit(made), shape=lambda x: (x, x), name="two")
        with pytest.raises(ArgumentError, match="return an array with as many axes"):
            op(np.ones(3))[0].numpy()


def test_a_wrong_shape_leaves_nan_and_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    op = jitgrad.custom_op(numba.njit(lambda x: (x, x[1:])), shape=lambda x: (x, x))
    printed: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    first, second = op(np.ones(3))
    assert np.isnan(second.numpy()).all() and first.shape == (3,)
    assert "whose shape differs" in str(printed[0].exc_value)


@pytest.mark.parametrize(
    "returned", [((-1,), (2,)), ((3,), 2), [(3,)], ((1.5,), (3,)), ((3,), None), ((True,), (1,))], ids=repr
)
def test_shapes_that_are_none(returned: Any) -> None:
    op = jitgrad.custom_op(numba.njit(lambda x: (x, x)), shape=lambda s: returned, name="twice")
    with pytest.raises(ShapeError, match="shape function of the custom op twice returned"):
        op(np.ones(3))


def test_a_wrong_number_of_cotangents() -> None:
    op = jitgrad.custom_op(numba.njit(lambda x: (x, x)), shape=lambda x: (x, x), name="pair")
    with pytest.raises(TapeError, match="custom op pair has no derivative"):
        jitgrad.grad(lambda x: jitgrad.sum(op(x)[0]))(X)
    op.def_vjp(lambda g, y, x: (g[0], g[1]))
    with pytest.raises(ArgumentError, match="returns 2 cotangents for 1"):
        jitgrad.grad(lambda x: jitgrad.sum(op(x)[0]))(X)
    op.def_vjp(numba.njit(lambda g, y, x: (g[0], g[1])))
    with pytest.raises(ArgumentError, match="return one cotangent for each"):
        jitgrad.grad(lambda x: jitgrad.sum(op(x)[0]))(X).numpy()
