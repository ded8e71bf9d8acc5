"""Functions of ``tf`` in a graph: a call creates an operation, and a session calls the function.

To find the dtypes and shapes of the results, the function is called on tensors without values, with several sizes in place of
each unknown size. Sizes that are the same in all calls are known.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.dtypes import DType
from jitgrad.compat.tensorflow.errors import ConversionError, InvalidArgumentError
from jitgrad.compat.tensorflow.tensor import INT32, convert, integer_of, made, wrap_array
from jitgrad.compat.tensorflow.tensor import Tensor as Eager
from jitgrad.compat.tensorflow.v1.graph import Operation, Sizes, Symbol, Tensor, tensors_in
from jitgrad.errors import JitgradError, TracingError
from jitgrad.tape import trace
from jitgrad.tape.operators import Operators
from jitgrad.tape.tensor import placeholder
from jitgrad.tape.tree import tree_leaves, tree_map

_NONE_OPEN = -1
_USUAL = ((97, 2), (89, 2), (1, 2), (97, 1), (97, 0), (97, 3))
_RANK_KNOWN = 3
"""The values tried for unknown sizes, and the numbers of axes tried for unknown shapes."""


class _World:
    """Tensors without values that stand in for a graph's Tensors. Each unknown size is replaced by ``size``."""

    def __init__(self, size: int, rank: int) -> None:
        self.size, self.rank = size, rank
        self._made: dict[int, Any] = {}

    def stand_in(self, x: Any) -> Any:
        """Return the stand-in for a Tensor. Computed integers have values, because shapes depend on them."""
        if not isinstance(x, Tensor):
            return x
        if id(x) not in self._made:
            if _is_computed(x):
                for output, value in zip(x.op.outputs, self.results(x.op), strict=True):
                    self._made[id(output)] = value
            else:
                sizes = (None,) * self.rank if x._sizes is None else x._sizes
                shape = tuple(self.size if n is None else n for n in sizes)
                self._made[id(x)] = made(placeholder(shape, x.dtype.level), x.dtype.dtype if x.dtype.is_integer else INT32)
        return self._made[id(x)]

    def results(self, op: Operation) -> list[Any]:
        """Return the results of an operation."""
        args, kwargs = tree_map(self.stand_in, (op.args, op.kwargs))
        results: list[Any] = op.call(*args, **kwargs)
        return results


def _is_computed(x: Tensor) -> bool:
    """Return whether an operation has integer results that can be computed from the stand-ins, like ``tf.shape``."""
    return x.dtype.is_integer and x.op.type not in _UNCOMPUTED


_UNCOMPUTED = {"Placeholder", "Gradients", "Assign", "AssignAdd", "AssignSub"}
"""Operations whose results cannot be inferred by calling them."""


class _Call:
    """The function of an operation on values, which are Tensors of TensorFlow 2."""

    __slots__ = ("f", "name")

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f
        self.name = getattr(f, "__name__", "op")

    def nest(self, args: Any, kwargs: Any) -> Any:
        """Return the results for the given values of Tensors and Variables."""
        args, kwargs = tree_map(lambda x: eager(x) if isinstance(x, Symbol) else x, (args, kwargs))
        return tree_map(eager, self.f(*args, **kwargs))

    def __call__(self, *args: Any, **kwargs: Any) -> list[Any]:
        return tree_leaves(self.nest(args, kwargs))


def _constant(nest: Any) -> Callable[[], Any]:
    """Return a function that returns the Tensors of a nest, whose values are known."""
    fixed = tree_map(lambda x: wrap_array(x.numpy(), x.dtype), nest)
    return lambda: fixed


def eager(x: Any) -> Eager:
    """Convert a value to a Tensor of TensorFlow 2."""
    if isinstance(x, Eager):
        return x
    return made(x._read(), integer_of(x)) if isinstance(x, Operators) else convert(x)


def operation(
    type: str, f: Callable[..., Any], args: tuple[Any, ...], kwargs: Any = None, name: str | None = None, draws: bool = False
) -> Any:
    """Return the Tensors of an operation that calls ``f``, nested like its results.

    If there is no Tensor among the arguments, it is a constant, unless it ``draws`` random numbers.
    """
    call = _Call(f)
    if not draws and not any(isinstance(x, Symbol) for x in tree_leaves((args, kwargs))):
        call = _Call(_constant(call.nest(args, kwargs or {})))
        args, kwargs = (), {}
    op = Operation(type, call, args, kwargs, name)
    nest = _known(op, call)
    places = iter(range(len(tree_leaves(nest))))
    return tree_map(lambda known: Tensor(op, next(places), *known), nest)


def _known(op: Operation, call: _Call) -> Any:
    """Return the known dtypes and shapes of an operation's results. Raises errors that do not depend on unknown sizes."""
    error: JitgradError | None = None
    for worlds in _attempts(op):
        found = []
        for world in worlds:
            try:
                with trace.tracing():
                    found.append((world, call.nest(*tree_map(world.stand_in, (op.args, op.kwargs)))))
            except TracingError:  # results that depend on values, such as tf.range(n), are unknown
                error = None
                break
            except JitgradError as e:
                error = error or e
        if found:
            return _merged(found, any_rank=len(found) < len(worlds) and _is_open(op))
        if error is None:
            break
    if error is not None:
        if isinstance(error, InvalidArgumentError) and not isinstance(error, ValueError):
            raise ConversionError(str(error)) from None
        raise error
    first = next((x.dtype for x in tensors_in((op.args, op.kwargs)) if x.dtype.is_floating), dtypes.float32)
    return _Leaf(first, None)


def _attempts(op: Operation) -> Iterator[list[_World]]:
    """Return the sizes to try: the usual ones; if the function accepts none of them, 1 and the sizes of its operands."""
    given = tensors_in((op.args, op.kwargs))
    open_rank = _is_open(op)
    if not open_rank and not any(None in (x._sizes or ()) or _is_computed(x) for x in given):
        yield [_World(_NONE_OPEN, 0)]
        return
    yield [_World(*usual) for usual in (_USUAL if open_rank else _USUAL[:_RANK_KNOWN])]
    yield [_World(size, rank) for size in _sizes_in(op) for rank in ((2, 1, 0, 3) if open_rank else (0,))]


def _sizes_in(op: Operation) -> list[int]:
    """Return possible values of an unknown size: 1, the sizes of other operands, and sizes in a shape among the arguments."""
    found = {1}
    for x in tree_leaves((op.args, op.kwargs)):
        if isinstance(x, (Symbol, np.ndarray)):
            found |= {int(n) for n in (x.get_shape().plain or () if isinstance(x, Symbol) else x.shape) if n}
    for x in (*op.args, *op.kwargs.values()):
        if isinstance(x, (list, tuple)) and not tensors_in(x):
            found.add(len(x))
            if all(isinstance(n, int) for n in x):
                found.add(abs(math.prod(x)))
    return sorted(found)


def _is_open(op: Operation) -> bool:
    """Return whether an operand may have any number of axes."""
    return any(x._sizes is None for x in tensors_in((op.args, op.kwargs)))


class _Leaf:
    """The known dtype and shape of a result."""

    def __init__(self, dtype: DType, sizes: Sizes) -> None:
        self.dtype, self.sizes = dtype, sizes

    def __iter__(self) -> Iterator[Any]:
        return iter((self.dtype, self.sizes))


def _merged(found: list[tuple[_World, Any]], any_rank: bool) -> Any:
    """Return the common dtype and sizes of the results of several calls. With ``any_rank``, the shape is unknown."""
    _, first = found[0]
    columns = zip(*(tree_leaves(nest) for _, nest in found), strict=True)
    worlds = [world for world, _ in found]
    leaves = iter([_Leaf(column[0].dtype, None if any_rank else _common(column, worlds)) for column in columns])
    return tree_map(lambda _: next(leaves), first)


def _common(results: tuple[Any, ...], worlds: list[_World]) -> Sizes:
    shapes = [x._read().shape for x in results]
    if len({len(shape) for shape in shapes}) > 1:
        return None
    tried = {world.size for world in worlds}
    either = tried if len(tried) == 1 else ()  # this size may stand in for an unknown one
    sizes = zip(*shapes, strict=True)
    return tuple(axis[0] if len(set(axis)) == 1 and axis[0] not in either else None for axis in sizes)


def staged(type: str, f: Callable[..., Any], draws: bool = False) -> Callable[..., Any]:
    """Return a function that creates an operation for each call of ``f``; see ``operation``."""

    @functools.wraps(f)
    def stage(*args: Any, name: str | None = None, **kwargs: Any) -> Any:
        return operation(type, f, args, kwargs, name, draws)

    return stage
