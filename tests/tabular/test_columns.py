"""Columns to numbers: encodings, missing values, and what cannot be used."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad.errors import DataError
from jitgrad.tabular.columns import Design, design_like, encoded, make_design


def design(
    columns: dict[str, Any], target: str = "y", features: Any = None, classify: bool = False, drop: bool = True
) -> Design:
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
    with pytest.raises(DataError, match="2 rows have missing values, the first one in column 'a', row 2"):
        design(columns, features=["a"], drop=False)


@pytest.mark.parametrize(
    ("columns", "more", "message"),
    [
        ({"a": [1], "y": [1]}, {"target": "z"}, "Column 'z' does not exist"),
        ({"alpha": [1], "y": [1]}, {"features": ["alpa"]}, "Did you mean 'alpha'"),
        ({"a": [None, None], "y": [1, 2]}, {}, "Column 'a' has no values"),
        ({"a": [1, 2], "y": [1, 2]}, {"features": ["a", "a"]}, "more than once"),
        ({"a": [1, 2], "y": [1, 2]}, {"features": ["y"]}, "'y' is both the target and a feature"),
        ({"y": [1, 2]}, {}, "no feature column"),
        ({"a": [1, None], "y": [None, 2]}, {}, "Every row has a missing value"),
        ({"a": [1, 2], "y": ["k", "k"]}, {}, "only one class, 'k'"),
        ({"a": list(range(20)), "y": [f"t{i}" for i in range(20)]}, {}, "20 classes in 20 rows"),
        ({"a": ["1", "2", "x2", "4"], "y": [1, 2, 3, 4]}, {"features": ["a"]}, r"except for 'x2' in row 3"),
        ({"a": [f"t{i}" for i in range(200)], "y": range(200)}, {"features": ["a"]}, "200 categories"),
        ({"a": [1.0, float("inf")], "y": [1, 2]}, {}, "infinite number in row 2"),
        ({"a": [[1], [2]], "y": [1, 2]}, {"features": ["a"]}, "numbers are needed"),
    ],
)
def test_columns_that_cannot_be_used(columns: dict[str, Any], more: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        design(columns, **more)


def test_categories_are_texts() -> None:
    kinds = pl.Series(["u", "w", "v", "u"], dtype=pl.Categorical)
    classes = pl.Series(["no", "yes", "no", "yes"], dtype=pl.Enum(["yes", "no"]))
    got = design({"kind": kinds, "y": classes})
    assert (got.names, got.classes) == (["kind=v", "kind=w"], ["yes", "no"])
    np.testing.assert_array_equal(got.y, [1, 0, 1, 0])


def test_what_is_learned_of_columns() -> None:
    got = design({"a": [3, None, 1], "kind": ["u", "z", "v"], "on": [True, False, False], "y": [5.0, 6, 4]})
    a, kind, on = got.columns
    assert (a.kind, a.low, a.high) == ("number", 1, 3)
    assert (kind.kind, kind.categories, kind.low) == ("text", ("u", "v"), None)  # "z" is in no row that is used
    assert (on.kind, on.low, on.high) == ("boolean", 0, 1)
    assert (got.target.values, got.target.low, got.target.high) == ((), 4, 5)


FITTED = {"a": [1.0, 2, 3, 4], "kind": ["u", "v", "w", "u"], "on": [True, False, True, True], "y": ["n", "y", "n", "y"]}


def test_another_table_becomes_numbers_in_the_same_way() -> None:
    like = design(FITTED)
    other = {
        "more": [0] * 4,
        "y": ["y", "n", "n", None],
        "on": [1, 0, None, 1],
        "kind": ["w", "v", "u", "u"],
        "a": [9, 8, 7, 6],
    }
    got = design_like(pl.DataFrame(other), like.predictors, like.target)
    np.testing.assert_array_equal(got.x, [[9, 0, 1, 1], [8, 1, 0, 0]])
    np.testing.assert_array_equal(got.y, [1, 0])
    assert got.dropped == 2
    nan = np.nan
    every = encoded(pl.DataFrame(other), like.predictors).x
    np.testing.assert_array_equal(every, [[9, 0, 1, 1], [8, 1, 0, 0], [7, 0, 0, nan], [6, 0, 0, 1]])


def test_a_column_of_another_table_may_be_of_another_type() -> None:
    like = design({"a": [1, 2, 3, 4], "code": ["1", "2", "x", "z"], "y": [1, 2, 2, 1]}, classify=True)
    other = pl.DataFrame({"a": ["7", None, "9.5"], "code": [2, 1, None], "y": [2.0, 1.0, float("nan")]})
    np.testing.assert_array_equal(encoded(other, like.predictors).x, [[7, 1, 0, 0], [np.nan, 0, 0, 0], [9.5, *[np.nan] * 3]])
    np.testing.assert_array_equal(like.target.encode(other["y"]), [1, 0, np.nan])
    empty = pl.DataFrame({"a": [None], "code": [None]})
    assert np.isnan(encoded(empty, like.predictors).x).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": ["n", "y", "m", "y"]}, "'y' has 'm' in row 3, .* known categories are n, y."),
        ({"a": ["1", "2", "three", "4"]}, "'a' has 'three' in row 3, which is not a number"),
        ({"a": [1.0, 2, 3, float("inf")]}, "'a' has an infinite number in row 4"),
        ({"a": [[1]] * 4}, "numbers are needed"),
        ({"a": [None] * 4}, "Every row has a missing value"),
        ({"on": "left out"}, "needs the column 'on', which the table does not have. Add it"),
        (
            {"kind": "left out", "kinds": ["u"] * 4},
            "needs the column 'kind', which the table does not have. Did you mean 'kinds'",
        ),
    ],
)
def test_another_table_that_does_not_fit(change: dict[str, Any], message: str) -> None:
    like = design(FITTED)
    other = {name: values for name, values in (FITTED | change).items() if values != "left out"}
    with pytest.raises(DataError, match=message):
        design_like(pl.DataFrame(other), like.predictors, like.target)
