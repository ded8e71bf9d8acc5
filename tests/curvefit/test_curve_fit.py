"""``curve_fit`` compared with SciPy's, and the properties of its results."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.optimize
import scipy.stats

import jitgrad as jg
from jitgrad import curve_fit, curvefit
from jitgrad.curvefit.curve import curve_of
from jitgrad.errors import (
    ArgumentError,
    DataError,
    FitError,
    FitWarning,
    FormulaError,
    JitgradError,
    OptionError,
    RowsError,
    ShapeError,
)  # fmt: skip

RNG = np.random.default_rng(20)
X = np.linspace(0, 4, 50)


def decay(x: Any, a: Any, b: Any, c: Any) -> Any:
    return a * np.exp(-b * x) + c


Y = decay(X, 2.5, 1.3, 0.5) + 0.2 * RNG.normal(size=50)
SIGMA = RNG.uniform(0.1, 1, 50)
P0 = [1.0, 1.0, 1.0]
TIGHT = {"ftol": 1e-14, "xtol": 1e-14, "gtol": 1e-14, "method": "trf", "jac": "3-point"}

# Beside SciPy.


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sigma": SIGMA},
        {"sigma": SIGMA, "absolute_sigma": True},
        {"sigma": np.diag(SIGMA**2) + 0.01},
        {"sigma": np.diag(SIGMA**2) + 0.01, "absolute_sigma": True},
        {"bounds": (0, [3.0, 1.0, 0.5])},
        {"bounds": scipy.optimize.Bounds([0, 0, 0], [3, 1, 0.5])},
        {"bounds": ([-np.inf, 1.4, -np.inf], np.inf)},
        {"loss": "soft_l1", "f_scale": 0.1},
        {"loss": "huber", "f_scale": 0.1},
        {"loss": "cauchy", "f_scale": 0.1},
        {"loss": "arctan", "f_scale": 0.3},
        {"loss": "huber", "f_scale": 0.1, "sigma": SIGMA},
    ],
    ids=str,
)
def test_the_same_as_scipy(options: dict[str, Any]) -> None:
    start = [1.0, 1.4 if options.get("bounds") == ([-np.inf, 1.4, -np.inf], np.inf) else 0.5, 0.3]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # at a bound
        ours, our_covariance = curve_fit(decay, X, Y, start, **options)
    theirs, their_covariance = scipy.optimize.curve_fit(decay, X, Y, start, **TIGHT, **options)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    np.testing.assert_allclose(our_covariance, their_covariance, rtol=1e-4)


def test_the_examples_of_scipy() -> None:
    """The examples of the documentation of ``scipy.optimize.curve_fit``, with a different import."""
    popt, pcov = curve_fit(decay, X, Y)
    np.testing.assert_allclose(popt, scipy.optimize.curve_fit(decay, X, Y)[0], rtol=1e-5)
    assert 1 < np.linalg.cond(pcov) < 100
    with pytest.warns(FitWarning, match="at a bound: b"):
        popt, _ = curve_fit(decay, X, Y, bounds=(0, [3.0, 1.0, 0.5]))
    np.testing.assert_allclose(popt, scipy.optimize.curve_fit(decay, X, Y, bounds=(0, [3.0, 1.0, 0.5]), **TIGHT)[0], rtol=1e-6)
    with pytest.warns(FitWarning, match="do not determine a and d; fix one of them"):
        popt, pcov = curve_fit(lambda x, a, b, c, d: a * d * np.exp(-b * x) + c, X, Y)
    assert np.linalg.cond(pcov) > 1e20
    assert min(pcov[0, 0], pcov[3, 3]) > 1e10 > max(pcov[1, 1], pcov[2, 2])
    popt, _ = curve_fit(decay, X, decay(X, 500000, 0.01, 15), method="trf", x_scale=[1000, 1, 1])
    np.testing.assert_allclose(popt, [500000, 0.01, 15], rtol=1e-6)


def test_full_output_is_scipys_tuple() -> None:
    popt, pcov, information, message, ier = curve_fit(decay, X, Y, P0, sigma=SIGMA, full_output=True)
    np.testing.assert_allclose(information["fvec"], (decay(X, *popt) - Y) / SIGMA)
    assert pcov.shape == (3, 3) and message.startswith("converged") and ier in (1, 2, 3, 4)
    assert information["nfev"] > 3


# Models.


def test_formulas_functions_and_names_are_the_same_model() -> None:
    by_function = curve_fit(decay, X, Y, P0)
    for model in ("a * exp(-b * x) + c", curvefit.formula("a * exp(-b * x) + c"), jg.function(decay)):
        result = curve_fit(model, X, Y, P0)
        assert result.names == ["a", "b", "c"]
        np.testing.assert_allclose(result.values, by_function.values, rtol=1e-12)
    line = curve_fit("line", X, Y)
    np.testing.assert_allclose(sorted(line.values), sorted(np.polyfit(X, Y, 1)), rtol=1e-9)


def test_several_columns() -> None:
    z = RNG.normal(size=50)
    y = 2 * X - 3 * z + 1
    expected = {"a": 2.0, "b": -3.0, "c": 1.0}
    results = [
        curve_fit("a*x1 + b*x2 + c", np.array([X, z]), y),
        curve_fit("a*u + b*v + c", {"u": X, "v": z}, y),
        curve_fit("a*u + b*v + c", {"u": X.tolist(), "v": z, "y": y}, "y"),
        curve_fit("a*u + b*v + c", pl.DataFrame({"u": X, "v": z, "y": y, "text": ["-"] * 50}), "y"),
        curve_fit(lambda x, a, b, c: a * x[0] + b * x[1] + c, np.array([X, z]), y),
        curve_fit(lambda t, a, b, c: a * t["u"] + b * t["v"] + c, {"u": X, "v": z}, y),
    ]
    for result in results:
        assert result.parameters == pytest.approx(expected, rel=1e-9)
        assert result.message.startswith("converged: the model fits the data to rounding error")


def test_a_function_of_many_parameters_takes_their_number_from_p0() -> None:
    y = 1 + 2 * X + 3 * X**2
    result = curve_fit(lambda x, *p: sum(c * x**k for k, c in enumerate(p)), X, y, p0=[1, 1, 1])
    assert result.names == ["p0", "p1", "p2"]
    np.testing.assert_allclose(result.values, [1, 2, 3], rtol=1e-9)
    with pytest.raises(ArgumentError, match="number of parameters is unknown"):
        curve_fit(lambda x, *p: p[0] * x, X, y)


def test_a_function_is_traced_again_when_what_it_closes_over_changes() -> None:
    offset = np.zeros(1)
    scale = 1.0

    def model(x: Any, a: Any) -> Any:
        return a * x * scale + offset

    assert float(curve_fit(model, X, 2 * X, [1.0]).values[0]) == pytest.approx(2)
    offset[0] = 1.0
    assert float(curve_fit(model, X, 2 * X + 1, [1.0]).values[0]) == pytest.approx(2)
    scale = 2.0
    assert float(curve_fit(model, X, 2 * X + 1, [1.0]).values[0]) == pytest.approx(1)


def test_both_modes_give_the_same_jacobian() -> None:
    """Many parameters use reverse mode; models that mix rows, for example with a sum, use forward mode."""
    text = "p10 * x"
    for k in range(0, 10, 2):
        text = f"p{k} * tanh({text} + p{k + 1})"
    reverse, forward = (curve_of(t, {"x": X}, None, None) for t in (text, f"{text} + 0 * sum(x)"))
    assert reverse.names == forward.names and len(reverse.names) == 11
    values = np.random.default_rng(4).normal(size=11)
    one, two = (curve.evaluate(values, range(11), [X]) for curve in (reverse, forward))
    np.testing.assert_allclose(one[0], two[0], rtol=1e-14)
    np.testing.assert_allclose(one[1], two[1], rtol=1e-12)
    assert reverse.traced([X], range(11), 50).by_rows and not forward.traced([X], range(11), 50).by_rows


def test_models_that_do_not_go_by_rows() -> None:
    """A convolution: each prediction depends on all rows, of which there are more than in a block."""
    x = np.linspace(0, 10, 3000)
    kernel = np.exp(-np.arange(5.0))

    def model(x: Any, rate: Any, size: Any) -> Any:
        return size * jg.cumsum(jg.exp(-rate * x)) * kernel[1]

    y = model(x, 0.7, 2.0).numpy()
    np.testing.assert_allclose(curve_fit(model, x, y, [1.0, 1.0]).values, [0.7, 2.0], rtol=1e-9)


def test_many_rows_go_in_blocks_and_give_the_same() -> None:
    x = RNG.uniform(0, 4, 5003)
    y = decay(x, 2.5, 1.3, 0.5) + 0.1 * RNG.normal(size=len(x))
    result = curve_fit("a * exp(-b * x) + c", x, y)
    expected, covariance = scipy.optimize.curve_fit(decay, x, y, [1, 1, 1], **TIGHT)
    np.testing.assert_allclose(result.popt, expected, rtol=1e-6)
    np.testing.assert_allclose(result.pcov, covariance, rtol=1e-5)
    np.testing.assert_allclose(result.predict(), decay(x, *result.popt), rtol=1e-12)
    assert result.predict(x[:7]).shape == (7,)


# What is fixed, bounded, started.


def test_fixed_parameters() -> None:
    for fixed, p0 in (({"c": 0.5}, None), (["c"], {"a": 1, "b": 1, "c": 0.5}), ("c", [1, 1, 0.5])):
        result = curve_fit("a * exp(-b * x) + c", X, Y, p0, fixed=fixed)
        expected, covariance = scipy.optimize.curve_fit(lambda x, a, b: decay(x, a, b, 0.5), X, Y, **TIGHT)
        np.testing.assert_allclose(result.values, [*expected, 0.5], rtol=1e-6)
        np.testing.assert_allclose(result.pcov[:2, :2], covariance, rtol=1e-5)
        assert not result.pcov[2].any() and result.dof == 48
        assert "fixed" in result.report()


def test_all_parameters_fixed_but_evaluated() -> None:
    result = curve_fit("a * x", X, 2 * X + 1, fixed={"a": 2.0})
    np.testing.assert_allclose(result.residuals, 1)
    assert result.dof == 50 and result.converged


def test_bounds_by_name_hold() -> None:
    with pytest.warns(FitWarning, match="at a bound: b"):
        result = curve_fit("a * exp(-b * x) + c", X, Y, bounds={"b": (None, 1), "c": (0, None)})
    assert result.parameters["b"] == 1 and result.at_bounds == ["b"]


def test_a_bound_is_left_when_the_cost_falls_inwards() -> None:
    result = curve_fit("a * exp(-b * x) + c", X, Y, {"a": 5, "b": 1, "c": 0}, bounds={"a": (0, 5), "c": (0, 2)})
    np.testing.assert_allclose(result.values, curve_fit(decay, X, Y, P0).values, rtol=1e-9)


def test_partial_starts_are_kept() -> None:
    result = curve_fit("a * sin(w * x)", X, 2 * np.sin(5 * X), {"w": 5.1})
    assert result.parameters == pytest.approx({"a": 2, "w": 5})


@pytest.mark.parametrize(
    ("model", "truth"),
    [
        ("a * exp(-(x - m)**2 / (2 * s**2)) + c", {"a": 3, "m": 2.5, "s": 0.3, "c": 1}),
        ("a * exp(-b * x)", {"a": 1e-6, "b": 3}),
        ("a / (1 + exp(-k * (x - m)))", {"a": 1e4, "k": 4, "m": 1.5}),
        ("a * x / (k + x)", {"a": 5, "k": 0.2}),
        ("a * sin(w * x + p)", {"a": 2, "w": 3, "p": 0.5}),
        ("a * exp(-b * x) + c * exp(-d * x)", {"a": 3, "b": 5, "c": 1, "d": 0.5}),
        ("a * x**b", {"a": 0.01, "b": 2.5}),
    ],
)
@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e5])
def test_no_starting_values_are_needed(model: str, truth: dict[str, float], unit: float) -> None:
    """The best minimum is found in any unit of x: its cost is at most that of the minimum near the truth."""
    f = curvefit.formula(model)
    y = f(x=X + 0.01, **truth).numpy()
    y = y * (1 + 0.01 * np.random.default_rng(1).normal(size=len(y)))
    in_unit = curve_fit(f, (X + 0.01) * unit, y)
    assert in_unit.cost <= curve_fit(f, X + 0.01, y, truth).cost * (1 + 1e-6)


# Results.


def test_what_a_result_says() -> None:
    result = curve_fit(decay, X, Y, P0, sigma=SIGMA)
    fitted = decay(X, *result.popt)
    np.testing.assert_allclose(result.predict(), fitted)
    np.testing.assert_allclose(result.residuals, Y - fitted)
    chisqr = np.sum(((Y - fitted) / SIGMA) ** 2)
    assert result.chisqr == pytest.approx(chisqr)
    assert result.redchi == pytest.approx(chisqr / 47)
    constant = np.average(Y, weights=SIGMA**-2.0)  # as R has it, so that R² is below 0 where a constant fits better
    assert result.r2 == pytest.approx(1 - chisqr / np.sum(((Y - constant) / SIGMA) ** 2))
    np.testing.assert_allclose(result.stderr, np.sqrt(np.diag(result.pcov)))
    np.testing.assert_allclose(np.diag(result.correlation), 1)
    low, high = result.confidence_intervals()[0]
    assert high - low == pytest.approx(2 * 2.0117405 * result.stderr[0])  # Student's t of 47 degrees, 97.5 %
    assert list(result.parameters) == ["a", "b", "c"] and len(result) == 2
    np.testing.assert_array_equal(result[0], result.values)
    assert "converged" in repr(result) and str(result) == result.report()


def test_bands_are_those_of_a_linear_regression() -> None:
    """The bands of a line in closed form, from Draper and Smith, "Applied Regression Analysis"."""
    y = 1 + 2 * X + 0.3 * RNG.normal(size=50)
    result = curve_fit("a + b * x", X, y)
    new = np.array([-1.0, 2.0, 9.0])
    s = math.sqrt(np.sum(result.residuals**2) / 48)
    leverage = 1 / 50 + (new - X.mean()) ** 2 / np.sum((X - X.mean()) ** 2)
    t = scipy.stats.t.ppf(0.975, 48)
    for prediction in (False, True):
        low, high = result.band(new, prediction=prediction)
        np.testing.assert_allclose((high - low) / 2, t * s * np.sqrt(leverage + prediction), rtol=1e-9)
        np.testing.assert_allclose((high + low) / 2, result.predict(new), rtol=1e-9)


@pytest.mark.parametrize("sigma", [0.2, np.array([0.1, 0.2, 0.4])])
def test_the_band_of_a_new_measurement_has_its_sigma(sigma: Any) -> None:
    new = np.array([-1.0, 2.0, 9.0])
    leverage = 1 / 50 + (new - X.mean()) ** 2 / np.sum((X - X.mean()) ** 2)
    low, high = curve_fit("a + b * x", X, Y, sigma=0.2, absolute_sigma=True).band(new, prediction=True, sigma=sigma)
    z = scipy.stats.norm.ppf(0.975)
    np.testing.assert_allclose((high - low) / 2, z * np.sqrt(0.2**2 * leverage + sigma**2), rtol=1e-9)


def test_a_band_is_right_where_parameters_nearly_cancel() -> None:
    """The same model twice: in the second, b and c are poorly determined, but their sum is well determined."""
    model = curve_fit("a + b * x + c * cos(9 * x)", X, Y)
    clumsy = curve_fit("a + (b + c) * x + c * 1e-8 * cos(9 * x)", X, Y)
    assert clumsy.stderr.max() > 1e6
    np.testing.assert_allclose(*(np.subtract(*fit.band()) for fit in (clumsy, model)), rtol=1e-6)


def test_a_result_has_its_data() -> None:
    table = {"t": X, "other": X, "y": Y}
    result = curve_fit("a + b * t", table, "y", sigma=0.1)
    assert list(result.x) == ["t"]
    np.testing.assert_array_equal(result.x["t"], X)
    np.testing.assert_array_equal(result.y, Y)
    assert list(curve_fit(decay, X, Y, P0).x) == [""] and curve_fit(decay, X, Y, P0).sigma is None
    for sigma in (0.1, [0.1], np.full(50, 0.1), np.eye(50) * 0.01):
        np.testing.assert_allclose(curve_fit("a + b * x", X, Y, sigma=sigma).sigma, np.full(50, 0.1))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("a * exp(-b * x) + c", True),
        (decay, True),
        (lambda x, a: a * np.where(x > 1, 2.0, x), True),
        ("a * (x - mean(x))", False),
        (lambda x, a: a * np.cumsum(x), False),
        (lambda x, a: a * SIGMA + x, False),
    ],
)
def test_models_that_take_rows_one_by_one(model: Any, expected: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # worse than a constant
        assert curve_fit(model, X, Y).by_rows == expected


def test_coverage_of_the_intervals() -> None:
    """In 400 fits, 95% of the intervals contain the truth, to within three standard deviations."""
    draw = np.random.default_rng(3)
    inside = 0
    for _ in range(400):
        y = decay(X, 2.5, 1.3, 0.5) + 0.1 * draw.normal(size=50)
        low, high = curve_fit("a * exp(-b * x) + c", X, y, P0).confidence_intervals()[1]
        inside += low <= 1.3 <= high
    assert abs(inside / 400 - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 400)


def test_no_degrees_of_freedom() -> None:
    with pytest.warns(FitWarning, match="3 rows and 3 parameters leave no degrees of freedom"):
        result = curve_fit(decay, X[:3], Y[:3], P0)
    assert np.isinf(result.pcov).all() and math.isnan(result.redchi)


def test_not_converged() -> None:
    with pytest.warns(FitWarning, match="evaluations was reached; raise max_nfev"):
        result = curve_fit(decay, X, Y, [1, 30, 1], max_nfev=3)
    assert not result.converged and result.nfev == 3


def test_gradient_methods_end_at_the_same_minimum() -> None:
    expected = curve_fit(decay, X, Y, P0, loss="huber", f_scale=0.1).values
    for method in ("lbfgs", "adam"):
        found = curve_fit(decay, X, Y, P0, method=method, loss="huber", f_scale=0.1).values
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_loss_of_ones_own_is_a_likelihood() -> None:
    """Poisson regression of two groups, with estimates and errors in closed form."""
    group, counts = np.repeat([0.0, 1.0], 20), np.arange(40.0)
    result = curve_fit("exp(a + b * x)", group, counts, [1, 1], loss=lambda y, f: f - y * jg.log(f))
    low, high = counts[:20], counts[20:]
    assert result.parameters == pytest.approx({"a": math.log(low.mean()), "b": math.log(high.mean() / low.mean())}, rel=1e-6)
    np.testing.assert_allclose(result.stderr, [low.sum() ** -0.5, (1 / low.sum() + 1 / high.sum()) ** 0.5], rtol=1e-5)


# What is wrong.


def test_nan_policy() -> None:
    x, y = X.copy(), Y.copy()
    x[3], y[7] = np.nan, np.nan
    with pytest.raises(DataError, match="x has nan at position 3"):
        curve_fit(decay, x, y)
    result = curve_fit(decay, x, y, sigma=SIGMA, nan_policy="omit")
    kept = np.ones(50, bool)
    kept[[3, 7]] = False
    np.testing.assert_array_equal(result.values, curve_fit(decay, X[kept], Y[kept], sigma=SIGMA[kept]).values)
    with pytest.raises(DataError, match="Every row contains nan"):
        curve_fit(decay, X, np.full(50, np.nan), nan_policy="omit")


@pytest.mark.parametrize("place", ["x", "y"])
@pytest.mark.parametrize("options", [{"nan_policy": "raise"}, {"nan_policy": "raise", "check_finite": False}])
def test_nan_is_an_error_where_the_policy_says_so(options: dict[str, Any], place: str) -> None:
    data = {"x": X.copy(), "y": Y.copy()}
    data[place][3] = np.nan
    for model in (decay, "a * exp(-b * x) + c"):
        with pytest.raises(DataError, match="The input contains nan values, in row 3"):
            curve_fit(model, **data, **options)


def test_to_omit_nan_is_no_way_round_a_check() -> None:
    x = np.where(X[3] == X, np.nan, X)
    with pytest.raises(DataError, match="x has nan at position 3"):
        curve_fit(decay, x, Y, nan_policy="omit", check_finite=True)


def test_masks_are_ignored_as_in_scipy_or_rows_left_out() -> None:
    outlier = np.where(X[3] == X, 1e3, Y)
    y = np.ma.masked_greater(outlier, 1e2)
    ignored = curve_fit(decay, X, y, P0)
    np.testing.assert_allclose(ignored.values, curve_fit(decay, X, outlier, P0).values)
    assert ignored.notes == ["masked values of y were used like any other values"] and "masked values of y" in ignored.message
    left_out = curve_fit(decay, X, y, P0, nan_policy="omit")
    np.testing.assert_array_equal(left_out.values, curve_fit(decay, np.delete(X, 3), np.delete(Y, 3), P0).values)
    assert left_out.notes == []


def test_one_number_as_y_is_one_for_every_row() -> None:
    results = [curve_fit(lambda x, a, b: a * x + b - Y, X, y, p0) for y in (0, [0.0], 0 * Y) for p0 in (None, [1, 1])]
    for result in results:
        np.testing.assert_allclose(result.values, np.polyfit(X, Y, 1), rtol=1e-9)


FORMULA = "a * exp(-b * x) + c"
WRONG: list[tuple[type[JitgradError], str, dict[str, Any]]] = [
    (FormulaError, "unknown function 'expo'", {"model": "a * expo(x)"}),
    (FormulaError, "unmatched '('", {"model": "a * (x"}),
    (ArgumentError, "p0 names 'x', which is a column, not a parameter", {"p0": {"x": 1}}),
    (ArgumentError, "no parameter 'aa' for p0. Did you mean 'a'", {"p0": {"aa": 1}}),
    (ArgumentError, "p0 has length 2, but the parameters are a, b, c", {"p0": [1, 2]}),
    (ArgumentError, "p0 has b = nan", {"p0": [1, math.nan, 1]}),
    (ArgumentError, "Every name in the formula 'x' is a column", {"model": "x"}),
    (DataError, "uses no column; the only one is x", {"model": "a * t"}),
    (DataError, "no column 'y2' for y", {"x": {"x": X}, "y": "y2"}),
    (RowsError, "func parameters=3 must not exceed the number of data points=2", {"x": X[:2], "y": Y[:2]}),
    (DataError, "Column 'x' has shape (49,), but y has 50 rows", {"x": X[1:]}),
    (DataError, "y has shape (50, 1)", {"y": Y[:, None]}),
    (DataError, "y has no rows", {"x": X[:0], "y": Y[:0]}),
    (DataError, "y has inf at position 0", {"y": np.where(X == 0, np.inf, Y)}),
    (DataError, "x is not an array of numbers", {"x": ["a"] * 50}),
    (DataError, "x has 3 axes", {"x": X.reshape(5, 5, 2)}),
    (DataError, "sigma is 0 at position 4", {"sigma": np.where(np.arange(50) == 4, 0, SIGMA)}),
    (DataError, "sigma has shape (49,)", {"sigma": SIGMA[1:]}),
    (DataError, "not positive definite", {"sigma": np.ones((50, 50))}),
    (ArgumentError, "outside of provided bounds: a = 5, 0 to 1", {"p0": [5, 1, 1], "bounds": {"a": (0, 1)}}),
    (ArgumentError, "bounds of 'a' are 2 and 1", {"bounds": {"a": (2, 1)}}),
    (ArgumentError, "no parameter 'd' for bounds", {"bounds": {"d": (2, 1)}}),
    (ArgumentError, "bounds has length 2, but the parameters are a, b, c", {"bounds": ([0, 0], 1)}),
    (ArgumentError, "bounds is (0, 1, 2)", {"bounds": (0, 1, 2)}),
    (ArgumentError, "bounds is 3", {"bounds": 3}),
    (ArgumentError, "The bounds of 'a' are 3. Give a pair", {"bounds": {"a": 3}}),
    (ArgumentError, "fixed is 3", {"fixed": 3}),
    (ArgumentError, "c of fixed is 'q'", {"fixed": {"c": "q"}}),
    (ArgumentError, "p0 is ['x', 1, 1]", {"p0": ["x", 1, 1]}),
    (ArgumentError, "outside of provided bounds: c = 5, 0 to 1", {"fixed": {"c": 5}, "bounds": {"c": (0, 1)}}),
    (ArgumentError, "A custom loss cannot be combined with sigma", {"loss": lambda y, f: (y - f) ** 2, "sigma": SIGMA}),
    (FormulaError, "The formula uses 'y', which is the response", {"model": "a*x+b*y", "x": {"x": X, "y": Y}, "y": "y"}),
    (ArgumentError, "`nan_policy='propagate'` is not supported", {"nan_policy": "propagate"}),
    (ArgumentError, "Method 'lm' only works for unconstrained problems", {"method": "lm", "bounds": {"a": (0, 9)}}),
    (ArgumentError, "jac is '4-point'", {"model": decay, "jac": "4-point"}),
    (ArgumentError, "jac cannot be combined with a formula", {"jac": decay}),
    (OptionError, "unexpected keyword argument 'args'", {"args": (1,)}),
    (DataError, "its dtype is datetime64[D]", {"x": np.arange("2020-01-01", "2020-02-20", dtype="datetime64[D]")}),
    (DataError, "not symmetric", {"sigma": np.eye(50) + np.eye(50, k=1) * 0.1}),
    (ArgumentError, "'a' is fixed but has no value", {"fixed": ["a"]}),
    (ArgumentError, "no loss 'hubber'. Did you mean 'huber'", {"loss": "hubber"}),
    (ArgumentError, "no method 'newton'", {"method": "newton"}),
    (ArgumentError, "f_scale is 0", {"loss": "huber", "f_scale": 0}),
    (ArgumentError, "Method 'adam' does not support bounds", {"method": "adam", "bounds": {"a": (0, 9)}}),
    (ArgumentError, "nan_policy must be one of {None, 'raise', 'omit'}. It is 'drop'", {"nan_policy": "drop"}),
    (ArgumentError, "The model is 3", {"model": 3}),
    (ArgumentError, "The model has no parameters", {"model": lambda x: x}),
    (ShapeError, "The model returns shape (49,) for 50 rows", {"model": lambda x, a: a * x[1:]}),
    (FitError, "not finite at the starting values", {"model": "log(-a) * x", "p0": [1]}),
    (FitError, "derivative of the model with respect to a is not finite", {"model": "sqrt(a) * x", "p0": [0]}),
    (FitError, "nor at any of the other starting values", {"model": "sqrt(-a**2 - 1) * x"}),
]


@pytest.mark.parametrize(("error", "said", "changed"), WRONG, ids=[said for _, said, _ in WRONG])
def test_errors(error: type[JitgradError], said: str, changed: dict[str, Any]) -> None:
    with pytest.raises(error) as caught:
        curve_fit(**({"model": FORMULA, "x": X, "y": Y} | changed))
    assert said in str(caught.value)
    assert str(caught.value).split("\n")[0].endswith((".", "?"))


def test_threads_fit_the_same_formula_at_once() -> None:
    from concurrent.futures import ThreadPoolExecutor

    rates = np.linspace(0.5, 2, 40)

    def fitted(rate: float) -> float:
        return float(curve_fit("a * exp(-b * x)", X, 3 * np.exp(-rate * X), [1, 1]).parameters["b"])

    with ThreadPoolExecutor(8) as pool:
        np.testing.assert_allclose(list(pool.map(fitted, np.repeat(rates, 5))), np.repeat(rates, 5), rtol=1e-9)
