"""Elementwise functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.torch.conversions import convert
from jitgrad.compat.torch.dtypes import INT64, float64
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.promotion import binary, read, result_type, together, unary
from jitgrad.compat.torch.tensor import Tensor, into, of_array, wrap
from jitgrad.functions import elementwise as more
from jitgrad.functions import logic
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import retyped

_add = binary(ew.add, "add", "AddBackward0")
_sub = binary(ew.subtract, "sub", "SubBackward0")
_mul = binary(ew.multiply, "mul", "MulBackward0")
_true_div = binary(ew.divide, "div", "DivBackward0")
_power = binary(ew.power, "pow", "PowBackward0")
maximum = binary(ew.maximum, "maximum", "MaximumBackward0")
minimum = binary(ew.minimum, "minimum", "MinimumBackward0")
atan2 = arctan2 = binary(ew.arctan2, "atan2", "Atan2Backward0")
hypot = binary(ew.hypot, "hypot", "HypotBackward0")
logaddexp = binary(ew.logaddexp, "logaddexp", "LogaddexpBackward0")
remainder = binary(ew.mod, "remainder", "RemainderBackward0")
floor_divide = binary(ew.floor_divide, "floor_divide", "NotImplemented")
_floored = binary(ew.floor_divide, "div", "DivBackward2")
eq = binary(ew.equal, "eq", "")
ne = not_equal = binary(ew.not_equal, "ne", "")
lt = less = binary(ew.less, "lt", "")
le = less_equal = binary(ew.less_equal, "le", "")
gt = greater = binary(ew.greater, "gt", "")
ge = greater_equal = binary(ew.greater_equal, "ge", "")
logical_and = binary(logic.logical_and, "logical_and", "")
logical_or = binary(logic.logical_or, "logical_or", "")
logical_xor = binary(logic.logical_xor, "logical_xor", "")
fmax = binary(more.fmax, "fmax", "FmaxBackward0")
fmin = binary(more.fmin, "fmin", "FminBackward0")
copysign = binary(more.copysign, "copysign", "CopysignBackward0")
logaddexp2 = binary(more.logaddexp2, "logaddexp2", "Logaddexp2Backward0")
heaviside = binary(more.heaviside, "heaviside", "")

abs = absolute = unary(ew.abs, "abs", "AbsBackward0")
neg = negative = unary(ew.negative, "neg", "NegBackward0")
exp = unary(ew.exp, "exp", "ExpBackward0")
exp2 = unary(ew.exp2, "exp2", "Exp2Backward0")
expm1 = unary(ew.expm1, "expm1", "Expm1Backward0")
log = unary(ew.log, "log", "LogBackward0")
log1p = unary(ew.log1p, "log1p", "Log1PBackward0")
log2 = unary(ew.log2, "log2", "Log2Backward0")
log10 = unary(ew.log10, "log10", "Log10Backward0")
sqrt = unary(ew.sqrt, "sqrt", "SqrtBackward0")
square = unary(ew.square, "square", "PowBackward0")
sin = unary(ew.sin, "sin", "SinBackward0")
cos = unary(ew.cos, "cos", "CosBackward0")
tan = unary(ew.tan, "tan", "TanBackward0")
asin = arcsin = unary(ew.arcsin, "asin", "AsinBackward0")
acos = arccos = unary(ew.arccos, "acos", "AcosBackward0")
atan = arctan = unary(ew.arctan, "atan", "AtanBackward0")
sinh = unary(ew.sinh, "sinh", "SinhBackward0")
cosh = unary(ew.cosh, "cosh", "CoshBackward0")
tanh = unary(ew.tanh, "tanh", "TanhBackward0")
asinh = arcsinh = unary(ew.arcsinh, "asinh", "AsinhBackward0")
acosh = arccosh = unary(ew.arccosh, "acosh", "AcoshBackward0")
atanh = arctanh = unary(ew.arctanh, "atanh", "AtanhBackward0")
sigmoid = unary(ew.sigmoid, "sigmoid", "SigmoidBackward0")
relu = unary(ew.relu, "relu", "ReluBackward0")
erf = unary(ew.erf, "erf", "ErfBackward0")
erfc = unary(ew.erfc, "erfc", "ErfcBackward0")
lgamma = unary(ew.gammaln, "lgamma", "LgammaBackward0")
digamma = unary(ew.digamma, "digamma", "DigammaBackward0")
floor = unary(ew.floor, "floor", "FloorBackward0")
ceil = unary(ew.ceil, "ceil", "CeilBackward0")
trunc = fix = unary(ew.trunc, "trunc", "TruncBackward0")
sign = unary(ew.sign, "sign", "SignBackward0")
sgn = unary(ew.sign, "sgn", "SgnBackward0")
reciprocal = unary(more.reciprocal, "reciprocal", "ReciprocalBackward0")
isnan = unary(logic.isnan, "isnan", "")
isinf = unary(logic.isinf, "isinf", "")
isfinite = unary(logic.isfinite, "isfinite", "")
logical_not = unary(logic.logical_not, "logical_not", "")
deg2rad = unary(more.deg2rad, "deg2rad", "MulBackward0")
rad2deg = unary(more.rad2deg, "rad2deg", "MulBackward0")
signbit = unary(logic.signbit, "signbit", "")
sinc = unary(more.sinc, "sinc", "SincBackward0")
rsqrt = unary(lambda x: ew.divide(1.0, ew.sqrt(x)), "rsqrt", "RsqrtBackward0")
frac = unary(lambda x: ew.subtract(x, ew.trunc(x)), "frac", "FracBackward0")


def add(input: Any, other: Any, *, alpha: Any = 1, out: Tensor | None = None) -> Tensor:
    """Compute ``input + alpha * other``."""
    return _add(input, other if alpha == 1 else mul(other, alpha), out=out)


def sub(input: Any, other: Any, *, alpha: Any = 1, out: Tensor | None = None) -> Tensor:
    """Compute ``input - alpha * other``."""
    made = _sub(input, other if alpha == 1 else mul(other, alpha), out=out)
    if not isinstance(input, Tensor):
        made._name = "RsubBackward1"
    return made


def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Compute ``other - alpha * input``."""
    return sub(other, input, alpha=alpha)


def mul(input: Any, other: Any, *, out: Tensor | None = None) -> Tensor:
    """Compute ``input * other``."""
    return _mul(input, other, out=out)


def div(input: Any, other: Any, *, rounding_mode: str | None = None, out: Tensor | None = None) -> Tensor:
    """Compute ``input / other``, optionally rounded with "trunc" or "floor"."""
    if out is not None:
        return into(out, div(input, other, rounding_mode=rounding_mode))
    if rounding_mode is None:
        made = _true_div(input, other)
        if not isinstance(input, Tensor):
            made._name = "MulBackward0"
        return made
    if rounding_mode == "floor":
        return _floored(input, other)
    if rounding_mode != "trunc":
        raise TorchError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}.")
    operands, common = together("div", input, other)
    level = result_type(input, other).level
    return wrap(retyped(ew.trunc(ew.divide(*operands)), level), "DivBackward2", common.integer)


def pow(input: Any, exponent: Any) -> Tensor:
    """Compute ``input ** exponent``."""
    if isinstance(exponent, Tensor) or not isinstance(input, Tensor) or input._tensor.level <= dtypes.INTEGER:
        common = result_type(input, exponent)
        if common.level == dtypes.INTEGER:
            operands, common = together("pow", input, exponent)
            return wrap(retyped(ew.rint(ew.power(*operands)), dtypes.INTEGER), "", common.integer)
    elif exponent == 2:
        return wrap(ew.square(input._tensor), "PowBackward0")
    made = _power(input, exponent)
    if not isinstance(input, Tensor):
        made._name = "PowBackward2"
    elif isinstance(exponent, Tensor):
        made._name = "PowBackward1"
    return made


def fmod(input: Any, other: Any) -> Tensor:
    """Compute the remainder of ``input / other`` with the sign of ``input``."""
    (a, b), common = together("fmod", input, other)
    level = result_type(input, other).level
    return wrap(retyped(a - b * ew.trunc(ew.divide(a, b)), level), "FmodBackward0", common.integer)


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Clip ``input`` to the range from ``min`` to ``max``; gradients pass at the bounds."""
    if min is None and max is None:
        raise TorchError("torch.clamp: At least one of 'min' or 'max' must not be None. Give one.")
    x = read("clamp", input)
    bounds = [b for b in (min, max) if b is not None]
    (x, *_), common = together("clamp", input, *bounds)
    low, high = (b._tensor if isinstance(b, Tensor) else b for b in (min, max))
    held = more.clip(x, low, high)
    if input.requires_grad and not any(isinstance(b, Tensor) for b in bounds):
        inside = logic.logical_and(
            True if low is None else ew.greater_equal(x, low), True if high is None else ew.less_equal(x, high)
        )
        held = ew.where(inside, x, ew.stop_gradient(held))
    return wrap(held, "ClampBackward1", common.integer)


clip = clamp


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Round to a number of decimals, with ties to even."""
    return wrap(more.round(read("round", input), decimals), f"RoundBackward{int(decimals != 0)}", input._integer)


def nan_to_num(input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """Replace nan and infinities by numbers."""
    return wrap(more.nan_to_num(read("nan_to_num", input), nan or 0.0, posinf, neginf), "NanToNumBackward0", input._integer)


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """Compute ``input + weight * (end - input)``."""
    (x, y, w), _ = together("lerp", input, end, weight)
    return wrap(x + w * (y - x), "LerpBackward0")


def _named(made: Tensor, name: str) -> Tensor:
    """Set PyTorch's name of a composed function on its result."""
    made._name = name
    return made


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """Compute ``input + value * tensor1 * tensor2``."""
    return _named(_add(input, mul(mul(tensor1, tensor2), value)), "AddcmulBackward0")


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """Compute ``input + value * tensor1 / tensor2``."""
    return _named(_add(input, mul(_true_div(tensor1, tensor2), value)), "AddcdivBackward0")


def xlogy(input: Any, other: Any) -> Tensor:
    """Compute ``input * log(other)``, which is 0 if ``input`` is 0."""
    (x, y), _ = together("xlogy", input, other)
    zero = ew.equal(x, 0)
    return wrap(ew.where(zero, 0.0, x * ew.log(ew.where(zero, 1.0, y))), "XlogyBackward0")


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """Compute ``log(p / (1 - p))``, with p clipped to the range from ``eps`` to 1 - ``eps``."""
    p = read("logit", input)
    p = p if eps is None else more.clip(p, eps, 1 - eps)
    return wrap(ew.log(p) - ew.log1p(-p), "LogitBackward0")


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """Return ``input`` where the condition is true, else ``other``; for the condition alone, its ``nonzero`` indices."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    (a, b), common = together("where", input, other)
    return wrap(ew.where(read("where", condition), a, b), "WhereBackward0", common.integer)


def _bits(name: str, ufunc: np.ufunc, of_bools: Any) -> Any:
    def function(input: Any, other: Any) -> Tensor:
        common = result_type(input, other)
        if common.level > dtypes.INTEGER:
            raise TorchError(f'"{name}" is not implemented for {common.title!r}. Give integers or booleans.')
        a, b = together(name, input, other)[0]
        if common.level == dtypes.BOOL:
            return wrap(of_bools(a, b))
        values = [x if isinstance(x, (int, bool)) else np.asarray(x._read().force(), INT64) for x in (a, b)]
        return of_array(ufunc(*values), common)

    function.__name__ = function.__qualname__ = name
    return function


def _no_bools(*operands: Any) -> Any:
    raise TorchError("Shifts are not implemented for 'Bool'. Convert the tensors with int().")


bitwise_left_shift = _bits("bitwise_left_shift", np.left_shift, _no_bools)
bitwise_right_shift = _bits("bitwise_right_shift", np.right_shift, _no_bools)
bitwise_and = _bits("bitwise_and", np.bitwise_and, logic.logical_and)
bitwise_or = _bits("bitwise_or", np.bitwise_or, logic.logical_or)
bitwise_xor = _bits("bitwise_xor", np.bitwise_xor, logic.logical_xor)


def bitwise_not(input: Tensor) -> Tensor:
    """Invert each bit; for booleans, compute ``logical_not``."""
    if input._tensor.level == dtypes.BOOL:
        return logical_not(input)
    return bitwise_xor(input, -1)


def positive(input: Tensor) -> Tensor:
    """Return the tensor itself."""
    return input


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Return whether elements differ by at most ``atol + rtol * abs(other)``."""
    return wrap(logic.isclose(read("isclose", input), read("isclose", other), rtol, atol, equal_nan))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Return whether all elements are close, see ``isclose``."""
    if input.dtype is not other.dtype:
        raise TorchError(f"{input.dtype.title} did not match {other.dtype.title}. Give tensors of the same dtype.")
    return bool(np.allclose(_values(input), _values(other), rtol, atol, equal_nan))


def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape and elements."""
    return bool(np.array_equal(_values(input), _values(other)))


def _values(x: Tensor) -> Any:
    return np.asarray(x._leaving("comparing", explicit=True))


def polygamma(n: int, input: Tensor) -> Tensor:
    """Compute the n-th derivative of digamma."""
    return wrap(ew.polygamma(n, read("polygamma", input)), "PolygammaBackward0")


def float_power(input: Any, exponent: Any) -> Tensor:
    """Compute ``input ** exponent`` in float64."""
    a, b = (convert(x, float64) if isinstance(x, Tensor) else float(x) for x in (input, exponent))
    return _power(a, b)
