"""The rounding error of sums grows with the logarithm of their length, along whichever axis, and that of products slowly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad

EPS = np.finfo(np.float32).eps
ROWS = 3_000_000


def error(made: Any, exact: np.ndarray) -> float:
    """The largest relative error."""
    return float((np.abs(np.asarray(made, float) - exact) / np.abs(exact)).max())


def alike(*shape: int) -> np.ndarray:
    """Equal numbers, whose sum stops growing where they are added one by one."""
    return np.full(shape, np.float32(0.1))


EXACT = float(np.float32(0.1))


@pytest.mark.parametrize("columns", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("function", ["sum", "mean"])
def test_sums_along_rows(function: str, columns: int) -> None:
    rows = ROWS // columns
    made = getattr(jitgrad, function)(alike(rows, columns), axis=0)
    assert made.shape == (columns,)
    assert error(made, np.full(columns, EXACT * (rows if function == "sum" else 1))) <= 20 * EPS


SHAPES = [
    (64, 3), (65, 3), (127, 2), (128, 2), (129, 2), (255, 2), (256, 2), (1000, 255), (1000, 257), (300, 600), (4096, 128),
    (4097, 129), (64, 1), (4096, 1), (4097, 1), (100_000, 1),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_of_any_shape_are_right(shape: tuple[int, int], dtype: type) -> None:
    """Around the sizes at which blocks, panels and rows that are added together begin and end."""
    x = (np.random.default_rng(0).random(shape) + 0.5).astype(dtype)
    assert error(jitgrad.sum(x, axis=0), x.sum(0, dtype=np.longdouble).astype(float)) <= 20 * np.finfo(dtype).eps
    three = np.stack([x, 2 * x, 3 * x])
    expected = three.sum(1, dtype=np.longdouble).astype(float)
    assert error(jitgrad.sum(three, axis=1), expected) <= 20 * np.finfo(dtype).eps


@pytest.mark.parametrize("columns", [1, 2, 5])
@pytest.mark.parametrize("traced", [False, True])
def test_variances_of_many_rows(columns: int, traced: bool) -> None:
    """Far from 0: where the mean is wrong, so is the variance."""
    x = np.random.default_rng(0).normal(100, 1, (ROWS // columns, columns)).astype(np.float32)
    for name in ("var", "std"):
        ours = getattr(jitgrad, name)
        made = jitgrad.function(lambda x, f=ours: f(x, axis=0))(x) if traced else ours(x, axis=0)
        assert error(made, getattr(np, name)(x.astype(float), axis=0)) < 1e-5


def test_sums_whose_rows_stay_in_cache() -> None:
    """What is summed block by block of rows, as the gradient of a full batch."""
    x, w = alike(ROWS // 4, 4), jitgrad.Variable(np.ones((4, 3), np.float32))
    with jitgrad.GradientTape() as tape:
        loss = jitgrad.sum(jitgrad.square(x @ w))
    exact = 2 * (4 * EXACT) * EXACT * len(x)
    assert error(tape.gradient(loss, w), np.full((4, 3), exact)) < 1e-5


PRODUCTS: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "dot": lambda a, b: jitgrad.dot(a, b),
    "inner": lambda a, b: jitgrad.inner(a, b),
    "einsum": lambda a, b: jitgrad.einsum("i,i->", a, b),
    "a row by a column": lambda a, b: jitgrad.matmul(a[None], b[:, None]),
    "a row by a matrix": lambda a, b: jitgrad.matmul(a, np.stack([b, b, b], 1)),
    "a matrix by a column": lambda a, b: jitgrad.matmul(jitgrad.tensor(np.stack([a, a], 1)).T, b),
    "columns by columns": lambda a, b: jitgrad.matmul(jitgrad.tensor(np.stack([a] * 3, 1)).T, np.stack([b] * 2, 1)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_long_products(name: str) -> None:
    a, b = alike(ROWS), np.ones(ROWS, np.float32)
    made = np.atleast_1d(PRODUCTS[name](a, b))
    assert error(made, np.full(made.shape, EXACT * ROWS)) < 1e-4
