"""Composites: functions of Tensors that are recorded as a single op, and expanded to their ops on request.

On a known path, the graph is not needed, so a layer or a loss costs as much as one op. The ops that a composite records for
operands of given shapes and dtypes are its body, which is traced when they first occur. A result has no op and no operands
until they are requested. The whole body is then expanded, with the path numbers that were reserved for it.
"""

from __future__ import annotations

import functools
import operator
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jitgrad.errors import ArgumentError
from jitgrad.ops import OPS, Op, Shape
from jitgrad.tape import path as paths
from jitgrad.tape.dtypes import INTEGER
from jitgrad.tape.path import LOST, Event, Path
from jitgrad.tape.protocol import deferred_in
from jitgrad.tape.recording import clock, grad_enabled, here, unfollowed
from jitgrad.tape.requires_grad import Gradient
from jitgrad.tape.tensor import Composed, Tensor, as_tensors, leaf, new, placeholder
from jitgrad.tape.tree import operands_first
from jitgrad.tape.variable import Variable

_MOST_BODIES = 256
"""The number of bodies that one composite keeps."""


class _Step(NamedTuple):
    """An op in a body. Its operands are given by their positions."""

    op: Op
    operands: tuple[int, ...]
    attrs: tuple[tuple[str, Any], ...]
    shape: Shape
    level: int
    passing: int  # a bit for each operand of the composite that gradients reach from this step


class _Body:
    """The ops that a function records. Positions count its operands, then the constants, then the steps.

    Attributes
    ----------
    steps : list of _Step
        The ops, operands first.
    """

    __slots__ = ("_constants", "_only", "_outputs", "_several", "steps")

    def __init__(self, name: str, operands: Sequence[Tensor], made: Any) -> None:
        self._several = isinstance(made, tuple)
        results: tuple[Tensor, ...] = made if self._several else (made,)
        order = operands_first(results, lambda node: node.inputs)
        given = {id(t) for t in operands}
        constants = [t for t in order if not t.inputs and id(t) not in given]
        if any(t.value is None or t.variable is not None for t in constants):
            raise ArgumentError(
                f"The composite {name} reads a value that is not among its operands. Pass all Variables that it uses."
            )
        place = {id(t): number for number, t in enumerate((*operands, *constants))}
        passing = [1 << number for number in range(len(operands))] + [0] * len(constants)
        self._constants = [(t.value, t.shape, t.level) for t in constants]
        self.steps: list[_Step] = []
        for node in [t for t in order if t.inputs and id(t) not in given]:
            op = node.op
            if op is None or OPS.get(op.name) is not op:
                raise ArgumentError(f"The composite {name} uses an op that is not in the table. Call it without composite().")
            inputs = tuple([place[id(x)] for x in node.inputs])
            reached = [passing[i] for k, i in enumerate(inputs) if op.passes(k)] if node.level > INTEGER else []
            passing.append(functools.reduce(operator.or_, reached, 0))
            self.steps.append(_Step(op, inputs, node.attrs, node.shape, node.level, passing[-1]))
            place[id(node)] = len(place)
        first = len(operands) + len(constants)
        self._outputs = [place[id(t)] - first if place[id(t)] >= first else ~place[id(t)] for t in results]
        self._only = -1 if self._several else self._outputs[0]

    def leaves(self) -> list[Tensor]:
        """The constants, which were not read on any path."""
        return [leaf(value, shape, level, None, None) for value, shape, level in self._constants]

    def results(self, call: Call) -> Any:
        """Return the results of the function for the operands of a call."""
        if self._only >= 0:
            return call.result(self._only)
        made = {number: call.result(number) for number in self._outputs if number >= 0}
        call.results = {number: weakref.ref(result) for number, result in made.items()}
        found = tuple([made[number] if number >= 0 else self._given(call, ~number) for number in self._outputs])
        return found if self._several else found[0]

    def _given(self, call: Call, place: int) -> Tensor:
        """Return an operand or a constant that the function returns."""
        return (*call.operands, *self.leaves())[place]


class Call:
    """A body applied to operands.

    Attributes
    ----------
    operands : tuple of Tensor
        The operands.
    results : WeakValueDictionary
        The results that are still referenced, by number, if there are several.
    """

    __slots__ = ("_body", "_path", "_place", "_requiring", "_timestamp", "operands", "results")

    def __init__(self, body: _Body, operands: tuple[Tensor, ...], where: Path, place: int, requiring: int) -> None:
        self._body = body
        self.operands = operands
        self._path = where
        self._place = place
        self._timestamp = next(clock) if where.active else 0
        self._requiring = requiring  # a bit for each operand that requires a gradient
        self.results: dict[int, weakref.ref[Tensor]] | None = None

    def result(self, number: int) -> Tensor:
        """Return the Tensor of a step, without a graph."""
        step = self._body.steps[number]
        made = new(Composed)
        made.call = self
        made.shape = step.shape
        made.level = step.level
        made.value = made.variable = made.group = made.gradient = None
        made.path = self._path
        made.place = self._place + number
        made.timestamp = self._timestamp
        if self._requiring & step.passing:
            made.gradient = Gradient()
        return made

    def op_of(self, result: Tensor) -> Op:
        """Return the op of a result."""
        return self._body.steps[result.place - self._place].op

    def expand(self, asked: Tensor) -> None:
        """Attach the graphs of all results, because the graph of one of them is requested."""
        made = [*self.operands, *self._body.leaves()]
        found: dict[int, Tensor | None] = {number: result() for number, result in (self.results or {}).items()}
        found[asked.place - self._place] = asked
        for number, step in enumerate(self._body.steps):
            tensor = found.get(number)
            if tensor is None:
                tensor = found[number] = self.result(number)
                tensor.call = None
            if type(tensor) is Composed:  # otherwise it was released
                tensor.inputs = tuple([made[i] for i in step.operands])
                tensor.attrs = step.attrs
                tensor.op = step.op
            made.append(tensor)
        self._spend(made)
        for tensor in found.values():
            if type(tensor) is Composed:
                tensor.__class__ = Tensor  # type: ignore[assignment]

    def _spend(self, made: Sequence[Tensor]) -> None:
        """Mark the new Tensors as released if ``backward`` went through the results."""
        steps = self._body.steps
        for step, tensor in zip(reversed(steps), reversed(made), strict=False):
            if tensor.gradient is not None and tensor.gradient.spent:
                for i in step.operands:
                    inner = made[i].gradient
                    if inner is not None and i >= len(made) - len(steps):
                        inner.spent = True


class Composite:
    """A function of Tensors that is recorded as a single op. Made by ``composite``."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._bodies: dict[Any, _Body] = {}
        functools.update_wrapper(self, function)

    def __call__(self, *operands: Any, **options: Any) -> Any:
        """Record the function as one op; without a path, op by op."""
        read: Any = []
        for x in operands:
            kind = type(x)
            if kind is Tensor or kind is Composed:
                read.append(x)
            elif isinstance(x, Variable):
                read.append(x._read())
            else:
                read = as_tensors(operands)
                if read is None:
                    return deferred_in(operands).defer(self, operands, options)  # type: ignore[union-attr]
                break
        tensors: tuple[Tensor, ...] = tuple(read)
        where = here.path
        if where.event is LOST or not paths.REPLAY:
            return self.function(*tensors, **options)
        key: list[Any] = [self, tuple(options.items()) if options else ()]
        place = where.keyed(key, tensors)
        event = where.event.then
        if event is not None and event.key == key:
            where.event = event
        else:
            event = self._followed(where, key, place, tensors, options)
            if event is None:
                return self.function(*tensors, **options)
        requiring, bit = 0, 1
        for x in tensors:
            if x.gradient is not None:
                requiring |= bit
            bit <<= 1
        if requiring and not grad_enabled():
            requiring = 0
        return event.form.results(Call(event.form, tensors, where, place, requiring))

    def _followed(
        self, where: Path, key: list[Any], place: int, operands: tuple[Tensor, ...], options: dict[str, Any]
    ) -> Event | None:
        """Return the event if it was not the expected one on a path, or None if the path is lost."""
        if where.event is LOST:
            return None
        event = where.event.next(key)
        if event is not None:
            where.event = event
            return event
        body = self._body(operands, key[1], options)
        event = where.grow(key, place - where.event.end + len(body.steps), form=body)
        return None if where.event is LOST else event

    def _body(self, operands: tuple[Tensor, ...], given: Any, options: dict[str, Any]) -> _Body:
        key = (given, *[(t.shape, t.level) for t in operands])
        found = self._bodies.get(key)
        if found is None:
            if len(self._bodies) >= _MOST_BODIES:
                self._bodies.clear()
            like = [placeholder(t.shape, t.level) for t in operands]
            with unfollowed():
                found = self._bodies[key] = _Body(self.function.__name__, like, self.function(*like, **options))
        return found


def composite(function: Callable[..., Any]) -> Composite:
    """Decorate a function so that it is recorded as a single op.

    The function takes Tensors by position and hashable options by name, which contain no Tensors, and returns a Tensor or a
    tuple of Tensors. The recorded ops may depend only on shapes, dtypes and options: the function must not read other
    Variables, request values or draw random numbers.
    """
    return Composite(function)
