"""Functions defined in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.ops.elementwise import where
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor


@public(np.piecewise)
def piecewise(x: Any, condlist: Sequence[Any], funclist: Sequence[Any], *args: Any, **kwargs: Any) -> Tensor:
    """A function in pieces: for each condition a number or a function, and one more for where none holds, 0 by default.

    Each function is called with all of ``x``, not with the elements that its condition picks: where it is nan or infinite for
    others, it must be made finite there by ``where`` to have a derivative.
    """
    x = as_tensor(x)
    conditions = list(condlist) if isinstance(condlist, (list, tuple)) or as_tensor(condlist).ndim > x.ndim else [condlist]
    functions = [*funclist, 0] if len(funclist) == len(conditions) else list(funclist)
    if len(functions) != len(conditions) + 1:
        raise ArgumentError(
            f"piecewise: {len(funclist)} functions for {len(conditions)} conditions. Give one for each, and one more at most."
        )
    values = [f(x, *args, **kwargs) if callable(f) else f for f in functions]
    made: Any = values[-1] + x * 0 if not callable(functions[-1]) else values[-1]
    for condition, value in zip(conditions, values[:-1], strict=True):  # as in NumPy, a later one counts
        made = where(condition, value, made)
    return made


@public(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """For each element the choice of the first condition that holds, ``default`` where none does."""
    if len(condlist) != len(choicelist) or not condlist:
        raise ArgumentError(
            f"select: {len(condlist)} conditions for {len(choicelist)} choices. Give as many of both, at least one."
        )
    made: Any = as_tensor(default)
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        made = where(condition, choice, made)
    return made
