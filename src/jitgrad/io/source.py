"""Open a file or standard input as a stream of decompressed bytes."""

from __future__ import annotations

import errno
import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeAlias

from jitgrad.errors import DataError

Stream: TypeAlias = BufferedReader | gzip.GzipFile


def name_of(path: str | Path) -> str:
    """Return the name of a source for messages."""
    return "standard input" if str(path) == "-" else str(path) or "''"


@contextmanager
def open_source(path: str | Path) -> Iterator[Stream]:
    """Open a file, or standard input for ``-``. Gzip is detected from the first bytes and decompressed.

    Raises DataError if the source cannot be opened or read, or if it is damaged gzip.
    """
    name = name_of(path)
    try:
        with _standard_input() if str(path) == "-" else Path(path).open("rb") as file:
            if file.peek(2)[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as stream:
                    yield stream
            else:
                yield file
    except FileNotFoundError:
        raise DataError(f"There is no file {name}. Check the path.") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a directory. Give a file.") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{name} is damaged: {error}. Compress it again.") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}. Check the file and its permissions.") from None


def _standard_input() -> BufferedReader:
    """Open standard input. If it was closed when the process began, its number may belong to another file by now."""
    if sys.__stdin__ is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return open(0, "rb", closefd=False)


def is_parquet(path: str | Path, stream: Stream) -> bool:
    """Return whether a source is Parquet, by its file name or its first bytes: PAR1 and a Thrift field, which is not text."""
    return Path(path).suffix.lower() in (".parquet", ".pq") or stream.peek(5)[:5] == b"PAR1\x15"


def part_read(path: str | Path, stream: Stream) -> float:
    """Return the fraction of a source that has been read, or 0 if its size is unknown."""
    size = 0 if str(path) == "-" else Path(path).stat().st_size
    if not size:
        return 0.0
    file: Any = stream.fileobj if isinstance(stream, gzip.GzipFile) else stream
    return min(1.0, float(file.tell() / size))
