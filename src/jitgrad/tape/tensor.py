"""Tensors: nodes of the recorded expression, and recording them.

An operator computes nothing. It makes a Tensor that knows its op, operands, shape and dtype; the value is computed when it is
asked for, and kept. A Tensor never changes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import OptionError, ShapeError, TracingError
from jitgrad.ops import OPS, Op, Shape, Shapes
from jitgrad.ops.linear import concatenate, get, reshape
from jitgrad.ops.table import Result
from jitgrad.tape import dtypes, trace
from jitgrad.tape.operators import Operators
from jitgrad.tape.path import LOST, Event, Path
from jitgrad.tape.protocol import NEVER_DEFERRED, deferred_in
from jitgrad.tape.recording import clock, here
from jitgrad.tape.requires_grad import Gradient
from jitgrad.tape.tree import contains
from jitgrad.tape.values import shown_value

if TYPE_CHECKING:
    from jitgrad.tape.variable import Variable


class Tensor(Operators):
    """A value that was recorded, or given.

    Attributes:
        op: the op that made it; None for a leaf.
        inputs: the op's operands.
        attrs: the op's attributes as (name, value) pairs.
        shape: the sizes of its axes; ``Shapes`` where the op has several results, which users have as ``get`` of this one.
        level: how strong its dtype is, see ``dtypes``.
        value: its value, None where it is not known; a float is a number of the code.
        timestamp: when it was recorded while some tape or trace was watching; 0 where none was.
        variable: the Variable that a leaf is the value of.
        group: the gradients that it is computed with, see ``evaluate``.
        gradient: where it requires a gradient, what ``backward`` keeps of it.
        path, place: where it was made, and its number there; None of a leaf.
        call: of a result of a composite what makes its graph.
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
        """The dtype of the value."""
        return dtypes.DTYPE[self.level]

    def _read(self) -> Tensor:
        return self

    if TYPE_CHECKING:

        def force(self) -> Any:
            """The value, computed now if it is not known; put here by jitgrad.tape."""

        def compute_apart(self) -> None:
            """The same, off the path; put here by jitgrad.tape."""

    def _value(self) -> Any:
        value = np.asarray(self.force(), self.dtype)
        return value.copy() if value.ndim else value[()]

    def _keep(self, kept: Gradient | None) -> None:
        here.path.changed(self)
        self.gradient = kept

    def __copy__(self) -> Tensor:
        return self  # it never changes

    def __deepcopy__(self, memo: Any) -> Tensor:
        """Itself, so that gradients pass; of what the user made to have a gradient another one."""
        own = self.op is None and self.gradient is not None and self.variable is None
        return _remade(self.value, self.level, True) if own else self

    def __reduce__(self) -> Any:
        """Pickled as a constant of the same value."""
        own = self.op is None and self.requires_grad
        return _remade, (self._leaving("pickle", explicit=own), self.level, own)

    def __repr__(self) -> str:
        shown = f" traced{f', by {self.op.name}' if self.op is not None else ''}"
        if trace.current() is None and (self.value is not None or self.op is not None or self.group is not None):
            with contextlib.suppress(TracingError):  # it may depend on what is known only as a loop runs
                shown = shown_value(self._value())
        return f"<Tensor shape={self.shape} dtype={self.dtype}{shown}>"


class Composed(Tensor):
    """A result of a composite. Where its op or its operands are asked for, it is given them and becomes a plain Tensor."""

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
    """A leaf whose value is given later."""
    return Tensor(None, (), (), shape, level)


def known(value: np.ndarray, level: int) -> Tensor:
    """A leaf of a value, which is not copied."""
    return Tensor(None, (), (), value.shape, level, value)


new: Any = object.__new__


def later(shape: Shape, level: int, path: Path, place: int, group: Any) -> Tensor:
    """A leaf of a group, whose value is made when somebody asks."""
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
    """The value of a Variable, which is not copied, or a number."""
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

_EXACT = 2**53  # the integers that float64 holds


def as_tensor(value: Any) -> Tensor:
    """A Tensor for an operand: a Tensor itself, a Variable's value, a Python number as a literal, an array as data.

    A list with Tensors in it is stacked.
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
        parts = [as_tensor(item) for item in value]
        if any(t.shape != parts[0].shape for t in parts):
            raise ShapeError(f"A list has items of shapes {', '.join(str(t.shape) for t in parts)}. Give items of one shape.")
        return concatenate(*[reshape(t, shape=(1, *t.shape)) for t in parts], axis=0)
    array, level = dtypes.as_data(value)
    return Tensor(None, (), (), array.shape, level, array)


_FIXED = {"bool": dtypes.BOOL, "integer": dtypes.INTEGER}
_LEAST = {"same": dtypes.BOOL, "number": dtypes.INTEGER, "float": dtypes.NUMBER}


def record(op: Op, operands: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    """Record an op, and return its result, or a tuple of its results; raises ShapeError where its shape rule does."""
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
    for x in operands:  # as ``path.keyed``, and quicker
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
"""Where no path is followed, as in rules of derivatives: their numbers are not the user's, which may be others next time."""
_MOST_NUMBERS = 1024


def as_tensors(operands: tuple[Any, ...]) -> tuple[Tensor, ...] | None:
    """Operands as Tensors; None where one is deferred. A number is the same Tensor again, which nobody sees but the graph."""
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
    """The event of an op that was not the first that came next on a path; raises ShapeError where its shape rule does."""
    if path.event is LOST:
        return _result(op, operands, attrs, key[1])
    event = path.event.next(key)
    if event is None:
        made = _result(op, operands, attrs, key[1])
        shape, level = made.shape, made.level
        if OPS.get(op.name) is not op:  # what it does is its user's
            path.lose()
        read = place - path.event.end
        return path.grow(key, read + (1 + len(shape) if type(shape) is Shapes else 1), shape, level)
    path.event = event
    return event


def results(node: Tensor) -> tuple[Tensor, ...]:
    """The results of an op that has several, each as a Tensor."""
    op: Any = node.op
    shapes: Any = node.shape
    kinds = op.result if isinstance(op.result, tuple) else (op.result,) * len(shapes)
    made = []
    for index, (shape, kind) in enumerate(zip(shapes, kinds, strict=True)):
        one = Tensor(get, (node,), (("index", index),), shape, _level(op, kind, node.inputs))
        one.path, one.place = node.path, node.place + 1 + index if node.place >= 0 else -1
        if node.gradient is not None and one.level > dtypes.INTEGER:
            one.gradient = Gradient()
        made.append(one)
    return tuple(made)


def recorded_again(node: Tensor, operands: Sequence[Any]) -> Any:
    """The op of ``node`` on other operands; several results are a tuple, here as an operand of ``get``, too."""
    attrs = dict(node.attrs)
    return operands[0][attrs["index"]] if node.op is get else record(node.op, tuple(operands), attrs)  # type: ignore[arg-type]


# Shape and level of what an op makes of operands, by those of the operands: looked up when the op is recorded again.
_RESULTS: dict[tuple[Any, ...], Event] = {}
_MOST_RESULTS = 4096


def _result(op: Op, inputs: Sequence[Tensor], attrs: dict[str, Any], given: tuple[Any, ...]) -> Event:
    """As an event of no path."""
    key = (op, given, *[(t.shape, t.level) for t in inputs])
    found = _RESULTS.get(key)
    if found is not None:
        return found
    if op.arity is not None and len(inputs) != op.arity:
        raise OptionError(f"{op.name} takes {op.arity} operands and got {len(inputs)}. Give {op.arity}.")
    shape = op.shape(op, tuple([t.shape for t in inputs]), attrs)
    kinds = op.result if isinstance(op.result, tuple) else (op.result,)
    made = Event((), -1, -1, shape, max([_level(op, kind, inputs) for kind in kinds]))
    if OPS.get(op.name) is op:  # others may be made anew for each call
        if len(_RESULTS) >= _MOST_RESULTS:
            _RESULTS.clear()
        _RESULTS[key] = made
    return made


def _level(op: Op, kind: Result, inputs: Sequence[Tensor]) -> int:
    """The level of a result of this kind."""
    if kind in _FIXED:
        return _FIXED[kind]
    dtype_operands = range(len(inputs)) if op.dtype_operands is None else op.dtype_operands
    return max(_LEAST[kind], *[inputs[i].level for i in dtype_operands])


def _inherited(made: Tensor) -> Gradient | None:
    """A result requires a gradient if an operand does that has a derivative, outside of ``no_grad``."""
    op = made.op
    if op is None or made.level <= dtypes.INTEGER or here.no_grads:
        return None
    if op.partials and None not in op.partials:  # an operand has one, and all pass
        return Gradient()
    passing = [x for i, x in enumerate(made.inputs) if op.passes(i)]
    return Gradient() if any(x.gradient is not None for x in passing) else None


def is_recorded_op(tensor: Tensor) -> bool:
    """Whether it is the result of an op that it remembers."""
    return type(tensor) is Composed or tensor.op is not None


def op_of(tensor: Tensor) -> Op | None:
    """Its op, of a result of a composite without looking at the graph."""
    op: Op | None = tensor.call.op_of(tensor) if type(tensor) is Composed else tensor.op
    return op


def operands_of(tensor: Tensor) -> tuple[Tensor, ...]:
    """The operands of its op, or of the composite that it is a result of."""
    operands: tuple[Tensor, ...] = tensor.inputs if tensor.call is None else tensor.call.operands
    return operands


def upstream(roots: Sequence[Tensor], into: Callable[[Tensor], bool] = lambda node: True) -> Iterator[Tensor]:
    """Each Tensor that ``roots`` were recorded from once, roots first; down from a node only where ``into(node)``."""
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
    """The same value in the dtype of ``level``. Recorded as a reshape to the same shape: in a Program all are one dtype."""
    if x.level == level:
        return x
    return retyped(identity(x), level)


def retyped(made: Tensor, level: int) -> Tensor:
    """A Tensor that was just recorded, in the dtype of ``level``."""
    if made.level != level:
        made.level = level
        here.path.step("level", made.place, level)
    return made


def identity(x: Tensor) -> Tensor:
    """The same value as a Tensor of its own, recorded where it is made. So what a Variable held stays apart from it."""
    return record(OPS["reshape"], (x,), {"shape": x.shape})
