"""Custom ops and custom gradients."""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import operator
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast, overload

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

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

_numbers = itertools.count()


def custom_gradient(f: Callable[P, tuple[R, Callable[..., Any]]]) -> Callable[P, R]:
    """Decorate a function that defines its own gradient, as in TensorFlow.

    Parameters
    ----------
    f : callable
        A function of Tensors that returns a pair: its result, which is a Tensor or lists, tuples and dicts of Tensors, and a
        function from the cotangents of the result to the cotangents of the arguments (one or a tuple, None for an argument
        without a gradient). Both must be written with functions of jitgrad.

    Returns
    -------
    callable
        The function without the second element of the pair.

    Raises
    ------
    TapeError
        When a gradient is taken with respect to a value that ``f`` reads besides its arguments, such as a Variable. Pass it
        as an argument.

    See Also
    --------
    custom_op : Define an op, also from compiled code.

    Notes
    -----
    The gradient itself is differentiable, through the functions that it calls. Forward mode also uses it if it is linear in
    the cotangents.

    Examples
    --------
    >>> @jg.custom_gradient
    ... def log1pexp(x):
    ...     e = jg.exp(x)
    ...     return jg.log(1 + e), lambda g: g * (1 - 1 / (1 + e))
    >>> float(jg.grad(log1pexp)(100.0))
    1.0
    """
    name, untyped = function_name(f), cast(Callable[..., Any], f)

    @public()
    @functools.wraps(f)
    def function(*operands: Any) -> Any:
        inputs = [as_tensor(x) for x in operands]
        with Recording() as inside:
            pair = untyped(*inputs)
        if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
            raise ArgumentError(
                f"{name} must return a pair of a result and a function of its cotangents. Return (result, gradient)."
            )
        result, gradient = pair
        return _with_gradient(name, result, inputs, inside, lambda g, y: gradient(*g))

    return cast(Callable[P, R], function)


def _with_gradient(name: str, result: Any, inputs: Sequence[Tensor], inside: Recording, pull: Callable[[Any, Any], Any]) -> Any:
    """Give Tensors recorded ``inside`` the derivative ``pull(cotangents, results)``, which returns cotangents of ``inputs``."""
    outputs = [as_tensor(y) for y in tree_leaves(result)]
    besides = _read_besides(outputs, inputs, inside)
    count, several = len(outputs), len(outputs) != 1

    def pullback(wanted: Any, g: Any, y: Any, *operands: Any, results: int) -> list[Any]:
        found = pull(g, y) if several else pull((g,), (y,))
        refused = TapeError(
            f"{name} has a custom gradient, and reads a source of the gradient that is not one of its arguments. "
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
    """Return the Tensors that a function reads besides its inputs, if a derivative with respect to them exists."""
    passed = {id(x) for x in inputs}

    def below(node: Tensor) -> list[Tensor]:
        op = node.op
        if op is None or id(node) in passed or node.level <= dtypes.INTEGER or not inside.has(node):
            return []
        return [x for i, x in enumerate(node.inputs) if op.passes(i)]

    found = [t for t in operands_first(outputs, below) if id(t) not in passed and t.level > dtypes.INTEGER]
    return [t for t in found if not inside.has(t) or t.variable is not None or (t.op is None and t.gradient is not None)]


def _cotangents(name: str, value: Any, operands: Sequence[Any]) -> list[Any]:
    """Check the cotangents that a vjp returned; None stands for an operand without a gradient."""
    found = list(value) if isinstance(value, (tuple, list)) else [value]
    if len(found) != len(operands):
        raise ArgumentError(
            f"The vjp of {name} returns {len(found)} cotangents for {len(operands)} operands. Return one for each."
        )
    made = [None if g is None else as_tensor(g) for g in found]
    for i, (g, operand) in enumerate(zip(made, operands, strict=True)):
        if g is not None and g.shape != operand.shape:
            raise ShapeError(
                f"The vjp of {name} returns shape {g.shape} for operand {i} of shape {operand.shape}. Return that shape."
            )
    return made


class CustomOp(Generic[P, R]):
    """An op that ``custom_op`` returns. Its state is in slots because ``functools.wraps`` copies the ``__dict__``."""

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

    def def_vjp(self, vjp: F) -> F:
        """Use ``vjp(g, y, *operands)`` for the cotangents of the operands. This method can be used as a decorator.

        Parameters
        ----------
        vjp : callable
            The vector-Jacobian product; see ``custom_op``.

        Returns
        -------
        callable
            ``vjp`` itself.
        """
        self._vjp = vjp
        self._vjp_row = None
        return vjp

    if TYPE_CHECKING:

        def __call__(self, *operands: P.args, **options: P.kwargs) -> R: ...

    else:

        def __call__(self, *operands: Any) -> Any:
            """Record the op."""
            return _call(self, *operands)

    def __repr__(self) -> str:
        return f"<custom op {self.name}>"

    def record(self, *operands: Any) -> Any:
        """Record the op on operands that are not deferred."""
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
        """Declare the row of the op table for compiled code."""

        def shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
            return shapes[0] if self._shape is None else _checked_shapes(self.name, self._shape(*shapes), shapes)

        advice = "return an array with as many axes as the operands, or as in the result of the shape function"
        name = f"{self.name}#{next(_numbers)}"
        address = functools.partial(_address, name, self._forward, advice, None)
        return declare(
            Op(
                name, self._arity, shape, (), _python(self._forward),
                pullback=self._pullback, kernel=address, result="float",
            )
        )  # fmt: skip

    def _pullback(self, wanted: Any, g: Any, y: Any, *operands: Any) -> Any:
        if self._vjp is None:
            raise TapeError(f"The custom op {self.name} has no derivative. Define one with def_vjp().")
        if not _is_compiled(self._vjp):
            return _cotangents(self.name, self._vjp(g, y, *operands), operands)
        if self._vjp_row is None:
            self._vjp_row = self._declared_vjp()
        several = isinstance(y, tuple)
        return self._vjp_row(*(g if several else (g,)), *(y if several else (y,)), *operands)

    def _declared_vjp(self) -> Op:
        """Declare the row for a compiled vjp: a function of all cotangents, results and operands."""

        def shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shapes:
            return Shapes(shapes[-self._arity :])

        def no_rule(wanted: Any, g: Any, y: Any, *operands: Any) -> Any:
            raise TapeError(
                f"The vjp of the custom op {self.name} is compiled, so second derivatives and forward mode are not available. "
                f"Write it with functions of jitgrad instead."
            )

        name = f"{self.name}.vjp#{next(_numbers)}"
        address = functools.partial(_address, name, self._vjp, "return one cotangent for each operand", self._arity)
        return declare(Op(name, None, shape, (), _python(self._vjp), pullback=no_rule, kernel=address, result="float"))


def _address(
    name: str, function: Any, advice: str, operands: int | None, dtype: Any, outs: tuple[int, ...], ndims: tuple[int, ...]
) -> int:
    """Return the address of the compiled function, or of a vjp of ``operands`` operands."""
    with forks.loading:  # as in vm.late
        from jitgrad.vm import custom  # Numba

    results = 1 if operands is None else (len(ndims) - operands) // 2
    compiled = custom.kernel(function, dtype, outs, ndims, advice, grouped=results if results > 1 else 0)
    return addresses.note(addresses.custom(name, dtype, outs, ndims), compiled)


@public()
def _call(op: CustomOp[..., Any], *operands: Any) -> Any:
    return op.record(*operands)


@overload
def custom_op(
    forward: Callable[P, R],
    *,
    vjp: Callable[..., Any] | None = None,
    shape: Callable[..., Any] | None = None,
    name: str | None = None,
) -> CustomOp[P, R]: ...


@overload
def custom_op(
    forward: None = None,
    *,
    vjp: Callable[..., Any] | None = None,
    shape: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Callable[[Callable[P, R]], CustomOp[P, R]]: ...


def custom_op(
    forward: Callable[..., Any] | None = None,
    *,
    vjp: Callable[..., Any] | None = None,
    shape: Callable[..., Any] | None = None,
    name: str | None = None,
) -> Any:
    """Define an op that can be used in tapes, traced functions and the native loop of ``fit``.

    Parameters
    ----------
    forward : callable
        Either a function compiled by ``numba.njit``, of arrays (of numbers for operands without axes), which returns an array
        or a number, or a tuple of these (the interpreter calls its machine code); or a function written with functions of
        jitgrad.
    vjp : callable, optional
        ``vjp(g, y, *operands)`` returns the cotangents of the operands (one or a tuple) from the cotangent ``g`` of the result
        and the result ``y``, which are tuples if the op has several results. If it is written with functions of jitgrad, it
        also provides higher derivatives and forward mode. If it is compiled by ``numba.njit``, it provides first derivatives
        in reverse mode. It can be defined later with ``def_vjp``.
    shape : callable, optional
        For compiled code, a function from the shapes of the operands to the shape of the result, or a tuple with the shape of
        each result. The compiled code must return arrays of these shapes. By default, the operands broadcast, and the result
        has their shape.
    name : str, optional
        The name of the op in error messages. By default, the name of the function.

    Returns
    -------
    CustomOp
        The op, a function of the operands with the method ``def_vjp``. Without ``forward``, a decorator.

    See Also
    --------
    custom_gradient : Define a function together with its gradient.

    Notes
    -----
    If compiled code raises an exception, the result is nan and Python prints the exception. The code is compiled once per
    process for each dtype and each number of axes.

    Examples
    --------
    >>> @jg.custom_op
    ... def product(x, y):
    ...     return x * y
    >>> @product.def_vjp
    ... def product_vjp(g, out, x, y):
    ...     return g * y, g * x
    >>> float(jg.grad(product)(2.0, 3.0))
    3.0

    Compiled code works the same way:

    >>> import numba
    >>> @jg.custom_op
    ... @numba.njit
    ... def cube(x):
    ...     return x**3
    >>> @cube.def_vjp
    ... def cube_vjp(g, out, x):
    ...     return g * 3 * x**2
    >>> float(jg.grad(lambda x: jg.sum(cube(x)))(np.array([2.0]))[0])
    12.0
    """
    if shape is not None and not callable(shape):
        raise ArgumentError(f"shape is {shape!r}. Give a function from the shapes of the operands to the shape of the result.")
    if forward is None:
        return functools.partial(custom_op, vjp=vjp, shape=shape, name=name)
    return CustomOp(forward, vjp, shape, name)


def _checked_shapes(name: str, given: Any, shapes: tuple[Shape, ...]) -> Shape:
    """Check the shape, or shapes, that the user's function returned for operands of ``shapes``."""
    several = isinstance(given, (tuple, list)) and len(given) > 1 and all(isinstance(s, (tuple, list)) for s in given)
    made = [_sizes(shape) for shape in (given if several else [given])]
    if None in made:
        raise ShapeError(
            f"The shape function of the custom op {name} returned {given!r} for operands of shapes "
            f"{', '.join(map(str, shapes))}. Return a tuple of non-negative integers, or a tuple of such tuples."
        )
    return Shapes(made) if several else made[0]


def _sizes(shape: Any) -> Any:
    """Return a shape as a tuple of integers, or None if it is not a shape."""
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
    """Return whether Numba compiles a function. A wrapper of compiled code has the same attributes but is not a dispatcher."""
    numba = sys.modules.get("numba.core.dispatcher")
    return numba is not None and isinstance(function, numba.Dispatcher)


def _python(function: Any) -> Callable[..., Any]:
    python: Callable[..., Any] = function.py_func
    return python
