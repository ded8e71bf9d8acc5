"""Read a whole table from a file."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from jitgrad.io.columns import find_types, read_as, read_texts, with_types
from jitgrad.io.excel import is_workbook, read_workbook
from jitgrad.io.options import FOUND_OUT, Note, ReadOptions, unheard
from jitgrad.io.parquet import read_parquet
from jitgrad.io.source import is_parquet, name_of, open_source
from jitgrad.io.text import Text, joined

_HEAD = 10_000  # rows from which the types are first inferred


def read_table(path: str | Path, options: ReadOptions = FOUND_OUT, note: Note = unheard) -> pl.DataFrame:
    """Read a table from a text file (CSV, TSV or similar, optionally gzipped), a Parquet file or an Excel workbook.

    A text file may have a byte-order mark, comment lines at the top (which start with ``#``) and blank lines, which are
    skipped. Columns of numbers become int64 or float64, columns of true and false become Boolean, and all others are stripped
    text. The markers in ``dialect.MISSING`` become null. Decimal commas are recognized if the separator is not a comma and no
    column has decimal points. Numbers with currency signs, percent signs or thousands separators are converted if they are
    unambiguous. Parquet files keep their types.

    Parameters
    ----------
    path : str or Path
        The file, or ``-`` for standard input.
    options : ReadOptions, optional
        Known properties of the file. By default, everything is detected.
    note : callable, optional
        Called with a sentence for each detected property that may be wrong, and for each converted column.

    Returns
    -------
    DataFrame
        The table.

    Raises
    ------
    ArgumentError
        For an invalid separator or an unknown encoding.
    DataError
        If the file does not exist, cannot be read, is empty, damaged or not text, or has no rows, a repeated column name,
        rows of unequal length, or unbalanced quotes.
    MissingError
        For a workbook if fastexcel is not installed.
    """
    with open_source(path) as stream:
        if is_parquet(path, stream):
            return read_parquet(path, stream)
        if is_workbook(path, stream):
            return read_workbook(path, stream, options, note)
        return _read_text(Text(name_of(path), stream, options, note), options, note)


def _read_text(text: Text, options: ReadOptions, note: Note) -> pl.DataFrame:
    """Read with the types of the first rows, which is fast, or as text if other rows do not match them."""
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
