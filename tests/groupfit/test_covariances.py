"""Covariances of many groups at once."""

from __future__ import annotations

import numpy as np

from jitgrad.groupfit.fit import fit_groups


def test_covariances_are_those_of_each_fit(draw: np.random.Generator) -> None:
    x = np.linspace(0, 4, 12)
    y = draw.uniform(1, 3, (5, 1)) * np.exp(-x) + 0.1 + 0.01 * draw.normal(size=(5, 12))
    y[3, 0] = np.nan
    fits = fit_groups("a * exp(-k * x) + c + d", x, y, p0={"a": 2, "k": 1, "c": 0, "d": 0.5}, fixed=["d"])
    for i in (0, 1, 2, 4):
        np.testing.assert_allclose(fits.covariances[i], fits[i].covariance, rtol=1e-9)
        np.testing.assert_allclose(np.sqrt(np.diag(fits.covariances[i])), fits.stderr[i], rtol=1e-12)
    assert np.isnan(fits.covariances[3]).all()


def test_one_group_has_the_covariance_that_it_has_among_others(draw: np.random.Generator) -> None:
    x, y = np.linspace(0, 4, 12), draw.normal(size=(3, 12))
    many, one = fit_groups("a + b * x", x, y, p0=[0, 0]), fit_groups("a + b * x", x, y[1:2], p0=[0, 0])
    np.testing.assert_array_equal(one.covariances, many.covariances[1:2])
    np.testing.assert_array_equal(one.covariance(0), many.covariance(1))


def test_without_degrees_of_freedom_covariances_are_infinite() -> None:
    fits = fit_groups("a + b * x", np.arange(2.0), np.array([[1.0, 3.0], [2.0, 5.0]]), p0=[0, 0])
    assert np.isinf(fits.covariances).all()
