"""Functions as plain data: recorded operations give the same values when they are recorded again."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.curvefit.curve import Curve, TupleCurve, curve_of
from jitgrad.errors import UnsupportedError

X = np.linspace(0.1, 2, 7)


def branches(x: Any, a: Any, b: Any) -> Any:
    return np.where(x > 1, a * np.exp(-b * x), a / 2) + np.float32(3) * x**2 + np.minimum(x, a) ** b


FUNCTIONS = {
    "branches": branches,
    "special": lambda x, a, b: jg.special.jv(1, a * x) + jg.special.gamma(b + x),
    "a parameter": lambda x, a, b: a,
    "a column": lambda x, a, b: x,
    "whole numbers": lambda x, a, b: a * x**3 + b * (x > 1) + 2**b,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_was_recorded_says_the_same(name: str) -> None:
    curve = curve_of(FUNCTIONS[name], {"": X}, None, None)
    sent = pickle.loads(pickle.dumps(curve.portable()))
    assert sent.names == ["a", "b"] and sent.key is not None and sent.portable() is sent
    values = np.array([1.3, 0.7])
    for one, two in zip(curve.evaluate(values, range(2), [X], 7), sent.evaluate(values, range(2), [X], 7), strict=True):
        np.testing.assert_array_equal(one, two)


def test_columns_by_name_and_as_a_tuple() -> None:
    by_name = curve_of(lambda d, a: a * d["u"] + d["v"], {"u": X, "v": X**2}, None, None)
    as_tuple = TupleCurve(lambda uv, a: a * uv[0] + uv[1], ["a"], ["u", "v"])
    for curve in (by_name, as_tuple):
        sent = pickle.loads(pickle.dumps(curve.portable()))
        assert type(sent) is type(curve)
        np.testing.assert_allclose(sent.values(np.array([2.0]), (), [X, X**2]), 2 * X + X**2)


def test_formulas_are_their_text() -> None:
    curve = curve_of("a * x", {"x": X}, None, None)
    assert curve.portable() is curve and b"a * x" in pickle.dumps(curve)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x, a: a * x / np.mean(x), "the op sum"),
        (lambda x, a: a * x + np.arange(3.0), "an array or a Variable"),
        (lambda x, a: a * np.cumsum(x), "the op cumsum"),
    ],
)
def test_what_no_plain_data_say(function: Any, said: str) -> None:
    with pytest.raises(UnsupportedError, match=f"The function <lambda> uses {said}.*Write the model as a formula"):
        Curve(function, ["a"], [""]).portable()
