"""Symmetries of models are found, and one of several equivalent estimates is chosen."""

from __future__ import annotations

import numpy as np
import pytest

from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import curve_of
from jitgrad.curvefit.given import DEFAULTS
from jitgrad.groupfit.symmetries import symmetries_of
from jitgrad.groupfit.trials import Trials

X = np.linspace(0.1, 5, 50)  # ten a unit
CASES = [
    ("a * exp(-k*x) + b * exp(-r*x)", {"a": 2, "k": 3, "b": 1, "r": 0.4}, {"a": 1, "k": 0.4, "b": 2, "r": 3}),
    ("a * exp(-k*x) + b * exp(-r*x)", {"a": 2, "k": 0.3, "b": 1, "r": 0.4}, None),
    ("a * exp(-k*x) + b * exp(-x/r)", {"a": 2, "k": 3, "b": 1, "r": 0.4}, None),
    ("a * exp(-k*x) + b", {"a": -2, "k": -0.3, "b": -1}, None),
    ("a * exp(-(x-m)**2 / (2*s**2)) + c", {"a": 1, "m": 2, "s": -0.7, "c": 0.1}, {"a": 1, "m": 2, "s": 0.7, "c": 0.1}),
    (
        "a*exp(-(x-m)**2/s**2) + b*exp(-(x-n)**2/t**2) + c*exp(-(x-o)**2/u**2)",
        {"a": 1, "m": 3, "s": 0.2, "b": 2, "n": 2, "t": -0.3, "c": 3, "o": 1, "u": 0.4},
        {"a": 3, "m": 1, "s": 0.4, "b": 2, "n": 2, "t": 0.3, "c": 1, "o": 3, "u": 0.2},
    ),
    ("c + (d-c) / (1 + (x/m)**h)", {"c": 1, "d": 4, "m": 2, "h": -1.5}, {"c": 4, "d": 1, "m": 2, "h": 1.5}),
    ("c + k / (1 + exp(-r * (x-m)))", {"c": 3, "k": -2, "r": -0.7, "m": 2}, {"c": 1, "k": 2, "r": 0.7, "m": 2}),
    ("a * sin(w*x)", {"a": 2, "w": -3}, {"a": -2, "w": 3}),
    ("a * sin(w*x + p)", {"a": -2, "w": -3, "p": 1}, {"a": 2, "w": 3, "p": -1}),
    ("a * sin(w*x + p)", {"a": -2, "w": 3, "p": 7}, {"a": 2, "w": 3, "p": 7 - 3 * np.pi}),
    ("a * cos(w*x + p)**2 + c", {"a": 2, "w": 3, "p": 5, "c": 1}, {"a": 2, "w": 3, "p": 5 - 2 * np.pi, "c": 1}),
    ("a * sin(2*pi*f*x + p)", {"a": 2, "f": 12.3, "p": 1}, {"a": 2, "f": 2.3, "p": 1}),
    ("a * sin(2*pi*f*x + p)", {"a": 2, "f": -8.3, "p": 1}, {"a": 2, "f": 1.7, "p": 1}),
    ("a * sin(w*x + p)", {"a": 2, "w": 20 * np.pi - 3, "p": 1}, {"a": 2, "w": 3, "p": np.pi - 1}),
    ("k / V / (k-r) * (exp(-r*x) - exp(-k*x))", {"k": 0.5, "V": 0.1, "r": 2}, {"k": 2, "V": 0.4, "r": 0.5}),
    ("k / V / (k-r) * (exp(-r*x) - exp(-k*x))", {"k": 2, "V": 0.4, "r": 0.5}, None),
    ("F * k / (r-k) * (exp(-k*x) - exp(-r*x))", {"F": 4, "r": 2, "k": 0.5}, {"F": 1, "r": 0.5, "k": 2}),
    ("a * cos(2*pi*(x/t - p)) + c", {"a": 2, "t": 3, "p": 5.2, "c": 1}, {"a": 2, "t": 3, "p": 0.2, "c": 1}),
]


@pytest.mark.parametrize(("formula", "values", "chosen"), CASES)
def test_values_that_say_the_same(formula: str, values: dict[str, float], chosen: dict[str, float] | None) -> None:
    curve = curve_of(formula, {"x": X}, None, None)
    n = len(curve.names)
    groups = Groups([X], np.zeros(len(X)), None, np.array([[0, len(X)]], np.uint64), True)
    trials = Trials(curve, range(n), groups, np.full((1, n), np.nan), None, DEFAULTS, 1)
    given, errors = np.array([[values[name] for name in curve.names]], float), np.arange(1.0, n + 1)[None]
    found, their_errors = symmetries_of(trials, given).chosen(given, errors)
    expected = given[0] if chosen is None else [chosen[name] for name in curve.names]
    np.testing.assert_allclose(found[0], expected, rtol=1e-12)
    said = [curve.evaluate(one, (), [X])[0] for one in (given[0], found[0])]
    np.testing.assert_allclose(said[0], said[1], rtol=1e-9, atol=1e-12)
    assert {"V", "F"} & values.keys() or sorted(their_errors[0]) == errors[0].tolist()
    again, _ = symmetries_of(trials, found).chosen(found, errors)
    np.testing.assert_array_equal(again, found)


def test_axes_of_an_ellipse() -> None:
    """Exchanged axes are rotated by a right angle."""
    u, v = (c.ravel() for c in np.meshgrid(np.arange(9.0), np.arange(9.0)))
    along, across = "(cos(t) * (u-m) + sin(t) * (v-n))", "(cos(t) * (v-n) - sin(t) * (u-m))"
    curve = curve_of(f"a * exp(-({along}**2 / r**2 + {across}**2 / s**2)) + c", {"u": u, "v": v}, None, None)
    groups = Groups([u, v], np.zeros(81), None, np.array([[0, 81]], np.uint64), True)
    trials = Trials(curve, range(7), groups, np.full((1, 7), np.nan), None, DEFAULTS, 1)
    values = np.array([[{"a": 2, "t": 5.5, "m": 4, "n": 3, "r": 3, "s": -2, "c": 1}[name] for name in curve.names]])
    found = dict(zip(curve.names, symmetries_of(trials, values).chosen(values, values)[0][0], strict=True))
    expected = {"a": 2, "t": 5.5 - 1.5 * np.pi, "m": 4, "n": 3, "r": 2, "s": 3, "c": 1}
    assert found == pytest.approx(expected)


def test_errors_go_with_their_components() -> None:
    curve = curve_of("a * exp(-k*x) + b * exp(-r*x)", {"x": X}, None, None)
    groups = Groups([X], np.zeros(len(X)), None, np.array([[0, len(X)]], np.uint64), True)
    trials = Trials(curve, range(4), groups, np.full((1, 4), np.nan), None, DEFAULTS, 1)
    values = np.array([[2, 3, 1, 0.4], [2, 0.3, 1, 0.4]])
    found, errors = symmetries_of(trials, values).chosen(values, np.array([[0.2, 0.3, 0.1, 0.04], [0.2, 0.03, 0.1, 0.04]]))
    np.testing.assert_array_equal(found, [[1, 0.4, 2, 3], values[1]])
    np.testing.assert_array_equal(errors, [[0.1, 0.04, 0.2, 0.3], [0.2, 0.03, 0.1, 0.04]])
