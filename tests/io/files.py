"""Files for tests: written, as Parquet, and as standard input."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import polars as pl


def written(directory: Path, content: str | bytes, name: str = "t.csv") -> Path:
    file = directory / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@contextmanager
def standard_input(content: bytes) -> Iterator[list[int]]:
    """Content through a pipe as file 0; gives a list whose sum is the number of bytes that the pipe took so far."""
    reading, writing = os.pipe()
    kept, taken = os.dup(0), []

    def write() -> None:
        with open(writing, "wb", buffering=0) as pipe, suppress(BrokenPipeError):
            for start in range(0, len(content), 4096):
                taken.append(pipe.write(content[start : start + 4096]))

    thread = threading.Thread(target=write)
    try:
        os.dup2(reading, 0)
        os.close(reading)
        thread.start()
        yield taken
    finally:
        os.dup2(kept, 0)  # closes the pipe where it is read, and so ends the thread
        os.close(kept)
        thread.join()


def parquet(frame: pl.DataFrame) -> bytes:
    content = BytesIO()
    frame.write_parquet(content)
    return content.getvalue()
