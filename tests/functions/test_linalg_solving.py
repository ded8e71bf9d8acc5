"""Pseudo-inverses, triangles, powers, norms and ranks: values against NumPy's and SciPy's, derivatives, edges, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.linalg

import jitgrad as jg
from jitgrad import linalg
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.tape.tree import tree_leaves


class Case(NamedTuple):
    """A function of jitgrad and what is to come out, on operands of these shapes."""

    name: str
    ours: Callable[..., Any]
    theirs: Callable[..., Any]
    shapes: tuple[tuple[int, ...], ...]

    def __str__(self) -> str:
        return f"{self.name}{self.shapes}"


def cases(name: str, ours: Any, theirs: Any, *shapes: Any) -> list[Case]:
    return [Case(name, ours, theirs, s if isinstance(s[0], tuple) else (s,)) for s in shapes]


def both(name: str, f: Any, *shapes: Any) -> list[Case]:
    """A function of NumPy's namespace, or of ours."""
    return cases(name, lambda *xs: f(linalg, *xs), lambda *xs: f(np.linalg, *xs), *shapes)


EYE = 3 * np.eye(3)
CASES = [
    *both("pinv", lambda la, a: la.pinv(a), (3, 3), (4, 2), (2, 4), (2, 3, 2), (1, 1)),
    *both("pinv of rank 2", lambda la, a, b: la.pinv(a @ b), ((4, 2), (2, 3))),
    *both("pinv rcond", lambda la, a: la.pinv(a, 0.4), (4, 3)),
    *both("lstsq", lambda la, a, b: la.lstsq(a, b, None)[0], ((5, 2), (5,)), ((5, 2), (5, 3)), ((2, 4), (2,)), ((3, 3), (3,))),
    *both("lstsq residuals", lambda la, a, b: la.lstsq(a, b, None)[1], ((5, 2), (5,)), ((5, 2), (5, 3)), ((2, 4), (2,))),
    *both("lstsq values", lambda la, a, b: la.lstsq(a, b, None)[3], ((5, 2), (5,))),
    *both("matrix_power", lambda la, a: la.matrix_power(a + EYE, 5), (3, 3), (2, 3, 3)),
    *both("matrix_power negative", lambda la, a: la.matrix_power(a + EYE, -3), (3, 3)),
    *both("matrix_power 0", lambda la, a: la.matrix_power(a, 0), (2, 3, 3)),
    *both("multi_dot", lambda la, *xs: la.multi_dot(xs), ((2, 5), (5, 3), (3, 4)), ((3,), (3, 2), (2,)), ((2, 3), (3,))),
    *[case for order in (2, -2, "nuc", "fro", 1, np.inf) for case in
      both(f"norm {order}", lambda la, a, o=order: la.norm(a, o, axis=(-2, -1), keepdims=True), (3, 2), (2, 3, 4))],
    *both("norm of axes", lambda la, a: la.norm(a, "nuc", axis=(2, 0)), (3, 2, 4)),
    *[case for p in (None, 2, -2, 1, np.inf, "fro") for case in
      both(f"cond {p}", lambda la, a, p=p: la.cond(a + EYE, p), (3, 3), (2, 3, 3))],
    *cases("triangular", lambda a, b: linalg.solve_triangular(a + EYE, b),
           lambda a, b: scipy.linalg.solve_triangular(a + EYE, b), ((3, 3), (3,)), ((3, 3), (3, 2))),
    *cases("triangular lower", lambda a, b: linalg.solve_triangular(a + EYE, b, lower=True, trans="T"),
           lambda a, b: scipy.linalg.solve_triangular(a + EYE, b, lower=True, trans="T"), ((3, 3), (3,))),
    *cases("triangular unit", lambda a, b: linalg.solve_triangular(a, b, unit_diagonal=True),
           lambda a, b: scipy.linalg.solve_triangular(a, b, unit_diagonal=True), ((3, 3), (3,))),
    *cases("cholesky_solve", lambda a, b: linalg.cholesky_solve(a + EYE, b),
           lambda a, b: scipy.linalg.cho_solve((a + EYE, True), b), ((3, 3), (3, 2))),
    *cases("expm", linalg.expm, scipy.linalg.expm, (3, 3), (2, 2, 2), (1, 1)),
    *cases("expm of large ones", lambda a: linalg.expm(20 * a), lambda a: scipy.linalg.expm(20 * a), (3, 3)),
]  # fmt: skip
if hasattr(np.linalg, "vector_norm"):
    CASES += [
        *both("vector_norm", lambda la, a: la.vector_norm(a, axis=(0, 1)), (3, 2, 4)),
        *both("vector_norm 3", lambda la, a: la.vector_norm(a, ord=3, axis=1, keepdims=True), (3, 2)),
        *both("matrix_norm", lambda la, a: la.matrix_norm(a, ord="nuc"), (3, 2, 4)),
    ]


def operands(case: Case) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.normal(size=shape) for shape in case.shapes]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_values(case: Case) -> None:
    xs = operands(case)
    expected = np.asarray(case.theirs(*xs))
    scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
    for dtype, rtol in ((np.float64, 2e-12), (np.float32, 1e-3)):
        got = case.ours(*[jg.tensor(x, dtype) for x in xs])
        assert got.shape == expected.shape
        if "of large" not in case.name or dtype == np.float64:
            np.testing.assert_allclose(np.asarray(got), expected, rtol=rtol, atol=rtol * scale)


@pytest.mark.parametrize("case", [case for case in CASES if case.name != "pinv rcond"], ids=str)
def test_derivatives(case: Case) -> None:
    xs = operands(case)
    scale = max(1.0, float(np.max(np.abs(np.asarray(case.theirs(*xs))), initial=0)))
    jg.check_grads(lambda *a: case.ours(*a) / scale, xs, order=2, rtol=1e-4, atol=1e-4)


def test_numpys_functions_come_to_these() -> None:
    a, b = jg.tensor(np.random.default_rng(0).normal(size=(4, 2))), np.arange(4.0)
    for f in (
        np.linalg.pinv, np.linalg.cond, np.linalg.matrix_rank, lambda x: np.linalg.lstsq(x, b, rcond=None),
        lambda x: np.linalg.norm(x, 2), lambda x: np.linalg.multi_dot([x, x.T]), lambda x: np.linalg.matrix_power(x @ x.T, 2),
    ):  # fmt: skip
        for got, expected in zip(tree_leaves(f(a)), tree_leaves(f(a.numpy())), strict=True):
            assert type(got) is jg.Tensor
            np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-12)


def test_derivatives_where_singular_values_are_equal() -> None:
    """Those of a pseudo-inverse and of sums of singular values do not need singular vectors to be unique."""
    a = 2 * np.eye(3)
    g = jg.grad(lambda a: jg.sum(linalg.pinv(a) * np.arange(9.0).reshape(3, 3)))(a)
    np.testing.assert_allclose(np.asarray(g), -np.arange(9.0).reshape(3, 3) / 4, atol=1e-15)
    np.testing.assert_allclose(np.asarray(jg.grad(lambda a: linalg.norm(a, "nuc"))(a)), np.eye(3), atol=1e-15)


def test_ranks() -> None:
    rng = np.random.default_rng(0)
    a = np.stack([rng.normal(size=(4, r)) @ rng.normal(size=(r, 3)) for r in range(4)])
    for tol in (None, 0.5):
        got = linalg.matrix_rank(a, tol)
        assert got.dtype == np.int64
        np.testing.assert_array_equal(np.asarray(got), np.linalg.matrix_rank(a, tol))
    assert int(linalg.lstsq(a[2], np.ones(4))[2]) == 2


def test_edges() -> None:
    assert np.isnan(linalg.pinv([[np.nan, 1.0]]).numpy()).all()
    np.testing.assert_array_equal(linalg.pinv(np.zeros((2, 3))).numpy(), np.zeros((3, 2)))
    assert linalg.pinv(np.zeros((0, 3))).shape == (3, 0)
    assert np.isnan(linalg.expm(np.full((2, 2), 1e9)).numpy()).all()
    np.testing.assert_array_equal(linalg.expm(np.zeros((2, 2))).numpy(), np.eye(2))
    assert linalg.expm(np.zeros((0, 0))).shape == (0, 0)
    got = jg.vmap(linalg.pinv)(np.random.default_rng(0).normal(size=(3, 2, 2)))
    np.testing.assert_allclose(got.numpy(), np.linalg.pinv(np.random.default_rng(0).normal(size=(3, 2, 2))), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: linalg.pinv(np.ones(3)), ShapeError, "pinv: shape .* is not a matrix"),
        (lambda: linalg.lstsq(np.ones((3, 2)), np.ones(2)), ShapeError, "lstsq: shapes"),
        (lambda: linalg.matrix_power(np.ones((3, 2)), 2), ShapeError, "not a square matrix"),
        (lambda: linalg.multi_dot([np.ones((2, 2))]), ArgumentError, "got 1 matrices"),
        (lambda: linalg.solve_triangular(np.ones((2, 3)), np.ones(2)), ShapeError, "not a square matrix"),
        (lambda: linalg.solve_triangular(np.eye(2), np.ones(2), trans="C"), ArgumentError, "trans is 'C'"),
        (lambda: linalg.expm(np.ones((2, 3))), ShapeError, "not a square matrix"),
        (lambda: linalg.matrix_rank(np.ones(2)), ShapeError, "not a matrix"),
        (lambda: linalg.norm(np.ones((2, 2)), "nuclear"), ArgumentError, "ord 'nuclear' is not available over 2 axes"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
