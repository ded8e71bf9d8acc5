"""The shape and the dtype of the result of an op."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jitgrad.errors import OptionError
from jitgrad.ops import OPS, Op
from jitgrad.ops.table import Result
from jitgrad.tape import dtypes
from jitgrad.tape.path import Event

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor

_FIXED = {"bool": dtypes.BOOL, "integer": dtypes.INTEGER}
_LEAST = {"same": dtypes.BOOL, "number": dtypes.INTEGER, "float": dtypes.NUMBER}


# Keyed by the op, its attributes, and the shapes and levels of the operands; looked up when the op is recorded again.
_RESULTS: dict[tuple[Any, ...], Event] = {}
_MOST_RESULTS = 4096


def result_of(op: Op, inputs: Sequence[Tensor], attrs: dict[str, Any], given: tuple[Any, ...]) -> Event:
    """Return the shape and the level of a result, as an event that is not on a path."""
    key = (op, given, *[(t.shape, t.level) for t in inputs])
    found = _RESULTS.get(key)
    if found is not None:
        return found
    if op.arity is not None and len(inputs) != op.arity:
        raise OptionError(f"{op.name} takes {op.arity} operands, and {len(inputs)} were given. Give {op.arity}.")
    shape = op.shape(op, tuple([t.shape for t in inputs]), attrs)
    kinds = op.result if isinstance(op.result, tuple) else (op.result,)
    made = Event((), -1, -1, shape, max([level_of(op, kind, inputs) for kind in kinds]))
    if OPS.get(op.name) is op:  # other ops may be new objects in each call
        if len(_RESULTS) >= _MOST_RESULTS:
            _RESULTS.clear()
        _RESULTS[key] = made
    return made


def level_of(op: Op, kind: Result, inputs: Sequence[Tensor]) -> int:
    """Return the level of a result of this kind."""
    if kind in _FIXED:
        return _FIXED[kind]
    dtype_operands = range(len(inputs)) if op.dtype_operands is None else op.dtype_operands
    return max(_LEAST[kind], *[inputs[i].level for i in dtype_operands])
