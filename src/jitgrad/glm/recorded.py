"""Likelihoods of many rows, recorded once and run by blocks of rows on all cores.

Links and families compute arrays and record Tensors with the same functions. Each block sums everything that a step needs: the
deviance, Pearson's χ², and in one matrix product the score and the information.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitgrad.functions.joining import concatenate, stack
from jitgrad.functions.reductions import sum as sum_
from jitgrad.functions.shapes import expand_dims, transpose
from jitgrad.glm.blocks import Blocks, is_well_conditioned, record
from jitgrad.glm.coordinates import orthonormal
from jitgrad.glm.families import Family
from jitgrad.glm.links import Link
from jitgrad.glm.means import OneMean, derivatives, mean_of, possible
from jitgrad.glm.multinomial import Classes, class_by_class, indicators, spread, told_apart
from jitgrad.glm.newton import NEARLY, Point
from jitgrad.glm.rows import Rows
from jitgrad.ops.elementwise import square, where
from jitgrad.tape.executable import Executable
from jitgrad.tape.tensor import Tensor


class Recorded:
    """The likelihood of a family with one mean per row; see ``newton.Problem``.

    Parameters
    ----------
    family : Family
        The family.
    link : Link
        The link.
    blocks : Blocks
        The features.
    rows : Rows
        The rows.
    """

    def __init__(self, family: Family, link: Link, blocks: Blocks, rows: Rows) -> None:
        self.family, self.link, self.blocks, self.rows = family, link, blocks, rows
        self.nearly = NEARLY if family.may_be_unbounded(link.name) else ""
        self.is_canonical = self.is_foretold = family.canonical == link.name
        self.n = rows.n
        self._size = blocks.shape[1] - blocks.first
        simplest = family.simplest(rows.y)
        beside = [rows.y, *[rows.total] * rows.is_weighted, *[rows.offset] * rows.has_offset]
        blocks.load(_of_one_mean(simplest, link, blocks.shape, rows.is_weighted, rows.has_offset), beside)
        self._last = OneMean(simplest, link, blocks.last_inputs, rows.where(blocks.last), True)

    def at(self, coefficients: np.ndarray) -> Point:
        """Evaluate the likelihood at some coefficients."""
        whole = self.blocks.whole(coefficients)
        (deviance, pearson, size), products = self.blocks.run(whole)
        end = self._last.at(whole)
        if not np.isfinite(deviance + end.deviance):
            return Point.impossible(coefficients)
        own = slice(self.blocks.first, None)
        return Point(
            coefficients,
            float(deviance) + end.deviance,
            products[own, -1] + end.score[own],
            products[own, self.blocks.first : -1] + end.information[own, own],
            float(size) + end.size,
            float(pearson) + end.pearson,
        )

    def start(self) -> Point:
        """Return the point at which all means equal the mean of the targets, for the average offset; 0 without an intercept."""
        first, rows = np.zeros(self._size), self.rows
        if not self.blocks.first:
            first[0] = self.link.function(rows.constant.value[0]) - rows.average(rows.offset)
        return self.at(first) if np.isfinite(first).all() else Point.impossible(first)

    def dispersion(self, deviance: float) -> float:
        """Return the estimated dispersion."""
        return 1.0 if self.family.dispersion_known else deviance / max(self.n - self._size, 1.0)

    def unbounded(self, coefficients: np.ndarray) -> str:
        """See ``Family.unbounded``."""
        if not self.nearly:
            return ""
        return self.family.unbounded(self.rows.y, self.blocks.linear(coefficients), self.link.name)


class RecordedClasses:
    """The multinomial likelihood; see ``newton.Problem``. Coefficients are ordered class by class."""

    nearly = NEARLY
    is_canonical = is_foretold = True

    def __init__(self, names: Sequence[str], blocks: Blocks, rows: Rows) -> None:
        self.names, self.blocks, self.rows, self.n = names, blocks, rows, rows.n
        self._outputs = len(names) - 1
        blocks.load(
            _of_classes(self._outputs, blocks.shape, rows.is_weighted),
            [indicators(rows.y, len(names)), *[rows.total] * rows.is_weighted],
        )
        self._last = Classes(names, blocks.last_inputs, rows.where(blocks.last))

    def at(self, coefficients: np.ndarray) -> Point:
        """Evaluate the likelihood at some coefficients."""
        outputs, first, width = self._outputs, self.blocks.first, self.blocks.shape[1]
        whole = self.blocks.whole(coefficients.reshape(outputs, -1))
        (deviance, size), score, products = self.blocks.run(whole)
        end = self._last.at(whole.ravel())
        between = dict(zip(_pairs(outputs), products, strict=True))
        blocks = [[between[min(a, b), max(a, b)][first:, first:] for b in range(outputs)] for a in range(outputs)]
        own = np.tile(np.arange(width) >= first, outputs)
        return Point(
            coefficients,
            float(deviance) + end.deviance,
            score[:, first:].ravel() + end.score[own],
            np.block(blocks) + end.information[np.ix_(own, own)],
            float(size) + end.size,
            np.nan,
        )

    def start(self) -> Point:
        """Return the point with equal class probabilities."""
        return self.at(np.zeros(self._outputs * (self.blocks.shape[1] - self.blocks.first)))

    def dispersion(self, deviance: float) -> float:
        """Return 1, the dispersion of the multinomial family."""
        return 1.0

    def unbounded(self, coefficients: np.ndarray) -> str:
        """See ``told_apart``."""
        eta = [self.blocks.linear(own) for own in coefficients.reshape(self._outputs, -1)]
        return told_apart(self.names, self.rows.y, np.column_stack(eta))


AnyRecorded = Recorded | RecordedClasses


def prepared(
    make: Callable[[Blocks], AnyRecorded], x: np.ndarray, weights: np.ndarray, intercept: bool, products: int = 1
) -> tuple[AnyRecorded, Point] | None:
    """Return the likelihood of features (rows, features) and its starting point, or None if no constant is a valid start.

    Nearly collinear features are orthonormalized first. For ``products``, see ``Blocks``.
    """
    problem = make(Blocks(x, intercept, products=products))
    start = problem.start()
    if np.isfinite(start.deviance) and not is_well_conditioned(start):
        inputs, coordinates = orthonormal(x, weights, intercept)
        problem = make(Blocks(inputs[:, int(intercept) :], intercept, coordinates, products))
        start = problem.start()
    return (problem, start) if np.isfinite(start.deviance) else None


@functools.lru_cache(32)
def _of_one_mean(family: Family, link: Link, shape: tuple[int, int, int], is_weighted: bool, has_offset: bool) -> Executable:
    """Record the sums of a family with one mean: deviance, χ² and size of η; products of columns; and the score."""

    def body(z: Tensor, beside: list[Any], coefficients: Tensor) -> Sequence[Any]:
        y, *beside = beside
        total = beside.pop(0) if is_weighted else 1.0
        eta: Any = coefficients @ z
        if has_offset:
            eta = eta + beside.pop(0)
        mean = mean_of(link, eta)
        score, weights = derivatives(family, link, y, eta, mean)
        deviance: Any = family.unit_deviance(y, mean)
        pearson = square(family.residual(y, mean)) / family.variance(mean)
        if family.canonical != link.name:
            deviance = where(possible(family, link, eta, mean), deviance, np.inf)
        right = concatenate([z * (total * weights), expand_dims(total * score, 0)], axis=0)
        sums = [total * deviance, total * pearson, total * weights * square(eta)]
        return stack([sum_(x) for x in sums]), z @ transpose(right)

    return record(body, shape, [()] * (1 + is_weighted + has_offset), shape[1:2])


@functools.lru_cache(32)
def _of_classes(outputs: int, shape: tuple[int, int, int], is_weighted: bool) -> Executable:
    """Record the sums of classes: deviance and size of η; the score; and products of columns by pairs of classes."""

    def body(z: Tensor, beside: list[Any], coefficients: Tensor) -> Sequence[Any]:
        targets, total = beside[0], beside[1] if is_weighted else 1.0
        eta: Any = coefficients @ z
        parts: Any
        parts, first = class_by_class(eta)
        deviance = -2 * total * (sum_(targets * eta, axis=0) + first)
        size = total * sum_(parts * (1 - parts) * square(eta), axis=0)
        products = [z @ transpose(z * (total * spread(parts, a, b))) for a, b in _pairs(outputs)]
        return stack([sum_(deviance), sum_(size)]), (total * (targets - parts)) @ transpose(z), stack(products)

    return record(body, shape, [(outputs,), *[()] * is_weighted], (outputs, shape[1]))


def _pairs(outputs: int) -> list[tuple[int, int]]:
    return [(a, b) for a in range(outputs) for b in range(a, outputs)]
