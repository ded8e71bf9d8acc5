"""A table from a file, some rows at a time."""

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

_PIECE = 10_000  # rows that are read at once, at least


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
    """The table that ``read_table`` reads, in frames of ``rows`` rows and a smaller last one; the file is never held whole.

    Text, compressed or from standard input, is read as it comes. The types of its columns are found from the first 10,000
    rows, or the first ``rows`` if these are more, and stay: integers become float64, for fractions may follow, and so does a
    column without any value there. Parquet keeps its types; from standard input it is held in memory.

    Args:
        path: the file; ``-`` for standard input.
        rows: of a frame.
        options: as in ``read_table``.
        columns: the names of those to return, in this order; None for all.
        keys: the names of columns whose integers stay integers: a fraction or a text after them is an error.
        start: the number of rows to leave out before.
        told: called before each frame with the part of the file that has been read then.
        note: as in ``read_table``.

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
    """The names of the columns of a file that ``read_batches`` would yield. Raises as it."""
    with open_source(path) as stream:
        if is_parquet(path, stream):
            return next(parquet_pieces(path, stream, 1, None))[1].columns
        if is_workbook(path, stream):
            return read_workbook(path, stream, options, unheard).columns
        return list(Text(name_of(path), stream, options, unheard).dialect.names)


def _without_first(frames: Iterator[pl.DataFrame], count: int) -> Iterator[pl.DataFrame]:
    """Frames without the first ``count`` rows."""
    for frame in frames:
        if count < frame.height:
            yield frame[count:]
        count = max(0, count - frame.height)


def read_pairs(
    path: str | Path, rows: int, options: ReadOptions = FOUND_OUT, note: Note = unheard
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """As ``read_batches``, each frame after the same one with its columns as they are written, texts but for Parquet.

    A number may have more digits than float64, or zeros before it that are part of a name.
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
    """The types of the first rows, which also fit what may follow: integers are float64, and so is what has no value yet."""
    found = find_types(texts, block, options.texts)
    for sentence in found.notes:
        note(sentence)
    wide = {
        name: pl.Float64()
        for name, kind in found.kinds.items()
        if name not in (*keys, *options.texts) and (kind == pl.Int64 or texts[name].null_count() == texts.height)
    }
    return replace(found, kinds=found.kinds | wide)
