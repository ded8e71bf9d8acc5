"""The rows of a large table in blocks, and a Program that computes the sums that a fit needs.

A block of rows is an iteration of a parallel loop that reads the features in place, column by column. Sums of blocks do not
depend on the number of threads. Rows after the last block are computed with arrays.
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
"""Minimum number of elements of the features. Smaller fits finish before a Program is lowered."""
LEAST_ROWS = 2**14
BLOCK_ELEMENTS = 2**16
"""Number of elements computed per block, chosen to fit in the L2 cache."""
WELL_CONDITIONED = 1e-6
"""Minimum fraction of a feature's squared norm that is orthogonal to the preceding ones, for features to be used as inputs."""
_SAMPLE = 4096
"""Number of rows from which the center and the size are estimated. They need not be exact."""

Body = Callable[[Tensor, list[Tensor], Tensor], Sequence[Any]]
"""Takes the columns of a block, other values per row, and coefficients. Returns the quantities that are summed over blocks."""


def pays(x: np.ndarray) -> bool:
    """Return whether there are enough rows for a Program to pay off."""
    return x.size >= LEAST_ELEMENTS and len(x) >= LEAST_ROWS


class Blocks:
    """Rows in blocks.

    Parameters
    ----------
    inputs : ndarray, shape (rows, p)
        The inputs, without a column of ones.
    intercept : bool
        Whether there is an intercept.
    coordinates : Coordinates, optional
        The coordinates of the inputs. By default, the inputs are the features, approximately centered and scaled.
    products : int, default 1
        The number of products of columns with columns per block.

    Attributes
    ----------
    shape : tuple of int
        The numbers of blocks, columns (the first column is all ones), and rows per block.
    last : ndarray
        The remaining rows.
    last_inputs : ndarray, shape (rows, 1 + p)
        The columns of the remaining rows.
    first : int
        The index of the first column in use: 1 without an intercept, otherwise 0.
    """

    def __init__(self, inputs: np.ndarray, intercept: bool, coordinates: Coordinates | None = None, products: int = 1) -> None:
        n, width = len(inputs), inputs.shape[1] + 1
        least = 4 * width * products  # enough rows that the products need less memory than the columns
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
        """Allocate the memory of a Program (see ``record``), and write the rows to it."""
        trips, _, block = self.shape
        self._context = Context(executable.program)
        self._columns, *places, self._coefficients = self._context.inputs
        for place, values in zip(places, beside, strict=True):
            place[...] = np.moveaxis(values[..., : trips * block].reshape(*values.shape[:-1], trips, block), -2, 0)
        _fill(self._columns, self._inputs, self._center, self._size)
        del self._inputs

    def run(self, coefficients: np.ndarray) -> list[np.ndarray]:
        """Return the sums over blocks for coefficients of all columns."""
        self._coefficients[...] = coefficients
        with helpers([self._context]):
            self._context.run()
        return [np.array(output) for output in self._context.outputs]

    def whole(self, coefficients: np.ndarray) -> np.ndarray:
        """Prepend a coefficient of 0 for the column of ones if there is no intercept."""
        return np.concatenate([np.zeros((*coefficients.shape[:-1], self.first)), coefficients], axis=-1)

    def linear(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the linear predictors of all rows (rows,) for coefficients (p,)."""
        whole = self.whole(coefficients)
        return np.r_[np.einsum("tkb,k->tb", self._columns, whole).ravel(), self.last_inputs @ whole]


def record(
    body: Body, shape: tuple[int, int, int], beside: Sequence[tuple[int, ...]], coefficients: tuple[int, ...]
) -> Executable:
    """Record a Program of sums over blocks of rows, for columns (blocks, columns, rows) and other values per row."""
    trips, _, block = shape
    with trace.tracing() as tracing:
        moving = [placeholder(s, dtypes.FLOAT64) for s in (shape, *((trips, *axes, block) for axes in beside))]
        by = placeholder(coefficients, dtypes.FLOAT64)
        _, stacked = loop(lambda _, slices: ([], body(slices[0], slices[1:], by)), trips, moving=moving, parallel=True)
        outputs = [sum_(x, axis=0) for x in stacked]
    given = [*moving, by]
    return lowered(flatten_traced(tracing, outputs, tracing.changes, given), len(given))


def is_well_conditioned(point: Point) -> bool:
    """Return whether no input is nearly a linear combination of preceding ones."""
    diagonal = np.diag(point.information)
    if not (diagonal > 0).all():
        return False
    try:
        factor = np.linalg.cholesky(point.information / np.sqrt(np.outer(diagonal, diagonal)))
    except np.linalg.LinAlgError:
        return False
    return bool((np.diag(factor) ** 2 > WELL_CONDITIONED).all())


def _about(x: np.ndarray, intercept: bool) -> tuple[np.ndarray, np.ndarray]:
    """Estimate center and size of the features from some of the rows. Without an intercept, the center is 0."""
    some = x[:: max(1, len(x) // _SAMPLE)]
    center = some.mean(0) if intercept else np.zeros(x.shape[1])
    size = np.sqrt(np.mean((some - center) ** 2, axis=0))
    return center, np.where(size > 0, size, 1.0)


def _fill(columns: np.ndarray, inputs: np.ndarray, center: np.ndarray, size: np.ndarray) -> None:
    """Write ones and scaled inputs as columns, by blocks of rows, in parallel because the memory is new."""
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
