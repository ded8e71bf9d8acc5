"""The op table: the definition of an op, and functions that declare rows of the table.

A row states everything about an op once. The opcode, the branch of the interpreter, the shape rule, both derivatives, the
public function, its docstring, the name in a dump and the tests follow from it.

There are two main kinds of rows:

* an *elementwise* op has a value and partial derivatives;
* a *linear* op, which is linear in each operand, has a shape rule and a transpose for each operand;
* any other op has a vector-Jacobian product (vjp) for each operand.

Both modes of differentiation follow from these, see ``tape.reverse_mode`` and ``tape.forward_mode``.

Rules are plain functions of operands. They build expressions with operators and with the ops themselves: calling an op records
it. A derivative is therefore an ordinary expression and can be differentiated again.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from jitgrad.errors import JitgradError, OptionError, ShapeError, listed, near_name
from jitgrad.ops.documentation import Doc, OfInstance, docstring, signature

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor
    from jitgrad.typing import ArrayLike

Shape = tuple[int, ...]


class Shapes(tuple[Any, ...]):
    """The shapes of the results of an op with several results, which are stored one after the other."""

    __slots__ = ()


def each_shape(shape: Shape) -> tuple[Shape, ...]:
    """Return the shapes of all results: the single shape, or the shapes in ``Shapes``."""
    return shape if type(shape) is Shapes else (shape,)


def size_of(shape: Shape) -> int:
    """Return the number of elements of the only result, or of all results."""
    return sum(map(math.prod, shape)) if type(shape) is Shapes else math.prod(shape)


def starts_of(shape: Shape) -> list[int]:
    """Return the positions in the block at which the results begin."""
    return list(itertools.accumulate(map(math.prod, each_shape(shape)), initial=0))[:-1]


Rule = Callable[..., Any]
Result = Literal["same", "number", "float", "integer", "bool"]
Batching = Callable[..., dict[str, Any]]
Kernel = Callable[[Any, tuple[int, ...], tuple[int, ...]], int]


@dataclass(frozen=True, eq=False)
class Op:
    """One row of the op table.

    Attributes
    ----------
    name : str
        The name of the op, NumPy's if NumPy has the op.
    arity : int or None
        The number of operands, None for any number (``concatenate``).
    shape : callable
        The shape rule, ``shape(op, shapes, attrs) -> shape``, which raises ShapeError. An op whose rule returns ``Shapes`` has
        several results: calling it returns a tuple of Tensors, and in the rules below g and y are tuples, too.
    vjps : tuple of callable or None
        For each operand ``vjp(g, y, *operands, **attrs) -> cotangent``, or None if the operand has no derivative. An op with
        any number of operands has one rule, ``vjp(i, g, y, *operands, **attrs)``. A cotangent may be the number 0.
    numpy : callable
        The same op in NumPy, for constant folding and for the tests.
    value : str or None
        Elementwise ops only: the value as an expression of the operands, which the interpreter computes. None if the
        interpreter calls a function for it, see ``ops.special``.
    partials : tuple of callable or None
        Elementwise ops only: for each operand ``partial(*operands, y)``, a number or an expression.
    pullback : callable, optional
        One rule for all operands in place of ``vjps``: ``pullback(wanted, g, y, *operands, **attrs) -> cotangents``, of which
        those of the ``wanted`` operands are used. A cotangent is None if it is zero, or an exception if there is no derivative.
    jvp : callable, optional
        ``jvp(tangents, y, *operands, **attrs) -> tangents`` of the results, for ops for which this is simpler than the
        transpose of the pullback. None stands for a tangent of zeros.
    constants : tuple of int
        With a pullback, the operands that never have a cotangent.
    batching : callable, optional
        The batching rule, ``batching(n, **attrs) -> attrs`` of the op for operands with an additional leading axis of size n.
        Without a rule the op is applied n times.
    batch : callable, optional
        A rule in place of ``batching`` for ops with bodies: ``batch(n, rows, *operands, **attrs) -> results`` records the op
        for all ``rows`` of each operand; None for an operand that all rows share.
    broadcasts : bool
        Whether operands with fewer axes are aligned from the last axis, as in broadcasting.
    linear : bool
        Whether the op is linear in each operand.
    kernel : callable, optional
        For a custom op, the address of its code for a dtype, the ndim of each result, and the ndim of each operand.
    result : str or tuple of str
        The dtype of the result: the dtype of the operands ("same"), the same but never boolean ("number"), floating
        ("float"), "integer" or "bool". With several results, the dtype of all, or a tuple with the dtype of each.
    commutative : bool
        Whether the two operands can be exchanged.
    loops : tuple of str
        Elementwise ops only: the operand patterns for which the interpreter has loops, see ``vm.instructions``. Other operands
        are broadcast in memory first. Each loop takes 0.1 s to compile. Empty for all useful patterns.
    domain : tuple of (float, float)
        Elementwise ops only: for each operand, the interval from which tests draw values.
    ties : tuple of float
        Elementwise ops only: points at which the derivative is a convention, which differences cannot check.
    singular : tuple of tuple of float
        Elementwise ops only: for each operand, the values at which, for some value of the other operands, the op or a
        derivative is infinite or undefined; only the first of a series of poles. Empty if the op is smooth everywhere.
    affine : bool
        Elementwise ops only: whether no partial derivative depends on its own operand.
    degree : float or None
        Elementwise ops only: the degree of homogeneity, None if the op is not homogeneous.
    doc : str or Doc
        The summary, or everything that the docstring needs in addition to the row, see ``ops.documentation``.
    """

    name: str
    arity: int | None
    shape: Callable[[Op, tuple[Shape, ...], dict[str, Any]], Shape]
    vjps: tuple[Rule | None, ...]
    numpy: Callable[..., Any]
    value: str | None = None
    partials: tuple[Rule | None, ...] = ()
    pullback: Rule | None = None
    jvp: Rule | None = None
    constants: tuple[int, ...] = ()
    batching: Batching | None = None
    batch: Rule | None = None
    broadcasts: bool = False
    linear: bool = False
    kernel: Kernel | None = None
    result: Result | tuple[Result, ...] = "number"
    commutative: bool = False
    loops: tuple[str, ...] = ()
    domain: tuple[tuple[float, float], ...] = ()
    ties: tuple[float, ...] = ()
    singular: tuple[tuple[float, ...], ...] = ()
    affine: bool = False
    degree: float | None = None
    doc: str | Doc = ""

    __signature__ = OfInstance(signature)

    @property
    def __name__(self) -> str:
        """The name, so that an op can be used like a function."""
        return self.name

    def __deepcopy__(self, memo: dict[int, Any]) -> Op:
        return self

    def __reduce__(self) -> Any:
        """Pickle an op of the table by its name."""
        return (_named, (self.name,)) if OPS.get(self.name) is self else super().__reduce__()

    def __call__(self, *operands: Any, **attrs: Any) -> Any:
        """Record the op.

        Parameters
        ----------
        *operands : array_like
            Tensors, Variables, arrays or numbers.
        **attrs : object
            The attributes of the op.

        Returns
        -------
        Tensor or tuple of Tensor
            The result, or the results of an op that has several.

        Raises
        ------
        OptionError
            If the op has no such attribute.
        """
        if attrs and self.options is not None and not attrs.keys() <= self.options:
            raise self._unknown(min(attrs.keys() - self.options))
        return recorder(self, operands, attrs)

    @functools.cached_property
    def options(self) -> frozenset[str] | None:
        """The names of the attributes, which are the arguments of ``batching`` after n; None if there is no batching rule."""
        return None if self.batching is None else frozenset(list(inspect.signature(self.batching).parameters)[1:])

    def _unknown(self, name: str) -> OptionError:
        known = sorted(self.options or ())
        advice = f"It takes {listed(known)}." if known else "It takes only operands."
        return OptionError(f"{self.name} has no option {name!r}.{near_name(name, known)} {advice}")

    @functools.cached_property
    def dtype_operands(self) -> tuple[int, ...] | None:
        """The operands that determine the dtype of the result: those with a derivative. None stands for all."""
        if self.arity is None:
            return None
        passing = tuple(i for i in range(self.arity) if self.passes(i))
        return passing if 0 < len(passing) < self.arity else None

    def passes(self, i: int) -> bool:
        """Return whether the op has a derivative with respect to operand ``i``."""
        if self.pullback is not None:
            return i not in self.constants
        return self.vjps[0 if self.arity is None else i] is not None

    def pull_back(self, wanted: Sequence[int], g: Any, y: Any, operands: Sequence[Any], attrs: dict[str, Any]) -> list[Any]:
        """Return the cotangents of the ``wanted`` operands, which have derivatives, for a cotangent of the result."""
        if self.pullback is not None:
            found = self.pullback(wanted, g, y, *operands, **attrs)
            for i in wanted:
                if isinstance(found[i], Exception):
                    raise found[i]
            return [0 if found[i] is None else found[i] for i in wanted]
        rules: Any = self.vjps
        if self.arity is None:
            return [rules[0](i, g, y, *operands, **attrs) for i in wanted]
        return [rules[i](g, y, *operands, **attrs) for i in wanted]

    def __repr__(self) -> str:
        return f"<op {self.name}>"


Op.__doc__ = OfInstance(docstring, Op.__doc__)  # type: ignore[assignment]


class UnaryOp(Op):
    """An elementwise op of one operand."""

    if TYPE_CHECKING:

        def __call__(self, x: ArrayLike, /) -> Tensor: ...


class BinaryOp(Op):
    """An elementwise op of two operands."""

    if TYPE_CHECKING:

        def __call__(self, a: ArrayLike, b: ArrayLike, /) -> Tensor: ...


class TernaryOp(Op):
    """An elementwise op of three operands."""

    if TYPE_CHECKING:

        def __call__(self, c: ArrayLike, a: ArrayLike, b: ArrayLike, /) -> Tensor: ...


_ELEMENTWISE = {1: UnaryOp, 2: BinaryOp, 3: TernaryOp}
for _class in _ELEMENTWISE.values():
    _class.__doc__ = OfInstance(docstring, _class.__doc__)  # type: ignore[assignment]

OPS: dict[str, Op] = {}


def _named(name: str) -> Op:
    return OPS[name]


def _no_recorder(op: Op, operands: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    raise JitgradError(f"{op.name} cannot be recorded because jitgrad.tape is not imported. Import jitgrad first.")


recorder: Callable[[Op, tuple[Any, ...], dict[str, Any]], Any] = _no_recorder
"""The function that records an op."""


def record_with(record: Callable[[Op, tuple[Any, ...], dict[str, Any]], Any]) -> None:
    """Set the function ``record(op, operands, attrs)`` that calls of ops use. The tape calls it when it is imported."""
    global recorder
    recorder = record


def declare(op: Op) -> Op:
    """Add a row to the table."""
    if op.name in OPS:
        raise JitgradError(f"The op {op.name!r} already exists. Choose another name.")
    OPS[op.name] = op
    return op


def elementwise(
    name: str,
    value: str | None,
    *partials: Rule | None,
    numpy: Callable[..., Any] | None = None,
    result: Result = "number",
    commutative: bool = False,
    loops: tuple[str, ...] = (),
    domain: tuple[tuple[float, float], ...] | None = None,
    ties: tuple[float, ...] = (),
    singular: tuple[tuple[float, ...], ...] = (),
    affine: bool = False,
    degree: float | None = None,
    doc: str | Doc = "",
) -> Any:
    """Declare an elementwise op, a UnaryOp, BinaryOp or TernaryOp by the number of partial derivatives.

    Parameters
    ----------
    name : str
        The name of the op.
    value : str or None
        Python text of the value in terms of ``x`` (one operand), ``a, b`` (two) or ``c, a, b`` (three). Numbers in it take the
        program's dtype; ``exp``, ``log`` and the like are NumPy's. None for functions that are called, see ``ops.special``.
    *partials : callable or None
        For each operand ``partial(*operands, y)`` with the value y: an expression, or the number 1, -1 or 0; None if no
        gradient passes. Their parameters' names are the operands' names in the docstring.
    numpy, result, commutative, loops, domain, ties, singular, affine, degree, doc
        See ``Op``.
    """
    vjps = tuple(None if p is None else _elementwise_vjp(i, p) for i, p in enumerate(partials))
    return declare(
        _ELEMENTWISE[len(partials)](
            name, len(partials), broadcast_shape, vjps, numpy or getattr(np, name), value, partials,
            batching=lambda n: {}, broadcasts=True, result=result, commutative=commutative, loops=loops,
            domain=domain or ((-3.0, 3.0),) * len(partials), ties=ties, singular=singular or ((),) * len(partials),
            affine=affine, degree=degree, doc=doc,
        )
    )  # fmt: skip


def linear(
    name: str,
    shape: Callable[[Op, tuple[Shape, ...], dict[str, Any]], Shape],
    *transposes: Rule | None,
    numpy: Callable[..., Any],
    batching: Batching,
    broadcasts: bool = False,
    arity: int | None = -1,
    result: Result = "same",
    doc: str = "",
) -> Op:
    """Declare an op that is linear in each operand, with ``transpose(g, y, *operands, **attrs)`` for each of them.

    An op with any number of operands is linear in all of them jointly.
    """
    count = len(transposes) if arity == -1 else arity
    return declare(
        Op(
            name,
            count,
            shape,
            transposes,
            numpy,
            batching=batching,
            broadcasts=broadcasts,
            linear=True,
            result=result,
            doc=doc,
        )
    )


def _elementwise_vjp(i: int, partial: Rule) -> Rule:
    def vjp(g: Any, y: Any, *operands: Any) -> Any:
        d = partial(*operands, y)
        if isinstance(d, int):
            return 0 if d == 0 else unbroadcast(g if d == 1 else -g, operands[i].shape)
        return unbroadcast(g * d, operands[i].shape)

    return vjp


def vanishes(g: Any) -> bool:
    """Return whether a cotangent is a constant zero, because its result is not used."""
    return g.op is OPS["broadcast_to"] and type(g.inputs[0].value) is float and g.inputs[0].value == 0


def unbroadcast(g: Any, shape: Shape) -> Any:
    """Return the transpose of broadcasting ``shape`` to ``g.shape``: the sum over the broadcast axes."""
    if g.shape == shape:
        return g
    lead = len(g.shape) - len(shape)
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(shape) if n == 1 and g.shape[lead + i] != 1)
    total = OPS["sum"](g, axes=axes) if axes else g
    return total if total.shape == shape else OPS["reshape"](total, shape=shape)


def broadcast_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    """Return the broadcast shape of operands, as in NumPy."""
    first = shapes[0]
    if all(s == first for s in shapes):
        return first
    ndim = max(map(len, shapes))
    result = [1] * ndim
    for shape in shapes:
        for i, n in enumerate(shape, ndim - len(shape)):
            if n != 1:
                if result[i] not in (1, n):
                    listed = " and ".join(str(s) for s in shapes)
                    raise ShapeError(
                        f"{op.name}: shapes {listed} do not broadcast. Reshape one of them so that each axis agrees or is 1."
                    )
                result[i] = n
    return tuple(result)
