"""``scan``: a function that is applied to the slices of arrays, one after the other, with a carry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.control_flow.segments import looped
from jitgrad.control_flow.structure import leaves, leaves_like, names, packed
from jitgrad.control_flow.trips import known_integer
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.tape.protocol import public


@public()
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
    *,
    checkpoint: bool | int = False,
) -> tuple[Any, Any]:
    """Apply a function to the slices of ``xs`` in sequence, passing on a carry.

    ``scan`` computes the same as this loop, but the function is recorded once for all trips, and the loop runs in native code::

        carry, ys = init, []
        for x in xs:
            carry, y = f(carry, x)
            ys.append(y)
        return carry, stack(ys)

    Parameters
    ----------
    f : callable
        ``f(carry, x)`` returns the carry for the next trip and a value ``y`` to stack. Its arguments are Tensors whose values
        are unknown, so it cannot branch on them; use ``where`` or ``cond``. Other values that it reads are the same in all
        trips, and are differentiated as well.
    init : array_like or structure of array_like
        The carry of the first trip: a number, an array, or nested tuples, lists and dicts of them. Its shapes and dtypes stay
        the same in all trips. A Python number takes the dtype that it has after a trip.
    xs : array_like or structure of array_like, optional
        Arrays with one slice per trip along their first axis. Without them, ``f`` receives None.
    length : int, optional
        The number of trips. Required if ``xs`` has no arrays.
    reverse : bool, default False
        Whether to process the slices, and stack the results, from the last to the first.
    unroll : int, default 1
        The number of trips that are recorded as one.
    checkpoint : bool or int, default False
        Whether reverse mode stores the carry only at the beginning of each segment of trips, and runs each segment again. An
        integer is the number of trips of a segment; True stands for about the square root of the number of trips.

    Returns
    -------
    carry : Tensor or structure of Tensors
        The carry after the last trip.
    ys : Tensor or structure of Tensors
        The values ``y`` of all trips, stacked along a new first axis.

    Raises
    ------
    ArgumentError
        If ``f`` does not return a pair, or changes the structure of the carry, or if the number of trips is not given.
    ShapeError
        If a carry changes its shape, or the arrays of ``xs`` have different lengths.
    DTypeError
        If a carry changes its dtype.
    TracingError
        If ``f`` requests a value, for example to branch on it, or ``length`` is a Tensor whose value is not known.
    UnsupportedError
        If ``f`` draws random numbers, which would be the same in each trip.

    See Also
    --------
    fori_loop : A loop with a counter.

    Notes
    -----
    Reverse mode needs the carries of all trips, which the forward loop stores. For n trips, ``checkpoint=True`` stores about
    2√n carries instead, and takes one more forward pass: the schedule of Chen et al. [1]_. Forward mode stores no carries.

    References
    ----------
    .. [1] T. Chen, B. Xu, C. Zhang and C. Guestrin, "Training deep nets with sublinear memory cost", arXiv:1604.06174, 2016.

    Examples
    --------
    Exponential smoothing, and its derivative:

    >>> y = np.array([3.0, 5.0, 9.0, 20.0])
    >>> def smooth(alpha):
    ...     def step(level, x):
    ...         level = alpha * x + (1 - alpha) * level
    ...         return level, level
    ...     return jg.scan(step, y[0], y)[1]
    >>> smooth(0.5).numpy()
    array([ 3.  ,  4.  ,  6.5 , 13.25])
    >>> jg.jacobian(smooth)(0.5).numpy()
    array([ 0. ,  2. ,  6. , 16.5])

    A carry of several values, without ``xs``:

    >>> def fibonacci(carry, _):
    ...     a, b = carry
    ...     return (b, a + b), a
    >>> (a, b), numbers = jg.scan(fibonacci, (0, 1), length=8)
    >>> numbers.numpy()
    array([ 0,  1,  1,  2,  3,  5,  8, 13])
    """
    if not callable(f):
        raise ArgumentError(f"scan: f is {_kind(f)}, not a function. The order of the arguments is f, init, xs.")
    data = leaves(xs)
    trips = _trips(names(xs, "xs"), [x.shape for x in data], length)
    structure: list[Any] = []

    def body(carries: list[Any], slices: list[Any]) -> tuple[list[Any], list[Any]]:
        result = f(packed(init, carries), packed(xs, slices))
        if not isinstance(result, tuple) or len(result) != 2:
            raise ArgumentError(f"scan: the function returns {_kind(result)}. Return a pair (carry, y); y may be None.")
        structure[:] = [result[1]]
        return leaves_like(init, result[0], "scan", "carry"), leaves(result[1])

    last, stacked = looped(
        body, trips, leaves(init), data, what="scan", names=names(init, "carry"), reverse=reverse, unroll=unroll,
        checkpoint=checkpoint,
    )  # fmt: skip
    return packed(init, last), packed(structure[0], stacked)


def _trips(places: list[str], shapes: list[tuple[int, ...]], length: int | None) -> int:
    """Return the number of trips: the length of all arrays."""
    for place, shape in zip(places, shapes, strict=True):
        if not shape:
            raise ShapeError(f"scan: {place} is a number, so it has no slices. Give an array with one slice per trip.")
    if length is None and not shapes:
        raise ArgumentError("scan: neither xs nor length is given, so the number of trips is not known. Give length.")
    trips = shapes[0][0] if length is None else known_integer("scan", "length", length)
    for place, shape in zip(places, shapes, strict=True):
        if shape[0] != trips:
            expected = f"{places[0]} has {trips}" if length is None else f"length is {trips}"
            raise ShapeError(f"scan: {place} has {shape[0]} slices, and {expected}. Give one slice per trip.")
    return trips


def _kind(result: object) -> str:
    return f"{len(result)} values" if isinstance(result, tuple) else f"a {type(result).__name__}"
