"""Numbers that stand for something: how residuals count, how a fit ended, what is computed, and the phases of a fit."""

from __future__ import annotations

# How residuals count, see ``kernels/robust.py``.
LINEAR_LOSS, SOFT_L1, HUBER, CAUCHY, ARCTAN = range(5)
# How a fit ended.
BY_COST, BY_STEP, BY_GRADIENT, EXACT, TOO_MANY, NOT_FINITE, NO_DERIVATIVE, STUCK = range(1, 9)
# What a fit asks for: nothing; the model; derivatives where the model was just computed; both; a step.
NOTHING, VALUE, DERIVATIVES, BOTH, STEP = range(5)
# The phases of a fit.
(
    BEGINNING, STARTED, SOLVING, SOLVED, DESCENDING, TRYING, STEPPED, FOLLOWED, TRIED, THERE, GOING_ON,
    POLISHING, STEPPED_FULLY, TRIED_FULLY, THERE_FULLY, CONCLUDING, PROBED, ENDED, IDLE,
) = range(19)  # fmt: skip
