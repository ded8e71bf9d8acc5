"""A user's njit function as a kernel for the instruction ``call``, compiled once for a dtype and numbers of axes.

It takes views of its operands in the arena, which it cannot write to, numbers where there is no axis, and returns arrays, which
are copied to their places. In the table stand, after the pairs of offset and size, the sizes of the result and of each operand.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import carray
from numpy import nan, uint64

from jitgrad.errors import ArgumentError
from jitgrad.vm.jit import Native, exactly, generic, kernel_signature, readonly


@functools.cache
def kernel(function: Callable[..., Any], dtype: np.dtype[Any], out: int, ndims: tuple[int, ...]) -> int:
    """The address of ``function`` for operands of ``ndims`` axes and a result of ``out`` axes."""
    return _compiled(_one_result, function, dtype, out, ndims)


@functools.cache
def vjp_kernel(function: Callable[..., Any], dtype: np.dtype[Any], ndims: tuple[int, ...]) -> int:
    """The same for a vjp: of a cotangent, the result and the operands, which returns the operands' cotangents.

    They are written one after the other.
    """
    return _compiled(_many_results, function, dtype, 1, ndims)


_kept: list[Any] = []  # compiled code lives as long as the process


def _compiled(make: Any, function: Any, dtype: np.dtype[Any], out: int, ndims: tuple[int, ...]) -> int:
    native = Native(make(function, out, ndims), kernel_signature)
    try:
        compiled = native.compile_here(str(dtype))
    except Exception as error:  # Numba's own errors, and those it does not catch itself
        name = function.py_func.__name__
        raise ArgumentError(
            f"Numba cannot compile {name} for {dtype} operands of {', '.join(map(str, ndims))} axes and a result of {out}: "
            f"{error}. Correct it; operands cannot be written to, and {name}.py_func runs it in Python."
        ) from error
    _kept.append(compiled)
    return int(compiled.address)


def _one_result(function: Any, out: int, ndims: tuple[int, ...]) -> Any:
    count, read, write, size = uint64(len(ndims)), _reader(ndims), _writer((out,)), _size(out)
    one = exactly((out,), "return one of as many axes as the operands, or as the shape function says")

    def run(arena, table_pointer, t, d, s):
        table = carray(table_pointer, 1)
        at = t + count + count
        n = size(table, at)
        carray(arena, (d + n,))[d : d + n] = nan  # what stays where the function raises
        values = one(function(*read(arena, table, t, at + uint64(out))))
        write(arena, table, at, d, values)

    return run


def _many_results(function: Any, out: int, ndims: tuple[int, ...]) -> Any:
    count, read, write, cotangents = uint64(len(ndims)), _reader(ndims), _writer(ndims[2:]), _cotangents(ndims[2:])
    before = uint64(1 + ndims[0] + ndims[1])

    def run(arena, table_pointer, t, d, s):
        table = carray(table_pointer, 1)
        at = t + count + count
        n = table[at]
        carray(arena, (d + n,))[d : d + n] = nan
        values = cotangents(function(*read(arena, table, t, at + uint64(1))))
        write(arena, table, at + before, d, values)

    return run


def _cotangents(ndims: tuple[int, ...]) -> Any:
    return exactly(ndims, "return a cotangent for each operand")


def _shape(ndim: int) -> Any:
    """Compiled: ``ndim`` sizes from the table at ``at`` as a tuple."""
    if ndim == 0:
        return generic(lambda table, at: ())
    rest = _shape(ndim - 1)
    return generic(lambda table, at: (int(table[at]), *rest(table, at + uint64(1))))


def _size(ndim: int) -> Any:
    """Compiled: the product of ``ndim`` sizes from the table at ``at``."""
    if ndim == 0:
        return generic(lambda table, at: uint64(1))
    rest = _size(ndim - 1)
    return generic(lambda table, at: table[at] * rest(table, at + uint64(1)))


def _reader(ndims: tuple[int, ...]) -> Any:
    """Compiled: the operands as a tuple, their pairs in the table at ``t`` and their sizes at ``at``."""
    if not ndims:
        return generic(lambda arena, table, t, at: ())
    ndim, shape, rest = uint64(ndims[0]), _shape(ndims[0]), _reader(ndims[1:])
    if ndims[0] == 0:

        def read(arena, table, t, at):
            A = carray(arena, 1)
            return (A[table[t]], *rest(arena, table, t + uint64(2), at))

    else:

        def read(arena, table, t, at):
            start, stop = table[t], table[t] + table[t + uint64(1)]
            view = readonly(carray(arena, (stop,))[start:stop].reshape(shape(table, at)))
            return (view, *rest(arena, table, t + uint64(2), at + ndim))

    return generic(read)


def _writer(ndims: tuple[int, ...]) -> Any:
    """Compiled: the arrays of a tuple one after the other at ``d``, their sizes in the table at ``at``."""
    if not ndims:
        return generic(lambda arena, table, at, d, values: None)
    ndim, shape, size, rest = uint64(ndims[0]), _shape(ndims[0]), _size(ndims[0]), _writer(ndims[1:])
    if ndims[0] == 0:

        def write(arena, table, at, d, values):
            A = carray(arena, 1)
            A[d] = values[0]
            rest(arena, table, at, d + uint64(1), values[1:])

    else:

        def write(arena, table, at, d, values):
            n = size(table, at)
            if values[0].shape != shape(table, at):
                raise ValueError("a custom op returned an array of another shape than its result has")
            carray(arena, (d + n,))[d : d + n].reshape(shape(table, at))[...] = values[0]
            rest(arena, table, at + ndim, d + n, values[1:])

    return generic(write)
