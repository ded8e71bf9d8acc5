"""Special functions that are called element by element, most of them SciPy's.

They are elementwise ops without a text: the interpreter has no loops for them, which everybody would wait for, but one call
each, of ``vm/kernels/special_functions.py``, which is compiled when one of them is first needed.

Derivatives by the order of a Bessel function are not known here, nor second ones by the shape of an incomplete gamma or beta
function: asking for them is an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jitgrad.errors import UnsupportedError
from jitgrad.ops.elementwise import digamma, equal, exp, gammaln, less, log, log1p, scipy_function, sign, square, where
from jitgrad.ops.table import Op, Rule, elementwise

_ROOT = math.sqrt(math.pi)


def _called(name: str, *partials: Rule, numpy: Callable[..., Any] | None = None, doc: str, **options: Any) -> Op:
    return elementwise(name, None, *partials, numpy=numpy or scipy_function(name), result="float", doc=doc, **options)


def _unknown(what: str) -> Rule:
    """The partial by an operand for which there is none."""

    def partial(*operands: Any) -> Any:
        raise UnsupportedError(f"{what} is not known here. Keep that operand constant, for example with stop_gradient.")

    return partial


# Of the gamma and beta functions.

gamma: Op = _called("gamma", lambda x, y: y * digamma(x), domain=((0.5, 4),), doc="The gamma function.")
betaln: Op = _called(
    "betaln", lambda a, b, y: digamma(a) - digamma(a + b), lambda a, b, y: digamma(b) - digamma(a + b),
    domain=((0.5, 4),) * 2, doc="The logarithm of the absolute value of the beta function.",
)  # fmt: skip
beta: Op = _called(
    "beta", lambda a, b, y: y * (digamma(a) - digamma(a + b)), lambda a, b, y: y * (digamma(b) - digamma(a + b)),
    domain=((0.5, 4),) * 2, doc="The beta function, Γ(a)·Γ(b) / Γ(a + b).",
)  # fmt: skip


def _power_log(a: Any, x: Any) -> Any:
    """(a - 1)·log x, and 0 for a = 1, x = 0."""
    return (a - 1) * log(where(equal(x, 0) * equal(a, 1), 1, x))


def _gamma_density(a: Any, x: Any) -> Any:
    return where(less(x, math.inf), exp(_power_log(a, x) - x - gammaln(a)), 0)


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    return exp(_power_log(a, x) + _power_log(b, 1 - x) - betaln(a, b))


gammainc: Op = _called(
    "gammainc", lambda a, x, y: gammainc_by_a(a, x), lambda a, x, y: _gamma_density(a, x), domain=((0.5, 4), (0.1, 4)),
    doc="The regularised lower incomplete gamma function P(a, x).",
)  # fmt: skip
gammaincc: Op = _called(
    "gammaincc", lambda a, x, y: -gammainc_by_a(a, x), lambda a, x, y: -_gamma_density(a, x), domain=((0.5, 4), (0.1, 4)),
    doc="The regularised upper incomplete gamma function Q(a, x) = 1 - P(a, x).",
)  # fmt: skip
betainc: Op = _called(
    "betainc", lambda a, b, x, y: betainc_by_a(a, b, x), lambda a, b, x, y: betainc_by_b(a, b, x),
    lambda a, b, x, y: _beta_density(a, b, x), domain=((0.5, 4), (0.5, 4), (0.1, 0.9)),
    doc="The regularised incomplete beta function I(a, b, x), for x from 0 to 1.",
)  # fmt: skip


def _differences(name: str, i: int) -> Callable[..., Any]:
    """The slope of a function of SciPy by its operand ``i``, to about 1e-11."""

    def slope(*operands: Any) -> Any:
        def at(h: float) -> Any:
            return scipy_function(name)(*operands[:i], operands[i] * (1 + h), *operands[i + 1 :])

        h = 1e-3
        return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h * operands[i])

    return slope


_SECOND_GAMMA, _SECOND_BETA = (_unknown(f"The second derivative of {name} by its shape") for name in ("gammainc", "betainc"))
gammainc_by_a: Op = _called(
    "gammainc_by_a", _SECOND_GAMMA, lambda a, x, y: _gamma_density(a, x) * (log(x) - digamma(a)),
    numpy=_differences("gammainc", 0), domain=((0.5, 4), (0.1, 4)), doc="The derivative of gammainc by its shape a.",
)  # fmt: skip
betainc_by_a: Op = _called(
    "betainc_by_a", _SECOND_BETA, _SECOND_BETA,
    lambda a, b, x, y: _beta_density(a, b, x) * (log(x) - digamma(a) + digamma(a + b)),
    numpy=_differences("betainc", 0), domain=((0.5, 4), (0.5, 4), (0.1, 0.9)), doc="The derivative of betainc by a.",
)  # fmt: skip
betainc_by_b: Op = _called(
    "betainc_by_b", _SECOND_BETA, _SECOND_BETA,
    lambda a, b, x, y: _beta_density(a, b, x) * (log1p(-x) - digamma(b) + digamma(a + b)),
    numpy=_differences("betainc", 1), domain=((0.5, 4), (0.5, 4), (0.1, 0.9)), doc="The derivative of betainc by b.",
)  # fmt: skip

# Of the normal distribution.

erfinv: Op = _called(
    "erfinv", lambda x, y: _ROOT / 2 * exp(square(y)), domain=((-0.9, 0.9),), doc="The inverse of erf, from -1 to 1."
)
erfcinv: Op = _called(
    "erfcinv", lambda x, y: -_ROOT / 2 * exp(square(y)), domain=((0.1, 1.9),), doc="The inverse of erfc, from 0 to 2."
)
ndtri: Op = _called(
    "ndtri", lambda x, y: math.sqrt(2) * _ROOT * exp(square(y) / 2), domain=((0.05, 0.95),), doc="The inverse of ndtr."
)
log_ndtr: Op = _called(
    "log_ndtr", lambda x, y: exp(-square(x) / 2 - y) / (math.sqrt(2) * _ROOT),
    doc="The logarithm of ndtr, accurate where ndtr would vanish.",
)  # fmt: skip
wofz_real: Op = _called(
    "wofz_real", lambda a, b, y: 2 * (b * wofz_imag(a, b) - a * y),
    lambda a, b, y: 2 * (a * wofz_imag(a, b) + b * y - 1 / _ROOT),
    numpy=lambda x, y: scipy_function("wofz")(x + 1j * y).real, domain=((-3, 3), (0, 3)),
    doc="The real part of the Faddeeva function at a + ib.",
)  # fmt: skip
wofz_imag: Op = _called(
    "wofz_imag", lambda a, b, y: 2 * (1 / _ROOT - a * y - b * wofz_real(a, b)),
    lambda a, b, y: 2 * (b * y - a * wofz_real(a, b)),
    numpy=lambda x, y: scipy_function("wofz")(x + 1j * y).imag, domain=((-3, 3), (0, 3)),
    doc="The imaginary part of the Faddeeva function at a + ib.",
)  # fmt: skip

# Bessel functions.


def _of_order(name: str, partial: Rule, doc: str) -> Op:
    by_order = _unknown(f"The derivative of {name} by its order")
    return _called(name, by_order, partial, domain=((0.5, 3), (0.5, 4)), doc=doc)


jv: Op = _of_order("jv", lambda a, b, y: (jv(a - 1, b) - jv(a + 1, b)) / 2, "The Bessel function of the first kind.")
yv: Op = _of_order("yv", lambda a, b, y: (yv(a - 1, b) - yv(a + 1, b)) / 2, "The Bessel function of the second kind.")
iv: Op = _of_order("iv", lambda a, b, y: (iv(a - 1, b) + iv(a + 1, b)) / 2, "The modified Bessel function of the first kind.")
ive: Op = _of_order("ive", lambda a, b, y: (ive(a - 1, b) + ive(a + 1, b)) / 2 - sign(b) * y, "iv(a, b) · exp(-|b|).")
kv: Op = _of_order("kv", lambda a, b, y: -(kv(a - 1, b) + kv(a + 1, b)) / 2, "The modified Bessel function of the second kind.")
kve: Op = _of_order("kve", lambda a, b, y: y - (kve(a - 1, b) + kve(a + 1, b)) / 2, "kv(a, b) · exp(b).")

_POSITIVE: dict[str, Any] = {"domain": ((0.5, 4),)}
_FIRST, _SECOND = "The Bessel function of the first kind of order", "The Bessel function of the second kind of order"
_MODIFIED = "The modified Bessel function of the {} kind of order {}."

j0: Op = _called("j0", lambda x, y: -j1(x), doc=f"{_FIRST} 0.")
j1: Op = _called("j1", lambda x, y: (j0(x) - jv(2, x)) / 2, doc=f"{_FIRST} 1.")
y0: Op = _called("y0", lambda x, y: -y1(x), doc=f"{_SECOND} 0.", **_POSITIVE)
y1: Op = _called("y1", lambda x, y: (y0(x) - yv(2, x)) / 2, doc=f"{_SECOND} 1.", **_POSITIVE)
i0: Op = _called("i0", lambda x, y: i1(x), doc=_MODIFIED.format("first", 0))
i1: Op = _called("i1", lambda x, y: (i0(x) + iv(2, x)) / 2, doc=_MODIFIED.format("first", 1))
i0e: Op = _called("i0e", lambda x, y: i1e(x) - sign(x) * y, ties=(0,), doc="i0(x) · exp(-|x|).")
i1e: Op = _called("i1e", lambda x, y: (i0e(x) + ive(2, x)) / 2 - sign(x) * y, ties=(0,), doc="i1(x) · exp(-|x|).")
k0: Op = _called("k0", lambda x, y: -k1(x), doc=_MODIFIED.format("second", 0), **_POSITIVE)
k1: Op = _called("k1", lambda x, y: -(k0(x) + kv(2, x)) / 2, doc=_MODIFIED.format("second", 1), **_POSITIVE)
k0e: Op = _called("k0e", lambda x, y: y - k1e(x), doc="k0(x) · exp(x).", **_POSITIVE)
k1e: Op = _called("k1e", lambda x, y: y - (k0e(x) + kve(2, x)) / 2, doc="k1(x) · exp(x).", **_POSITIVE)
