"""The op table: what an op is, and how a row of it is declared.

A row says everything about an op once. From it follow the opcode, the interpreter's branch, the shape rule, both
derivatives, the public function, the name in a dump and the walk of the tests.

There are two kinds of rows, and an exception:

* an *elementwise* op is its value and its partial derivatives, side by side;
* a *linear* op (linear in each operand) is its shape rule and its transposes, one for each operand;
* what is neither states its vjp for each operand itself.

Both modes of differentiation follow from these: see ``tape.reverse_mode`` and ``tape.forward_mode``.

Rules are plain functions of operands. They build expressions with the operators and with the rows of the table, which
are callable: calling a row records the op. So a derivative is an ordinary expression and can be differentiated again.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from jitgrad.errors import JitgradError, OptionError, ShapeError, listed, near_name

Shape = tuple[int, ...]


class Shapes(tuple[Any, ...]):
    """The shapes of several results of one op. In memory they lie one after the other, in one block."""

    __slots__ = ()


def each_shape(shape: Shape) -> tuple[Shape, ...]:
    """The shapes of all results: one, or those of ``Shapes``."""
    return shape if type(shape) is Shapes else (shape,)


def size_of(shape: Shape) -> int:
    """The elements of one result, or of the block of several."""
    return sum(map(math.prod, shape)) if type(shape) is Shapes else math.prod(shape)


def starts_of(shape: Shape) -> list[int]:
    """Where in the block each result begins."""
    return list(itertools.accumulate(map(math.prod, each_shape(shape)), initial=0))[:-1]


Rule = Callable[..., Any]
Result = Literal["same", "number", "float", "integer", "bool"]
Batching = Callable[..., dict[str, Any]]
Kernel = Callable[[Any, tuple[int, ...], tuple[int, ...]], int]


@dataclass(frozen=True, eq=False)
class Op:
    """One row of the op table.

    Attributes:
        name: NumPy's name of the op where NumPy has one.
        arity: the number of operands; None where any number is taken (concatenate).
        shape: the shape rule, ``shape(op, shapes, attrs) -> shape``; raises ShapeError. An op whose rule gives ``Shapes`` has
            several results: calling it gives a tuple of Tensors, and in the rules below g and y are tuples, too.
        vjps: for each operand ``vjp(g, y, *operands, **attrs) -> cotangent``, or None where the operand has no derivative;
            an op of any number of operands has one rule, ``vjp(i, g, y, *operands, **attrs)``. The number 0 is a cotangent too.
        pullback: instead of ``vjps`` one rule for all operands, ``pullback(g, y, *operands, **attrs) -> cotangents``, None
            for an operand without one, an exception for one that may have none.
        jvp: where it is simpler than the transpose of the pullback, ``jvp(tangents, y, *operands, **attrs) -> tangents`` of the
            results; None stands for an operand's tangent of zeros.
        constants: with a pullback the operands that never have a cotangent.
        value: elementwise only: the value as an expression of the operands, as the interpreter computes it; None where it
            calls a function for it, see ``ops.special``.
        partials: elementwise only: for each operand ``partial(*operands, y)``, a number or an expression.
        numpy: the same op in NumPy, used by constant folding and by the tests.
        batching: the batching rule, ``batching(n, **attrs) -> attrs`` of the op on operands with one more axis, of
            size n, in front; None where there is no such form, and the op is applied to each of the n.
        broadcasts: whether operands of fewer axes are aligned from the last axis on, as in broadcasting.
        linear: whether the op is linear in each operand, so that it is its own derivative.
        kernel: of a user's own op the address of its code for a dtype, the number of axes of each result, and of the operands.
        result: the dtype of the result: as the operands ("same"), but no boolean ("number"), always floating ("float"),
            "integer" or "bool"; of several results that of all, or a tuple with that of each.
        commutative: whether two operands may change places.
        loops: elementwise only: the patterns of operands that the interpreter has loops for, see ``vm.instructions``; other
            operands are spelt out to the result's shape. Each takes 0.1 s to compile; empty for all that are useful.
        domain: elementwise only: for each operand the interval in which tests draw values.
        ties: elementwise only: points where the derivative is a convention, which differences cannot check.
        singular: elementwise only: for each operand the values at which, for some of the others, the op or a derivative of it
            is infinite or has no value; of poles in a row the first. Without any it is finite and differentiable everywhere.
        affine: elementwise only: whether no derivative depends on the operand that it is by.
        degree: elementwise only: the power by which the result grows where all operands grow by a factor; None where it is
            not homogeneous.
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
    __doc__: str = field(default="", compare=False)

    @property
    def __name__(self) -> str:
        """As a function's, for those who print or log what they use."""
        return self.name

    def __deepcopy__(self, memo: dict[int, Any]) -> Op:
        return self

    def __reduce__(self) -> Any:
        """An op of the table goes by its name."""
        return (_named, (self.name,)) if OPS.get(self.name) is self else super().__reduce__()

    def __call__(self, *operands: Any, **attrs: Any) -> Any:
        """Record this op on Tensors, Variables, arrays or numbers; returns a Tensor, or a tuple of them.

        Raises OptionError for another option.
        """
        if attrs and self.options is not None and not attrs.keys() <= self.options:
            raise self._unknown(min(attrs.keys() - self.options))
        return recorder(self, operands, attrs)

    @functools.cached_property
    def options(self) -> frozenset[str] | None:
        """The names of its attributes, which ``batching`` takes after the new axis; None where it has no such form."""
        return None if self.batching is None else frozenset(list(inspect.signature(self.batching).parameters)[1:])

    def _unknown(self, name: str) -> OptionError:
        known = sorted(self.options or ())
        advice = f"It takes {listed(known)}." if known else "It takes operands alone."
        return OptionError(f"{self.name} has no option {name!r}.{near_name(name, known)} {advice}")

    @functools.cached_property
    def dtype_operands(self) -> tuple[int, ...] | None:
        """The operands whose dtypes decide the result's: those with a derivative; None stands for all."""
        if self.arity is None:
            return None
        passing = tuple(i for i in range(self.arity) if self.passes(i))
        return passing if 0 < len(passing) < self.arity else None

    def passes(self, i: int) -> bool:
        """Whether there is a derivative by operand ``i``."""
        if self.pullback is not None:
            return i not in self.constants
        return self.vjps[0 if self.arity is None else i] is not None

    def pull_back(self, wanted: Sequence[int], g: Any, y: Any, operands: Sequence[Any], attrs: dict[str, Any]) -> list[Any]:
        """The cotangents of the operands ``wanted``, which pass, from that of the result."""
        if self.pullback is not None:
            found = self.pullback(g, y, *operands, **attrs)
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


OPS: dict[str, Op] = {}


def _named(name: str) -> Op:
    return OPS[name]


def _no_recorder(op: Op, operands: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    raise JitgradError(f"{op.name} cannot be recorded: jitgrad.tape is not imported. Import jitgrad first.")


recorder: Callable[[Op, tuple[Any, ...], dict[str, Any]], Any] = _no_recorder
"""What records an op."""


def record_with(record: Callable[[Op, tuple[Any, ...], dict[str, Any]], Any]) -> None:
    """Have calls of rows record by ``record(op, operands, attrs)``: the tape says so when it is imported."""
    global recorder
    recorder = record


def declare(op: Op) -> Op:
    """Add a row to the table."""
    if op.name in OPS:
        raise JitgradError(f"The op {op.name!r} is in the table already. Choose another name.")
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
    doc: str = "",
) -> Op:
    """Declare an elementwise op.

    Args:
        name: the op's name.
        value: Python text of the value over ``x`` (one operand), ``a, b`` (two) or ``c, a, b`` (three). Numbers in it take
            the program's dtype; ``exp``, ``log`` and their like are NumPy's. None for what is called, see ``ops.special``.
        partials: for each operand, ``partial(*operands, y)`` with y the value: an expression, or 1, -1 or 0 itself; None where
            no gradient passes.
    """
    domain = domain or ((-3.0, 3.0),) * len(partials)
    doc = doc or f"``{value}``, element by element; operands broadcast as in NumPy."
    vjps = tuple(None if p is None else _elementwise_vjp(i, p) for i, p in enumerate(partials))
    return declare(
        Op(
            name, len(partials), broadcast_shape, vjps, numpy or getattr(np, name), value, partials,
            batching=lambda n: {}, broadcasts=True, result=result, commutative=commutative, loops=loops, domain=domain,
            ties=ties, singular=singular or ((),) * len(partials), affine=affine, degree=degree, __doc__=doc,
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
    """Declare an op that is linear in each operand by ``transpose(g, y, *operands, **attrs)`` for each of them.

    One of any number of operands is linear in all of them together.
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
            __doc__=doc,
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
    """Whether a cotangent is one of zeros by its form: that of a result of which nothing was made."""
    return g.op is OPS["broadcast_to"] and type(g.inputs[0].value) is float and g.inputs[0].value == 0


def unbroadcast(g: Any, shape: Shape) -> Any:
    """The transpose of broadcasting ``shape`` to ``g.shape``: a sum over the axes that broadcasting made."""
    if g.shape == shape:
        return g
    lead = len(g.shape) - len(shape)
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(shape) if n == 1 and g.shape[lead + i] != 1)
    total = OPS["sum"](g, axes=axes) if axes else g
    return total if total.shape == shape else OPS["reshape"](total, shape=shape)


def broadcast_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    """NumPy's broadcasting of the operands' shapes."""
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
