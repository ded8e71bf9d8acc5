"""Read a table from a file in batches of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from jitgrad.arguments import count
from jitgrad.io.columns import Types, check_columns, find_types, read_as, read_texts, with_types
from jitgrad.io.excel import is_workbook, read_workbook
from jitgrad.io.options import FOUND_OUT, Note, ReadOptions, unheard
from jitgrad.io.parquet import parquet_pieces
from jitgrad.io.source import is_parquet, name_of, open_source, part_read
from jitgrad.io.text import Block, Text

_PIECE = 10_000  # minimum number of rows to read at once


def read_batches(
    path: str | Path,
    rows: int,
    options: ReadOptions = FOUND_OUT,
    columns: Sequence[str] | None = None,
    keys: Sequence[str] = (),
    start: int = 0,
    told: Callable[[float], object] = lambda part: None,
    note: Note = unheard,
) -> Iterator[pl.DataFrame]:
    """Read a table like ``read_table``, in batches, without holding the whole file in memory.

    Text is read as a stream. The types of its columns are inferred from the first 10,000 rows, or the first ``rows`` rows if
    there are more, and then stay fixed: integer columns become float64, because fractions may follow, and so do columns
    without values in these rows. Parquet files keep their types. From standard input, they are copied to a temporary file.

    Parameters
    ----------
    path : str or Path
        The file, or ``-`` for standard input.
    rows : int
        Number of rows per batch. The last batch may be smaller.
    options : ReadOptions, optional
        As in ``read_table``.
    columns : sequence of str, optional
        Names of the columns to return, in this order. By default, all.
    keys : sequence of str, optional
        Names of columns whose integers stay integers. A later fraction or text is an error.
    start : int, default 0
        Number of rows to skip.
    told : callable, optional
        Called before each batch with the fraction of the file read so far.
    note : callable, optional
        As in ``read_table``.

    Yields
    ------
    DataFrame
        Batches with the same columns and types.

    Raises
    ------
    ArgumentError
        If ``rows`` is below 1 or the separator is invalid.
    DataError
        As for ``read_table``, and also for a missing column or text in a numeric column. Errors are raised when the batch
        that contains them is read.
    """
    size = rows * -(-_PIECE // count("rows", rows))
    with open_source(path) as stream:
        if is_parquet(path, stream):
            pieces = parquet_pieces(path, stream, size, columns, start)
        elif is_workbook(path, stream):
            frame = read_workbook(path, stream, options, note)
            pieces = iter([(1.0, frame[check_columns(name_of(path), frame.columns, columns)][start:])])
        else:
            text = _text_pieces(Text(name_of(path), stream, options, note), size, columns, keys, options, note)
            pieces = ((part_read(path, stream), piece) for piece in _without_first(text, start))
        for part, piece in pieces:
            told(part)
            yield from piece.iter_slices(rows)


def names_of_columns(path: str | Path, options: ReadOptions = FOUND_OUT) -> list[str]:
    """Return the column names that ``read_batches`` would yield for a file. Raises the same errors."""
    with open_source(path) as stream:
        if is_parquet(path, stream):
            return next(parquet_pieces(path, stream, 1, None))[1].columns
        if is_workbook(path, stream):
            return read_workbook(path, stream, options, unheard).columns
        return list(Text(name_of(path), stream, options, unheard).dialect.names)


def _without_first(frames: Iterator[pl.DataFrame], count: int) -> Iterator[pl.DataFrame]:
    """Skip the first ``count`` rows of a sequence of frames."""
    for frame in frames:
        if count < frame.height:
            yield frame[count:]
        count = max(0, count - frame.height)


def read_pairs(
    path: str | Path, rows: int, options: ReadOptions = FOUND_OUT, note: Note = unheard
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Read batches like ``read_batches``, each as a pair: the fields as they are written in the file, and the typed values.

    The written fields keep leading zeros and digits beyond float64 precision. For Parquet, both are the same.
    """
    size = rows * -(-_PIECE // count("rows", rows))
    with open_source(path) as stream:
        if is_parquet(path, stream):
            pieces = parquet_pieces(path, stream, size, None)
            pairs: Iterator[tuple[pl.DataFrame, pl.DataFrame]] = ((piece, piece) for _, piece in pieces)
        elif is_workbook(path, stream):
            frame = read_workbook(path, stream, options, note)
            pairs = iter([(frame, frame)])
        else:
            pairs = _text_pairs(Text(name_of(path), stream, options, note), size, options, note)
        for written, typed in pairs:
            yield from zip(written.iter_slices(rows), typed.iter_slices(rows), strict=True)


def _text_pairs(text: Text, rows: int, options: ReadOptions, note: Note) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    types: Types | None = None
    for block in text.blocks(rows):
        texts = read_texts(block)
        types = types or _types_of(texts, block, options, note)
        yield texts, with_types(texts, types, block)


def _text_pieces(
    text: Text, rows: int, columns: Sequence[str] | None, keys: Sequence[str], options: ReadOptions, note: Note
) -> Iterator[pl.DataFrame]:
    chosen = check_columns(text.dialect.name, text.dialect.names, columns)
    blocks = text.blocks(rows)
    first = next(blocks)
    texts = read_texts(first)[chosen]
    types = _types_of(texts, first, options, note, keys)
    yield with_types(texts, types, first)
    fast = {name: types.schema.get(name, pl.String()) for name in text.dialect.names}
    for block in blocks:
        try:
            frame = read_as(block, fast)
        except pl.exceptions.PolarsError:
            frame = read_texts(block)
        yield with_types(frame, types, block)


def _types_of(texts: pl.DataFrame, block: Block, options: ReadOptions, note: Note, keys: Sequence[str] = ()) -> Types:
    """Infer types from the first rows that also fit later rows: integers and columns without values become float64."""
    found = find_types(texts, block, options.texts)
    for sentence in found.notes:
        note(sentence)
    wide = {
        name: pl.Float64()
        for name, kind in found.kinds.items()
        if name not in (*keys, *options.texts) and (kind == pl.Int64 or texts[name].null_count() == texts.height)
    }
    return replace(found, kinds=found.kinds | wide)
