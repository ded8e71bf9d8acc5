"""How a fit ended. Only this module decides whether it converged.

The native solver checks its last Jacobian; see ``vm.least_squares.end``. The claims of other solvers are verified here.
"""

from __future__ import annotations

import enum

import numpy as np

from jitgrad.vm.least_squares import codes


class Status(enum.IntEnum):
    """How a fit ended. The values are the codes of the native code.

    Attributes
    ----------
    message : str
        How the fit ended and what to do, as a clause.
    converged : bool
        Whether the fit ended in a minimum of the cost.
    """

    message: str
    converged: bool

    def __new__(cls, code: int, message: str) -> Status:
        made = int.__new__(cls, code)
        made._value_, made.message, made.converged = code, message, message.startswith("converged")
        return made

    BY_COST = codes.BY_COST, "converged: no step reduces the cost further"
    BY_STEP = codes.BY_STEP, "converged: the parameters no longer change"
    BY_GRADIENT = codes.BY_GRADIENT, "converged: the gradient is zero"
    EXACT = codes.EXACT, "converged: the model fits the data to rounding error"
    TOO_MANY = (
        codes.TOO_MANY,
        "not converged: the maximum number of evaluations was reached; raise max_nfev, or give other starting values",
    )
    NOT_FINITE = codes.NOT_FINITE, "not converged: the model is not finite at the starting values; choose other values"
    NO_DERIVATIVE = (
        codes.NO_DERIVATIVE,
        "not converged: a derivative of the model is not finite at the starting values; choose other values",
    )
    STUCK = (
        codes.STUCK,
        "not converged: no step reduces the cost, although its gradient is not zero; give other starting values, or look for "
        "a jump or a kink in the model",
    )
    FLAT = 0, "not converged: the model does not depend on any parameter where the fit ended; give other starting values"


NOT_BEGUN = (codes.NOT_FINITE, codes.NO_DERIVATIVE)
"""The codes of fits that could not start."""
_BY_CODE = {int(status): status for status in Status}
_CONVERGED = [code for code, status in _BY_CODE.items() if status.converged]


def converged(statuses: np.ndarray) -> np.ndarray:
    """Return which fits ended in a minimum, (F,), as in ``Status.converged``."""
    return np.isin(statuses, _CONVERGED)


def status_of(code: int, factor: np.ndarray) -> Status:
    """Return how a fit ended, from the code of the solver and the factor of the Jacobian.

    If the model does not depend on any parameter, a zero gradient is not evidence of a minimum.
    """
    is_flat = len(factor) > 0 and factor.item(0) == 0 and code != codes.EXACT and not factor.any()
    return _BY_CODE[0 if is_flat else code]


def judged(claim: Status, cosine: float, largest: float, is_exact: bool) -> Status:
    """Return how a fit by another solver ended.

    Parameters
    ----------
    claim : Status
        The claim of the solver.
    cosine : float
        The largest cosine of the residual with a column of the Jacobian, for parameters that may move.
    largest : float
        The largest cosine at a minimum, given the accuracy of the Jacobian.
    is_exact : bool
        Whether the cost is only rounding error.
    """
    if is_exact:
        return Status.EXACT
    return Status.STUCK if cosine > largest and claim.converged else claim
