"""The vm's own functions: their errors in units in the last place over dense samples, and their values at edges."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

import jitgrad


class Case(NamedTuple):
    """What it is in long doubles, the ranges in float32 and float64, and the largest error in ULP, of both."""

    exact: Any
    single: tuple[float, float]
    double: tuple[float, float]
    ulp: float


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x > 0, 1, e) / (1 + e)


CASES = {
    "exp": Case(np.exp, (-104, 88.7), (-745, 709.7), 1.1),
    "expm1": Case(np.expm1, (-20, 88.7), (-40, 709.7), 2.0),
    "log": Case(np.log, (1e-42, 3e38), (5e-324, 1e308), 1.0),
    "log1p": Case(np.log1p, (-0.999999, 3e38), (-1 + 1e-12, 1e308), 1.5),
    "tanh": Case(np.tanh, (-12, 12), (-24, 24), 2.5),
    "sigmoid": Case(sigmoid, (-104, 20), (-745, 40), 2.5),
    "softplus": Case(softplus, (-104, 120), (-745, 800), 2.5),
    "sin": Case(np.sin, (-1e7, 1e7), (-1e7, 1e7), 2.0),
    "cos": Case(np.cos, (-1e7, 1e7), (-1e7, 1e7), 2.0),
    "tan": Case(np.tan, (-1e7, 1e7), (-1e7, 1e7), 4.0),
    "sinh": Case(np.sinh, (-88.7, 88.7), (-709.7, 709.7), 4.0),
    "cosh": Case(np.cosh, (-88.7, 88.7), (-709.7, 709.7), 4.0),
}


def samples(low: float, high: float, dtype: type) -> np.ndarray:
    """Evenly spread, spread by size, and near 0 and 1."""
    draw = np.random.default_rng(0)
    sizes = np.geomspace(max(abs(low), 1e-30) if low > 0 else 1e-30, high, 200_000)
    near = draw.normal(0, 1e-2, 100_000)
    found = [np.linspace(max(low, -1e4), min(high, 1e4), 400_000), sizes, -sizes, near, 1 + near, draw.uniform(-2, 2, 200_000)]
    x = np.concatenate(found).astype(dtype)
    return x[(x >= low) & (x <= high)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_errors_in_the_last_place(name: str, dtype: type) -> None:
    if np.finfo(np.longdouble).nmant < 60:
        pytest.skip("long doubles are no longer than doubles here")
    case = CASES[name]
    x = samples(*(case.single if dtype == np.float32 else case.double), dtype)
    made = getattr(jitgrad, name)(jitgrad.tensor(x)).numpy()
    assert made.dtype == dtype
    exact = case.exact(x.astype(np.longdouble))
    unit = np.spacing(np.abs(exact).astype(dtype)).astype(np.longdouble)
    error = np.abs(made - exact) / unit
    assert error.max() <= case.ulp, f"{error.max()} at {x[error.argmax()]!r}"


EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-30, -1e-30, 1e30, -1e30, 88.73, 710.0, -104.5, -746.0, -2.0, 1e-40]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_edges(name: str, dtype: type) -> None:
    x = np.array(EDGES, dtype)
    with np.errstate(all="ignore"):
        expected = CASES[name].exact(x.astype(np.longdouble)).astype(dtype)
    made = getattr(jitgrad, name)(jitgrad.tensor(x)).numpy()
    np.testing.assert_array_max_ulp(made[np.isfinite(expected)], expected[np.isfinite(expected)], 3)
    np.testing.assert_array_equal(made[~np.isfinite(expected)], expected[~np.isfinite(expected)])
    if name != "log":
        np.testing.assert_array_equal(np.signbit(made[:2]), np.signbit(expected[:2]))


def test_cube_roots_in_float32() -> None:
    """C's of floats is off by nearly a unit: they are computed as doubles."""
    draw = np.random.default_rng(0)
    x = (np.exp(draw.normal(0, 15, 300_000)) * draw.choice([-1, 1], 300_000)).astype(np.float32)
    exact = np.cbrt(x.astype(np.longdouble))
    made = jitgrad.cbrt(jitgrad.tensor(x)).numpy()
    assert (np.abs(made - exact) / np.spacing(np.abs(exact).astype(np.float32))).max() <= 0.51


def test_powers_in_float32() -> None:
    draw = np.random.default_rng(0)
    a = np.exp(draw.normal(0, 3, 300_000)).astype(np.float32)
    b = draw.normal(0, 8, 300_000).astype(np.float32)
    exact = a.astype(np.longdouble) ** b
    normal = (exact > 1e-37) & (exact < 3e38)
    made = (jitgrad.tensor(a) ** jitgrad.tensor(b)).numpy()[normal]
    error = np.abs(made - exact[normal]) / np.spacing(exact[normal].astype(np.float32)).astype(np.longdouble)
    assert error.max() <= 0.6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers_at_edges(dtype: type) -> None:
    edges = np.array([0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1.5, -2.5, np.inf, -np.inf, np.nan, 1e-40, -1e30, 1e30], dtype)
    a, b = (x.ravel() for x in np.meshgrid(edges, edges))
    with np.errstate(all="ignore"):
        expected = a**b
    made = (jitgrad.tensor(a) ** jitgrad.tensor(b)).numpy()
    np.testing.assert_array_equal(np.isnan(made), np.isnan(expected))
    np.testing.assert_array_equal(np.signbit(made[~np.isnan(made)]), np.signbit(expected[~np.isnan(made)]))
    np.testing.assert_array_max_ulp(made[np.isfinite(expected)], expected[np.isfinite(expected)], 1)
    np.testing.assert_array_equal(made[np.isinf(expected)], expected[np.isinf(expected)])
