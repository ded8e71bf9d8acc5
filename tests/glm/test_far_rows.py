"""Rows far out, whose target is what the others say, change nothing: their means are 0 or 1 to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from jitgrad import glm

N = 60
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(N, 1))
Y = (X[:, 0] + DRAW.logistic(size=N) > 0) * 1.0


@pytest.mark.parametrize("far", [30.0, -30.0, 1e3, -1e3, 1e5, -1e5])
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_a_row_far_out(link: str, far: float) -> None:
    got = glm.fit(np.r_[X, [[far]]], np.r_[Y, far > 0], "binomial", link)
    without = glm.fit(X, Y, "binomial", link)
    assert got.converged
    np.testing.assert_allclose(got.coefficients, without.coefficients, rtol=1e-6)
    np.testing.assert_allclose(got.covariance, without.covariance, rtol=1e-6)
    assert got.deviance == pytest.approx(without.deviance)
