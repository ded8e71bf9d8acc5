"""The dimensions of parameters: the exponents of each column, and last of the response."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.curvefit.curve import Curve, curve_of
from jitgrad.curvefit.dimensions import dimensions, oscillates

X = np.arange(5.0)
CASES: list[tuple[str, dict[str, tuple[float, float]]]] = [
    ("a + b * x + c * x**2", {"a": (0, 1), "b": (-1, 1), "c": (-2, 1)}),
    ("a * exp(-x / t) + c", {"a": (0, 1), "t": (1, 0), "c": (0, 1)}),
    ("a * exp(b * (x - 1950))", {"a": (0, 1), "b": (-1, 0)}),
    ("a * exp(-(x - m)**2 / (2 * s**2))", {"a": (0, 1), "m": (1, 0), "s": (1, 0)}),
    ("a / (1 + ((x - m) / w)**2) + c", {"a": (0, 1), "m": (1, 0), "w": (1, 0), "c": (0, 1)}),
    ("a * sin(2 * pi * f * x + p)", {"a": (0, 1), "f": (-1, 0), "p": (0, 0)}),
    ("v * x / (k + x + x**2 / i)", {"v": (0, 1), "k": (1, 0), "i": (1, 0)}),
    ("(a + b * x) / (1 + c * x + d * x**2)", {"a": (0, 1), "b": (-1, 1), "c": (-1, 0), "d": (-2, 0)}),
    ("c + (d - c) / (1 + (x / m)**h)", {"c": (0, 1), "d": (0, 1), "m": (1, 0), "h": (0, 0)}),
    ("sqrt(a + b * x**2)", {"a": (0, 2), "b": (-2, 2)}),
    ("cbrt(a) * x**-2", {"a": (6, 3)}),
    ("a * (1 + x / b)**(1 / 2) * x**(2 * 3)", {"a": (-6, 1), "b": (1, 0)}),
    ("a * log(b * x + 1)", {"a": (0, 1), "b": (-1, 0)}),
    ("a * arctan2(b, x - c)", {"a": (0, 1), "b": (1, 0), "c": (1, 0)}),
    ("where(x < m, a, b * abs(x))", {"m": (1, 0), "a": (0, 1), "b": (-1, 1)}),
    ("a / sqrt((w**2 - x**2)**2 + (g * x)**2)", {"a": (2, 1), "w": (1, 0), "g": (1, 0)}),
    ("maximum(a * x, -b)", {"a": (-1, 1), "b": (0, 1)}),
]


@pytest.mark.parametrize(("model", "expected"), CASES)
def test_dimensions_of_parameters(model: str, expected: dict[str, tuple[float, float]]) -> None:
    curve = curve_of(model, {"x": X}, None, None)
    found = dimensions(curve.traced([X], range(len(curve.names)), 5).recorded)
    assert sorted(curve.names) == sorted(expected)
    np.testing.assert_allclose(found, [expected[name] for name in curve.names], atol=1e-12)


def test_several_columns_have_a_dimension_each() -> None:
    columns = {"u": np.arange(5.0), "v": np.arange(5.0)}
    curve = curve_of("a * exp(-u / t) * v / (k + v) + q * u * v", columns, None, None)
    found = dimensions(curve.traced(curve.chosen(columns), range(4), 5).recorded)
    expected = {"a": (0, 0, 1), "t": (1, 0, 0), "k": (0, 1, 0), "q": (-1, -1, 1)}
    np.testing.assert_allclose(found, [expected[name] for name in curve.names], atol=1e-12)


def test_sums_and_products_of_rows_keep_dimensions() -> None:
    def model(x: Any, a: Any, b: Any) -> Any:
        return jg.cumsum(a * x) + jg.matmul(np.eye(5), jg.concatenate([jg.stack([b, b]), b * x[2:] ** 0]))

    x = np.arange(1.0, 6)
    found = dimensions(Curve(model, ["a", "b"], [""]).traced([x], [0, 1], 5).recorded)
    np.testing.assert_allclose(found, [(-1, 1), (0, 1)], atol=1e-12)


def test_what_was_recorded_before_is_a_number() -> None:
    weights = jg.exp(jg.tensor(np.arange(5.0))) * 2
    found = dimensions(Curve(lambda x, a, b: a * weights * jg.exp(-b * x), ["a", "b"], [""]).traced([X], [0, 1], 5).recorded)
    np.testing.assert_allclose(found, [(0, 1), (-1, 0)], atol=1e-12)


def test_what_is_left_open_is_shared_evenly() -> None:
    curve = curve_of("a * b * x", {"x": X}, None, None)
    found = dimensions(curve.traced([X], range(2), 5).recorded)
    np.testing.assert_allclose(found, [(-0.5, 0.5), (-0.5, 0.5)])


@pytest.mark.parametrize(("model", "expected"), [("a * sin(x)", True), ("a * tan(x) + 1", True), ("a * tanh(x)", False)])
def test_models_that_oscillate(model: str, expected: bool) -> None:
    assert oscillates(curve_of(model, {"x": X}, None, None).traced([X], [0], 5).recorded) == expected
