"""Methods of Tensors and Variables: for each method of NumPy's arrays, the function of the same name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.errors import DTypeError
from jitgrad.functions import (
    cumulative,
    diagonals,
    elementwise,
    extremes,
    logic,
    products,
    rearranging,
    reductions,
    selection,
    shapes,
)
from jitgrad.ops import OPS, Op
from jitgrad.ops.elementwise import equal, greater, not_equal
from jitgrad.tape import dtypes
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, cast, identity
from jitgrad.typing import DTypeLike


def _reshape(self: Operators, *shape: Any) -> Tensor:
    """Return the elements in a new shape.

    Parameters
    ----------
    *shape : int or sequence of int
        The shape, as a sequence or as separate sizes. One size may be -1, which is then inferred.

    Returns
    -------
    Tensor
        The elements in the new shape.

    See Also
    --------
    jitgrad.reshape : The corresponding function.
    """
    return shapes.reshape(self, shape[0] if len(shape) == 1 else shape)


def _transpose(self: Operators, *axes: Any) -> Tensor:
    """Permute the axes.

    Parameters
    ----------
    *axes : int or sequence of int
        The order of the axes, as a sequence or as separate integers. By default, the order is reversed.

    Returns
    -------
    Tensor
        The array with its axes permuted.

    See Also
    --------
    jitgrad.transpose : The corresponding function.
    """
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return shapes.transpose(self, order or None)


def _round(self: Operators, decimals: int | None = None) -> Tensor:
    """Implement Python's ``round``, see ``jitgrad.round``."""
    return elementwise.round(self, decimals or 0)


def _astype(self: Operators, dtype: DTypeLike) -> Tensor:
    """Convert to another floating-point dtype.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        The dtype.

    Returns
    -------
    Tensor
        The converted value.

    Raises
    ------
    DTypeError
        If the dtype is not float32 or float64.
    """
    levels: dict[Any, int] = {dtypes.DTYPE[level]: level for level in (dtypes.FLOAT32, dtypes.FLOAT64)}
    wanted = np.dtype(dtype)
    if wanted not in levels:
        raise DTypeError(f"astype: a Tensor cannot be converted to {wanted}. Use float32 or float64, or convert its numpy().")
    return cast(as_tensor(self), levels[wanted])


@public(np.positive)
def _positive(x: Any) -> Tensor:
    """Return ``+x``, the value itself."""
    return identity(as_tensor(x))


def _logical(symbol: str, f: Callable[..., Tensor]) -> Any:
    """Return an operator for booleans, which raises DTypeError for other operands."""

    @public()
    def operator(*operands: Any) -> Tensor:
        tensors = [as_tensor(x) for x in operands]
        for x in tensors:
            if x.level != dtypes.BOOL:
                raise DTypeError(f"{symbol} requires booleans and got {x.dtype}. Compare first, as in (x > 0) {symbol} …")
        return f(*tensors)

    return operator


def _of_element(op: Op) -> Callable[[Operators], Tensor]:
    """Return the method that NumPy calls for each element of an array of objects."""

    def method(self: Operators) -> Tensor:
        return op(self)

    method.__name__ = op.name
    method.__doc__ = f"""Return ``{op.name}`` of the value.

    Returns
    -------
    Tensor
        The value of the function.

    See Also
    --------
    jitgrad.{op.name} : The corresponding function.
    """
    return method


_OF_ELEMENTS = (
    "arccos arccosh arcsin arcsinh arctan arctanh cbrt cos cosh exp exp2 expm1 log log10 log1p log2 rint sin sinh sqrt tan tanh"
)
_METHODS = [
    reductions.sum, reductions.mean, extremes.max, extremes.min, reductions.prod, reductions.var, reductions.std,
    extremes.argmax, extremes.argmin, cumulative.cumsum, cumulative.cumprod, logic.any, logic.all,
    shapes.squeeze, shapes.ravel, shapes.swapaxes, rearranging.repeat, diagonals.diagonal,
    products.dot, diagonals.trace, selection.take, selection.argsort, elementwise.clip, elementwise.round,
]  # fmt: skip

for _function in [*_METHODS, *(_of_element(OPS[name]) for name in _OF_ELEMENTS.split())]:
    setattr(Operators, _function.__name__, _function)
_and = _logical("&", lambda a, b: greater(a * b, 0))
_or = _logical("|", lambda a, b: greater(a + b, 0))
_xor = _logical("^", not_equal)
for _name, _operator in {
    "reshape": _reshape, "transpose": _transpose, "flatten": shapes.ravel, "astype": _astype,
    "__round__": _round, "__pos__": _positive, "__invert__": _logical("~", lambda a: equal(a, 0)),
    "__matmul__": products.matmul, "__rmatmul__": lambda self, other: products.matmul(other, self),
    "__and__": _and, "__rand__": _and, "__or__": _or, "__ror__": _or, "__xor__": _xor, "__rxor__": _xor,
}.items():  # fmt: skip
    setattr(Operators, _name, _operator)
