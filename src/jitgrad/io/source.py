"""The bytes of a file or of standard input, decompressed; what keeps them from being read is named."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeAlias

from jitgrad.errors import DataError

Stream: TypeAlias = BufferedReader | gzip.GzipFile


def name_of(path: str | Path) -> str:
    """How messages call it."""
    return "standard input" if str(path) == "-" else str(path) or "''"


@contextmanager
def open_source(path: str | Path) -> Iterator[Stream]:
    """Open a file, or standard input for ``-``. What begins as gzip does is decompressed, whatever its name.

    Raises:
        DataError: where it cannot be opened, and for faults met while it is read: of the disk, or of damaged gzip.
    """
    name = name_of(path)
    try:
        with open(0, "rb", closefd=False) if str(path) == "-" else Path(path).open("rb") as file:
            if file.peek(2)[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=file) as stream:
                    yield stream
            else:
                yield file
    except FileNotFoundError:
        raise DataError(f"There is no file {name}. Check the path.") from None
    except IsADirectoryError:
        raise DataError(f"{name} is a directory. Name a file in it.") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{name} is damaged: {error}. Compress it anew.") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}. Check the file and its permissions.") from None


def is_parquet(path: str | Path, stream: Stream) -> bool:
    """Whether a source is Parquet, by its name or its first bytes: PAR1, and a field of Thrift, which is no character."""
    return Path(path).suffix.lower() in (".parquet", ".pq") or stream.peek(5)[:5] == b"PAR1\x15"


def part_read(path: str | Path, stream: Stream) -> float:
    """Which part of a source has been read, from 0 to 1; 0 where it is not known how long it is."""
    size = 0 if str(path) == "-" else Path(path).stat().st_size
    if not size:
        return 0.0
    file: Any = stream.fileobj if isinstance(stream, gzip.GzipFile) else stream
    return min(1.0, float(file.tell() / size))
