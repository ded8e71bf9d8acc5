"""A user's own ops and gradients: everywhere that other ops are."""

from __future__ import annotations

import sys
from typing import Any

import numba
import numpy as np
import pytest

import jitgrad
from jitgrad.errors import ArgumentError, ShapeError, TapeError


@jitgrad.custom_op
@numba.njit
def product(x: Any, y: Any) -> Any:
    return x * y


@product.def_vjp
def _product_vjp(g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * y, g * x


@jitgrad.custom_op(shape=lambda a, b: a[:1])
@numba.njit
def row_dot(a: Any, b: Any) -> Any:
    out = np.zeros(a.shape[0], a.dtype)  # loops, which Numba compiles in a quarter of the time of whole arrays' operations
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            out[i] += a[i, j] * b[i, j]
    return out


@row_dot.def_vjp
@numba.njit
def _row_dot_vjp(g: Any, out: Any, a: Any, b: Any) -> Any:
    da, db = np.empty_like(a), np.empty_like(b)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            da[i, j], db[i, j] = g[i] * b[i, j], g[i] * a[i, j]
    return da, db


@jitgrad.custom_op
def soft(x: Any) -> Any:
    return jitgrad.log(1 + jitgrad.exp(x))


@soft.def_vjp
def _soft_vjp(g: Any, y: Any, x: Any) -> Any:
    return g * jitgrad.sigmoid(x)


X, Y = np.array([1.0, -2.0, 3.0]), np.array([4.0, 5.0, -6.0])


@pytest.mark.parametrize(
    ("operands", "dtype"),
    [
        ((X, Y), np.float32),
        ((X, Y), np.float64),
        ((X, np.array(2.0)), np.float64),
        ((np.array(3.0), np.array(2.0)), np.float32),
        ((np.ones((2, 3)), Y), np.float64),
    ],
)
def test_compiled_op_with_a_vjp_of_ops(operands: Any, dtype: Any) -> None:
    x, y = (np.asarray(v, dtype) for v in operands)
    got = product(jitgrad.tensor(x), jitgrad.tensor(y))
    np.testing.assert_array_equal(np.asarray(got), x * y)
    assert got.dtype == dtype
    jitgrad.check_grads(product, (x, y), order=2, rtol=0.05 if dtype == np.float32 else None)


def test_compiled_op_with_a_compiled_vjp() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    np.testing.assert_allclose(np.asarray(row_dot(a, b)), (a * b).sum(1), rtol=1e-14)
    jitgrad.check_grads(row_dot, (a, b), order=1, modes=["rev"])
    da = jitgrad.jacrev(row_dot)(a, b).numpy()
    np.testing.assert_allclose(da[range(3), range(3)], b, rtol=1e-14)
    for second in (
        lambda: jitgrad.jvp(row_dot, (a, b), (a, b)),
        lambda: jitgrad.hessian(lambda t: jitgrad.sum(row_dot(t, b)))(a),
    ):
        with pytest.raises(TapeError, match="vjp of the custom op row_dot is compiled"):
            second()


def test_traceable_op() -> None:
    jitgrad.check_grads(soft, (X,), order=2)
    assert np.isfinite(jitgrad.grad(lambda x: jitgrad.sum(soft(x)))(np.array([1000.0])).numpy()).all()


def test_in_tapes_functions_and_the_native_loop() -> None:
    v = jitgrad.Variable(X)
    with jitgrad.GradientTape() as tape:
        y = jitgrad.sum(product(v, v) * Y)
    np.testing.assert_allclose(tape.gradient(y, v).numpy(), 2 * X * Y)
    np.testing.assert_array_equal(jitgrad.function(product)(X, Y).numpy(), X * Y)
    w = jitgrad.Variable(np.float32(1.0))
    xs = X.astype(np.float32)
    cost = lambda x, y: jitgrad.mean((product(w, x) - y) ** 2)  # noqa: E731
    jitgrad.fit(cost, (xs, 3 * xs), jitgrad.optimizers.SGD(0.05), epochs=100, batch_size=2, seed=0)
    assert float(w) == pytest.approx(3, abs=1e-5)


def test_a_program_calls_it_by_address() -> None:
    assert "call " in jitgrad.lower(product, X, Y).dump()


def test_errors() -> None:
    @jitgrad.custom_op
    @numba.njit
    def alone(x: Any) -> Any:
        return x + 1

    with pytest.raises(TapeError, match="custom op alone has no derivative"):
        jitgrad.grad(lambda x: jitgrad.sum(alone(x)))(X)
    alone.def_vjp(lambda g, y, x: (g, g))
    with pytest.raises(ArgumentError, match="returns 2 cotangents for 1"):
        jitgrad.grad(lambda x: jitgrad.sum(alone(x)))(X)
    alone.def_vjp(lambda g, y, x: jitgrad.sum(g))
    with pytest.raises(ShapeError, match=r"returns shape \(\) for operand 0 of shape \(3,\)"):
        jitgrad.grad(lambda x: jitgrad.sum(alone(x)))(X)
    with pytest.raises(TypeError, match="alone takes 1 operands and got 2"):
        alone(X, X)

    @jitgrad.custom_op
    @numba.njit
    def wrong(x: Any) -> Any:
        return x.no_such_thing

    with pytest.raises(ArgumentError, match="Numba cannot compile wrong for float64"):
        wrong(X).numpy()


def test_a_compiled_vjp_of_one_operand_may_return_it_alone() -> None:
    same = jitgrad.custom_op(numba.njit(lambda x: x), vjp=numba.njit(lambda g, y, x: x), name="same")
    assert jitgrad.grad(lambda x: jitgrad.sum(same(x)))(X).numpy().tolist() == X.tolist()
    assert float(jitgrad.grad(same)(3.0)) == 3


def test_what_does_not_fit_does_not_compile() -> None:
    first_of_two = jitgrad.custom_op(numba.njit(lambda x, y: x), name="first_of_two")
    for vjp in (lambda g, y, a, b: (g, g, g), lambda g, y, a, b: (g, 1.0)):
        first_of_two.def_vjp(numba.njit(vjp))
        with pytest.raises(ArgumentError, match="return one cotangent for each"):
            jitgrad.grad(lambda a, b: jitgrad.sum(first_of_two(a, b)))(X, Y).numpy()

    @jitgrad.custom_op
    @numba.njit
    def in_place(x: Any) -> Any:
        x *= 2.0
        return x

    with pytest.raises(ArgumentError, match="Numba cannot compile in_place"):
        in_place(X).numpy()


def test_an_exception_in_compiled_code_leaves_nan_and_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    @jitgrad.custom_op
    @numba.njit
    def picky(x: Any) -> Any:
        if x[0] > 0:
            raise ValueError("positive")
        return x

    printed: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    assert np.isnan(picky(X).numpy()).all()
    assert "positive" in str(printed[0].exc_value)
    assert picky(-X).numpy().tolist() == (-X).tolist()


def test_custom_gradient_of_several_values() -> None:
    @jitgrad.custom_gradient
    def both(x: Any, y: Any) -> Any:
        return (x * y, x + y), lambda g, h: (g * y + h, g * x + h)

    jitgrad.check_grads(lambda x, y: list(both(x, y)), (X, Y), order=2)
    clipped = jitgrad.custom_gradient(lambda x: (x * 1.0, lambda g: jitgrad.clip(g, -1, 1)))
    assert float(jitgrad.grad(lambda x: 100 * clipped(x))(2.0)) == 1
    assert (
        jitgrad.grad(lambda x, y: jitgrad.custom_gradient(lambda a, b: (a * b, lambda g: (g, None)))(x, y), argnums=1)(1.0, 2.0)
        == 0
    )


def test_log1pexp_of_tensorflows_documentation() -> None:
    @jitgrad.custom_gradient
    def log1pexp(x: Any) -> Any:
        e = jitgrad.exp(x)
        return jitgrad.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))

    assert float(jitgrad.grad(log1pexp)(100.0)) == 1
    assert float(jitgrad.jvp(log1pexp, (100.0,), (2.0,))[1]) == 2


def test_the_users_functions_stay_callable() -> None:
    @numba.njit
    def twice(x: float) -> float:
        return x * 2.0

    @numba.njit
    def kernel(x: np.ndarray) -> np.ndarray:
        out = np.empty_like(x)
        for i in range(x.size):
            out[i] = twice(x[i])
        return out

    np.testing.assert_array_equal(jitgrad.custom_op(kernel)(np.ones(3)).numpy(), 2 * np.ones(3))
    assert twice(3.0) == 6.0


RUBBISH = [
    (-1,), (1.5,), 3, "ab", None, (True,), (2, "a"), (10**30,), (1,) * 70, np.array([2]), {"n": 3}, (None,),
]  # fmt: skip


@pytest.mark.parametrize("returned", RUBBISH, ids=repr)
def test_a_shape_function_that_returns_no_shape(returned: Any) -> None:
    op = jitgrad.custom_op(numba.njit(lambda x: 2 * x), shape=lambda s: returned, name="twice")
    with pytest.raises(ShapeError, match="shape function of the custom op twice returned"):
        op(np.ones(3))


@pytest.mark.parametrize("shape", [(3,), 3, "x"])
def test_a_shape_that_is_no_function(shape: Any) -> None:
    with pytest.raises(ArgumentError, match="Give a function from the shapes of the operands"):
        jitgrad.custom_op(numba.njit(lambda x: 2 * x), shape=shape)


@pytest.mark.parametrize("shape", [(3, 1), ()])
def test_a_shape_of_another_rank_than_what_the_op_makes(shape: Any) -> None:
    op = jitgrad.custom_op(numba.njit(lambda x: x), shape=lambda s: shape)
    with pytest.raises(ArgumentError, match="return an array with as many axes"):
        op(np.ones(3)).numpy()


@jitgrad.custom_op(shape=lambda x, like: like)
@numba.njit
def same_as(x: Any, like: Any) -> Any:
    return x


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("size", [1, 2, 4, 1000])
def test_a_shape_of_another_size_than_what_the_op_makes(size: int) -> None:
    """It is compiled for numbers of axes, so this is found when it runs, as other errors of compiled code are."""
    made = same_as(np.ones(3), np.ones(size)).numpy()
    assert made.shape == (size,)
    assert np.isnan(made).all()
    np.testing.assert_array_equal(same_as(np.ones(3), np.ones(3)).numpy(), np.ones(3))


def closing_over(c: Any) -> Any:
    """c x², with a gradient by x of its own."""
    return jitgrad.custom_gradient(lambda x: (c * x * x, lambda g: g * 2 * c * x))


def op_closing_over(c: Any) -> Any:
    return jitgrad.custom_op(lambda x: c * x * x, vjp=lambda g, y, x: g * 2 * c * x)


@pytest.mark.parametrize("made", [closing_over, op_closing_over])
def test_what_a_custom_gradient_reads_besides_its_arguments_has_no_derivative(made: Any) -> None:
    def by_closure(c: Any) -> Any:
        return made(c)(2.0) + c

    for take in (jitgrad.grad, jitgrad.jacfwd, jitgrad.hessian):
        with pytest.raises(TapeError, match=r"<lambda> .* not one of its arguments. Pass it"):
            take(by_closure)(3.0)
    w = jitgrad.Variable(3.0)
    with jitgrad.GradientTape() as tape:
        y = made(w)(jitgrad.tensor(2.0)) * 1.0 + w
    with pytest.raises(TapeError, match="not one of its arguments"):
        tape.gradient(y, w)
    w.requires_grad = True
    with pytest.raises(TapeError, match="not one of its arguments"):
        (made(w * 2.0)(2.0) + w).backward()
    with pytest.raises(TapeError, match="not one of its arguments"):
        jitgrad.optimizers.SGD(0.1).minimize(lambda: made(w)(2.0), [w], steps=2)


@pytest.mark.parametrize("made", [closing_over, op_closing_over])
def test_what_a_custom_gradient_reads_may_be_constant(made: Any) -> None:
    w = jitgrad.Variable(3.0)
    assert float(jitgrad.grad(made(w))(2.0)) == 12 and float(jitgrad.hessian(made(w))(2.0)) == 6
    assert float(jitgrad.grad(lambda c: made(c.detach())(2.0) + c)(3.0)) == 1
    assert float(jitgrad.grad(lambda c: jitgrad.stop_gradient(made(c)(2.0)) + c)(3.0)) == 1
    assert float(jitgrad.grad(lambda c: made(3.0)(made(3.0)(c)))(2.0)) == 864
    x = jitgrad.Variable(2.0)
    with jitgrad.GradientTape() as tape:
        y = made(w)(x)
    assert float(tape.gradient(y, x)) == 12


def test_a_constant_that_a_custom_gradient_reads_has_no_gradient() -> None:
    """As in TensorFlow: a source that the tape does not watch gives None, whatever else the function reads."""
    x, w = jitgrad.tensor([1.0, 2.0, 3.0]), jitgrad.Variable(2.0)
    call = jitgrad.custom_gradient(lambda: (w * x * x, lambda g: ()))
    with jitgrad.GradientTape(persistent=True) as tape:
        y = call()
    assert tape.gradient(y, x) is None
    with pytest.raises(TapeError, match="not one of its arguments"):
        tape.gradient(y, w)
