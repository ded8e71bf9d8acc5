"""Consecutive frames, cut so that no group is split between two frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import polars as pl

from jitgrad.errors import DataError

ROWS = 1 << 17
"""The number of rows that are collected before some are passed on."""
WITHOUT_KEY = 0
"""The mark for rows with an incomplete key."""


class GroupReturnsError(DataError):
    """Rows of a group occur again after rows of other groups."""


def whole_groups(frames: Iterable[Any], by: Sequence[str], rows: int = ROWS, known: Iterable[Any] = ()) -> Iterator[Any]:
    """Yield the rows of frames in frames of whole groups: the last group of a frame waits for the next frame.

    Parameters
    ----------
    frames : iterable of frames
        Of any library that narwhals supports, with the same columns. The rows of a group are consecutive, as in frames that are
        sorted by key.
    by : sequence of str
        The key columns.
    rows : int, default 131072
        The number of rows that are collected before whole groups are passed on; more if a group is larger.
    known : iterable of frames, default ()
        The keys of groups that were passed on before, as in an interrupted run.

    Yields
    ------
    frame
        In the library of the frames, with at least one row.

    Raises
    ------
    GroupReturnsError
        If rows of a group occur again after rows of other groups. Rows without a key may be anywhere.
    """
    waiting: list[nw.DataFrame[Any]] = []
    count, enough, seen = 0, rows, _Seen()
    for keys in known:
        seen.add(np.unique(_marks(nw.from_native(keys, eager_only=True))))
    for frame in frames:
        waiting.append(nw.from_native(frame, eager_only=True))
        count += len(waiting[-1])
        if count >= enough:
            table = nw.concat(waiting)
            starts = _starts(table, by)
            last = int(starts[-1])
            if last:
                yield _handed_on(table[:last], starts[:-1], by, seen)
            waiting, count = [table[last:]], count - last
            enough = max(rows, 2 * count)  # for a larger group, not every frame is searched
    if count:
        table = nw.concat(waiting)
        yield _handed_on(table, _starts(table, by), by, seen)


def _starts(table: nw.DataFrame[Any], by: Sequence[str]) -> np.ndarray:
    """Return the first rows of consecutive groups, and of rows without a key between them, int64 (K,)."""
    changes = np.zeros(len(table) - 1, bool)
    for name in by:
        column = table.get_column(name)
        before, after = column[:-1], column[1:]
        unlike = after != before
        if column.null_count():
            gone = column.is_null().to_numpy()
            changes |= gone[1:] != gone[:-1]
            unlike = unlike.fill_null(False)
        changes |= np.asarray(unlike.to_numpy(), bool)
    return np.append(0, np.flatnonzero(changes) + 1)


def _handed_on(table: nw.DataFrame[Any], starts: np.ndarray, by: Sequence[str], seen: _Seen) -> Any:
    """Return the frame. Raises GroupReturnsError if it contains a group that an earlier frame contained."""
    keys = table.select(list(by))[starts]
    marks = _marks(keys)
    groups, rows = np.unique(marks, return_index=True)
    if len(groups) and groups[0] == WITHOUT_KEY:
        groups, rows = groups[1:], rows[1:]
    again = seen.index_of_known(groups)
    if again is not None:
        row = keys[int(rows[again]) : int(rows[again]) + 1].rows()[0]
        key = ", ".join(f"{name} = {value!r}" for name, value in zip(by, row, strict=True))
        raise GroupReturnsError(
            f"Rows of the group {key} occur again after rows of other groups. Sort the rows by {', '.join(by)}."
        )
    seen.add(groups)
    return table.to_native()


def _marks(table: nw.DataFrame[Any]) -> np.ndarray:
    """Return a hash of each key, uint64 (K,). The chance that two of a million keys collide is 1 in 10⁷."""
    keys = pl.DataFrame(table.to_native())
    floats = [name for name, dtype in keys.schema.items() if dtype.is_float()]
    categories = [
        name for name, dtype in keys.schema.items() if dtype in (pl.Categorical, pl.Enum)
    ]  # codes differ between frames
    keys = keys.with_columns(pl.col(floats).fill_nan(None), pl.col(categories).cast(pl.String))
    mark = pl.struct(pl.all()).hash().clip(lower_bound=1)
    return keys.select(pl.when(pl.any_horizontal(pl.all().is_null())).then(WITHOUT_KEY).otherwise(mark)).to_series().to_numpy()


class _Seen:
    """Numbers seen before, 8 bytes each, in sorted runs of different lengths."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def index_of_known(self, numbers: np.ndarray) -> int | None:
        """Return the index of the first of some sorted numbers that was seen before, or None."""
        for run in self._runs:
            known = run[np.searchsorted(run, numbers).clip(max=len(run) - 1)] == numbers
            if known.any():
                return int(known.argmax())
        return None

    def add(self, numbers: np.ndarray) -> None:
        """Add sorted numbers, none of which was seen before."""
        if not len(numbers):
            return
        self._runs.append(numbers)
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            self._runs[-2:] = [np.sort(np.concatenate(self._runs[-2:]), kind="stable")]
