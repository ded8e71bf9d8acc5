"""Options for reading a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Note: TypeAlias = Callable[[str], object]
"""A function that is called with each note for the user, such as a detected encoding."""


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading a table. None means that a property is detected.

    Attributes
    ----------
    separator : str, optional
        The field separator: a character, or comma, tab, semicolon, bar, or space for runs of spaces and tabs. By default, it is
        detected from the first lines; see ``dialect.find_separator``.
    header : bool, optional
        Whether the first row holds column names. Unnamed columns are called c1, c2, … by position. By default, this is
        detected; see ``dialect.has_header``. The first row is a header if none of its fields is a number or missing, or if one
        of its other fields is above a column of numbers. Names that are all numbers, such as 2020, need True, and a table of
        text without column names needs False.
    missing : tuple of str
        Markers of missing values in addition to ``dialect.MISSING``.
    encoding : str, optional
        The text encoding. By default UTF-8, UTF-16 and UTF-32 are detected from a byte-order mark or the first bytes, with
        cp1252, the encoding of Western Windows, as the fallback.
    sheet : str, optional
        Name of the worksheet, or its number starting at 1. By default, the first.
    texts : tuple of str
        Columns to keep as text, regardless of their contents.
    """

    separator: str | None = None
    header: bool | None = None
    missing: tuple[str, ...] = ()
    encoding: str | None = None
    sheet: str | None = None
    texts: tuple[str, ...] = ()


FOUND_OUT = ReadOptions()
"""Options that detect everything."""


def unheard(note: str) -> None:
    """Ignore a note."""
