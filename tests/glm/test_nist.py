"""The digits that NIST certifies."""

from __future__ import annotations

import numpy as np
import pytest

from jitgrad import glm
from tests.glm import nist

SETS = {
    "LONGLEY": 12, "FILIP": 7, "NORRIS": 12, "PONTIUS": 11, "WAMPLER3": 8, "WAMPLER4": 7.5, "WAMPLER5": 5.5, "NOINT1": 13,
    "NOINT2": 13,
}  # fmt: skip
"""Digits that are correct with any BLAS; the errors of Wampler's sets are up to a million times the coefficients."""


@pytest.mark.parametrize(("name", "digits"), SETS.items())
def test_certified_digits(name: str, digits: float) -> None:
    certified: nist.Certified = getattr(nist, name)
    got = glm.fit(certified.x, certified.y, intercept=not name.startswith("NOINT"))
    assert got.converged and not got.aliased.any()
    np.testing.assert_allclose(got.coefficients[got.estimated, 0], certified.values, rtol=10.0**-digits)
    np.testing.assert_allclose(np.sqrt(np.diag(got.covariance)), certified.deviations, rtol=10.0**-digits)
    assert got.dispersion**0.5 == pytest.approx(certified.residual_deviation, rel=10.0**-digits)


@pytest.mark.parametrize(("ratio", "digits"), [(1.0, 8), (0.1, 12)], ids=["Wampler1", "Wampler2"])
def test_the_polynomials_of_wampler(ratio: float, digits: int) -> None:
    """R. H. Wampler, "A report on the accuracy of some widely used least squares computer programs", 1970."""
    x = np.arange(21.0)
    got = glm.fit(x[:, None] ** np.arange(1, 6), sum((ratio * x) ** k for k in range(6)))
    np.testing.assert_allclose(got.coefficients[:, 0], ratio ** np.arange(6), rtol=10.0**-digits)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson"])
def test_what_is_a_combination_has_no_coefficient(family: str, draw: np.random.Generator) -> None:
    """As in R: the fit is that without it."""
    a, b, year = draw.normal(size=60), draw.normal(size=60), draw.integers(1950, 2020, 60).astype(float)
    y = (a + draw.logistic(size=60) > 0).astype(float)
    x = np.column_stack([np.full(60, 0.1), a, b, 3 * a - b, year, 0.3 * year + 1e6 - a / 7, 2 * a])
    got, without = glm.fit(x, y, family), glm.fit(x[:, [1, 2, 4]], y, family)
    assert got.aliased.tolist() == [True, False, False, True, False, True, True]
    assert np.isnan(got.coefficients[1:, 0]).tolist() == got.aliased.tolist()
    np.testing.assert_allclose(got.coefficients[got.estimated], without.coefficients, rtol=1e-9)
    np.testing.assert_allclose(got.covariance, without.covariance, rtol=1e-9)
    np.testing.assert_allclose(got.predict(x), without.predict(x[:, [1, 2, 4]]), rtol=1e-9)
    assert (got.df_model, got.df_resid) == (3, 56)
