"""The numbers by which the native least squares know what to do, and where their room has what. See ``least_squares.py``."""

from __future__ import annotations

# The plan, P: first the Program. What the model says is computed up to VALUE_STOP, its derivatives up to STOP.
_, _, _, ARENA, VALUE_STOP, STOP = range(6)
# What all fits share: how many parameters are fitted and columns of data there are, the rows of a block, how residuals count,
# and whether parameters in which the model is linear are solved for first.
N, COLUMNS, BLOCK, LOSS, SOLVES = range(6, 11)
# Addresses: of the response and its weights, of each fit's first row and number of rows, and of what each fit has in turn: its
# parameters (N), its figures, and the triangular factor of its Jacobian (N × N, by rows).
Y, WEIGHTS, ROWS, PARAMETERS, FIGURES, FACTORS = range(11, 17)
# The distance of the columns of the Jacobian in the room.
LEADING = 17
# The fit at work: its number, its first row and how many it has; what is computed (COMPUTING), for the parameters of which
# vector, and how many blocks of that are done; what is next when it is done (a phase).
FIT, FIRST, COUNT, WORK, PLACE, DONE, PHASE = range(18, 25)
# How many steps were tried, and how many at the end; whether the last was accepted, was the first, was stopped at bounds, led
# to where the cost is flat, and was short; whether linear parameters follow the others; whether the derivatives are finite.
TURNS, FULL_TURNS, ACCEPTED, FIRST_STEP, STOPPED, FLAT, SHORT, FOLLOWS, FINITE = range(25, 34)
HEAD = 34
# After the head: for each parameter its place in the arena, whether the model is linear in it, and room for an order; then a
# place and a stride (0 or 1) for the model and for each derivative; then an address and a place for each column of data.

# The room, W: settings, see ``curvefit.least_squares.Settings``; the figures of the fit at work.
FTOL, XTOL, GTOL, MOST, SCALE = range(5)
COST, VALUES, JACOBIANS, STATUS, PIVOTS = range(5, 10)
# The norm of the residual; the cost of blocks so far, and of what was computed last; a cost that is rounding; what it was when
# steps in the trust region began, and when they ended.
RESIDUAL, TOTAL, NEW, EXACT_COST, BEGUN, REACHED = range(10, 16)
# The trust region and damping; of the last step its length, the cost's slope along it, the fall that it foretold, the cost to
# which it led, and its fall beside what was foretold.
RADIUS, DAMPING, LENGTH, SLOPE, EXPECTED, LED_TO, GAIN = range(16, 23)
# Of full steps: the length of the last, and by what it was stretched.
LAST_LENGTH, STRETCH = range(23, 25)
# Then VECTORS of N numbers; two N × N triangles; and the Jacobian by columns, with the residual and the weights as two more.
ROOM_HEAD = 25
FIRST_FIGURE, N_FIGURES = COST, 5
THETA, LOWER, UPPER, D, NORM, RATIO, HELD, Z, V, TRIAL, RIGHT, LEFT, TURN, G, U, LAST, SAVED = range(17)
VECTORS = 17

# What is computed: nothing; the model; derivatives where the model was just computed; both.
NOTHING, VALUE, DERIVATIVES, BOTH = range(4)

# The phases of a fit, see ``least_squares.py``.
(
    BEGINNING, STARTED, SOLVING, SOLVED, DESCENDING, TRYING, FOLLOWED, TRIED, THERE, GOING_ON,
    POLISHING, TRIED_FULLY, THERE_FULLY, CONCLUDING, PROBED, ENDED,
) = range(16)  # fmt: skip

# How a fit ended.
BY_COST, BY_STEP, BY_GRADIENT, EXACT, TOO_MANY, NOT_FINITE, NO_DERIVATIVE, STUCK = range(1, 9)
# How residuals count, see ``kernels/robust.py``.
LINEAR_LOSS, SOFT_L1, HUBER, CAUCHY, ARCTAN = range(5)


def leading(n: int, block: int) -> int:
    """Rows of room for a column of the Jacobian: a block, below the triangle of the blocks before it."""
    return (block + n + 1 + 7) // 8 * 8


def room_size(n: int, block: int) -> int:
    """Elements of the room."""
    return ROOM_HEAD + VECTORS * n + 2 * n * n + (n + 2) * leading(n, block)
