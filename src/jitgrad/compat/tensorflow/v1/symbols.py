"""Python's operators for tensors and Variables of a graph."""

from __future__ import annotations

import operator
from typing import Any

from jitgrad.compat.tensorflow.operands import like
from jitgrad.compat.tensorflow.v1.graph import Symbol
from jitgrad.compat.tensorflow.v1.staging import operation

_BINARY = {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "truediv", "floordiv": "floordiv", "mod": "mod", "pow": "pow",
    "matmul": "matmul", "and_": "and", "or_": "or", "xor": "xor",
}  # fmt: skip
_COMPARISONS = {"lt": "Less", "le": "LessEqual", "gt": "Greater", "ge": "GreaterEqual"}
_UNARY = {"neg": "Neg", "abs": "Abs", "invert": "LogicalNot"}


def _forwards(type: str, f: Any) -> Any:
    return lambda self, *other: operation(type, f, (self, *other))


def _reflected(type: str, f: Any) -> Any:
    return lambda self, other: operation(type, lambda a, b: f(like(a, b), b), (other, self))


for _name, _type in _BINARY.items():
    _f, _method = getattr(operator, _name), _name.strip("_")
    setattr(Symbol, f"__{_method}__", _forwards(_type, _f))
    setattr(Symbol, f"__r{_method}__", _reflected(_type, _f))
for _name, _type in (_COMPARISONS | _UNARY).items():
    setattr(Symbol, f"__{_name}__", _forwards(_type, getattr(operator, _name)))
setattr(Symbol, "__getitem__", _forwards("strided_slice", operator.getitem))  # noqa: B010


def _defer(self: Any, f: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Convert a call of one of the library's or TensorFlow 2's functions on a tensor or Variable to an operation."""
    return operation(getattr(f, "__name__", "op"), f, args, kwargs)


setattr(Symbol, "defer", _defer)  # noqa: B010
