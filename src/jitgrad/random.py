"""Random numbers: ``jitgrad.random``.

``seed`` makes all random numbers of jitgrad reproducible: the functions of this module, shuffling and initial weights.

Random numbers are computed by a counter-based generator (``vm/kernels/random.py``): each number is a function of the seed, of
the number of earlier calls (or runs of a traced function), and of its position. They do not depend on how a fit is divided
into chunks, and a traced function draws new numbers in each run, as does every step of ``fit``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from jitgrad.arguments import MAX_SEED, count, number
from jitgrad.errors import ArgumentError, DTypeError, ShapeError
from jitgrad.functions.axes import shape_of
from jitgrad.functions.elementwise import clip
from jitgrad.functions.selection import argsort, take
from jitgrad.ops import random as ops
from jitgrad.ops.elementwise import cos, floor, less, log, minimum, sqrt
from jitgrad.ops.special import erfinv
from jitgrad.tape import dtypes, trace
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, cast
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import WeakVariable
from jitgrad.typing import ArrayLike, DTypeLike

__all__ = [
    "Source",
    "bernoulli",
    "get_state",
    "normal",
    "permutation",
    "randint",
    "seed",
    "set_state",
    "truncated_normal",
    "uniform",
]


_generator = np.random.default_rng()


class _State(WeakVariable):
    """The key and the counter of calls, see ``vm.kernels.random``."""

    __slots__ = ()
    shared = True

    def __init__(self, key: int) -> None:
        super().__init__(np.zeros(ops.STATE_SIZE), "random_state")
        self.set_key(key)

    def set_key(self, key: int) -> None:
        self.store([key & (2**22 - 1), key >> 22 & (2**21 - 1), key >> 43, 0, 0])

    def draw(self) -> tuple[Tensor, int]:
        """Return the state for this call and the stream: the number of the draw within a trace, otherwise 0."""
        tracing = trace.current()
        if tracing is None:
            leaf = self.leaf
            a, b, c, low, high = leaf.value.tolist()
            self.store([a, b, c, 0 if low + 1 == 2**24 else low + 1, high + (low + 1 == 2**24)])
            return Tensor(None, (), (), leaf.shape, dtypes.NUMBER, leaf.value), 0
        stream = tracing.count_draw(self)
        if stream == 0:
            tracing.update([StateUpdate("advance", (self,), ())])
        if stream >= 2**16:
            raise ShapeError("A traced function draws random numbers more than 65536 times. Draw larger arrays instead.")
        return self.leaf, stream


_state = _State(int(_generator.integers(MAX_SEED)))


class Source:
    """An independent source of random numbers with its own seed, which ``random.seed`` does not affect.

    Parameters
    ----------
    n : int
        The seed, from 0 to 2**63 - 1.

    See Also
    --------
    seed : Seed the global source.

    Examples
    --------
    >>> first = jg.random.normal((2,), source=jg.random.Source(1))
    >>> second = jg.random.normal((2,), source=jg.random.Source(1))
    >>> bool(jg.all(first == second))
    True
    """

    def __init__(self, n: int) -> None:
        self._state = _State(count("seed", n, 0, MAX_SEED))

    def draw(self) -> tuple[Tensor, int]:
        """Advance the source. The functions of this module call this method.

        Returns
        -------
        state : Tensor
            The state from which the numbers of this call are computed.
        stream : int
            The number of the draw within a traced function, otherwise 0.
        """
        return self._state.draw()

    def get_state(self) -> np.ndarray:
        """Return the state of the source.

        Returns
        -------
        ndarray, shape (5,)
            The state, for ``set_state``.
        """
        return np.array(self._state.numpy())

    def set_state(self, state: npt.ArrayLike) -> None:
        """Restore a state, so that the same numbers are drawn again.

        Parameters
        ----------
        state : array_like, shape (5,)
            A state from ``get_state``.
        """
        self._state.store(state)


def seed(n: int) -> None:
    """Seed all random numbers that jitgrad draws: the functions of this module, shuffling and initial weights.

    Parameters
    ----------
    n : int
        The seed, from 0 to 2**63 - 1.

    Raises
    ------
    ArgumentError
        If the seed is negative or not an integer.

    Examples
    --------
    >>> jg.random.seed(0)
    >>> first = jg.random.uniform((3,))
    >>> jg.random.seed(0)
    >>> bool(jg.all(jg.random.uniform((3,)) == first))
    True
    """
    global _generator
    _generator = np.random.default_rng(count("seed", n, 0, MAX_SEED))
    _state.set_key(n)


def generator(n: int | None = None) -> np.random.Generator:
    """Return a NumPy generator seeded by ``n``, or the global one."""
    return _generator if n is None else np.random.default_rng(n)


def get_state() -> dict[str, Any]:
    """Return the state of the global source.

    Returns
    -------
    dict
        Nested dicts of numbers, strings and arrays, for ``set_state``.

    See Also
    --------
    set_state : Restore the state.

    Examples
    --------
    >>> state = jg.random.get_state()
    >>> first = jg.random.normal((3,))
    >>> jg.random.set_state(state)
    >>> bool(jg.all(jg.random.normal((3,)) == first))
    True
    """
    return {"generator": _generator.bit_generator.state, "counted": np.array(_state.numpy())}


def set_state(state: dict[str, Any]) -> None:
    """Restore a state of the global source, so that the same numbers are drawn again.

    Parameters
    ----------
    state : dict
        A state from ``get_state``.

    See Also
    --------
    get_state : Return the state, with an example.

    Examples
    --------
    >>> jg.random.set_state(jg.random.get_state())
    """
    _generator.bit_generator.state = state["generator"]
    _state.store(state["counted"])


@public()
def uniform(
    shape: int | Sequence[int] = (), low: ArrayLike = 0.0, high: ArrayLike = 1.0, dtype: DTypeLike | None = None,
    source: Source | None = None,
) -> Tensor:  # fmt: skip
    """Draw from a uniform distribution on the half-open interval [low, high).

    Parameters
    ----------
    shape : int or tuple of int, default ()
        The shape of the result.
    low, high : array_like, default 0.0 and 1.0
        The bounds, which must broadcast to ``shape``. Gradients flow to them.
    dtype : {"float32", "float64"}, optional
        By default, the dtype adapts to the other operands, like the dtype of a Python number.
    source : Source, optional
        The source of randomness. By default, the global source, which ``seed`` seeds.

    Returns
    -------
    Tensor
        The random numbers.

    See Also
    --------
    numpy.random.Generator.uniform : The same distribution in NumPy.

    Examples
    --------
    >>> jg.random.seed(0)
    >>> jg.random.uniform((3,), 5.0, 10.0).numpy().round(2)
    array([7.  , 9.86, 5.1 ])
    """
    unit = _unit(shape_of(shape), dtype, source)
    return unit if _is(low, 0) and _is(high, 1) else low + (as_tensor(high) - low) * unit


@public()
def normal(
    shape: int | Sequence[int] = (), mean: ArrayLike = 0.0, std: ArrayLike = 1.0, dtype: DTypeLike | None = None,
    source: Source | None = None,
) -> Tensor:  # fmt: skip
    """Draw from a normal distribution.

    Parameters
    ----------
    shape : int or tuple of int, default ()
        The shape of the result.
    mean, std : array_like, default 0.0 and 1.0
        The mean and the standard deviation, which must broadcast to ``shape``. Gradients flow to them.
    dtype : {"float32", "float64"}, optional
        By default, the dtype adapts to the other operands, like the dtype of a Python number.
    source : Source, optional
        The source of randomness. By default, the global source, which ``seed`` seeds.

    Returns
    -------
    Tensor
        The random numbers.

    Notes
    -----
    The method is due to Box and Muller, "A note on the generation of random normal deviates", 1958.

    Examples
    --------
    >>> jg.random.seed(0)
    >>> jg.random.normal((3,)).numpy().round(2)
    array([ 0.23,  2.45, -0.19])
    """
    size = shape_of(shape)
    pair = _unit((2, *size), dtype, source)
    standard = sqrt(-2.0 * log(1.0 - pair[0])) * cos(2 * math.pi * pair[1])
    return standard if _is(mean, 0) and _is(std, 1) else mean + standard * std


@public()
def bernoulli(p: ArrayLike = 0.5, shape: int | Sequence[int] | None = None) -> Tensor:
    """Draw booleans that are true with a given probability.

    Parameters
    ----------
    p : array_like, default 0.5
        The probability of True.
    shape : int or tuple of int, optional
        The shape of the result. By default, the shape of ``p``.

    Returns
    -------
    Tensor
        The booleans.

    Examples
    --------
    >>> jg.random.seed(0)
    >>> jg.random.bernoulli(0.5, (4,)).numpy()
    array([ True, False,  True, False])
    """
    p = as_tensor(p)
    return less(_unit(p.shape if shape is None else shape_of(shape), None), p)


@public()
def truncated_normal(
    shape: int | Sequence[int] = (), mean: ArrayLike = 0.0, std: ArrayLike = 1.0, low: float = -2.0, high: float = 2.0,
    dtype: DTypeLike | None = None,
) -> Tensor:  # fmt: skip
    """Draw from a normal distribution that is truncated to an interval.

    Parameters
    ----------
    shape : int or tuple of int, default ()
        The shape of the result.
    mean, std : array_like, default 0.0 and 1.0
        The mean and the standard deviation of the normal distribution before truncation. Gradients flow to them.
    low, high : float, default -2.0 and 2.0
        The interval, in standard deviations from the mean.
    dtype : {"float32", "float64"}, optional
        By default, the dtype adapts to the other operands, like the dtype of a Python number.

    Returns
    -------
    Tensor
        The random numbers.

    Raises
    ------
    ArgumentError
        If the interval is empty or lies outside of 8 standard deviations.

    Notes
    -----
    Numbers are drawn by the inverse of the distribution function. Bounds beyond 8 standard deviations have no effect.

    Examples
    --------
    >>> jg.random.seed(0)
    >>> jg.random.truncated_normal((3,), low=0.0).numpy().round(2)
    array([0.5 , 1.8 , 0.02])
    """
    first, last = (math.erf(min(max(number("truncated_normal: an end", end), -8.0), 8.0) / math.sqrt(2)) for end in (low, high))
    if not first < last:
        raise ArgumentError(
            f"truncated_normal: the interval from {low} to {high} is empty. Give low < high, with one of them within ±8."
        )
    standard = math.sqrt(2) * erfinv(uniform(shape, first, last, dtype))
    return mean + clip(standard, low, high) * std


@public()
def randint(low: int, high: int | None = None, shape: int | Sequence[int] = ()) -> Tensor:
    """Draw integers uniformly from low (inclusive) to high (exclusive).

    Parameters
    ----------
    low : int
        The lowest integer; with ``high=None``, the upper end of a range that starts at 0.
    high : int, optional
        The upper end, which is not drawn. At most ``low + 2**24``.
    shape : int or tuple of int, default ()
        The shape of the result.

    Returns
    -------
    Tensor
        The integers, of dtype int64.

    Raises
    ------
    ArgumentError
        If the range is empty or has more than 2**24 integers.

    See Also
    --------
    numpy.random.Generator.integers : The same distribution in NumPy.

    Examples
    --------
    >>> jg.random.seed(0)
    >>> jg.random.randint(1, 7, (5,)).numpy()
    array([3, 6, 1, 5, 6])
    """
    first, last = (0, operator.index(low)) if high is None else (operator.index(low), operator.index(high))
    if not first < last <= first + 2**24:
        raise ArgumentError(
            f"randint: the range from {first} to {last} is not valid. Give low < high and at most 2²⁴ integers between them."
        )
    places = minimum(floor(_unit(shape_of(shape), None) * float(last - first)), last - first - 1)  # a product may round up
    return first + cast(places, dtypes.INTEGER)


@public()
def permutation(x: ArrayLike) -> Tensor:
    """Permute the rows of an array, or a range of integers.

    Parameters
    ----------
    x : int or array_like
        An array whose rows, along its first axis, are permuted; an integer n stands for ``arange(n)``.

    Returns
    -------
    Tensor
        The permuted rows or integers.

    Examples
    --------
    >>> jg.random.seed(0)
    >>> jg.random.permutation(5).numpy()
    array([2, 0, 3, 4, 1])
    """
    if isinstance(x, (int, np.integer)):
        return argsort(_unit((count("permutation: the number", x, 0),), None))
    x = as_tensor(x)
    if not x.ndim:
        raise ShapeError("permutation: a Tensor without axes has no rows. Give a Python integer or an array with rows.")
    return take(x, argsort(_unit(x.shape[:1], None)), axis=0)


def _unit(shape: tuple[int, ...], dtype: DTypeLike | None, source: Source | None = None) -> Tensor:
    """Draw uniform numbers from [0, 1)."""
    levels: dict[Any, int] = {None: dtypes.NUMBER, np.dtype("float32"): dtypes.FLOAT32, np.dtype("float64"): dtypes.FLOAT64}
    wanted = None if dtype is None else np.dtype(dtype)
    if wanted not in levels:
        raise DTypeError(f"Random numbers cannot have dtype {wanted}. Use float32 or float64.")
    state, stream = (_state if source is None else source).draw()
    made: Tensor = ops.uniform(state, shape=shape, stream=stream)
    return cast(made, levels[wanted])


def _is(value: Any, other: float) -> bool:
    return isinstance(value, (int, float)) and value == other
