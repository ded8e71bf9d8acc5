"""The elementwise ops: each row is the value and, beside it, its partial derivatives.

Values at edges are NumPy's and SciPy's. Derivatives at kinks follow JAX: relu has derivative 0 at 0; maximum and minimum share
ties half and half; x⁰ has derivative 0 everywhere, and 0ᵖ has derivative 0 by p; floor, ceil, rint, trunc, sign and
floor_divide have derivative 0 everywhere, at their jumps too; mod has derivative 1 by its first operand there. Two are
otherwise: abs has derivative 0 at 0, as in TensorFlow and PyTorch (JAX: 1), and hypot nan at the origin, where it has none
(JAX: 0.5).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.ops.table import Op, elementwise


def scipy_function(name: str) -> Callable[..., Any]:
    """A function of scipy.special, which is imported when it is called."""

    def function(*operands: Any) -> Any:
        from scipy import special

        return getattr(special, name)(*operands)

    return function


# Arithmetic: value, then the partial for each operand.
add: Op = elementwise("add", "a + b", lambda a, b, y: 1, lambda a, b, y: 1, commutative=True, affine=True, degree=1)
subtract: Op = elementwise("subtract", "a - b", lambda a, b, y: 1, lambda a, b, y: -1, affine=True, degree=1)
multiply: Op = elementwise("multiply", "a * b", lambda a, b, y: b, lambda a, b, y: a, commutative=True, affine=True, degree=2)
divide: Op = elementwise(
    "divide", "a / b", lambda a, b, y: 1 / b, lambda a, b, y: -y / b,
    result="float", domain=((-3, 3), (0.5, 3)), singular=((), (0,)), degree=0,
)  # fmt: skip
power: Op = elementwise(
    "power", "power(a, b)",
    lambda a, b, y: b * a ** where(equal(b, 0), where(equal(a, 0), 1, b - 1), b - 1),  # 0 at a = b = 0
    lambda a, b, y: log(where(equal(a, 0), 1, a)) * y,
    result="float", loops=("vv", "vs"), domain=((0.2, 3), (-2, 3)), singular=((0,), ()),
)  # fmt: skip
negative: Op = elementwise("negative", "-x", lambda x, y: -1, affine=True, degree=1)
square: Op = elementwise("square", "x * x", lambda x, y: 2 * x, degree=2)

# Exponentials and roots.
exp: Op = elementwise("exp", "exp(x)", lambda x, y: y, result="float")
log: Op = elementwise("log", "log(x)", lambda x, y: 1 / x, result="float", domain=((0.2, 3),), singular=((0,),))
log1p: Op = elementwise("log1p", "log1p(x)", lambda x, y: 1 / (1 + x), result="float", domain=((-0.7, 3),), singular=((-1,),))
expm1: Op = elementwise("expm1", "expm1(x)", lambda x, y: y + 1, result="float")
exp2: Op = elementwise("exp2", "exp2(x)", lambda x, y: y * math.log(2), result="float")
log2: Op = elementwise(
    "log2", "log2(x)", lambda x, y: 1 / (x * math.log(2)), result="float", domain=((0.2, 3),), singular=((0,),)
)
log10: Op = elementwise(
    "log10", "log10(x)", lambda x, y: 1 / (x * math.log(10)), result="float", domain=((0.2, 3),), singular=((0,),)
)
logaddexp: Op = elementwise(
    "logaddexp",
    "a + b if a != a or b != b else (a if a > b else b) + (log1p(exp(-abs(a - b))) if a != b else 0.6931471805599453)",
    lambda a, b, y: sigmoid(a - b), lambda a, b, y: sigmoid(b - a),
    result="float", commutative=True, loops=("vv",), doc="log(exp(a) + exp(b)), without overflow.",
)  # fmt: skip
cbrt: Op = elementwise(
    "cbrt", "cbrt(x)", lambda x, y: square(1 / y) / 3, result="float", domain=((0.2, 3),), singular=((0,),), degree=1 / 3
)
sqrt: Op = elementwise(
    "sqrt", "sqrt(x)", lambda x, y: 0.5 / y, result="float", domain=((0.2, 3),), singular=((0,),), degree=1 / 2
)

# Trigonometry, in radians.
sin: Op = elementwise("sin", "sin(x)", lambda x, y: cos(x), result="float")
cos: Op = elementwise("cos", "cos(x)", lambda x, y: -sin(x), result="float")
tan: Op = elementwise("tan", "tan(x)", lambda x, y: 1 + square(y), result="float", domain=((-1.2, 1.2),))
arcsin: Op = elementwise(
    "arcsin", "arcsin(x)", lambda x, y: 1 / sqrt(1 - square(x)), result="float", domain=((-0.9, 0.9),), singular=((-1, 1),)
)
arccos: Op = elementwise(
    "arccos", "arccos(x)", lambda x, y: -1 / sqrt(1 - square(x)), result="float", domain=((-0.9, 0.9),), singular=((-1, 1),)
)
arctan: Op = elementwise("arctan", "arctan(x)", lambda x, y: 1 / (1 + square(x)), result="float")
arctan2: Op = elementwise(
    "arctan2", "arctan2(a, b)",
    lambda a, b, y: b / (square(a) + square(b)), lambda a, b, y: -a / (square(a) + square(b)),
    result="float", loops=("vv",), domain=((0.2, 3), (-3, 3)), singular=((0,), (0,)),
    degree=0, doc="The angle of the point (b, a), from -π to π.",
)  # fmt: skip
hypot: Op = elementwise(
    "hypot", "hypot(a, b)", lambda a, b, y: a / y, lambda a, b, y: b / y,
    result="float", commutative=True, loops=("vv",), domain=((0.2, 3), (-3, 3)), singular=((0,), (0,)),
    degree=1, doc="sqrt(a² + b²), without overflow.",
)  # fmt: skip

# Hyperbolic.
sinh: Op = elementwise("sinh", "sinh(x)", lambda x, y: cosh(x), result="float")
cosh: Op = elementwise("cosh", "cosh(x)", lambda x, y: sinh(x), result="float")
arcsinh: Op = elementwise("arcsinh", "arcsinh(x)", lambda x, y: 1 / hypot(x, 1), result="float")
arccosh: Op = elementwise(
    "arccosh", "arccosh(x)", lambda x, y: 1 / sqrt(x - 1) / sqrt(x + 1),
    result="float", domain=((1.2, 4),), singular=((1,),),
)  # fmt: skip
arctanh: Op = elementwise(
    "arctanh", "arctanh(x)", lambda x, y: 1 / (1 - square(x)), result="float", domain=((-0.9, 0.9),), singular=((-1, 1),)
)

# Special functions.
erf: Op = elementwise(
    "erf", "erf(x)", lambda x, y: 2 / math.sqrt(math.pi) * exp(-square(x)), result="float",
    numpy=scipy_function("erf"), doc="The error function.",
)  # fmt: skip
erfc: Op = elementwise(
    "erfc", "erfc(x)", lambda x, y: -2 / math.sqrt(math.pi) * exp(-square(x)), result="float",
    numpy=scipy_function("erfc"), doc="1 - erf(x), accurate where erf(x) is near 1.",
)  # fmt: skip
gammaln: Op = elementwise(
    "gammaln", "lgamma(x)", lambda x, y: digamma(x), result="float", domain=((0.5, 4),), singular=((0,),),
    numpy=scipy_function("gammaln"), doc="The logarithm of the absolute value of the gamma function.",
)  # fmt: skip
digamma: Op = elementwise(
    "digamma", "digamma(x)", lambda x, y: polygamma(1, x), result="float", domain=((0.5, 4),), singular=((0,),),
    numpy=scipy_function("digamma"), doc="The derivative of gammaln.",
)  # fmt: skip
polygamma: Op = elementwise(
    "polygamma", "polygamma(a, b)", None, lambda a, b, y: polygamma(a + 1, b), result="float", loops=("vv",),
    domain=((1, 4), (0.5, 4)), singular=((), (0,)), numpy=scipy_function("polygamma"),
    doc="The derivative of digamma of order a, a whole number from 0 to 10,000, at b; nan for other orders.",
)  # fmt: skip

# Activations.
tanh: Op = elementwise("tanh", "tanh(x)", lambda x, y: 1 - square(y), result="float")
sigmoid: Op = elementwise(
    "sigmoid", "sigmoid(x)", lambda x, y: y * (1 - y), result="float",
    numpy=lambda x: 1 / (1 + np.exp(-x)), doc="The logistic function 1 / (1 + exp(-x)).",
)  # fmt: skip
softplus: Op = elementwise(
    "softplus", "softplus(x)", lambda x, y: sigmoid(x), result="float",
    numpy=lambda x: np.logaddexp(x, 0), doc="log(1 + exp(x)), without overflow.",
)  # fmt: skip
relu: Op = elementwise(
    "relu", "0 if x <= 0 else x", lambda x, y: greater(x, 0), ties=(0,), degree=1,
    numpy=lambda x: np.maximum(x, 0), doc="max(x, 0); its derivative at 0 is 0.",
)  # fmt: skip

# Pieces.
abs: Op = elementwise("abs", "abs(x)", lambda x, y: sign(x), ties=(0,), degree=1)
floor: Op = elementwise("floor", "floor(x)", lambda x, y: 0)
ceil: Op = elementwise("ceil", "ceil(x)", lambda x, y: 0)
trunc: Op = elementwise("trunc", "trunc(x)", lambda x, y: 0)
rint: Op = elementwise(
    "rint", "rint(x)", lambda x, y: 0, doc="The nearest whole number; of two equally near ones the even one."
)
mod: Op = elementwise(
    "mod", "mod(a, b)", lambda a, b, y: 1, lambda a, b, y: -floor_divide(a, b), loops=("vv",), domain=((-3, 3), (0.5, 3)),
    singular=((), (0,)), degree=1, doc="The remainder of a / b that has b's sign.",
)  # fmt: skip
floor_divide: Op = elementwise(
    "floor_divide", "floor_divide(a, b)", lambda a, b, y: 0, lambda a, b, y: 0,
    loops=("vv",), domain=((-3, 3), (0.5, 3)), singular=((), (0,)), degree=0,
)  # fmt: skip
sign: Op = elementwise("sign", "1 if x > 0 else (-1 if x < 0 else x)", lambda x, y: 0, ties=(0,), degree=0)
maximum: Op = elementwise(
    "maximum", "a if a >= b or a != a else b",
    lambda a, b, y: (greater(a, b) + greater_equal(a, b)) / 2,
    lambda a, b, y: (greater(b, a) + greater_equal(b, a)) / 2,
    commutative=True, loops=("vv", "sv"), degree=1,
)  # fmt: skip
minimum: Op = elementwise(
    "minimum", "a if a <= b or a != a else b",
    lambda a, b, y: (less(a, b) + less_equal(a, b)) / 2,
    lambda a, b, y: (less(b, a) + less_equal(b, a)) / 2,
    commutative=True, loops=("vv", "sv"), degree=1,
)  # fmt: skip
where: Op = elementwise(
    "where", "a if c != 0 else b", None, lambda c, a, b, y: not_equal(c, 0), lambda c, a, b, y: equal(c, 0),
    affine=True, degree=1,
)  # fmt: skip

# Comparisons have no derivative.
_PAIRS, _COMPARED = ("vv", "sv"), ("vv", "sv", "vs")
equal: Op = elementwise("equal", "1 if a == b else 0", None, None, result="bool", commutative=True, loops=_PAIRS, degree=0)
not_equal: Op = elementwise(
    "not_equal", "1 if a != b else 0", None, None, result="bool", commutative=True, loops=_PAIRS, degree=0
)
less: Op = elementwise("less", "1 if a < b else 0", None, None, result="bool", loops=_COMPARED, degree=0)
less_equal: Op = elementwise("less_equal", "1 if a <= b else 0", None, None, result="bool", loops=_COMPARED, degree=0)
greater: Op = elementwise("greater", "1 if a > b else 0", None, None, result="bool", loops=_COMPARED, degree=0)
greater_equal: Op = elementwise("greater_equal", "1 if a >= b else 0", None, None, result="bool", loops=_COMPARED, degree=0)

stop_gradient: Op = elementwise(
    "stop_gradient", "x", None, degree=1, numpy=lambda x: x, doc="The value itself, as a constant: no gradient passes."
)
multiply_add: Op = elementwise(
    "multiply_add", "a * b + c", lambda c, a, b, y: 1, lambda c, a, b, y: b, lambda c, a, b, y: a,
    numpy=lambda c, a, b: np.add(np.multiply(a, b), c), loops=("111", "vvv", "vsv", "ssv", "svv"), affine=True,
    doc="``a * b + c`` of operands ``c, a, b``, rounded twice: what lowering makes of a sum with a product.",
)  # fmt: skip
