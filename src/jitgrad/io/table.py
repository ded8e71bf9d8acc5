"""A whole table from a file."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from jitgrad.io.columns import find_types, read_as, read_texts, with_types
from jitgrad.io.excel import is_workbook, read_workbook
from jitgrad.io.options import FOUND_OUT, Note, ReadOptions, unheard
from jitgrad.io.parquet import read_parquet
from jitgrad.io.source import is_parquet, name_of, open_source
from jitgrad.io.text import Text, joined

_HEAD = 10_000  # rows that the types are first found from


def read_table(path: str | Path, options: ReadOptions = FOUND_OUT, note: Note = unheard) -> pl.DataFrame:
    """A table from a file: text (CSV, TSV and the like), which may be compressed by gzip, Parquet, or a workbook of Excel.

    A text may have a byte-order mark, comments at its top (lines that begin with ``#``) and blank lines, which are no rows.
    Columns of numbers become int64 or float64, of true and false boolean, all others texts without spaces around them; the
    texts of ``dialect.MISSING`` become nulls. Decimal commas are understood where something else separates and no column has
    decimal points. Numbers with a currency sign, a percent sign or marks of thousands are numbers where it is clear which. A
    table in Parquet stays as it is.

    Args:
        path: the file; ``-`` for standard input.
        options: what is known of it, and not found out.
        note: called with a sentence for each thing that was found out and may be wrong, or done to a column.

    Raises:
        ArgumentError: for a separator that can be none, and an encoding that is not known.
        DataError: for a file that is not there or cannot be read, is empty, has no rows, is damaged, or is no text; a column
            named twice; rows of unequal length; quotes that are open or within a field.
        MissingError: for a workbook where fastexcel is not installed.
    """
    with open_source(path) as stream:
        if is_parquet(path, stream):
            return read_parquet(path, stream)
        if is_workbook(path, stream):
            return read_workbook(path, stream, options, note)
        return _read_text(Text(name_of(path), stream, options, note), options, note)


def _read_text(text: Text, options: ReadOptions, note: Note) -> pl.DataFrame:
    """Read with the types of the first rows, which is fast, and by texts where they are not those of all rows."""
    blocks = text.blocks(_HEAD)
    first = next(blocks)
    schema = find_types(read_texts(first), first, options.texts).schema
    whole = joined(first, blocks)
    try:
        frame = read_as(whole, schema)
    except pl.exceptions.PolarsError:
        frame = read_texts(whole)
    types = find_types(frame, whole, options.texts)
    for sentence in types.notes:
        note(sentence)
    return with_types(frame, types, whole)
