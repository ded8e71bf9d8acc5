"""Functions defined piecewise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.ops.elementwise import where
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.piecewise)
def piecewise(
    x: ArrayLike,
    condlist: Sequence[ArrayLike],
    funclist: Sequence[Callable[..., Any] | ArrayLike],
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    """Evaluate a piecewise-defined function.

    Parameters
    ----------
    x : array_like
        Input array.
    condlist : sequence of array_like of bool
        Conditions that select the pieces. If several hold, the last one wins.
    funclist : sequence of callable or array_like
        A function or a constant for each condition, and optionally one more for elements for which no condition holds, which
        is 0 by default.
    *args, **kwargs : Any
        Further arguments of the functions.

    Returns
    -------
    Tensor
        The values in the shape of ``x``.

    Raises
    ------
    ArgumentError
        If the number of functions does not match the number of conditions.

    Notes
    -----
    Unlike in NumPy, each function is called with all of ``x``, not only with the elements that its condition selects. If a
    function is nan or infinite elsewhere, its derivative is nan as well. Replace these elements with `where` first.

    See Also
    --------
    select, where

    Examples
    --------
    >>> x = np.array([-2.0, 1.0, 3.0])
    >>> jg.piecewise(x, [x < 0, x >= 0], [lambda x: -x, lambda x: x**2])
    <Tensor shape=(3,) dtype=float64 [2. 1. 9.]>
    """
    x = as_tensor(x)
    conditions = list(condlist) if isinstance(condlist, (list, tuple)) or as_tensor(condlist).ndim > x.ndim else [condlist]
    functions = [*funclist, 0] if len(funclist) == len(conditions) else list(funclist)
    if len(functions) != len(conditions) + 1:
        raise ArgumentError(
            f"piecewise: {len(funclist)} functions for {len(conditions)} conditions. "
            "Pass one for each condition and at most one more."
        )
    values = [f(x, *args, **kwargs) if callable(f) else f for f in functions]
    made: Any = values[-1] + x * 0 if not callable(functions[-1]) else values[-1]
    for condition, value in zip(conditions, values[:-1], strict=True):  # as in NumPy, the last one wins
        made = where(condition, value, made)
    return made


@public(np.select)
def select(condlist: Sequence[ArrayLike], choicelist: Sequence[ArrayLike], default: ArrayLike = 0) -> Tensor:
    """Choose elements according to the first condition that holds.

    Parameters
    ----------
    condlist : sequence of array_like of bool
        Conditions; they broadcast.
    choicelist : sequence of array_like
        Values for each condition.
    default : array_like, default 0
        Value where no condition holds.

    Returns
    -------
    Tensor
        The chosen values.

    Raises
    ------
    ArgumentError
        If the numbers of conditions and choices differ, or if there are none.

    See Also
    --------
    where, piecewise

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> jg.select([x < 2, x < 3], [0.0, x**2], default=-1.0)
    <Tensor shape=(3,) dtype=float64 [ 0.  4. -1.]>
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ArgumentError(
            f"select: {len(condlist)} conditions for {len(choicelist)} choices. "
            "Pass a choice for each condition, and at least one."
        )
    made: Any = as_tensor(default)
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        made = where(condition, choice, made)
    return made
