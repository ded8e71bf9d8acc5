"""Vectors of eight numbers are numbers to the compiler: each lane gets what Python gives a number."""

from __future__ import annotations

import itertools
import math
from typing import Annotated, Any

import numpy as np
import pytest
from numpy import isfinite, sqrt, uint64, where

from jitgrad.vm.compiler.language import after, compiled, noinline, number, numbers, put
from jitgrad.vm.compiler.types import BOOLEAN, FLAGS, FLOAT64, INT64, LANES, UINT64, Pointer, Records
from jitgrad.vm.kernels import qr
from jitgrad.vm.records import Count, LaneFlags, Lanes, Record, pointer_to, record
from tests.vm.test_compiler import FLOATS, NUMBERS, call, refuses

VECTORS, FLAG_VECTORS = Pointer(LANES), Pointer(FLAGS)
PAIRS = np.array([*itertools.product(NUMBERS, NUMBERS), *[(3.0, 0.5)] * 7]).T.copy().reshape(2, -1, 8)


@compiled
def _arithmetic(x, y, to, flags, n):  # type: ignore[no-untyped-def]
    for k in range(n):
        a, b = x[k], y[k]
        to[0 + 8 * k], to[1 + 8 * k] = min(a, b), max(a, b)
        to[2 + 8 * k], to[3 + 8 * k] = abs(a), (a - 3.0) ** 2 + b / 4
        to[4 + 8 * k] = where(a < b, 1.0, where(a == b, 2.0, -a))
        to[5 + 8 * k] = where((a != b) & ~(a >= b), sqrt(abs(a)), -b)
        to[6 + 8 * k] = 2 - a
        to[6 + 8 * k] *= b
        to[7 + 8 * k] = 1.5
        flags[0 + 2 * k], flags[1 + 2 * k] = (0.0 < a <= b) | (a > 1e300), isfinite(a)


def test_each_lane_gets_what_a_number_gets() -> None:
    rows = PAIRS.shape[1]
    found, found_flags = np.zeros((rows * 8, 8)), np.zeros((rows * 2, 8), bool)
    call(_arithmetic, (VECTORS, VECTORS, VECTORS, FLAG_VECTORS, UINT64), *PAIRS, found, found_flags, rows)
    single, single_flags = np.zeros(rows * 64), np.zeros(rows * 16, bool)
    call(_arithmetic, (FLOATS, FLOATS, FLOATS, Pointer(BOOLEAN), UINT64), *PAIRS, single, single_flags, rows * 8)
    wanted, wanted_flags = np.zeros(rows * 64), np.zeros(rows * 16, bool)
    with np.errstate(invalid="ignore"):
        _arithmetic(PAIRS[0].ravel(), PAIRS[1].ravel(), wanted, wanted_flags, rows * 8)
    np.testing.assert_array_equal(found.reshape(rows, 8, 8).swapaxes(1, 2).ravel(), wanted)
    np.testing.assert_array_equal(found_flags.reshape(rows, 2, 8).swapaxes(1, 2).ravel(), wanted_flags)
    np.testing.assert_array_equal(single, wanted)
    np.testing.assert_array_equal(single_flags, wanted_flags)


@noinline
def _scaled(x, factor, n):  # type: ignore[no-untyped-def]
    """The sum of n vectors, times a number, and how many turns it took until a flag held."""
    total, turns = number(x, 0), uint64(0)
    for k in range(n):
        total += factor * x[k]
        turns += uint64(1)
        if any(total > 10.0):
            break
    return total, turns


@compiled
def _mixed(x, a, counts, to):  # type: ignore[no-untyped-def]
    total, turns = _scaled(after(x, 1), a[0], counts[0])
    to[0], counts[0], counts[1] = total, turns, uint64(not any(total == total))
    to[1], to[2] = a[1], counts[0] + total
    to[3] = where(a[1] > 0.0, total, x[0])
    to[4] = where(total > 3.0, a[0], a[1])
    numbers(to)[3] = 77.0
    numbers(to)[uint64(8) * uint64(5) + uint64(7)] = numbers(x)[9]


def test_numbers_beside_lanes_are_the_same_in_all() -> None:
    x, a, to = np.arange(48.0).reshape(6, 8) / 8, np.array([2.0, -1.0]), np.zeros((6, 8))
    counts = np.array([5, 9], np.uint64)
    call(_mixed, (VECTORS, FLOATS, Pointer(UINT64), VECTORS), x, a, counts, to)
    total = 2 * x[1:4].sum(0)
    assert counts.tolist() == [3, 0] and (2 * x[1:3].sum(0)).max() <= 10 < total.max()
    wanted = np.array([total, np.full(8, -1.0), 3 + total, x[0], np.where(total > 3, 2.0, -1.0), np.zeros(8)])
    wanted[0, 3], wanted[5, 7] = 77, x[1, 1]
    np.testing.assert_array_equal(to, wanted)


def test_one_text_for_a_number_and_for_lanes() -> None:
    draw, n = np.random.default_rng(0), 5
    R, right = np.tril(draw.normal(size=(8, n, n))) + 3 * np.eye(n), draw.normal(size=(8, n))  # R by columns
    z = np.zeros((n, 8))
    types = (VECTORS, UINT64, VECTORS, VECTORS, UINT64)
    by_lane = np.ascontiguousarray(np.moveaxis(R, 0, -1)), n, np.ascontiguousarray(right.T), z, n
    call(qr.solve_upper, types, *by_lane)
    np.testing.assert_allclose(z.T, np.linalg.solve(R.swapaxes(1, 2), right[..., None])[..., 0], rtol=1e-13)
    for lane in range(8):
        alone = np.zeros(n)
        call(qr.solve_upper, (FLOATS, UINT64, FLOATS, FLOATS, UINT64), R[lane].copy(), n, right[lane].copy(), alone, n)
        np.testing.assert_array_equal(z[:, lane], alone)


@record
class Vectors(Record):
    numbers: Lanes
    which: LaneFlags
    n: Count


@record
class Bundle(Record):
    parts: Annotated[int, pointer_to("Vectors")]


@compiled
def _keep(bundle):  # type: ignore[no-untyped-def]
    part = bundle.parts[0]
    for k in range(part.n):
        part.numbers[k] = where(part.which[0], -part.numbers[k], part.numbers[k])
    numbers(part.which)[2] = not numbers(part.which)[2]
    put(part.numbers, 1, part.which[0], 50.0)


def test_records_of_lanes() -> None:
    """Vectors lie as their numbers do: no address is round."""
    memory, which = np.arange(25.0), np.zeros(9, bool)
    which[[2, 4]] = True
    part = Vectors(numbers=memory[1:], which=which[1:], n=3)
    call(_keep, (Records(Bundle, FLOAT64),), Bundle(parts=part))
    signs = np.ones((3, 8))
    signs[:, [1, 3]] = -1
    wanted = np.arange(1.0, 25).reshape(3, 8) * signs
    wanted[1, 1:4] = 50
    np.testing.assert_array_equal(memory, [0, *wanted.ravel()])
    assert which.nonzero()[0].tolist() == [2, 3, 4]


@compiled
def _if(x):  # type: ignore[no-untyped-def]
    if x[0] > 0.0:
        x[0] = 1.0


@compiled
def _and(x):  # type: ignore[no-untyped-def]
    x[0] = where(x[0] > 0.0 and x[0] < 1.0, x[0], 0.0)


@compiled
def _one_of(x):  # type: ignore[no-untyped-def]
    x[0] = 1.0 if x[0] > 0.0 else 0.0


@compiled
def _later(x, n):  # type: ignore[no-untyped-def]
    total = 0.0
    for k in range(n):
        total += x[k]
    x[0] = total


@compiled
def _power(x):  # type: ignore[no-untyped-def]
    x[0] = x[0] ** 3


@compiled
def _logarithm(x):  # type: ignore[no-untyped-def]
    x[0] = np.log(x[0])


@compiled
def _narrowed(x, a):  # type: ignore[no-untyped-def]
    a[0] = x[0]


@compiled
def _counted(flags, x, n):  # type: ignore[no-untyped-def]
    flags[0] = where(flags[0], x[0] > 0.0, n)


def test_what_lanes_cannot_is_refused() -> None:
    for function in (_if, _and, _one_of):
        assert "flags is not a single boolean; use where() or any()" in refuses(function, VECTORS)
    assert "lanes is not of the type float64" in refuses(_later, VECTORS, UINT64)
    assert "lanes can only be raised to the power 2" in refuses(_power, VECTORS)
    assert "log does not accept lanes" in refuses(_logarithm, VECTORS)
    assert "lanes is not of the type float64" in refuses(_narrowed, VECTORS, FLOATS)
    assert "flags and int64 do not mix" in refuses(_counted, FLAG_VECTORS, VECTORS, INT64)


@pytest.mark.parametrize("x", [math.inf, math.nan])
def test_neighbours_do_not_matter(x: float) -> None:
    @compiled
    def function(a: Any, b: Any, to: Any) -> None:
        to[0] = where(a[0] > 1.0, a[0] * b[0] + a[0] / b[0] - sqrt(b[0]), to[0])

    a, b, to = np.linspace(0.3, 3, 8), np.linspace(0.1, 7, 8), np.zeros(8)
    beside = to.copy()
    call(function, (VECTORS,) * 3, a, b, to)
    for lane in range(8):
        others = np.where(np.arange(8) == lane, a, x), np.where(np.arange(8) == lane, b, x)
        given = [np.roll(one, 5) for one in others]
        beside = np.zeros(8)
        call(function, (VECTORS,) * 3, *given, beside)
        assert beside[(lane + 5) % 8] == to[lane]
