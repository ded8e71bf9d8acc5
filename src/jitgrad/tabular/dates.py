"""Dates and times: detecting them in text columns, and converting them to days since the earliest one or to parts."""

from __future__ import annotations

import itertools
from datetime import datetime

import numpy as np
import polars as pl

from jitgrad.errors import DataError, brief

PARTS = ("year", "month", "weekday", "hour")
"""The parts of a date, used if they vary. The year is a number, and the other parts are categories."""
NAMES = {
    "month": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "weekday": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "hour": tuple(f"{hour:02}" for hour in range(24)),
}
"""The categories of parts, in order."""
_DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%m-%d-%Y", "%d-%m-%Y",
    "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p")
FORMATS = (
    *map("".join, itertools.product(_DAYS, _TIMES)),
    *("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m"),
)
"""Supported date formats, in chrono's notation."""
_HEAD = 200  # values to try first
_FIRST_YEAR = 1000  # reject two-digit years read as the first century
_LIKELY = r"^\d{4}[-/]\d|^\d{1,2}[-/. ](\d{1,2}|[A-Za-z]{3,9})[-/. ]\d{2}(\D|\d\d|$)|^[A-Za-z]{3,9} \d{1,2},? \d{4}"
_MICROSECONDS = 86_400_000_000.0
"""Microseconds per day."""


def is_date(column: pl.Series) -> bool:
    """Return whether a column has a date or datetime type."""
    return column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime)


def find_format(texts: pl.Series) -> str:
    """Return the format of a column of dates written as text, or an empty string.

    Raises DataError if either the day or the month may come first.
    """
    used = texts.drop_nulls()
    if not len(used) or not used.head(_HEAD).str.contains(_LIKELY).all():
        return ""
    head = used.head(_HEAD)
    found = [name for name in FORMATS if _read(head, name).null_count() == 0]
    found = [name for name in found if _read(used, name).null_count() == 0]
    if not found:
        return ""
    if len({name.find("%d") < name.find("%m") for name in found if "%m" in name}) > 1:
        raise DataError(
            f"Column {texts.name!r} has dates such as {brief(used[0])}, which are ambiguous: either the day or the month may "
            f"come first. Write dates in the form 2024-12-31."
        )
    return found[0]


def times(column: pl.Series, written: str) -> pl.Series:
    """Convert a column of dates to Datetime in microseconds without time zone; times with a zone are converted to UTC.

    Parameters
    ----------
    column : polars.Series
        Dates, or text.
    written : str
        The format of text, in ``FORMATS``; empty if the training table had a date type.

    Returns
    -------
    polars.Series
        The times.

    Raises
    ------
    DataError
        For text that is not a date.
    """
    if column.dtype == pl.Null:
        return column.cast(pl.Datetime("us"))
    if not is_date(column):
        texts = column.cast(pl.String)
        read = _read(texts, written) if written else _any(texts)
        wrong = read.is_null() & texts.is_not_null()
        if wrong.any():
            row = int(wrong.arg_max() or 0)
            raise DataError(
                f"Column {column.name!r} has {brief(column[row])} in row {row + 1}, which is not a date. Correct it."
            )
        return read
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us"))


def days_since(moments: pl.Series, first: str) -> np.ndarray:
    """Return the days since a moment (ISO 8601); nan if missing. Raises ValueError for an invalid moment."""
    zero = pl.Series([datetime.fromisoformat(first).replace(tzinfo=None)], dtype=pl.Datetime("us")).to_physical()[0]
    since: np.ndarray = (moments.to_physical().cast(pl.Float64) - float(zero)).to_numpy() / _MICROSECONDS
    return since


def part(moments: pl.Series, name: str) -> pl.Series:
    """Return the year as float64, or another part as text in ``NAMES``."""
    if name == "year":
        return moments.dt.year().cast(pl.Float64)
    numbers = {"month": moments.dt.month() - 1, "weekday": moments.dt.weekday() - 1, "hour": moments.dt.hour()}[name]
    places = pl.Series(range(len(NAMES[name])), dtype=pl.Int8)
    return numbers.cast(pl.Int8).replace_strict(places, pl.Series(NAMES[name]), default=None, return_dtype=pl.String)


def _any(texts: pl.Series) -> pl.Series:
    written = find_format(texts)
    return _read(texts, written) if written else pl.Series(texts.name, [None] * len(texts), dtype=pl.Datetime("us"))


def _read(texts: pl.Series, written: str) -> pl.Series:
    """Parse dates; text in another format becomes null."""
    try:
        read = texts.str.strptime(pl.Datetime("us"), written, strict=False)
    except pl.exceptions.PolarsError:  # this version of polars does not support the format
        return pl.Series(texts.name, [None] * len(texts), dtype=pl.Datetime("us"))
    if isinstance(read.dtype, pl.Datetime) and read.dtype.time_zone:
        read = read.dt.replace_time_zone(None)
    return pl.select(pl.when(read.dt.year() >= _FIRST_YEAR).then(read)).to_series().rename(texts.name)
