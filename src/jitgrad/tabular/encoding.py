"""How one column becomes numbers: learned from the table that is fitted, and used on every other one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from jitgrad.errors import DataError, brief, listed, near_name

MAX_CATEGORIES = 100
LARGEST = 1e150


@dataclass(frozen=True)
class Column:
    """A feature column.

    Attributes:
        name: of the column.
        kind: "number", "boolean" (0 and 1) or "text".
        categories: the texts in order. Each but the first, the reference, has a 0/1 column; the only one has one.
        low, high: the range of numbers and booleans in the rows used; None for texts.
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @classmethod
    def learned(cls, column: pl.Series) -> Column:
        """From a column, whose nulls are left out. Raises DataError where it cannot be used."""
        if not is_text(column):
            kind = "boolean" if column.dtype == pl.Boolean else "number"
            return cls(column.name, kind, (), *usable_range(column))
        check_texts(column)
        used = column.drop_nulls().cast(pl.String)
        texts = used.unique().sort().to_list()
        if too_many(len(texts), len(used)):
            raise DataError(
                f"Column {column.name!r} has {len(texts)} different texts in {len(used)} rows. "
                f"Leave it out, or group them into fewer."
            )
        return cls(column.name, "text", tuple(texts))

    @property
    def labels(self) -> list[str]:
        """The features that it becomes: its name, or ``column=text`` for each text that has a column."""
        if self.kind != "text":
            return [self.name]
        return [f"{self.name}={text}" for text in self._shown]

    def encode(self, column: pl.Series) -> np.ndarray:
        """float64 (rows, labels), nan where a value is missing.

        Raises DataError for an unknown text, a text among numbers, an infinite number and another type.
        """
        if self.kind != "text":
            return numbers(column)[:, None]
        places = positions(column, self.categories)
        first = len(self.categories) - len(self._shown)
        hot = (places[:, None] == np.arange(first, len(self.categories))).astype(np.float64)
        hot[np.isnan(places)] = np.nan
        return hot

    @property
    def _shown(self) -> tuple[str, ...]:
        return self.categories[1:] or self.categories


@dataclass(frozen=True)
class Target:
    """The target column.

    Attributes:
        name: of the column.
        values: the classes in order, texts, booleans or numbers as in the table; empty for a regression.
        low, high: the range of a regression's target in the rows used.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None

    @classmethod
    def learned(cls, column: pl.Series, classify: bool) -> Target:
        """From a column, whose nulls are left out. Raises DataError where it cannot be used."""
        if not (classify or has_classes(column)):
            return cls(column.name, (), *usable_range(column))
        if not classify:
            check_texts(column)
        used = column.drop_nulls()
        labels = (used.cast(pl.String) if is_text(used) else used).unique().sort().to_list()
        if len(labels) < 2:
            raise DataError(f"Column {column.name!r} has the one class {labels[0]!r}. Classification needs at least two.")
        if too_many(len(labels), len(used)):
            raise DataError(
                f"Column {column.name!r} has {len(labels)} classes in {len(used)} rows. "
                f"Give a target with fewer, or one of numbers for a regression."
            )
        return cls(column.name, tuple(labels))

    @property
    def classes(self) -> list[str]:
        """The classes as texts."""
        return [str(value) for value in self.values]

    def encode(self, column: pl.Series) -> np.ndarray:
        """float64 (rows,), numbers or positions of classes, nan where missing. Raises DataError for an unknown class."""
        return positions(column, self.values) if self.values else numbers(column)


def is_text(column: pl.Series) -> bool:
    """Whether it is a column of texts or categories."""
    return column.dtype == pl.String or isinstance(column.dtype, (pl.Categorical, pl.Enum))


def has_classes(column: pl.Series) -> bool:
    """Whether a target is one of classes by its type."""
    return is_text(column) or column.dtype == pl.Boolean


def numbers(column: pl.Series) -> np.ndarray:
    """A column as float64, nan where a value is missing.

    Raises DataError for another type, an infinite number, and a text that is no number.
    """
    if is_text(column) or column.dtype == pl.Null:
        read = column.cast(pl.Float64, strict=False)
        if read.null_count() > column.null_count():
            row = int((read.is_null() & column.is_not_null()).arg_max() or 0)
            raise DataError(
                f"Column {column.name!r} has {brief(column[row])} in row {row + 1}, which is no number. Correct it."
            )
        column = read
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise DataError(
            f"Column {column.name!r} is of type {column.dtype}, and numbers are needed. Convert it, or leave it out."
        )
    values = column.cast(pl.Float64).to_numpy()
    if np.isinf(values).any():
        raise DataError(
            f"Column {column.name!r} has an infinite number in row {int(np.argmax(np.isinf(values))) + 1}. Correct it."
        )
    return values


def usable_range(column: pl.Series) -> tuple[float, float]:
    """The least and the largest number. Raises DataError as ``numbers``, and where their squares are out of range."""
    values = numbers(column)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    largest = max(-low, high)
    if largest > LARGEST or 0 < largest < 1 / LARGEST:
        raise DataError(
            f"Column {column.name!r} has {largest:.3g} as its largest size, whose square is out of range. Change its unit."
        )
    return low, high


def positions(column: pl.Series, known: Sequence[Any]) -> np.ndarray:
    """Where each value stands among the known ones, float64, nan where it is missing. Raises DataError for an unknown one."""
    kind = pl.String if isinstance(known[0], str) else pl.Float64
    column = column.fill_nan(None) if column.dtype.is_float() else column
    values, places = pl.Series(known).cast(kind), pl.Series(range(len(known)), dtype=pl.Float64)
    found = column.cast(kind, strict=False).replace_strict(values, places, default=None, return_dtype=pl.Float64)
    if found.null_count() > column.null_count():
        row = int((found.is_null() & column.is_not_null()).arg_max() or 0)
        names = [str(value) for value in known]
        raise DataError(
            f"Column {column.name!r} has {brief(column[row])} in row {row + 1}, which was not in the table that was fitted."
            f"{near_name(str(column[row]), names)} It had {listed(names)}. Correct it, or leave the row out."
        )
    return found.to_numpy()


def check_texts(column: pl.Series) -> None:
    """Raise DataError for a column of texts most of which are numbers: the others are likely mistakes."""
    if column.dtype != pl.String:
        return
    wrong = column.cast(pl.Float64, strict=False).is_null() & column.is_not_null()
    if 2 * int(wrong.sum()) < len(column) - column.null_count():
        row = int(wrong.arg_max() or 0)
        raise DataError(
            f"Column {column.name!r} has numbers, but {brief(column[row])} among them (row {row + 1}). "
            f"Correct it, or leave the column out."
        )


def too_many(kinds: int, rows: int) -> bool:
    """Whether a column has too many different values to tell kinds of rows apart."""
    return kinds > MAX_CATEGORIES or 2 * kinds > rows > 8
