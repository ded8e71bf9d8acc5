"""Elementwise functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.arguments import named
from jitgrad.compat.tensorflow.constants import cast
from jitgrad.compat.tensorflow.operands import (
    ANY,
    BOOLEANS,
    FLOATS,
    NUMBERS,
    SIGNED,
    agreed,
    check_kind,
    combined,
    settled,
    wrapped_around,
)
from jitgrad.compat.tensorflow.operators import binary, divide, floordiv, mod, multiply
from jitgrad.compat.tensorflow.tensor import Tensor, convert, made
from jitgrad.functions import elementwise as functions
from jitgrad.functions import logic
from jitgrad.ops import Op
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes as levels
from jitgrad.tape.protocol import public

Unary = Callable[..., Tensor]


def unary(op: str, f: Callable[[Any], Any], kinds: str = FLOATS, wraps: bool = False) -> Unary:
    """Return a function of one operand, which accepts the dtypes that TensorFlow's op accepts."""

    def function(x: Any, name: str | None = None) -> Tensor:
        if type(x) is Tensor and x._tensor.level > levels.INTEGER:
            return made(f(x._tensor))
        tensor = convert(x)
        check_kind(op, tensor.dtype, kinds)
        result = f(settled(tensor._read()) if wraps else tensor._read())
        return made(wrapped_around(result, tensor._integer) if wraps else result, tensor._integer)

    function.__doc__ = f"``{getattr(f, '__name__', op.lower())}``, element by element."
    return public()(function)


def _flat(op: Op) -> Callable[[Any], Any]:
    """Return an op without a gradient, not even 0, as in TensorFlow."""
    return lambda x: ew.stop_gradient(op(x))


sqrt = unary("Sqrt", ew.sqrt)
rsqrt = unary("Rsqrt", lambda x: 1.0 / ew.sqrt(x))
exp = unary("Exp", ew.exp)
expm1 = unary("Expm1", ew.expm1)
log = unary("Log", ew.log)
log1p = unary("Log1p", ew.log1p)
sin, cos, tan = unary("Sin", ew.sin), unary("Cos", ew.cos), unary("Tan", ew.tan)
asin, acos, atan = unary("Asin", ew.arcsin), unary("Acos", ew.arccos), unary("Atan", ew.arctan)
sinh, cosh, tanh = unary("Sinh", ew.sinh), unary("Cosh", ew.cosh), unary("Tanh", ew.tanh)
asinh, acosh, atanh = unary("Asinh", ew.arcsinh), unary("Acosh", ew.arccosh), unary("Atanh", ew.arctanh)
sigmoid = unary("Sigmoid", ew.sigmoid)
log_sigmoid = unary("LogSigmoid", lambda x: -ew.softplus(-x))
erf, erfc = unary("Erf", ew.erf), unary("Erfc", ew.erfc)
lgamma, digamma = unary("Lgamma", ew.gammaln), unary("Digamma", ew.digamma)
abs = unary("Abs", ew.abs, SIGNED, wraps=True)
negative = unary("Neg", ew.negative, SIGNED, wraps=True)
square = unary("Square", ew.square, NUMBERS, wraps=True)
sign = unary("Sign", ew.sign, SIGNED)
floor, ceil = unary("Floor", _flat(ew.floor)), unary("Ceil", _flat(ew.ceil))
round, rint = unary("Round", _flat(ew.rint), NUMBERS), unary("Rint", _flat(ew.rint))
reciprocal = unary("Reciprocal", lambda x: 1.0 / x)
is_nan, is_inf = unary("IsNan", logic.isnan), unary("IsInf", logic.isinf)
is_finite = unary("IsFinite", logic.isfinite)
logical_not = unary("LogicalNot", logic.logical_not, BOOLEANS)

_angle = binary("Atan2", ew.arctan2, FLOATS)[2]


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """Return the angle of the point (x, y), element by element."""
    return _angle(y, x)


def _logical(op: str, f: Callable[[Any, Any], Any]) -> Callable[..., Tensor]:
    def function(x: Any, y: Any, name: str | None = None) -> Tensor:
        a, b = agreed(op, (x, y), BOOLEANS)
        return made(f(a._read(), b._read()))

    function.__doc__ = f"``{f.__name__}`` of booleans, element by element."
    return function


logical_and = named("LogicalAnd")(_logical("LogicalAnd", logic.logical_and))
logical_or = named("LogicalOr")(_logical("LogicalOr", logic.logical_or))
logical_xor = named("LogicalXor")(_logical("LogicalXor", logic.logical_xor))


def _extreme(op: str, f: Op, wins: Op) -> Callable[..., Tensor]:
    """Return the larger or smaller operand. For equal operands, the gradient passes to the first, as in TensorFlow."""

    @named(op)
    def function(x: Any, y: Any, name: str | None = None) -> Tensor:
        a, b = agreed(op, (x, y), NUMBERS)
        p, q = a._read(), b._read()
        return made(ew.where(wins(p, q), p, f(p, q)), a._integer)

    function.__doc__ = f"The {f.name} of two operands, element by element."
    return function


maximum = _extreme("Maximum", ew.maximum, ew.greater_equal)
minimum = _extreme("Minimum", ew.minimum, ew.less_equal)


@named("SquaredDifference")
def squared_difference(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return ``(x - y) * (x - y)``."""
    return square(combined("SquaredDifference", ew.subtract, x, y))


@named("DivNoNan")
def divide_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return ``x / y``, or 0 if ``y`` is 0."""
    a, b = agreed("DivNoNan", (x, y), FLOATS)
    zero = ew.equal(b._read(), 0.0)
    return made(ew.where(zero, 0.0, a._read() / ew.where(zero, 1.0, b._read())))


@named("MulNoNan")
def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return ``x * y``, or 0 if ``y`` is 0, even if ``x`` is not finite."""
    a, b = agreed("MulNoNan", (x, y), FLOATS)
    zero = ew.equal(b._read(), 0.0)
    return made(ew.where(zero, 0.0, ew.where(zero, 0.0, a._read()) * b._read()))


@named("Xlogy")
def xlogy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return ``x * log(y)``, or 0 if ``x`` is 0."""
    a, b = agreed("Xlogy", (x, y), FLOATS)
    zero = ew.equal(a._read(), 0.0)
    return made(ew.where(zero, 0.0, a._read() * ew.log(ew.where(zero, 1.0, b._read()))))


@named("Xlog1py")
def xlog1py(x: Any, y: Any, name: str | None = None) -> Tensor:
    """Return ``x * log1p(y)``, or 0 if ``x`` is 0."""
    a, b = agreed("Xlog1py", (x, y), FLOATS)
    zero = ew.equal(a._read(), 0.0)
    return made(ew.where(zero, 0.0, a._read() * ew.log1p(ew.where(zero, 0.0, b._read()))))


@named("Select")
def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """Return ``x`` where the condition is true, ``y`` elsewhere; for the condition alone, the indices of its true elements."""
    holds = cast(convert(condition), dtypes.bool)
    if x is None and y is None:
        from jitgrad.compat.tensorflow.indices import nonzero

        return nonzero(holds)
    a, b = agreed("SelectV2", (x, y), ANY)
    return made(ew.where(holds._read(), a._read(), b._read()), a._integer)


@named("ClipByValue")
def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Tensor:
    """Limit ``t`` to the range from ``clip_value_min`` to ``clip_value_max``."""
    x, low, high = agreed("ClipByValue", (t, clip_value_min, clip_value_max), NUMBERS)
    value, least, most = x._read(), low._read(), high._read()
    outside = logic.logical_or(ew.less(value, least), ew.greater(value, most))
    return made(ew.where(outside, functions.clip(value, least, most), value), x._integer)


@named("AddN")
def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """Add tensors of the same shape."""
    terms = agreed("AddN", list(inputs) if isinstance(inputs, (list, tuple)) else [inputs], NUMBERS)
    total = settled(terms[0]._read())
    for term in terms[1:]:
        total = total + settled(term._read())
    return made(wrapped_around(total, terms[0]._integer), terms[0]._integer)


def scalar_mul(scalar: Any, x: Any, name: str | None = None) -> Tensor:
    """Return ``scalar * x``."""
    return multiply(scalar, x)


truediv, floormod = divide, mod

__all__ = [
    "abs", "acos", "acosh", "add_n", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "clip_by_value", "cos", "cosh",
    "digamma", "divide_no_nan", "erf", "erfc", "exp", "expm1", "floor", "floordiv", "floormod", "is_finite", "is_inf",
    "is_nan", "lgamma", "log", "log1p", "log_sigmoid", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum",
    "minimum", "mod", "multiply_no_nan", "negative", "reciprocal", "rint", "round", "rsqrt", "scalar_mul", "sigmoid", "sign",
    "sin", "sinh", "sqrt", "square", "squared_difference", "tan", "tanh", "truediv", "where", "xlog1py", "xlogy",
]  # fmt: skip
