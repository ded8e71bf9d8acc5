"""The scale of a fit: which features say something new, and coordinates without correlation."""

from __future__ import annotations

import numpy as np
import pytest

from jitgrad.tabular.scale import Scale, make_scale

A = np.array([1.0, 2, 4, 7, 3, 0])
B = np.array([5.0, 1, 2, 8, 9, 4])
ONE = np.full(6, 0.1)


@pytest.mark.parametrize(
    ("columns", "aliased"),
    [
        ([A, B], []),
        ([A, ONE, B], [1]),
        ([A, 2 * A + 3, B], [1]),
        ([A, B, 1e6 * A - 1e-3 * B], [2]),
        ([A, A + 1e-3 * B, B], [2]),
        ([A, A + 1e-6 * B], []),
        ([1e100 * A, 1e-100 * B], []),
        ([1e9 + A, B], []),
        ([A == 1, A == 2, A == 4, A == 7, A == 3, A == 0], [5]),
        ([A**k for k in range(1, 8)], [5, 6]),
    ],
)
def test_aliased_features(columns: list[np.ndarray], aliased: list[int]) -> None:
    scale = make_scale(np.column_stack(columns).astype(float), True, 0.0, 1.0)
    assert np.flatnonzero(scale.aliased).tolist() == aliased
    assert scale.width == len(columns) - len(aliased)


def test_inputs_are_uncorrelated_of_mean_0_and_variance_1(draw: np.random.Generator) -> None:
    x = draw.normal(size=(50, 4)) @ draw.normal(size=(4, 4)) * [1e-3, 1, 10, 1e5] + [0, 5, 1e4, 0]
    inputs = make_scale(x, True, 0.0, 1.0).inputs(x)
    np.testing.assert_allclose(inputs.mean(0), 0, atol=1e-10)
    np.testing.assert_allclose(inputs.T @ inputs / 50, np.eye(4), atol=1e-10)


def test_coefficients_in_the_units_of_the_table(draw: np.random.Generator) -> None:
    x = draw.normal(size=(20, 3)) * [1, 10, 100] + 5
    scale, weights = make_scale(x, True, 4.0, 2.0), draw.normal(size=(4, 2))
    result = weights[0] + scale.inputs(x) @ weights[1:]
    coefficients = scale.coefficients(weights[1:], weights[0])
    np.testing.assert_allclose(coefficients[0] + x @ coefficients[1:], 2 * result + 4)


def test_a_layer_of_coefficients_and_back(draw: np.random.Generator) -> None:
    x, coefficients = draw.normal(size=(20, 3)) * [1, 10, 100] + 5, draw.normal(size=(4, 2))
    scale = make_scale(x)
    kernel, bias = scale.layer(coefficients)
    np.testing.assert_allclose(scale.inputs(x) @ kernel + bias, coefficients[0] + x @ coefficients[1:], rtol=1e-12)
    np.testing.assert_allclose(scale.coefficients(kernel, bias), coefficients, rtol=1e-12)


def test_the_scale_of_a_network() -> None:
    x = np.column_stack([A, ONE])
    scale = make_scale(x, False, 0.0, 1.0)
    assert isinstance(scale, Scale) and scale.rotation is None and scale.width == 2 and not scale.aliased.any()
    np.testing.assert_allclose(scale.inputs(x), np.column_stack([(A - A.mean()) / A.std(), np.zeros(6)]), atol=1e-15)


@pytest.mark.parametrize("value", [0.1, 1e15, 1e117, -1e-100])
@pytest.mark.parametrize("decorrelate", [True, False])
def test_constant_columns_are_zero(value: float, decorrelate: bool) -> None:
    x = np.column_stack([np.full(7, value), np.arange(7.0)])
    inputs = make_scale(x, decorrelate, 0.0, 1.0).inputs(x)
    assert np.abs(inputs).max() < 2
    assert decorrelate or (inputs[:, 0] == 0).all()
