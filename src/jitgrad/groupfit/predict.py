"""What a model says for the rows of many groups, with parameters of each group's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import narwhals.stable.v1 as nw
import numpy as np

from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.least_squares import MOST_ROWS
from jitgrad.curvefit.lowered_model import LoweredModel
from jitgrad.errors import DataError
from jitgrad.groupfit.arrays import read_arrays
from jitgrad.groupfit.measures import blocks
from jitgrad.groupfit.tables import check_column, frame_of, grouping, numbers, places_of
from jitgrad.tape.tensor import Tensor

if TYPE_CHECKING:
    from jitgrad.groupfit.job import Job

PREDICTED = "predicted"
"""The column of what the model says."""
BLOCK = 1 << 14
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

    def traced_for(self, rows: int, of_group: int) -> LoweredModel | None:
        """The model for so many rows; None where what it says for a row depends on others, or on how many a group has."""

        def goes_by_rows(curve: Curve, count: int) -> bool:
            return curve.goes_by_rows([np.ones(count)] * len(curve.columns), (), count)

        # With more rows than a block has, tracing compares what the model does with either number of them.
        if not (goes_by_rows(self._curve, of_group) and goes_by_rows(self, 2 * MOST_ROWS)):
            return None
        return self.recorded([np.ones(rows)] * len(self.columns), (), rows)


def predictions(curve: Curve, groups: Groups, values: np.ndarray) -> Iterator[tuple[slice, slice, np.ndarray, np.ndarray]]:
    """What the model says for the rows of groups that stand one after the other, some groups at a time.

    Args:
        curve: the model.
        groups: the rows; their response is not asked for.
        values: float64 (G, p); where one is nan, so is what the model says.

    Yields:
        The groups, their rows, the first row of each within these, and what the model says for them.
    """
    counts = groups.parts[:, 1].astype(np.int64)
    traced = _ByRows(curve).traced_for(BLOCK, int(counts.max())) if counts.any() else None
    for part, rows, first in blocks(counts, BLOCK):
        own = counts[part]
        if groups.shared:
            columns = [np.tile(column, len(own)) for column in groups.columns]
        else:
            columns = [column[rows] for column in groups.columns]
        if traced is None:
            said = _one_by_one(curve, columns, first, own, values[part])
        else:
            said = _by_rows(traced, [*columns, *(np.repeat(k, own) for k in values[part].T)])
        yield part, rows, first, said


def predict_groups(curve: Curve, groups: Groups, values: np.ndarray) -> np.ndarray:
    """What the model says for each row of groups, (rows,), see ``predictions``."""
    parts = [said for *_, said in predictions(curve, groups, values)]
    return np.concatenate(parts) if parts else np.empty(0)


def _by_rows(traced: LoweredModel, columns: Sequence[np.ndarray]) -> np.ndarray:
    """What a model says for rows of these columns, as many as it was traced for at a time."""
    said = np.empty(len(columns[0]))
    with traced.executable.context() as context:
        traced.executable.load(context)
        inputs, output = context.inputs[: len(columns)], context.outputs[0]
        for at in range(0, len(said), traced.rows):
            part = said[at : at + traced.rows]
            for to, column in zip(inputs, columns, strict=True):
                to[: len(part)] = column[at : at + traced.rows]
                to[len(part) :] = column[-1]
            context.run()
            part[:] = output[: len(part)] if output.size > 1 else output
    return said


def _one_by_one(
    curve: Curve, columns: Sequence[np.ndarray], first: np.ndarray, counts: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """The same for a model that does not go by rows."""
    said = np.full(int(counts.sum()), np.nan)
    for start, count, own in zip(first.tolist(), counts.tolist(), values, strict=True):
        if count and np.isfinite(own).all():
            part = slice(start, start + count)
            said[part] = curve.values(own, range(len(own)), [column[part] for column in columns], count)
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
        raise DataError(f"The data already have a column {PREDICTED!r}. Rename it.")
    found, own = grouping(frame, job.by), frame_of(fits)
    columns = [column if found.order is None else column[found.order] for column in (numbers(frame, name) for name in job.x)]
    for name in (*job.by, *job.names):
        check_column(name, own.columns)
    places = places_of("fits", found.keys, own.select(list(job.by)))
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
    if not np.ndim(some):
        raise DataError("x is not an array. Give an array whose last axis is the rows of a curve, or a dict of such arrays.")
    shape = (*values.shape[:-1], np.shape(some)[-1])
    columns, table = read_arrays(x, np.zeros(shape), None, None)
    groups = table.groups._replace(columns=job.chosen(list(columns), table.groups.columns))
    return predict_groups(job.curve, groups, values.reshape(-1, values.shape[-1])).reshape(shape)
