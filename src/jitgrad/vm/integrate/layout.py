"""The memory of an integration, which lowering and the kernels share: sizes in the table, numbers in scratch memory.

The scratch memory begins with HEADER numbers. Vectors of STRIDE elements follow, which are multiples of BLOCK: the tolerances,
the arguments of the right-hand side and its result, the state, and the stages.
"""

from __future__ import annotations

# Sizes in the table, followed by the size of each state, and by the direction and the terminal count of each event.
(
    SIZE, CONTROLLED, STRIDE, COUNT, STAGES, EXTRA, DEGREE, ESTIMATES, N_STATES, N_CONTROLLED, N_EVENTS, MOST_EVENTS,
    EVENTS_PLACE, RECORDED, KIND, REVERSE_PLACE, N_CONSTANTS, MOST_CHECKPOINTS, WORDS,
) = range(19)  # fmt: skip

# Kinds of methods.
EXPLICIT_KIND, IMPLICIT_KIND, SWITCHING_KIND = range(3)

# Numbers at the beginning of the scratch memory. TIME is an input of the bodies; the last four are given.
(
    TIME, NOW, STEP, UNTIL, NEXT, AFTER_REJECTION, ERROR, EVALUATIONS, ACCEPTED, REJECTED, STATUS, STIFF, RELAXED, JACOBIANS,
    FACTORIZATIONS, END, FRESH, FACTORED, RATE, WORST, STEP_BEFORE, IMPLICIT, SHARE, LINEARIZED_AT,
) = range(24)  # fmt: skip
RTOL, FIRST_STEP, MAX_STEP, MAX_STEPS, HEADER = range(28, 33)
SETTINGS = HEADER - RTOL
"""Number of settings before the absolute tolerances."""

# Vectors after the header. LINEARIZED is the state of the Jacobian; it, the state and the first stage are stored together.
ATOL, ARGUMENT, DERIVATIVE, PROPOSED, LINEARIZED, STATE, STAGE = range(7)
STORED = 3
"""Number of vectors of a checkpoint, from LINEARIZED on."""

MOST_STAGES = 16
"""Most stages of a method, including those for dense output."""
MORE_VECTORS = 2
"""Number of vectors of implicit methods after the stages."""

# Numbers of the events after those of the method, one for each event.
EVENT_VALUE, EVENT_BEFORE, EVENT_AFTER, EVENT_ROOT, EVENT_COUNT, EVENT_NUMBERS = range(6)

# Vectors of reverse mode: weights of the body, the cotangent of the state, and those of MOST_STAGES stages. The cotangents of
# the results follow, what the body computes, and the checkpoints.
WEIGHT, ADJOINT, COTANGENTS = range(3)
REVERSE_VECTORS = COTANGENTS + MOST_STAGES

# Sizes of an integration in lanes, after those of the states: number of rows, size of their records, and places in the memory,
# see ``lowering_rules/rows.py``. A lane has a header, the values below, and a number in each element of the vectors.
(
    ROWS, RECORD_SIZE, TIMES_APART, HEADERS_PLACE, VALUES_PLACE, VECTORS_PLACE, CONSTANTS_PLACE, WEIGHTS_PLACE, RECORDS_PLACE,
    RECORD_PLACE, TIMES_PLACE, RESULTS_PLACE,
) = range(12)  # fmt: skip
LANES = 16
"""Number of rows that are integrated side by side."""
(
    LANE_TIME, LANE_NOW, LANE_STEP, LANE_ROW, LANE_FIRST, LANE_STATE, LANE_ERROR, LANE_LARGEST, LANE_LOWER, LANE_DISTANCE,
    LANE_SLOPES, LANE_ACCEPTED, LANE_VALUES,
) = range(13)  # fmt: skip
IDLE, BEGINNING, RUNNING = range(3)
"""What a lane does."""

BLOCK = 4
"""Number of elements that the kernels process together."""

# The results after the states.
(
    STATUS_RESULT, EVALUATIONS_RESULT, ACCEPTED_RESULT, REJECTED_RESULT, JACOBIANS_RESULT, FACTORIZATIONS_RESULT, TIME_RESULT,
    STEP_RESULT, STIFF_RESULT, RESULTS,
) = range(10)  # fmt: skip

# Status: what ended an integration.
DONE, STOPPED, NOT_FINITE, VANISHED, TOO_MANY, UNSORTED = range(6)

# Numbers at the beginning of a tableau, see ``tableaux.Tableau``.
ALPHA, BETA, SAFETY, SMALLEST, LARGEST, STIFFNESS, PART, CONTROL = range(8)


def stride(size: int) -> int:
    """Return the number of elements of a vector, a multiple of ``BLOCK``."""
    return size + -size % BLOCK


def place(vector: int, size: int) -> int:
    """Return the position of a vector in the scratch memory."""
    return HEADER + vector * stride(size)


def _end_of_stages(size: int, n_stages: int) -> int:
    """Return the position after the stages, including those for dense output, and the weights of dense output."""
    return place(STAGE, size) + n_stages * stride(size) + MOST_STAGES


def place_of_matrix(size: int, n_stages: int) -> int:
    """Return the position of the Jacobian in the scratch memory of implicit methods."""
    return _end_of_stages(size, n_stages) + MORE_VECTORS * stride(size)


def room(size: int, n_stages: int, n_implicit: int) -> int:
    """Return the number of elements of scratch memory, for implicit methods with the number of controlled elements, or 0.

    The memory of implicit methods is MORE_VECTORS vectors, the Jacobian, its factors and their pivots.
    """
    if not n_implicit:
        return _end_of_stages(size, n_stages)
    return place_of_matrix(size, n_stages) + 2 * n_implicit * n_implicit + n_implicit


def checkpoint(size: int) -> int:
    """Return the number of elements of a checkpoint: the numbers before RTOL, and vectors."""
    return RTOL + STORED * stride(size)


def reverse_room(size: int, count: int, n_constants: int, most_checkpoints: int) -> int:
    """Return the number of elements of scratch memory of reverse mode."""
    return REVERSE_VECTORS * stride(size) + count * size + size + n_constants + most_checkpoints * checkpoint(size)
