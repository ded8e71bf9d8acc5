"""Functions that call scan and solve_ivp as models of curve_fit and fit_groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import jitgrad as jg
from jitgrad.errors import ArgumentError, DataError, FitError

SERIES = np.cumsum(np.random.default_rng(0).standard_normal(60)) + 10
START = [0.5, 10.0]


def smoothing(x: Any, alpha: Any, level: Any) -> Any:
    """Return the forecasts of simple exponential smoothing."""
    return jg.scan(lambda forecast, y: (forecast + alpha * (y - forecast), forecast), level * 1.0, x)[1]


def in_numpy(alpha: float, level: float) -> np.ndarray:
    said = []
    for y in SERIES:
        said.append(level)
        level += alpha * (y - level)
    return np.array(said)


def decay(x: Any, k: Any, start: Any) -> Any:
    return jg.solve_ivp(lambda t, y: -k * y, (0, 10), [start * 1.0], t_eval=x, rtol=1e-9).y[0]


def oral(x: Any, ka: Any, v: Any, ke: Any) -> Any:
    def rates(t: Any, y: Any) -> Any:
        return [-ka * y[0], ka * y[0] / v - ke * y[1]]

    return jg.solve_ivp(rates, (0, x["time"][-1]), [x["dose"][0], 0.0], t_eval=x["time"], rtol=1e-8, atol=1e-10).y[1]


def test_exponential_smoothing() -> None:
    fit = jg.curve_fit(smoothing, SERIES, SERIES, START)
    assert fit.success and not fit.by_rows
    np.testing.assert_allclose(fit.predict(), in_numpy(*fit.values), rtol=1e-12)
    for moved in ([0.01, 0.0], [-0.01, 0.0], [0.0, 0.1], [0.0, -0.1]):
        assert np.sum((SERIES - in_numpy(*(fit.values + moved))) ** 2) > fit.chisqr
    both = jg.fit_groups(smoothing, np.stack([SERIES, SERIES[::-1]]), np.stack([SERIES, SERIES[::-1]]), START)
    np.testing.assert_allclose(both.values[0], fit.values, rtol=1e-9)
    np.testing.assert_allclose(both.predict()[0], fit.predict(), rtol=1e-9)


def test_a_recurrence_over_many_rows_is_not_cut_into_blocks() -> None:
    x = np.linspace(0, 1, 5000)
    fit = jg.curve_fit(lambda x, a: jg.scan(lambda c, v: (c + a * v, c + a * v), a * 0.0, x)[1], x, 2 * np.cumsum(x), [1.0])
    np.testing.assert_allclose(fit.values, [2.0], rtol=1e-12)


def test_rows_of_a_recurrence_cannot_be_left_out() -> None:
    holes = SERIES.copy()
    holes[10] = np.nan
    with pytest.raises(DataError, match=r"Rows with nan were left out \(1\), but the model is a recurrence"):
        jg.curve_fit(smoothing, SERIES, holes, START, nan_policy="omit")
    with pytest.raises(ArgumentError, match="only be detected if the model computes each row independently"):
        jg.curve_fit(smoothing, SERIES, SERIES, START, outliers=0.01)


def test_an_integration() -> None:
    t = np.array([0.0, 1.0, 1.0, 4.0, 7.0])
    y = 3 * np.exp(-0.4 * t) + np.array([0.01, -0.02, 0.02, 0.01, -0.01])
    fit, closed = jg.curve_fit(decay, t, y, [1.0, 1.0]), jg.curve_fit("start * exp(-k * x)", t, y, {"k": 1.0, "start": 1.0})
    np.testing.assert_allclose([*fit.values, *fit.stderr], [*closed.values[::-1], *closed.stderr[::-1]], rtol=1e-6)
    holes = np.append(y, np.nan)
    again = jg.curve_fit(decay, np.append(t, 8.0), holes, [1.0, 1.0], nan_policy="omit")
    np.testing.assert_allclose(again.values, fit.values, rtol=1e-7)
    with pytest.raises(FitError, match=r"an integration fails: values in `t_eval` are not properly sorted"):
        jg.curve_fit(decay, t[::-1].copy(), y, [1.0, 1.0])


def test_integrations_of_groups() -> None:
    table = pl.read_csv("data/theoph.csv")
    fits = jg.fit_groups(oral, table, "conc", [1.0, 0.5, 0.1], by="subject", x=["time", "dose"])
    assert fits.converged.all()
    np.testing.assert_allclose(fits.values[0], [1.77741, 0.369264, 0.0539545], rtol=1e-5)
    np.testing.assert_allclose(fits.predict(table)["predicted"][:11], fits[0].predict(), rtol=1e-9)


@pytest.mark.parametrize(("model", "points"), [(decay, 300), (smoothing, 60)])
def test_only_a_curve_is_drawn_between_the_rows(model: Any, points: int) -> None:
    x = np.linspace(0, 8, 60)
    fit = jg.curve_fit(model, x, 3 * np.exp(-0.4 * x) + 0.01 * np.sin(40 * x), START)
    assert len(jg.pictures.curve_fit(fit).axes[0].lines[0].get_xdata()) == points
