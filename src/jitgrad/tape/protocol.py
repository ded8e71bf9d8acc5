"""Public functions, and the dispatch of NumPy's functions to them.

``np.exp(v)`` and ``np.sum(v, axis=0)`` of a Tensor are recorded: NumPy calls the Tensor (NEP 13 and NEP 18), which calls the op
or the public function with the same meaning.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from jitgrad.errors import UnsupportedError
from jitgrad.ops import OPS, Op
from jitgrad.tape.tree import tree_map
from jitgrad.tape.values import Values, peek

P = ParamSpec("P")
R = TypeVar("R")

NUMPY: dict[Any, Callable[..., Any]] = {
    **{row.numpy: row for row in OPS.values() if row.numpy is getattr(np, row.name, None)},
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.size if axis is None else a.shape[axis],
}
"""NumPy functions, and the corresponding functions of jitgrad."""


class Deferrable:
    """Base class of objects that may have no value until a session of a static graph runs them. Calls on them become Nodes."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def is_deferred(self) -> bool:
            """Whether there is no value now."""

        def defer(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            """Return an object that stands for the result of a call."""


NEVER_DEFERRED: set[type] = {int, float, bool, str, type(None), np.ndarray, np.float64}
"""Types that are never deferred, listed so that common arguments are recognized quickly."""
_LONG = 16


def deferred_in(values: Iterable[Any]) -> Deferrable | None:
    """Return the first deferred object among values and in lists, tuples and dicts, or None."""
    for x in values:
        if type(x) in NEVER_DEFERRED:
            continue
        if isinstance(x, Deferrable):
            if x.is_deferred:
                return x
        elif isinstance(x, (list, tuple, dict)):
            if len(x) > _LONG and NEVER_DEFERRED.issuperset(map(type, x)) and not isinstance(x, dict):
                continue
            found = deferred_in(x.values() if isinstance(x, dict) else x)
            if found is not None:
                return found
    return None


def public(*namesakes: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a public function, which replaces NumPy's ``namesakes`` for Tensors and is deferred if an argument is deferred.

    A SciPy ufunc may be given by name, so that SciPy need not be imported.
    """

    def decorate(f: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(f)
        def function(*args: P.args, **kwargs: P.kwargs) -> R:
            for x in args:
                if type(x) not in NEVER_DEFERRED:
                    found = deferred_in(args)
                    if found is not None:
                        return found.defer(function, args, kwargs)
                    break
            if kwargs:
                found = deferred_in(kwargs.values())
                if found is not None:
                    return found.defer(function, args, kwargs)
            return f(*args, **kwargs)

        for namesake in namesakes:
            NUMPY[namesake] = function
        return function

    return decorate


def namesakes(*names: str, module: Any = np) -> list[Any]:
    """Return the NumPy functions of these names that exist in this version, for ``public``."""
    return [getattr(module, name) for name in names if name in module.__all__]


# Ufuncs of NumPy and SciPy whose names differ from the names of the ops.
_ALIASES = {"absolute": "abs", "fabs": "abs", "remainder": "mod", "psi": "digamma", "expit": "sigmoid", "true_divide": "divide"}
_REDUCTIONS = {"add": np.sum, "multiply": np.prod, "maximum": np.max, "minimum": np.min}

# Functions that NumPy computes itself on the values, because they have no derivative.
_ON_VALUES: dict[Any, Callable[[Any], Any]] = {
    **dict.fromkeys([np.allclose, np.array_equal, np.isclose, np.nonzero, np.flatnonzero, np.argwhere], peek),
    **dict.fromkeys([np.array2string, np.array_repr, np.array_str, np.save, np.savetxt], peek),
    np.unique: np.asarray,
}


def array_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply a ufunc of NumPy or SciPy to operands that include a Tensor. Raise UnsupportedError if it is not available."""
    name = ufunc.__name__
    if method == "reduce" and name in _REDUCTIONS:
        return array_function(_REDUCTIONS[name], inputs, {"axis": 0} | kwargs)
    found = NUMPY.get(ufunc) or NUMPY.get(name) or OPS.get(_ALIASES.get(name, name))
    if method != "__call__" or found is None:
        asked = name if method == "__call__" else f"{name}.{method}"
        raise UnsupportedError(
            f"The ufunc {asked} does not accept Tensors. Use functions of jitgrad instead, or np.asarray(x.detach()) for the "
            f"value without a derivative."
        )
    if kwargs:
        advice = "Write a = a + v for a += v" if "out" in kwargs else "Leave it out"
        raise UnsupportedError(f"The ufunc {name} does not support {', '.join(kwargs)} for Tensors. {advice}.")
    return found(*inputs)


def array_function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Apply a NumPy function to arguments that include a Tensor. Raise UnsupportedError if it is not available."""
    take = _ON_VALUES.get(np.nonzero if function is np.where and len(args) == 1 else function)
    if take is not None:
        given = tree_map(lambda x: take(x) if isinstance(x, Values) else x, (args, kwargs))
        return function(*given[0], **given[1])
    found = NUMPY.get(function)
    name = f"{function.__module__}.{function.__name__}"
    if found is None:
        raise UnsupportedError(
            f"{name} does not accept Tensors. Use functions of jitgrad instead, or np.asarray(x.detach()) for the value "
            f"without a derivative."
        )
    positional, named, refused = _translated(function, found, args, kwargs)
    if refused:
        raise UnsupportedError(f"{name} does not support {', '.join(refused)} for Tensors. Leave it out.")
    return found(*positional, **named)


# Parameters with other names, and parameters that do not affect results.
_RENAMED = {"a_min": "low", "a_max": "high", "min": "low", "max": "high"}
_IGNORED = {"kind", "optimize", "stable"}


def _translated(
    theirs: Any, ours: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[list[Any], dict[str, Any], list[str]]:
    """Translate NumPy's arguments; those without a default become positional. Also return the names that are not supported."""
    if isinstance(ours, Op):
        return list(args), {}, list(kwargs)
    known = _signature(ours).parameters
    try:
        bound = _signature(theirs).bind(*args, **kwargs)
    except ValueError:  # a function without a signature
        return list(args), kwargs, [key for key in kwargs if key not in known]
    positional: list[Any] = []
    named: dict[str, Any] = {}
    refused = []
    for key, value in bound.arguments.items():
        parameter = bound.signature.parameters[key]
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional += value
        elif parameter.kind is parameter.VAR_KEYWORD:
            named |= value
        elif parameter.default is parameter.empty:
            positional.append(value)
        elif key in known or _RENAMED.get(key) in known:
            named[key if key in known else _RENAMED[key]] = value
        elif value is not parameter.default and value is not None and key not in _IGNORED:
            refused.append(key)
    refused += [key for key in named if key not in known]
    return positional, named, refused


@functools.cache
def _signature(function: Any) -> inspect.Signature:
    return inspect.signature(function)
