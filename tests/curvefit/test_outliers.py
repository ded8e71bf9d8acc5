"""Outliers by the ROUT method, compared with the rates published by Motulsky and Brown and by GraphPad."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from jitgrad import curve_fit
from jitgrad.curvefit.outliers import outlying, spread_of
from jitgrad.errors import ArgumentError

CONSTANT = "m + 0 * x"
X = np.linspace(0, 10, 36)
DECAY, TRUTH = "a * exp(-b * x) + c", (2.0, 0.5, 1.0)


def decay(seed: int) -> np.ndarray:
    a, b, c = TRUTH
    return a * np.exp(-b * X) + c + 0.1 * np.random.default_rng(seed).normal(size=36)


def test_outliers_are_left_out_and_said() -> None:
    y = decay(1)
    y[[5, 20]] += [1.0, -2.0]
    result = curve_fit(DECAY, X, y, outliers=0.01)
    assert result.success and result.n_rows == 34
    assert result.outliers is not None and result.outliers.rows.tolist() == [5, 20]
    np.testing.assert_array_equal(result.outliers.y, y[[5, 20]])
    note = f"2 of 36 rows were excluded as outliers (ROUT, Q = 1%): (x = 1.42857, y = {y[5]:g}), (x = 5.71429, y = "
    assert any(said.startswith(note) for said in result.notes)
    kept = np.delete(np.arange(36), [5, 20])
    alone = curve_fit(DECAY, X[kept], y[kept])
    np.testing.assert_allclose(result.values, alone.values, rtol=1e-9)
    np.testing.assert_allclose(result.stderr, alone.stderr, rtol=1e-6)


def test_no_outlier_leaves_the_fit_as_it_is() -> None:
    y = decay(2)
    result, plain = curve_fit(DECAY, X, y, outliers=0.01), curve_fit(DECAY, X, y)
    assert result.outliers is not None and not len(result.outliers.rows)
    assert result.notes == ["no outliers were found (ROUT, Q = 1%)"] and plain.outliers is None
    np.testing.assert_array_equal(result.values, plain.values)


@pytest.mark.parametrize("sigma", [np.linspace(0.05, 0.2, 36), 0.1])
def test_residuals_are_over_sigma(sigma: Any) -> None:
    y = decay(3)
    y[30] += 3.0
    result = curve_fit(DECAY, X, y, sigma=sigma, outliers=0.01)
    assert result.outliers is not None and 30 in result.outliers.rows
    shape = np.broadcast_to(sigma, 36)
    kept = np.delete(np.arange(36), result.outliers.rows)
    np.testing.assert_allclose(result.values, curve_fit(DECAY, X[kept], y[kept], sigma=shape[kept]).values, rtol=1e-9)


def test_functions_and_columns() -> None:
    y = decay(4) + 0.3 * X
    y[7] += 2
    result = curve_fit("a * exp(-b * x) + c + d * z", {"x": X, "z": X + np.sin(X)}, y, outliers=0.01)
    assert result.outliers is not None and result.outliers.rows.tolist() == [7]
    function = curve_fit(lambda x, a, b, c: a * np.exp(-b * x) + c, X, decay(5) + 4.0 * (X[9] == X), outliers=0.05)
    assert function.outliers is not None and 9 in function.outliers.rows


def test_exact_data_have_the_outliers_that_stand_out() -> None:
    y = 1 + 2 * X
    y[4] += 0.5
    result = curve_fit("a + b * x", X, y, outliers=0.01)
    assert result.outliers is not None and result.outliers.rows.tolist() == [4]
    assert result.values == pytest.approx([1, 2], rel=1e-12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"outliers": 0}, "outliers is 0. Give a false discovery rate"),
        ({"outliers": "rout"}, "Give a false discovery rate between 0 and 1"),
        ({"loss": "huber"}, "with independent errors"),
        ({"sigma": np.eye(36)}, "with independent errors"),
        ({"model": lambda x, a: a * (x - x.mean()) + x.shape[0]}, "computes each row independently"),
    ],
)
def test_what_has_no_outliers(options: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        curve_fit(**{"model": DECAY, "x": X, "y": decay(6), "p0": None, "outliers": 0.01} | options)


def test_the_test_is_that_of_benjamini_and_hochberg() -> None:
    """The rows that the step-up procedure rejects, if these are less than 30% of the rows."""
    from scipy.stats import false_discovery_control, t

    rng = np.random.default_rng(7)
    for _ in range(200):
        scaled = np.abs(rng.normal(size=20)) * np.where(rng.random(20) < 0.1, 6, 1)
        adjusted = false_discovery_control(2 * t.sf(scaled, 17))
        expected = np.flatnonzero(adjusted < 0.05)
        if len(expected) <= 6:
            np.testing.assert_array_equal(outlying(scaled, 3, 0.05), expected)
    assert spread_of(np.arange(1.0, 11), 1) == pytest.approx((1 + 9 * 0.6827) * 10 / 9)


PUBLISHED = [(10, 0.01, 0.0135), (10, 0.05, 0.0487), (100, 0.01, 0.0130), (100, 0.05, 0.0569)]
"""Of 25,000 samples of a normal distribution, the part in which an outlier was found: GraphPad's statistics guide, "Comparing
Grubbs' and ROUT outlier tests", designs A and B."""


def _found(rows: int, q: float, count: int) -> int:
    """Return the number of samples of a normal distribution with an outlier."""
    rng, x = np.random.default_rng(rows), np.arange(float(rows))
    return sum(len(curve_fit(CONSTANT, x, rng.normal(size=rows), [0.0], outliers=q).outliers.rows) > 0 for _ in range(count))


@pytest.mark.parametrize(("rows", "q", "rate"), [PUBLISHED[1]])
def test_false_outliers_are_as_rare_as_published(rows: int, q: float, rate: float) -> None:
    """Within the accuracy of 300 samples; one of 10,000 such tests would fail by chance."""
    assert binom.ppf(5e-5, 300, rate) <= _found(rows, q, 300) <= binom.ppf(1 - 5e-5, 300, rate)


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "q", "rate"), PUBLISHED)
def test_false_outliers_are_as_rare_as_published_at_length(rows: int, q: float, rate: float) -> None:
    assert binom.ppf(5e-5, 5000, rate) <= _found(rows, q, 5000) <= binom.ppf(1 - 5e-5, 5000, rate)


@pytest.mark.slow
def test_an_outlier_of_a_curve_is_found_as_often_as_published() -> None:
    """One outlier of 4.5 standard deviations in 36 rows.

    Motulsky and Brown found 58% of such outliers at Q = 1%, and one in 1 to 3% of data sets without outliers.
    """
    rng, found, false = np.random.default_rng(8), 0, 0
    ideal = TRUTH[0] * np.exp(-TRUTH[1] * X) + TRUTH[2]
    for _ in range(2000):
        y = ideal + 0.1 * rng.normal(size=36)
        clean = curve_fit(DECAY, X, y, TRUTH, outliers=0.01)
        k = int(rng.integers(36))
        y[k] = ideal[k] + 0.45 * rng.choice([-1, 1])
        one = curve_fit(DECAY, X, y, TRUTH, outliers=0.01)
        assert one.outliers is not None and clean.outliers is not None
        found, false = found + (k in one.outliers.rows), false + (len(clean.outliers.rows) > 0)
    assert 0.5 < found / 2000 < 0.66
    assert 0.01 < false / 2000 < 0.03
