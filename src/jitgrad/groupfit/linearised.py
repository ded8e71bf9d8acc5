"""Models of many groups, linearized at the parameters of each group, as small triangles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.least_squares import MOST_ROWS
from jitgrad.tape.tensor import Tensor

BLOCK = 1 << 16
"""The number of rows that are computed at once, unless a group has more rows."""
RIDGE = 1e-13
"""The relative size of a component that is added to each own column to keep its pivot nonzero."""


class _OfRows(Curve):
    """A model in which each row has its own parameters: the sum of the parameters and of additional columns."""

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

    Parameters
    ----------
    curve : Curve
        The model.
    free : sequence of int
        The indices of the n parameters with derivatives, each group's own ones first.
    n_own : int
        The number of own parameters of each group.
    groups : Groups
        The rows. If the model does not compute each row independently, it is evaluated for each group by itself.
    """

    def __init__(self, curve: Curve, free: Sequence[int], n_own: int, groups: Groups) -> None:
        self.n, self.n_own = len(free), n_own
        self._curve, self._of_rows, self._free, self._groups = curve, _OfRows(curve, free), list(free), groups
        some = 2 * MOST_ROWS  # more rows than a block, so that tracing compares the model for both numbers of rows
        self._by_rows = self._of_rows.goes_by_rows([np.ones(some)] * len(self._of_rows.columns), range(self.n), some)

    def triangles(self, values: np.ndarray, held: np.ndarray | None = None) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield the triangular factors of the weighted Jacobian and residual, (B, n + 1, n + 1), block by block of groups.

        Parameters
        ----------
        values : ndarray, shape (G, p)
            All parameters of each group, in float64.
        held : ndarray of bool, shape (G, n_own), optional
            The own parameters that are held fixed. Their columns are 0, with pivots of 1.
        """
        for part in self._blocks():
            jacobian_and_residual, sizes = self._rows(part, values[part])
            stays = np.zeros((len(sizes), self.n_own), bool) if held is None else held[part]
            yield part, _triangles(jacobian_and_residual, sizes, stays)

    def _blocks(self) -> Iterator[slice]:
        """Yield slices of groups with at most BLOCK rows together, or a single larger group."""
        ends = np.cumsum(self._groups.parts[:, 1].astype(np.int64))
        first = 0
        while first < len(ends):
            before = ends[first - 1] if first else 0
            stop = max(first + 1, int(np.searchsorted(ends, before + BLOCK, side="right")))
            yield slice(first, stop)
            first = stop

    def _rows(self, part: slice, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the weighted Jacobian and residual of some groups, (rows, n + 1), and their numbers of rows."""
        groups = self._groups
        first, sizes = groups.parts[part].astype(np.int64).T
        of_row = np.repeat(np.arange(len(sizes)), sizes)
        within = np.arange(len(of_row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows = first[of_row] + within
        given = [c[within if groups.shared else rows] for c in groups.columns]
        said, jacobian = self._evaluated(given, values, of_row) if self._by_rows else self._group_by_group(given, values, sizes)
        made = np.column_stack([jacobian, said - groups.y[rows]])
        return made if groups.weights is None else made * groups.weights[rows, None], sizes

    def _evaluated(self, given: list[np.ndarray], values: np.ndarray, of_row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the values, (rows,), and the Jacobian, (rows, n), of rows whose groups have these parameters."""
        rows, columns = len(of_row), [*given, *values[of_row].T]
        padded = max(MOST_ROWS, 1 << (rows - 1).bit_length())  # few sizes, because the model is traced for each
        columns = [np.pad(c, (0, padded - rows), mode="edge") for c in columns]
        said, jacobian = self._of_rows.evaluate(np.zeros(self.n), range(self.n), columns, padded)
        return said[:rows], jacobian[:rows]

    def _group_by_group(self, given: list[np.ndarray], values: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the values and the Jacobian of the rows of consecutive groups, each evaluated by itself."""
        ends = np.cumsum(sizes)
        parts = [
            self._curve.evaluate(own, self._free, [np.ascontiguousarray(c[stop - size : stop]) for c in given], size)
            for own, size, stop in zip(values, sizes.tolist(), ends.tolist(), strict=True)
        ]
        return np.concatenate([said for said, _ in parts]), np.concatenate([jacobian for _, jacobian in parts])


def _triangles(rows: np.ndarray, sizes: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Return the triangular factors of the rows of consecutive groups, computed in batches of similar size."""
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
