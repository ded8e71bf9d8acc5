"""Parquet files as tables: types and missing values are those of the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from pathlib import Path

import polars as pl
from polars.exceptions import PanicException, PolarsError

from jitgrad.errors import DataError
from jitgrad.io.columns import check_columns
from jitgrad.io.source import Stream, name_of


def read_parquet(path: str | Path, stream: Stream) -> pl.DataFrame:
    """A whole file. Raises DataError for one that is damaged or has no rows."""
    with _told(path):
        frame = pl.read_parquet(BytesIO(stream.read()))
    _check_rows(path, frame.height)
    return frame


def parquet_pieces(path: str | Path, stream: Stream, rows: int, columns: Sequence[str] | None) -> Iterator[pl.DataFrame]:
    """A file in pieces of ``rows`` rows, each read when it is asked for.

    Standard input and what is compressed as a whole are held in memory: the end of a Parquet file says what is in it.

    Raises:
        DataError: for a file that is damaged or has no rows, and for a column that it does not have.
    """
    plain = str(path) != "-" and isinstance(stream, BufferedReader) and Path(path).is_file()
    with _told(path):
        lazy = pl.scan_parquet(path if plain else BytesIO(stream.read()), glob=False, hive_partitioning=False)
        names = lazy.collect_schema().names()
        height = lazy.select(pl.len()).collect().item()
    _check_rows(path, height)
    chosen = lazy.select(check_columns(name_of(path), names, columns))
    for start in range(0, height, rows):
        with _told(path):
            piece = chosen.slice(start, rows).collect()
        yield piece


def _check_rows(path: str | Path, height: int) -> None:
    if height == 0:
        raise DataError(f"{name_of(path)} has no rows. Give at least a few rows.")


@contextmanager
def _told(path: str | Path) -> Iterator[None]:
    """Faults of a file as DataError. Polars panics, which is no Exception, where it does not expect one."""
    try:
        yield
    except (PolarsError, PanicException) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"{name_of(path)} is damaged, or no Parquet file: {reason}. Write it anew.") from None
