"""``fori_loop``: a loop with a counter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.control_flow.segments import looped
from jitgrad.control_flow.structure import leaves, leaves_like, names, packed
from jitgrad.control_flow.trips import known_integer
from jitgrad.tape.protocol import public


@public()
def fori_loop(
    lower: int, upper: int, body_fun: Callable[[Any, Any], Any], init_val: Any, *, checkpoint: bool | int = False
) -> Any:
    """Apply a function repeatedly, with a counter.

    ``fori_loop`` computes the same as this loop, but the function is recorded once, and the loop runs in native code::

        value = init_val
        for i in range(lower, upper):
            value = body_fun(i, value)
        return value

    Parameters
    ----------
    lower, upper : int
        The range of the counter. There is no trip if ``upper`` is not greater than ``lower``.
    body_fun : callable
        ``body_fun(i, value)`` returns the value for the next trip. Its arguments are Tensors whose values are unknown, so it
        cannot branch on them; use ``where`` or ``cond``. Other values that it reads are the same in all trips, and are
        differentiated as well.
    init_val : array_like or structure of array_like
        The value of the first trip: a number, an array, or nested tuples, lists and dicts of them. Its shapes and dtypes stay
        the same in all trips. A Python number takes the dtype that it has after a trip.
    checkpoint : bool or int, default False
        Whether reverse mode stores the value only at the beginning of each segment of trips, and runs each segment again; see
        ``scan``. An integer is the number of trips of a segment; True stands for about the square root of the number of trips.

    Returns
    -------
    Tensor or structure of Tensors
        The value after the last trip.

    Raises
    ------
    ArgumentError
        If ``body_fun`` changes the structure of the value.
    ShapeError, DTypeError
        If a value changes its shape or dtype.
    TracingError
        If ``body_fun`` requests a value, or a bound is a Tensor whose value is not known while a function is recorded.
    UnsupportedError
        If ``body_fun`` draws random numbers, which would be the same in each trip.

    See Also
    --------
    scan : A loop over the slices of arrays, which stacks results.

    Examples
    --------
    Newton's method for the square root of 2, and its derivative:

    >>> def root(a):
    ...     return jg.fori_loop(0, 20, lambda i, x: (x + a / x) / 2, 1.0)
    >>> root(2.0).item()
    1.414213562373095
    >>> jg.grad(root)(2.0).item()
    0.35355339059327373
    """
    start = known_integer("fori_loop", "lower", lower, low=-(2**53))
    stop = known_integer("fori_loop", "upper", upper, low=-(2**53))

    def body(carries: list[Any], slices: list[Any]) -> tuple[list[Any], list[Any]]:
        i, *values = carries
        return [i + 1, *leaves_like(init_val, body_fun(i, packed(init_val, values)), "fori_loop", "value")], []

    given = [start, *leaves(init_val)]
    places = ["i", *names(init_val, "value")]
    last, _ = looped(body, max(0, stop - start), given, [], what="fori_loop", names=places, checkpoint=checkpoint)
    return packed(init_val, last[1:])
