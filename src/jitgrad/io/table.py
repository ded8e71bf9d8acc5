"""A whole table from a file."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from jitgrad.io.columns import has_decimal_commas, read_as, read_texts, with_types
from jitgrad.io.parquet import read_parquet
from jitgrad.io.source import is_parquet, name_of, open_source
from jitgrad.io.text import Text, joined

_HEAD = 10_000  # rows that the types are first found from


def read_table(path: str | Path, separator: str | None = None, header: bool | None = None) -> pl.DataFrame:
    """A table from a file: text (CSV, TSV and the like), which may be compressed by gzip, or Parquet.

    A text may have a byte-order mark, comments at its top (lines that begin with ``#``) and blank lines, which are no rows.
    Columns of numbers become int64 or float64, of true and false boolean, all others texts without spaces around them; the
    texts of ``dialect.MISSING`` become nulls. Decimal commas are understood where something else separates and no column has
    decimal points. A table in Parquet stays as it is.

    Args:
        path: the file; ``-`` for standard input.
        separator: of the fields of a text: one character, or comma, tab, semicolon, bar, or space for runs of spaces and tabs.
            None finds it out from the first lines (``dialect.find_separator``).
        header: whether the first row of a text names the columns; a column without a name is c1, c2, … by its place. None finds
            it out (``dialect.has_header``): a row is one of names where nothing in it is a number or missing, or where one of
            its texts stands over numbers. So names that all are numbers, like 2020, need ``header=True``, and a table of
            nothing but texts below no names needs ``header=False``.

    Raises:
        ArgumentError: for a separator that can be none.
        DataError: for a file that is not there or cannot be read, is empty, has no rows, is damaged, or is not UTF-8; a column
            named twice; rows of unequal length; quotes that are open or within a field; numbers with points and commas whose
            meaning is not clear.
    """
    with open_source(path) as stream:
        if is_parquet(path, stream):
            return read_parquet(path, stream)
        return _read_text(Text(name_of(path), stream, separator, header))


def _read_text(text: Text) -> pl.DataFrame:
    """Read with the types of the first rows, which is fast, and by texts where they are not those of all rows."""
    blocks = text.blocks(_HEAD)
    first = next(blocks)
    texts = read_texts(first)
    commas = has_decimal_commas(texts, text.dialect.separator)
    schema = with_types(texts, first, commas).schema
    whole = joined(first, blocks)
    try:
        frame = read_as(whole, schema)
    except pl.exceptions.PolarsError:
        frame = read_texts(whole)
    return with_types(frame, whole, has_decimal_commas(frame, text.dialect.separator))
