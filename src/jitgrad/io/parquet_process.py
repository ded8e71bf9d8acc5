"""The process that reads a Parquet file for ``parquet.py``, so that a damaged file can crash only this process.

A damaged file can request more memory than is available, and polars then aborts. This file does not import jitgrad, because it
is run by its path. It writes messages to standard output: a letter, the size of the content in 8 bytes, and the content. ``T``
holds the column names and height as JSON, ``F`` a frame in Arrow's IPC format, ``D`` an error message as JSON. ``E`` ends the
stream.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PanicException, PolarsError

_SIZE = 1 << 26  # approximate bytes per frame if the whole table is read at once


def main() -> None:
    """Read the file described by the JSON argument.

    Its keys are ``file``, a descriptor; ``rows``, the number of rows per frame, or null; ``columns``, or null for all columns;
    and ``start``, the number of rows to skip.
    """
    given = json.loads(sys.argv[1])
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # if memory runs out, Linux kills this process first
    try:
        lazy = pl.scan_parquet(f"/dev/fd/{given['file']}", glob=False, hive_partitioning=False)
        for frame in _frames(lazy, given["rows"], given["columns"], given["start"]):
            content = BytesIO()
            frame.write_ipc(content)
            _send("F", content.getbuffer())
        _send("E", b"")
    except (PolarsError, PanicException) as error:  # a panic is not an Exception
        _send("D", _json((str(error).strip() or type(error).__name__).splitlines()[0]))


def _frames(lazy: pl.LazyFrame, rows: int | None, columns: list[str] | None, start: int) -> Iterator[pl.DataFrame]:
    """Send the names and height, then yield the table in frames, or none if a column is missing."""
    names = lazy.collect_schema().names()
    if rows is None:
        whole = lazy.collect()
        _send("T", _json([names, whole.height]))
        yield from whole.iter_slices(max(1, _SIZE * whole.height // max(1, int(whole.estimated_size()))))
        return
    height = lazy.select(pl.len()).collect().item()
    _send("T", _json([names, height]))
    if columns is None or set(columns) <= set(names):
        chosen = lazy if columns is None else lazy.select(columns)
        for first in range(start, height, rows):
            yield chosen.slice(first, rows).collect()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _send(letter: str, content: bytes | memoryview) -> None:
    sys.stdout.buffer.write(letter.encode() + len(content).to_bytes(8, "little"))
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
