"""Decorrelated coordinates: which features say something new, and the way to and from their coefficients."""

from __future__ import annotations

import numpy as np
import pytest

from jitgrad import glm
from jitgrad.glm.coordinates import orthonormal

A = np.array([1.0, 2, 4, 7, 3, 0])
B = np.array([5.0, 1, 2, 8, 9, 4])
ONE = np.full(6, 0.1)


@pytest.mark.parametrize(
    ("columns", "aliased"),
    [
        ([A, B], []),
        ([A, ONE, B], [1]),
        ([ONE * 1e117, A], [0]),
        ([A, 2 * A + 3, B], [1]),
        ([A, B, 1e6 * A - 1e-3 * B], [2]),
        ([A, A + 1e-3 * B, B], [2]),
        ([A, A + 1e-6 * B], []),
        ([A, A + 1e-9 * B], []),
        ([1e170 * A, 1e-170 * B], []),
        ([1e9 + A, B], []),
        ([1e9 + A, 2e9 + 2 * A, B], [1]),
        ([A == 1, A == 2, A == 4, A == 7, A == 3, A == 0], [5]),
        ([A**k for k in range(1, 8)], [5, 6]),
    ],
)
def test_aliased_features(columns: list[np.ndarray], aliased: list[int]) -> None:
    inputs, coordinates = orthonormal(np.column_stack(columns).astype(float), np.ones(6), True)
    assert np.flatnonzero(~coordinates.estimated[1:]).tolist() == aliased
    assert inputs.shape == (6, 1 + len(columns) - len(aliased))
    np.testing.assert_allclose(inputs.T @ inputs / 6, np.eye(len(inputs.T)), atol=1e-6)


@pytest.mark.parametrize("intercept", [True, False])
def test_inputs_are_orthonormal_with_weights(intercept: bool, draw: np.random.Generator) -> None:
    x = draw.normal(size=(50, 4)) @ draw.normal(size=(4, 4)) * [1e-3, 1, 10, 1e5] + [0, 5, 1e4, 0]
    weights = draw.uniform(0.1, 3, 50)
    inputs, _ = orthonormal(x, weights, intercept)
    np.testing.assert_allclose(inputs.T @ (inputs * weights[:, None]) / weights.sum(), np.eye(4 + intercept), atol=1e-10)


@pytest.mark.parametrize("intercept", [True, False])
def test_coefficients_there_and_back(intercept: bool, draw: np.random.Generator) -> None:
    x = draw.normal(size=(20, 3)) * [1, 10, 100] + 5
    inputs, coordinates = orthonormal(x, np.ones(20), intercept)
    own = draw.normal(size=(inputs.shape[1], 2))
    of_features = coordinates.coefficients(own)
    np.testing.assert_allclose(of_features[0] + x @ of_features[1:], inputs @ own)
    np.testing.assert_allclose(coordinates.forth(of_features), own)


@pytest.mark.parametrize("value", [0.1, 1e15, -1e-100])
def test_a_constant_feature_changes_nothing(value: float, draw: np.random.Generator) -> None:
    x, y = draw.normal(size=(30, 2)), draw.normal(size=30)
    got, without = glm.fit(np.column_stack([np.full(30, value), x]), y), glm.fit(x, y)
    assert got.aliased.tolist() == [True, False, False]
    np.testing.assert_allclose(got.coefficients[[0, 2, 3]], without.coefficients, rtol=1e-12)
