"""Fits without starting values find the minimum around the truth, or a lower one."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import pytest

from jitgrad import curve_fit
from jitgrad.curvefit.curve import curve_of
from jitgrad.errors import FitError, FitWarning
from tests.curvefit.places import drawn, even, logs


class Case(NamedTuple):
    """A formula, values of x, and its true parameters."""

    formula: str
    x: np.ndarray
    truth: dict[str, float]

    def __str__(self) -> str:
        return f"{self.formula}-{len(self.x)}"


YEARS = np.arange(1950.0, 2021)
CASES = [
    # peaks
    Case("a * exp(-(x-m)**2 / (2*s**2)) + c", even(0, 1, 2000), {"a": 3, "m": 0.312, "s": 2e-3, "c": 1}),
    Case("a * exp(-(x-m)**2 / (2*s**2))", even(400, 700, 300), {"a": 3e-6, "m": 589.3, "s": 1.2}),
    Case("a * exp(-((x-m) / s)**2) + c", even(0, 10, 12), {"a": -2, "m": 3, "s": 0.8, "c": 5}),
    Case("a / (1 + ((x-m) / w)**2) + c", even(1e9, 2e9, 200), {"a": 3, "m": 1.6e9, "w": 2e7, "c": 1}),
    Case("a / (1 + ((x-m) / w)**2)", drawn(0, 30, 10), {"a": 3, "m": 12, "w": 4}),
    Case("a / cosh((x-m) / w)**2", even(-1e-8, 1e-8, 120), {"a": 4, "m": -2e-9, "w": 5e-10}),
    Case(
        "a * exp(-(x-m)**2 / (2*s**2)) + b * exp(-(x-n)**2 / (2*t**2))", even(0, 10, 100),
        {"a": 3, "m": 3, "s": 0.5, "b": 2, "n": 6.5, "t": 0.8},
    ),
    Case(
        "a * exp(-(x-m)**2 / (2*s**2)) + b * exp(-(x-n)**2 / (2*t**2)) + d * exp(-(x-o)**2 / (2*u**2)) + c",
        even(500, 600, 300), {"a": 3, "m": 510, "s": 4, "b": 2, "n": 525, "t": 7, "d": 1, "o": 560, "u": 6, "c": 0.3},
    ),
    Case(
        "c + a * (q + 2*(x-m)/g)**2 / (1 + (2*(x-m)/g)**2)", even(58, 62, 150),
        {"a": 2, "q": 1.5, "m": 60.1, "g": 0.3, "c": 1},
    ),
    # doses and steps
    Case("c + (d-c) / (1 + (x/m)**h)", logs(1e-9, 1e-4, 18), {"c": 5, "d": 95, "m": 4e-7, "h": 0.9}),
    Case("v * x**h / (k**h + x**h)", logs(1e-9, 1e-5, 30), {"v": 4e-6, "k": 2e-7, "h": 1.8}),
    Case("v * x / (k + x + x**2 / i)", drawn(0.1, 30, 40), {"v": 9, "k": 1.5, "i": 4}),
    Case("k / (1 + (k-n) / n * exp(-r * (x-1950)))", YEARS, {"k": 350, "n": 30, "r": 0.06}),
    Case("a * exp(-b * exp(-c*x))", even(0, 10, 40), {"a": 7, "b": 5, "c": 0.8}),
    Case("a + b * arctan(c * (x-d))", even(-50, -30, 60), {"a": -2, "b": 1.4, "c": 3, "d": -40}),
    Case(
        "a / (1 + exp(-k*(x-m))) + b / (1 + exp(-l*(x-n)))", even(0, 10, 150),
        {"a": 1, "k": 3, "m": 3, "b": 2, "l": 2, "n": 7},
    ),
    # rational functions and powers
    Case("(a + b*x) / (1 + c*x + d*x**2)", even(0, 10, 60), {"a": 1, "b": 2, "c": 0.3, "d": 0.2}),
    Case("1 / (a + b * x**c)", even(0.1, 10, 50), {"a": 0.5, "b": 0.03, "c": 2.1}),
    Case("a * x**b + c", logs(1e-9, 1e-6, 60), {"a": 1e-6, "b": -0.4, "c": 4e-10}),
    Case("a * (x-d)**b", even(-2.9, 10, 50), {"a": 2, "d": -3, "b": 0.6}),
    Case("a * (1 - x/b)**c", even(10, 90, 50), {"a": 2, "b": 93, "c": 0.33}),
    Case("r + (s-r) / (1 + (a*x)**n)**(1 - 1/n)", logs(1, 15000, 30), {"r": 0.05, "s": 0.45, "a": 0.03, "n": 1.6}),
    # exponentials
    Case("a * exp(-x/t) + c", even(0, 80e-9, 300), {"a": -4e-6, "t": 11e-9, "c": 1e-6}),
    Case("a * exp(b*x)", np.arange(1900.0, 2001), {"a": 1e-20, "b": 0.03}),
    Case("a * exp(b * (x-1950)) + c", YEARS, {"a": 3, "b": 0.05, "c": 310}),
    Case("a * exp(-b*x) + c * exp(-d*x) + f", even(0, 6e-8, 300), {"a": 3, "b": 5e8, "c": 2, "d": 5e7, "f": 0.5}),
    Case(
        "a * exp(-x/b) + c * exp(-x/d) + f * exp(-x/g)", logs(0.01, 60, 150),
        {"a": 3, "b": 0.3, "c": 2, "d": 2, "f": 1, "g": 20},
    ),
    Case("a * exp(-(x/t)**b)", logs(1e-5, 0.1, 40), {"a": 5, "t": 3e-3, "b": 0.6}),
    Case("a * exp(b / (x+c))", even(250, 400, 30), {"a": 0.1, "b": 900, "c": -140}),
    Case("A * exp(-E / (8.314*x))", even(280, 350, 20), {"A": 1e13, "E": 8e4}),
    Case("a * x**3 / (exp(b*x) - 1)", even(0.1, 12, 60), {"a": 2, "b": 1.1}),
    # oscillations
    Case("a * sin(w*x + p) + c", even(0, 10, 200), {"a": 2, "w": 25, "p": 0.4, "c": 1}),
    Case("a * sin(w*x + p) + c", even(0, 10, 2000), {"a": 2, "w": 130, "p": 0.4, "c": 1}),
    Case("a * sin(2*pi*f*x + p)", even(0, 1, 20_000), {"a": 2, "f": 7333.3, "p": 0.3}),
    Case("a * sin(2*pi*f*x + p)", drawn(0, 1e-6, 300), {"a": 2, "f": 93e6, "p": -2}),
    Case("a * sin(x/t + p) + b*x + c", even(0, 10, 200), {"a": 2, "t": 0.21, "p": 0.3, "b": 0.4, "c": 3}),
    Case("a * cos(w*x)**2 + c", even(0, 12, 100), {"a": 2, "w": 2.7, "c": 1}),
    Case("a * sin(w * (x-d)) + c + m*x", even(1958, 2020, 745), {"a": 6, "w": 0.58, "d": 1990, "c": -300, "m": 0.34}),
    Case("a * exp(-x/t) * sin(2*pi*f*x + p) + c", drawn(0, 1e-6, 300), {"a": -4e-6, "t": 3e-7, "f": 12e6, "p": 2, "c": 1e-6}),
    Case("a * sin(w*x) + b * sin(v*x)", even(0, 10, 200), {"a": 2, "w": 3.1, "b": 1, "v": 7.7}),
    Case(
        "a * cos(w * (x-d)) + b * cos(v * (x-f)) + c", even(0, 240, 400),
        {"a": 2, "w": 0.506, "d": 3, "b": 1, "v": 0.262, "f": 10, "c": 5},
    ),
    Case("a * sin(w * x**2 + p)", even(0, 8, 200), {"a": 2, "w": 0.7, "p": 0.5}),
]  # fmt: skip


def searched(formula: str, columns: Any, truth: dict[str, float], noise: float) -> tuple[Any, Any]:
    """Return the fit without starting values, and the one from the truth."""
    curve = curve_of(formula, columns, None, None)
    said = curve.evaluate(np.array([truth[name] for name in curve.names]), [], curve.chosen(columns))[0]
    y = said + noise * np.median(np.abs(said - np.median(said))) * np.random.default_rng(7).normal(size=len(said))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return curve_fit(formula, columns, y), curve_fit(formula, columns, y, truth)


@pytest.mark.parametrize("noise", [0.02, 0.1])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_minimum_is_found_without_starting_values(case: Case, noise: float) -> None:
    found, expected = searched(case.formula, {"x": case.x}, case.truth, noise)
    assert found.cost <= expected.cost * (1 + 1e-6) and found.converged


U, V = drawn(0, 1, 150), np.random.default_rng(2).uniform(0, 1, 150)
OF_TWO = [
    ("a * exp(-u/t) * v / (k+v)", {"u": 1e-6 * U, "v": 1e4 * V}, {"a": 3, "t": 2e-7, "k": 3e3}),
    (
        "a * exp(-(u-m)**2 / (2*s**2) - (v-n)**2 / (2*t**2)) + c", {"u": 10 * U, "v": 5000 * V},
        {"a": 3, "m": 4, "s": 0.8, "n": 2000, "t": 300, "c": 1},
    ),
    ("v * s / (k * (1 + i/j) + s)", {"s": 1e-4 * U, "i": 1e-2 * V}, {"v": 9, "k": 1e-5, "j": 3e-3}),
    ("a * sin(w*u + q*v + p)", {"u": 10 * U, "v": 2000 * V}, {"a": 2, "w": 1.1, "q": 3e-3, "p": 0.4}),
    ("A * exp(-E / (8.314*T)) * c**n", {"T": 280 + 120 * U, "c": 0.01 + 2 * V}, {"A": 1e7, "E": 5e4, "n": 1.5}),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "columns", "truth"), OF_TWO, ids=[formula for formula, _, _ in OF_TWO])
def test_columns_may_have_scales_of_their_own(formula: str, columns: dict[str, np.ndarray], truth: dict[str, float]) -> None:
    found, expected = searched(formula, columns, truth, 0.05)
    assert found.cost <= expected.cost * (1 + 1e-6)


def test_bounds_and_known_starts_are_kept_to() -> None:
    x = even(0, 10, 100)
    y = 2 * np.sin(5 * x) + 0.5 * np.sin(2 * x)
    expected = curve_fit("a * sin(w*x)", x, y, {"a": 0.5, "w": 2}).parameters
    assert expected["w"] == pytest.approx(2, rel=0.05)
    assert curve_fit("a * sin(w*x)", x, y, bounds={"w": (1, 3)}).parameters == pytest.approx(expected)
    assert curve_fit("a * sin(w*x)", x, y, {"w": 2.1}).parameters == pytest.approx(expected)


def test_exact_data_have_one_minimum() -> None:
    """Costs that are rounding errors are not distinguished."""
    x = even(0, 5, 40)
    result = curve_fit("a * exp(-b*x) + c", x, 2 * np.exp(-x) + 1)
    assert result.n_minima == 1 and result.parameters == pytest.approx({"a": 2, "b": 1, "c": 1})


def test_a_search_is_the_same_to_the_bit_again() -> None:
    case = next(case for case in CASES if len(case.x) == 745)
    first, second = (searched(case.formula, {"x": case.x}, case.truth, 0.02)[0] for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)
    assert first.n_minima == second.n_minima


@pytest.mark.parametrize("place", range(0, 600, 60))
def test_a_model_that_is_not_finite_in_one_row_of_many(place: int) -> None:
    """Whether or not this row is among those on which starts are tried."""
    x = even(0.001, 5, 600)
    x[place] = 0
    with pytest.raises(FitError, match=r"not finite at the first of 129 starting points, .* nor at any of the other"):
        curve_fit("a * log(x) * exp(-b)", x, np.ones(600))
