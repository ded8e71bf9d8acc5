"""Trace a function once, and replay its Program afterwards."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import function_name
from jitgrad.errors import ArgumentError
from jitgrad.program.lowering import lower as lower_expression
from jitgrad.program.program import Program
from jitgrad.tape import dtypes, recording, trace
from jitgrad.tape.evaluate import force
from jitgrad.tape.executable import OWN, Executable, Storage, lowered
from jitgrad.tape.flatten import Flat
from jitgrad.tape.lru import Recent
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import public
from jitgrad.tape.retracing import Retraces
from jitgrad.tape.tensor import Tensor, as_tensor, known, placeholder
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.tree import tree_leaves, tree_map
from jitgrad.tape.values import check_leaving, peek


def flatten_traced(
    tracing: trace.Trace,
    outputs: Sequence[Tensor],
    changes: Sequence[StateUpdate],
    leaves: Sequence[Tensor],
    entries: Sequence[tuple[str, Sequence[Tensor]]] = (),
) -> Flat:
    """The expression of a traced function; what was recorded before the trace is constant in it."""
    more = [t for _, tensors in entries for t in tensors]
    force([*outputs, *more, *(t for change in changes for t in change.args)], tracing.start)
    flat = Flat(outputs, changes, leaves, entries=entries)
    for leaf in flat.leaves[len(leaves) :]:
        check_leaving(leaf, "a traced function", explicit=True)
    return flat


KEPT_TRACES, KEPT_STEPS = 128, 64
"""Of one function."""


class ConcreteFunction:
    """A function that was traced for arguments of given shapes and dtypes, and what runs it."""

    def __init__(self, function: Callable[..., Any], args: Any, dynamic: list[Tensor]) -> None:
        with trace.tracing() as tracing:
            placeholders = [placeholder(t.shape, t.level) for t in dynamic]
            tracing.will_check(placeholders)
            left = iter(placeholders)
            args, kwargs = tree_map(lambda x: next(left) if _is_dynamic(x) else x, args)
            result = function(*args, **kwargs)
            self._result = tree_map(lambda x: None if x is None else as_tensor(x), result)
        self._checks = tracing.checks
        self._levels = [t.level for t in tree_leaves(self._result) if t is not None]
        outputs = [t for t in tree_leaves(self._result) if t is not None]
        self.flat = flatten_traced(tracing, outputs, tracing.changes, placeholders)
        self._n_given = len(dynamic)

    @property
    def closed_over(self) -> list[Any]:
        """The Variables and constant Tensors that it reads."""
        return [t if t.variable is None else t.variable for t in self.flat.leaves[self._n_given :]]

    @functools.cached_property
    def executable(self) -> Executable:
        """It is lowered when it is run first."""
        return lowered(self.flat, self._n_given)

    def check(self, values: Sequence[Any], names: Sequence[str]) -> None:
        """Raise where an input has what the function gives no meaning."""
        for place, check in self._checks:
            check(names[place], np.asarray(values[place]))

    def call(self, dynamic: list[Tensor], storage: Storage = OWN) -> Any:
        """Its result for these values."""
        if self._checks:
            self.check([t.value for t in dynamic], [f"Argument {place}" for place in range(len(dynamic))])
        values = iter(self.executable.call(dynamic, self._levels, storage))
        return tree_map(lambda t: None if t is None else known(next(values), t.level), self._result)


class Function:
    """A function whose calls run one Program. Made by ``function``.

    Its state is in slots: ``functools.wraps`` copies the ``__dict__`` of what it wraps, and would copy the state with it.
    """

    __slots__ = ("__dict__", "__weakref__", "_retraces", "_traced", "function", "steps")

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._traced: Recent[ConcreteFunction] = Recent(KEPT_TRACES)
        self._retraces = Retraces(function)
        self.steps: Recent[Any] = Recent(KEPT_STEPS)  # the training steps made of this function, see training.step
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _called(self, args, kwargs)

    def call(self, args: Any, kwargs: Any) -> Any:
        """Run the Program for arguments like these, traced first if need be; or record, for who will differentiate."""
        if recording.is_active():
            return self._recorded(args, kwargs)
        dynamic = [_dynamic(x) for x in tree_leaves((args, kwargs)) if _is_dynamic(x)]
        traced = self.traced(args, kwargs, dynamic, watched=True)
        if recording.grad_enabled() and any(t.gradient is not None for t in (*dynamic, *traced.closed_over)):
            return self._recorded(args, kwargs)
        return traced.call(dynamic)

    def replay(self, storage: Storage, *args: Any) -> Any:
        """As a call, but never recorded, whatever tape is about: the trace is run on the Variables as ``storage`` has them."""
        dynamic = [_dynamic(x) for x in tree_leaves((args, {})) if _is_dynamic(x)]
        return self.traced(args, {}, dynamic).call(dynamic, storage)

    def check(self, values: Sequence[Any], names: Sequence[str], *like: Any) -> None:
        """Raise DataError or IndexingError, with the row, where ``values``, of these names, have what it gives no meaning.

        They stand for the arrays among arguments ``like`` these, and may have more rows.
        """
        self.traced(like, {}, [_dynamic(x) for x in tree_leaves((like, {})) if _is_dynamic(x)]).check(values, names)

    def __reduce__(self) -> Any:
        """Copied and pickled without its traces, which read the Variables that they were made with.

        Nor with the attributes of what it wraps, which the copy takes from its own.
        """
        wrapped = vars(type(self)(self.function))
        return type(self), (self.function,), {k: v for k, v in vars(self).items() if k not in wrapped or wrapped[k] is not v}

    def __get__(self, instance: Any, owner: Any) -> Any:
        """As a method, bound to its instance."""
        return self if instance is None else functools.partial(self, instance)

    def _recorded(self, args: Any, kwargs: Any) -> Any:
        """The function itself, for a tape or ``backward`` to differentiate."""
        return tree_map(lambda x: None if x is None else as_tensor(x), self.function(*args, **kwargs))

    def traced(self, args: Any, kwargs: Any, dynamic: list[Tensor], watched: bool = False) -> ConcreteFunction:
        """The trace for arguments like these; ``watched`` for a warning where each call needs a new one."""
        key = (_signature((args, kwargs)), tuple((t.shape, t.level) for t in dynamic))
        try:
            traced = self._traced.get(key)
        except TypeError as error:
            raise ArgumentError(
                f"An argument of {function_name(self.function)} is no array, and {error}. "
                f"Pass it as a constant of the function."
            ) from None
        if traced is None:
            if watched:
                self._retraces.note(args, kwargs, _kind)
            return self._traced.put(key, ConcreteFunction(self.function, (args, kwargs), dynamic))
        self._retraces.in_a_row = 0
        return traced


@public()
def _called(f: Function, args: Any, kwargs: Any) -> Any:
    return f.call(args, kwargs)


def function(f: Callable[..., Any]) -> Function:
    """Trace ``f`` on its first call with arguments of some shapes and dtypes, and run its Program on later ones.

    Arrays, Tensors and floats among the arguments (in any nesting) are inputs of the Program; integers, strings and the like
    are part of what is traced. Variables are read when the function is called, and assignments to them happen; other values
    that ``f`` closes over are constants of the trace. Under a gradient tape, and where something requires a gradient, ``f`` is
    called and recorded as usual.

    The last 128 traces are kept. Where every call is traced anew, a RetracingWarning names the argument that is to blame.

    Raises:
        TracingError: on a call, where ``f`` asks for a value while it is traced (``if``, ``float()``, ``numpy()``).
    """
    return Function(f)


def lower(f: Callable[..., Any], *args: Any) -> Program:
    """The Program of ``f`` on arguments like ``args``, to look at: ``print(jitgrad.lower(f, x).dump())``."""
    inner = f.function if isinstance(f, Function) else f
    dynamic = [_dynamic(x) for x in tree_leaves((args, {})) if _is_dynamic(x)]
    flat = ConcreteFunction(inner, (args, {}), dynamic).flat
    return lower_expression(flat.expression(flat.leaves), flat.dtype)


def _signature(nest: Any) -> Any:
    """The nesting of arguments with what is traced with them; an input of the Program is None."""
    if isinstance(nest, (list, tuple)):
        return type(nest), tuple(_signature(item) for item in nest)
    if isinstance(nest, dict):
        return type(nest), tuple((key, _signature(item)) for key, item in nest.items())
    return None if _is_dynamic(nest) else (type(nest), nest)


def _kind(argument: Any) -> Any:
    """What an argument is traced for."""
    return _signature(argument), [(t.shape, t.level) for t in map(_dynamic, filter(_is_dynamic, tree_leaves(argument)))]


def _is_dynamic(value: Any) -> bool:
    return isinstance(value, (Operators, np.ndarray, np.generic)) or type(value) is float


def _dynamic(value: Any) -> Tensor:
    """A Tensor with its value known, for an argument."""
    if type(value) is float:
        return Tensor(None, (), (), (), dtypes.NUMBER, np.float64(value))
    tensor = as_tensor(value)
    if tensor.value is None:
        peek(tensor)
    return tensor
