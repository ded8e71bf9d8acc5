"""The Gram matrix of columns against NumPy's, of any sizes, and with the same bits wherever a column stands."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from numpy.typing import NDArray

from jitgrad.vm.compiler.language import compiled
from jitgrad.vm.compiler.types import FLOAT64, UINT64, Records
from jitgrad.vm.kernels.gram import gram
from jitgrad.vm.least_squares.systems import Place
from jitgrad.vm.native import Function
from jitgrad.vm.records import address, in_row
from tests.vm.test_compiler import FLOATS, function_of


@compiled
def _gram(columns, rows, cols, to, distance):  # type: ignore[no-untyped-def]
    gram(columns, rows, cols, to, distance)


@functools.cache
def native() -> Function:
    return function_of(_gram, (Records(Place, FLOAT64), UINT64, UINT64, FLOATS, UINT64))


def products(columns: NDArray[np.float64], rows: int, distance: int = 1) -> NDArray[np.float64]:
    """The lower triangle, with nan between the products."""
    cols, places = len(columns), in_row(Place, [Place(data=column) for column in columns])
    made = np.full(cols * (cols + 1) // 2 * distance, np.nan)
    native().call(address(places), rows, cols, address(made), distance)
    return made


@pytest.mark.parametrize("cols", range(1, 15))
def test_products_of_columns(cols: int) -> None:
    draw, lower = np.random.default_rng(cols), np.tril_indices(cols)
    for rows in [*range(1, 20), 25, 100, 1021]:
        columns = np.full((cols, rows + cols % 4), np.nan)  # what stands behind a column is not read
        used = columns[:, :rows]
        used[...] = draw.normal(size=used.shape)
        made = products(columns, rows, distance=8).reshape(-1, 8)
        assert np.isnan(made[:, 1:]).all()
        bound = 3 * (rows + 8) * np.finfo(float).eps * (abs(used) @ abs(used).T)[lower]
        assert (abs(made[:, 0] - (used @ used.T)[lower]) <= bound).all()


@pytest.mark.parametrize("rows", [3, 25, 100])
def test_a_product_has_its_bits_wherever_its_columns_stand(rows: int) -> None:
    draw = np.random.default_rng(rows)
    columns = draw.normal(size=(13, rows))
    whole = np.zeros((13, 13))
    whole[np.tril_indices(13)] = products(columns, rows)
    whole = np.tril(whole) + np.tril(whole, -1).T
    for cols in range(1, 14):
        order = draw.permutation(13)[:cols]
        np.testing.assert_array_equal(products(columns[order], rows), whole[np.ix_(order, order)][np.tril_indices(cols)])


def test_nan_and_infinity_stay_in_their_columns() -> None:
    columns = np.random.default_rng(0).normal(size=(7, 9))
    columns[2, 4], columns[5, 8] = np.nan, np.inf
    made = np.zeros((7, 7))
    made[np.tril_indices(7)] = products(columns, 9)
    finite = np.isfinite(made + np.tril(made, -1).T)
    clean = [k for k in range(7) if k not in (2, 5)]
    assert finite[np.ix_(clean, clean)].all() and not finite[[2, 5]].any()
    assert made[5, 5] == np.inf


def test_products_of_no_terms_are_zero() -> None:
    for cols in (5, 8):
        assert not products(np.full((cols, 4), np.nan), 0).any()
