"""Log-normal errors: fits of logarithms whose results are on the scale of the response."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import lognorm

import jitgrad as jg
from jitgrad.errors import ArgumentError, DataError, FitError

RNG = np.random.default_rng(3)
X = np.linspace(0.2, 6, 15)
Y = 5 * np.exp(-0.8 * X) * np.exp(0.1 * RNG.standard_normal(15))
FORMULA = "a * exp(-k * x)"


def branching(x: Any, a: float, k: float) -> Any:
    return a * np.exp(-k * x) if a > 0 else 0 * x


MODELS = {"a formula": FORMULA, "a function": lambda x, a, k: a * np.exp(-k * x), "a function with an if": branching}
DATA = {
    "as they are": {},
    "with sigma": {"sigma": np.linspace(0.1, 0.3, 15)},
    "with absolute sigma": {"sigma": np.linspace(0.1, 0.3, 15), "absolute_sigma": True},
    "with a covariance": {"sigma": 0.01 * np.eye(15) + 0.002},
}


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("model", MODELS)
def test_a_fit_is_that_of_the_logarithms(model: str, data: str) -> None:
    fit = jg.curve_fit(MODELS[model], X, Y, errors="lognormal", **DATA[data])
    logs = jg.curve_fit("log_a - k * x", X, np.log(Y), **DATA[data])
    assert fit.errors == "lognormal" and fit.success
    np.testing.assert_allclose([np.log(fit.parameters["a"]), fit.parameters["k"]], logs.values, rtol=1e-6)
    np.testing.assert_allclose([fit.stderr[0] / fit.values[0], fit.stderr[1]], logs.stderr, rtol=1e-5)
    for mine, theirs in [(fit.residuals, logs.residuals), (fit.r2, logs.r2), (fit.redchi, logs.redchi)]:
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    np.testing.assert_allclose(fit.log_likelihood, logs.log_likelihood - np.log(Y).sum(), rtol=1e-8)
    np.testing.assert_allclose([fit.aic, fit.bic], [s + 2 * np.log(Y).sum() for s in (logs.aic, logs.bic)], rtol=1e-8)
    np.testing.assert_array_equal(fit.y, Y)
    np.testing.assert_allclose(fit.predict(), np.exp(logs.predict()), rtol=1e-6)
    for options in ({}, {"prediction": True, "level": 0.8, "sigma": 0.2}):
        mine, theirs = fit.band(np.array([1.0, 9.0]), **options), logs.band(np.array([1.0, 9.0]), **options)
        np.testing.assert_allclose(mine, np.exp(theirs), rtol=1e-5)


def test_the_likelihood_is_the_density_of_the_response() -> None:
    fit = jg.curve_fit(FORMULA, X, Y, errors="lognormal")
    scale = np.sqrt(fit.chisqr / len(Y))
    np.testing.assert_allclose(fit.log_likelihood, lognorm.logpdf(Y, scale, scale=fit.predict()).sum(), rtol=1e-12)
    np.testing.assert_allclose(fit.aic, 2 * 3 - 2 * fit.log_likelihood)


def test_a_search_uses_the_linear_parameters() -> None:
    y = (3 * np.exp(-5 * X) + 0.04 * np.exp(-0.2 * X)) * np.exp(0.05 * RNG.standard_normal(15))
    fit = jg.curve_fit("a * exp(-b * x) + c * exp(-d * x)", X, y, errors="lognormal")
    assert fit.success and fit.n_starts > 100
    assert sorted(fit.values.round(1).tolist())[:2] == [0.0, 0.2]


def test_the_inverse_is_on_the_scale_of_the_response() -> None:
    fit, logs = jg.curve_fit(FORMULA, X, Y, errors="lognormal"), jg.curve_fit("log_a - k * x", X, np.log(Y))
    mine, theirs = fit.inverse([1.0, 0.5]), logs.inverse(np.log([1.0, 0.5]))
    for name in ("x", "stderr", "low", "high"):
        np.testing.assert_allclose(getattr(mine, name), getattr(theirs, name), rtol=1e-6)
    assert "between 0.0" in fit.inverse(-1.0).notes[0]


def test_outliers_are_found_among_the_logarithms() -> None:
    y = Y.copy()
    y[12] *= 3
    fit = jg.curve_fit(FORMULA, X, y, errors="lognormal", outliers=0.01)
    assert fit.outliers.rows.tolist() == [12] and fit.outliers.y[0] == y[12]
    assert f"y = {y[12]:g}" in fit.notes[-1]


@pytest.mark.parametrize("p0", [None, [4.0, 1.0]])
def test_groups_are_fitted_alike(p0: Any) -> None:
    y = np.stack([Y, 2 * Y[::-1]])
    fits = jg.fit_groups(FORMULA, {"x": X}, y, p0, errors="lognormal")
    for k in range(2):
        one = jg.curve_fit(FORMULA, X, y[k], p0, errors="lognormal")
        for name in ("values", "stderr", "chisqr", "r2", "log_likelihood", "bic"):
            np.testing.assert_allclose(getattr(fits, name)[k], getattr(one, name), rtol=1e-6)
        np.testing.assert_array_equal(fits[k].y, y[k])
        np.testing.assert_array_equal(fits.rows(k)[1], y[k])
        np.testing.assert_allclose(fits.predict()[k], one.predict(), rtol=1e-6)
        np.testing.assert_allclose(fits.predict({"x": X[:2]})[k], one.predict(X[:2]), rtol=1e-6)
    assert fits.refit([1])[1].errors == "lognormal"


def test_groups_of_a_frame() -> None:
    table = {"key": np.repeat(["a", "b"], 15), "x": np.tile(X, 2), "y": np.concatenate([Y, np.roll(Y, 1)[::-1]])}
    fits = jg.fit_groups(FORMULA, table, "y", by="key", errors="lognormal")
    one = jg.curve_fit(FORMULA, X, Y, errors="lognormal")
    np.testing.assert_allclose(fits.predict(table)["predicted"][:15], one.predict(), rtol=1e-6)
    shared = jg.fit_groups(FORMULA, table, "y", by="key", shared="a", errors="lognormal")
    assert shared.converged.all() and len(set(shared.parameters["a"])) == 1


def test_errors_that_teach() -> None:
    with pytest.raises(DataError, match=r"y is -1 in row 2, but log-normal errors need positive values\. Leave out"):
        jg.curve_fit(FORMULA, X[:4], [2.0, 1.0, -1.0, 1.0], errors="lognormal")
    with pytest.raises(DataError, match="y is 0 in row 3"):
        jg.fit_groups(FORMULA, {"x": X[:4]}, [[2.0, 1.0, 1.0, 0.0]], errors="lognormal")
    with pytest.raises(ArgumentError, match="Did you mean 'lognormal'"):
        jg.curve_fit(FORMULA, X, Y, errors="log-normal")  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="custom loss cannot be combined with log-normal errors"):
        jg.curve_fit(FORMULA, X, Y, [5.0, 1.0], loss=lambda y, p: (y - p) ** 2, errors="lognormal")
    with pytest.raises(ArgumentError, match=r"lognormal and normal errors.*Compare their AIC"):
        jg.curvefit.compare(jg.curve_fit(FORMULA, X, Y, errors="lognormal"), jg.curve_fit("a + k * x", X, Y))


def test_a_model_that_is_zero_has_no_logarithm() -> None:
    model = jg.curvefit.ode("A' = -k * A; B' = k * A", {"A": 1}, {"a": "A", "b": "B"}, which="what", by="run")
    table = {"t": [0.0, 1.0, 0.0, 1.0], "what": ["a", "a", "b", "b"], "run": ["x", "x", "y", "y"]}
    message = r"The logarithm of the model is not finite at the starting values, in row 2 \(t = 0\)\."
    with pytest.raises(FitError, match=message):
        jg.curve_fit(model, table, [1.0, 0.4, 0.1, 0.6], {"k": 1.0}, errors="lognormal")
