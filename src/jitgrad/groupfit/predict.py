"""Predictions for the rows of many groups, each with its own parameters."""

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
"""The column of predictions."""
BLOCK = 1 << 14
"""The number of rows for which parameters are repeated at once."""


class _ByRows(Curve):
    """A model in which each row has its own parameters, as additional columns."""

    def __init__(self, curve: Curve) -> None:
        self._curve = curve
        super().__init__(curve.model, [], [*curve.columns, *curve.names])
        self.key = None if curve.key is None else ("by rows", curve.key)

    def __call__(self, columns: Sequence[Tensor], parameters: Sequence[Tensor]) -> Any:
        count = len(self._curve.columns)
        return self._curve(columns[:count], columns[count:])

    def traced_for(self, rows: int, of_group: int) -> LoweredModel | None:
        """Return the model for this many rows, or None if it does not compute each row independently."""

        def goes_by_rows(curve: Curve, count: int) -> bool:
            return curve.goes_by_rows([np.ones(count)] * len(curve.columns), (), count)

        # With more rows than a block has, tracing compares the model for both numbers of rows.
        if not (goes_by_rows(self._curve, of_group) and goes_by_rows(self, 2 * MOST_ROWS)):
            return None
        return self.recorded([np.ones(rows)] * len(self.columns), (), rows)


def predictions(curve: Curve, groups: Groups, values: np.ndarray) -> Iterator[tuple[slice, slice, np.ndarray, np.ndarray]]:
    """Yield predictions for the rows of consecutive groups, block by block.

    Parameters
    ----------
    curve : Curve
        The model.
    groups : Groups
        The rows. The response is not used.
    values : ndarray, shape (G, p)
        The parameters, in float64. If one is nan, the predictions are nan.

    Yields
    ------
    part, rows, first, predicted
        The groups, their rows, the first row of each group within these, and the predictions.
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
    """Return the predicted response for each row of groups, (rows,); see ``predictions``."""
    parts = [said for *_, said in predictions(curve, groups, values)]
    return curve.responses(np.concatenate(parts)) if parts else np.empty(0)


def _by_rows(traced: LoweredModel, columns: Sequence[np.ndarray]) -> np.ndarray:
    """Return predictions for rows of these columns, in blocks of the size that the model was traced for."""
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
    """Return predictions group by group, for a model that does not compute rows independently."""
    said = np.full(int(counts.sum()), np.nan)
    for start, count, own in zip(first.tolist(), counts.tolist(), values, strict=True):
        if count and np.isfinite(own).all():
            part = slice(start, start + count)
            said[part] = curve.values(own, range(len(own)), [column[part] for column in columns], count)
    return said


def predict_frame(job: Job, data: Any, fits: Any) -> Any:
    """Return a frame with a column of predictions, nan if a group has no parameters.

    Parameters
    ----------
    job : Job
        The model and the options.
    data : frame
        The keys and the columns of the model.
    fits : frame
        Keys and parameters.

    Raises
    ------
    DataError
        If `data` already have a column of predictions, or lack a required column.
    """
    frame = frame_of(data)
    if PREDICTED in frame.columns:
        raise DataError(f"The data already have a column {PREDICTED!r}. Rename it.")
    found, own = grouping(frame, job.by), frame_of(fits)
    coded = job.coded(data)
    columns = [column if found.order is None else column[found.order] for column in (numbers(coded, name) for name in job.x)]
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
    """Return predictions, (..., rows), for one x for all groups, (rows,), or one x per group, with parameters (..., p)."""
    some = next(iter(x.values()), ()) if isinstance(x, Mapping) else x
    if not np.ndim(some):
        raise DataError("x is not an array. Give an array whose last axis is the rows of a curve, or a dict of such arrays.")
    shape = (*values.shape[:-1], np.shape(some)[-1])
    columns, table = read_arrays(x, np.zeros(shape), None, None)
    groups = table.groups._replace(columns=job.chosen(list(columns), table.groups.columns))
    return predict_groups(job.curve, groups, values.reshape(-1, values.shape[-1])).reshape(shape)
