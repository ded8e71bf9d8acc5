"""A user's own ops and gradients."""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import operator
import sys
from collections.abc import Callable, Sequence
from typing import Any

from jitgrad.arguments import function_name
from jitgrad.errors import ArgumentError, ShapeError, TapeError
from jitgrad.ops.linear import broadcast_to, reshape, slice_
from jitgrad.ops.table import Op, Shape, broadcast_shape, declare
from jitgrad.tape.autodiff import constant
from jitgrad.tape.backward import Gradient
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, record
from jitgrad.tape.tree import tree_leaves, tree_pack
from jitgrad.vm import addresses, forks

_numbers = itertools.count()


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function with a gradient of its own, as TensorFlow has it.

    Args:
        f: takes Tensors and returns a pair: its result, a Tensor or a nest of them, and a function from the cotangents of these
            to those of the arguments, one or a tuple, None where there is none. Both are made of functions of jitgrad.

    Returns:
        The function without the second of the pair. Its own derivatives are those of the functions it is made of. Forward
        mode uses it, too, where it is linear in the cotangents. Differentiating by what ``f`` reads besides its arguments, a
        Variable say, raises TapeError: pass it.

    Example:
        >>> @custom_gradient
        ... def log1pexp(x):
        ...     e = exp(x)
        ...     return log(1 + e), lambda g: g * (1 - 1 / (1 + e))
    """

    name = function_name(f)

    @public()
    @functools.wraps(f)
    def function(*operands: Any) -> Any:
        inputs = [as_tensor(x) for x in operands]
        pair = f(*inputs)
        if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
            raise ArgumentError(f"{name} returns no pair of a result and a function of cotangents. Return (result, gradient).")
        result, gradient = pair
        outputs = [as_tensor(y) for y in tree_leaves(result)]
        made = []
        for k, y in enumerate(outputs):

            def pull(g: Any, k: int = k) -> list[Any]:
                return _as_list(gradient(*[g if i == k else constant(0.0, t) for i, t in enumerate(outputs)]))

            made.append(_with_gradient(name, y, inputs, pull))
        return tree_pack(result, list(made))

    return function


def _with_gradient(name: str, y: Tensor, inputs: Sequence[Tensor], pull: Callable[[Any], list[Any]]) -> Tensor:
    """The value of ``y``, with ``pull`` for its derivatives by ``inputs`` instead of its own."""

    def rule(i: int) -> Callable[..., Any]:
        def vjp(g: Any, *operands: Any) -> Any:
            return _cotangent(name, pull(g), i, inputs)

        return vjp

    rules = (None, *(rule(i) for i in range(len(inputs))))
    op = Op(
        "with_gradient",
        len(inputs) + 1,
        lambda op, shapes, attrs: shapes[0],
        rules,
        lambda y, *xs: y,
        replaces=name,
        result="same",
    )
    made = record(op, (y, *inputs), {})
    made.level = y.level
    if made.gradient is None and y.gradient is not None:  # of what the function reads besides: backward will say so
        made.gradient = Gradient()
    return made


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (tuple, list)) else [value]


def _cotangent(name: str, found: list[Any], i: int, operands: Sequence[Any]) -> Any:
    """The cotangent of operand ``i``, checked; 0 for None."""
    if len(found) != len(operands):
        raise ArgumentError(f"The vjp of {name} returns {len(found)} cotangents for {len(operands)} operands. Return one each.")
    if found[i] is None:
        return 0
    g = as_tensor(found[i])
    if g.shape != operands[i].shape:
        raise ShapeError(
            f"The vjp of {name} returns shape {g.shape} for operand {i} of shape {operands[i].shape}. Return its shape."
        )
    return g


class CustomOp:
    """An op of the user's; made by ``custom_op``. Its state is in slots, which ``functools.wraps`` does not copy."""

    __slots__ = ("__dict__", "__weakref__", "_arity", "_forward", "_row", "_shape", "_vjp", "_vjp_row", "name")

    def __init__(self, forward: Callable[..., Any], vjp: Any, shape: Callable[..., Shape] | None, name: str | None) -> None:
        plain = _python(forward) if _is_compiled(forward) else forward
        functools.update_wrapper(self, plain)
        self.name = name or function_name(plain)
        self._forward = forward
        self._vjp = vjp
        self._shape = shape
        self._arity = len(inspect.signature(plain).parameters)
        self._row = self._declared() if _is_compiled(forward) else None
        self._vjp_row: Op | None = None

    def def_vjp(self, vjp: Callable[..., Any]) -> Callable[..., Any]:
        """Use ``vjp(g, y, *operands)`` for the cotangents of the operands; also a decorator. See ``custom_op``."""
        self._vjp = vjp
        self._vjp_row = None
        return vjp

    def __call__(self, *operands: Any) -> Tensor:
        """Record the op."""
        return _call(self, *operands)

    def __repr__(self) -> str:
        return f"<custom op {self.name}>"

    def record(self, *operands: Any) -> Tensor:
        if len(operands) != self._arity:
            raise TypeError(f"{self.name} takes {self._arity} operands and got {len(operands)}. Give {self._arity}.")
        inputs = [as_tensor(x) for x in operands]
        if self._row is None:
            y = as_tensor(self._forward(*inputs))
            if self._vjp is None:
                return y
            return _with_gradient(self.name, y, inputs, lambda g: _as_list(self._vjp(g, y, *inputs)))
        if self._shape is None:
            common = broadcast_shape(self._row, tuple(t.shape for t in inputs), {})
            inputs = [t if t.shape == common else broadcast_to(t, shape=common) for t in inputs]
        made: Tensor = self._row(*inputs)
        return made

    def _declared(self) -> Op:
        """The row of the table for compiled code."""

        def shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
            return shapes[0] if self._shape is None else _checked_shape(self.name, self._shape(*shapes), shapes)

        def address(dtype: Any, out: int, ndims: tuple[int, ...]) -> int:
            with forks.loading:  # as in vm.late
                from jitgrad.vm import custom  # Numba

            return addresses.note(addresses.custom(name, dtype, out, ndims), custom.kernel(self._forward, dtype, out, ndims))

        rules = tuple(functools.partial(self._pulled, i) for i in range(self._arity))
        name = f"{self.name}#{next(_numbers)}"
        return declare(Op(name, self._arity, shape, rules, _python(self._forward), kernel=address, result="float"))

    def _pulled(self, i: int, g: Any, y: Any, *operands: Any) -> Any:
        if self._vjp is None:
            raise TapeError(f"The custom op {self.name} has no derivative. Give it a vjp by def_vjp().")
        if not _is_compiled(self._vjp):
            return _cotangent(self.name, _as_list(self._vjp(g, y, *operands)), i, operands)
        if self._vjp_row is None:
            self._vjp_row = self._declared_vjp()
        together = self._vjp_row(g, y, *operands)
        start = sum(x.size for x in operands[:i])
        return reshape(slice_(together, starts=(start,), steps=(1,), shape=(operands[i].size,)), shape=operands[i].shape)

    def _declared_vjp(self) -> Op:
        """The row for a compiled vjp: all cotangents in one row of elements."""

        def shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
            return (sum(math.prod(s) for s in shapes[2:]),)

        def address(dtype: Any, out: int, ndims: tuple[int, ...]) -> int:
            with forks.loading:  # as in vm.late
                from jitgrad.vm import custom  # Numba

            callee = addresses.custom(name, dtype, out, ndims, is_vjp=True)
            return addresses.note(callee, custom.vjp_kernel(self._vjp, dtype, ndims))

        def no_rule(g: Any, y: Any, *operands: Any) -> Any:
            raise TapeError(
                f"The vjp of the custom op {self.name} is compiled, so it has no derivative, and the op no forward mode. "
                f"Give def_vjp() a function made of jitgrad's functions for these."
            )

        name, count = f"{self.name}.vjp#{next(_numbers)}", self._arity + 2
        return declare(Op(name, count, shape, (no_rule,) * count, _python(self._vjp), kernel=address, result="float"))


@public()
def _call(op: CustomOp, *operands: Any) -> Tensor:
    return op.record(*operands)


def custom_op(
    forward: Callable[..., Any] | None = None,
    *,
    vjp: Callable[..., Any] | None = None,
    shape: Callable[..., Shape] | None = None,
    name: str | None = None,
) -> Any:
    """An op of your own, which takes part in everything: tapes, traced functions, the native loop of ``fit``.

    Args:
        forward: a function compiled by ``numba.njit``, of arrays and of numbers where an operand has no axis, that returns an
            array or a number; the interpreter calls it by its address. Or a function made of jitgrad's functions.
        vjp: ``vjp(g, y, *operands)``, the cotangents of the operands as a tuple (or one), from that of the result. One made
            of jitgrad's functions is best: it has derivatives itself, and gives forward mode, too. One compiled by
            ``numba.njit`` gives first derivatives in reverse mode.
        shape: for compiled code, a function from the operands' shapes to the result's, a tuple. Without it the operands
            broadcast, and the result has their shape. Compiled code must return an array of just that shape.
        name: what errors call it; by default the function's.

    Where compiled code raises, its result is nan, and Python prints the error. It is compiled once a process for each dtype
    and number of axes.

    Example:
        >>> @custom_op
        ... @numba.njit
        ... def product(x, y):
        ...     return x * y
        >>> @product.def_vjp
        ... def _(g, out, x, y):
        ...     return g * y, g * x
    """
    if shape is not None and not callable(shape):
        raise ArgumentError(f"shape is {shape!r}. Give a function from the operands' shapes to the result's.")
    if forward is None:
        return functools.partial(custom_op, vjp=vjp, shape=shape, name=name)
    return CustomOp(forward, vjp, shape, name)


def _checked_shape(name: str, shape: Any, shapes: tuple[Shape, ...]) -> Shape:
    """A result's shape as the user's function gave it for operands of ``shapes``."""
    try:
        if not isinstance(shape, (tuple, list)) or any(isinstance(n, bool) for n in shape):
            raise TypeError
        made = tuple(map(operator.index, shape))
    except TypeError:
        made = (-1,)
    if len(made) > _MOST_AXES or any(n < 0 for n in made) or math.prod(n or 1 for n in made) > _MOST_ELEMENTS:
        raise ShapeError(
            f"The shape function of the custom op {name} returned {shape!r} for operands of shapes "
            f"{', '.join(map(str, shapes))}. Return a tuple of whole numbers from 0 on."
        )
    return made


_MOST_AXES, _MOST_ELEMENTS = 64, 2**40


def _is_compiled(function: Any) -> bool:
    """Whether Numba compiles it. A wrapper of compiled code has its attributes, but is no dispatcher."""
    numba = sys.modules.get("numba.core.dispatcher")
    return numba is not None and isinstance(function, numba.Dispatcher)


def _python(function: Any) -> Callable[..., Any]:
    python: Callable[..., Any] = function.py_func
    return python
