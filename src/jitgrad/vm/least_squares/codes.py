"""Enumerations: losses, outcomes of a fit, requests, and phases."""

from __future__ import annotations

# Losses of residuals, see ``kernels/robust.py``.
LINEAR_LOSS, SOFT_L1, HUBER, CAUCHY, ARCTAN = range(5)
# Outcomes of a fit.
BY_COST, BY_STEP, BY_GRADIENT, EXACT, TOO_MANY, NOT_FINITE, NO_DERIVATIVE, STUCK = range(1, 9)
# Requests of a fit: nothing; the model; derivatives at the point of the last model; both; a step.
NOTHING, VALUE, DERIVATIVES, BOTH, STEP = range(5)
# Phases of a fit.
(
    BEGINNING, STARTED, SOLVING, SOLVED, DESCENDING, TRYING, STEPPED, FOLLOWED, TRIED, THERE, GOING_ON,
    POLISHING, STEPPED_FULLY, TRIED_FULLY, THERE_FULLY, CONCLUDING, PROBED, ENDED, IDLE,
) = range(19)  # fmt: skip
