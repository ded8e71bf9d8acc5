"""``while_loop``: a loop that runs while a condition holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.control_flow.structure import leaves, leaves_like, names, packed
from jitgrad.tape import while_loop as op
from jitgrad.tape.protocol import public
from jitgrad.tape.region import carries_of


@public()
def while_loop(cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any) -> Any:
    """Apply a function repeatedly while a condition holds.

    ``while_loop`` computes the same as this loop, but the functions are recorded once, and the loop runs in native code::

        value = init_val
        while cond_fun(value):
            value = body_fun(value)
        return value

    It has derivatives in forward mode only, because reverse mode needs the values of all trips, and their number is not known
    before the loop runs. Use ``scan`` or ``fori_loop`` if reverse mode is required.

    Parameters
    ----------
    cond_fun : callable
        ``cond_fun(value)`` returns a single boolean, or a number that stands for True if it is not 0.
    body_fun : callable
        ``body_fun(value)`` returns the value for the next trip. The arguments of both functions are Tensors whose values are
        unknown, so they cannot branch on them; use ``where`` or ``cond``. Other values that they read are the same in all
        trips, and are differentiated as well.
    init_val : array_like or structure of array_like
        The value of the first trip: a number, an array, or nested tuples, lists and dicts of them. Its shapes and dtypes stay
        the same in all trips. A Python number takes the dtype that it has after a trip.

    Returns
    -------
    Tensor or structure of Tensors
        The first value for which ``cond_fun`` is false.

    Raises
    ------
    ArgumentError
        If ``body_fun`` changes the structure of the value.
    ShapeError
        If a value changes its shape, or ``cond_fun`` does not return a single value.
    DTypeError
        If a value changes its dtype.
    TapeError
        When a gradient is computed in reverse mode.
    TracingError
        If a function requests a value, for example to branch on it.
    UnsupportedError
        If a function draws random numbers, which would be the same in each trip.

    See Also
    --------
    fori_loop : A loop with a counter, which also has derivatives in reverse mode.

    Notes
    -----
    With ``vmap``, the loop runs until the condition is false for all rows. Rows that are done keep their values.

    Examples
    --------
    Newton's method until it converges, and its derivative:

    >>> def root(a):
    ...     def step(x):
    ...         return (x + a / x) / 2
    ...     return jg.while_loop(lambda x: abs(x - step(x)) > 1e-12, step, 1.0)
    >>> root(2.0).item()
    1.414213562373095
    >>> jg.jacfwd(root)(2.0).item()
    0.35355339059...
    """
    first = leaves(init_val)
    last = op.while_loop(
        lambda carries: cond_fun(packed(init_val, carries)),
        lambda carries: leaves_like(init_val, body_fun(packed(init_val, carries)), "while_loop", "value"),
        first,
        "while_loop",
        carries_of(names(init_val, "value"), first),
    )
    return packed(init_val, last)
