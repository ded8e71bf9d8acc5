"""What a model says for the rows of many groups, with parameters of each group's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.least_squares import MOST_ROWS
from jitgrad.curvefit.many import Groups
from jitgrad.tape.tensor import Tensor

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
