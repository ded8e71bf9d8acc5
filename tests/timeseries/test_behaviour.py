"""Fits recover simulated parameters from automatic starts, forecasts cover the future, and errors name what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import jitgrad as jg
from jitgrad.errors import ArgumentError, DataError, FitError
from jitgrad.timeseries import TimeSeriesFit, ar, arma, exponential_smoothing, garch
from jitgrad.timeseries.garch import Garch, _backcast
from tests.timeseries.series import OIL, PASSENGERS, VISITORS


def garch_series(draw: np.random.Generator, n: int, mu: float, omega: float, alpha: float, beta: float) -> np.ndarray:
    h, rows = omega / (1 - alpha - beta), []
    for z in draw.normal(size=n):
        rows.append(mu + np.sqrt(h) * z)
        h = omega + alpha * h * z**2 + beta * h
    return np.array(rows)


def arma_series(draw: np.random.Generator, n: int, mean: float, ar1: float, ma1: float) -> np.ndarray:
    e, z = draw.normal(size=n + 200), 0.0
    rows = []
    for t in range(1, n + 200):
        z = ar1 * z + e[t] + ma1 * e[t - 1]
        rows.append(mean + z)
    return np.array(rows[-n:])


def smoothed_series(draw: np.random.Generator, n: int, alpha: float, beta: float, gamma: float, multiplies: bool) -> np.ndarray:
    level, trend, season, rows = 1000.0, 5.0, [1.2, 0.7, 0.9, 1.2] if multiplies else [20.0, -30.0, -5.0, 15.0], []
    for e in draw.normal(size=n):
        grown, s = level + trend, season.pop(0)
        rows.append(grown * s + e if multiplies else grown + s + e)
        of_level = alpha * (e / s if multiplies else e)
        level, trend = grown + of_level, trend + beta * of_level
        season.append(s + gamma * (e / grown if multiplies else e))
    return np.array(rows)


def truths(count: int, *ranges: tuple[float, float]) -> list[tuple[float, ...]]:
    """Return random true parameters within ranges."""
    draw = np.random.default_rng(12)
    return [tuple(float(draw.uniform(*one)) for one in ranges) for _ in range(count)]


def close(fit: TimeSeriesFit, truth: dict[str, float]) -> None:
    """Check that estimates inside their bounds are within five standard errors of the truth."""
    assert fit.converged
    for name, value in truth.items():
        k = fit.names.index(name)
        if fit.free[k]:
            assert abs(fit.values[k] - value) < 5 * fit.stderr[k], (name, fit.values[k], value, fit.stderr[k])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("truth", truths(6, (0.02, 0.25), (0.4, 0.7)), ids=str)
def test_garch_recovers_parameters_at_any_scale(truth: tuple[float, ...], scale: float) -> None:
    alpha, beta = truth
    y = scale * garch_series(np.random.default_rng(3), 3000, 0.1, 0.2, alpha, beta)
    close(garch(y), {"mu": 0.1 * scale, "omega": 0.2 * scale**2, "alpha": alpha, "beta": beta})


def test_the_persistence_of_garch_is_at_most_1() -> None:
    """The likelihood is higher outside. The result is the constrained maximum, as by SciPy's SLSQP."""
    h, y = 1.0, np.random.default_rng(5).normal(size=600)
    for t in range(len(y)):
        y[t] *= np.sqrt(h)
        h = 0.05 + 0.35 * y[t] ** 2 + 0.72 * h
    fit = garch(y, mean="zero")
    model, before = Garch(False, False), np.array(_backcast(y))
    found = minimize(
        lambda theta: float(model.cost(theta, y, before)), [0.1, 0.3, 0.6], method="SLSQP", options={"ftol": 1e-13},
        bounds=[(1e-9, None), (0, 1), (0, 1)], constraints={"type": "ineq", "fun": lambda theta: 1 - theta[1] - theta[2]},
    )  # fmt: skip
    assert found.x[1:].sum() == pytest.approx(1.0, abs=1e-9) and fit.values[1:].sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(fit.values, found.x, rtol=1e-4)
    assert fit.stderr[1] == fit.stderr[2] > 0 and fit.note.startswith("alpha + beta ended at its limit 1")
    assert garch(y, fixed={"beta": 0.7}).parameters["alpha"] == pytest.approx(0.3)


@pytest.mark.parametrize("method", ["ml", "css"])
@pytest.mark.parametrize("truth", truths(8, (-0.95, 0.95), (-0.9, 0.9)), ids=str)
def test_arma_recovers_parameters(truth: tuple[float, ...], method: str) -> None:
    y = arma_series(np.random.default_rng(4), 600, 50.0, *truth)
    if abs(sum(truth)) > 0.2:  # otherwise the parameters cancel
        close(arma(y, method=method), {"mean": 50.0, "ar1": truth[0], "ma1": truth[1]})


@pytest.mark.parametrize("multiplies", [False, True], ids=["additive", "multiplicative"])
@pytest.mark.parametrize("truth", truths(5, (0.1, 0.9), (0.02, 0.4), (0.02, 0.1)), ids=str)
def test_smoothing_recovers_parameters(truth: tuple[float, ...], multiplies: bool) -> None:
    y = smoothed_series(np.random.default_rng(5), 200, *truth, multiplies)
    fit = exponential_smoothing(y, "add", "mul" if multiplies else "add", 4)
    close(fit, dict(zip(("alpha", "beta", "gamma"), truth, strict=True)))


FITS: list[tuple[str, Callable[[np.ndarray], TimeSeriesFit], Callable[[np.random.Generator, int], np.ndarray]]] = [
    ("smoothing", lambda y: exponential_smoothing(y, "add", "add", 4),
     lambda draw, n: smoothed_series(draw, n, 0.5, 0.1, 0.1, False)),
    ("multiplicative", lambda y: exponential_smoothing(y, "add", "mul", 4),
     lambda draw, n: smoothed_series(draw, n, 0.3, 0.1, 0.1, True)),
    ("arma", arma, lambda draw, n: arma_series(draw, n, 5.0, 0.7, 0.4)),
    ("ar", lambda y: ar(y, 2), lambda draw, n: arma_series(draw, n, 5.0, 0.7, 0.0)),
    ("garch", garch, lambda draw, n: garch_series(draw, n, 0.0, 0.1, 0.1, 0.8)),
]  # fmt: skip


@pytest.mark.parametrize(("fit", "made"), [case[1:] for case in FITS], ids=[case[0] for case in FITS])
def test_intervals_cover_the_rows_after_the_series(fit: Any, made: Any) -> None:
    inside = []
    for seed in range(12):
        y = made(np.random.default_rng(seed), 412)
        forecast = fit(y[:-5]).forecast(5, level=0.8)
        inside += [(forecast.low <= y[-5:]) & (y[-5:] <= forecast.high)]
    assert 0.65 < np.mean(inside) < 0.93


def test_simulated_intervals_agree_with_exact_ones() -> None:
    """A season that multiplies by nothing but 1 has the variance of the linear model."""
    fixed = {"alpha": 0.4, "level": 10.0, "season1": 1.0, "gamma": 0.0}
    multiplied = exponential_smoothing(VISITORS, None, "mul", 2, fixed=fixed).forecast(6)
    exact = exponential_smoothing(VISITORS, fixed={"alpha": 0.4, "level": 10.0}).forecast(6)
    np.testing.assert_allclose(multiplied.mean, exact.mean, rtol=1e-12)
    np.testing.assert_allclose(multiplied.stderr, exact.stderr, rtol=0.03)
    np.testing.assert_allclose(multiplied.low, exact.low, rtol=0.03)


def test_fixed_parameters_keep_their_values() -> None:
    fit = exponential_smoothing(OIL, fixed={"alpha": 0.25})
    assert fit.parameters["alpha"] == 0.25
    assert np.isnan(fit.stderr[0]) and fit.stderr[1] > 0
    assert "alpha: fixed, or at a bound" in str(fit)
    assert fit.n_parameters == 2  # the level and the variance


def test_any_sequence_of_numbers_is_a_series() -> None:
    first, *others = (arma(kind(PASSENGERS), (1, 0)).values for kind in (np.asarray, list, jg.tensor, np.float32))
    for values in others:
        np.testing.assert_allclose(values, first, rtol=1e-4)


def test_a_summary_has_estimates_and_criteria() -> None:
    fit = exponential_smoothing(OIL)
    assert fit.aic == pytest.approx(2 * fit.n_parameters - 2 * fit.log_likelihood)
    assert fit.bic < fit.aic + 10
    text = str(fit.summary(level=0.9))
    for part in ("Exponential smoothing, 49 rows", "alpha", "90% CI", "log-likelihood", "AICc"):
        assert part in text
    assert "<table" in fit._repr_html_()
    assert "<table" in fit.forecast(2)._repr_html_()
    assert repr(fit).startswith("TimeSeriesFit(Exponential smoothing; alpha=")


REFUSED: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: exponential_smoothing(OIL, "linear"), ArgumentError, "trend"),
    (lambda: exponential_smoothing(OIL, seasonal="add"), ArgumentError, "seasonal_periods"),
    (lambda: exponential_smoothing(OIL, seasonal_periods=4), ArgumentError, "require each other"),
    (lambda: exponential_smoothing(OIL, damped_trend=True), ArgumentError, "damped_trend requires a trend"),
    (lambda: exponential_smoothing(OIL, error="none"), ArgumentError, "error"),
    (lambda: exponential_smoothing(-OIL, error="mul"), DataError, "positive"),
    (lambda: exponential_smoothing(OIL, fixed={"alhpa": 0.5}), ArgumentError, "Did you mean 'alpha'"),
    (lambda: exponential_smoothing(OIL, fixed={"alpha": 1.5}), ArgumentError, "from 0 to 1"),
    (lambda: exponential_smoothing(np.ones(20)), DataError, "y is 1 in all rows"),
    (lambda: exponential_smoothing([1.0, 2.0]), DataError, "y has 2 rows, and the model needs at least"),
    (lambda: exponential_smoothing([1.0, np.nan, 3.0, 4.0, 5.0, 6.0]), DataError, r"y[1] is nan"),
    (lambda: exponential_smoothing([[1.0, 2.0], [3.0, 4.0]]), DataError, "shape (2, 2)"),
    (lambda: exponential_smoothing(["a", "b"]), DataError, "not numeric"),
    (lambda: ar(OIL, 0), ArgumentError, "lags"),
    (lambda: ar(OIL, [3, 1]), ArgumentError, "ascending"),
    (lambda: ar(OIL, trend="ct"), ArgumentError, "trend"),
    (lambda: ar(np.arange(30.0), 1), FitError, "residuals are zero"),
    (lambda: arma(OIL, (1, 1, 1)), ArgumentError, "order"),
    (lambda: arma(OIL, (0, 0), trend="n"), ArgumentError, "no parameters"),
    (lambda: arma(OIL, method="mle"), ArgumentError, "method"),
    (lambda: garch(OIL, mean="none"), ArgumentError, "mean"),
    (lambda: garch(OIL, cov_type="HC3"), ArgumentError, "cov_type"),
    (lambda: garch(OIL, fixed={"alpha": 0.5, "beta": 0.6}), ArgumentError, "alpha + beta is 1.1"),
    (lambda: ar(OIL).forecast(0), ArgumentError, "steps"),
    (lambda: ar(OIL).forecast(3, level=1.0), ArgumentError, "level"),
    (lambda: jg.pictures.forecast(OIL), ArgumentError, "expected a TimeSeriesFit"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "said"), REFUSED, ids=[case[2] for case in REFUSED])
def test_errors_name_what_is_wrong(call: Callable[[], object], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=re.escape(said)):
        call()


@pytest.mark.parametrize(
    "fit", [lambda: exponential_smoothing(OIL, "add"), lambda: garch(np.diff(OIL))], ids=["smoothing", "garch"]
)
def test_a_picture_shows_the_series_and_its_forecast(fit: Callable[[], TimeSeriesFit], tmp_path: Any) -> None:
    figure = jg.pictures.forecast(fit(), 5, tmp_path / "forecast.png", name="oil")
    assert (tmp_path / "forecast.png").exists()
    assert figure.axes[0].get_ylabel() == "oil"
    assert len(figure.axes[0].lines[2].get_xdata()) == 5
