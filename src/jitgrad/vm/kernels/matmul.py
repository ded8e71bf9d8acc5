"""Matrix products, row-major: NN = A·B, NT = A·Bᵀ, TN = Aᵀ·B, of M×K by K×N, a ``batch`` of them, each plus C.

The result is computed in register blocks (``tiles.py``), in panels of columns. A panel of the right operand is read in place,
or packed first if many rows read it or if it must be transposed (NT). For few rows, NT is dot products of rows. A product with
one column is computed as its transpose, whose single row runs along the vectors, or by ``narrow.py`` if the matrix has few
columns.
"""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.emitter import VECTOR_BYTES
from jitgrad.vm.compiler.language import Room, after, compiled, itemsize, noinline
from jitgrad.vm.kernels.narrow import is_narrow, narrow_columns, narrow_rows
from jitgrad.vm.kernels.tiles import PANEL_BYTES, ROWS, VECTORS, block, dots, move, turn

_DEPTH = 256  # of a packed panel: part of the L2 cache
_LONG = 4096  # terms added sequentially; longer sums add such partial sums
_TURNED_ROWS = 24  # number of rows from which transposing the right operand is worthwhile
_DEEP = 256  # depth from which dot products are also worthwhile for few columns
_PACKED_ROWS = 64  # number of rows from which a panel is packed

_wide, _narrow = block(ROWS, VECTORS), block(ROWS, 1)
_wide_row, _narrow_row = block(1, VECTORS), block(1, 1)
_ROW_DOTS = ROWS * VECTORS
_dots, _row_dots = dots(ROWS, VECTORS), dots(1, _ROW_DOTS)
_panel = Room(_DEPTH * PANEL_BYTES)
# Zeros in place of a missing addend: as many float64 as a panel or a row of dot products has.
_zeros = Room(max(PANEL_BYTES, 8 * _ROW_DOTS), cleared=True)


@compiled
def _rows(c, c_row, s, s_row, x, x_row, x_step, y, y_row, lanes, whole, depth, m, columns):
    """Compute one panel for all rows, four at a time, then one by one."""
    four, one = uint64(ROWS), uint64(1)
    i = uint64(0)
    while i < m:
        many = i + four <= m
        p, q, o = after(c, i * c_row), after(s, i * s_row), after(x, i * x_row)
        if columns == whole:
            if many:
                _wide(p, c_row, q, s_row, o, x_row, x_step, y, y_row, depth, columns)
            else:
                _wide_row(p, c_row, q, s_row, o, x_row, x_step, y, y_row, depth, columns)
        else:
            for j in range(uint64(0), columns, lanes):
                if many:
                    _narrow(after(p, j), c_row, after(q, j), s_row, o, x_row, x_step, after(y, j), y_row, depth, columns - j)
                else:
                    _narrow_row(
                        after(p, j), c_row, after(q, j), s_row, o, x_row, x_step, after(y, j), y_row, depth, columns - j
                    )
        i += four if many else one


@compiled
def _turn(p, y, y_row, lanes, whole, depth, columns):
    """Pack a panel whose columns are rows at ``y``."""
    for j in range(uint64(0), columns, lanes):
        for k in range(uint64(0), depth, lanes):
            turn(after(p, k * whole + j), whole, after(y, j * y_row + k), y_row, columns - j, depth - k)


@compiled
def _copy(p, y, y_row, lanes, whole, depth, columns):
    """Pack a panel: whole vectors, the last one masked."""
    for k in range(depth):
        for j in range(uint64(0), columns, lanes):
            move(after(p, k * whole + j), after(y, k * y_row + j), columns - j)


@compiled
def _by_dots(c, c_row, s, s_row, s_step, x, x_row, y, y_row, m, k, n):
    """Compute C = S + X·Yᵀ for few rows. The last rows and columns overlap those before them, so some are computed twice."""
    many = m >= uint64(ROWS)
    rows, columns = (uint64(ROWS), uint64(VECTORS)) if many else (uint64(1), uint64(_ROW_DOTS))
    for i0 in range(uint64(0), m, rows):
        i = min(i0, m - rows)
        o = after(x, i * x_row)
        for j0 in range(uint64(0), n, columns):
            j = min(j0, n - columns)
            p, q, r = after(c, i * c_row + j), after(s, i * s_row + j * s_step), after(y, j * y_row)
            if many:
                _dots(p, c_row, q, s_row, o, x_row, r, y_row, k)
            else:
                _row_dots(p, c_row, q, s_row, o, x_row, r, y_row, k)


@compiled
def _product(size, c, c_row, alone, s, s_row, x, x_row, x_step, y, y_row, turned, m, k, n):
    """Compute C = S + X·Y, or C = X·Y if ``alone``. ``turned``: Y is stored transposed."""
    nothing, one = uint64(0), uint64(1)
    lanes, whole = uint64(VECTOR_BYTES) // size, uint64(PANEL_BYTES) // size
    panel, none = _panel(c), _zeros(c)
    s, s_row, s_step = (none, nothing, nothing) if alone else (s, s_row, one)
    few = m >= uint64(ROWS) and n >= uint64(VECTORS) and k >= uint64(_DEEP)
    if turned and m < uint64(_TURNED_ROWS) and (n >= uint64(_ROW_DOTS) or few) and k >= lanes:
        _by_dots(c, c_row, s, s_row, s_step, x, x_row, y, y_row, m, k, n)
        return
    copied = turned or m >= uint64(_PACKED_ROWS)
    most = uint64(_DEPTH if copied else _LONG)
    for j in range(nothing, n, whole):
        columns, into = min(whole, n - j), after(c, j)
        for start in range(nothing, max(k, one), most):
            depth = min(most, k - start)
            at, at_row = after(y, j * y_row + start if turned else start * y_row + j), y_row
            if turned:
                _turn(panel, at, y_row, lanes, whole, depth, columns)
            elif copied:
                _copy(panel, at, y_row, lanes, whole, depth, columns)
            if copied:
                at, at_row = panel, whole
            begin, begin_row = (after(s, j * s_step), s_row) if start == nothing else (into, c_row)
            left = after(x, start * x_step)
            _rows(into, c_row, begin, begin_row, left, x_row, x_step, at, at_row, lanes, whole, depth, m, columns)


@noinline
def matmul(A, d, a, b, c, ra, rc, m, k, n, batch, sa, sb, ta, tb):
    """Multiply matrices in the arena; nothing is added if ``c`` is ``d`` and ``rc`` 0. One column is a row of the transpose.

    The stored rows of the left operand are ``ra`` elements apart.
    """
    nothing, one = uint64(0), uint64(1)
    x_row, x_step = (one, ra) if ta else (ra, one)
    y_row, turned, d_row, rows, columns = (k if tb else n), tb, n, m, n
    column, alone = n == one and m > one, c == d and rc == nothing
    if column:
        turned, d_row, rows, columns = one - ta, m, one, m
        x_row, x_step, y_row = nothing, one, ra
    everywhere = column and rc == nothing and not alone
    size, none = itemsize(A), _zeros(A)
    for i in range(batch):
        x, y = after(A, a + i * sa), after(A, b + i * sb)
        if column:
            x, y = y, x
        into, added = after(A, d + i * m * n), after(A, c + i * m * rc)
        turns, empty = turned != nothing and k > one, alone or everywhere
        if column and not ta and ra == k and is_narrow(size, k):
            narrow_rows(size, into, none if empty else added, nothing if empty else one, y, x, m, k)
        elif column and ta and ra == m and is_narrow(size, m):
            narrow_columns(into, none if empty else added, y, x, k, m)
        else:
            _product(size, into, d_row, empty, added, rc, x, x_row, x_step, y, y_row, turns, rows, k, columns)
    if everywhere:
        for i in range(batch * m):
            A[d + i] += A[c]
