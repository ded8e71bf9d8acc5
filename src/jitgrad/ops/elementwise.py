"""The elementwise ops: each row has the value and its partial derivatives.

Edge cases agree with NumPy and SciPy. Derivatives at kinks follow JAX: relu has derivative 0 at 0; maximum and minimum
share ties equally; x**0 has derivative 0 everywhere, and 0**p has derivative 0 with respect to p; floor, ceil, rint, trunc,
sign and floor_divide have derivative 0 everywhere, including at their jumps; mod has derivative 1 with respect to its first
operand there. There are two exceptions: abs has derivative 0 at 0, as in TensorFlow and PyTorch (JAX: 1), and the derivatives
of hypot at the origin, which do not exist, are nan (JAX: 0.5).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.ops.documentation import Doc
from jitgrad.ops.table import BinaryOp, TernaryOp, UnaryOp, elementwise


def scipy_function(name: str) -> Callable[..., Any]:
    """Return a function of scipy.special. The first call imports SciPy."""

    def function(*operands: Any) -> Any:
        from scipy import special

        return getattr(special, name)(*operands)

    function.__name__, function.__module__ = name, "scipy.special"
    return function


_BY_ZERO = "Division by 0 gives inf or nan, without a warning."
_UNIT = "The derivative is infinite at -1 and 1, and the value is nan outside [-1, 1]."
_ANGLE = {"x": "Angle, in radians."}
_STEPS = "The derivative is 0 everywhere, including at the jumps."
_TO_COMPARE = ([1.0, 2.0, 3.0], [2.0, 2.0, 2.0])

# Arithmetic: the value, then the partial derivative for each operand.
add: BinaryOp = elementwise(
    "add", "a + b", lambda a, b, y: 1, lambda a, b, y: 1, commutative=True, affine=True, degree=1,
    doc="Add element by element, as the operator ``+`` does.",
)  # fmt: skip
subtract: BinaryOp = elementwise(
    "subtract", "a - b", lambda a, b, y: 1, lambda a, b, y: -1, affine=True, degree=1,
    doc="Subtract element by element, as the operator ``-`` does.",
)  # fmt: skip
multiply: BinaryOp = elementwise(
    "multiply", "a * b", lambda a, b, y: b, lambda a, b, y: a, commutative=True, affine=True, degree=2,
    doc="Multiply element by element, as the operator ``*`` does.",
)  # fmt: skip
divide: BinaryOp = elementwise(
    "divide", "a / b", lambda a, b, y: 1 / b, lambda a, b, y: -y / b,
    result="float", domain=((-3, 3), (0.5, 3)), singular=((), (0,)), degree=0,
    doc=Doc("Divide element by element, as the operator ``/`` does.", edges=_BY_ZERO),
)  # fmt: skip
power: BinaryOp = elementwise(
    "power", "power(a, b)",
    lambda a, b, y: b * a ** where(equal(b, 0), where(equal(a, 0), 1, b - 1), b - 1),  # 0 at a = b = 0
    lambda a, b, y: log(where(equal(a, 0), 1, a)) * y,
    result="float", loops=("vv", "vs"), domain=((0.2, 3), (-2, 3)), singular=((0,), ()),
    doc=Doc(
        "Raise to a power element by element, as the operator ``**`` does.",
        formula="a**b",
        derivatives=("b * a**(b - 1)", "log(a) * y"),
        edges="For a < 0 the power is nan unless ``b`` is an integer. For a = 0 the power is infinite if b < 0,\n"
        "and its derivative with respect to ``a`` is infinite if b < 1, except for b = 0.",
        notes="At b = 0 the derivative with respect to ``a`` is 0, and at a = 0 the derivative with respect to ``b`` is 0.\n"
        "Integers are raised as floating-point numbers.",
        example=([1.0, 2.0, 3.0], [2.0, 0.5, -1.0]),
    ),
)  # fmt: skip
negative: UnaryOp = elementwise(
    "negative", "-x", lambda x, y: -1, affine=True, degree=1, doc="Numerical negative, as the unary operator ``-``."
)
square: UnaryOp = elementwise("square", "x * x", lambda x, y: 2 * x, degree=2, doc="Square.")

# Exponentials and roots.
exp: UnaryOp = elementwise(
    "exp", "exp(x)", lambda x, y: y, result="float", doc=Doc("Exponential function.", see=("expm1 : exp(x) - 1.",))
)
log: UnaryOp = elementwise(
    "log", "log(x)", lambda x, y: 1 / x, result="float", domain=((0.2, 3),), singular=((0,),),
    doc=Doc("Natural logarithm.", edges="The logarithm is -inf at 0 and nan for x < 0.", see=("log1p : log(1 + x).",)),
)  # fmt: skip
log1p: UnaryOp = elementwise(
    "log1p", "log1p(x)", lambda x, y: 1 / (1 + x), result="float", domain=((-0.7, 3),), singular=((-1,),),
    doc=Doc(
        "Natural logarithm of one plus the input, accurate for small inputs.",
        formula="log(1 + x)",
        edges="The value is -inf at -1 and nan for x < -1.",
        see=("expm1 : The inverse function.",),
    ),
)  # fmt: skip
expm1: UnaryOp = elementwise(
    "expm1", "expm1(x)", lambda x, y: y + 1, result="float",
    doc=Doc(
        "Exponential function minus one, accurate for small inputs.",
        formula="exp(x) - 1",
        see=("log1p : The inverse function.",),
    ),
)  # fmt: skip
exp2: UnaryOp = elementwise(
    "exp2", "exp2(x)", lambda x, y: y * math.log(2), result="float", doc=Doc("Two to the power x.", "2**x")
)
log2: UnaryOp = elementwise(
    "log2", "log2(x)", lambda x, y: 1 / (x * math.log(2)), result="float", domain=((0.2, 3),), singular=((0,),),
    doc=Doc("Logarithm to base 2.", edges="The logarithm is -inf at 0 and nan for x < 0."),
)  # fmt: skip
log10: UnaryOp = elementwise(
    "log10", "log10(x)", lambda x, y: 1 / (x * math.log(10)), result="float", domain=((0.2, 3),), singular=((0,),),
    doc=Doc("Logarithm to base 10.", edges="The logarithm is -inf at 0 and nan for x < 0."),
)  # fmt: skip
logaddexp: BinaryOp = elementwise(
    "logaddexp",
    "a + b if a != a or b != b else (a if a > b else b) + (log1p(exp(-abs(a - b))) if a != b else 0.6931471805599453)",
    lambda a, b, y: sigmoid(a - b), lambda a, b, y: sigmoid(b - a),
    result="float", commutative=True, loops=("vv",),
    doc=Doc("Logarithm of the sum of exponentials, without overflow.", "log(exp(a) + exp(b))"),
)  # fmt: skip
cbrt: UnaryOp = elementwise(
    "cbrt", "cbrt(x)", lambda x, y: square(1 / y) / 3, result="float", domain=((0.2, 3),), singular=((0,),), degree=1 / 3,
    doc=Doc(
        "Cube root.",
        derivatives=("1 / (3 * y**2)",),
        edges="The derivative is infinite at 0.",
        notes="Negative numbers have a negative root.",
        example=([-8.0, 1.0, 27.0],),
    ),
)  # fmt: skip
sqrt: UnaryOp = elementwise(
    "sqrt", "sqrt(x)", lambda x, y: 0.5 / y, result="float", domain=((0.2, 3),), singular=((0,),), degree=1 / 2,
    doc=Doc(
        "Nonnegative square root.",
        edges="The derivative is infinite at 0, and the root is nan for x < 0.",
        example=([1.0, 2.0, 4.0],),
    ),
)  # fmt: skip

# Trigonometry, in radians.
sin: UnaryOp = elementwise("sin", "sin(x)", lambda x, y: cos(x), result="float", doc=Doc("Sine.", parameters=_ANGLE))
cos: UnaryOp = elementwise("cos", "cos(x)", lambda x, y: -sin(x), result="float", doc=Doc("Cosine.", parameters=_ANGLE))
tan: UnaryOp = elementwise(
    "tan", "tan(x)", lambda x, y: 1 + square(y), result="float", domain=((-1.2, 1.2),),
    doc=Doc("Tangent.", parameters=_ANGLE),
)  # fmt: skip
arcsin: UnaryOp = elementwise(
    "arcsin", "arcsin(x)", lambda x, y: 1 / sqrt(1 - square(x)), result="float", domain=((-0.9, 0.9),), singular=((-1, 1),),
    doc=Doc("Inverse sine, in radians from -pi/2 to pi/2.", edges=_UNIT),
)  # fmt: skip
arccos: UnaryOp = elementwise(
    "arccos", "arccos(x)", lambda x, y: -1 / sqrt(1 - square(x)), result="float", domain=((-0.9, 0.9),), singular=((-1, 1),),
    doc=Doc("Inverse cosine, in radians from 0 to pi.", edges=_UNIT),
)  # fmt: skip
arctan: UnaryOp = elementwise(
    "arctan", "arctan(x)", lambda x, y: 1 / (1 + square(x)), result="float",
    doc=Doc("Inverse tangent, in radians from -pi/2 to pi/2.", see=("arctan2 : The angle of a point, in all four quadrants.",)),
)  # fmt: skip
arctan2: BinaryOp = elementwise(
    "arctan2", "arctan2(a, b)",
    lambda a, b, y: b / (square(a) + square(b)), lambda a, b, y: -a / (square(a) + square(b)),
    result="float", loops=("vv",), domain=((0.2, 3), (-3, 3)), singular=((0,), (0,)), degree=0,
    doc=Doc(
        "Angle of the point (b, a), in radians from -pi to pi.",
        parameters={"a": "Ordinate of the point.", "b": "Abscissa of the point. The shapes of ``a`` and ``b`` must broadcast."},
        edges="The derivatives at the origin are nan.",
        example=([0.0, 1.0, -1.0], [1.0, 1.0, -1.0]),
    ),
)  # fmt: skip
hypot: BinaryOp = elementwise(
    "hypot", "hypot(a, b)", lambda a, b, y: a / y, lambda a, b, y: b / y,
    result="float", commutative=True, loops=("vv",), domain=((0.2, 3), (-3, 3)), singular=((0,), (0,)), degree=1,
    doc=Doc(
        "Hypotenuse of a right triangle with legs a and b, without overflow.",
        "sqrt(a**2 + b**2)",
        edges="The derivatives at the origin are nan.",
        example=([3.0, 5.0], [4.0, 12.0]),
    ),
)  # fmt: skip

# Hyperbolic functions.
sinh: UnaryOp = elementwise("sinh", "sinh(x)", lambda x, y: cosh(x), result="float", doc="Hyperbolic sine.")
cosh: UnaryOp = elementwise("cosh", "cosh(x)", lambda x, y: sinh(x), result="float", doc="Hyperbolic cosine.")
arcsinh: UnaryOp = elementwise(
    "arcsinh", "arcsinh(x)", lambda x, y: 1 / hypot(x, 1), result="float", doc="Inverse hyperbolic sine."
)
arccosh: UnaryOp = elementwise(
    "arccosh", "arccosh(x)", lambda x, y: 1 / sqrt(x - 1) / sqrt(x + 1),
    result="float", domain=((1.2, 4),), singular=((1,),),
    doc=Doc("Inverse hyperbolic cosine.", edges="The derivative is infinite at 1, and the value is nan for x < 1."),
)  # fmt: skip
arctanh: UnaryOp = elementwise(
    "arctanh", "arctanh(x)", lambda x, y: 1 / (1 - square(x)), result="float", domain=((-0.9, 0.9),), singular=((-1, 1),),
    doc=Doc(
        "Inverse hyperbolic tangent.",
        edges="The value is infinite at -1 and 1, and nan outside [-1, 1].",
        see=("tanh : Hyperbolic tangent.",),
    ),
)  # fmt: skip

# Special functions.
erf: UnaryOp = elementwise(
    "erf", "erf(x)", lambda x, y: 2 / math.sqrt(math.pi) * exp(-square(x)), result="float",
    numpy=scipy_function("erf"), doc=Doc("Error function.", see=("erfc : The complement, 1 - erf(x).",)),
)  # fmt: skip
erfc: UnaryOp = elementwise(
    "erfc", "erfc(x)", lambda x, y: -2 / math.sqrt(math.pi) * exp(-square(x)), result="float", numpy=scipy_function("erfc"),
    doc=Doc("Complementary error function, accurate even if erf(x) is close to 1.", "1 - erf(x)"),
)  # fmt: skip
gammaln: UnaryOp = elementwise(
    "gammaln", "lgamma(x)", lambda x, y: digamma(x), result="float", domain=((0.5, 4),), singular=((0,),),
    numpy=scipy_function("gammaln"),
    doc=Doc(
        "Logarithm of the absolute value of the gamma function.",
        "log(abs(gamma(x)))",
        edges="The value is inf at 0 and at negative integers.",
    ),
)  # fmt: skip
digamma: UnaryOp = elementwise(
    "digamma", "digamma(x)", lambda x, y: polygamma(1, x), result="float", domain=((0.5, 4),), singular=((0,),),
    numpy=scipy_function("digamma"),
    doc=Doc("Digamma function, the derivative of ``gammaln``.", edges="The value is -inf at 0 and nan at negative integers."),
)  # fmt: skip
polygamma: BinaryOp = elementwise(
    "polygamma", "polygamma(a, b)", None, lambda n, x, y: polygamma(n + 1, x), result="float", loops=("vv",),
    domain=((1, 4), (0.5, 4)), singular=((), (0,)), numpy=scipy_function("polygamma"),
    doc=Doc(
        "Polygamma function, the n-th derivative of the digamma function.",
        parameters={"n": "Order of the derivative, an integer from 0 to 10000.", "x": "Input."},
        edges="There are poles at 0 and at negative integers. The value is nan for any other order.",
        example=([0.0, 1.0, 2.0], [0.5, 1.0, 2.0]),
    ),
)  # fmt: skip

# Activations.
tanh: UnaryOp = elementwise("tanh", "tanh(x)", lambda x, y: 1 - square(y), result="float", doc="Hyperbolic tangent.")
sigmoid: UnaryOp = elementwise(
    "sigmoid", "sigmoid(x)", lambda x, y: y * (1 - y), result="float", numpy=lambda x: 1 / (1 + np.exp(-x)),
    doc=Doc("Logistic sigmoid function, without overflow.", "1 / (1 + exp(-x))"),
)  # fmt: skip
softplus: UnaryOp = elementwise(
    "softplus", "softplus(x)", lambda x, y: sigmoid(x), result="float", numpy=lambda x: np.logaddexp(x, 0),
    doc=Doc("Softplus, a smooth approximation of ``relu``, without overflow.", "log(1 + exp(x))"),
)  # fmt: skip
relu: UnaryOp = elementwise(
    "relu", "0 if x <= 0 else x", lambda x, y: greater(x, 0), ties=(0,), degree=1, numpy=lambda x: np.maximum(x, 0),
    doc=Doc(
        "Rectified linear unit.",
        "max(x, 0)",
        derivatives=("1 if x > 0 else 0",),
        notes="At 0, where there is a kink, the derivative is 0.",
        example=([-1.0, 0.0, 2.5],),
    ),
)  # fmt: skip

# Piecewise functions.
abs: UnaryOp = elementwise(
    "abs", "abs(x)", lambda x, y: sign(x), ties=(0,), degree=1,
    doc=Doc("Absolute value.", notes="At 0, where there is a kink, the derivative is 0.", example=([-1.5, 0.0, 2.0],)),
)  # fmt: skip
floor: UnaryOp = elementwise(
    "floor", "floor(x)", lambda x, y: 0,
    doc=Doc("Largest integer not greater than the input.", notes=_STEPS, example=([-1.5, 0.2, 2.0],)),
)  # fmt: skip
ceil: UnaryOp = elementwise(
    "ceil", "ceil(x)", lambda x, y: 0,
    doc=Doc("Smallest integer not less than the input.", notes=_STEPS, example=([-1.5, 0.2, 2.0],)),
)  # fmt: skip
trunc: UnaryOp = elementwise(
    "trunc", "trunc(x)", lambda x, y: 0,
    doc=Doc("Integer part of the input, rounded toward zero.", notes=_STEPS, example=([-1.5, 0.2, 2.7],)),
)  # fmt: skip
rint: UnaryOp = elementwise(
    "rint", "rint(x)", lambda x, y: 0,
    doc=Doc("Nearest integer; halves are rounded to the even one.", notes=_STEPS, example=([0.5, 1.5, -1.2],)),
)  # fmt: skip
mod: BinaryOp = elementwise(
    "mod", "mod(a, b)", lambda a, b, y: 1, lambda a, b, y: -floor_divide(a, b), loops=("vv",), domain=((-3, 3), (0.5, 3)),
    singular=((), (0,)), degree=1,
    doc=Doc(
        "Remainder of floor division, with the sign of the divisor, as the operator ``%`` computes it.",
        "a - floor_divide(a, b) * b",
        edges="The remainder is nan for b = 0.",
        notes="At a jump the derivatives are those between the jumps.",
        example=([-5.0, 5.0, 5.5], [3.0, 3.0, -2.0]),
    ),
)  # fmt: skip
floor_divide: BinaryOp = elementwise(
    "floor_divide", "floor_divide(a, b)", lambda a, b, y: 0, lambda a, b, y: 0,
    loops=("vv",), domain=((-3, 3), (0.5, 3)), singular=((), (0,)), degree=0,
    doc=Doc(
        "Floor of the quotient, as the operator ``//`` computes it.",
        "floor(a / b)",
        edges=_BY_ZERO,
        notes=_STEPS,
        example=([-5.0, 5.0, 5.5], [3.0, 3.0, -2.0]),
    ),
)  # fmt: skip
sign: UnaryOp = elementwise(
    "sign", "1 if x > 0 else (-1 if x < 0 else x)", lambda x, y: 0, ties=(0,), degree=0,
    doc=Doc("Sign of a number: -1, 0 or 1.", notes=_STEPS, example=([-1.5, 0.0, 2.0],)),
)  # fmt: skip
maximum: BinaryOp = elementwise(
    "maximum", "a if a >= b or a != a else b",
    lambda a, b, y: (greater(a, b) + greater_equal(a, b)) / 2,
    lambda a, b, y: (greater(b, a) + greater_equal(b, a)) / 2,
    commutative=True, loops=("vv", "sv"), degree=1,
    doc=Doc(
        "Larger of two numbers; nan if either is nan.",
        "max(a, b)",
        derivatives=("1 if a > b else 0", "1 if b > a else 0"),
        notes="If the operands are equal, each derivative is 1/2.",
        see=("fmax : The same, ignoring nan.",),
    ),
)  # fmt: skip
minimum: BinaryOp = elementwise(
    "minimum", "a if a <= b or a != a else b",
    lambda a, b, y: (less(a, b) + less_equal(a, b)) / 2,
    lambda a, b, y: (less(b, a) + less_equal(b, a)) / 2,
    commutative=True, loops=("vv", "sv"), degree=1,
    doc=Doc(
        "Smaller of two numbers; nan if either is nan.",
        "min(a, b)",
        derivatives=("1 if a < b else 0", "1 if b < a else 0"),
        notes="If the operands are equal, each derivative is 1/2.",
        see=("fmin : The same, ignoring nan.",),
    ),
)  # fmt: skip
where: TernaryOp = elementwise(
    "where", "a if c != 0 else b", None, lambda c, a, b, y: not_equal(c, 0), lambda c, a, b, y: equal(c, 0),
    affine=True, degree=1,
    doc=Doc(
        "Choose elements from ``a`` or ``b`` depending on a condition.",
        "a if c else b",
        derivatives=(None, "1 if c else 0", "0 if c else 1"),
        parameters={
            "c": "Condition. Numbers other than zero count as true.",
            "a": "Values where the condition is true.",
            "b": "Values where the condition is false. All shapes must broadcast.",
        },
        notes="Both ``a`` and ``b`` are computed. If the operand that is not chosen has an infinite derivative, as\n"
        "``where(x > 0, sqrt(x), 0)`` has at x = 0, the gradient is nan: replace the input itself, as in\n"
        "``where(x > 0, sqrt(where(x > 0, x, 1)), 0)``.",
        example=([True, False], [1.0, 2.0], [-1.0, -2.0]),
    ),
)  # fmt: skip

# Comparisons have no derivative.
_PAIRS, _COMPARED = ("vv", "sv"), ("vv", "sv", "vs")
equal: BinaryOp = elementwise(
    "equal", "1 if a == b else 0", None, None, result="bool", commutative=True, loops=_PAIRS, degree=0,
    doc=Doc("Whether a is equal to b, element by element, as the operator ``==``.", "a == b", example=_TO_COMPARE),
)  # fmt: skip
not_equal: BinaryOp = elementwise(
    "not_equal", "1 if a != b else 0", None, None, result="bool", commutative=True, loops=_PAIRS, degree=0,
    doc=Doc("Whether a is not equal to b, element by element, as the operator ``!=``.", "a != b", example=_TO_COMPARE),
)  # fmt: skip
less: BinaryOp = elementwise(
    "less", "1 if a < b else 0", None, None, result="bool", loops=_COMPARED, degree=0,
    doc=Doc("Whether a is less than b, element by element, as the operator ``<``.", "a < b", example=_TO_COMPARE),
)  # fmt: skip
less_equal: BinaryOp = elementwise(
    "less_equal", "1 if a <= b else 0", None, None, result="bool", loops=_COMPARED, degree=0,
    doc=Doc("Whether a is at most b, element by element, as the operator ``<=``.", "a <= b", example=_TO_COMPARE),
)  # fmt: skip
greater: BinaryOp = elementwise(
    "greater", "1 if a > b else 0", None, None, result="bool", loops=_COMPARED, degree=0,
    doc=Doc("Whether a is greater than b, element by element, as the operator ``>``.", "a > b", example=_TO_COMPARE),
)  # fmt: skip
greater_equal: BinaryOp = elementwise(
    "greater_equal", "1 if a >= b else 0", None, None, result="bool", loops=_COMPARED, degree=0,
    doc=Doc("Whether a is at least b, element by element, as the operator ``>=``.", "a >= b", example=_TO_COMPARE),
)  # fmt: skip

stop_gradient: UnaryOp = elementwise(
    "stop_gradient", "x", None, degree=1, numpy=lambda x: x,
    doc=Doc("Return the input as a constant: no gradient flows through it.", see=("Tensor.detach : The same as a method.",)),
)  # fmt: skip
multiply_add: TernaryOp = elementwise(
    "multiply_add", "a * b + c", lambda c, a, b, y: 1, lambda c, a, b, y: b, lambda c, a, b, y: a,
    numpy=lambda c, a, b: np.add(np.multiply(a, b), c), loops=("111", "vvv", "vsv", "ssv", "svv"), affine=True,
    doc=Doc(
        "Sum of c and the product of a and b, of which c is the first operand.",
        parameters={"c": "The summand.", "a": "The first factor.", "b": "The second factor. All shapes must broadcast."},
        notes="The product is rounded before the sum. Sums with a product are replaced by this op when a program is compiled.",
        example=([1.0, 2.0], [3.0, 4.0], [5.0, 6.0]),
    ),
)  # fmt: skip
