"""``while_loop`` and ``cond``, alone and in each other, against Python: values, derivatives, and rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.errors import ArgumentError, DTypeError, ShapeError, TapeError, UnsupportedError

X = np.random.default_rng(0).uniform(size=9)


class Python:
    """The same functions as loops and branches in Python."""

    @staticmethod
    def cond(pred: Any, true: Any, false: Any, *operands: Any) -> Any:
        return true(*operands) if pred else false(*operands)

    @staticmethod
    def while_loop(test: Any, body: Any, value: Any) -> Any:
        while test(value):
            value = body(value)
        return value

    @staticmethod
    def fori_loop(lower: int, upper: int, body: Any, value: Any) -> Any:
        for i in range(lower, upper):
            value = body(i, value)
        return value

    @staticmethod
    def scan(f: Any, carry: Any, xs: Any) -> Any:
        ys = []
        for x in xs:
            carry, y = f(carry, x)
            ys.append(y)
        return carry, jg.stack(ys)


def newton(flow: Any, a: Any) -> Any:
    return flow.while_loop(lambda x: abs(x * x - a) > 1e-3, lambda x: (x + a / x) / 2, a)


def no_trip(flow: Any, a: Any) -> Any:
    return flow.while_loop(lambda v: v["n"] < 0, lambda v: {"n": v["n"] + 1, "x": 2 * v["x"]}, {"n": 0, "x": a * a})["x"]


def swapped(flow: Any, a: Any) -> Any:
    x, y, n = flow.while_loop(lambda v: v[2] < 5, lambda v: (v[1], v[0] + a * v[1], v[2] + 1), (a, 2.0, 0))
    return x * y + n * a


def of_arrays(flow: Any, a: Any) -> Any:
    m = np.array([[0.1, 0.5, 0.2], [0.3, 0.0, 0.4], [0.2, 0.2, 0.2]])
    v = flow.while_loop(lambda v: jg.sum(v) < 50, lambda v: jg.matmul(m, v) * 2 + a, jg.ones(3) * a)
    return jg.sum(v * v)


def branch(flow: Any, a: Any) -> Any:
    found = flow.cond(a > 1, lambda x, y: {"u": x * y, "n": 1}, lambda x, y: {"u": jg.sin(x) - y, "n": 0}, a, a * a)
    return found["u"] * (1 + found["n"])


def same_operand(flow: Any, a: Any) -> Any:
    x, y = flow.cond(a > 1, lambda x: (x, x), lambda x: (2.0, x * 3), a)
    return x * y


def branch_in_scan(flow: Any, a: Any) -> Any:
    def step(x: Any, dx: Any) -> Any:
        x = flow.cond(abs(x) > 1, lambda x: 0.1 * x * dx, lambda x: x + a * dx, x)
        return x, x

    return jg.sum(flow.scan(step, 0.0, X)[1] ** 2)


def while_in_scan(flow: Any, a: Any) -> Any:
    def step(c: Any, x: Any) -> Any:
        def double(s: Any) -> Any:
            added = flow.cond(s[0] > 3, lambda: s[0] * c, lambda: flow.fori_loop(0, 3, lambda i, z: z + i * x * a, 0.0))
            return s[0] * 1.5 + 1, s[1] + added

        _, y = flow.while_loop(lambda s: s[0] < x * 10, double, (c, 0.0))
        return jg.tanh(y), y

    return jg.sum(flow.scan(step, a, X)[1])


def scan_in_while(flow: Any, a: Any) -> Any:
    def repeat(v: Any) -> Any:
        return {"n": v["n"] + 1, "x": flow.scan(lambda h, x: (h * 0.5 + x * a, h), v["x"], X)[0]}

    return flow.while_loop(lambda v: v["n"] < 4, repeat, {"n": 0, "x": 1.0})["x"]


def solve_in_branch(flow: Any, a: Any) -> Any:
    """Functions that are called by address, in a branch in a loop."""

    def step(v: Any, x: Any) -> Any:
        m = np.eye(2) * (1 + x) + 0.1
        v = flow.cond(jg.sum(v) > 1, lambda: jg.linalg.solve(m, v) * a, lambda: v + x)
        return v, jg.sum(v)

    return jg.sum(flow.scan(step, jg.ones(2) * a, X)[1])


REVERSE = [branch, same_operand, branch_in_scan, solve_in_branch]
CASES = [newton, no_trip, swapped, of_arrays, while_in_scan, scan_in_while, *REVERSE]
POINTS = np.array([0.3, 1.7, 2.6])
Case = Callable[[Any, Any], Any]


@pytest.mark.parametrize("a", POINTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_values_and_derivatives(case: Case, a: float) -> None:
    """In a traced function, where predicates are not known, and outside."""

    def ours(a: Any) -> Any:
        return case(jg, a)

    def theirs(a: Any) -> Any:
        return case(Python, a)

    transforms: list[Any] = [lambda f: f, jg.jacfwd, lambda f: jg.jacfwd(jg.jacfwd(f))]
    for transform in transforms + [jg.grad, jg.hessian] * (case in REVERSE):
        expected = np.asarray(transform(theirs)(a))
        np.testing.assert_allclose(transform(ours)(jg.tensor(a)).numpy(), expected, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(jg.function(transform(ours))(a).numpy(), expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_rows(case: Case, dtype: str) -> None:
    a = jg.tensor(POINTS.astype(dtype))
    found = jg.vmap(lambda a: case(jg, a))(a)
    assert found.dtype == dtype
    expected = [case(Python, x).item() for x in a]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-11 if dtype == "float64" else 1e-4)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_derivatives_of_rows(case: Case) -> None:
    differentiate = jg.grad if case in REVERSE else jg.jacfwd
    expected = [differentiate(lambda a: case(Python, a))(a).item() for a in POINTS]
    np.testing.assert_allclose(jg.vmap(differentiate(lambda a: case(jg, a)))(POINTS).numpy(), expected, rtol=1e-11, atol=1e-13)


def test_an_array_and_rows_that_share_the_condition() -> None:
    def f(a: Any, n: Any) -> Any:
        return jg.while_loop(lambda v: v[1] < n, lambda v: (v[0] * a, v[1] + 1), (1.0, 0))[0]

    np.testing.assert_allclose(jg.vmap(f, in_axes=(0, None))(POINTS, 3).numpy(), POINTS**3, rtol=1e-14)
    np.testing.assert_allclose(jg.vmap(f, in_axes=(None, 0))(2.0, np.arange(4)).numpy(), [1, 2, 4, 8], rtol=1e-14)

    def g(a: Any, p: Any) -> Any:
        return jg.cond(p, lambda: a * a, lambda: 1.0)

    np.testing.assert_allclose(jg.vmap(g, in_axes=(0, None))(POINTS, True).numpy(), POINTS**2, rtol=1e-14)
    rows = jg.function(jg.vmap(g, in_axes=(0, None)))
    np.testing.assert_allclose(rows(POINTS, 0.0).numpy(), np.ones(3), rtol=1e-14)
    np.testing.assert_allclose(rows(POINTS, 2.0).numpy(), POINTS**2, rtol=1e-14)


def test_only_the_branch_that_is_taken_runs() -> None:
    """The other one would take an hour."""
    long = jg.function(lambda n: jg.cond(n > 0, lambda: jg.fori_loop(0, 10**12, lambda i, x: x + i, n), lambda: n))
    assert long(-1.0).item() == -1.0


def test_results_and_dtypes() -> None:
    f = jg.function(lambda a: jg.cond(a > 0, lambda: [None, 1, True, a], lambda: [None, 2, False, 1]))
    none, n, b, x = f(jg.tensor(np.float32(-2)))
    assert none is None
    assert (n.item(), b.item(), x.item()) == (2, False, 1)
    assert (n.dtype, b.dtype, x.dtype) == ("int64", "bool", "float32")
    n, x = jg.while_loop(lambda v: v[0] < 3, lambda v: (v[0] + 1, v[1] * 0.5), (0, 1))
    assert (n.dtype, x.dtype) == ("int64", "float64")


def test_a_fit_with_a_branch() -> None:
    """A slope that changes at a parameter, with a loop in the model."""
    x = np.linspace(0, 2, 41)

    def model(x: Any, a: Any, b: Any) -> Any:
        def step(y: Any, x: Any) -> Any:
            y = jg.cond(x > 1, lambda: y + b * 0.05, lambda: y + a * 0.05)
            return y, y

        return jg.scan(step, 0.0, x)[1]

    y = model(x, 2.0, -1.0).numpy()
    np.testing.assert_allclose(jg.curve_fit(model, x, y, p0=[1.0, 1.0]).values, [2, -1], rtol=1e-10)


TRACED = jg.function


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jg.grad(lambda a: newton(jg, a))(2.0), TapeError, "Use jg.scan or jg.fori_loop with a known number of trips"),
        (lambda: jg.while_loop(lambda x: x > 1, lambda x: x, X), ShapeError, r"the condition has shape \(9,\)"),
        (lambda: jg.while_loop(lambda v: True, lambda v: (v[0],), (1, 2)), ArgumentError, "and becomes a tuple of 1"),
        (lambda: jg.while_loop(lambda v: True, lambda v: (v[0], X), (1, 2)), ShapeError, r"value\[1\] has shape \(\) before"),
        (lambda: jg.cond(X > 1, lambda: 1, lambda: 2), ShapeError, r"pred has shape \(9,\)"),
        (lambda: TRACED(lambda a: jg.cond(a, lambda: X, lambda: 2.0))(1.0), ShapeError, r"\(9,\) from true_fun and \(\) from"),
        (lambda: TRACED(lambda a: jg.cond(a, lambda: {"x": a}, lambda: (a,)))(1.0), ArgumentError, "a dict with the keys 'x'"),
        (lambda: TRACED(lambda a: jg.cond(a, lambda: a, lambda: a > 0))(1.0), DTypeError, "float64 from true_fun and bool"),
        (lambda: TRACED(lambda a: jg.cond(a, jg.random.uniform, lambda: a))(1.0), UnsupportedError, "draws random numbers"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
