"""Traced functions: a function is recorded once, and its Program runs in later calls."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

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

P = ParamSpec("P")
R = TypeVar("R")


def flatten_traced(
    tracing: trace.Trace,
    outputs: Sequence[Tensor],
    changes: Sequence[StateUpdate],
    leaves: Sequence[Tensor],
    entries: Sequence[tuple[str, Sequence[Tensor]]] = (),
) -> Flat:
    """Return the expression of a traced function, in which everything recorded before the trace is constant."""
    more = [t for _, tensors in entries for t in tensors]
    force([*outputs, *more, *(t for change in changes for t in change.args)], tracing.start)
    flat = Flat(outputs, changes, leaves, entries=entries)
    for leaf in flat.leaves[len(leaves) :]:
        check_leaving(leaf, "a traced function", explicit=True)
    return flat


KEPT_TRACES, KEPT_STEPS = 128, 64
"""The numbers of traces and of training steps that one function keeps."""


class ConcreteFunction:
    """A function traced for arguments of given shapes and dtypes."""

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
        """The Variables and constant Tensors that the function reads."""
        return [t if t.variable is None else t.variable for t in self.flat.leaves[self._n_given :]]

    @functools.cached_property
    def executable(self) -> Executable:
        """The lowered trace, created on the first run."""
        return lowered(self.flat, self._n_given)

    def check(self, values: Sequence[Any], names: Sequence[str]) -> None:
        """Raise an error if an input has values outside the domain of the function."""
        for place, check in self._checks:
            check(names[place], np.asarray(values[place]))

    def call(self, dynamic: list[Tensor], storage: Storage = OWN) -> Any:
        """Run the trace for these values."""
        if self._checks:
            self.check([t.value for t in dynamic], [f"Argument {place}" for place in range(len(dynamic))])
        values = iter(self.executable.call(dynamic, self._levels, storage))
        return tree_map(lambda t: None if t is None else known(next(values), t.level), self._result)


class Function(Generic[P, R]):
    """A traced function, as ``function`` returns it.

    Its state is in slots because ``functools.wraps`` copies the ``__dict__`` of the function that it wraps.
    """

    __slots__ = ("__dict__", "__weakref__", "_retraces", "_traced", "function", "steps")

    def __init__(self, function: Callable[P, R]) -> None:
        self.function = function
        self._traced: Recent[ConcreteFunction] = Recent(KEPT_TRACES)
        self._retraces = Retraces(function)
        self.steps: Recent[Any] = Recent(KEPT_STEPS)  # the training steps made from this function; see training.step
        functools.update_wrapper(self, function)

    if TYPE_CHECKING:

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    else:

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return _called(self, args, kwargs)

    def call(self, args: Any, kwargs: Any) -> Any:
        """Run the Program for these arguments, traced if necessary, or record the function for differentiation."""
        if recording.is_active():
            return self._recorded(args, kwargs)
        dynamic = [_dynamic(x) for x in tree_leaves((args, kwargs)) if _is_dynamic(x)]
        traced = self.traced(args, kwargs, dynamic, watched=True)
        if recording.grad_enabled() and any(t.gradient is not None for t in (*dynamic, *traced.closed_over)):
            return self._recorded(args, kwargs)
        return traced.call(dynamic)

    def replay(self, storage: Storage, *args: Any) -> Any:
        """Run the Program on the values of the Variables in ``storage``, without recording on any tape."""
        dynamic = [_dynamic(x) for x in tree_leaves((args, {})) if _is_dynamic(x)]
        return self.traced(args, {}, dynamic).call(dynamic, storage)

    def check(self, values: Sequence[Any], names: Sequence[str], *like: Any) -> None:
        """Raise DataError or IndexingError, with the row, if ``values`` are outside the domain of the function.

        The values have these names and replace the arrays among the arguments ``like``. They may have more rows.
        """
        self.traced(like, {}, [_dynamic(x) for x in tree_leaves((like, {})) if _is_dynamic(x)]).check(values, names)

    def __reduce__(self) -> Any:
        """Copy and pickle without the traces, because these read the Variables with which they were made.

        Attributes that were copied from the wrapped function are omitted. The copy takes them from its own function.
        """
        wrapped = vars(type(self)(self.function))
        return type(self), (self.function,), {k: v for k, v in vars(self).items() if k not in wrapped or wrapped[k] is not v}

    def __get__(self, instance: Any, owner: Any) -> Any:
        """Bind a traced method to its instance."""
        return self if instance is None else functools.partial(self, instance)

    def _recorded(self, args: Any, kwargs: Any) -> Any:
        """Call the function itself, so that a tape or ``backward`` can differentiate it."""
        return tree_map(lambda x: None if x is None else as_tensor(x), self.function(*args, **kwargs))

    def traced(self, args: Any, kwargs: Any, dynamic: list[Tensor], watched: bool = False) -> ConcreteFunction:
        """Return the trace for these arguments. If ``watched``, warn if every call needs a new trace."""
        key = (_signature((args, kwargs)), tuple((t.shape, t.level) for t in dynamic))
        try:
            traced = self._traced.get(key)
        except TypeError as error:
            raise ArgumentError(
                f"An argument of {function_name(self.function)} is neither an array nor hashable: {error}. "
                f"Make it a constant of the function."
            ) from None
        if traced is None:
            if watched:
                self._retraces.note(args, kwargs, _kind)
            return self._traced.put(key, ConcreteFunction(self.function, (args, kwargs), dynamic))
        self._retraces.in_a_row = 0
        return traced


@public()
def _called(f: Function[..., Any], args: Any, kwargs: Any) -> Any:
    return f.call(args, kwargs)


def function(f: Callable[P, R]) -> Function[P, R]:
    """Compile a function: trace it on the first call, and run its Program on later calls.

    It can be used as a decorator. A function is traced once for each combination of shapes and dtypes of its arguments.

    Parameters
    ----------
    f : callable
        A function of arrays, Tensors and floats, or lists, tuples and dicts of them, which are inputs of the Program. Other
        arguments, such as integers and strings, are constants of a trace: each new value needs a new trace.

    Returns
    -------
    Function
        A function of the same arguments, which returns Tensors.

    Raises
    ------
    TracingError
        When it is called, if ``f`` requests the value of a Tensor (``if``, ``float()``, ``numpy()``).

    Warns
    -----
    RetracingWarning
        If every call needs a new trace. The message names the argument that causes it.

    See Also
    --------
    lower : Show the Program of a function.

    Notes
    -----
    Variables are read when the function is called, and assignments to them take effect. Other values from outside the function
    are constants of the trace. Under a gradient tape, and if an argument requires a gradient, ``f`` is called and recorded as
    usual. The last 128 traces are kept.

    Examples
    --------
    >>> @jg.function
    ... def distance(x, y):
    ...     return jg.sqrt(jg.sum(jg.square(x - y)))
    >>> float(distance(np.array([0.0, 0.0]), np.array([3.0, 4.0])))
    5.0
    """
    return Function(f)


def lower(f: Callable[..., Any], *args: Any) -> Program:
    """Return the Program of a function, to inspect it.

    Parameters
    ----------
    f : callable
        The function.
    *args : array_like
        The arguments for which to trace the function.

    Returns
    -------
    Program
        The Program. ``dump()`` returns its instructions as text.

    See Also
    --------
    function : Compile a function.

    Examples
    --------
    >>> print(jg.lower(lambda x: jg.sum(x * x), np.array([1.0, 2.0])).dump())
    program float64 arena 3
    input 0 [0:2] (2,)
    value:
        0 dot            d=2 a=0 b=0 n=2
    output [2:3] ()
    """
    inner = f.function if isinstance(f, Function) else f
    dynamic = [_dynamic(x) for x in tree_leaves((args, {})) if _is_dynamic(x)]
    flat = ConcreteFunction(inner, (args, {}), dynamic).flat
    return lower_expression(flat.expression(flat.leaves), flat.dtype)


def _signature(nest: Any) -> Any:
    """Return the structure of arguments with the constants among them; inputs of the Program are None."""
    if isinstance(nest, (list, tuple)):
        return type(nest), tuple(_signature(item) for item in nest)
    if isinstance(nest, dict):
        return type(nest), tuple((key, _signature(item)) for key, item in nest.items())
    return None if _is_dynamic(nest) else (type(nest), nest)


def _kind(argument: Any) -> Any:
    """Return a key of the properties of an argument on which a trace depends: constants, shapes and dtypes."""
    return _signature(argument), [(t.shape, t.level) for t in map(_dynamic, filter(_is_dynamic, tree_leaves(argument)))]


def _is_dynamic(value: Any) -> bool:
    return isinstance(value, (Operators, np.ndarray, np.generic)) or type(value) is float


def _dynamic(value: Any) -> Tensor:
    """Return an argument as a Tensor whose value is known."""
    if type(value) is float:
        return Tensor(None, (), (), (), dtypes.NUMBER, np.float64(value))
    tensor = as_tensor(value)
    if tensor.value is None:
        peek(tensor)
    return tensor
