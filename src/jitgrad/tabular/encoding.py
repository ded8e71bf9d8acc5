"""Encodings of single columns, learned from the training table and applied to other tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from jitgrad.errors import DataError, brief, listed, near_name
from jitgrad.notation import read_numbers
from jitgrad.tabular import dates
from jitgrad.tabular.texts import bins_for, common, hashed, too_many
from jitgrad.tabular.unseen import Unseen

LARGEST = 1e150
MAX_CODES = 10
"""Maximum number of distinct values of a mixed column for which text may be category codes."""
KINDS = ("number", "boolean", "text", "date")
TEXTS, DATES = ("auto", "group", "hash"), ("since", "parts")
"""How to encode text with many categories, and how to encode dates."""


@dataclass(frozen=True)
class Column:
    """A feature column and its encoding.

    Attributes
    ----------
    name : str
        The name of the column.
    kind : {"number", "boolean", "text", "date"}
        The kind of values.
    categories : tuple of str
        The categories in order. Each except the first, the reference, has a 0/1 column. A single category also has one.
    low, high : float or None
        The range of numbers, Booleans and days in the training rows; None for other kinds.
    other : str
        The category that stands for all categories that are not listed; empty if there is none.
    bins : int
        The number of columns to which categories are hashed; 0 if they are not hashed.
    written : str
        The format of dates written as text; empty for date types.
    first : str
        The moment from which days are counted (ISO 8601); empty if dates are split into parts.
    parts : tuple of (str, tuple of str)
        The parts of dates, each with its categories; the year has no categories.
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    other: str = ""
    bins: int = 0
    written: str = ""
    first: str = ""
    parts: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def learned(cls, column: pl.Series, texts: str = "auto", date: str = "since") -> Column:
        """Learn the encoding of a column, ignoring nulls.

        Parameters
        ----------
        column : polars.Series
            The values of the training rows.
        texts : {"auto", "group", "hash"}, default "auto"
            How to encode text with many categories; "auto" raises DataError.
        date : {"since", "parts"}, default "since"
            How to encode dates.

        Returns
        -------
        Column
            The encoding.

        Raises
        ------
        DataError
            If the column cannot be used.
        """
        if not is_text(column):
            if dates.is_date(column):
                return _date(column, "", date)
            kind = "boolean" if column.dtype == pl.Boolean else "number"
            return cls(column.name, kind, (), *usable_range(column))
        written = dates.find_format(column) if column.dtype == pl.String else ""
        if written:
            return _date(column, written, date)
        if has_marks(column):
            return cls(column.name, "number", (), *usable_range(column))
        check_texts(column)
        return _text(column, texts)

    @property
    def labels(self) -> list[str]:
        """The names of the features: the column's name, or ``column=category`` for each category that has a feature."""
        if self.kind == "text" and self.bins:
            return [f"{self.name}#{number}" for number in range(self.bins)]
        if self.kind == "text":
            return [f"{self.name}={text}" for text in _shown(self.categories)]
        if self.parts:
            return [
                f"{self.name}:{part}{f'={text}' if texts else ''}"
                for part, texts in self.parts
                for text in _shown(texts) or ("",)
            ]
        return [self.name]

    def encode(self, column: pl.Series, unseen: Unseen | None = None) -> np.ndarray:
        """Encode a column of any table.

        Parameters
        ----------
        column : polars.Series
            The values.
        unseen : Unseen, optional
            Collects unseen categories. By default, they raise DataError.

        Returns
        -------
        ndarray, shape (n, labels)
            The features; nan if a value is missing.

        Raises
        ------
        DataError
            If there is text among numbers or dates, a number is infinite, or the type is not supported.
        """
        if self.kind == "date":
            return self._encoded_date(column, unseen)
        if self.kind != "text":
            return numbers(column)[:, None]
        if self.bins:
            return hashed(column.cast(pl.String), self.bins)
        if self.other:
            texts = column.cast(pl.String)
            known = texts.is_in(self.categories) | texts.is_null()
            column = texts.set(~known, self.other)
        return one_hot(column, self.categories, self.name, unseen)

    def _encoded_date(self, column: pl.Series, unseen: Unseen | None) -> np.ndarray:
        moments = dates.times(column, self.written)
        if not self.parts:
            return dates.days_since(moments, self.first)[:, None]
        made = []
        for name, texts in self.parts:
            part = dates.part(moments, name)
            made.append(one_hot(part, texts, f"{self.name}:{name}", unseen) if texts else part.to_numpy()[:, None])
        return np.column_stack(made)


@dataclass(frozen=True)
class Target:
    """The target column.

    Attributes
    ----------
    name : str
        The name of the column, or the left side of a formula.
    values : tuple
        The classes in order, as text, Booleans or numbers; empty for a regression.
    low, high : float or None
        The range of a numeric target in the training rows.
    value : str
        The expression that computes the target; empty for a column.
    trials : str
        The expression of the number of trials; empty if there are none.
    needs : tuple of str
        The columns from which the target is computed.
    weights, freq_weights : str
        The expressions of the weights; empty if all rows have equal weight.
    weighted_by : tuple of str
        The columns in these expressions.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    value: str = ""
    trials: str = ""
    needs: tuple[str, ...] = ()
    weights: str = ""
    freq_weights: str = ""
    weighted_by: tuple[str, ...] = ()

    @classmethod
    def learned(cls, column: pl.Series, classify: bool) -> Target:
        """Learn the classes or the range of a column, ignoring nulls. Raises DataError if it cannot be used."""
        if not (classify or has_classes(column)):
            return cls(column.name, (), *usable_range(column), needs=(column.name,))
        if not classify:
            check_texts(column)
        used = column.drop_nulls()
        labels = sorted_values(used)
        if len(labels) < 2:
            raise DataError(f"Column {column.name!r} has only one class, {labels[0]!r}. Classification needs at least two.")
        if too_many(len(labels), len(used)):
            raise DataError(
                f"Column {column.name!r} has {len(labels)} classes in {len(used)} rows, which is too many. "
                f"Choose a target with fewer classes, or a numeric target for regression."
            )
        return cls(column.name, tuple(labels), needs=(column.name,))

    @property
    def classes(self) -> list[str]:
        """The classes as text."""
        return [str(value) for value in self.values]

    def encode(self, column: pl.Series) -> np.ndarray:
        """Return numbers or class numbers, float64 (n,); nan if missing. Raises DataError for an unknown class."""
        return positions(column, self.values) if self.values else numbers(column)


def is_text(column: pl.Series) -> bool:
    """Return whether a column has text or categories."""
    return column.dtype == pl.String or isinstance(column.dtype, (pl.Categorical, pl.Enum))


def has_classes(column: pl.Series) -> bool:
    """Return whether the type of a target implies classes. Text of numbers with marks, such as currency signs, does not."""
    return column.dtype == pl.Boolean or (is_text(column) and not has_marks(column))


def has_marks(column: pl.Series) -> bool:
    """Return whether the text of a column holds numbers with marks such as currency signs, or ambiguous numbers."""
    written = read_numbers(column) if column.dtype == pl.String else None
    return written is not None and bool(written.marks or written.unclear)


def sorted_values(column: pl.Series) -> list[Any]:
    """Return the distinct values, in the order of an Enum or sorted; integral floats become int."""
    unique = column.drop_nulls().unique()
    if isinstance(column.dtype, pl.Enum):
        there = set(unique.cast(pl.String))
        return [text for text in column.dtype.categories if text in there]
    if unique.dtype.is_float() and (unique == unique.round(0)).all():
        unique = unique.cast(pl.Int64, strict=False)
    return (unique.cast(pl.String) if is_text(unique) else unique).sort().to_list()


def numbers(column: pl.Series) -> np.ndarray:
    """Convert a column to float64; nan if missing. Durations become days, and times of day hours.

    Raises DataError for another type, an infinite number, and text that is not a number.
    """
    if is_text(column) or column.dtype == pl.Null:
        column = _of_texts(column)
    if column.dtype == pl.Duration:
        column = column.dt.total_microseconds() / 86_400_000_000
    if column.dtype == pl.Time:
        column = column.to_physical() / 3_600_000_000_000
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise DataError(
            f"Column {column.name!r} has {what_of(column)}, but numbers are needed. Convert it to numbers, or leave it out."
        )
    values = column.cast(pl.Float64).to_numpy()
    if np.isinf(values).any():
        raise DataError(
            f"Column {column.name!r} has an infinite number in row {int(np.argmax(np.isinf(values))) + 1}. Correct it."
        )
    return values


def _of_texts(column: pl.Series) -> pl.Series:
    read = column.cast(pl.Float64, strict=False)
    if read.null_count() == column.null_count():
        return read
    written = read_numbers(column.cast(pl.String))
    if written is None:
        row = int((read.is_null() & column.is_not_null()).arg_max() or 0)
        raise DataError(f"Column {column.name!r} has {brief(column[row])} in row {row + 1}, which is not a number. Correct it.")
    if written.unclear:
        raise DataError(
            f"Column {column.name!r} cannot be read as numbers: {written.unclear} (row {written.row + 1}). "
            f"Write plain numbers with decimal points."
        )
    return written.values


def usable_range(column: pl.Series) -> tuple[float, float]:
    """Return the range of a column. Raises DataError like ``numbers``, and if squares overflow."""
    return _range(column.name, numbers(column))


def _range(name: str, values: np.ndarray) -> tuple[float, float]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    largest = max(-low, high)
    if largest > LARGEST or 0 < largest < 1 / LARGEST:
        raise DataError(
            f"Column {name!r} has a largest absolute value of {largest:.3g}, whose square is outside the floating-point range. "
            f"Change its unit."
        )
    return low, high


def positions(column: pl.Series, known: Sequence[Any], unseen: Unseen | None = None, reference: int = 0) -> np.ndarray:
    """Return the position of each value among the known ones, float64; nan if missing.

    An unknown value is collected by ``unseen`` and treated as the value at ``reference`` or as missing.

    Raises DataError for an unknown value if ``unseen`` is None.
    """
    kind = pl.String if isinstance(known[0], str) else pl.Float64
    column = column.fill_nan(None) if column.dtype.is_float() else column
    values, places = pl.Series(known).cast(kind), pl.Series(range(len(known)), dtype=pl.Float64)
    found = column.cast(kind, strict=False).replace_strict(values, places, default=None, return_dtype=pl.Float64)
    if found.null_count() == column.null_count():
        return found.to_numpy()
    strange = found.is_null() & column.is_not_null()
    if unseen is None:
        row = int(strange.arg_max() or 0)
        names = [str(value) for value in known]
        raise DataError(
            f"Column {column.name!r} has {brief(column[row])} in row {row + 1}, which was not seen in training."
            f"{near_name(str(column[row]), names)} The known categories are {listed(names)}. Correct it, or leave the row out."
        )
    unseen.add(column.name, column.filter(strange))
    made = found.to_numpy().copy()
    made[strange.to_numpy()] = np.nan if unseen.missing else reference
    return made


def one_hot(column: pl.Series, categories: Sequence[str], name: str, unseen: Unseen | None) -> np.ndarray:
    """Return a 0/1 column for each category except the first, or for the only category; nan if missing."""
    places = positions(column.rename(name), categories, unseen)
    first = len(categories) - len(_shown(categories))
    hot = (places[:, None] == np.arange(first, len(categories))).astype(np.float64)
    hot[np.isnan(places)] = np.nan
    return hot


def what_of(column: pl.Series) -> str:
    """Describe the values of a column that is not numeric."""
    if is_text(column):
        return "text"
    dates = column.dtype in (pl.Date, pl.Datetime)
    return "dates" if dates else "Booleans" if column.dtype == pl.Boolean else f"values of type {column.dtype}"


def odd_one(column: pl.Series) -> int | None:
    """Return the first row with text that is not a number, in a text column of mostly numbers; otherwise None."""
    if column.dtype != pl.String:
        return None
    wrong = column.cast(pl.Float64, strict=False).is_null() & column.is_not_null()
    few = 0 < 2 * int(wrong.sum()) < len(column) - column.null_count()
    return int(wrong.arg_max() or 0) if few else None


def are_codes(column: pl.Series) -> bool:
    """Return whether numbers and other text, with few distinct values in many rows, may be category codes."""
    used = column.drop_nulls()
    kinds = used.n_unique()
    return kinds <= MAX_CODES and 2 * kinds <= len(used)


def check_texts(column: pl.Series) -> None:
    """Raise DataError for a text column of mostly numbers that are not codes, because the other text is probably a mistake."""
    row = odd_one(column)
    if row is not None and not are_codes(column):
        raise DataError(
            f"Column {column.name!r} has numbers, except for {brief(column[row])} in row {row + 1}. "
            f"Correct it, declare that text as a missing value, or leave the column out."
        )


def check_columns(columns: Sequence[Column]) -> None:
    """Raise DataError for columns, perhaps from a file, with inconsistent attributes."""
    for column in columns:
        texts = bool(column.categories) != bool(column.bins)
        parts = all(name in dates.PARTS and set(there) <= set(dates.NAMES.get(name, ())) for name, there in column.parts)
        fits = {
            "number": not column.categories,
            "boolean": not column.categories,
            "text": texts and column.bins >= 0 and (not column.other or column.other in column.categories),
            "date": bool(column.first) != bool(column.parts) and parts and column.written in ("", *dates.FORMATS),
        }
        if not fits.get(column.kind, False):
            raise DataError(f"column {column.name!r} has inconsistent attributes")
        if column.first:
            dates.days_since(pl.Series([], dtype=pl.Datetime("us")), column.first)


def columns_from(given: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """Make columns from dicts of their attributes, as written by ``dataclasses.asdict`` and read from JSON."""
    return tuple(
        Column(**{
            **column,
            "categories": tuple(column["categories"]),
            "parts": tuple((name, tuple(texts)) for name, texts in column["parts"]),
        })
        for column in given
    )  # fmt: skip


def _shown(categories: Sequence[str]) -> Sequence[str]:
    """Return the categories that have a column."""
    return categories[1:] or categories


def _date(column: pl.Series, written: str, date: str) -> Column:
    moments = dates.times(column, written)
    if date == "since":
        first = str(moments.drop_nulls().min().isoformat())  # type: ignore[union-attr]
        return Column(
            column.name, "date", (), *_range(column.name, dates.days_since(moments, first)), written=written, first=first
        )
    parts = []
    for name in dates.PARTS:
        values = dates.part(moments, name).drop_nulls().unique()
        if len(values) > 1:
            there = set(values)
            parts.append((name, tuple(text for text in dates.NAMES.get(name, ()) if text in there)))
    if not parts:
        raise DataError(
            f"Column {column.name!r} has dates with the same year, month, weekday and hour. "
            f"Leave it out, or set dates to 'since'."
        )
    return Column(column.name, "date", written=written, parts=tuple(parts))


def _text(column: pl.Series, texts: str) -> Column:
    used = column.drop_nulls()
    categories = sorted_values(column)
    if not too_many(len(categories), len(used)):
        return Column(column.name, "text", tuple(categories))
    if texts == "hash":
        return Column(column.name, "text", bins=bins_for(len(used)))
    found, other = common(used.cast(pl.String)) if texts == "group" else ([], "")
    if found:
        return Column(column.name, "text", (*found, other), other=other)
    reason = ", all of them rare" if texts == "group" else ""
    advice = "or set texts to 'hash'" if texts == "group" else "or set texts to 'group' or 'hash'"
    raise DataError(
        f"Column {column.name!r} has {len(categories)} categories in {len(used)} rows{reason}. Leave it out, {advice}."
    )
