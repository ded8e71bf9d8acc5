"""Distributions of the families are SciPy's, and quantile residuals are normal where the model is true."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from jitgrad import glm
from jitgrad.glm.quantiles import at_most, has_distribution, quantile_residuals

N = 300
DRAW = np.random.default_rng(5)
X = DRAW.normal(size=(N, 2))
MEAN = np.exp(0.4 * X[:, 0] + 1)
TRIALS = DRAW.integers(1, 9, N).astype(float)
WEIGHTS = DRAW.uniform(0.5, 2, N)
SHARE = 1 / (1 + np.exp(-X[:, 0]))

TARGETS: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "gaussian": (DRAW.normal(MEAN, 1 / np.sqrt(WEIGHTS)), {"weights": WEIGHTS}),
    "poisson": (DRAW.poisson(MEAN) * 1.0, {}),
    "binomial": (DRAW.binomial(1, SHARE) * 1.0, {}),
    "trials": (DRAW.binomial(TRIALS.astype(int), SHARE) / TRIALS, {"trials": TRIALS}),
    "gamma": (DRAW.gamma(3, MEAN / 3), {"link": "log"}),
    "inverse_gaussian": (DRAW.wald(MEAN, 4), {"link": "log"}),
    "negative_binomial": (DRAW.negative_binomial(2, 2 / (2 + MEAN)) * 1.0, {}),
}
SCIPY: dict[str, Any] = {
    "gaussian": lambda fit, y, mean: stats.norm.cdf(y, mean, np.sqrt(fit.dispersion / WEIGHTS)),
    "poisson": lambda fit, y, mean: stats.poisson.cdf(y, mean),
    "binomial": lambda fit, y, mean: stats.bernoulli.cdf(y, mean),
    "trials": lambda fit, y, mean: stats.binom.cdf(np.round(y * TRIALS), TRIALS, mean),
    "gamma": lambda fit, y, mean: stats.gamma.cdf(y, 1 / fit.dispersion, scale=mean * fit.dispersion),
    "inverse_gaussian": lambda fit, y, mean: stats.invgauss.cdf(y, mean * fit.dispersion, scale=1 / fit.dispersion),
    "negative_binomial": lambda fit, y, mean: stats.nbinom.cdf(y, fit.theta, fit.theta / (fit.theta + mean)),
}


@pytest.mark.parametrize("name", TARGETS)
def test_distributions(name: str) -> None:
    y, given = TARGETS[name]
    fit = glm.fit(X, y, "binomial" if name == "trials" else name, **given)
    rows = {key: value for key, value in given.items() if key != "link"}
    mean = fit.predict(X)
    assert has_distribution(fit)
    np.testing.assert_allclose(at_most(fit, y, mean, **rows), SCIPY[name](fit, y, mean), rtol=1e-9, atol=1e-12)
    if name in ("poisson", "binomial", "trials", "negative_binomial"):
        assert (at_most(fit, np.full(N, -1.0), mean, **rows) == 0).all()
    residuals = quantile_residuals(fit, X, y, **rows)
    np.testing.assert_array_equal(residuals, quantile_residuals(fit, X, y, **rows))
    assert stats.kstest(residuals, "norm").pvalue > 0.01
    assert abs(residuals.mean()) < 0.2 and abs(residuals.std() - 1) < 0.15


def test_residuals_of_a_wrong_model_are_not_normal() -> None:
    y = TARGETS["negative_binomial"][0]
    residuals = quantile_residuals(glm.fit(X, y, "poisson"), X, y)
    assert stats.kstest(residuals, "norm").pvalue < 1e-6


def test_the_seed_draws() -> None:
    y = TARGETS["poisson"][0]
    fit = glm.fit(X, y, "poisson")
    assert (quantile_residuals(fit, X, y, seed=0) != quantile_residuals(fit, X, y, seed=1)).mean() > 0.9


def test_quasi_likelihoods_have_no_distribution() -> None:
    assert not has_distribution(glm.fit(X, TARGETS["poisson"][0], "quasi_poisson"))
