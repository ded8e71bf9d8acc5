"""Distribute rows to temporary files by key, so that all rows with the same key are in one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import polars as pl

from jitgrad.files import unnamed_file

_PLACE = "__place"


def scattered(frames: Iterable[pl.DataFrame], by: Sequence[str], count: int, folder: Path) -> Iterator[pl.DataFrame]:
    """Regroup the rows of frames into at most ``count`` frames, each with all rows of its keys, in their original order.

    Parameters
    ----------
    frames : iterable of DataFrame
        Frames with the same columns.
    by : sequence of str
        The names of the key columns.
    count : int
        The number of files. One resulting frame and one input frame must fit into memory.
    folder : Path
        The folder for the temporary files, which are unnamed and disappear with the process.

    Raises
    ------
    OSError
        If the disk is full.
    """
    place = (pl.struct(list(by)).hash() % count).alias(_PLACE)
    with ExitStack() as stack:
        files = [stack.enter_context(unnamed_file(folder)) for _ in range(count)]
        for frame in frames:
            for (number,), rows in frame.with_columns(place).partition_by(_PLACE, as_dict=True, include_key=False).items():
                _append(files[int(str(number))], rows)
        for file in files:
            file.flush()
            file.seek(0)
            pieces = list(_read(file))
            if pieces:
                yield pl.concat(pieces)


def _append(file: BinaryIO, frame: pl.DataFrame) -> None:
    content = BytesIO()
    frame.write_ipc(content, compression="lz4")
    file.write(len(content.getbuffer()).to_bytes(8, "little"))
    file.write(content.getbuffer())


def _read(file: BinaryIO) -> Iterator[pl.DataFrame]:
    while head := file.read(8):
        yield pl.read_ipc(BytesIO(file.read(int.from_bytes(head, "little"))))
