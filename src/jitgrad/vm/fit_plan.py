"""The numbers by which the native least squares know what to do, and where their room has what. See ``least_squares.py``."""

from __future__ import annotations

# The plan, P: first the Program. What the model says is computed up to VALUE_STOP, its derivatives up to STOP.
EXECUTE, CODE, TABLE, ARENA, VALUE_STOP, STOP = range(6)
# What all fits share: how many parameters are fitted and columns of data there are, the rows of a block, how residuals count.
N, COLUMNS, BLOCK, LOSS = range(6, 10)
# Addresses: of the response and its weights, of each fit's first row and number of rows, and of what each fit has in turn: its
# parameters (N), its figures, and the triangular factor of its Jacobian (N × N, by rows).
Y, WEIGHTS, ROWS, PARAMETERS, FIGURES, FACTORS = range(10, 16)
# The fit at work: its first row and how many it has. The distance of the columns of the Jacobian in the room.
FIRST, COUNT, LEADING = range(16, 19)
HEAD = 19
# After the head: for each parameter its place in the arena, whether the model is linear in it, and room for an order; then a
# place and a stride (0 or 1) for the model and for each derivative; then an address and a place for each column of data.

# The room, W: settings, see ``curvefit.least_squares.Settings``; the figures of the fit at work, and the norm of its residual;
# VECTORS of N numbers; two N × N triangles; and the Jacobian by columns, with the residual and the rows' weights as two more.
FTOL, XTOL, GTOL, MOST, SCALE = range(5)
COST, VALUES, JACOBIANS, STATUS, PIVOTS = range(5, 10)
RESIDUAL = 10
ROOM_HEAD = 11
FIRST_FIGURE, N_FIGURES = COST, 5
THETA, LOWER, UPPER, D, NORM, RATIO, HELD, Z, V, TRIAL, RIGHT, LEFT, TURN, G, U, LAST = range(16)
VECTORS = 16

# How a fit ended.
BY_COST, BY_STEP, BY_GRADIENT, EXACT, TOO_MANY, NOT_FINITE, NO_DERIVATIVE = range(1, 8)
# How residuals count, see ``kernels/robust.py``.
LINEAR_LOSS, SOFT_L1, HUBER, CAUCHY, ARCTAN = range(5)


def leading(n: int, block: int) -> int:
    """Rows of room for a column of the Jacobian: a block, below the triangle of the blocks before it."""
    return (block + n + 1 + 7) // 8 * 8


def room_size(n: int, block: int) -> int:
    """Elements of the room."""
    return ROOM_HEAD + VECTORS * n + 2 * n * n + (n + 2) * leading(n, block)
