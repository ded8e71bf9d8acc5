"""The rows of a large table in blocks, and a Program that sums up what a fit needs of them.

A block of rows is a trip of a parallel loop, which reads the features where they stand, column by column. Sums of blocks do not
depend on how many threads there are. The rows that are left after the last block are computed of arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitgrad.functions.reductions import sum as sum_
from jitgrad.glm.coordinates import Coordinates, standard
from jitgrad.glm.newton import Point
from jitgrad.program.context import Context, helpers
from jitgrad.tape import dtypes, trace
from jitgrad.tape.executable import Executable, lowered
from jitgrad.tape.function import flatten_traced
from jitgrad.tape.loop import loop
from jitgrad.tape.tensor import Tensor, placeholder
from jitgrad.vm.threads import get_num_threads

LEAST_ELEMENTS = 2**19
"""Of the features: a fit to fewer has ended before a Program is lowered."""
LEAST_ROWS = 2**14
BLOCK_ELEMENTS = 2**16
"""Of all that a block computes: what the second cache holds."""
WELL_CONDITIONED = 1e-6
"""The least that a feature may have beside those before it, in parts of its square, to be an input itself."""
_SAMPLE = 4096
"""Rows that center and size are estimated from: they need not be exact."""

Body = Callable[[Tensor, list[Tensor], Tensor], Sequence[Any]]
"""From the columns of a block, what else has rows there, and the coefficients, to what is summed over the blocks."""


def pays(x: np.ndarray) -> bool:
    """Whether there are so many rows that a Program is worth its lowering."""
    return x.size >= LEAST_ELEMENTS and len(x) >= LEAST_ROWS


class Blocks:
    """Rows in blocks.

    Args:
        inputs: (rows, p), without a column of ones.
        intercept: whether there is one.
        coordinates: of the inputs; by default they are the features, which are centered and scaled about.
        products: of columns by columns, how many a block has.

    Attributes:
        shape: how many blocks there are, their columns, the first of ones, and their rows.
        last: which rows are left.
        last_inputs: their columns (rows, 1 + p).
        first: the number of the first column that counts: that of ones does not where there is no intercept.
    """

    def __init__(self, inputs: np.ndarray, intercept: bool, coordinates: Coordinates | None = None, products: int = 1) -> None:
        n, width = len(inputs), inputs.shape[1] + 1
        least = 4 * width * products  # rows, so that the products take less memory than the columns
        block = min(max(BLOCK_ELEMENTS // (2 * width + 12), least, 64), n) // 64 * 64
        self.shape = n // block, width, block
        self.first = int(not intercept)
        self._inputs = inputs
        self._center, self._size = np.zeros(width - 1), np.ones(width - 1)
        if coordinates is None:
            self._center, self._size = _about(inputs, intercept)
        self.coordinates = standard(self._center, self._size, intercept) if coordinates is None else coordinates
        self.last = np.arange(n // block * block, n)
        ends = (inputs[self.last] - self._center) / self._size
        self.last_inputs = np.column_stack([np.ones(len(self.last)), ends])

    def load(self, executable: Executable, beside: Sequence[np.ndarray]) -> None:
        """Make the memory of a Program, see ``record``, and write the rows there: the last axis of all that is beside."""
        trips, _, block = self.shape
        self._context = Context(executable.program)
        self._columns, *places, self._coefficients = self._context.inputs
        for place, values in zip(places, beside, strict=True):
            place[...] = np.moveaxis(values[..., : trips * block].reshape(*values.shape[:-1], trips, block), -2, 0)
        _fill(self._columns, self._inputs, self._center, self._size)
        del self._inputs

    def run(self, coefficients: np.ndarray) -> list[np.ndarray]:
        """The sums over the blocks at coefficients of all columns."""
        self._coefficients[...] = coefficients
        with helpers([self._context]):
            self._context.run()
        return [np.array(output) for output in self._context.outputs]

    def whole(self, coefficients: np.ndarray) -> np.ndarray:
        """Coefficients (…, p) with that of ones (…, 1 + p), 0 where there is no intercept."""
        return np.concatenate([np.zeros((*coefficients.shape[:-1], self.first)), coefficients], axis=-1)

    def linear(self, coefficients: np.ndarray) -> np.ndarray:
        """Linear predictors of all rows (rows,), of coefficients (p,)."""
        whole = self.whole(coefficients)
        return np.r_[np.einsum("tkb,k->tb", self._columns, whole).ravel(), self.last_inputs @ whole]


def record(
    body: Body, shape: tuple[int, int, int], beside: Sequence[tuple[int, ...]], coefficients: tuple[int, ...]
) -> Executable:
    """A Program of sums over blocks of rows, of columns (blocks, columns, rows) and of what has these axes before its rows."""
    trips, _, block = shape
    with trace.tracing() as tracing:
        moving = [placeholder(s, dtypes.FLOAT64) for s in (shape, *((trips, *axes, block) for axes in beside))]
        by = placeholder(coefficients, dtypes.FLOAT64)
        _, stacked = loop(lambda _, slices: ([], body(slices[0], slices[1:], by)), trips, moving=moving, parallel=True)
        outputs = [sum_(x, axis=0) for x in stacked]
    given = [*moving, by]
    return lowered(flatten_traced(tracing, outputs, tracing.changes, given), len(given))


def is_well_conditioned(point: Point) -> bool:
    """Whether each input has enough beside those before it."""
    diagonal = np.diag(point.information)
    if not (diagonal > 0).all():
        return False
    try:
        factor = np.linalg.cholesky(point.information / np.sqrt(np.outer(diagonal, diagonal)))
    except np.linalg.LinAlgError:
        return False
    return bool((np.diag(factor) ** 2 > WELL_CONDITIONED).all())


def _about(x: np.ndarray, intercept: bool) -> tuple[np.ndarray, np.ndarray]:
    """Center and size of features, from some of the rows; with an intercept alone the center is not 0."""
    some = x[:: max(1, len(x) // _SAMPLE)]
    center = some.mean(0) if intercept else np.zeros(x.shape[1])
    size = np.sqrt(np.mean((some - center) ** 2, axis=0))
    return center, np.where(size > 0, size, 1.0)


def _fill(columns: np.ndarray, inputs: np.ndarray, center: np.ndarray, size: np.ndarray) -> None:
    """Write ones and scaled inputs, by blocks of rows, as columns; on all cores, since the memory is new."""
    from concurrent.futures import ThreadPoolExecutor

    trips, width, block = columns.shape

    def fill(first: int, stop: int) -> None:
        columns[first:stop, 0] = 1
        given = inputs[first * block : stop * block].reshape(stop - first, block, width - 1)
        into = columns[first:stop, 1:].transpose(0, 2, 1)
        np.subtract(given, center, out=into)
        np.divide(into, size, out=into)

    parts = np.linspace(0, trips, get_num_threads() + 1).astype(int)
    with ThreadPoolExecutor(get_num_threads()) as pool:
        list(pool.map(fill, parts[:-1], parts[1:]))
