"""The process that reads a Parquet file for ``parquet.py``: damage in a file can end it, and ends nothing else.

A damaged file can ask for more memory than there is, and polars then aborts. This file imports nothing of jitgrad, because it
runs by its path. It writes messages to standard output: a letter, the size of the content in 8 bytes, and the content. ``T``
has the table's names and height as JSON, ``F`` a frame in Arrow's format, ``D`` what is damaged, as JSON; ``E`` is the end.
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

_SIZE = 1 << 26  # bytes of a frame, about, where the whole table is read at once


def main() -> None:
    """Read as the argument says in JSON: ``file``, a descriptor; ``rows`` of a frame, or null; ``columns``, or null for all;
    ``start``, the number of rows to leave out before."""
    given = json.loads(sys.argv[1])
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # where memory runs out, Linux ends this process first
    try:
        lazy = pl.scan_parquet(f"/dev/fd/{given['file']}", glob=False, hive_partitioning=False)
        for frame in _frames(lazy, given["rows"], given["columns"], given["start"]):
            content = BytesIO()
            frame.write_ipc(content)
            _send("F", content.getbuffer())
        _send("E", b"")
    except (PolarsError, PanicException) as error:  # a panic is no Exception
        _send("D", _json((str(error).strip() or type(error).__name__).splitlines()[0]))


def _frames(lazy: pl.LazyFrame, rows: int | None, columns: list[str] | None, start: int) -> Iterator[pl.DataFrame]:
    """The table in frames, after its names and height were sent; no frames where a column is not there."""
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
