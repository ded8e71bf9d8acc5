"""A table from a file, some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars as pl

from jitgrad.arguments import count
from jitgrad.io.columns import check_columns, has_decimal_commas, read_as, read_texts, with_schema, with_types
from jitgrad.io.parquet import parquet_pieces
from jitgrad.io.source import is_parquet, name_of, open_source, part_read
from jitgrad.io.text import Text

_PIECE = 10_000  # rows that are read at once, at least


def read_batches(
    path: str | Path,
    rows: int,
    separator: str | None = None,
    header: bool | None = None,
    columns: Sequence[str] | None = None,
    keys: Sequence[str] = (),
    start: int = 0,
    told: Callable[[float], object] = lambda part: None,
) -> Iterator[pl.DataFrame]:
    """The table that ``read_table`` reads, in frames of ``rows`` rows and a smaller last one; the file is never held whole.

    Text, compressed or from standard input, is read as it comes. The types of its columns are found from the first 10,000
    rows, or the first ``rows`` if these are more, and stay: integers become float64, for fractions may follow, and so does a
    column without any value there. Parquet keeps its types; from standard input it is held in memory.

    Args:
        path: the file; ``-`` for standard input.
        rows: of a frame.
        separator: as in ``read_table``.
        header: as in ``read_table``.
        columns: the names of those to return, in this order; None for all.
        keys: the names of columns whose integers stay integers: a fraction or a text after them is an error.
        start: the number of rows to leave out before.
        told: called before each frame with the part of the file that has been read then.

    Yields:
        Frames with the same columns and types.

    Raises:
        ArgumentError: for ``rows`` below 1, and for a separator that can be none.
        DataError: as ``read_table``, and for a column that is not there, and for a text in a column of numbers. Faults show
            when the frame is asked for that they are in.
    """
    size = rows * -(-_PIECE // count("rows", rows))
    with open_source(path) as stream:
        if is_parquet(path, stream):
            pieces = parquet_pieces(path, stream, size, columns, start)
        else:
            text = _text_pieces(Text(name_of(path), stream, separator, header), size, columns, keys)
            pieces = ((part_read(path, stream), piece) for piece in _without_first(text, start))
        for part, piece in pieces:
            told(part)
            yield from piece.iter_slices(rows)


def names_of_columns(path: str | Path, separator: str | None = None, header: bool | None = None) -> list[str]:
    """The names of the columns of a file that ``read_batches`` would yield. Raises as it."""
    with open_source(path) as stream:
        if is_parquet(path, stream):
            return next(parquet_pieces(path, stream, 1, None))[1].columns
        return list(Text(name_of(path), stream, separator, header).dialect.names)


def _without_first(frames: Iterator[pl.DataFrame], count: int) -> Iterator[pl.DataFrame]:
    """Frames without the first ``count`` rows."""
    for frame in frames:
        if count < frame.height:
            yield frame[count:]
        count = max(0, count - frame.height)


def read_pairs(
    path: str | Path, rows: int, separator: str | None = None, header: bool | None = None
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """As ``read_batches``, each frame after the same one with its columns as they are written, texts but for Parquet.

    A number may have more digits than float64, or zeros before it that are part of a name.
    """
    size = rows * -(-_PIECE // count("rows", rows))
    with open_source(path) as stream:
        if is_parquet(path, stream):
            pieces = parquet_pieces(path, stream, size, None)
            pairs: Iterator[tuple[pl.DataFrame, pl.DataFrame]] = ((piece, piece) for _, piece in pieces)
        else:
            pairs = _text_pairs(Text(name_of(path), stream, separator, header), size)
        for written, typed in pairs:
            yield from zip(written.iter_slices(rows), typed.iter_slices(rows), strict=True)


def _text_pairs(text: Text, rows: int) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    schema: dict[str, pl.DataType] = {}
    commas = False
    for block in text.blocks(rows):
        texts = read_texts(block)
        if not schema:
            commas = has_decimal_commas(texts, text.dialect.separator)
            schema = {column.name: _wide(column) for column in with_types(texts, block, commas).get_columns()}
        yield texts, with_schema(texts, schema, block, commas)


def _text_pieces(text: Text, rows: int, columns: Sequence[str] | None, keys: Sequence[str]) -> Iterator[pl.DataFrame]:
    chosen = check_columns(text.dialect.name, text.dialect.names, columns)
    blocks = text.blocks(rows)
    first = next(blocks)
    texts = read_texts(first)[chosen]
    commas = has_decimal_commas(texts, text.dialect.separator)
    typed = with_types(texts, first, commas).get_columns()
    schema = {column.name: column.dtype if column.name in keys else _wide(column) for column in typed}
    yield with_schema(texts, schema, first, commas)
    fast = {name: pl.String() if commas else schema.get(name, pl.String()) for name in text.dialect.names}
    for block in blocks:
        try:
            frame = read_as(block, fast)
        except pl.exceptions.PolarsError:
            frame = read_texts(block)
        yield with_schema(frame, schema, block, commas)


def _wide(column: pl.Series) -> pl.DataType:
    """A type that also fits what may follow."""
    return pl.Float64() if column.dtype == pl.Int64 or column.null_count() == len(column) else column.dtype
