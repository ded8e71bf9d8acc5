"""The dialect of a delimited text file: its separator, and whether it has a header."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from jitgrad.arguments import by_name

SEPARATORS = {"comma": ",", "tab": "\t", "semicolon": ";", "bar": "|", "space": " "}
"""The separators that are detected, by name. A space stands for any run of spaces and tabs."""

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"]
"""Markers of missing values."""

_NUMBER = re.compile(r"[+-]?((\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?|inf(inity)?)", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """The dialect of a delimited text file.

    Attributes
    ----------
    name : str
        The file name, for messages.
    separator : str
        One character; a space stands for any run of spaces and tabs.
    header : bool
        Whether the first row holds column names.
    names : tuple of str
        The column names. A column without a name is called c1, c2, … by position.
    missing : tuple of str
        Markers of missing values.
    """

    name: str
    separator: str
    header: bool = False
    names: tuple[str, ...] = ()
    missing: tuple[str, ...] = tuple(MISSING)


def check_separator(separator: str) -> str:
    """Return a separator given by name or as a character. Raises ArgumentError for an invalid one."""
    if len(separator.encode()) == 1 and not separator.isalnum() and separator not in '"\r\n':
        return separator
    return by_name("separator", separator, SEPARATORS, ", or a single character")


def find_separator(rows_by: dict[str, list[list[str]]]) -> str:
    """Return the separator under which a text looks most like a table, by default a comma.

    The best separator gives the most rows the same number of fields, and among ties the most numeric fields. Because spaces
    also occur within text, a space is chosen only if no other separator fits equally well, the first row has as many fields as
    most rows, and some field is a number.

    Parameters
    ----------
    rows_by : dict of str to list
        The first rows of the text, split by each separator.
    """
    return max(rows_by, key=lambda separator: (_likeness(separator, rows_by[separator]), separator == ","))


def _likeness(separator: str, rows: list[list[str]]) -> tuple[float, bool, float, int]:
    width, times = max(Counter(map(len, rows)).items(), key=lambda item: (item[1], item[0]))
    fields = [field for row in rows for field in row]
    numbers = sum(map(_is_number, fields)) / len(fields)
    doubtful = separator == " " and (len(rows[0]) != width or numbers == 0)
    if width == 1 or 2 * times < len(rows) or doubtful:
        return 0, False, 0, 0
    return times / len(rows), separator != " ", numbers, width


def has_header(rows: list[list[str]]) -> bool:
    """Return whether the first of ``rows`` holds column names.

    It does if none of its fields is a number or missing, and does not if all are. If only some are, it does if one of the other
    fields is above a column of numbers. A row of years is therefore treated as data, unless such a name is next to them.
    An empty first field, which pandas writes above an index, is ignored.
    """
    start = 0 if rows[0][0].strip() else 1
    names = [not _is_value(field) for field in rows[0][start:]]
    if all(names) or not any(names):
        return any(names)
    below = zip(*(row[start:] for row in rows[1:] if len(row) == len(rows[0])), strict=True)
    return any(is_name and _are_numbers(column) for is_name, column in zip(names, below, strict=False))


def _are_numbers(column: tuple[str, ...]) -> bool:
    return all(map(_is_value, column)) and any(map(_is_number, column))


def _is_value(field: str) -> bool:
    return field.strip() in MISSING or _is_number(field)


def _is_number(field: str) -> bool:
    return _NUMBER.fullmatch(field.strip()) is not None
