"""NumPy's functions that models use, beside those of ``test_functions``: values, derivatives, edges, dtypes, errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.errors import ArgumentError, DTypeError, ShapeError, TracingError
from tests.functions.test_functions import Use, operands_of, uses

XP = np.array([-2.0, -0.5, 0.3, 1.0, 2.5])
HOLES = np.array([[1.0, np.nan, 3.0, -2.0], [np.nan, np.nan, np.nan, np.nan], [0.5, 7.0, 2.0, 2.0]])
HOLE = np.isnan(HOLES[0])

USES = [
    *uses("interp", lambda np, x, y: np.interp(x, XP, y), ((2, 3), (5,)), ((), (5,))),
    *uses("interp points", lambda np, x: np.interp([-3.0, -1.1, 0.1, 0.9, 2.2, 9.0], XP, x), (5,)),
    *uses("interp ends", lambda np, x: np.interp(x * 3, XP, XP**2, left=-7.0, right=9.0), (6,)),
    *uses("interp period", lambda np, x, y: np.interp(x, [350, 200, 90, -170.0], y, period=360), ((7,), (4,))),
    *uses("interp of one point", lambda np, x: np.interp(x, [0.5], [3.0]) + x, (4,)),
    *uses("trapezoid", lambda np, y: np.trapezoid(y, dx=0.3), (5,), (2, 5), (1,)),
    *uses("trapezoid x", lambda np, y: np.trapezoid(y, XP), (5,), (2, 5)),
    *uses("trapezoid axis", lambda np, y: np.trapezoid(y, XP, axis=0), (5, 2)),
    *uses("trapezoid grid", lambda np, y, x: np.trapezoid(y, x, axis=1), ((2, 3, 2), (2, 3, 2))),
    *uses("gradient", lambda np, x: np.gradient(x), (5,), (2,)),
    *uses("gradient spacing", lambda np, x: np.gradient(x, 0.5, axis=1), (2, 4)),
    *uses("gradient coordinates", lambda np, x: np.gradient(x, XP), (5,)),
    *uses("gradient second order", lambda np, x: np.gradient(x, XP, edge_order=2), (5,)),
    *uses("gradient second order evenly", lambda np, x: np.gradient(x, 0.1, edge_order=2), (5,), (3,)),
    *uses("gradient of axes", lambda np, x: np.gradient(x, 0.5, XP)[1], (3, 5)),
    *uses("polyval", lambda np, p, x: np.polyval(p, x), ((4,), (3,)), ((1,), ()), ((3,), (2, 2))),
    *[use for mode in ("full", "same", "valid") for use in
      uses(f"convolve {mode}", lambda np, a, v, mode=mode: np.convolve(a, v, mode), ((7,), (3,)), ((2,), (5,)), ((4,), (4,)))],
    *[use for mode in ("full", "same", "valid") for use in
      uses(f"correlate {mode}", lambda np, a, v, mode=mode: np.correlate(a, v, mode), ((7,), (3,)), ((2,), (5,)))],
    *uses("select", lambda np, x: np.select([x > 0.5, x > 0], [x**2, 3 * x], default=-1.0), (2, 3)),
    *uses("piecewise", lambda np, x: np.piecewise(x, [x < 0, x > 1], [lambda t: -t, lambda t: t * t, 3.0]), (5,)),
    *uses("piecewise otherwise", lambda np, x: np.piecewise(x, [x < 0], [lambda t, k: k * t], 3.0), (5,)),
    *uses("heaviside", lambda np, x: np.heaviside(onp.array([-1.0, 0, 2, onp.nan]), x), (4,), ()),
    *uses("fmax", lambda np, x, y: np.fmax(x, y), ((2, 3), (3,))),
    *uses("fmin", lambda np, x, y: np.fmin(x, y), ((2, 3), (3,))),
    *uses("copysign", lambda np, x, y: np.copysign(x, y), ((6,), (6,)), ((2, 3), ())),
    *uses("logaddexp2", lambda np, x, y: np.logaddexp2(x, y), ((3,), (3,))),
    *uses("float_power", lambda np, x: np.float_power(x * x, 1.5), (3,)),
    *uses("sinc", lambda np, x: np.sinc(x), (9,), ()),
    *uses("angles", lambda np, x: np.deg2rad(x) + np.rad2deg(x) + np.radians(x) + np.degrees(x), (3,)),
    *uses("quantile", lambda np, x: np.quantile(x, 0.3), (5,), (2, 3), (1,)),
    *uses("quantiles", lambda np, x: np.quantile(x, [0, 0.25, 1], axis=1), (2, 6), (2, 3)),
    *uses("quantiles keepdims", lambda np, x: np.quantile(x, [[0.1], [0.9]], axis=(0, 2), keepdims=True), (2, 3, 2)),
    *[use for method in ("lower", "higher", "midpoint", "nearest") for use in
      uses(f"quantile {method}", lambda np, x, m=method: np.quantile(x, [0.1, 0.5, 0.77], axis=0, method=m), (5, 2), (4,))],
    *uses("percentile", lambda np, x: np.percentile(x, [5, 95], axis=-1), (2, 6)),
    *[use for name in ("nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin", "nanmedian") for use in
      uses(name, lambda np, x, f=name: getattr(np, f)(np.where(HOLE, onp.nan, x), axis=-1), (3, 4))],
    *uses("nanvar ddof", lambda np, x: np.nanvar(np.where(HOLE, onp.nan, x), axis=1, ddof=1, keepdims=True), (3, 4)),
    *uses("nanquantile", lambda np, x: np.nanquantile(np.where(HOLE, onp.nan, x), [0.2, 0.7], axis=1), (3, 4)),
    *uses("cov", lambda np, x: np.cov(x), (5,), (2, 5)),
    *uses("cov two", lambda np, x, y: np.cov(x, y, bias=True), ((5,), (5,))),
    *uses("cov columns", lambda np, x: np.cov(x, rowvar=False, ddof=0), (5, 3)),
    *uses("cov weights", lambda np, x: np.cov(x, fweights=[1, 2, 1, 3], aweights=[0.5, 1, 2, 1.5]), (2, 4)),
    *uses("corrcoef", lambda np, x: np.corrcoef(x)[0], (3, 5)),
    *uses("corrcoef two", lambda np, x, y: np.corrcoef(x, y, rowvar=False)[0, 1], ((5,), (5,))),
    *uses("column_stack", lambda np, x, y: np.column_stack([x, y]), ((3,), (3,)), ((3, 2), (3,))),
    *uses("dstack", lambda np, x, y: np.dstack([x, y]), ((3,), (3,)), ((2, 3), (2, 3)), ((2, 2, 1), (2, 2, 2))),
    *uses("flips", lambda np, x: np.flipud(x) - np.fliplr(x), (2, 3)),
    *[use for k in (-1, 0, 1, 2, 3, 5) for use in uses(f"rot90 {k}", lambda np, x, k=k: np.rot90(x, k, (1, 0)), (2, 3))],
    *uses("cross", lambda np, x, y: np.cross(x, y), ((3,), (3,)), ((2, 3), (3,)), ((4, 1, 3), (2, 3))),
    *uses("cross axes", lambda np, x, y: np.cross(x, y, axisa=0, axisc=0), ((3, 2), (2, 3))),
    *uses("vecdot", lambda np, x, y: np.vecdot(x, y), ((3,), (3,)), ((2, 3), (3,))),
]  # fmt: skip
if hasattr(np, "matvec"):
    USES += [
        *uses("matvec", lambda np, a, x: np.matvec(a, x), ((2, 3), (3,)), ((4, 2, 3), (4, 3))),
        *uses("vecmat", lambda np, a, x: np.vecmat(a, x), ((2,), (2, 3)), ((4, 2), (4, 2, 3))),
    ]
if hasattr(np, "cumulative_sum"):
    USES += [
        *uses("cumulative_sum", lambda np, x: np.cumulative_sum(x), (4,)),
        *uses("cumulative_sum from 0", lambda np, x: np.cumulative_sum(x, axis=1, include_initial=True), (2, 3)),
        *uses("cumulative_prod", lambda np, x: np.cumulative_prod(x, axis=0, include_initial=True), (3, 2)),
    ]
onp = np


@pytest.mark.parametrize("use", USES, ids=str)
def test_value_is_numpys(use: Use) -> None:
    operands = operands_of(use)
    expected = use.f(np, *operands)
    for namespace in (jg, np):
        got = use.f(namespace, *[jg.tensor(x) for x in operands])
        assert type(got) is jg.Tensor
        assert got.shape == np.shape(expected)
        np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-12, atol=1e-13)
    single = use.f(jg, *[jg.tensor(x, jg.float32) for x in operands])
    assert single.dtype == np.float32
    np.testing.assert_allclose(np.asarray(single), expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("use", [use for use in USES if "heaviside" not in use.name], ids=str)
def test_derivatives(use: Use) -> None:
    jg.check_grads(lambda *xs: use.f(jg, *xs), operands_of(use), order=2, rtol=1e-4, atol=1e-4)


WITHOUT = [
    ("searchsorted", lambda np, x: np.searchsorted(np.sort(x), XP)),
    ("searchsorted right", lambda np, x: np.searchsorted(XP, np.stack([x, onp.full(12, 0.3)]), side="right")),
    ("digitize", lambda np, x: np.digitize(x, XP)), ("digitize right", lambda np, x: np.digitize(x, XP, right=True)),
    ("digitize down", lambda np, x: np.digitize(onp.array([9, 1, 0.3, -3]) + x[:1] * 0, XP[::-1])),
    ("bincount", lambda np, x: np.bincount(np.argsort(x) // 3, minlength=7)),
    ("signbit", lambda np, x: np.signbit(np.stack([x * 0.0, -x * 0.0, x]))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "f"), WITHOUT, ids=[name for name, _ in WITHOUT])
def test_results_without_derivative(name: str, f: Any) -> None:
    x = np.random.default_rng(1).normal(size=12)
    expected = f(np, x)
    for namespace in (jg, np):
        got = f(namespace, jg.tensor(x))
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(np.asarray(got), expected)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8, 9])
def test_searchsorted_of_equal_and_outer_values(n: int, side: str) -> None:
    a = np.sort(np.random.default_rng(n).integers(0, 4, n)).astype(float)
    for row in (a, np.append(a, [np.nan, np.nan]), np.append(a, np.inf)):
        v = np.array([-1.0, 0, 0.5, 1, 2, 3, 4, np.inf, -np.inf, np.nan])
        np.testing.assert_array_equal(np.asarray(jg.searchsorted(row, v, side)), np.searchsorted(row, v, side))
    traced = jg.function(lambda a, v: jg.searchsorted(a, v, side))(a, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(np.asarray(traced), np.searchsorted(a, [1.0, 2.0], side))


def test_interp_at_its_points_and_of_nan() -> None:
    fp = np.array([1.0, 5.0, -1.0, 0.1, 7.0])
    x = np.array([*XP, np.nan, np.inf, -np.inf])
    np.testing.assert_array_equal(np.asarray(jg.interp(x, XP, fp)), np.interp(x, XP, fp))
    slope = jg.grad(lambda x: jg.interp(x, XP, fp))
    assert float(slope(0.5)) == pytest.approx((0.1 + 1) / 0.7) and float(slope(9.0)) == 0


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("name", ["nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin", "nanmedian"])
def test_nan_reductions_of_holes(name: str, axis: Any) -> None:
    for x in (HOLES, HOLES[:1], np.where(np.isnan(HOLES), -np.inf, HOLES)[[0, 2]]):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            expected = getattr(np, name)(x, axis=axis)
        np.testing.assert_allclose(np.asarray(getattr(jg, name)(x, axis)), expected, rtol=1e-14)


def test_derivatives_leave_holes_out() -> None:
    for name in ("nansum", "nanmean", "nanmax", "nanmedian", "nanvar"):
        g = np.asarray(jg.grad(lambda x, f=name: jg.sum(getattr(jg, f)(x, axis=1)))(HOLES[[0, 2]]))
        assert np.isfinite(g).all() and g[0, 1] == 0


def test_quantiles_of_nan_are_nan() -> None:
    np.testing.assert_array_equal(np.asarray(jg.quantile(HOLES, 0.5, axis=1)), np.quantile(HOLES, 0.5, axis=1))
    np.testing.assert_array_equal(np.asarray(jg.quantile(np.array([1.0, np.inf]), 0.0)), 1.0)


def test_elementwise_at_edges() -> None:
    edges = np.array([0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan])
    a, b = (g.ravel() for g in np.meshgrid(edges, edges))
    for name in ("fmax", "fmin", "heaviside"):
        np.testing.assert_array_equal(np.asarray(getattr(jg, name)(a, b)), getattr(np, name)(a, b))
    signed = ~np.isnan(b)  # the sign of nan is not kept
    np.testing.assert_array_equal(np.asarray(jg.copysign(a, b))[signed], np.copysign(a, b)[signed])
    for equal_nan in (False, True):
        close = np.asarray(jg.isclose(a, b * (1 + 1e-7), equal_nan=equal_nan))
        np.testing.assert_array_equal(close, np.isclose(a, b * (1 + 1e-7), equal_nan=equal_nan))
    assert bool(jg.allclose([1.0, 2.0], [1.0, 2.0 + 1e-9])) and not bool(jg.allclose([1.0], [1.1]))


def test_sinc_is_smooth_at_0() -> None:
    f: Any = jg.sinc
    for expected in (1, 0, -(np.pi**2) / 3, 0, np.pi**4 / 5):
        assert float(f(0.0)) == pytest.approx(expected, abs=1e-15)
        f = jg.grad(f)
    x = np.linspace(-2, 2, 1001)
    np.testing.assert_allclose(np.asarray(jg.sinc(x)), np.sinc(x), rtol=1e-14, atol=1e-16)


def test_what_depends_on_values() -> None:
    x = np.array([[3.0, 0.0, 1.0], [1.0, 3.0, 0.0]])
    t = jg.tensor(x)
    for got, expected in zip(jg.nonzero(t), np.nonzero(x), strict=True):
        np.testing.assert_array_equal(np.asarray(got), expected)
    np.testing.assert_array_equal(np.asarray(jg.argwhere(t)), np.argwhere(x))
    np.testing.assert_array_equal(np.asarray(jg.flatnonzero(t)), np.flatnonzero(x))
    for axis in (None, 0, 1):
        for got, expected in zip(jg.unique(t, True, True, True, axis), np.unique(x, True, True, True, axis), strict=True):
            np.testing.assert_array_equal(np.asarray(got), expected)
    g = jg.grad(lambda x: jg.sum(jg.unique(x) * np.array([1.0, 10, 100])))(x)
    np.testing.assert_array_equal(np.asarray(g), [[100, 1, 10], [0, 0, 0]])
    weights = np.array([0.5, 1.0, 2.0])
    np.testing.assert_array_equal(np.asarray(jg.bincount([1, 3, 1], weights, 6)), np.bincount([1, 3, 1], weights, 6))
    jg.check_grads(lambda w: jg.bincount(np.array([1, 3, 1]), w), (weights,), order=1)
    for f in (jg.nonzero, jg.unique, lambda x: jg.bincount(jg.argsort(x))):
        with pytest.raises(TracingError):
            jg.function(f)(x[0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jg.interp(0.0, [1.0, 2.0], [1.0]), ShapeError, "interp: xp has shape"),
        (lambda: jg.interp(0.0, [1.0], [1.0], period=0), ArgumentError, "period is 0"),
        (lambda: jg.searchsorted(np.ones((2, 2)), 1.0), ShapeError, "searchsorted: the sorted array"),
        (lambda: jg.searchsorted([1.0], 1.0, "middle"), ArgumentError, "side is 'middle'"),
        (lambda: jg.gradient(np.ones(1)), ShapeError, "1 points. Pass at least 2"),
        (lambda: jg.gradient(np.ones(3), np.ones(2)), ShapeError, "2 coordinates for 3 points"),
        (lambda: jg.gradient(np.ones(3), edge_order=3), ArgumentError, "edge_order is 3"),
        (lambda: jg.gradient(np.ones((3, 3)), 1, 2, 3), ArgumentError, "3 distances for 2 axes"),
        (lambda: jg.polyval(np.ones((2, 2)), 1.0), ShapeError, "coefficients have shape"),
        (lambda: jg.convolve(np.ones(3), np.ones(2), "half"), ArgumentError, "mode is 'half'"),
        (lambda: jg.convolve(np.ones(3), np.ones(0)), ShapeError, "convolve: shapes"),
        (lambda: jg.piecewise(np.ones(3), [np.ones(3, bool)], [1, 2, 3]), ArgumentError, "3 functions for 1 conditions"),
        (lambda: jg.select([], []), ArgumentError, "0 conditions"),
        (lambda: jg.quantile(np.ones(3), 2.0), ArgumentError, "from 0 to 1"),
        (lambda: jg.quantile(np.ones(3), 0.5, method="weibull"), ArgumentError, "method is 'weibull'"),
        (lambda: jg.quantile(np.ones(0), 0.5), ShapeError, "no element"),
        (lambda: jg.cov(np.ones((2, 2, 2))), ShapeError, "more than two axes"),
        (lambda: jg.bincount([0.5]), DTypeError, "not a vector of integers"),
        (lambda: jg.bincount([-1]), ArgumentError, "-1 is negative"),
        (lambda: jg.cross(np.ones(2), np.ones(2)), ShapeError, "2 and 2 components"),
        (lambda: jg.vecdot(np.ones(2), np.ones(3)), ShapeError, "differ along axis -1"),
        (lambda: jg.cumulative_sum(np.ones((2, 2))), ArgumentError, "Pass axis"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
