"""User-defined njit functions as kernels of the instruction ``call``, compiled once per dtype and combination of axis counts.

A function receives read-only views of its operands in the arena, or numbers for operands without axes. It returns arrays, which
are copied to their places. The table has, after the pairs of place and size, the total size of the results, and the shapes of
each result and operand.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import carray
from numpy import nan, uint64

from jitgrad.errors import ArgumentError
from jitgrad.vm.jit import beyond, compiled_kernel, exactly, generic, readonly

_kept: list[Any] = []  # compiled code lives as long as the process


@functools.cache
def kernel(
    function: Any, dtype: np.dtype[Any], outs: tuple[int, ...], ndims: tuple[int, ...], advice: str, grouped: int = 0
) -> int:
    """Return the address of ``function`` for operands of ``ndims`` axes and results of ``outs`` axes.

    A vjp receives the first ``grouped`` operands, the cotangents, as a tuple, and the following ones, the results, as another.
    With 0, each operand is an argument. ``advice`` is the hint of the error message if ``function`` returns something else.
    """
    runner = _runner(function, outs, ndims, advice, grouped)
    try:
        compiled = compiled_kernel(runner, str(dtype))
    except Exception as error:  # Numba's errors, and errors that it does not handle
        name = function.py_func.__name__
        raise ArgumentError(
            f"Numba cannot compile {name} for {dtype} operands of {', '.join(map(str, ndims))} axes and results "
            f"of {', '.join(map(str, outs))}: "
            f"{error}. Correct it; operands cannot be written to, and {name}.py_func runs it in Python."
        ) from error
    _kept.append(compiled)
    return int(compiled.address)


def _runner(function: Any, outs: tuple[int, ...], ndims: tuple[int, ...], advice: str, grouped: int) -> Any:
    count, before = uint64(len(ndims)), uint64(sum(outs))
    read, write, results, call = _reader(ndims), _writer(outs), exactly(outs, advice), _caller(function, grouped)

    def run(arena, table_pointer, t, d, s):
        table, A = carray(table_pointer, 1), carray(arena, 1)
        at = t + count + count + uint64(1)
        for j in range(table[at - uint64(1)]):
            A[d + j] = nan  # remains if the function raises
        write(arena, table, at, d, results(call(read(arena, table, t, at + before))))

    return run


def _caller(function: Any, grouped: int) -> Any:
    """Compiled: call the function with a tuple of all operands."""
    if not grouped:
        return generic(lambda values: function(*values))
    both = 2 * grouped
    return generic(lambda values: function(values[:grouped], values[grouped:both], *values[both:]))


def _shape(ndim: int) -> Any:
    """Compiled: read ``ndim`` sizes from the table at ``at`` as a tuple."""
    if ndim == 0:
        return generic(lambda table, at: ())
    rest = _shape(ndim - 1)
    return generic(lambda table, at: (int(table[at]), *rest(table, at + uint64(1))))


def _reader(ndims: tuple[int, ...]) -> Any:
    """Compiled: read the operands as a tuple, from pairs in the table at ``t`` and sizes at ``at``."""
    if not ndims:
        return generic(lambda arena, table, t, at: ())
    ndim, shape, rest = uint64(ndims[0]), _shape(ndims[0]), _reader(ndims[1:])
    if ndims[0] == 0:

        def read(arena, table, t, at):
            A = carray(arena, 1)
            return (A[table[t]], *rest(arena, table, t + uint64(2), at))

    else:

        def read(arena, table, t, at):
            view = readonly(carray(beyond(arena, table[t]), shape(table, at)))
            return (view, *rest(arena, table, t + uint64(2), at + ndim))

    return generic(read)


def _writer(ndims: tuple[int, ...]) -> Any:
    """Compiled: write the arrays of a tuple one after the other at ``d``, with their sizes in the table at ``at``."""
    if not ndims:
        return generic(lambda arena, table, at, d, values: None)
    ndim, shape, rest = uint64(ndims[0]), _shape(ndims[0]), _writer(ndims[1:])
    if ndims[0] == 0:

        def write(arena, table, at, d, values):
            A = carray(arena, 1)
            A[d] = values[0]
            rest(arena, table, at, d + uint64(1), values[1:])

    else:

        def write(arena, table, at, d, values):
            if values[0].shape != shape(table, at):
                raise ValueError("a custom op returned an array whose shape differs from the declared result")
            A = carray(arena, 1)
            for value in values[0].flat:  # a slice assignment would take seconds to compile
                A[d] = value
                d += uint64(1)
            rest(arena, table, at + ndim, d, values[1:])

    return generic(write)
