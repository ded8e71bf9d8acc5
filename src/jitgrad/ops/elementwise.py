"""The elementwise ops: each row is the value and, beside it, its partial derivatives.

Derivatives at kinks follow JAX: abs and relu have derivative 0 at 0; maximum and minimum share ties half and half;
x⁰ has derivative 0 everywhere, and 0ᵖ has derivative 0 by p.
"""

from __future__ import annotations

import numpy as np

from jitgrad.ops.table import Op, elementwise

# Arithmetic: value, then the partial for each operand.
add: Op = elementwise("add", "a + b", lambda a, b, y: 1, lambda a, b, y: 1, commutative=True)
subtract: Op = elementwise("subtract", "a - b", lambda a, b, y: 1, lambda a, b, y: -1)
multiply: Op = elementwise("multiply", "a * b", lambda a, b, y: b, lambda a, b, y: a, commutative=True)
divide: Op = elementwise(
    "divide", "a / b", lambda a, b, y: 1 / b, lambda a, b, y: -y / b, result="float", domain=((-3, 3), (0.5, 3))
)
power: Op = elementwise(
    "power", "a ** b",
    lambda a, b, y: b * a ** where(equal(b, 0), 1, b - 1),  # 0 where b is 0, also at a = 0
    lambda a, b, y: log(where(equal(a, 0), 1, a)) * y,
    result="float", domain=((0.2, 3), (-2, 3)),
)  # fmt: skip
negative: Op = elementwise("negative", "-x", lambda x, y: -1)
square: Op = elementwise("square", "x * x", lambda x, y: 2 * x)

# Exponentials and roots.
exp: Op = elementwise("exp", "exp(x)", lambda x, y: y, result="float")
log: Op = elementwise("log", "log(x)", lambda x, y: 1 / x, result="float", domain=((0.2, 3),))
log1p: Op = elementwise("log1p", "log1p(x)", lambda x, y: 1 / (1 + x), result="float", domain=((-0.7, 3),))
expm1: Op = elementwise("expm1", "expm1(x)", lambda x, y: y + 1, result="float")
sqrt: Op = elementwise("sqrt", "sqrt(x)", lambda x, y: 0.5 / y, result="float", domain=((0.2, 3),))

# Trigonometry, in radians.
sin: Op = elementwise("sin", "sin(x)", lambda x, y: cos(x), result="float")
cos: Op = elementwise("cos", "cos(x)", lambda x, y: -sin(x), result="float")
tan: Op = elementwise("tan", "tan(x)", lambda x, y: 1 + square(y), result="float", domain=((-1.2, 1.2),))

# Activations.
tanh: Op = elementwise("tanh", "tanh(x)", lambda x, y: 1 - square(y), result="float")
sigmoid: Op = elementwise(
    "sigmoid", "1 / (1 + exp(-x))", lambda x, y: y * (1 - y), result="float",
    numpy=lambda x: 1 / (1 + np.exp(-x)), doc="The logistic function 1 / (1 + exp(-x)).",
)  # fmt: skip
softplus: Op = elementwise(
    "softplus", "(0 if x <= 0 else x) + log1p(exp(-abs(x)))", lambda x, y: sigmoid(x), result="float",
    numpy=lambda x: np.logaddexp(x, 0), doc="log(1 + exp(x)), without overflow.",
)  # fmt: skip
relu: Op = elementwise(
    "relu", "0 if x <= 0 else x", lambda x, y: greater(x, 0), ties=(0,),
    numpy=lambda x: np.maximum(x, 0), doc="max(x, 0); its derivative at 0 is 0.",
)  # fmt: skip

# Pieces.
abs: Op = elementwise("abs", "abs(x)", lambda x, y: sign(x), ties=(0,))
sign: Op = elementwise("sign", "1 if x > 0 else (-1 if x < 0 else x)", lambda x, y: 0, ties=(0,))
maximum: Op = elementwise(
    "maximum", "a if a >= b or a != a else b",
    lambda a, b, y: (greater(a, b) + greater_equal(a, b)) / 2,
    lambda a, b, y: (greater(b, a) + greater_equal(b, a)) / 2,
    commutative=True,
)  # fmt: skip
minimum: Op = elementwise(
    "minimum", "a if a <= b or a != a else b",
    lambda a, b, y: (less(a, b) + less_equal(a, b)) / 2,
    lambda a, b, y: (less(b, a) + less_equal(b, a)) / 2,
    commutative=True,
)  # fmt: skip
where: Op = elementwise("where", "a if c != 0 else b", None, lambda c, a, b, y: not_equal(c, 0), lambda c, a, b, y: equal(c, 0))

# Comparisons have no derivative.
equal: Op = elementwise("equal", "1 if a == b else 0", None, None, result="bool", commutative=True)
not_equal: Op = elementwise("not_equal", "1 if a != b else 0", None, None, result="bool", commutative=True)
less: Op = elementwise("less", "1 if a < b else 0", None, None, result="bool")
less_equal: Op = elementwise("less_equal", "1 if a <= b else 0", None, None, result="bool")
greater: Op = elementwise("greater", "1 if a > b else 0", None, None, result="bool")
greater_equal: Op = elementwise("greater_equal", "1 if a >= b else 0", None, None, result="bool")

stop_gradient: Op = elementwise(
    "stop_gradient", "x", None, numpy=lambda x: x, doc="The value itself, as a constant: no gradient passes."
)
