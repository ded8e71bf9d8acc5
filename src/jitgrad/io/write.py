"""Write a table to a file in batches of rows."""

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
"""Maximum size in bytes of the frames held in memory."""


class TableWriter:
    """Write frames one below another: ``with TableWriter("out.csv") as writer: writer.add(frame)``.

    The file name determines the format: ``.parquet`` and ``.pq`` are Parquet, ``.tsv`` is tab-separated text, and anything else
    is comma-separated text. A final ``.gz`` compresses it. Text has a header. Missing values are empty fields, or NA in a table
    with one column, in which they would be blank lines. A file is written under a temporary name and renamed at the end, so it
    is either complete or unchanged. Devices and pipes are written directly. Because the metadata of a Parquet file is at its
    end, its pieces are collected in memory, or in temporary files if they are large, and written when the file is closed.
    """

    def __init__(self, path: str | Path | None) -> None:
        """Set the output to ``path``; None or ``-`` is standard output, as CSV."""
        self._path = None if path is None or str(path) == "-" else Path(path)
        self.name = str(self._path or "standard output")
        self._compressed = self.name.lower().endswith(".gz")
        suffix = Path(self.name.lower().removesuffix(".gz")).suffix
        self._separator = "\t" if suffix == ".tsv" else ","
        self._parquet = suffix in (".parquet", ".pq")
        self._columns: list[str] | None = None
        self._pieces = _Pieces(None if self._path is None else self._path.parent)

    def __enter__(self) -> TableWriter:
        """Open the file. Raises DataError if it cannot be opened."""
        with self._told(), ExitStack() as stack:
            self._file: BinaryIO | gzip.GzipFile = stack.enter_context(_opened(self._path))
            if self._compressed:
                self._file = stack.enter_context(gzip.GzipFile("", "wb", fileobj=self._file, mtime=0))
            stack.push(self._finish)
            self._stack = stack.pop_all()
        return self

    def add(self, frame: pl.DataFrame) -> None:
        """Write the rows of a frame.

        Raises
        ------
        ArgumentError
            If the columns differ from the columns of the first frame.
        DataError
            If the rows cannot be written, for example because the disk is full.
        BrokenPipeError
            If the reader closed the pipe. The command line then exits silently.
        """
        first = self._columns is None
        if self._columns not in (None, frame.columns):
            raise ArgumentError(
                f"A frame has the columns {frame.columns}, but the first had {self._columns}. Give all frames the same columns."
            )
        self._columns = frame.columns
        if self._parquet:
            with self._told():
                self._pieces.add(frame)
            return
        null = "NA" if frame.width == 1 else ""
        text = frame.write_csv(include_header=first, separator=self._separator, null_value=null)
        if self._file.isatty():  # escape control characters
            text = printable(text)
        with self._told():
            self._file.write(text.encode())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Complete the file or, after an exception, keep the previous one. Raises DataError like ``add``."""
        with self._told():
            self._stack.__exit__(kind, error, trace)

    def _finish(self, kind: type[BaseException] | None, *_: object) -> None:
        with closing(self._pieces):
            if self._parquet and kind is None:
                self._pieces.write(self._file)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Convert operating system errors to DataError."""
        try:
            yield
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise unwritable(self.name, error) from None


class _Pieces:
    """The frames of a Parquet file."""

    def __init__(self, folder: Path | None) -> None:
        """Spill large frames to unnamed files in ``folder``, or in the system's temporary folder if it is None."""
        self._folder = folder
        self._kept: list[pl.DataFrame] = []
        self._bytes = 0
        self._files: list[BinaryIO] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Add a frame. Raises OSError if it cannot be written."""
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
        """Write all frames. Raises OSError if they cannot be written."""
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
        """Close the temporary files."""
        for file in self._files:
            file.close()


@contextmanager
def _faults_of_the_system() -> Iterator[None]:
    """Convert operating system errors reported by polars to OSError."""
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
