"""Formulas as estimators: how columns have their names, and what is known of the parameters."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
import polars as pl
from sklearn.base import clone

from jitgrad import curve_fit
from jitgrad.curvefit import ode
from jitgrad.sklearn import FormulaRegressor

T = np.linspace(0, 4, 40)
DOSE = np.tile([0.0, 1.0], 20)
Y = 2.5 * np.exp(-1.3 * T) + 0.5 + 0.3 * DOSE + 0.05 * np.random.default_rng(0).normal(size=40)
FRAME = pl.DataFrame({"dose": DOSE, "time (h)": T})
BY_NAME = "a * exp(-b * `time (h)`) + c + d * dose"
BY_PLACE = "a * exp(-b * x2) + c + d * x1"


def test_columns_have_the_names_of_the_frame_or_numbers() -> None:
    by_name = FormulaRegressor(BY_NAME).fit(FRAME, Y)
    by_place = FormulaRegressor(BY_PLACE).fit(FRAME.to_numpy(), Y)
    framed = FormulaRegressor(BY_PLACE).fit(FRAME, Y)
    expected = curve_fit(BY_NAME, FRAME, Y).parameters
    assert list(by_name.feature_names_in_) == ["dose", "time (h)"]
    for model in (by_name, by_place, framed):
        assert model.parameters_ == pytest.approx(expected, rel=1e-7)
    np.testing.assert_allclose(by_name.predict(FRAME), by_place.predict(FRAME.to_numpy()), rtol=1e-7)


@pytest.mark.parametrize("formula", ["a * exp(-b * x) + c", "a * exp(-b * x1) + c", "exponential_decay"])
def test_an_only_column_is_x(formula: str) -> None:
    model = FormulaRegressor(formula).fit(T[:, None], Y)
    framed = FormulaRegressor(formula).fit(FRAME.select("time (h)"), Y)
    np.testing.assert_array_equal(model.predict(T[:, None]), framed.predict(FRAME.select("time (h)")))
    assert model.score(T[:, None], Y) > 0.9


def test_x1_is_a_parameter_where_columns_have_names_that_the_formula_has() -> None:
    model = FormulaRegressor("x1 * dose + c").fit(FRAME, Y)
    assert list(model.parameters_) == ["x1", "c"]


def test_arguments_are_those_of_curve_fit() -> None:
    weights = np.linspace(1, 2, 40)
    options: dict[str, Any] = {
        "p0": {"a": 2.0, "b": 1.0, "c": 0.4, "d": 0.1}, "bounds": {"b": (0, 1.2)}, "loss": "huber", "f_scale": 0.1,
        "fixed": {"d": 0.3}, "max_nfev": 500,
    }  # fmt: skip
    with pytest.warns(UserWarning, match="bound"):
        model = FormulaRegressor(BY_PLACE, **options).fit(FRAME.to_numpy(), Y, sample_weight=weights)
    with pytest.warns(UserWarning, match="bound"):
        expected = curve_fit(BY_NAME, FRAME, Y, sigma=weights**-0.5, **options)
    assert model.parameters_ == pytest.approx(expected.parameters, rel=1e-9)
    np.testing.assert_allclose(model.estimates_.stderr, expected.stderr, rtol=1e-7)
    assert model.parameters_["d"] == 0.3 and model.parameters_["b"] == pytest.approx(1.2)


def test_differential_equations() -> None:
    """They take frames by name, arrays by number, rows in any order, and rows with several doses in a prediction."""
    table = pl.DataFrame({"dose": np.full(40, 2.0), "time": T})
    model = FormulaRegressor(ode("A' = -k * A", {"A": "dose * f"}), p0={"k": 1, "f": 1}).fit(table.reverse(), Y[::-1])
    expected = curve_fit("dose * f * exp(-k * time)", table, Y).parameters
    assert clone(model).fit(table, Y).parameters_ == pytest.approx(expected, rel=1e-5)
    assert model.parameters_ == pytest.approx(expected, rel=1e-5)
    said = model.predict(pl.DataFrame({"dose": [2.0, 4.0, 2.0], "time": [1.0, 1.0, 0.0]}))
    np.testing.assert_allclose(said, 2 * expected["f"] * np.exp(-expected["k"] * np.array([1, 1, 0])) * [1, 2, 1], rtol=1e-5)
    by_place = FormulaRegressor(ode("A' = -k * A", {"A": "x1 * f"}, time="x2"), p0={"k": 1, "f": 1})
    assert by_place.fit(table.to_numpy(), Y).parameters_ == pytest.approx(expected, rel=1e-5)


def test_limits_and_pickles() -> None:
    model = FormulaRegressor(BY_NAME).fit(FRAME, Y)
    expected = curve_fit(BY_NAME, FRAME, Y)
    np.testing.assert_allclose(model.band(FRAME, 0.9), expected.band(level=0.9), rtol=1e-6)
    np.testing.assert_allclose(model.band(FRAME, prediction=True), expected.band(prediction=True), rtol=1e-6)
    whole = pickle.dumps(model)
    np.testing.assert_array_equal(pickle.loads(whole).predict(FRAME), model.predict(FRAME))
    assert len(whole) < 3000  # no rows, no Programs


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("a * exp(", "formula"),
        (3, "The formula is 3. Give a string"),
        ("expp(x1) * a", "expp"),
        ("a + b + c + d1 * x1 ** k + l * x2 ** m + n * sin(o * x1) + p * exp(q * x2)", "must not exceed"),
    ],
)
def test_wrong_use_says_what_to_do(formula: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FormulaRegressor(formula).fit(FRAME.to_numpy()[:8], Y[:8])
