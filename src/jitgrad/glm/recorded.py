"""The likelihood of a family with one mean, of many rows: recorded once, and run by blocks of rows on all cores.

Link and family are functions that record, of Tensors, what they compute of arrays. A block of rows is a trip of a parallel
loop, which reads the features where they stand, column by column, and adds up all that a step needs: the deviance, Pearson's
χ², and in one matrix product the score and the information. Sums of blocks do not depend on how many threads there are.
"""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from jitgrad.functions.reductions import sum as sum_
from jitgrad.functions.shapes import concatenate, reshape, stack, transpose
from jitgrad.glm.coordinates import Coordinates, orthonormal, standard
from jitgrad.glm.families import Family, Rows
from jitgrad.glm.links import Link
from jitgrad.glm.means import OneMean, derivatives, mean_of, possible
from jitgrad.glm.newton import NEARLY, Point
from jitgrad.ops.elementwise import square, where
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


class Recorded:
    """A likelihood to maximise, see ``newton.Problem``.

    Args:
        family: of the targets.
        link: of their means.
        inputs: (rows, p), without a column of ones.
        rows: of all that has a row.
        intercept: whether there is one.
        coordinates: of the inputs; by default they are the features, which are centered and scaled about.
    """

    def __init__(
        self,
        family: Family,
        link: Link,
        inputs: np.ndarray,
        rows: Rows,
        intercept: bool,
        coordinates: Coordinates | None = None,
    ) -> None:
        self.family, self.link, self.rows, self.intercept = family, link, rows, intercept
        self.nearly = NEARLY if family.may_be_unbounded(link.name) else ""
        self._first = int(not intercept)
        n, width = len(rows.y), inputs.shape[1] + 1
        self.is_canonical, self.n = family.canonical == link.name, rows.n
        self._free = max(rows.n - width + self._first, 1.0)
        block = max(64, BLOCK_ELEMENTS // (2 * width + 12) // 64 * 64)
        trips = n // block
        family = family.simplest(rows.y)
        executable = _executable(family, link, (trips, width, block), rows.is_weighted, rows.has_offset)
        self._context = Context(executable.program)
        self._columns, *beside = self._context.inputs
        self._coefficients = beside.pop()
        given = [rows.y, *[rows.total] * rows.is_weighted, *[rows.offset] * rows.has_offset]
        for place, values in zip(beside, given, strict=True):
            place[...] = values[: trips * block].reshape(trips, block)
        center, size = (np.zeros(width - 1), np.ones(width - 1)) if coordinates is not None else _about(inputs, intercept)
        self.coordinates = standard(center, size, intercept) if coordinates is None else coordinates
        _fill(self._columns, inputs, center, size)
        last = np.arange(trips * block, n)
        ends = (inputs[last] - center) / size
        self._last = OneMean(family, link, np.column_stack([np.ones(len(last)), ends]), rows.where(last), True)

    def at(self, coefficients: np.ndarray) -> Point:
        """What is known at some coefficients."""
        self._coefficients[: self._first] = 0
        self._coefficients[self._first :] = coefficients
        with helpers([self._context]):
            self._context.run()
        (deviance, pearson, size), products = (np.array(output) for output in self._context.outputs)
        end = self._last.at(self._coefficients.copy())
        if not np.isfinite(deviance + end.deviance):
            return Point.impossible(coefficients)
        own = slice(self._first, None)
        return Point(
            coefficients,
            float(deviance) + end.deviance,
            products[own, -1] + end.score[own],
            products[own, self._first : -1] + end.information[own, own],
            float(size) + end.size,
            float(pearson) + end.pearson,
        )

    def start(self) -> Point:
        """The mean of all targets, where the offset is the mean one; without an intercept, none."""
        first = np.zeros(self._columns.shape[1] - self._first)
        if self.intercept:
            rows = self.rows
            first[0] = self.link.function(rows.constant.value[0]) - rows.average(rows.offset)
        return self.at(first) if np.isfinite(first).all() else Point.impossible(first)

    def eta(self, coefficients: np.ndarray) -> np.ndarray:
        """The linear predictor (rows,)."""
        return self._linear(coefficients) + self.rows.offset

    def _linear(self, coefficients: np.ndarray) -> np.ndarray:
        whole = np.r_[np.zeros(self._first), coefficients]
        return np.r_[np.einsum("tkb,k->tb", self._columns, whole).ravel(), self._last.inputs @ whole]

    def dispersion(self, deviance: float) -> float:
        """The variance of errors beside the family's."""
        return 1.0 if self.family.dispersion_known else deviance / self._free

    def unbounded(self, coefficients: np.ndarray) -> str:
        """See ``Family.unbounded``."""
        if not self.nearly:
            return ""
        return self.family.unbounded(self.rows.y, self._linear(coefficients), self.link.name)


def pays(x: np.ndarray) -> bool:
    """Whether there are so many rows that a Program is worth its lowering."""
    return x.size >= LEAST_ELEMENTS and len(x) >= LEAST_ROWS


def recorded(family: Family, link: Link, x: np.ndarray, rows: Rows, intercept: bool) -> tuple[Recorded, Point] | None:
    """The likelihood of features (rows, features), and where to begin; None where no constant will do to begin with.

    Where features are nearly alike, or some are combinations of others, the inputs are made orthonormal first.
    """
    problem = Recorded(family, link, x, rows, intercept)
    start = problem.start()
    if np.isfinite(start.deviance) and not _is_well_conditioned(start.information):
        inputs, coordinates = orthonormal(x, rows.total, intercept)
        problem = Recorded(family, link, inputs[:, int(intercept) :], rows, intercept, coordinates)
        start = problem.start()
    return (problem, start) if np.isfinite(start.deviance) else None


def _is_well_conditioned(information: np.ndarray) -> bool:
    """Whether each feature has enough beside those before it."""
    diagonal = np.diag(information)
    if not (diagonal > 0).all():
        return False
    try:
        factor = np.linalg.cholesky(information / np.sqrt(np.outer(diagonal, diagonal)))
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


@functools.lru_cache(32)
def _executable(family: Family, link: Link, shape: tuple[int, int, int], is_weighted: bool, has_offset: bool) -> Executable:
    """What computes all sums over blocks of rows, of columns (blocks, columns, rows)."""
    trips, width, block = shape

    def body(_: list[Tensor], slices: list[Any]) -> tuple[list[Tensor], list[Tensor]]:
        z, y, *beside = slices
        total = beside.pop(0) if is_weighted else 1.0
        eta: Any = coefficients @ z
        if has_offset:
            eta = eta + beside.pop(0)
        mean = mean_of(link, eta)
        score, weights = derivatives(family, link, y, eta, mean)
        deviance, pearson = family.unit_deviance(y, mean), square(family.residual(y, mean)) / family.variance(mean)
        if family.canonical != link.name:
            deviance = where(possible(family, link, eta, mean), deviance, np.inf)
        right = concatenate([z * (total * weights), reshape(total * score, (1, block))], axis=0)
        sums = [total * deviance, total * pearson, total * weights * square(eta)]
        return [], [stack([sum_(x) for x in sums]), z @ transpose(right)]

    with trace.tracing() as tracing:
        by_row = [placeholder((trips, block), dtypes.FLOAT64) for _ in range(1 + is_weighted + has_offset)]
        columns, coefficients = placeholder(shape, dtypes.FLOAT64), placeholder((width,), dtypes.FLOAT64)
        _, stacked = loop(body, trips, moving=[columns, *by_row], parallel=True)
        outputs = [sum_(x, axis=0) for x in stacked]
    given = [columns, *by_row, coefficients]
    return lowered(flatten_traced(tracing, outputs, tracing.changes, given), len(given))
