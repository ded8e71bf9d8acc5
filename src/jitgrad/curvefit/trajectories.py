"""The states of differential equations at times in any order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitgrad.functions.joining import stack
from jitgrad.integrate import solve_ivp
from jitgrad.ops.linear import gather
from jitgrad.ops.order import argsort
from jitgrad.tape.tensor import Tensor

Dose = tuple[int, Any, Any]
"""The number of a state, a time, and the amount that is added to the state."""


def states_at(
    rates: Callable[[Tensor, Sequence[Tensor]], Sequence[Any]],
    start: Any,
    initial: Sequence[Any],
    times: Tensor,
    doses: Sequence[Dose],
    **options: Any,
) -> Tensor:
    """Return the states at the times, (n, rows). The times may be in any order and repeated.

    Parameters
    ----------
    rates : callable
        ``rates(t, states)`` returns the derivative of each state.
    start : float or Tensor
        The time of the initial values.
    initial : sequence
        The initial value of each state.
    times : Tensor, shape (rows,)
        The times, none before ``start``.
    doses : sequence of Dose
        The doses, in any order. Those at times outside the range have no effect.
    **options : object
        Options of ``solve_ivp``.
    """
    order = argsort(times)
    ordered = gather(times, order, axis=0)
    count = len(initial)
    unit = np.eye(count)
    jumps = (stack([time for _, time, _ in doses]), stack([amount * unit[k] for k, _, amount in doses])) if doses else None
    result = solve_ivp(
        lambda t, y: rates(t, [y[k] for k in range(count)]), (start, ordered[-1]), stack(list(initial)), t_eval=ordered,
        jumps=jumps, **options,
    )  # fmt: skip
    return gather(result.y, argsort(order), axis=1)
