"""The special functions that are composed of ops, against SciPy's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

import jitgrad

RATIOS = [0, 1e-12, 1e-6, 1e-3, 0.1, 1, 5, 8.88, 8.89, 12, 100]  # gamma / sigma; the pole leaves the sum at 2π√2 = 8.886
CENTRES = np.concatenate([np.linspace(-50, 50, 2001), np.random.default_rng(0).uniform(-8, 8, 1000)])


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("sigma", [1e-9, 1.0, 30.0])
def test_voigt_profile_is_scipys(sigma: float, ratio: float) -> None:
    x, gamma = CENTRES * sigma, ratio * sigma
    expected = special.voigt_profile(x, sigma, gamma)
    got = np.asarray(jitgrad.voigt_profile(x, sigma, gamma))
    normal = expected > 1e-300 / sigma
    assert normal.sum() > 2000
    np.testing.assert_allclose(got[normal], expected[normal], rtol=1e-12)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-14 * expected.max())


def test_voigt_profile_of_no_lorentzian_is_the_gaussian() -> None:
    x = np.linspace(-37, 37, 500)
    got = np.asarray(jitgrad.voigt_profile(x, 1.0, 0.0))
    np.testing.assert_allclose(got, np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi), rtol=1e-12)


@pytest.mark.parametrize(("sigma", "gamma"), [(1.0, 0.5), (0.7, 0.0), (0.2, 3.0), (2.0, 1e-3), (1.0, -0.2), (0.1, 0.8886)])
def test_derivatives_of_voigt_profile(sigma: float, gamma: float) -> None:
    for x in (0.0, 0.2, 1.0, -3.0, 6.0, 20.0):  # each on its own, as a part of its value
        value = special.voigt_profile(x, sigma, abs(gamma))
        at = (np.array(x), np.array(sigma), np.array(gamma))
        jitgrad.check_grads(lambda *a, value=value: jitgrad.voigt_profile(*a) / value, at, order=2, rtol=1e-4, atol=1e-4)


def test_voigt_profile_is_smooth_where_its_nodes_change() -> None:
    """Nodes change at multiples of √2 / 2. Third derivatives there and on both sides are those of a Gaussian."""
    third = jitgrad.grad(jitgrad.grad(jitgrad.grad(lambda v: jitgrad.voigt_profile(v, 1.0, 0.0))))
    for at in np.arange(-6, 7) * math.sqrt(0.5):
        for x in (at - 1e-9, at, at + 1e-9, at + 0.3):
            expected = (3 * x - x**3) * math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
            assert float(third(x)) == pytest.approx(expected, abs=1e-12)


def test_voigt_profile_broadcasts_and_keeps_the_dtype() -> None:
    x, sigma, gamma = np.float32([[-1], [0], [2]]), np.float32([0.5, 2.0]), np.float32(0.3)
    got = jitgrad.voigt_profile(x, sigma, gamma)
    assert got.shape == (3, 2) and got.dtype == np.float32
    np.testing.assert_allclose(np.asarray(got), special.voigt_profile(x, sigma, gamma), rtol=2e-6)
    assert float(jitgrad.voigt_profile(0, 1, 1)) == pytest.approx(special.voigt_profile(0.0, 1, 1), rel=1e-14)
