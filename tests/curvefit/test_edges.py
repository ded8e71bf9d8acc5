"""Derivatives at edges: rows where the model is finite but the chain rule is not, as at a dose of 0."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad import curve_fit
from jitgrad.curvefit import formula
from jitgrad.curvefit.curve import curve_of
from jitgrad.curvefit.differences import jacobian
from jitgrad.errors import FitError

DOSE = np.tile([0, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100], 2)
MODELS: list[tuple[str, list[float]]] = [
    ("a + (d - a) / (1 + (x / c)**b)", [1, 5, 2, 0.8]),
    ("a + (d - a) / (1 + (x / c)**b)", [1, 5, 2, 1.0]),
    ("a + (d - a) / (1 + (x / c)**b)", [1, 5, 2, 1.4]),
    ("bottom + (top - bottom) / (1 + (ec50 / x)**h)", [1, 5, 2, 0.8]),
    ("bottom + (top - bottom) / (1 + (ec50 / x)**h)", [1, 5, 2, 1.7]),
    ("v * x**n / (k**n + x**n)", [5, 0.7, 2]),
    ("v / (1 + (k / x)**n)", [5, 2, 1.7]),
    ("b + a * x**h", [1, 2, 0.5]),
    ("a + b * exp(h * log(x))", [2, 1, 0.6]),
    ("a * exp(-(x / t)**b)", [3, 5, 0.7]),
    ("bottom + (top - bottom) / (1 + 10**((logec - log10(x)) * h))", [1, 5, 0.3, 1.2]),
    ("bottom + (top - bottom) / (1 + exp(h * (log(ec) - log(x))))", [1, 5, 2, 1.2]),
    ("(d - a) / (1 + (x / c)**b)**g + a", [5, 1, 2, 0.8, 1.2]),
    ("q * (k * x)**(1 / n) / (1 + (k * x)**(1 / n))", [5, 0.6, 1.4]),
    ("a * exp(-b / x)", [3, 1.2]),
    ("a * log(1 + (x / c)**b)", [2, 2, 0.7]),
    ("a * cbrt(x / k) + sqrt(b * x)", [1, 2, 3]),
    ("a * (x - 0)**b * (x / k)**c", [1, 0.3, 2, 0.3]),
]


@pytest.mark.parametrize(("text", "truth"), MODELS)
def test_derivatives_at_a_dose_of_zero_are_their_limits(text: str, truth: list[float]) -> None:
    curve, values, free = curve_of(text, {"x": DOSE}, None, None), np.array(truth), range(len(truth))
    said, found = curve.evaluate(values, free, [DOSE])
    unbounded = np.full(len(truth), np.inf)
    expected = jacobian(lambda p: curve.values(p, free, [DOSE]), values, said, "3-point", -unbounded, unbounded)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    assert not found[DOSE == 0, -1].any()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("where(x > 0, a * log(x), b)", [2, 1]),
        ("where(x > 0, b * x**h * log(k * x), c)", [2, 0.5, 3, 1]),
        ("where(x > 0, a * (x * log(x)), 0) + b", [2, 1]),
        ("where(x > t, a * sqrt(x - t), 0) + b", [0.5, 2, 1]),
        ("where(x > t, a * (x - t)**h, 0) + b", [0.5, 2, 0.7, 1]),
        ("where(x == 0, a, a * sin(k * x) / (k * x))", [2, 1.5]),
        ("a * x**b if x > 0 else 0 * a", [2, -0.5]),
        ("where(x > 0, (x / c)**b, 0) * a", [3, 0.5, 2]),
        ("max(a * x - b, 0)", [2, 1]),
        ("+".join(f"where(x > t{k}, a{k} * sqrt(x - t{k}), 0)" for k in range(5)), [0.2, 1, 0.5, 1, 0.7, 2, 0.8, 3, 2, 1]),
    ],
)
def test_what_is_not_taken_has_no_part_in_derivatives(text: str, values: list[float]) -> None:
    curve, at, free = curve_of(text, {"x": DOSE}, None, None), np.array(values), range(len(values))
    said, found = curve.evaluate(at, free, [DOSE])
    unbounded = np.full(len(at), np.inf)
    expected = jacobian(lambda p: curve.values(p, free, [DOSE]), at, said, "3-point", -unbounded, unbounded)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("c * (1 - exp(-a * x))**b", [2, 0.7, 0.6]),
        ("b * sqrt(1 - exp(-a * x))", [1.4, 0.7]),
        ("b * sqrt(1 - 1 / (1 + a * x))", [1.4, 0.8]),
        ("b * sqrt(cosh(a * x) - 1)", [1.4, 0.3]),
        ("b * arccos(1 - a * x)", [1.4, 0.01]),
        ("b * arccosh(1 + a * x)", [1.4, 0.8]),
    ],
)
def test_derivatives_where_a_part_is_one_number_whatever_the_parameters(text: str, values: list[float]) -> None:
    curve, at, free = curve_of(text, {"x": DOSE}, None, None), np.array(values), range(len(values))
    said, found = curve.evaluate(at, free, [DOSE])
    unbounded = np.full(len(at), np.inf)
    expected = jacobian(lambda p: curve.values(p, free, [DOSE]), at, said, "3-point", -unbounded, unbounded)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_forward_mode_of_where_selects() -> None:
    f = lambda x: jg.where(x > 0, jg.sqrt(x), 2 * x)  # noqa: E731
    np.testing.assert_array_equal(jg.jvp(f, [np.array([4.0, -1.0, 0.0])], [np.ones(3)])[1], [0.25, 2, 2])
    np.testing.assert_array_equal(jg.jvp(jg.grad(lambda x: jg.sum(f(x))), [np.array([4.0])], [np.ones(1)])[1], [-1 / 32])


@pytest.mark.parametrize(("text", "truth"), MODELS[:-2])
@pytest.mark.parametrize("start", [True, False])
def test_fits_with_a_dose_of_zero(text: str, truth: list[float], start: bool) -> None:
    """These fits used to end where derivatives cease to be finite, or at once."""
    f = formula(text)
    names = f.parameters(["x"])
    y = f(x=DOSE, **dict(zip(names, truth, strict=True))).numpy()
    y = y + 0.01 * np.random.default_rng(2).normal(size=len(y))
    result = curve_fit(f, DOSE, y, 1.1 * np.array(truth) if start else None)
    cost = 0.5 * np.sum((f(x=DOSE, **dict(zip(names, truth, strict=True))).numpy() - y) ** 2)
    assert result.converged and result.cost < cost
    assert all(np.isfinite(limit).all() for limit in result.band())


def test_other_places_than_zero() -> None:
    x = DOSE + 3
    for model in ("a * ((x - 3) / c)**b", lambda x, a, c, b: a * ((x - 3) / c) ** b):
        result = curve_fit(model, x, 2 * (DOSE / 5) ** 0.6, fixed={"c": 5.0})
        assert result.parameters == pytest.approx({"a": 2, "c": 5, "b": 0.6}, rel=1e-8)


def test_many_rows_in_blocks_and_several_columns() -> None:
    x, z = np.tile(DOSE, 300), np.repeat(DOSE, 300)
    y = 1 + 4 / (1 + (x / 2) ** 0.8) + 0.1 * z**0.5
    result = curve_fit("a + b / (1 + (x / c)**d) + g * (z / 2)**f", {"x": x, "z": z}, y, [1, 3, 2, 1, 0.1, 0.6])
    assert result.values == pytest.approx([1, 4, 2, 0.8, 0.1 * 2**0.5, 0.5], rel=1e-8)


def test_correlated_errors() -> None:
    y = 1 + 4 / (1 + (DOSE / 2) ** 0.8)
    result = curve_fit("a + b / (1 + (x / c)**d)", DOSE, y, [1, 3, 2, 1], sigma=np.eye(20) + 0.1)
    assert result.values == pytest.approx([1, 4, 2, 0.8], rel=1e-8)


def test_ten_parameters_and_more() -> None:
    """Models with so many parameters use reverse mode otherwise."""
    text = "+".join(f"a{k} * (x / c{k})**(0.3 + {k}/10)" for k in range(5))
    curve, values = curve_of(text, {"x": DOSE}, None, None), np.linspace(1, 2, 10)
    found = curve.evaluate(values, range(10), [DOSE])[1]
    assert not found[DOSE == 0].any() and np.isfinite(found).all() and found[DOSE > 0].all()


@pytest.mark.parametrize(
    ("text", "x", "needed"),
    [
        ("a * exp(-b * x) + c", DOSE, False),
        ("a * x / (k + x)", DOSE, False),
        ("a * x**2 + b * x", DOSE, False),
        ("a * sqrt(x) + b", DOSE, False),
        ("a * sin(w * x)", DOSE, False),
        ("a * x**b + c", DOSE, False),
        ("a / (1 + x**b)", DOSE, True),
        ("(a * x)**b", DOSE, True),
        ("(a * x)**b", DOSE + 1, False),
        ("(a * (x - 1))**b", DOSE + 1, True),
        ("a / exp(-b * x)", DOSE, False),
        ("a / x + b", DOSE, False),
        ("a * exp(-(x / s)**2)", DOSE, False),
        ("a / (1 + (x / s)**2)", DOSE, False),
        ("a * (x / s)**0.5", DOSE, True),
        ("a / (1 + b / x)", DOSE, True),
        ("a * exp(-b * log(x))", DOSE, True),
        ("a / (x / b)", DOSE, True),
    ],
)
def test_only_models_with_edges_pay_for_them(text: str, x: np.ndarray, needed: bool) -> None:
    curve = curve_of(text, {"x": x}, None, None)
    assert curve.traced([x], range(len(curve.names)), len(x)).edges.needed([x]) == needed


@pytest.mark.parametrize(
    ("text", "p0", "said"),
    [
        ("cbrt(p**3) * x + x**q", [0, 1], r"derivative .* with respect to p .* in row 0 \(x = 0\) and 19 more"),
        ("sqrt(p) * x + x**q", [0, 1], "with respect to p .* in row 0"),
        ("(p**2)**0.5 * x + (q * x)**0.3", [0, 1], r"with respect to p .* in row 1 \(x = 0.01\) and 17 more"),
        ("p * log(x) + q", [1, 1], r"The model is not finite at the starting values, in row 0 \(x = 0\) and 1 more"),
        ("p * x * log(x) + q", [1, 1], r"in row 0 \(x = 0\) and 1 more"),
        ("p * x**q", [1, -1], r"in row 0 \(x = 0\) and 1 more"),
        ("p * (x - q)**0.5", [1, 0.1], r"in row 0 \(x = 0\) and 5 more"),
        ("p * exp(1000 * q * x)", [1, 1], "in row 5"),
        ("p * exp(4 * q * x)", [1, 1], "its square over sigma overflows"),
    ],
)
def test_where_there_is_no_limit_the_rows_are_named(text: str, p0: list[float], said: str) -> None:
    with pytest.raises(FitError, match=said):
        curve_fit(text, DOSE, DOSE, p0, method="trf")  # from this start alone


def test_rows_are_named_without_starts_too() -> None:
    with pytest.raises(FitError, match=r"not finite at the starting values, in row 0 \(x = 0\) and 1 more"):
        curve_fit("a * log(x) + b", DOSE, DOSE)


def test_a_loss_of_ones_own_is_not_fitted_by_derivatives_that_are_none() -> None:
    with pytest.raises(FitError, match="A derivative of the cost became infinite or nan"):
        curve_fit("a * (x / c)**b", DOSE, DOSE, [1, 1, 0.5], loss=lambda y, f: (y - f) ** 2)


# The ops themselves.


def second(f: Callable[..., Any], i: int, j: int) -> list[Callable[..., Any]]:
    """The derivative by arguments i and j in every order of modes."""

    def forward(f: Callable[..., Any], k: int) -> Callable[..., Any]:
        return lambda *p: jg.jvp(lambda one: f(*p[:k], one, *p[k + 1 :]), [p[k]], [1.0])[1]

    ways = [jg.grad, forward]
    return [outer(inner(f, i), j) for inner in ways for outer in ways]


@pytest.mark.parametrize(
    ("h", "by_x", "by_xx", "by_xh"), [(3.0, 0, 0, 0), (2.5, 0, 0, 0), (2.0, 0, 2, 0), (1.5, 0, math.inf, 0), (1.0, 1, 0, None)]
)
def test_a_power_of_zero(h: float, by_x: float, by_xx: float, by_xh: float | None) -> None:
    power = lambda x, h: x**h  # noqa: E731
    assert float(jg.grad(power, 0)(0.0, h)) == by_x
    assert float(jg.grad(power, 1)(0.0, h)) == 0
    for derivative in second(power, 1, 1):
        assert float(derivative(0.0, h)) == 0
    for derivative in second(power, 0, 0):
        assert float(derivative(0.0, h)) == by_xx
    if by_xh is not None:
        for derivative in [*second(power, 0, 1), *second(power, 1, 0)]:
            assert float(derivative(0.0, h)) == by_xh


def test_a_model_made_of_an_op_with_several_results() -> None:
    def model(x: Any, a: Any, b: Any) -> Any:
        return jg.linalg.det(jg.stack([jg.stack([a, 1.0]), jg.stack([b, 2.0])])) * x**b

    popt, pcov = curve_fit(model, DOSE, (2 * 2 - 0.5) * DOSE**0.5, p0=[1.0, 1.0])
    np.testing.assert_allclose(popt, [2, 0.5], rtol=1e-7)
    assert np.isfinite(pcov).all()
