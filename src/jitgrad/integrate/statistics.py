"""What ended an integration, and its counts: the last result of the op ``integrate``."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jitgrad.ops.elementwise import where
from jitgrad.tape.tensor import Tensor
from jitgrad.vm.integrate import layout as at

STATISTICS = at.RESULTS
_ENDS = [at.STATUS_RESULT, at.TIME_RESULT, at.STEP_RESULT, at.STIFF_RESULT]
"""The numbers that describe where an integration ended; the others are counts."""


class Statistics(NamedTuple):
    """The statistics of an integration, which are Tensors or numbers."""

    status: Any
    nfev: Any
    accepted: Any
    rejected: Any
    njev: Any
    nlu: Any
    time: Any
    stiff: Any


def statistics_from(numbers: Any) -> Statistics:
    """Return the numbers by name."""
    return Statistics(
        status=numbers[at.STATUS_RESULT],
        nfev=numbers[at.EVALUATIONS_RESULT],
        accepted=numbers[at.ACCEPTED_RESULT],
        rejected=numbers[at.REJECTED_RESULT],
        njev=numbers[at.JACOBIANS_RESULT],
        nlu=numbers[at.FACTORIZATIONS_RESULT],
        time=numbers[at.TIME_RESULT],
        stiff=numbers[at.STIFF_RESULT],
    )


def merged(before: Tensor, new: Tensor) -> Tensor:
    """Return the statistics of two consecutive integrations. The first failure determines the end."""
    is_end = np.isin(np.arange(STATISTICS), _ENDS)
    return where(is_end, where(before[at.STATUS_RESULT] > 0, before, new), before + new)
