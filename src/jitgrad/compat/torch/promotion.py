"""Type promotion, and the conversion of operands to jitgrad's Tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.torch.dtypes import INT64, bool_, default, dtype, int64, promote_types
from jitgrad.compat.torch.errors import TorchError, not_a_tensor
from jitgrad.compat.torch.tensor import Tensor, into, of_array, wrap
from jitgrad.ops import Op
from jitgrad.ops.elementwise import mod, not_equal
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.tensor import cast, record

_NUMBERS = (int, float, bool)
_NO_ATTRS: dict[str, Any] = {}


def result_type(*values: Any) -> dtype:
    """Return the dtype of an operation on these tensors and numbers.

    Tensors with axes take precedence over tensors without axes, which take precedence over numbers. An operand of lower
    precedence counts only if its category is higher, in the order boolean, integer, float.
    """
    found: dtype | None = None
    ranks: list[list[dtype]] = [[], [], []]
    for x in values:
        if isinstance(x, Tensor):
            ranks[0 if x._tensor.shape else 1].append(x.dtype)
        else:
            ranks[2].append(bool_ if isinstance(x, bool) else int64 if isinstance(x, int) else default())
    for rank in ranks:
        together: dtype | None = None
        for one in rank:
            together = one if together is None else promote_types(together, one)
        if together is not None and (found is None or _category(together) > _category(found)):
            found = together
    assert found is not None
    return found


def _category(d: dtype) -> int:
    return min(d.level, dtypes.NUMBER)


def operand(name: str, value: Any, position: int = 2) -> Any:
    """Convert an operand of an operator to a tensor or a number."""
    if isinstance(value, (Tensor, *_NUMBERS)):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return of_array(value) if value.ndim else value.item()
    raise not_a_tensor(name, value, position)


def together(name: str, *values: Any) -> tuple[list[Any], dtype]:
    """Return operands in their common dtype, and that dtype. Numbers are not converted."""
    values = tuple([operand(name, x, i + 1) for i, x in enumerate(values)])
    common = result_type(*values)
    made = []
    for x in values:
        held = x._tensor if isinstance(x, Tensor) else x
        floats = isinstance(x, Tensor) and held.level > dtypes.INTEGER and held.level != common.level
        made.append(cast(held._read(), common.level) if floats else held)
    return made, common


def binary(op: Any, name: str, backward: str) -> Any:
    """Make a function of two tensors or numbers from a jitgrad op or function."""
    is_op = isinstance(op, Op)

    def function(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
        if out is not None:
            return into(out, function(input, other))
        if is_op and isinstance(input, Tensor):
            x = input._tensor
            if x.level > dtypes.INTEGER:
                if isinstance(other, Tensor):
                    y = other._tensor
                    if y.level == x.level:
                        return wrap(record(op, (x, y), _NO_ATTRS), backward)
                elif type(other) is float or type(other) is int:
                    return wrap(record(op, (x, other), _NO_ATTRS), backward)
            elif isinstance(other, Tensor) and _are_long(input, other):
                return wrap(record(op, (x, other._tensor), _NO_ATTRS), backward)
        operands, common = together(name, input, other)
        made = op(*operands)
        if made.level == dtypes.INTEGER:
            made = _of_bools(name, made) if common is bool_ else _narrowed(made, common.integer)
        return wrap(made, backward, common.integer)

    function.__name__ = function.__qualname__ = name
    return function


def _are_long(x: Tensor, y: Tensor) -> bool:
    """Return whether both have 64-bit integers, which need no conversion."""
    return x._tensor.level == y._tensor.level == dtypes.INTEGER and x._integer is y._integer is INT64


def _of_bools(name: str, made: Plain) -> Plain:
    """Convert a number computed from booleans to a boolean."""
    if name == "sub":
        raise TorchError("Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` operator instead.")
    return not_equal(made, 0)


def _narrowed(made: Plain, integer: np.dtype[Any]) -> Plain:
    """Wrap integers of one or two bytes around."""
    if integer.itemsize > 2:
        return made
    lowest, count = int(np.iinfo(integer).min), 2 ** (8 * integer.itemsize)
    return mod(made - lowest, count) + lowest


def unary(op: Any, name: str, backward: str) -> Any:
    """Make a function of one tensor from a jitgrad op or function."""

    def function(input: Tensor, *, out: Tensor | None = None) -> Tensor:
        if out is not None:
            return into(out, function(input))
        try:
            held = input._tensor
        except AttributeError:
            raise not_a_tensor(name, input) from None
        return wrap(op(held), backward, input._integer)

    function.__name__ = function.__qualname__ = name
    return function


def read(name: str, value: Any) -> Plain | Any:
    """Return the value of a tensor."""
    if not isinstance(value, Tensor):
        raise not_a_tensor(name, value)
    return value._tensor
