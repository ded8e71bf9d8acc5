"""vmap against a loop over rows: axes, nests, with gradients inside and outside, and what wrong use says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.errors import ArgumentError, ShapeError, TracingError, UnsupportedError
from jitgrad.tape.tree import tree_leaves

RNG = np.random.default_rng(0)
X, Y, A = RNG.normal(size=(5, 3)), RNG.normal(size=3), RNG.normal(size=(5, 3, 3))


def by_rows(f: Any, *args: Any, axes: tuple[Any, ...]) -> list[np.ndarray]:
    """The leaves of f's results, stacked over the rows of the arguments."""
    n = next(np.shape(x)[axis] for x, axis in zip(args, axes, strict=True) if axis is not None)
    rows = [f(*[x if axis is None else np.take(x, i, axis) for x, axis in zip(args, axes, strict=True)]) for i in range(n)]
    return [np.stack([np.asarray(leaf) for leaf in leaves]) for leaves in zip(*map(tree_leaves, rows), strict=True)]


FUNCTIONS = [
    ("products and sums", lambda x, y: jg.sum(jg.tanh(x) * y) + x[0], (X, Y), (0, None)),
    ("another axis", lambda x: x[::-1] * 2, (X,), (1,)),
    ("two arguments", lambda x, a: a @ x, (X, A), (0, 0)),
    ("broadcasting", lambda x, y: x[:, None] * y + 1, (X, Y), (0, None)),
    ("several results", lambda x: {"a": (x.sum(), x.max()), "b": [jg.sort(x)]}, (X,), (0,)),
    ("a constant", lambda x: (x, np.ones(2)), (X,), (0,)),
    ("linear algebra", lambda a: jg.linalg.eigh(a)[0] + jg.linalg.inv(a)[0], (A,), (0,)),
    ("an index", lambda x, i: x[i], (X, np.array([0, 2, 1, 1, -1])), (0, 0)),
    ("indices of the same", lambda x, i: jg.take(x, i, axis=1), (X, np.array([[0, 2], [1, -1]])), (None, 0)),
    ("places", lambda x: jg.take_along_axis(x, jg.argsort(x)), (X,), (0,)),
    ("indices of two axes", lambda a, i: jg.take(a, i, axis=1), (A, RNG.integers(-3, 3, (5, 2, 2))), (0, 0)),
    ("no data by rows", lambda a, i: jg.take(a, i, axis=0), (A[0], RNG.integers(-3, 3, (4, 2))), (None, 0)),
    ("a slope by indices", lambda x, i: jg.grad(lambda x: jg.sum(x[i] ** 3))(x), (X, np.array([0, 2, 1, 1, -1])), (0, 0)),
    (
        "slopes by indices",
        lambda a, i: jg.grad(lambda a: jg.sum(jg.take(a, i, 1) ** 3))(a),
        (A, RNG.integers(-3, 3, (5, 4))),
        (0, 0),
    ),
    ("sorted", lambda x: jg.sort(x) * jg.argsort(x), (A,), (0,)),
    ("interpolated", lambda x, y: jg.interp(x, np.array([-1.0, 0, 1]), y), (X, X[::-1]), (0, 0)),
    ("a median", lambda x: jg.median(x) + jg.quantile(x, 0.3), (X,), (0,)),
    ("where", lambda x: jg.where(x > 0, x, -x), (X,), (-1,)),
    ("a gradient", jg.grad(lambda x, y: jg.sum(jg.exp(x) * y)), (X, Y), (0, None)),
    ("a Hessian", jg.hessian(lambda x: jg.sum(x**3)), (X,), (0,)),
    ("a jvp", lambda x: jg.jvp(jg.sin, (x,), (np.ones(3),))[1], (X,), (0,)),
    ("a vmap", lambda x, y: jg.vmap(lambda a, b: a * b, in_axes=(None, 0))(x, y), (X, Y), (0, None)),
    ("moments", lambda x: jg.std(x) + jg.softmax(x) + jg.prod(x), (X,), (0,)),
    ("no rows", lambda x: x * 2, (np.zeros((1, 3)),), (0,)),
]


def test_indices_of_rows_are_one_gather() -> None:
    lowered = jg.lower(jg.vmap(lambda x, i: x[i]), np.ones((50, 3)), np.ones(50, int)).dump()
    assert lowered.count("gather") == 1


@pytest.mark.parametrize(("f", "args", "axes"), [case[1:] for case in FUNCTIONS], ids=[case[0] for case in FUNCTIONS])
def test_vmap_is_a_loop_over_rows(f: Any, args: tuple[Any, ...], axes: tuple[Any, ...]) -> None:
    expected = by_rows(f, *args, axes=axes)
    for mapped in (jg.vmap(f, axes), jg.function(jg.vmap(f, axes))):
        for got, value in zip(tree_leaves(mapped(*args)), expected, strict=True):
            assert got.shape == value.shape and got.dtype == value.dtype
            np.testing.assert_allclose(np.asarray(got), value, rtol=1e-12, atol=1e-14)


def test_gradients_pass_through() -> None:
    f = jg.vmap(lambda x, y: jg.sum(jg.tanh(x) * y), (0, None))
    jg.check_grads(f, (X, Y), order=2)
    v = jg.Variable(2.0)
    with jg.GradientTape() as tape:
        y = jg.sum(jg.vmap(lambda x: v * x * v)(np.arange(3.0)))
    assert float(tape.gradient(y, v)) == 12


def test_results_that_rows_share() -> None:
    """They are values of their own, although they are requested together with results that differ."""
    p, rows = np.array([1.0, 2.0, 3.0]), np.eye(3)
    squares, slopes = jg.vmap(lambda v: jg.jvp(lambda p: p**2, (p,), (v,)))(rows)
    np.testing.assert_array_equal(squares.numpy(), np.tile(p**2, (3, 1)))
    np.testing.assert_array_equal(slopes.numpy(), 2 * np.diag(p))
    unused, used = jg.vmap(jg.grad(lambda x, y: jg.sum(y**2), argnums=(0, 1)))(rows, rows)
    np.testing.assert_array_equal(unused.numpy(), np.zeros((3, 3)))
    np.testing.assert_array_equal(used.numpy(), 2 * rows)


def test_axes_of_nests_keywords_and_results() -> None:
    p = {"w": X, "b": [Y, 2.0]}
    got = jg.vmap(lambda p, x: p["w"] * x + p["b"][0] * p["b"][1], in_axes=({"w": 0, "b": None}, 0))(p, X)
    np.testing.assert_allclose(got.numpy(), X * X + 2 * Y)
    np.testing.assert_allclose(jg.vmap(lambda x, k: x * k)(X, k=X[:, 0]).numpy(), X * X[:, :1])
    np.testing.assert_allclose(jg.vmap(lambda x: x * 2, out_axes=1)(X).numpy(), 2 * X.T)
    one, two = jg.vmap(lambda x: (x, Y * 3), out_axes=(-1, None))(X)
    np.testing.assert_allclose(one.numpy(), X.T)
    np.testing.assert_allclose(two.numpy(), Y * 3)
    assert jg.vmap(lambda x: x.sum())(np.zeros((0, 3))).shape == (0,)
    assert jg.vmap(lambda x: x * 2)(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jg.vmap(lambda x: x)(1.0), ShapeError, "is a number, so it has no rows. Give None"),
        (lambda: jg.vmap(lambda x, y: x)(X, Y), ShapeError, "the arguments have 3 and 5 rows"),
        (lambda: jg.vmap(lambda x: x, in_axes=2)(X), ShapeError, "vmap: in_axes: axis 2 is out of range"),
        (lambda: jg.vmap(lambda x: x, out_axes=3)(X), ShapeError, "vmap: out_axes: axis 3 is out of range"),
        (lambda: jg.vmap(lambda x: x, in_axes=None)(X), ArgumentError, "no argument has rows"),
        (lambda: jg.vmap(lambda x: x, in_axes=(0, 0))(X), ArgumentError, "in_axes has 2 items for 1 positional"),
        (lambda: jg.vmap(lambda x: x, in_axes=({"a": 0},))(X), ArgumentError, "for one value"),
        (lambda: jg.vmap(lambda x: x, out_axes=(0, 0))(X), ArgumentError, "out_axes has .* for one value"),
        (lambda: jg.vmap(lambda x: x, out_axes=None)(X), ArgumentError, "None for a result that differs between rows"),
        (lambda: jg.vmap(lambda x: None)(X), ArgumentError, "the function returns None"),
        (lambda: jg.vmap(lambda x: x if x.sum() > 0 else -x)(X), TracingError, "each row of a vmap.*where"),
        (lambda: jg.vmap(lambda x: x * jg.random.normal((3,)))(X), UnsupportedError, "random numbers"),
    ],
)
def test_wrong_use_says_what_to_do(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
