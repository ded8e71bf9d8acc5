"""Read Parquet files in a separate process, because damaged files can crash the reader."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import IO

import polars as pl

from jitgrad.errors import DataError
from jitgrad.io import parquet_process
from jitgrad.io.columns import check_columns
from jitgrad.io.source import Stream, name_of

_RUN = "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop()); runpy.run_path(sys.argv.pop(), run_name='__main__')"
"""Restores ``sys.path``, because ``-I`` and ``-S`` exclude the working directory and site-packages."""


def read_parquet(path: str | Path, stream: Stream) -> pl.DataFrame:
    """Read a whole file. Raises DataError if it is damaged or has no rows."""
    return pl.concat(frame for _, frame in _frames(path, stream, None, None))


def parquet_pieces(
    path: str | Path, stream: Stream, rows: int, columns: Sequence[str] | None, start: int = 0
) -> Iterator[tuple[float, pl.DataFrame]]:
    """Read a file lazily in pieces of ``rows`` rows, starting with row ``start``, at most one piece ahead.

    Each piece comes with the fraction of the file read so far. Standard input and gzipped files are first copied to a
    temporary file, because the metadata of a Parquet file is at its end.

    Raises DataError if the file is damaged, has no rows, or lacks a column.
    """
    return _frames(path, stream, rows, columns, start)


def _frames(
    path: str | Path, stream: Stream, rows: int | None, columns: Sequence[str] | None, start: int = 0
) -> Iterator[tuple[float, pl.DataFrame]]:
    """Yield the frames sent by the reading process."""
    name, done = name_of(path), start
    with _regular_file(path, stream) as file, tempfile.TemporaryFile() as faults:
        given = {"file": file.fileno(), "rows": rows, "columns": None if columns is None else list(columns), "start": start}
        arguments = [json.dumps(given), parquet_process.__file__, json.dumps(sys.path)]
        with subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _RUN, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=faults,
            pass_fds=(file.fileno(),),
        ) as process:
            assert process.stdout is not None
            try:
                while (message := _received(process.stdout)) is not None:
                    letter, content = message
                    if letter == b"T":
                        names, height = json.loads(content)
                        if height == 0:
                            raise DataError(f"{name} has no rows. Give a table with data.")
                        check_columns(name, names, columns)
                    elif letter == b"F":
                        frame = pl.read_ipc(BytesIO(content))
                        done += frame.height
                        yield done / height, frame
                    elif letter == b"E":
                        return
                    else:
                        raise _damaged(name, json.loads(content))
                process.wait()
            finally:
                process.kill()
        faults.seek(0)
        raise _damaged(name, _reason(process.returncode, faults.read().decode(errors="replace")))


@contextmanager
def _regular_file(path: str | Path, stream: Stream) -> Iterator[IO[bytes]]:
    if str(path) != "-" and isinstance(stream, BufferedReader) and Path(path).is_file():
        yield stream
    else:
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(stream, copy)
            copy.flush()
            yield copy


def _received(stream: IO[bytes]) -> tuple[bytes, bytes] | None:
    """Return the next message of the process, or None if the process ended before completing it."""
    head = stream.read(9)
    size = int.from_bytes(head[1:], "little")
    content = stream.read(size) if len(head) == 9 else b""
    return (head[:1], content) if len(head) == 9 and len(content) == size else None


def _reason(status: int, faults: str) -> str:
    """Return the reason why the process ended, from its exit status and stderr."""
    asked = re.search(r"memory allocation of \d+ bytes failed", faults)
    if asked:
        return asked[0]
    with suppress(ValueError):
        return f"the reader was terminated by {signal.Signals(-status).name}"
    return (faults.strip() or f"the reader exited with status {status}").splitlines()[-1]


def _damaged(name: str, reason: str) -> DataError:
    return DataError(f"{name} is damaged or not a Parquet file: {reason}. Write the file again.")
