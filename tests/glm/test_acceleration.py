"""Fits whose link is not canonical converge where scoring alone takes hundreds of steps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from jitgrad import glm
from jitgrad.glm import newton
from jitgrad.glm.acceleration import Acceleration

SLOW = [("inverse_gaussian", "identity"), ("gamma", "identity"), ("inverse_gaussian", "log")]


def table(family: str, link: str) -> tuple[np.ndarray, np.ndarray]:
    """Of skewed targets, whose second derivative is far from the expected one."""
    draw = np.random.default_rng(4)
    x = draw.normal(size=(24, 2))
    eta = (5.0 if link == "identity" else 0.7) + 0.3 * x.sum(1)
    mean = eta if link == "identity" else np.exp(eta)
    return x, draw.wald(mean, 4) if family == "inverse_gaussian" else draw.gamma(0.8, mean / 0.8) + 1e-3


@pytest.mark.parametrize(("family", "link"), SLOW)
def test_the_maximum_is_found(family: str, link: str) -> None:
    x, y = table(family, link)
    fit = glm.fit(x, y, family, link)
    assert fit.converged and fit.n_iter <= 30

    def deviance(coefficients: np.ndarray) -> float:
        eta = coefficients[0] + x @ coefficients[1:]
        mean = eta if link == "identity" else np.exp(eta)
        if (mean <= 0).any():
            return np.inf
        parts = (y - mean) ** 2 / (mean**2 * y) if family == "inverse_gaussian" else 2 * ((y - mean) / mean - np.log(y / mean))
        return float(np.sum(parts))

    found = optimize.minimize(deviance, fit.coefficients[:, 0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13})
    assert fit.deviance <= found.fun + 1e-12
    np.testing.assert_allclose(fit.coefficients[:, 0], found.x, atol=1e-5)


@pytest.mark.parametrize(("family", "link"), SLOW[:1])
def test_it_is_the_acceleration(family: str, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = table(family, link)
    with_it = glm.fit(x, y, family, link, max_iter=1000)
    monkeypatch.setattr(Acceleration, "propose", lambda *_: None)
    without = glm.fit(x, y, family, link, max_iter=1000)
    assert without.n_iter > 2 * with_it.n_iter


def test_canonical_links_have_newtons_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("accelerated")

    monkeypatch.setattr(newton.Acceleration, "propose", refused)
    x, y = table("gamma", "identity")
    assert glm.fit(x, np.floor(y), "poisson").converged
