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
from jitgrad.ops.linear import broadcast_to
from jitgrad.ops.table import Op, Shape, Shapes, broadcast_shape, declare
from jitgrad.tape import dtypes
from jitgrad.tape.protocol import public
from jitgrad.tape.recording import Recording
from jitgrad.tape.tensor import Tensor, as_tensor, record, retyped
from jitgrad.tape.tree import operands_first, tree_leaves, tree_map, tree_pack
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
        with Recording() as inside:
            pair = f(*inputs)
        if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
            raise ArgumentError(f"{name} returns no pair of a result and a function of cotangents. Return (result, gradient).")
        result, gradient = pair
        return _with_gradient(name, result, inputs, inside, lambda g, y: gradient(*g))

    return function


def _with_gradient(name: str, result: Any, inputs: Sequence[Tensor], inside: Recording, pull: Callable[[Any, Any], Any]) -> Any:
    """A Tensor or a nest of them, recorded ``inside``, with ``pull(cotangents, results)`` for the cotangents of ``inputs``."""
    outputs = [as_tensor(y) for y in tree_leaves(result)]
    besides = _read_besides(outputs, inputs, inside)
    count, several = len(outputs), len(outputs) != 1

    def pullback(g: Any, y: Any, *operands: Any, results: int) -> list[Any]:
        found = pull(g, y) if several else pull((g,), (y,))
        refused = TapeError(
            f"{name} has a gradient of its own, and reads what is differentiated by besides its arguments. "
            f"Pass it as an argument, or detach() it inside."
        )
        return [*[None] * count, *_cotangents(name, found, inputs), *[refused] * len(besides)]

    op = Op(
        "with_gradient",
        count + len(inputs) + len(besides),
        lambda op, shapes, attrs: Shapes(shapes[:count]) if several else shapes[0],
        (),
        lambda *xs, results: xs[:results] if several else xs[0],
        pullback=pullback,
        constants=tuple(range(count)),
        result="same",
    )
    made = record(op, (*outputs, *inputs, *besides), {"results": count})
    nodes = [*made] if several else [made]
    for one, y in zip(nodes, outputs, strict=True):
        retyped(one, y.level)
    return tree_pack(result, nodes)


def _read_besides(outputs: Sequence[Tensor], inputs: Sequence[Tensor], inside: Recording) -> list[Tensor]:
    """What a function reads besides its inputs and could be differentiated by."""
    passed = {id(x) for x in inputs}

    def below(node: Tensor) -> list[Tensor]:
        op = node.op
        if op is None or id(node) in passed or node.level <= dtypes.INTEGER or not inside.has(node):
            return []
        return [x for i, x in enumerate(node.inputs) if op.passes(i)]

    found = [t for t in operands_first(outputs, below) if id(t) not in passed and t.level > dtypes.INTEGER]
    return [t for t in found if not inside.has(t) or t.variable is not None or (t.op is None and t.gradient is not None)]


def _cotangents(name: str, value: Any, operands: Sequence[Any]) -> list[Any]:
    """The cotangents of the operands, checked; None for one without."""
    found = list(value) if isinstance(value, (tuple, list)) else [value]
    if len(found) != len(operands):
        raise ArgumentError(f"The vjp of {name} returns {len(found)} cotangents for {len(operands)} operands. Return one each.")
    made = [None if g is None else as_tensor(g) for g in found]
    for i, (g, operand) in enumerate(zip(made, operands, strict=True)):
        if g is not None and g.shape != operand.shape:
            raise ShapeError(
                f"The vjp of {name} returns shape {g.shape} for operand {i} of shape {operand.shape}. Return its shape."
            )
    return made


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
            if self._vjp is None:
                return tree_map(as_tensor, self._forward(*inputs))
            with Recording() as inside:
                result = self._forward(*inputs)
            alone = not isinstance(result, (tuple, list))
            pull = lambda g, y: self._vjp(*((g[0], y[0]) if alone else (g, y)), *inputs)  # noqa: E731
            return _with_gradient(self.name, result, inputs, inside, pull)
        if self._shape is None:
            common = broadcast_shape(self._row, tuple(t.shape for t in inputs), {})
            inputs = [t if t.shape == common else broadcast_to(t, shape=common) for t in inputs]
        return self._row(*inputs)

    def _declared(self) -> Op:
        """The row of the table for compiled code."""

        def shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
            return shapes[0] if self._shape is None else _checked_shapes(self.name, self._shape(*shapes), shapes)

        advice = "return one of as many axes as the operands, or as the shape function says"
        name = f"{self.name}#{next(_numbers)}"
        address = functools.partial(_address, name, self._forward, advice, None)
        return declare(
            Op(
                name, self._arity, shape, (), _python(self._forward),
                pullback=self._pullback, kernel=address, result="float",
            )
        )  # fmt: skip

    def _pullback(self, g: Any, y: Any, *operands: Any) -> Any:
        if self._vjp is None:
            raise TapeError(f"The custom op {self.name} has no derivative. Give it a vjp by def_vjp().")
        if not _is_compiled(self._vjp):
            return _cotangents(self.name, self._vjp(g, y, *operands), operands)
        if self._vjp_row is None:
            self._vjp_row = self._declared_vjp()
        several = isinstance(y, tuple)
        return self._vjp_row(*(g if several else (g,)), *(y if several else (y,)), *operands)

    def _declared_vjp(self) -> Op:
        """The row for a compiled vjp, of all cotangents, all results and all operands, which has the operands' cotangents."""

        def shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shapes:
            return Shapes(shapes[-self._arity :])

        def no_rule(g: Any, y: Any, *operands: Any) -> Any:
            raise TapeError(
                f"The vjp of the custom op {self.name} is compiled, so it has no derivative, and the op no forward mode. "
                f"Give def_vjp() a function made of jitgrad's functions for these."
            )

        name = f"{self.name}.vjp#{next(_numbers)}"
        address = functools.partial(_address, name, self._vjp, "return a cotangent for each operand", self._arity)
        return declare(Op(name, None, shape, (), _python(self._vjp), pullback=no_rule, kernel=address, result="float"))


def _address(
    name: str, function: Any, advice: str, operands: int | None, dtype: Any, outs: tuple[int, ...], ndims: tuple[int, ...]
) -> int:
    """Where the code is of a function, or of the vjp of one of so many operands."""
    with forks.loading:  # as in vm.late
        from jitgrad.vm import custom  # Numba

    results = 1 if operands is None else (len(ndims) - operands) // 2
    compiled = custom.kernel(function, dtype, outs, ndims, advice, grouped=results if results > 1 else 0)
    return addresses.note(addresses.custom(name, dtype, outs, ndims), compiled)


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
            array or a number, or a tuple of them; the interpreter calls it by its address. Or a function made of jitgrad's
            functions.
        vjp: ``vjp(g, y, *operands)``, the cotangents of the operands as a tuple (or one), from that of the result. One made
            of jitgrad's functions is best: it has derivatives itself, and gives forward mode, too. One compiled by
            ``numba.njit`` gives first derivatives in reverse mode. Of an op with several results g and y are tuples.
        shape: for compiled code, a function from the operands' shapes to the result's, a tuple, or a tuple of those of
            several results. Without it the operands broadcast, and the result has their shape. Compiled code must return
            arrays of just these shapes.
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


def _checked_shapes(name: str, given: Any, shapes: tuple[Shape, ...]) -> Shape:
    """The shape of a result, or those of several, as the user's function gave them for operands of ``shapes``."""
    several = isinstance(given, (tuple, list)) and len(given) > 1 and all(isinstance(s, (tuple, list)) for s in given)
    made = [_sizes(shape) for shape in (given if several else [given])]
    if None in made:
        raise ShapeError(
            f"The shape function of the custom op {name} returned {given!r} for operands of shapes "
            f"{', '.join(map(str, shapes))}. Return a tuple of whole numbers from 0 on, or a tuple of several such tuples."
        )
    return Shapes(made) if several else made[0]


def _sizes(shape: Any) -> Any:
    """A shape as a tuple of integers, or None for what is none."""
    try:
        if not isinstance(shape, (tuple, list)) or any(isinstance(n, bool) for n in shape):
            return None
        made = tuple(map(operator.index, shape))
    except TypeError:
        return None
    if len(made) > _MOST_AXES or any(n < 0 for n in made) or math.prod(n or 1 for n in made) > _MOST_ELEMENTS:
        return None
    return made


_MOST_AXES, _MOST_ELEMENTS = 64, 2**40


def _is_compiled(function: Any) -> bool:
    """Whether Numba compiles it. A wrapper of compiled code has its attributes, but is no dispatcher."""
    numba = sys.modules.get("numba.core.dispatcher")
    return numba is not None and isinstance(function, numba.Dispatcher)


def _python(function: Any) -> Callable[..., Any]:
    python: Callable[..., Any] = function.py_func
    return python
