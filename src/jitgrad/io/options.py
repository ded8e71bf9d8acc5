"""How a table is read: what is said of it, rather than found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Note: TypeAlias = Callable[[str], object]
"""Called with a sentence on what was found out, or done, that the reader of results should know."""


@dataclass(frozen=True)
class ReadOptions:
    """What is known of a file. None stands for what is found out.

    Attributes:
        separator: of the fields of a text: one character, or comma, tab, semicolon, bar, or space for runs of spaces and tabs.
            It is found out from the first lines (``dialect.find_separator``).
        header: whether the first row names the columns; a column without a name is c1, c2, … by its place. It is found out
            (``dialect.has_header``): a row is one of names where nothing in it is a number or missing, or where one of its
            texts stands over numbers. So names that all are numbers, like 2020, need ``True``, and a table of nothing but texts
            below no names needs ``False``.
        missing: texts that stand for a missing value, besides those of ``dialect.MISSING``.
        encoding: of a text. It is UTF-8, UTF-16 or UTF-32, by its byte-order mark or its first bytes, and otherwise cp1252, as
            Windows writes it in Europe and America.
        sheet: of a workbook, its name, or its number counted from 1; the first one.
        texts: columns that stay as they are written, whatever is in them.
    """

    separator: str | None = None
    header: bool | None = None
    missing: tuple[str, ...] = ()
    encoding: str | None = None
    sheet: str | None = None
    texts: tuple[str, ...] = ()


FOUND_OUT = ReadOptions()
"""Nothing is said of the file."""


def unheard(note: str) -> None:
    """For a reader of a table that wants no notes."""
