"""NumPy's functions on Tensors at their edges: the same result as on arrays, or an error where NumPy has one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.errors import ArgumentError, DTypeError, IndexingError, ShapeError, TracingError, UnsupportedError

RNG = np.random.default_rng(7)
SHAPES = [(), (0,), (1,), (5,), (2, 3), (0, 3), (3, 0), (2, 3, 4), (2, 0, 4)]
AXES = [None, 0, -1, 1, -2, 2, 3, (0,), (0, 1), (-1, 0), (1, 0), (2, 0), (0, 0), (0, 5), (0, 1, 2)]


def same(f: Callable[[Any], Any], x: np.ndarray) -> None:
    """``f`` is the same of the array and of a Tensor."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            expected = f(x)
        except (ValueError, IndexError, TypeError, ZeroDivisionError):
            with pytest.raises((ValueError, IndexError, TypeError)):
                f(jg.tensor(x))
            return
    made = f(jg.tensor(x))
    for one, other in zip(*[v if isinstance(v, tuple) else (v,) for v in (made, expected)], strict=True):
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(np.asarray(one), other, rtol=1e-12)


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_median(axis: Any, keepdims: bool) -> None:
    for shape in SHAPES:
        x = RNG.normal(size=shape)
        if x.size or not isinstance(axis, tuple) or len(axis) == 1:  # NumPy cannot reshape what is empty over several axes
            same(lambda x: np.median(x, axis, keepdims=keepdims), x)


def test_median_of_nan_and_its_derivative() -> None:
    same(lambda x: np.median(x, (0, 2)), np.where(RNG.random((2, 3, 4)) < 0.1, np.nan, 1.0))
    slope = jg.grad(lambda x: jg.sum(jg.median(x, (0, 1)) * np.arange(1.0, 3)))(np.arange(8.0).reshape(2, 2, 2)[::-1])
    np.testing.assert_array_equal(np.asarray(slope), [[[0.5, 1], [0, 0]], [[0, 0], [0.5, 1]]])


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if 0 not in shape], ids=str)
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_average(shape: tuple[int, ...], axis: Any) -> None:
    x = RNG.normal(size=shape)
    sizes = [shape, shape[:1], shape[-1:], shape[:2], shape[1:], shape[::-1], (shape[-1], shape[0]) if len(shape) > 1 else ()]
    for weights in [None, *[RNG.uniform(0.1, 1, size) for size in sizes]]:
        same(lambda x, w=weights: np.average(x, axis, w), x)
        same(lambda x, w=weights: np.average(x, axis, w, keepdims=True), x)
        same(lambda x, w=weights: np.average(x, axis, w, returned=True), x)


def test_the_derivative_of_an_average_by_its_weights() -> None:
    x, w = RNG.normal(size=(2, 3, 4)), RNG.uniform(0.5, 1, (4, 2))
    jg.check_grads(lambda x, w: jg.average(x, (2, 0), w), [x, w], 1)


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_roll(axis: Any) -> None:
    for shift in (1, -2, 7, 0, (1, 2), (3,), [1], (1, 2, 3), np.array(2), np.array([1, -1]), ((1, 2), (3, 4))):
        for shape in SHAPES[1:]:
            same(lambda x, shift=shift: np.roll(x, shift, axis), RNG.normal(size=shape))


@pytest.mark.parametrize("axis", [None, 0, -1, 1, -2, 3])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, axis: np.argsort(x, axis, kind="stable"),
        lambda x, axis: np.argsort(x, axis, stable=True),
        lambda x, axis: np.sort(x, axis),
        lambda x, axis: np.argmax(x, axis),
        lambda x, axis: np.argmin(x, axis, keepdims=True),
        lambda x, axis: np.cumsum(x, axis),
        lambda x, axis: np.cumprod(x, axis),
    ],
)
def test_orders_and_running_sums(f: Callable[..., Any], axis: Any) -> None:
    for shape in SHAPES:
        same(lambda x: f(x, axis), RNG.normal(size=shape))


@pytest.mark.parametrize("axis", [None, 0, -1, 1, -2, 2, 3])
@pytest.mark.parametrize(
    "chosen", [(), (1,), (2,), (0,), (2, 3), (2, 1), (1, 3), (0, 3), (2, 0), (2, 3, 4), (2, 1, 4)], ids=str
)
def test_take_along_axis(axis: Any, chosen: tuple[int, ...]) -> None:
    for low, high in ((0, 1), (-1, 1), (0, 3), (5, 6), (-9, -8)):
        at = RNG.integers(low, high, chosen)
        for shape in SHAPES:
            same(lambda x, at=at: np.take_along_axis(x, at, axis), RNG.normal(size=shape))


def test_where_with_a_condition_alone_gives_indices() -> None:
    for shape in SHAPES[1:]:
        same(lambda x: np.where(x > 0), RNG.normal(size=shape))
        same(lambda x: np.where(x > 0, x, 0), RNG.normal(size=shape))


def test_where_with_a_condition_alone_has_no_result_while_tracing() -> None:
    with pytest.raises(TracingError, match=r"Use where\(\)"):
        jg.function(lambda x: x[np.where(x > 0)])(np.ones(3))


A, B, SQUARE, CUBE = (RNG.normal(size=shape) for shape in ((2, 3), (3, 4), (3, 3), (2, 3, 4)))
EINSUMS: list[tuple[np.ndarray, Callable[[Any], tuple[Any, ...]]]] = [
    (A, lambda x: (x, [0, 1], B, [1, 2], [0, 2])),
    (A, lambda x: (x, [0, 1], B, [1, 2])),
    (A, lambda x: (x, [50, 3], B, [3, 51], [51, 50])),
    (A, lambda x: (x, [3, 27], [27, 3])),
    (A, lambda x: (x, [27, 3])),
    (A, lambda x: (x, [25, 26])),
    (A, lambda x: (x, [26, 25])),
    (A, lambda x: (x, [..., 1], B, [1, 2], [..., 2])),
    (A, lambda x: (x, [0, 1], [])),
    (A, lambda x: (x, [1, 0])),
    (A, lambda x: (x, np.array([0, 1]), B, (1, 2))),
    (A, lambda x: (x, [0, 1], B, [1, 2], np.ones(4), [2], [0])),
    (A, lambda x: (x, [...], [...])),
    (A, lambda x: (x, [..., 0], [0, ...])),
    (CUBE, lambda x: (x, [0, 1, 2], [2, 0])),
    (CUBE, lambda x: (x, [0, ...], [..., 0])),
    (SQUARE, lambda x: (x, [0, 0])),
    (SQUARE, lambda x: (x, [0, 0], [0])),
    (A, lambda x: (x, [52, 0])),
    (A, lambda x: (x, [-1, 0])),
    (A, lambda x: (x, [0.0, 1])),
    (A, lambda x: (x, [0, 1], [2])),
    (A, lambda x: (x, [0])),
    (A, lambda x: (x,)),
]


@pytest.mark.parametrize(("x", "arguments"), EINSUMS)
def test_einsum_with_lists_of_axes(x: np.ndarray, arguments: Callable[[Any], tuple[Any, ...]]) -> None:
    same(lambda x: np.einsum(*arguments(x)), x)


def test_the_derivative_of_einsum_with_lists() -> None:
    jg.check_grads(lambda a, b: jg.einsum(a, [0, 1], b, [1, 2], [2]), [A, B], 2)


NODE = jg.graph.placeholder("float64", (None, 3))


@pytest.mark.parametrize(
    ("error", "said", "f"),
    [
        (ArgumentError, "grad: the function returns None", lambda: jg.grad(lambda x: None)(1.0)),
        (ArgumentError, "value_and_grad: the function returns None", lambda: jg.value_and_grad(lambda x: None)(1.0)),
        (ArgumentError, "the function returns None", lambda: jg.hessian(lambda x: None)(1.0)),
        (ArgumentError, "jvp: the function returns None", lambda: jg.jvp(lambda x: None, (1.0,), (1.0,))),
        (ArgumentError, "vjp: the function returns", lambda: jg.vjp(lambda x: (x, None), 1.0)),
        (DTypeError, "without a return statement", lambda: jg.optimizers.SGD(0.1).minimize(lambda: None, [jg.Variable(1.0)])),
        (UnsupportedError, r"Dense was called with a Node .* graph\.call", lambda: jg.layers.Dense(4)(NODE)),
        (UnsupportedError, "Sequential was called with a Node", lambda: jg.Sequential([jg.layers.Dense(4)])(NODE)),
        (ShapeError, "average: weights of shape", lambda: jg.average(np.ones((2, 3)), (0, 1), np.ones((3, 2)))),
        (ShapeError, "roll: shift .* does not match axis", lambda: jg.roll(np.ones((2, 3)), (1, 2, 3), (0, 1))),
        (ArgumentError, "is not a list of axes", lambda: jg.einsum(np.ones(2), [99])),
        (IndexingError, "out of range", lambda: jg.take_along_axis(np.ones((2, 3)), np.full((2, 1), 3), 1)),
    ],
)
def test_errors(error: type[Exception], said: str, f: Callable[[], Any]) -> None:
    with pytest.raises(error, match=said):
        f()


def test_a_layer_that_is_built_may_be_called_in_a_graph() -> None:
    layer = jg.layers.Dense(2)
    layer.build((None, 3))
    node = jg.graph.call(layer, NODE)
    with jg.graph.Session() as session:
        found = session.run(node, {NODE: np.ones((4, 3))})
    np.testing.assert_allclose(found, layer(np.ones((4, 3))).numpy(), rtol=1e-6)
