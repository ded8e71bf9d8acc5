"""Special functions that call a function for each element, in most cases one of SciPy's.

The rows are elementwise ops without a text. The interpreter has no fused loops for them, which would prolong every user's
first compilation. Each op calls a function in ``vm/kernels/special_functions.py``, which is compiled on first use.

Derivatives with respect to the order of a Bessel function and second derivatives with respect to the shape of an incomplete
gamma or beta function are not available. They raise UnsupportedError.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jitgrad.errors import UnsupportedError
from jitgrad.ops.documentation import Doc
from jitgrad.ops.elementwise import digamma, equal, exp, gammaln, less, log, log1p, scipy_function, sign, square, where
from jitgrad.ops.table import BinaryOp, Rule, TernaryOp, UnaryOp, elementwise

_ROOT = math.sqrt(math.pi)


def _called(name: str, *partials: Rule, numpy: Callable[..., Any] | None = None, doc: str | Doc, **options: Any) -> Any:
    return elementwise(name, None, *partials, numpy=numpy or scipy_function(name), result="float", doc=doc, **options)


def _unavailable(what: str) -> Rule:
    """Return a rule for an operand without a derivative, which raises UnsupportedError."""

    def partial(*operands: Any) -> Any:
        raise UnsupportedError(f"{what} is not available. Keep that operand constant, for example with stop_gradient.")

    return partial


# The gamma and beta functions.

_GAMMA_PARAMETERS = {"a": "Shape parameter, positive.", "x": "Argument, nonnegative."}
_BETA_PARAMETERS = {
    "a": "First shape parameter, positive.", "b": "Second shape parameter, positive.", "x": "Argument, from 0 to 1.",
}  # fmt: skip
_GAMMA_BY_SHAPE = """\
``gammainc_by_a``, the derivative of P with respect to a, is computed from the power series of P for small x and from
Legendre's continued fraction of Q otherwise (W. Gautschi, "A computational procedure for incomplete gamma functions", ACM
Transactions on Mathematical Software 5, 1979). Its own derivative with respect to a is not available."""
_BETA_BY_SHAPE = """\
The derivatives with respect to a and b are computed from the continued fraction of the function (R. J. Boik and
J. F. Robison-Cox, "Derivatives of the incomplete beta function", Journal of Statistical Software 3, 1998). Their own
derivatives with respect to a and b are not available."""

gamma: UnaryOp = _called(
    "gamma", lambda x, y: y * digamma(x), domain=((0.5, 4),),
    doc=Doc("Gamma function.", see=("gammaln : Logarithm of its absolute value.", "factorial : gamma(n + 1).")),
)  # fmt: skip
betaln: BinaryOp = _called(
    "betaln", lambda a, b, y: digamma(a) - digamma(a + b), lambda a, b, y: digamma(b) - digamma(a + b),
    domain=((0.5, 4),) * 2, doc=Doc("Logarithm of the absolute value of the beta function.", see=("beta",)),
)  # fmt: skip
beta: BinaryOp = _called(
    "beta", lambda a, b, y: y * (digamma(a) - digamma(a + b)), lambda a, b, y: y * (digamma(b) - digamma(a + b)),
    domain=((0.5, 4),) * 2,
    doc=Doc("Beta function, ``gamma(a) * gamma(b) / gamma(a + b)``.", see=("betaln : Its logarithm.",)),
)  # fmt: skip


def _power_log(a: Any, x: Any) -> Any:
    """Return (a - 1)·log x, with the value 0 for a = 1, x = 0."""
    return (a - 1) * log(where(equal(x, 0) * equal(a, 1), 1, x))


def _gamma_density(a: Any, x: Any) -> Any:
    return where(less(x, math.inf), exp(_power_log(a, x) - x - gammaln(a)), 0)


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    return exp(_power_log(a, x) + _power_log(b, 1 - x) - betaln(a, b))


gammainc: BinaryOp = _called(
    "gammainc", lambda a, x, y: gammainc_by_a(a, x), lambda a, x, y: _gamma_density(a, x), domain=((0.5, 4), (0.1, 4)),
    doc=Doc(
        "Regularized lower incomplete gamma function P(a, x).",
        derivatives=(None, "x**(a - 1) * exp(-x) / gamma(a)"), parameters=_GAMMA_PARAMETERS,
        notes=f"P(a, x) is the distribution function of a gamma distribution with the shape a.\n\n{_GAMMA_BY_SHAPE}",
        see=("gammaincc : Its complement.",),
    ),
)  # fmt: skip
gammaincc: BinaryOp = _called(
    "gammaincc", lambda a, x, y: -gammainc_by_a(a, x), lambda a, x, y: -_gamma_density(a, x), domain=((0.5, 4), (0.1, 4)),
    doc=Doc(
        "Regularized upper incomplete gamma function Q(a, x) = 1 - P(a, x).",
        derivatives=(None, "-(x**(a - 1)) * exp(-x) / gamma(a)"), parameters=_GAMMA_PARAMETERS,
        notes=f"Q(a, x) does not cancel for large x, where P(a, x) is nearly 1.\n\n{_GAMMA_BY_SHAPE}",
        see=("gammainc : Its complement.",),
    ),
)  # fmt: skip
betainc: TernaryOp = _called(
    "betainc", lambda a, b, x, y: betainc_by_a(a, b, x), lambda a, b, x, y: betainc_by_b(a, b, x),
    lambda a, b, x, y: _beta_density(a, b, x), domain=((0.5, 4), (0.5, 4), (0.1, 0.9)),
    doc=Doc(
        "Regularized incomplete beta function I(a, b, x).",
        derivatives=(None, None, "x**(a - 1) * (1 - x)**(b - 1) / beta(a, b)"), parameters=_BETA_PARAMETERS,
        notes=f"I(a, b, x) is the distribution function of a beta distribution with the shapes a and b.\n\n{_BETA_BY_SHAPE}",
        example=([0.5, 2.0, 3.0], [0.5, 1.0, 4.0], [0.1, 0.5, 0.9]), see=("beta", "betaln"),
    ),
)  # fmt: skip


def _differences(name: str, i: int) -> Callable[..., Any]:
    """Return the slope of a SciPy function with respect to operand ``i``, accurate to about 1e-11."""

    def slope(*operands: Any) -> Any:
        def at(h: float) -> Any:
            return scipy_function(name)(*operands[:i], operands[i] * (1 + h), *operands[i + 1 :])

        h = 1e-3
        return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h * operands[i])

    return slope


_SECOND_GAMMA, _SECOND_BETA = (
    _unavailable(f"The second derivative of {name} with respect to its shape") for name in ("gammainc", "betainc")
)
gammainc_by_a: BinaryOp = _called(
    "gammainc_by_a", _SECOND_GAMMA, lambda a, x, y: _gamma_density(a, x) * (log(x) - digamma(a)),
    numpy=_differences("gammainc", 0), domain=((0.5, 4), (0.1, 4)),
    doc="Derivative of gammainc with respect to its shape a.",
)  # fmt: skip
betainc_by_a: TernaryOp = _called(
    "betainc_by_a", _SECOND_BETA, _SECOND_BETA,
    lambda a, b, x, y: _beta_density(a, b, x) * (log(x) - digamma(a) + digamma(a + b)),
    numpy=_differences("betainc", 0), domain=((0.5, 4), (0.5, 4), (0.1, 0.9)),
    doc="Derivative of betainc with respect to its shape a.",
)  # fmt: skip
betainc_by_b: TernaryOp = _called(
    "betainc_by_b", _SECOND_BETA, _SECOND_BETA,
    lambda a, b, x, y: _beta_density(a, b, x) * (log1p(-x) - digamma(b) + digamma(a + b)),
    numpy=_differences("betainc", 1), domain=((0.5, 4), (0.5, 4), (0.1, 0.9)),
    doc="Derivative of betainc with respect to its shape b.",
)  # fmt: skip

# The normal distribution.

erfinv: UnaryOp = _called(
    "erfinv", lambda x, y: _ROOT / 2 * exp(square(y)), domain=((-0.9, 0.9),),
    doc=Doc(
        "Inverse of the error function.", parameters={"x": "Value of erf, from -1 to 1."}, example=([-0.5, 0.0, 0.9],),
        see=("erf", "erfcinv"),
    ),
)  # fmt: skip
erfcinv: UnaryOp = _called(
    "erfcinv", lambda x, y: -_ROOT / 2 * exp(square(y)), domain=((0.1, 1.9),),
    doc=Doc(
        "Inverse of the complementary error function.", parameters={"x": "Value of erfc, from 0 to 2."},
        example=([1e-10, 1.0, 1.5],), see=("erfc", "erfinv"),
    ),
)  # fmt: skip
ndtri: UnaryOp = _called(
    "ndtri", lambda x, y: math.sqrt(2) * _ROOT * exp(square(y) / 2), domain=((0.05, 0.95),),
    doc=Doc(
        "Quantile function of the standard normal distribution, the inverse of ndtr.",
        parameters={"x": "Probability, from 0 to 1."}, example=([0.025, 0.5, 0.975],), see=("ndtr", "log_ndtr"),
    ),
)  # fmt: skip
log_ndtr: UnaryOp = _called(
    "log_ndtr", lambda x, y: exp(-square(x) / 2 - y) / (math.sqrt(2) * _ROOT),
    doc=Doc(
        "Logarithm of the distribution function of the standard normal distribution.",
        notes="It is accurate for large negative arguments, for which ``ndtr`` underflows to 0.", example=([-40.0, 0.0, 2.0],),
        see=("ndtr",),
    ),
)  # fmt: skip
wofz_real: BinaryOp = _called(
    "wofz_real", lambda a, b, y: 2 * (b * wofz_imag(a, b) - a * y),
    lambda a, b, y: 2 * (a * wofz_imag(a, b) + b * y - 1 / _ROOT),
    numpy=lambda x, y: scipy_function("wofz")(x + 1j * y).real, domain=((-3, 3), (0, 3)),
    doc="Real part of the Faddeeva function at a + ib.",
)  # fmt: skip
wofz_imag: BinaryOp = _called(
    "wofz_imag", lambda a, b, y: 2 * (1 / _ROOT - a * y - b * wofz_real(a, b)),
    lambda a, b, y: 2 * (b * y - a * wofz_real(a, b)),
    numpy=lambda x, y: scipy_function("wofz")(x + 1j * y).imag, domain=((-3, 3), (0, 3)),
    doc="Imaginary part of the Faddeeva function at a + ib.",
)  # fmt: skip

# Bessel functions.

_ORDERS = ([0.0, 0.5, 2.0], [1.0, 1.0, 3.0])


def _of_order(name: str, partial: Rule, summary: str, *see: str) -> Any:
    by_order = _unavailable(f"The derivative of {name} with respect to its order")
    parameters = {"v": "Order, a real number.", "x": "Argument."}
    doc = Doc(summary, parameters=parameters, example=_ORDERS, see=see)
    return _called(name, by_order, partial, domain=((0.5, 3), (0.5, 4)), doc=doc)


jv: BinaryOp = _of_order(
    "jv",
    lambda v, x, y: (jv(v - 1, x) - jv(v + 1, x)) / 2,
    "Bessel function of the first kind of real order.",
    "yv",
    "j0",
    "j1",
)
yv: BinaryOp = _of_order(
    "yv", lambda v, x, y: (yv(v - 1, x) - yv(v + 1, x)) / 2, "Bessel function of the second kind of real order.",
    "jv", "y0", "y1",
)  # fmt: skip
iv: BinaryOp = _of_order(
    "iv", lambda v, x, y: (iv(v - 1, x) + iv(v + 1, x)) / 2, "Modified Bessel function of the first kind of real order.",
    "ive : Exponentially scaled, without overflow.", "kv", "i0", "i1",
)  # fmt: skip
ive: BinaryOp = _of_order(
    "ive", lambda v, x, y: (ive(v - 1, x) + ive(v + 1, x)) / 2 - sign(x) * y,
    "Exponentially scaled modified Bessel function of the first kind, ``iv(v, x) * exp(-abs(x))``.", "iv",
)  # fmt: skip
kv: BinaryOp = _of_order(
    "kv", lambda v, x, y: -(kv(v - 1, x) + kv(v + 1, x)) / 2, "Modified Bessel function of the second kind of real order.",
    "kve : Exponentially scaled, without underflow.", "iv", "k0", "k1",
)  # fmt: skip
kve: BinaryOp = _of_order(
    "kve", lambda v, x, y: y - (kve(v - 1, x) + kve(v + 1, x)) / 2,
    "Exponentially scaled modified Bessel function of the second kind, ``kv(v, x) * exp(x)``.", "kv",
)  # fmt: skip


def _fixed(name: str, partial: Rule, summary: str, *see: str, positive: bool = False, ties: tuple[float, ...] = ()) -> Any:
    options: dict[str, Any] = {"domain": ((0.5, 4),)} if positive else {}
    doc = Doc(summary, parameters={"x": "Argument, positive." if positive else "Argument."}, see=see)
    return _called(name, partial, doc=doc, ties=ties, **options)


_FIRST, _SECOND = "Bessel function of the first kind of order", "Bessel function of the second kind of order"
_MODIFIED_FIRST, _MODIFIED_SECOND = "Modified Bessel function of the first kind", "Modified Bessel function of the second kind"
_SCALED = "Exponentially scaled modified Bessel function of the"

j0: UnaryOp = _fixed("j0", lambda x, y: -j1(x), f"{_FIRST} 0.", "j1", "jv", "y0")
j1: UnaryOp = _fixed("j1", lambda x, y: (j0(x) - jv(2, x)) / 2, f"{_FIRST} 1.", "j0", "jv", "y1")
y0: UnaryOp = _fixed("y0", lambda x, y: -y1(x), f"{_SECOND} 0.", "y1", "yv", "j0", positive=True)
y1: UnaryOp = _fixed("y1", lambda x, y: (y0(x) - yv(2, x)) / 2, f"{_SECOND} 1.", "y0", "yv", "j1", positive=True)
i0: UnaryOp = _fixed("i0", lambda x, y: i1(x), f"{_MODIFIED_FIRST} of order 0.", "i0e", "i1", "iv")
i1: UnaryOp = _fixed("i1", lambda x, y: (i0(x) + iv(2, x)) / 2, f"{_MODIFIED_FIRST} of order 1.", "i1e", "i0", "iv")
i0e: UnaryOp = _fixed(
    "i0e", lambda x, y: i1e(x) - sign(x) * y, f"{_SCALED} first kind of order 0, ``i0(x) * exp(-abs(x))``.", "i0", ties=(0,)
)
i1e: UnaryOp = _fixed(
    "i1e", lambda x, y: (i0e(x) + ive(2, x)) / 2 - sign(x) * y,
    f"{_SCALED} first kind of order 1, ``i1(x) * exp(-abs(x))``.", "i1", ties=(0,),
)  # fmt: skip
k0: UnaryOp = _fixed("k0", lambda x, y: -k1(x), f"{_MODIFIED_SECOND} of order 0.", "k0e", "k1", "kv", positive=True)
k1: UnaryOp = _fixed(
    "k1", lambda x, y: -(k0(x) + kv(2, x)) / 2, f"{_MODIFIED_SECOND} of order 1.", "k1e", "k0", "kv", positive=True
)
k0e: UnaryOp = _fixed(
    "k0e", lambda x, y: y - k1e(x), f"{_SCALED} second kind of order 0, ``k0(x) * exp(x)``.", "k0", positive=True
)
k1e: UnaryOp = _fixed(
    "k1e", lambda x, y: y - (k0e(x) + kve(2, x)) / 2, f"{_SCALED} second kind of order 1, ``k1(x) * exp(x)``.", "k1",
    positive=True,
)  # fmt: skip
