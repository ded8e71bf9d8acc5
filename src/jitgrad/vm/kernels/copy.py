"""Copies between a contiguous block of the arena and a strided view of it; gathers and scatters of rows."""

from __future__ import annotations

from numpy import nan, uint64

from jitgrad.vm.compiler.language import compiled, noinline


@compiled
def zero(A, d, n):
    for k in range(n):
        A[d + k] = 0


@noinline
def copy(A, d, a, n):
    for k in range(n):
        A[d + k] = A[a + k]


@compiled
def _row_of_view(table, p, t, ndim, r):
    """Return the start of row ``r`` of a view; a row is the last axis."""
    for axis in range(uint64(1), ndim):
        i = ndim - uint64(1) - axis
        size = table[t + i]
        p += (r % size) * table[t + ndim + i]
        r = r // size
    return p


@noinline
def copy_from(A, table, d, a, t, ndim, n):
    """Copy the view at ``a`` to A[d …]. Its sizes, then strides, are in the table at ``t``; strides wrap modulo 2**64."""
    inner = table[t + ndim - uint64(1)]
    step = table[t + ndim + ndim - uint64(1)]
    rows = n // inner if inner else uint64(0)
    for r in range(rows):
        p, q = _row_of_view(table, a, t, ndim, r), d + r * inner
        if step == uint64(1):
            for k in range(inner):
                A[q + k] = A[p + k]
        else:
            for k in range(inner):
                A[q + k] = A[p + k * step]


@noinline
def copy_into(A, table, d, a, t, ndim, n):
    """Copy A[a …] to the view at ``d``, whose sizes, then strides, are in the table at ``t``."""
    inner = table[t + ndim - uint64(1)]
    step = table[t + ndim + ndim - uint64(1)]
    rows = n // inner if inner else uint64(0)
    for r in range(rows):
        p, q = _row_of_view(table, d, t, ndim, r), a + r * inner
        if step == uint64(1):
            for k in range(inner):
                A[p + k] = A[q + k]
        else:
            for k in range(inner):
                A[p + k * step] = A[q + k]


@compiled
def _row(value, rows):
    """Convert a row index stored as a float; return ``rows``, one past the last, if it is invalid."""
    index, end = float(value), float(rows)
    if index != index or index >= end or index < -end:
        return rows
    if index < 0:
        return rows - uint64(-index)
    return uint64(index)


@noinline
def gather(A, d, a, b, outer, count, rows, width):
    """Gather ``count`` rows A[b + r] of ``width`` from each of ``outer`` matrices at ``a``; nan for invalid indices."""
    for o in range(outer):
        for r in range(count):
            row = _row(A[b + r], rows)
            q = d + (o * count + r) * width
            if row == rows:
                for k in range(width):
                    A[q + k] = nan
            else:
                p = a + (o * rows + row) * width
                for k in range(width):
                    A[q + k] = A[p + k]


@noinline
def scatter(A, d, a, b, outer, count, rows, width):
    """Fill ``outer`` matrices at ``d`` with zeros and add row r at ``a`` to row A[b + r]; skip invalid indices."""
    for k in range(outer * rows * width):
        A[d + k] = 0
    for o in range(outer):
        for r in range(count):
            row = _row(A[b + r], rows)
            if row != rows:
                p, q = a + (o * count + r) * width, d + (o * rows + row) * width
                for k in range(width):
                    A[q + k] += A[p + k]
