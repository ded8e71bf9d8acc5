"""The interval of integration and the times of the results."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.integrate.problem import as_floats
from jitgrad.tape import trace
from jitgrad.tape.evaluate import compute
from jitgrad.tape.tensor import Tensor, upstream


def interval(t_span: Any) -> tuple[Tensor, Tensor]:
    """Return both ends of the interval of integration."""
    try:
        first, last = t_span
    except (TypeError, ValueError):
        raise ArgumentError(f"t_span is {t_span!r}. Give two numbers, the initial and the final time.") from None
    ends = as_floats(first), as_floats(last)
    for end in ends:
        if end.shape:
            raise ArgumentError(f"t_span has an end of shape {end.shape}. Give two numbers, the initial and the final time.")
    given = [known(end) for end in ends]
    if any(value is not None and not np.isfinite(value) for value in given):
        raise ArgumentError(f"t_span is ({given[0]}, {given[1]}). Give two finite numbers.")
    return ends


def times_in(t_eval: Any, first: Tensor, last: Tensor) -> Tensor:
    """Return the times of the results. Raise ArgumentError if they are not sorted or not in the interval.

    Values that a traced function receives are checked when it is called. Those that it computes are checked by the integrator,
    which returns nan.
    """
    times = as_floats(t_eval)
    if times.ndim != 1:
        raise ArgumentError(f"`t_eval` must be 1-dimensional, and it has shape {times.shape}. Give a list of times.")
    ends = [known(first), known(last)]

    def check(name: str, values: np.ndarray) -> None:
        _check_times(name, values, *ends)

    if not trace.checked(times, check, "t_eval") and (values := known(times)) is not None:
        check("t_eval", values)
    return times


def _check_times(name: str, values: np.ndarray, first: Any, last: Any) -> None:
    """Raise ArgumentError for times that are not sorted in the direction of integration, or outside the interval."""
    if first is None or last is None:
        return
    sign = -1 if last < first else 1
    outside = np.flatnonzero(~((values - first) * sign >= 0) | ~((last - values) * sign >= 0))
    if outside.size:
        raise ArgumentError(
            f"Values in `{name}` are not within `t_span`: {values[outside[0]]} at position {outside[0]} is not between {first} "
            f"and {last}. Extend t_span, or leave out such times."
        )
    wrong = np.flatnonzero(np.diff(values) * sign < 0)
    if wrong.size:
        order = "in decreasing order, because t_span is" if sign < 0 else "in increasing order"
        raise ArgumentError(
            f"Values in `{name}` are not properly sorted: {values[wrong[0] + 1]} follows {values[wrong[0]]}. Sort them {order}."
        )


def known(x: Tensor, *also: Tensor) -> np.ndarray | None:
    """Return the value of a Tensor, computed now if necessary, or None if it is known only when a program runs.

    The values of ``also`` are computed in the same run.
    """
    if x.value is None:
        if trace.current() is not None:
            return None
        if any(node.value is None and node.op is None and node.group is None for node in upstream([x], _has_no_value)):
            return None
        compute([x, *also])
    return np.asarray(x.value)


def value_of(x: Tensor) -> np.ndarray:
    """Return the value of a Tensor that is known."""
    found = known(x)
    assert found is not None
    return found


def _has_no_value(node: Tensor) -> bool:
    return node.value is None
