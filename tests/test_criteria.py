"""AIC, AICc and BIC by R's convention, for curves and groups."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats

from jitgrad import curve_fit, fit_groups
from jitgrad.criteria import information_criteria
from jitgrad.ops.elementwise import square

SPEED = [
    4, 4, 7, 7, 8, 9, 10, 10, 10, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14, 15, 15, 15, 16, 16, 17, 17, 17, 18,
    18, 18, 18, 19, 19, 19, 20, 20, 20, 20, 20, 22, 23, 24, 24, 24, 24, 25,
]  # fmt: skip
DISTANCE = [
    2, 10, 4, 22, 16, 10, 18, 26, 34, 17, 28, 14, 20, 24, 28, 26, 34, 34, 46, 26, 36, 60, 80, 20, 26, 54, 32, 40, 32, 40, 50,
    42, 56, 76, 84, 36, 46, 68, 32, 48, 52, 56, 64, 66, 54, 70, 92, 93, 120, 85,
]  # fmt: skip
"""R's ``cars``: Ezekiel, "Methods of correlation analysis", 1930."""
X = np.linspace(0, 4, 9)
RNG = np.random.default_rng(3)
Y, SIGMA = 2.5 * np.exp(-X) + 0.1 * RNG.normal(size=9), RNG.uniform(0.05, 0.2, 9)
COVARIANCE = np.diag(SIGMA**2) + 0.002


def test_a_line_as_r_has_it() -> None:
    """``AIC(lm(dist ~ speed, cars))``, ``BIC`` and ``logLik`` of R."""
    result = curve_fit("a + b * x", np.array(SPEED), np.array(DISTANCE))
    assert result.log_likelihood == pytest.approx(-206.5784, abs=5e-5)
    assert result.aic == pytest.approx(419.1569, abs=5e-5)
    assert result.bic == pytest.approx(424.8929, abs=5e-5)


def test_many_at_once_and_too_few_rows() -> None:
    found = information_criteria(np.array([-10.0, -20.0]), 2, np.array([12, 3]))
    np.testing.assert_allclose(found.aic, [24, 44])
    np.testing.assert_allclose(found.aicc, [24 + 12 / 9, math.nan])
    np.testing.assert_allclose(found.bic, [20 + 2 * math.log(12), 40 + 2 * math.log(3)])


@pytest.mark.parametrize("sigma", [None, SIGMA, 0.3, COVARIANCE], ids=["none", "rows", "number", "covariance"])
@pytest.mark.parametrize("absolute", [False, True])
def test_the_likelihood_is_that_of_the_normal_distribution(sigma: Any, absolute: bool) -> None:
    """If sigma is not absolute, it is scaled to maximize the likelihood."""
    result = curve_fit("a * exp(-b * x)", X, Y, sigma=sigma, absolute_sigma=absolute)
    shape = np.eye(9) if sigma is None else sigma if np.ndim(sigma) == 2 else np.diag(np.broadcast_to(sigma, 9) ** 2)
    scale = 1.0 if absolute else result.chisqr / 9
    expected = scipy.stats.multivariate_normal.logpdf(result.residuals, cov=scale * shape)
    assert result.log_likelihood == pytest.approx(expected, rel=1e-12)
    k = 2 if absolute else 3
    assert result.aic == pytest.approx(2 * k - 2 * expected)
    assert result.aicc == pytest.approx(2 * k - 2 * expected + 2 * k * (k + 1) / (8 - k))
    assert result.bic == pytest.approx(k * math.log(9) - 2 * expected)


def test_other_losses() -> None:
    own = curve_fit("a * exp(-b * x)", X, Y, [2.0, 1.0], loss=lambda y, said: square((y - said) / 0.1) / 2)
    assert (own.log_likelihood, own.aic) == (-own.cost, 2 * own.cost + 4)
    assert math.isnan(curve_fit("a * exp(-b * x)", X, Y, loss="huber", f_scale=0.1).aic)


@pytest.mark.parametrize("options", [{}, {"sigma": "s"}, {"sigma": "s", "absolute_sigma": True}, {"loss": "huber"}], ids=str)
def test_groups_have_those_of_their_fits(options: dict[str, Any]) -> None:
    data = {"g": [1] * 9 + [2] * 9, "x": np.tile(X, 2), "y": np.append(Y, Y[::-1]), "s": np.append(SIGMA, SIGMA)}
    fits = fit_groups("a * exp(-b * x)", _frame(data), "y", by="g", **options)
    for name in ("log_likelihood", "aic", "aicc", "bic"):
        np.testing.assert_allclose(getattr(fits, name), [getattr(fits[k], name) for k in range(2)], rtol=1e-12)


def _frame(data: dict[str, Any]) -> Any:
    import polars as pl

    return pl.DataFrame(data)
