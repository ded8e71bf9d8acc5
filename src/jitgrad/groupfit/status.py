"""How the fit of a group ended."""

from __future__ import annotations

import enum

import numpy as np

from jitgrad.curvefit import status as of_curve
from jitgrad.curvefit.estimates import UNDETERMINED
from jitgrad.curvefit.least_squares import Solution
from jitgrad.vm.least_squares import codes


class Status(enum.IntEnum):
    """How the fit of a group ended. The estimates of all but ``CONVERGED`` are nan.

    Attributes
    ----------
    word : str
        The status in tables.
    reason : str
        The meaning of the status and what to do, as a clause.
    """

    word: str
    reason: str

    def __new__(cls, code: int, word: str, reason: str) -> Status:
        made = int.__new__(cls, code)
        made._value_, made.word, made.reason = code, word, reason
        return made

    CONVERGED = 0, "converged", "a minimum was found"
    TOO_FEW = 1, "too few rows", "fewer rows than parameters; fix parameters, or leave the group out"
    NOT_FINITE = (
        2,
        "not finite",
        "the data contain nan or inf, or their squares overflow; nan_policy='omit' leaves out rows with nan",
    )
    BAD_SIGMA = 3, "sigma not above 0", "sigma is not a positive number in some row; correct it, or leave the row out"
    BAD_BOUNDS = 4, "bad bounds", "a lower bound is not less than its upper bound; correct the bounds"
    CONSTANT = 5, "constant", "y is constant and does not determine the parameters; leave the group out"
    NO_START = 6, "no start", "no starting values were given or found; give p0"
    OUTSIDE = 7, "start outside bounds", "the starting values are outside the bounds; choose values within them"
    NOT_FINITE_THERE = (
        8,
        "not finite at start",
        "the model or a derivative is not finite at the starting values; give other values",
    )
    SINGULAR = 9, "singular", "the data do not determine all parameters; fix one, or leave the group out"
    NOT_CONVERGED = 10, "not converged", "no minimum was reached; give other starting values, or raise max_nfev"
    INTERRUPTED = 11, "interrupted", "the run was interrupted before this fit ended; call refit to complete it"
    WORSE = 12, "worse than a constant", "the model does not describe the data, or needs other starting values"


BY_CODE = list(Status)
WORDS = np.array([status.word for status in Status])
"""The status words by code."""


def reason_of(word: str) -> str:
    """Return the meaning of a status and what to do, as a clause."""
    return next(status.reason for status in Status if status.word == word)


def codes_of(solution: Solution) -> np.ndarray:
    """Return the codes of fits, uint8 (F,)."""
    begun = ~np.isin(solution.status, of_curve.NOT_BEGUN)
    flat = (solution.status != codes.EXACT) & ~solution.factors.any(axis=(1, 2)) & (solution.parameters.shape[1] > 0)
    singular = (solution.rcond <= UNDETERMINED) & (solution.parameters.shape[1] > 0)
    ended = of_curve.converged(solution.status) & ~flat
    chosen = [~begun, ~ended, singular]
    return np.select(chosen, [Status.NOT_FINITE_THERE, Status.NOT_CONVERGED, Status.SINGULAR], Status.CONVERGED).astype(
        np.uint8
    )
