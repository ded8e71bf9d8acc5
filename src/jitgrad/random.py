"""The one source of randomness: seed it, and everything that draws from it repeats itself.

Numbers are counted, not remembered (``vm/kernels/random.py``): each is a function of the seed, of how many calls (or runs of a
traced function) there were before, and of its place. So they do not depend on how a fit is cut into chunks, and inside a traced
function every run, every step of ``fit`` too, draws new ones.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

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

__all__ = [
    "Source",
    "bernoulli",
    "generator",
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
    """The key and the number of the step, see ``vm.kernels.random``."""

    __slots__ = ()
    shared = True

    def __init__(self, key: int) -> None:
        super().__init__(np.zeros(ops.STATE_SIZE), "random_state")
        self.set_key(key)

    def set_key(self, key: int) -> None:
        self.store([key & (2**22 - 1), key >> 22 & (2**21 - 1), key >> 43, 0, 0])

    def draw(self) -> tuple[Tensor, int]:
        """The state of this call, and the stream: in a trace that of the draw, in a step of its own 0."""
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
            raise ShapeError("A traced function draws random numbers more than 65536 times. Draw larger arrays.")
        return self.leaf, stream


_state = _State(int(_generator.integers(MAX_SEED)))


class Source:
    """Numbers of their own for ``uniform`` and ``normal``: they depend on its seed alone, not on ``random.seed``."""

    def __init__(self, n: int) -> None:
        self._state = _State(count("seed", n, 0, MAX_SEED))

    def draw(self) -> tuple[Tensor, int]:
        """The state of a call, and the stream."""
        return self._state.draw()

    def get_state(self) -> np.ndarray:
        """All that the next numbers depend on."""
        return np.array(self._state.numpy())

    def set_state(self, state: np.ndarray) -> None:
        """Go on as from a state that ``get_state`` returned."""
        self._state.store(state)


def seed(n: int) -> None:
    """Seed everything that jitgrad draws: these functions, shuffling of rows, initial weights.

    Raises ArgumentError for a negative seed.
    """
    global _generator
    _generator = np.random.default_rng(count("seed", n, 0, MAX_SEED))
    _state.set_key(n)


def generator(n: int | None = None) -> np.random.Generator:
    """NumPy's generator to draw from: one seeded by ``n``, or the common one."""
    return _generator if n is None else np.random.default_rng(n)


def get_state() -> dict[str, Any]:
    """All that the next numbers depend on, as nested dicts of numbers, texts and arrays."""
    return {"generator": _generator.bit_generator.state, "counted": np.array(_state.numpy())}


def set_state(state: dict[str, Any]) -> None:
    """Go on as from a state that ``get_state`` returned."""
    _generator.bit_generator.state = state["generator"]
    _state.store(state["counted"])


@public()
def uniform(
    shape: int | Sequence[int] = (), low: Any = 0.0, high: Any = 1.0, dtype: Any = None, source: Source | None = None
) -> Tensor:
    """Numbers from ``low`` on and below ``high``, each as likely.

    Args:
        shape: of the result.
        low, high: numbers or Tensors that broadcast to it; gradients pass to them.
        dtype: float32 or float64. By default it adapts to what it is combined with, as a Python number does.
        source: where the numbers come from, by default the common source.
    """
    unit = _unit(shape_of(shape), dtype, source)
    return unit if _is(low, 0) and _is(high, 1) else low + (as_tensor(high) - low) * unit


@public()
def normal(
    shape: int | Sequence[int] = (), mean: Any = 0.0, std: Any = 1.0, dtype: Any = None, source: Source | None = None
) -> Tensor:
    """Normally distributed numbers; arguments as ``uniform``'s.

    Box and Muller, "A note on the generation of random normal deviates", 1958.
    """
    size = shape_of(shape)
    pair = _unit((2, *size), dtype, source)
    standard = sqrt(-2.0 * log(1.0 - pair[0])) * cos(2 * math.pi * pair[1])
    return standard if _is(mean, 0) and _is(std, 1) else mean + standard * std


@public()
def bernoulli(p: Any = 0.5, shape: int | Sequence[int] | None = None) -> Tensor:
    """Booleans that are true with probability ``p``, of the shape of ``p`` by default."""
    p = as_tensor(p)
    return less(_unit(p.shape if shape is None else shape_of(shape), None), p)


@public()
def truncated_normal(
    shape: int | Sequence[int] = (), mean: Any = 0.0, std: Any = 1.0, low: float = -2.0, high: float = 2.0, dtype: Any = None
) -> Tensor:
    """Normally distributed numbers of which those outside of ``low`` to ``high`` standard deviations are left out.

    By the inverse of the distribution function, so bounds further out than 8 are as good as none.
    """
    first, last = (math.erf(min(max(number("truncated_normal: an end", end), -8.0), 8.0) / math.sqrt(2)) for end in (low, high))
    if not first < last:
        raise ArgumentError(f"truncated_normal: nothing is between {low} and {high}. Give the lower end first, both within ±8.")
    standard = math.sqrt(2) * erfinv(uniform(shape, first, last, dtype))
    return mean + clip(standard, low, high) * std


@public()
def randint(low: int, high: int | None = None, shape: int | Sequence[int] = ()) -> Tensor:
    """Whole numbers from ``low`` on and below ``high``, each as likely, as int64; from 0 on where only one is given."""
    first, last = (0, operator.index(low)) if high is None else (operator.index(low), operator.index(high))
    if not first < last <= first + 2**24:
        raise ArgumentError(f"randint: from {first} to below {last}. Give the lower one first, and no more than 2²⁴ numbers.")
    places = minimum(floor(_unit(shape_of(shape), None) * float(last - first)), last - first - 1)  # a product may round up
    return first + cast(places, dtypes.INTEGER)


@public()
def permutation(x: Any) -> Tensor:
    """The rows of ``x`` in random order, or the numbers below ``x``."""
    if isinstance(x, (int, np.integer)):
        return argsort(_unit((count("permutation: the number", x, 0),), None))
    x = as_tensor(x)
    if not x.ndim:
        raise ShapeError("permutation: a Tensor without axes has no rows. Give a whole number of Python's, or rows.")
    return take(x, argsort(_unit(x.shape[:1], None)), axis=0)


def _unit(shape: tuple[int, ...], dtype: Any, source: Source | None = None) -> Tensor:
    levels = {None: dtypes.NUMBER, np.dtype("float32"): dtypes.FLOAT32, np.dtype("float64"): dtypes.FLOAT64}
    wanted = None if dtype is None else np.dtype(dtype)
    if wanted not in levels:
        raise DTypeError(f"Random numbers of dtype {wanted} are not drawn. Use float32 or float64.")
    state, stream = (_state if source is None else source).draw()
    made: Tensor = ops.uniform(state, shape=shape, stream=stream)
    return cast(made, levels[wanted])


def _is(value: Any, other: float) -> bool:
    return isinstance(value, (int, float)) and value == other
