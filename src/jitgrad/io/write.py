"""A table to a file, some rows at a time."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import polars as pl

from jitgrad.errors import ArgumentError, printable
from jitgrad.files import name_of_open, unnamed_file, unwritable, written_aside

_MOST_KEPT = 1 << 25
"""Bytes of frames that wait in memory."""


class TableWriter:
    """Writes frames one below the other: ``with TableWriter("out.csv") as writer: writer.add(frame)``.

    The name says what is written: ``.parquet`` or ``.pq`` is Parquet, ``.tsv`` text with tabs, anything else text with commas;
    ``.gz`` at the end compresses it. Text has a header; missing values are empty, and NA in a table of one column, where they
    would be blank lines. A file is written aside and renamed at the end, so that it is whole or as it was before; a device or
    a pipe is written at once. Parquet has an end that says what is in it, so it is made of pieces at the end: they wait in
    memory, or where they are large in temporary files.
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
        self._pieces = _Pieces(None if self._path is None else self._path.parent)

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
            with self._told():
                self._pieces.add(frame)
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
        with closing(self._pieces):
            if self._parquet and kind is None:
                self._pieces.write(self._file)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Faults of the system as DataError."""
        try:
            yield
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise unwritable(self.name, error) from None


class _Pieces:
    """Frames that become one Parquet file."""

    def __init__(self, folder: Path | None) -> None:
        """Those that are too large for memory wait in ``folder``, in files without names; None is the system's folder."""
        self._folder = folder
        self._kept: list[pl.DataFrame] = []
        self._bytes = 0
        self._files: list[BinaryIO] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Take in a frame. Raises OSError where it cannot be written."""
        self._kept.append(frame)
        self._bytes += int(frame.estimated_size())
        if self._bytes > _MOST_KEPT:
            self._put_aside()

    def _put_aside(self) -> None:
        file = unnamed_file(self._folder)
        self._files.append(file)
        self._write_kept(file)
        self._kept, self._bytes = [], 0

    def _write_kept(self, file: BinaryIO | gzip.GzipFile) -> None:
        content = BytesIO()
        pl.concat(self._kept or [pl.DataFrame()], how="vertical_relaxed").write_parquet(content)
        file.write(content.getbuffer())
        file.flush()

    def write(self, file: BinaryIO | gzip.GzipFile) -> None:
        """Write all of them. Raises OSError where that cannot be done."""
        if not self._files:
            self._write_kept(file)
            return
        if self._kept:
            self._put_aside()
        with unnamed_file(self._folder) as whole:
            pieces = [pl.scan_parquet(name_of_open(piece), glob=False) for piece in self._files]
            with _faults_of_the_system():
                pl.concat(pieces, how="vertical_relaxed").sink_parquet(name_of_open(whole))
            shutil.copyfileobj(whole, file)

    def close(self) -> None:
        """Let the temporary files go."""
        for file in self._files:
            file.close()


@contextmanager
def _faults_of_the_system() -> Iterator[None]:
    """What polars says of them, as OSError."""
    try:
        yield
    except pl.exceptions.ComputeError as error:
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from None


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
