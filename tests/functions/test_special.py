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


# By mpmath, to 17 digits. Order 0 is digamma.
POLYGAMMA = [
    (0, -1000.25, 10.050097693066706), (0, -12345.678, 7.4549659001166125), (0, -1000000000.125, 28.307741429319571),
    (0, -0.5, 0.036489973978576521), (0, -1e-10, 9999999999.422784), (0, -1e15 - 0.5, 34.538776394910686),
    (1, -1000.25, 19.738209551699785), (1, -12345.678, 13.735213862761746), (1, -1e9 - 0.125, 67.393874401912953),
    (1, -0.5, 8.9348022005446793), (1, 1e300, 1e-300), (1, 1e-160, math.inf), (1, -1e-160, math.inf),
    (2, -1.25, 123.72136678366236), (2, -1000.25, 124.02510572269784), (2, -300000.75, -124.02510672121039),
    (2, -1500.5, -4.4385239466689884e-7), (3, -1000.25, 1558.5454565420435), (4, -2.5, -0.067995999506731363),
    (5, -1000000.375, 45190.029310609183), (10, -2.5, -4.0266930412329948), (110, 1000.0, -1.524740677613354e-154),
    (171, 10.0, 1.2410181644579104e137), (200, 1000.0, -4.3508192705971018e-228), (200, 1.0, -math.inf),
    (1, -1000.0, math.inf), (2, -1001.0, -math.inf), (1, -1e18, math.inf), (1, -math.inf, math.nan), (2, math.inf, 0.0),
    (-1, 2.0, math.nan), (0.5, 2.0, math.nan), (1e15, 2.0, math.nan), (170, -1000.25, math.inf), (170, -1000.75, -math.inf),
]  # fmt: skip


@pytest.mark.parametrize(("order", "x", "expected"), POLYGAMMA)
def test_polygamma(order: float, x: float, expected: float) -> None:
    assert float(jitgrad.polygamma(order, x)) == pytest.approx(expected, rel=2e-14, abs=0, nan_ok=True)
    if order == 0:
        assert float(jitgrad.digamma(x)) == pytest.approx(expected, rel=2e-14, abs=0)
    if order >= 1 and math.isfinite(expected):
        lower = jitgrad.grad(lambda t: jitgrad.polygamma(order - 1, t))(x)
        assert float(lower) == pytest.approx(expected, rel=2e-14, abs=0)


def test_polygamma_is_scipys(draw: np.random.Generator) -> None:
    order, x = draw.integers(1, 30, 500), draw.uniform(1e-3, 100, 500)
    np.testing.assert_allclose(np.asarray(jitgrad.polygamma(order, x)), special.polygamma(order, x), rtol=2e-14)
