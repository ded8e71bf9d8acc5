"""A table to a file, some rows at a time."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import polars as pl

from jitgrad.errors import ArgumentError, printable
from jitgrad.files import unwritable, written_aside


class TableWriter:
    """Writes frames one below the other: ``with TableWriter("out.csv") as writer: writer.add(frame)``.

    The name says what is written: ``.parquet`` or ``.pq`` is Parquet, ``.tsv`` text with tabs, anything else text with commas;
    ``.gz`` at the end compresses it. Text has a header; missing values are empty, and NA in a table of one column, where they
    would be blank lines. A file is written aside and renamed at the end, so that it is whole or as it was before; a device or
    a pipe is written at once. Parquet is held in memory until the end.
    """

    def __init__(self, path: str | Path | None) -> None:
        """Write to ``path`` once entered; None or ``-`` is standard output, as CSV."""
        self._path = None if path is None or str(path) == "-" else Path(path)
        self.name = str(self._path or "standard output")
        self._compressed = self.name.lower().endswith(".gz")
        suffix = Path(self.name.lower().removesuffix(".gz")).suffix
        self._separator = "\t" if suffix == ".tsv" else ","
        self._parquet = suffix in (".parquet", ".pq")
        self._columns: list[str] | None = None
        self._kept: list[pl.DataFrame] = []

    def __enter__(self) -> TableWriter:
        """Open the file. Raises DataError where that cannot be done."""
        with self._told(), ExitStack() as stack:
            self._file: BinaryIO | gzip.GzipFile = stack.enter_context(_opened(self._path))
            if self._compressed:
                self._file = stack.enter_context(gzip.GzipFile("", "wb", fileobj=self._file, mtime=0))
            stack.push(self._finish)
            self._stack = stack.pop_all()
        return self

    def add(self, frame: pl.DataFrame) -> None:
        """Write the rows of a frame.

        Raises:
            ArgumentError: for other columns than those of the first frame.
            DataError: where they cannot be written, as on a full disk.
            BrokenPipeError: where nobody reads the output any more. The command line ends without a word then.
        """
        first = self._columns is None
        if self._columns not in (None, frame.columns):
            raise ArgumentError(f"The columns {frame.columns} come after {self._columns}. Give all frames the same columns.")
        self._columns = frame.columns
        if self._parquet:
            self._kept.append(frame)
            return
        null = "NA" if frame.width == 1 else ""
        text = frame.write_csv(include_header=first, separator=self._separator, null_value=null)
        if self._file.isatty():  # for people, and not to be acted on
            text = printable(text)
        with self._told():
            self._file.write(text.encode())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Finish the file; after an exception leave what was there before. Raises DataError as ``add``."""
        with self._told():
            self._stack.__exit__(kind, error, trace)

    def _finish(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._parquet and kind is None:
            content = BytesIO()
            pl.concat(self._kept or [pl.DataFrame()], how="vertical_relaxed").write_parquet(content)
            self._file.write(content.getvalue())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Faults of the system as DataError."""
        try:
            yield
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise unwritable(self.name, error) from None


@contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.flush()
    elif path.exists() and not path.is_file():
        with path.open("wb") as file:
            yield file
    else:
        with written_aside(path) as file:
            yield file
