"""Fits of published series agree with published estimates, and with statsmodels and arch where they are exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from jitgrad.timeseries import TimeSeriesFit, ar, arma, exponential_smoothing, garch
from tests.timeseries.series import HORMONE, MARK_POUND, OIL, PASSENGERS, SUNSPOTS, VISITORS

OIL_SINCE_1996 = OIL[31:]
OIL_TO_2007 = [
    446.6565229, 454.4733065, 455.662974, 423.6322388, 456.2713279, 440.5880501, 425.3325201, 485.1494479, 506.0481621,
    526.7919833, 514.2688899, 494.2110193,
]  # fmt: skip
"""The same series as the first edition of the book has it."""


class Published(NamedTuple):
    """A fit, and figures of it that others report, with as many digits as they do."""

    source: str
    fit: Callable[[], TimeSeriesFit]
    parameters: dict[str, float]
    stderr: tuple[float, ...] = ()
    log_likelihood: float = np.nan
    rtol: float = 1e-6
    forecast: tuple[float, ...] = ()
    forecast_errors: tuple[float, ...] = ()

    def __str__(self) -> str:
        return self.source


CASES = [
    Published(
        "simple smoothing of oil: Hyndman and Athanasopoulos 2018, section 7.1",
        lambda: exponential_smoothing(OIL_SINCE_1996), {"alpha": 0.8339, "level": 446.5868}, rtol=1e-4,
    ),
    Published(
        "simple smoothing of oil to 2007: statsmodels, test_holtwinters.py",
        lambda: exponential_smoothing(OIL_TO_2007), {"alpha": 0.891998, "level": 447.478440}, forecast=(496.493543,), rtol=1e-5,
    ),
    Published(
        "smoothing of visitors with additive seasons: R forecast 8.15, ets ANA",
        lambda: exponential_smoothing(VISITORS, seasonal="add", seasonal_periods=4), {"alpha": 0.54216695, "gamma": 0.39203017},
        log_likelihood=-204.28165362 - 34 * (np.log(2 * np.pi / 68) + 1),
        forecast=(75.32914757, 50.16726775, 62.21021038, 65.90296904), rtol=6e-3,
    ),
    Published(
        "AR(9) of sunspots: Stata's var",
        lambda: ar(SUNSPOTS, 9),
        {
            "const": 6.7430535917332, "lag1": 1.1649421971129, "lag2": -0.40535742259304, "lag3": -0.16653934246587,
            "lag4": 0.14980629416032, "lag5": -0.09462417064796, "lag6": 0.00491001240749, "lag7": 0.0504665930841,
            "lag8": -0.08635349190816, "lag9": 0.25349103194757,
        },
        (2.413485601, 0.0560359041, 0.0874490762, 0.0900894414, 0.0899348339, 0.0900100797, 0.0898385666, 0.0896997939,
         0.0869773089, 0.0559505756),
        -1235.559128419549, 1e-8, (31.484801650458, 63.023529262445, 89.649038530191),
        (14.873660468821, 22.835260784886, 26.866976944508),
    ),
    Published(
        "AR at lags 1, 2 and 9 of sunspots: statsmodels 0.15, AutoReg",
        lambda: ar(SUNSPOTS, [1, 2, 9]),
        {"const": 5.096418488553, "lag1": 1.211349645062, "lag2": -0.513971784255, "lag9": 0.205784782056},
        (1.898769957404, 0.043983600425, 0.043884932012, 0.025504572312), -1238.506454277395, 1e-8,
    ),
    Published(
        "AR(1) of lh: R's example of arima", lambda: arma(HORMONE, (1, 0)), {"mean": 2.4133, "ar1": 0.5739}, (0.1466, 0.1161),
        -29.38, 1e-3,
    ),
    Published(
        "AR(3) of lh: R's example of arima", lambda: arma(HORMONE, (3, 0)),
        {"mean": 2.3931, "ar1": 0.6448, "ar2": -0.0634, "ar3": -0.2198}, (0.0963, 0.1394, 0.1668, 0.1421), -27.09, 1e-3,
        (2.460173, 2.270829, 2.198597), (0.4226823, 0.5029332, 0.5078329)[:2],
    ),
    Published(
        "ARMA(1, 1) of lh: R's example of arima", lambda: arma(HORMONE, (1, 1)),
        {"mean": 2.4101, "ar1": 0.4522, "ma1": 0.1982}, (0.1358, 0.1769, 0.1705), -28.76, 1e-3,
        (2.679617712908, 2.531964206848, 2.465193280208, 2.434998557689),  # statsmodels 0.15, ARIMA
        (0.438529059892, 0.523115748505, 0.538780443051, 0.541928065994),
    ),
    Published(
        "AR(3) of lh by CSS: R's example of arima", lambda: arma(HORMONE, (3, 0), method="css"),
        {"mean": 2.3918, "ar1": 0.6578, "ar2": -0.0658, "ar3": -0.2348},
        tuple(error * (48 / 45) ** 0.5 for error in (0.0983, 0.1414, 0.1702, 0.1473)),  # R divides by all rows
        rtol=1e-3,
    ),
    Published(
        "GARCH(1, 1) of mark and pound: Fiorentini, Calzolari and Panattoni 1996",
        lambda: garch(MARK_POUND, initial="sample", cov_type="classic"),
        {"mu": -0.00619041, "omega": 0.0107613, "alpha": 0.153134, "beta": 0.805974},
        (0.00846212, 0.00285271, 0.0265228, 0.0335527), -1106.60788, 1e-5,
    ),
    Published(
        "GARCH(1, 1) of mark and pound, robust: Brooks, Burke and Persand 2001",
        lambda: garch(MARK_POUND, initial="sample"),
        {"mu": -0.00619041, "omega": 0.0107613, "alpha": 0.153134, "beta": 0.805974},
        (0.00918935, 0.00649319, 0.0535317, 0.0724614), rtol=1e-5,
    ),
    Published(
        "GARCH(1, 1) of mark and pound: arch 8.0",
        lambda: garch(MARK_POUND),
        {"mu": -0.006076602548, "omega": 0.009914239524, "alpha": 0.145477969669, "beta": 0.816846185659},
        log_likelihood=-1104.5214017880894, rtol=3e-6,
        forecast_errors=tuple(np.sqrt([0.145269243537, 0.149710341606, 0.153984117553])),
    ),
    Published(
        "GARCH(1, 1) of mark and pound with mean 0: arch 8.0",
        lambda: garch(MARK_POUND, mean="zero"), {"omega": 0.010011407303, "alpha": 0.146630368024, "beta": 0.815458900873},
        (0.006416587602, 0.056033277997, 0.07500472725), -1104.7872343925342, 1e-3,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_agrees_with_published_estimates(case: Published) -> None:
    fit = case.fit()
    assert fit.converged
    for name, value in case.parameters.items():
        assert fit.parameters[name] == pytest.approx(value, rel=case.rtol, abs=case.rtol * 0.1), name
    if case.stderr:
        np.testing.assert_allclose(fit.stderr, case.stderr, rtol=max(case.rtol, 1e-6))
    if not np.isnan(case.log_likelihood):
        assert fit.log_likelihood == pytest.approx(case.log_likelihood, rel=min(10 * case.rtol, 3e-4))
    forecast = fit.forecast(max(1, len(case.forecast), len(case.forecast_errors)))
    if case.forecast:
        np.testing.assert_allclose(forecast.mean[: len(case.forecast)], case.forecast, rtol=max(case.rtol, 1e-6))
    if case.forecast_errors:
        errors = forecast.stderr[: len(case.forecast_errors)]
        np.testing.assert_allclose(errors, case.forecast_errors, rtol=max(case.rtol, 1e-5))


class Filtered(NamedTuple):
    """Exponential smoothing of the visitors at given parameters."""

    source: str
    options: dict[str, Any]
    fixed: dict[str, float]
    fitted: tuple[float, float, float]  # the first two rows and the last one
    forecast: tuple[float, ...]
    log_likelihood: float
    variance: tuple[float, ...] = ()
    rtol: float = 1e-10

    def __str__(self) -> str:
        return self.source


def parameters(smoothing: dict[str, float], level: float, trend: float, *seasons: float) -> dict[str, float]:
    """Return named parameters; ``beta`` is given multiplied by alpha."""
    fixed = smoothing | {"beta": smoothing["beta"] / smoothing["alpha"], "level": level, "trend": trend}
    return fixed | {f"season{k + 1}": value for k, value in enumerate(seasons)}


CONSTANT = 34 * (np.log(2 * np.pi) + 1 - np.log(68))
"""What R leaves out of the log-likelihood of the visitors."""
FILTERED = [
    Filtered(
        "ETS(A, Ad, A): statsmodels 0.15, ETSModel",
        {"seasonal": "add", "damped_trend": True},
        parameters({"alpha": 0.3, "beta": 0.06, "gamma": 0.2, "phi": 0.9}, 25.0, 0.6, 5.0, -6.0, -1.0),
        (30.54, 19.853429602, 63.018171068092),
        (74.854522318383, 52.102181860419, 63.323070965137, 67.107688061874, 77.168172044428),
        -160.5875297535642,
        (6.588235598247, 7.413846930477, 8.481712692713, 9.794217006667, 12.891957412303),
    ),
    Filtered(
        "ETS(M, A, A): statsmodels 0.15, ETSModel",
        {"seasonal": "add", "error": "mul"},
        parameters({"alpha": 0.3, "beta": 0.06, "gamma": 0.2}, 25.0, 0.6, 5.0, -6.0, -1.0),
        (30.6, 20.00290468, 63.769137116916),
        (75.685296719921, 53.300633679141, 64.957941689497, 69.23865037752, 80.011497928982),
        -162.2074870430074,
    ),
    Filtered(
        "Holt-Winters with multiplicative seasons: statsmodels 0.15, ExponentialSmoothing",
        {"seasonal": "mul"},
        parameters({"alpha": 0.3, "beta": 0.06, "gamma": 0.2}, 25.0, 0.6, 1.2, 0.8, 0.95),
        (30.72, 20.79980312, 64.437050930339),
        (79.585903699083, 50.751626361331, 64.695021288615),
        -34 * (np.log(2 * np.pi * 340.112515362473 / 68) + 1),
    ),
    Filtered(
        "ETS(M, A, M): R forecast 8.15, ets",
        {"seasonal": "mul", "error": "mul"},
        parameters({"alpha": 0.31562139, "beta": 0.00010001, "gamma": 0.00010005}, 24.74993982, 0.51242558,
                   1.23309134, 0.77017133, 0.95960345),
        (31.150804, 19.6344275, 64.11199035),
        (77.58807372, 48.8558019, 61.36513172, 66.85524201), -195.75179425 - CONSTANT, (), 2e-7,
    ),
    Filtered(
        "ETS(M, Ad, M): R forecast 8.15, ets",
        {"seasonal": "mul", "error": "mul", "damped_trend": True},
        parameters({"alpha": 0.48397584, "beta": 0.00351728, "gamma": 0.0001131, "phi": 0.98}, 23.54623801, 0.7983291,
                   1.2341092, 0.77007856, 0.96050633),
        (30.02414979, 19.33399138, 64.45395529), (), -196.36297945 - CONSTANT, (), 2e-7,
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", FILTERED, ids=str)
def test_smoothing_at_given_parameters_equals_other_packages(case: Filtered) -> None:
    fit = exponential_smoothing(VISITORS, "add", seasonal_periods=4, fixed=case.fixed, **case.options)
    made = fit.forecast(max(1, len(case.forecast)))
    np.testing.assert_allclose(fit.fitted[[0, 1, -1]], case.fitted, rtol=case.rtol)
    if case.forecast:
        np.testing.assert_allclose(made.mean, case.forecast, rtol=case.rtol)
    assert fit.log_likelihood == pytest.approx(case.log_likelihood, rel=case.rtol)
    if case.variance:
        np.testing.assert_allclose(made.stderr**2, case.variance, rtol=case.rtol)


def test_the_maximum_is_at_least_the_one_that_r_finds() -> None:
    """R's ets stops at local maxima for these: its log-likelihoods, without constants, from forecast 8.15."""
    for options, found in [
        ({"trend": "add", "seasonal": "add"}, -201.27311461),
        ({"trend": "add", "seasonal": "add", "damped_trend": True}, -200.02361522),
        ({"trend": "add", "seasonal": "mul", "error": "mul"}, -195.75179425),
        ({"seasonal": "mul", "error": "mul"}, -206.42027478),
    ]:
        fit = exponential_smoothing(VISITORS, seasonal_periods=4, **options)
        assert fit.converged
        assert fit.log_likelihood + CONSTANT >= found - 1e-4, options


def test_holts_method_follows_the_component_form() -> None:
    """Hyndman and Athanasopoulos 2018, section 7.2, written as they write it."""
    fit = exponential_smoothing(PASSENGERS, "add", fixed={"alpha": 0.8, "beta": 0.2, "level": 15.0, "trend": 2.0})
    level, trend = 15.0, 2.0
    for value in PASSENGERS:
        before, level = level, 0.8 * value + 0.2 * (level + trend)
        trend = 0.2 * (level - before) + 0.8 * trend
    np.testing.assert_allclose(fit.forecast(3).mean, level + trend * np.arange(1, 4), rtol=1e-12)
