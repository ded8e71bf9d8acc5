"""From the columns of a data frame to arrays: which rows are used, and what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from jitgrad.errors import DataError, listed, near_name
from jitgrad.tabular.encoding import Column, Target


@dataclass(frozen=True)
class Design:
    """A table as arrays.

    Attributes:
        x: float64 (rows, features), as in the table.
        y: float64 (rows,), the target's numbers or the positions of its classes.
        columns: the feature columns, how they became numbers.
        target: the target column.
        dropped: rows left out because a value was missing.
    """

    x: np.ndarray
    y: np.ndarray
    columns: tuple[Column, ...]
    target: Target
    dropped: int

    @property
    def names(self) -> list[str]:
        """The features; ``column=text`` for a column of texts."""
        return labels_of(self.columns)

    @property
    def classes(self) -> list[str]:
        """The classes in order; empty for a regression."""
        return self.target.classes


def labels_of(columns: Sequence[Column]) -> list[str]:
    """The features that columns become."""
    return [label for column in columns for label in column.labels]


def chosen_columns(frame: pl.DataFrame, target: str, features: Sequence[str] | None) -> list[str]:
    """The feature columns: those named, or all but the target.

    Raises DataError where one is not there, is named twice, or has nothing in it.
    """
    chosen = list(features) if features is not None else [name for name in frame.columns if name != target]
    known = set(frame.columns)
    for name in (target, *chosen):
        if name not in known:
            raise DataError(
                f"There is no column {name!r}.{near_name(name, frame.columns)} The columns are {listed(frame.columns)}."
            )
        check_not_empty(frame[name])
    if target in chosen or len(set(chosen)) < len(chosen):
        raise DataError("A column is named twice among target and features. Name each once.")
    if not chosen:
        raise DataError("There is no feature column besides the target. Give at least one.")
    return chosen


def check_not_empty(column: pl.Series) -> None:
    """Raise DataError for a column of nulls alone."""
    if column.null_count() == len(column):
        raise DataError(f"Column {column.name!r} has no value in any row. Leave it out.")


def make_design(frame: pl.DataFrame, target: str, features: Sequence[str] | None, classify: bool, drop_missing: bool) -> Design:
    """Take a target and features out of a table, and learn how they become numbers.

    A target of texts or booleans, or any with ``classify``, makes classes. A feature of texts becomes a 0/1 column for each
    text but the first in order, which is the reference (the only one has a column).

    Raises:
        DataError: for a column that is not there, has nothing in it or cannot be used, for a single class, for infinite
            numbers, and for missing values unless they are to be dropped.
    """
    chosen = chosen_columns(frame, target, features)
    whole = whole_rows(frame.select(target, *chosen), drop_missing)
    columns = tuple(Column.learned(whole[name]) for name in chosen)
    return _design(whole, columns, Target.learned(whole[target], classify))


def design_like(frame: pl.DataFrame, columns: tuple[Column, ...], target: Target, drop_missing: bool = True) -> Design:
    """Take the columns and the target of an earlier table out of another one, as numbers in the same way.

    Raises DataError for a column that is not there, a text or class that is not known, and where no row is complete.
    """
    names = [target.name, *(column.name for column in columns)]
    check_names(frame, names)
    return _design(whole_rows(frame.select(names), drop_missing), columns, target)


def encoded(frame: pl.DataFrame, columns: Sequence[Column]) -> np.ndarray:
    """The features of all rows, float64 (rows, features), nan where a value is missing."""
    check_names(frame, [column.name for column in columns])
    return np.column_stack([column.encode(frame[column.name]) for column in columns])


def check_names(frame: pl.DataFrame, names: Sequence[str]) -> None:
    """Raise DataError for a column that is needed and not there."""
    known = set(frame.columns)
    for name in names:
        if name not in known:
            near = near_name(name, frame.columns)
            raise DataError(f"There is no column {name!r}, which the model needs.{near} Add it, or correct its name.")


def whole_rows(frame: pl.DataFrame, drop_missing: bool) -> pl.DataFrame:
    """The table with nothing but nulls in each row that misses a value, so that the others keep their numbers.

    Raises DataError where every row does, or some do and are not to be dropped.
    """
    floats = [name for name, kind in frame.schema.items() if kind.is_float()]
    frame = frame.with_columns(pl.col(floats).fill_nan(None)) if floats else frame
    missing = frame.select(pl.any_horizontal(pl.all().is_null())).to_series()
    count = int(missing.sum())
    if count and not drop_missing:
        row = int(missing.arg_max() or 0)
        name = next(c for c in frame.columns if frame[c][row] is None)
        raise DataError(
            f"{count} rows have missing values, first column {name!r} in row {row + 1}. Fill them in, or drop such rows."
        )
    if count == frame.height:
        raise DataError("Every row has a missing value. Leave out the columns that miss most.")
    return frame.select(pl.when(~missing).then(pl.all()))


def _design(whole: pl.DataFrame, columns: tuple[Column, ...], target: Target) -> Design:
    y = target.encode(whole[target.name])
    used = ~np.isnan(y)
    return Design(encoded(whole, columns)[used], y[used], columns, target, int(np.sum(~used)))
