"""Columns to numbers: encodings, missing values, and what cannot be used."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad.errors import DataError
from jitgrad.tabular.columns import make_design


def design(columns: dict[str, Any], target: str = "y", features: Any = None, classify: bool = False, drop: bool = True) -> Any:
    return make_design(pl.DataFrame(columns), target, features, classify, drop)


def test_texts_become_columns_of_zero_and_one() -> None:
    got = design({"a": [1, 2, 3, 4], "kind": ["u", "v", "w", "u"], "on": [True, False, True, True], "y": [1.0, 2, 3, 4]})
    assert got.names == ["a", "kind=v", "kind=w", "on"]
    np.testing.assert_array_equal(got.x, [[1, 0, 0, 1], [2, 1, 0, 0], [3, 0, 1, 1], [4, 0, 0, 1]])
    assert got.classes == []


def test_classes_are_sorted() -> None:
    got = design({"a": [1, 2, 3], "y": ["z", "b", "z"]})
    assert got.classes == ["b", "z"]
    np.testing.assert_array_equal(got.y, [1, 0, 1])
    assert design({"a": [1, 2, 3], "y": [3, 1, 3]}, classify=True).classes == ["1", "3"]
    assert design({"a": [1, 2, 3], "y": [True, False, True]}).classes == ["False", "True"]


def test_rows_with_missing_values() -> None:
    columns = {"a": [1.0, None, 3.0, float("nan")], "unused": [None, 1, 1, 1], "y": [1.0, 2, 3, 4]}
    got = design(columns, features=["a"])
    assert got.dropped == 2
    np.testing.assert_array_equal(got.x, [[1], [3]])
    with pytest.raises(DataError, match="2 rows have missing values, first column 'a' in row 2"):
        design(columns, features=["a"], drop=False)


@pytest.mark.parametrize(
    ("columns", "more", "message"),
    [
        ({"a": [1], "y": [1]}, {"target": "z"}, "no column 'z'"),
        ({"alpha": [1], "y": [1]}, {"features": ["alpa"]}, "Did you mean 'alpha'"),
        ({"a": [None, None], "y": [1, 2]}, {}, "Column 'a' has no value in any row"),
        ({"a": [1, 2], "y": [1, 2]}, {"features": ["a", "a"]}, "named twice"),
        ({"a": [1, 2], "y": [1, 2]}, {"features": ["y"]}, "named twice"),
        ({"y": [1, 2]}, {}, "no feature column"),
        ({"a": [1, None], "y": [None, 2]}, {}, "Every row has a missing value"),
        ({"a": [1, 2], "y": ["k", "k"]}, {}, "one class 'k'"),
        ({"a": list(range(20)), "y": [f"t{i}" for i in range(20)]}, {}, "20 classes in 20 rows"),
        ({"a": ["1", "2", "x2", "4"], "y": [1, 2, 3, 4]}, {}, r"'x2' among them \(row 3"),
        ({"a": [f"t{i}" for i in range(200)], "y": range(200)}, {}, "200 different texts"),
        ({"a": [1.0, float("inf")], "y": [1, 2]}, {}, "infinite number in row 2"),
        ({"a": [[1], [2]], "y": [1, 2]}, {}, "numbers are needed"),
    ],
)
def test_columns_that_cannot_be_used(columns: dict[str, Any], more: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        design(columns, **more)
