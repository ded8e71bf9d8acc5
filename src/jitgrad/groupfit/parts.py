"""The fits of a file's groups, stored in a folder during the run, so that an interrupted run can resume."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, TypedDict, cast

import polars as pl

from jitgrad.errors import DataError, JitgradError
from jitgrad.files import unwritable, write_whole
from jitgrad.saving.typed import check_types

VERSION = 1
STATE = "state.json"
SECONDS, GROUPS = 2.0, 1 << 18
"""Results are written after this many seconds or groups, which limits the loss if the process is killed."""


class State(TypedDict):
    """The contents of a folder.

    Attributes
    ----------
    version : int
        The version of the format.
    run : dict
        The model, its options and the file.
    parts : int
        The number of files of results.
    rows : int
        The number of rows of the stream that are done.
    groups : int
        The number of groups that are done.
    left_out : int
        The number of these rows that lack a key or a value.
    scattered : bool
        Whether the stream consists of rows scattered by key, not in the order of the file.
    """

    version: int
    run: dict[str, Any]
    parts: int
    rows: int
    groups: int
    left_out: int
    scattered: bool


class Parts:
    """A folder of results and its progress. Made by ``opened``."""

    def __init__(self, folder: Path, run: Mapping[str, Any]) -> None:
        self.folder, self.state = folder, _begun(run)
        self._waiting: list[pl.DataFrame] = []
        self._ahead = self.state.copy()
        self._saved = time.monotonic()
        found = _read(folder)
        if found is not None and found["run"] == self.state["run"]:
            self.state, self._ahead = found, found.copy()

    @property
    def rows(self) -> int:
        """The number of rows of the stream that are done, including those not written yet."""
        return self._ahead["rows"]

    @property
    def groups(self) -> int:
        """The number of groups that are done."""
        return self._ahead["groups"]

    @property
    def left_out(self) -> int:
        """The number of rows without a key or a value."""
        return self._ahead["left_out"]

    def add(self, fits: pl.DataFrame, rows: int, left_out: int) -> None:
        """Add the fits of the next ``rows`` rows. Raises DataError if they cannot be written."""
        self._waiting.append(fits)
        for name, count in (("rows", rows), ("groups", fits.height), ("left_out", left_out)):
            self._ahead[name] += count  # type: ignore[literal-required]
        if time.monotonic() - self._saved > SECONDS or sum(frame.height for frame in self._waiting) > GROUPS:
            self.save()

    def save(self) -> None:
        """Write the pending results, and then the new state. Raises DataError if this fails."""
        if self._waiting:
            content = BytesIO()
            pl.concat(self._waiting).write_parquet(content, compression="lz4")
            number = self.state["parts"]
            self._write(f"part-{number}.parquet", content.getvalue())
            self._ahead["parts"] = number + 1
            self._write(STATE, json.dumps(self._ahead).encode())
            self._waiting, self.state = [], self._ahead.copy()
        self._saved = time.monotonic()

    def begin_anew(self, scattered: bool) -> None:
        """Delete all results."""
        self._waiting = []
        self.state = _begun(self.state["run"]) | {"scattered": scattered}
        self._ahead = self.state.copy()
        self._write(STATE, json.dumps(self.state).encode())

    def _write(self, name: str, content: bytes) -> None:
        try:
            write_whole(self.folder / name, content)
        except OSError as error:  # earlier results stay, and the next run resumes from them
            raise unwritable(str(self.folder), error) from None

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the written results, one frame per part, with these columns or all."""
        for number in range(self.state["parts"]):
            part = self.folder / f"part-{number}.parquet"
            yield pl.read_parquet(part, columns=columns, glob=False, hive_partitioning=False)  # type: ignore[arg-type]


@contextmanager
def opened(folder: Path, run: Mapping[str, Any]) -> Iterator[Parts]:
    """Return the folder, which is created if needed and locked. Results of a different run are deleted.

    Raises DataError if another process uses it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise unwritable(str(folder), error) from None
    parts = None
    try:
        try:
            fcntl.flock(at, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(f"{folder} is in use by another run. Wait until it ends, or name another output.") from None
        parts = Parts(folder, run)
        yield parts
    finally:
        if parts is not None and not parts.groups and folder.exists():
            remove(folder)  # nothing was done
        os.close(at)


def remove(folder: Path) -> None:
    """Remove the folder and its contents, once the results are in the output."""
    shutil.rmtree(folder)


def _begun(run: Mapping[str, Any]) -> State:
    plain = json.loads(json.dumps(dict(run)))  # as it will be read back, with lists for tuples
    return State(version=VERSION, run=plain, parts=0, rows=0, groups=0, left_out=0, scattered=False)


def _read(folder: Path) -> State | None:
    """Return the contents of the folder, or None if there is nothing to resume."""
    try:
        found = json.loads((folder / STATE).read_bytes())
        check_types(found, State, "state")
    except (FileNotFoundError, ValueError, TypeError, KeyError, JitgradError):
        return None
    whole = all((folder / f"part-{number}.parquet").is_file() for number in range(found["parts"]))
    return cast(State, found) if found["version"] == VERSION and whole else None
