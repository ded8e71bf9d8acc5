"""From the columns of a data frame to arrays: which rows are used, one-hot texts, the scale of each feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from jitgrad.errors import DataError, near_name

MAX_CATEGORIES = 100
LARGEST = 1e150


@dataclass(frozen=True)
class Design:
    """A table as arrays.

    Attributes:
        x: float64 (rows, features), as in the table.
        names: the features; ``column=text`` for a column of texts.
        y: float64 (rows,), the target's numbers or the positions of its classes.
        classes: the classes in order; empty for a regression.
        dropped: rows left out because a value was missing.
    """

    x: np.ndarray
    names: list[str]
    y: np.ndarray
    classes: list[str]
    dropped: int


def make_design(frame: pl.DataFrame, target: str, features: Sequence[str] | None, classify: bool, drop_missing: bool) -> Design:
    """Take a target and features out of a table.

    A target of texts or booleans, or any with ``classify``, makes classes. A feature of texts becomes a 0/1 column for each
    text but the first in order, which is the reference (the only one has a column).

    Raises:
        DataError: for a column that is not there, has nothing in it or cannot be used, for a single class, for infinite
            numbers, and for missing values unless they are to be dropped.
    """
    chosen = list(features) if features is not None else [name for name in frame.columns if name != target]
    for name in (target, *chosen):
        if name not in frame.columns:
            raise DataError(
                f"There is no column {name!r}.{near_name(name, frame.columns)} The columns are {', '.join(frame.columns)}."
            )
        if frame[name].null_count() == frame.height:
            raise DataError(f"Column {name!r} has no value in any row. Leave it out.")
    if target in chosen or len(set(chosen)) < len(chosen):
        raise DataError("A column is named twice among target and features. Name each once.")
    if not chosen:
        raise DataError("There is no feature column besides the target. Give at least one.")
    frame, dropped = _complete_rows(frame.select(target, *chosen), drop_missing)
    y, classes = _target(frame[target], classify)
    columns, names = [], []
    for name in chosen:
        for label, values in _feature(frame[name]):
            columns.append(values)
            names.append(label)
    return Design(np.column_stack(columns), names, y, classes, dropped)


def _complete_rows(frame: pl.DataFrame, drop_missing: bool) -> tuple[pl.DataFrame, int]:
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
    return frame.filter(~missing), count


def _target(column: pl.Series, classify: bool) -> tuple[np.ndarray, list[str]]:
    if not (classify or column.dtype in (pl.String, pl.Boolean)):
        return _numbers(column), []
    if not classify:
        _check_texts(column)
    labels = column.unique().sort()
    if len(labels) < 2:
        raise DataError(f"Column {column.name!r} has the one class {labels[0]!r}. Classification needs at least two.")
    if _too_many(len(labels), len(column)):
        raise DataError(
            f"Column {column.name!r} has {len(labels)} classes in {len(column)} rows. "
            f"Give a target with fewer, or one of numbers for a regression."
        )
    return np.searchsorted(labels.to_numpy(), column.to_numpy()).astype(np.float64), [str(label) for label in labels]


def _feature(column: pl.Series) -> list[tuple[str, np.ndarray]]:
    if column.dtype != pl.String:
        return [(column.name, _numbers(column))]
    _check_texts(column)
    texts = column.unique().sort().to_list()
    if _too_many(len(texts), len(column)):
        raise DataError(
            f"Column {column.name!r} has {len(texts)} different texts in {len(column)} rows. "
            f"Leave it out, or group them into fewer."
        )
    shown = texts[1:] or texts
    return [(f"{column.name}={text}", (column == text).to_numpy().astype(np.float64)) for text in shown]


def _check_texts(column: pl.Series) -> None:
    """Raise DataError for a column of texts most of which are numbers: the others are likely mistakes."""
    if column.dtype != pl.String:
        return
    as_numbers = column.cast(pl.Float64, strict=False)
    if 2 * as_numbers.null_count() < len(column):
        row = int(as_numbers.is_null().arg_max() or 0)
        raise DataError(
            f"Column {column.name!r} has numbers, but {column[row]!r} among them (row {row + 1} of those used). "
            f"Correct it, or leave the column out."
        )


def _too_many(kinds: int, rows: int) -> bool:
    """Whether a column has too many different values to tell kinds of rows apart."""
    return kinds > MAX_CATEGORIES or 2 * kinds > rows > 8


def _numbers(column: pl.Series) -> np.ndarray:
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise DataError(
            f"Column {column.name!r} is of type {column.dtype}, and numbers are needed. Convert it, or leave it out."
        )
    values = column.cast(pl.Float64).to_numpy()
    if not np.isfinite(values).all():
        row = int(np.argmax(~np.isfinite(values)))
        raise DataError(f"Column {column.name!r} has an infinite number in row {row + 1} of those used. Correct it.")
    largest = np.abs(values).max()
    if largest > LARGEST or 0 < largest < 1 / LARGEST:
        raise DataError(
            f"Column {column.name!r} has {largest:.3g} as its largest size, whose square is out of range. Change its unit."
        )
    return values
