"""Functions compiled by the vm's own compiler give what they give in Python."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np
import pytest
from numpy import isfinite, sqrt, uint64

from jitgrad.vm.compiler.expressions import CompileError
from jitgrad.vm.compiler.functions import Module, Native
from jitgrad.vm.compiler.language import after, compiled, noinline, unrolled
from jitgrad.vm.compiler.types import FLOAT32, FLOAT64, INT64, UINT64, Pointer, Records
from jitgrad.vm.kernels import qr
from jitgrad.vm.least_squares.problem import Outcome, Part, Problem
from jitgrad.vm.native import Function
from jitgrad.vm.records import address, in_row

FLOATS, COUNTS = Pointer(FLOAT64), Pointer(UINT64)
NUMBERS = [0.0, -0.0, 1.5, -2.0, math.inf, -math.inf, math.nan]


def function_of(python: Any, types: tuple[Any, ...]) -> Function:
    """A function, compiled for arguments of some types; those that are pointers are given by their addresses."""
    code = Native(python, lambda element: types).compile("float64")
    return Function(code, ctypes.CFUNCTYPE(None, *[ctypes.c_uint64] * len(types)))


def call(python: Any, types: tuple[Any, ...], *arguments: Any) -> None:
    """Compile a function and call it; arrays are given by their addresses."""
    function = function_of(python, types)
    function.call(*(argument if isinstance(argument, int) else address(argument) for argument in arguments))


def refuses(function: Any, *types: Any) -> str:
    with pytest.raises(CompileError) as raised:
        Module().add(function, types)
    return str(raised.value)


@compiled
def _numbers(x, y, to):  # type: ignore[no-untyped-def]
    to[0], to[1], to[2] = min(x[0], y[0]), max(x[0], y[0]), abs(x[0])
    to[3] = 1.0 if x[0] < y[0] else 2.0 if x[0] == y[0] else 3.0
    to[4] = 1.0 if x[0] != y[0] and not x[0] >= y[0] else -x[0]
    to[5] = (x[0] - 3.0) ** 2 + y[0] / 4
    to[6] = float(0.0 < x[0] <= y[0] or x[0] > 1e300)


@pytest.mark.parametrize("x", NUMBERS)
@pytest.mark.parametrize("y", NUMBERS)
def test_arithmetic_and_comparisons(x: float, y: float) -> None:
    found, wanted = np.zeros(7), np.zeros(7)
    _numbers([x], [y], wanted)
    call(_numbers, (FLOATS,) * 3, np.array([x]), np.array([y]), found)
    np.testing.assert_array_equal(found, wanted)


@compiled
def _first_two(a, n):  # type: ignore[no-untyped-def]
    """The smallest two of n elements."""
    low, second = math.inf, math.inf
    for k in range(n):
        if a[k] < low:
            low, second = a[k], low
        elif a[k] < second:
            second = a[k]
    return low, second


@compiled
def _loops(a, counts, n):  # type: ignore[no-untyped-def]
    counts[0], k, total = n, uint64(0), uint64(0)
    while True:
        k += uint64(1)
        if k > n:
            break
        if k & uint64(3) == uint64(0):
            continue
        for i in range(uint64(1), k):
            total += i * i
            if i == uint64(4):
                break
    counts[1] = total
    turns = 0
    for _ in range(5):
        turns += 1
    counts[2], counts[3] = uint64(turns), uint64(turns in (4, 5))
    a[0], a[1] = _first_two(after(a, 2), n)


def test_loops_and_functions_of_several_results() -> None:
    data = np.array([0, 0, 5.0, 2, 8, 3, 9, 4, 7, 6])
    found, wanted = data.copy(), data.copy()
    counted, wanted_counts = np.zeros(4, np.uint64), np.zeros(4, np.uint64)
    _loops(wanted, wanted_counts, uint64(8))
    call(_loops, (FLOATS, COUNTS, UINT64), found, counted, 8)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(counted, wanted_counts)


@compiled
def _written_out(counts, n):  # type: ignore[no-untyped-def]
    for i in range(n):
        for k in unrolled(3):
            counts[i] = counts[i] * uint64(10) + uint64(k)


@compiled
def _left_early(counts, n):  # type: ignore[no-untyped-def]
    for _ in range(n):
        for _ in unrolled(3):
            break


@compiled
def _of_any_length(counts, n):  # type: ignore[no-untyped-def]
    for _ in unrolled(n):
        counts[0] += uint64(1)


def test_loops_that_are_unrolled() -> None:
    found, wanted = np.ones(4, np.uint64), np.ones(4, np.uint64)
    _written_out(wanted, uint64(3))
    call(_written_out, (COUNTS, UINT64), found, 3)
    np.testing.assert_array_equal(found, wanted)
    for function in (_left_early, _of_any_length):
        assert "unrolled" in refuses(function, COUNTS, UINT64)


@compiled
def _safe(counts, n):  # type: ignore[no-untyped-def]
    counts[1] = uint64(n > uint64(0) and counts[n - uint64(1)] == uint64(7))


@pytest.mark.parametrize("n", [0, 1])
def test_what_need_not_be_known_is_not_evaluated(n: int) -> None:
    counts = np.array([7, 5], np.uint64)  # with n = 0, the element before the first of 2**64 is read else
    call(_safe, (COUNTS, UINT64), counts, n)
    assert counts[1] == n


@compiled
def _copy(problem, n):  # type: ignore[no-untyped-def]
    for i in range(n):
        part, outcome = problem.parts[i], problem.outcomes[i]
        outcome.nfev = part.first * uint64(2)
        outcome.cost, outcome.status = sqrt(float(part.count)), -3
    problem.solves_linear = not problem.solves_linear


def test_records() -> None:
    parts, outcomes = in_row(Part, [Part(first=k, count=k * k) for k in range(3)]), in_row(Outcome, [Outcome()] * 3)
    problem = Problem(parts=parts, outcomes=outcomes, solves_linear=True)
    call(_copy, (Records(Problem, FLOAT64), UINT64), problem, 3)
    assert [(o.nfev, o.cost, o.status) for o in outcomes] == [(0, 0, -3), (2, 1, -3), (4, 2, -3)]
    assert not problem.solves_linear


@compiled
def _triangle(a, rows, cols):  # type: ignore[no-untyped-def]
    qr.triangulate(a, rows, cols, rows)


@pytest.mark.parametrize("rows", [5, 8, 33])
def test_the_triangle_is_that_of_the_matrix(rows: int) -> None:
    matrix = np.random.default_rng(0).standard_normal((4, rows))
    work = matrix.copy()
    call(_triangle, (FLOATS, UINT64, UINT64), work, rows, 4)
    R = np.triu(work[:, :4].T)
    np.testing.assert_allclose(R.T @ R, matrix @ matrix.T, rtol=1e-13, atol=1e-13)


@noinline
def _total(a, n):  # type: ignore[no-untyped-def]
    total = 0.0
    for k in range(n):
        total += a[k]
    return total


@compiled
def _twice(a, b, n):  # type: ignore[no-untyped-def]
    a[0] = _total(a, n) + 3.0 * _total(b, n)


def test_a_function_is_compiled_once_for_its_types() -> None:
    module = Module()
    module.add(_twice, (FLOATS, FLOATS, UINT64))
    total, twice = module.text().split("define")[1:]
    assert "_total" in total and "noinline" in total
    assert twice.count("call double @_total") == 2 and "fadd contract double" in twice and "noinline" not in twice


@compiled
def _mixes(a, n, i):  # type: ignore[no-untyped-def]
    a[0] = n + i


@compiled
def _changes(a, n):  # type: ignore[no-untyped-def]
    x = n
    for k in range(n):
        x = a[k]
    a[0] = x


@compiled
def _lists(a):  # type: ignore[no-untyped-def]
    a[0] = [1.0][0]


@compiled
def _asks(a):  # type: ignore[no-untyped-def]
    a[0] = sorted(a)


@compiled
def _misspelled(problem):  # type: ignore[no-untyped-def]
    problem.colums = 1


@compiled
def _endless(a, n):  # type: ignore[no-untyped-def]
    if n > uint64(0):
        _endless(a, n - uint64(1))


def test_a_function_that_calls_itself_is_refused() -> None:
    assert "_endless calls itself" in refuses(_endless, FLOATS, UINT64)


def test_what_is_not_known_is_refused_with_its_place() -> None:
    message = refuses(_mixes, FLOATS, UINT64, INT64)
    assert message.endswith("int64 and uint64 do not mix; convert one")
    assert f"{__file__}:{_mixes.__code__.co_firstlineno + 2}:" in message
    assert "uint64" in refuses(_changes, FLOATS, UINT64)
    assert "List is not supported" in refuses(_lists, FLOATS)
    assert "sorted" in refuses(_asks, FLOATS)
    assert "no field colums" in refuses(_misspelled, Records(Problem, FLOAT64))


@compiled
def _narrow(single, double, n):  # type: ignore[no-untyped-def]
    for k in range(n):
        single[k] = single[k] * single[k] + 0.1
        double[k] = single[k]
    double[0] = float(isfinite(single[0])) / float(n)


def test_float32_stays_so_and_widens() -> None:
    single, double = np.array([np.inf, 1, 2, 3], np.float32), np.zeros(4)
    call(_narrow, (Pointer(FLOAT32), FLOATS, UINT64), single, double, 4)
    np.testing.assert_allclose(single[1:], np.float32([1.1, 4.1, 9.1]), rtol=1e-7)
    np.testing.assert_array_equal(double, [0, *single[1:].astype(float)])
