"""Errors of failed integrations: what happened, where, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.errors import IntegrationError
from jitgrad.integrate.options import EXPLICIT, STIFF, Options
from jitgrad.integrate.problem import Problem, as_floats
from jitgrad.integrate.statistics import Statistics
from jitgrad.integrate.times import known
from jitgrad.tape.tensor import Tensor
from jitgrad.vm.integrate import layout

_STIFF_STEPS = 15
"""The number of steps limited by stability that show that a problem is stiff (Hairer and Wanner, 1996, section IV.2)."""


def error_of(
    problem: Problem, options: Options, end: Any, statistics: Statistics, state_at: Callable[[float], list[Tensor]]
) -> IntegrationError:
    """Return the error of a failed integration. ``state_at`` returns the states at a time that was reached."""
    for y in map(known, problem.y0):
        if y is not None and not np.isfinite(y).all():
            return IntegrationError(f"y0 is not finite: {_element(y)}. Give finite numbers.")
    t = float(statistics.time)
    states = state_at(t)
    y = problem.pack([_shown(x) for x in states])
    place = f"at t = {t:.6g}, where y is {y}"
    steps = int(statistics.accepted + statistics.rejected)
    if statistics.status == layout.NOT_FINITE:
        for f in map(known, problem.derivatives(as_floats(t), states)):
            if f is not None and not np.isfinite(f).all():
                return IntegrationError(
                    f"fun is not finite {place}: {_element(f)} of its result. Check y0, args and the domains of the functions."
                )
        if np.any((np.concatenate([np.ravel(np.asarray(known(x))) for x in states]) == 0) & (np.asarray(options.atol) == 0)):
            return IntegrationError(
                f"The tolerance is 0 {place}: an element is 0, and so is its atol. Set atol to the smallest value that matters."
            )
        return IntegrationError(
            f"fun is not finite after t = {t:.6g}, where y is {y}. Check the domains of its functions, for example of log and "
            f"sqrt, or end t_span before this time."
        )
    if options.method in EXPLICIT and statistics.stiff >= _STIFF_STEPS:
        return IntegrationError(
            f"The problem is stiff: stability limits the steps of the explicit method {options.method!r}, which took {steps} "
            f"steps and stopped {place}. Use method={STIFF!r} or method='auto'."
        )
    dtype = states[0].dtype
    advice = options.advice(dtype)
    rounding = f" rtol is {options.rtol:g}, close to the rounding errors of {dtype}. {advice}" if advice else ""
    if statistics.status == layout.TOO_MANY:
        return IntegrationError(
            f"The integration took {steps} steps to t = {t:.6g}, and t_span ends at {float(end):.6g}."
            f"{rounding or ' Increase max_steps, rtol or atol.'}"
        )
    return IntegrationError(
        f"The step size became too small {place}. The solution or fun may be singular there: check fun, or end t_span before "
        f"this time.{rounding}"
    )


def too_many_events(most: int, t: float) -> IntegrationError:
    """Return the error of an integration with more events than permitted."""
    return IntegrationError(
        f"There are more than {most} events before t = {t:.6g}. Increase max_events, or make one of the events terminal."
    )


def _element(values: np.ndarray) -> str:
    """Return the first element that is not finite, with its position."""
    at = tuple(map(int, np.argwhere(~np.isfinite(values))[0]))
    position = "" if not at else f" element {at[0] if len(at) == 1 else at}"
    return f"{values[at]} is{position}" if position else f"it is {values[at]}"


def _shown(x: Tensor) -> str:
    return np.array2string(np.asarray(known(x)), precision=6, threshold=10)
