"""How a text is a table: what separates its fields, and whether its first row is a header."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from jitgrad.arguments import by_name

SEPARATORS = {"comma": ",", "tab": "\t", "semicolon": ";", "bar": "|", "space": " "}
"""The separators that are found out, by name. A space stands for any run of spaces and tabs."""

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?"]
"""What stands for a missing value in a file."""

_NUMBER = re.compile(r"[+-]?((\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?|inf(inity)?)", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How a text is a table.

    Attributes:
        name: of the file, for messages.
        separator: one character; a space stands for any run of spaces and tabs.
        header: whether the first row names the columns.
        names: of the columns; where there is none c1, c2, … by their places.
        missing: the texts that stand for a missing value.
    """

    name: str
    separator: str
    header: bool = False
    names: tuple[str, ...] = ()
    missing: tuple[str, ...] = tuple(MISSING)


def check_separator(separator: str) -> str:
    """A separator given by its name or as it is. Raises ArgumentError for what can be none."""
    if len(separator.encode()) == 1 and not separator.isalnum() and separator not in '"\r\n':
        return separator
    return by_name("separator", separator, SEPARATORS, ", or a single mark")


def find_separator(rows_by: dict[str, list[list[str]]]) -> str:
    """The separator under which a text looks most like a table; a comma where there is none.

    It gives most rows the same number of fields, and, among equals, most fields that are numbers. Spaces also stand within
    texts: they count only where other separators are worse, where the first row has as many fields as most, and where there
    is a number.

    Args:
        rows_by: the first rows of the text, by each separator.
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
    """Whether the first of ``rows`` names the columns.

    It does if no field of it is a number or missing, and does not if all are. Where some are, it does if a name stands over a
    column that has only numbers below. So a row of years is taken for numbers, unless a name of that kind is beside them. An
    empty first field, which pandas writes over its index, says nothing.
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
