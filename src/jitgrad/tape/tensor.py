"""Tensors: nodes of the recorded expression, and recording them.

An operator does not compute anything. It makes a Tensor with the op, the operands, the shape and the dtype. The value is
computed when it is first requested, and kept. A Tensor never changes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import ShapeError, TracingError
from jitgrad.ops import OPS, Op, Shape, Shapes
from jitgrad.ops.linear import concatenate, get, reshape
from jitgrad.tape import dtypes, trace
from jitgrad.tape.operators import Operators
from jitgrad.tape.path import LOST, Event, Path
from jitgrad.tape.protocol import NEVER_DEFERRED, deferred_in
from jitgrad.tape.recording import clock, here
from jitgrad.tape.requires_grad import Gradient
from jitgrad.tape.result import level_of, result_of
from jitgrad.tape.tree import contains
from jitgrad.tape.values import shown_value

if TYPE_CHECKING:
    from jitgrad.tape.variable import Variable


class Tensor(Operators):
    """An immutable array that is computed when its value is requested, and can be differentiated.

    Create Tensors with ``jitgrad.tensor``, ``zeros``, ``ones`` and the like, or by operations on Variables and other Tensors.
    The parameters below belong to a low-level constructor.

    Parameters
    ----------
    op : Op or None
        The op that computes the value, None for a leaf.
    inputs : tuple of Tensor
        The operands of the op.
    attrs : tuple of (str, object)
        The attributes of the op.
    shape : tuple of int
        The shape; ``Shapes`` if the op has several results.
    level : int
        The precedence of the dtype; see ``tape.dtypes``.
    value : ndarray, optional
        The value, if it is known.
    variable : Variable, optional
        The Variable whose value the leaf holds.

    Attributes
    ----------
    op, inputs, attrs, shape, level, value, variable
        See the parameters.
    timestamp : int
        The time at which it was recorded; 0 if nothing was recording.
    group : object
        The values that are computed together with this one; see ``tape.evaluate``.
    gradient : Gradient or None
        The state of ``backward``, if a gradient is required.
    path, place
        The path on which it was recorded, and its number there; None and -1 for a leaf.
    call : object
        For a result of a composite, the call that builds its graph.

    See Also
    --------
    tensor : Create a Tensor from an array.
    Variable : A value that can be assigned.

    Examples
    --------
    >>> x = jg.tensor([1.0, 2.0, 3.0])
    >>> x * 2 + 1
    <Tensor shape=(3,) dtype=float64 [3. 5. 7.]>
    >>> x.sum().item()
    6.0

    NumPy functions accept Tensors, and their results are Tensors:

    >>> np.exp(x - x)
    <Tensor shape=(3,) dtype=float64 [1. 1. 1.]>
    """

    __slots__ = (
        "__weakref__", "attrs", "call", "gradient", "group", "inputs", "level", "op", "path", "place", "shape", "timestamp",
        "value", "variable",
    )  # fmt: skip

    def __init__(
        self,
        op: Op | None,
        inputs: tuple[Tensor, ...],
        attrs: tuple[tuple[str, Any], ...],
        shape: Shape,
        level: int,
        value: Any = None,
        variable: Variable | None = None,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.attrs = attrs
        self.shape: Shape = shape
        self.level = level
        self.value = value
        self.variable = variable
        self.timestamp = next(clock) if here.active else 0
        self.group: Any = None
        self.gradient: Gradient | None = None
        self.path: Path | None = None
        self.place = -1
        self.call: Any = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype."""
        return dtypes.DTYPE[self.level]

    def _read(self) -> Tensor:
        return self

    if TYPE_CHECKING:

        def force(self) -> Any:
            """Return the value, computed now if necessary. Attached by jitgrad.tape."""

        def compute_apart(self) -> None:
            """Compute the value off the path. Attached by jitgrad.tape."""

    def _value(self) -> Any:
        value = np.asarray(self.force(), self.dtype)
        return value.copy() if value.ndim else value[()]

    def _keep(self, kept: Gradient | None) -> None:
        here.path.changed(self)
        self.gradient = kept

    def __copy__(self) -> Tensor:
        return self  # it never changes

    def __deepcopy__(self, memo: Any) -> Tensor:
        """Return the Tensor itself, so that gradients flow; a new one if it is a leaf that requires a gradient."""
        own = self.op is None and self.gradient is not None and self.variable is None
        return _remade(self.value, self.level, True) if own else self

    def __reduce__(self) -> Any:
        """Pickle as a constant with the same value."""
        own = self.op is None and self.requires_grad
        return _remade, (self._leaving("pickle", explicit=own), self.level, own)

    def __repr__(self) -> str:
        shown = f" traced{f', by {self.op.name}' if self.op is not None else ''}"
        if trace.current() is None and (self.value is not None or self.op is not None or self.group is not None):
            with contextlib.suppress(TracingError):  # it may depend on values that exist only while a loop runs
                shown = shown_value(self._value())
        return f"<Tensor shape={self.shape} dtype={self.dtype}{shown}>"


class Composed(Tensor):
    """A result of a composite. It becomes a plain Tensor when its op or its operands are requested."""

    __slots__ = ()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name not in ("op", "inputs", "attrs"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            if type(self) is Composed:
                self.call.expand(self)
            return object.__getattribute__(self, name)


NEVER_DEFERRED.update((Tensor, Composed))


def _remade(value: Any, level: int, requires_grad: bool) -> Tensor:
    made = Tensor(None, (), (), np.shape(value), level, dtypes.as_data(value)[0])
    made.requires_grad = requires_grad
    return made


def placeholder(shape: Shape, level: int = dtypes.NUMBER) -> Tensor:
    """Return a leaf whose value is given later."""
    return Tensor(None, (), (), shape, level)


def known(value: np.ndarray, level: int) -> Tensor:
    """Return a leaf with a value, which is not copied."""
    return Tensor(None, (), (), value.shape, level, value)


new: Any = object.__new__


def later(shape: Shape, level: int, path: Path, place: int, group: Any) -> Tensor:
    """Return a leaf of a group, whose value is computed when it is requested."""
    made = leaf(None, shape, level, None, None)
    made.path = path
    made.place = place
    made.group = group
    return made


def _number(value: float, level: int) -> Tensor:
    made = leaf(value, (), level, None, None)
    made.timestamp = next(clock)
    return made


def leaf(value: Any, shape: Shape, level: int, variable: Variable | None, gradient: Gradient | None) -> Tensor:
    """Return a leaf with the value of a Variable, which is not copied, or with a number."""
    made = new(Tensor)
    made.op = made.group = made.path = made.call = None
    made.inputs = made.attrs = ()
    made.shape = shape
    made.level = level
    made.value = value
    made.variable = variable
    made.gradient = gradient
    made.timestamp, made.place = 0, -1
    return made


# Recording.

_EXACT = 2**53  # integers up to this size are exact in float64


def as_tensor(value: Any) -> Tensor:
    """Return an operand as a Tensor: a number becomes a literal, an array becomes data, and a list with Tensors is stacked.

    So is an array of objects with Tensors, such as ``np.array([x, y])``.
    """
    if type(value) is Tensor:
        return value
    if type(value) is float:
        return _number(value, dtypes.NUMBER)
    if isinstance(value, Operators):
        return value._read()
    if isinstance(value, bool):
        return _number(float(value), dtypes.BOOL)
    if isinstance(value, float) or (isinstance(value, int) and abs(value) <= _EXACT):
        return _number(float(value), dtypes.INTEGER if isinstance(value, int) else dtypes.NUMBER)
    if contains(value, Operators):
        if isinstance(value, np.ndarray):
            return as_tensor(value.tolist())
        parts = [as_tensor(item) for item in value]
        if any(t.shape != parts[0].shape for t in parts):
            raise ShapeError(
                f"A list has items of different shapes: {', '.join(str(t.shape) for t in parts)}. Give items of the same shape."
            )
        return concatenate(*[reshape(t, shape=(1, *t.shape)) for t in parts], axis=0)
    array, level = dtypes.as_data(value)
    return Tensor(None, (), (), array.shape, level, array)


def record(op: Op, operands: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    """Record an op and return its result, or a tuple of results. The shape rule raises ShapeError."""
    for x in operands:
        kind = type(x)
        if kind is not Tensor and kind is not Composed:
            tensors = as_tensors(operands)
            if tensors is None:
                return deferred_in(operands).defer(op, operands, attrs)  # type: ignore[union-attr]
            operands = tensors
            break
    path = here.path
    given = tuple(attrs.items()) if attrs else ()
    key: list[Any] = [op, given]
    place, inherits = path.event.end, False
    for x in operands:  # as in ``path.keyed``, but faster
        if x.path is path:
            key.append(x.place)
        else:
            number = path.numbers.get(id(x))
            if number is None:
                place = path.entered(key, x, place)
            else:
                key.append(number)
        if x.gradient is not None:
            inherits = True
    event = path.event.then
    if event is not None and event.key == key:
        path.event = event
    else:
        event = _followed(path, key, place, op, operands, attrs)
    made = new(Tensor)
    made.op = op
    made.inputs = operands
    made.attrs = given
    made.shape = event.shape
    made.level = event.level
    made.value = made.variable = made.group = made.gradient = made.call = None
    made.path = path
    made.place = place if event.place >= 0 else -1
    made.timestamp = next(clock) if path.active else 0
    if inherits:
        made.gradient = _inherited(made)
    return results(made) if type(event.shape) is Shapes else made


_numbers: dict[type, dict[Any, Tensor]] = {float: {}, int: {}}
_rules_numbers: dict[type, dict[Any, Tensor]] = {float: {}, int: {}}
"""For numbers off the path, as in derivative rules: they are not the user's numbers, which may change in the next step."""
_MOST_NUMBERS = 1024


def as_tensors(operands: tuple[Any, ...]) -> tuple[Tensor, ...] | None:
    """Return operands as Tensors, or None if one is deferred. Equal numbers share a Tensor."""
    made = []
    for x in operands:
        kind = type(x)
        if kind is Tensor or kind is Composed:
            made.append(x)
        elif kind in _numbers:
            made.append(_number_again((_rules_numbers if here.path.event is LOST else _numbers)[kind], x))
        elif kind not in NEVER_DEFERRED and deferred_in((x,)) is not None:
            return None
        else:
            made.append(x._read() if isinstance(x, Operators) else as_tensor(x))
    return tuple(made)


def _number_again(known: dict[Any, Tensor], x: float) -> Tensor:
    found = known.get(x)
    if found is None:
        found = as_tensor(x)
        if x != 0:  # 0.0 is not -0.0
            if len(known) >= _MOST_NUMBERS:
                known.clear()
            known[x] = found
    return found


def _followed(path: Path, key: list[Any], place: int, op: Op, operands: tuple[Tensor, ...], attrs: dict[str, Any]) -> Event:
    """Return the event of an op that was not the expected one on a path. The shape rule raises ShapeError."""
    if path.event is LOST:
        return result_of(op, operands, attrs, key[1])
    event = path.event.next(key)
    if event is None:
        made = result_of(op, operands, attrs, key[1])
        shape, level = made.shape, made.level
        if OPS.get(op.name) is not op:  # a custom op
            path.lose()
        read = place - path.event.end
        return path.grow(key, read + (1 + len(shape) if type(shape) is Shapes else 1), shape, level)
    path.event = event
    return event


def results(node: Tensor) -> tuple[Tensor, ...]:
    """Return the results of an op with several results as Tensors."""
    op: Any = node.op
    shapes: Any = node.shape
    kinds = op.result if isinstance(op.result, tuple) else (op.result,) * len(shapes)
    made = []
    for index, (shape, kind) in enumerate(zip(shapes, kinds, strict=True)):
        one = Tensor(get, (node,), (("index", index),), shape, level_of(op, kind, node.inputs))
        one.path, one.place = node.path, node.place + 1 + index if node.place >= 0 else -1
        if node.gradient is not None and one.level > dtypes.INTEGER:
            one.gradient = Gradient()
        made.append(one)
    return tuple(made)


def recorded_again(node: Tensor, operands: Sequence[Any]) -> Any:
    """Record the op of ``node`` on other operands. Several results are a tuple, also as the operand of ``get``."""
    attrs = dict(node.attrs)
    return operands[0][attrs["index"]] if node.op is get else record(node.op, tuple(operands), attrs)  # type: ignore[arg-type]


def _inherited(made: Tensor) -> Gradient | None:
    """Return the gradient state of a result: it requires a gradient if a differentiable operand does, outside ``no_grad``."""
    op = made.op
    if op is None or made.level <= dtypes.INTEGER or here.no_grads:
        return None
    if op.partials and None not in op.partials:  # an operand requires one, and the op is differentiable in all of them
        return Gradient()
    passing = [x for i, x in enumerate(made.inputs) if op.passes(i)]
    return Gradient() if any(x.gradient is not None for x in passing) else None


def is_recorded_op(tensor: Tensor) -> bool:
    """Return whether a Tensor is the recorded result of an op."""
    return type(tensor) is Composed or tensor.op is not None


def op_of(tensor: Tensor) -> Op | None:
    """Return the op of a Tensor, for a result of a composite without building its graph."""
    op: Op | None = tensor.call.op_of(tensor) if type(tensor) is Composed else tensor.op
    return op


def operands_of(tensor: Tensor) -> tuple[Tensor, ...]:
    """Return the operands of the op, or of the composite."""
    operands: tuple[Tensor, ...] = tensor.inputs if tensor.call is None else tensor.call.operands
    return operands


def upstream(roots: Sequence[Tensor], into: Callable[[Tensor], bool] = lambda node: True) -> Iterator[Tensor]:
    """Yield once each Tensor that ``roots`` were computed from, roots first. Descend only from nodes with ``into(node)``."""
    seen: set[int] = set()
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            if into(node):
                stack.extend(reversed(node.inputs))


def cast(x: Tensor, level: int) -> Tensor:
    """Return the value in the dtype of ``level``, recorded as a reshape: all values of a Program have one dtype."""
    if x.level == level:
        return x
    return retyped(identity(x), level)


def retyped(made: Tensor, level: int) -> Tensor:
    """Set the level of a Tensor that was just recorded."""
    if made.level != level:
        made.level = level
        here.path.step("level", made.place, level)
    return made


def identity(x: Tensor) -> Tensor:
    """Return a new Tensor with the same value, recorded here, so that it is distinct from the value of a Variable."""
    return record(OPS["reshape"], (x,), {"shape": x.shape})
