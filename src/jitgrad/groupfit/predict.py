"""What a model says for the rows of many groups, with parameters of each group's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import narwhals.stable.v1 as nw
import numpy as np

from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.least_squares import MOST_ROWS
from jitgrad.errors import DataError
from jitgrad.groupfit.arrays import read_arrays
from jitgrad.groupfit.tables import frame_of, grouping, numbers, places_of
from jitgrad.tape.tensor import Tensor

if TYPE_CHECKING:
    from jitgrad.groupfit.job import Job

PREDICTED = "predicted"
"""The column of what the model says."""
BLOCK = 1 << 16
"""Rows for which parameters are written out at once."""


class _ByRows(Curve):
    """A model of which each row has parameters of its own: columns beside the others."""

    def __init__(self, curve: Curve) -> None:
        self._curve = curve
        super().__init__(curve.model, [], [*curve.columns, *curve.names])
        self.key = None if self.key is None else ("by rows", self.key)

    def __call__(self, columns: Sequence[Tensor], parameters: Sequence[Tensor]) -> Any:
        count = len(self._curve.columns)
        return self._curve(columns[:count], columns[count:])


def predict_groups(curve: Curve, groups: Groups, values: np.ndarray) -> np.ndarray:
    """What the model says for each row, (rows,), one group after the other; nan where a parameter of its group is.

    Args:
        curve: the model.
        groups: the rows; of their response nothing is asked but how many there are.
        values: float64 (G, p).
    """
    counts = groups.parts[:, 1].astype(np.int64)
    said = np.empty(int(counts.sum()))
    by_rows = _ByRows(curve)
    if not len(said):
        return said
    some = 2 * MOST_ROWS  # more than a block: so tracing compares what the model does with either number of rows
    if not by_rows.goes_by_rows([np.ones(some)] * len(by_rows.columns), (), some):
        return _one_by_one(curve, groups, values, said)
    of_row = np.repeat(np.arange(len(counts)), counts)
    at = np.arange(len(said)) - np.repeat(np.cumsum(counts) - counts, counts) if groups.shared else None
    first_row = np.repeat(groups.parts[:, 0].astype(np.int64) - (np.cumsum(counts) - counts), counts)
    for first in range(0, len(said), BLOCK):
        part = slice(first, min(first + BLOCK, len(said)))
        rows = at[part] if at is not None else np.arange(part.start, part.stop) + first_row[part]
        columns = [c[rows] for c in groups.columns] + list(np.ascontiguousarray(values[of_row[part]].T))
        short = BLOCK - len(rows)  # one trace for any number of rows
        columns = [np.pad(c, (0, short), mode="edge") if short else c for c in columns]
        with np.errstate(all="ignore"):
            said[part] = by_rows.values(np.empty(0), (), columns, BLOCK)[: len(rows)]
    return said


def _one_by_one(curve: Curve, groups: Groups, values: np.ndarray, said: np.ndarray) -> np.ndarray:
    """The same for a model that does not go by rows."""
    free, at = range(values.shape[1]), 0
    for (first, count), own in zip(groups.parts.astype(np.int64).tolist(), values, strict=True):
        columns = groups.columns if groups.shared else [c[first : first + count] for c in groups.columns]
        finite = count > 0 and np.isfinite(own).all()
        said[at : at + count] = curve.values(own, free, columns, count) if finite else np.nan
        at += count
    return said


def predict_frame(job: Job, data: Any, fits: Any) -> Any:
    """A frame with a column more: what the model says with each group's parameters; nan where its group has none.

    Args:
        job: what was fitted.
        data: a frame with the keys and the columns that the model takes.
        fits: a frame with keys and parameters.

    Raises:
        DataError: where ``data`` have a column of that name, or lack one.
    """
    frame = frame_of(data)
    if PREDICTED in frame.columns:
        raise DataError(f"The data have a column {PREDICTED!r} already. Rename it.")
    found, own = grouping(frame, job.by), frame_of(fits)
    columns = [column if found.order is None else column[found.order] for column in (numbers(frame, name) for name in job.x)]
    places = places_of(found.keys, own.select(list(job.by)))
    if places is None:
        raise DataError("The fits have a key twice. Give one row for each.")
    values = np.column_stack([numbers(own, name) for name in job.names])
    values = np.vstack([values, np.full(len(job.names), np.nan)])[places]
    said = np.full(len(frame), np.nan)
    rows = slice(None) if found.order is None else found.order
    said[rows] = predict_groups(job.curve, Groups(columns, np.empty(0), None, found.parts), values)
    library = nw.get_native_namespace(frame)
    return frame.with_columns(nw.new_series(PREDICTED, said, native_namespace=library)).to_native()


def predict_arrays(job: Job, x: Any, values: np.ndarray) -> np.ndarray:
    """What the model says for x of all groups, (rows,), or of each, (…, rows), with parameters (…, p): (…, rows)."""
    some = next(iter(x.values()), ()) if isinstance(x, Mapping) else x
    shape = (*values.shape[:-1], np.shape(some)[-1] if np.ndim(some) else 0)
    columns, table = read_arrays(x, np.zeros(shape), None, None)
    groups = table.groups._replace(columns=job.chosen(list(columns), table.groups.columns))
    return predict_groups(job.curve, groups, values.reshape(-1, values.shape[-1])).reshape(shape)
