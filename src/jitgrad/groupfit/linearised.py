"""Models of many groups, made linear at parameters of each group's own: small triangles, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.least_squares import MOST_ROWS
from jitgrad.errors import UnsupportedError
from jitgrad.tape.tensor import Tensor

BLOCK = 1 << 16
"""Rows that are computed at once, if one group has no more."""
RIDGE = 1e-13
"""Of an own column's norm, what is added to it at right angles to all others: a pivot where it depends on them."""


class _OfRows(Curve):
    """A model of which each row has parameters of its own, columns beside the others. Its parameters are added to these."""

    def __init__(self, curve: Curve, free: Sequence[int]) -> None:
        self._curve, self._free = curve, list(free)
        super().__init__(curve.model, [curve.names[k] for k in free], [*curve.columns, *(f"own {k}" for k in curve.names)])
        self.key = None if curve.key is None else ("of rows", curve.key, tuple(curve.columns), tuple(curve.names))

    def __call__(self, columns: Sequence[Tensor], parameters: Sequence[Tensor]) -> Any:
        count = len(self._curve.columns)
        values = list(columns[count:])
        for k, added in zip(self._free, parameters, strict=True):
            values[k] = values[k] + added
        return self._curve(columns[:count], values)


class Linearised:
    """A model and the rows of many groups.

    Args:
        curve: the model.
        free: the numbers of the parameters that derivatives are taken by, n, the own ones first.
        n_own: how many of them are each group's own.
        groups: the rows.

    Raises UnsupportedError for a model that does not go by rows.
    """

    def __init__(self, curve: Curve, free: Sequence[int], n_own: int, groups: Groups) -> None:
        self.n, self.n_own = len(free), n_own
        self._curve, self._groups = _OfRows(curve, free), groups
        some = 2 * MOST_ROWS  # more than a block: so tracing compares what the model does with either number of rows
        if not self._curve.goes_by_rows([np.ones(some)] * len(self._curve.columns), range(self.n), some):
            raise UnsupportedError(
                "The model combines rows of a group, which shared parameters do not support. Write it row by row, or share no "
                "parameters."
            )

    def triangles(self, values: np.ndarray, held: np.ndarray | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """The triangular factors of Jacobian and residual, (B, n + 1, n + 1), weighted, of some groups after others.

        Args:
            values: of all parameters of each group, float64 (G, p).
            held: which of a group's own parameters stay where they are, (G, n_own): their columns are 0, with pivots of 1.
        """
        for part in self._blocks():
            jacobian_and_residual, sizes = self._rows(part, values[part])
            stays = np.zeros((len(sizes), self.n_own), bool) if held is None else held[part]
            yield part, _triangles(jacobian_and_residual, sizes, stays)

    def _blocks(self) -> Iterator[slice]:
        """Groups that have BLOCK rows together, or one that has more."""
        ends = np.cumsum(self._groups.parts[:, 1].astype(np.int64))
        first = 0
        while first < len(ends):
            before = ends[first - 1] if first else 0
            stop = max(first + 1, int(np.searchsorted(ends, before + BLOCK, side="right")))
            yield slice(first, stop)
            first = stop

    def _rows(self, part: slice, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Jacobian and residual of some groups, weighted, (rows, n + 1), and their numbers of rows."""
        groups = self._groups
        first, sizes = groups.parts[part].astype(np.int64).T
        of_row = np.repeat(np.arange(len(sizes)), sizes)
        within = np.arange(len(of_row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows = first[of_row] + within
        columns = [c[within if groups.shared else rows] for c in groups.columns] + list(values[of_row].T)
        padded = max(MOST_ROWS, 1 << (len(rows) - 1).bit_length())  # few numbers of rows, for which it is traced
        columns = [np.pad(c, (0, padded - len(rows)), mode="edge") for c in columns]
        said, jacobian = self._curve.evaluate(np.zeros(self.n), range(self.n), columns, padded)
        made = np.column_stack([jacobian[: len(rows)], said[: len(rows)] - groups.y[rows]])
        return made if groups.weights is None else made * groups.weights[rows, None], sizes


def _triangles(rows: np.ndarray, sizes: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The triangular factors of the rows of each group, one after the other; of ``sizes`` that are alike at once."""
    width, n_own = rows.shape[1], held.shape[1]
    offsets = np.cumsum(sizes) - sizes
    found = np.empty((len(sizes), width, width))
    padded = np.maximum(2 ** np.ceil(np.log2(np.maximum(sizes, 1))).astype(np.int64), width)
    for size in np.unique(padded).tolist():
        which = np.flatnonzero(padded == size)
        inside = np.arange(size) < sizes[which, None]
        matrices = np.zeros((len(which), size + n_own, width))
        matrices[:, :size][inside] = rows[(offsets[which, None] + np.arange(size))[inside]]
        own = matrices[:, :, :n_own]
        own[np.broadcast_to(held[which, None, :], own.shape)] = 0.0
        norms = np.linalg.norm(own, axis=1)
        diagonal = np.arange(n_own)
        own[:, size + diagonal, diagonal] = np.where(norms > 0, RIDGE * norms, 1.0)
        found[which] = np.linalg.qr(matrices, mode="r")
    return found
