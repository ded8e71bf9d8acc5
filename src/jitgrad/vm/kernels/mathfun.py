"""Math functions as code without branches, so that a vector costs little more than a number. C's functions take one call each.

They are written on ``Value``, see ``compiler/emitter.py``, either for both float32 and float64 or with a variant for each.
Maximum errors are in units in the last place, measured over dense samples by ``tests/vm/test_mathfun.py``. Values at 0, -0,
±inf and nan, and beyond overflow, agree with NumPy.

Exponentials: x = n·ln 2 + r with ln 2 in two parts, so that r is exact (Cody and Waite, "Software manual for the elementary
functions", 1980), and a polynomial of r: in float32 the minimax polynomial of Moshier's Cephes library, in float64 Taylor's up
to r¹³, by Estrin's scheme. Logarithms: x = m·2ᵉ with m from √½ to √2, and log m by the odd series of s = f / (2 + f), f = m -
1, with the minimax coefficients of FreeBSD's msun (Sun Microsystems, 1993).

Sines: x = n·π/2 + r with π/2 in three parts, as in msun, and msun's polynomials of r; float32 is computed in float64. This
holds up to NEAR; C's functions compute larger elements, see ``vm/kernels/elementwise.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from jitgrad.vm.compiler.emitter import DOUBLE, SINGLE, Value

_MAGIC = 6755399441055744.0  # 1.5·2⁵²: adding it rounds to an integer, which is then in the low bits
_MAGIC_BITS = 0x4338000000000000


def where(condition: Value, a: Any, b: Any) -> Value:
    """Select ``a`` if the condition holds, else ``b``. One of them may be a Python number."""
    typed = a if isinstance(a, Value) else b
    return condition.emit.where(condition, typed.like(a), typed.like(b))


def _min(a: Value, b: Any) -> Value:
    return where(a > b, b, a)


def _max(a: Value, b: Any) -> Value:
    return where(a < b, b, a)


def _intrinsic(name: str) -> Callable[..., Value]:
    return lambda *x: x[0].emit.intrinsic(name, *x)


def _c(name: str) -> Callable[..., Value]:
    return lambda *x: x[0].emit.c(name, *x)


rint, floor, ceil, trunc, sqrt, copysign = map(_intrinsic, ("rint", "floor", "ceil", "trunc", "sqrt", "copysign"))


def _is_single(x: Value) -> bool:
    return x.number == SINGLE


def _exp_parts(x: Value) -> tuple[Value, Value, Value, Value]:
    """Return n, two finite normal factors of 2ⁿ, and eʳ - 1, with x clamped to the range of finite results."""
    return _exp_parts32(x) if _is_single(x) else _exp_parts64(x)


def _exp_parts32(x: Value) -> tuple[Value, Value, Value, Value]:
    y = _min(_max(x, -104.0), 89.0)
    k = rint(y * 1.44269504)
    r = y - k * 0.693359375
    r = r - k * -2.12194440e-4
    p: Any = 1.9875691500e-4
    for coefficient in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1):
        p = p * r + coefficient
    n = k.integer()
    return n, *_halves(n + 254, 23), p * (r * r) + r


def _exp_parts64(x: Value) -> tuple[Value, Value, Value, Value]:
    y = _min(_max(x, -746.0), 710.0)
    t = y * 1.4426950408889634 + _MAGIC
    k = t - _MAGIC
    r = y - k * 6.93147180369123816490e-01
    r = r - k * 1.90821492927058770002e-10
    r2 = r * r
    r4 = r2 * r2
    a, b, c = 1 / 2 + r * (1 / 6), 1 / 24 + r * (1 / 120), 1 / 720 + r * (1 / 5040)
    d, e, f = 1 / 40320 + r * (1 / 362880), 1 / 3628800 + r * (1 / 39916800), 1 / 479001600 + r * (1 / 6227020800)
    n = t.bits() - _MAGIC_BITS
    return n, *_halves(n + 2046, 52), r + r2 * ((a + r2 * b) + r4 * ((c + r2 * d) + r4 * (e + r2 * f)))


def _halves(exponents: Value, place: int) -> tuple[Value, Value]:
    """Return two similar powers of two whose product has the given nonnegative exponents, in the bits at ``place``."""
    first = (exponents << (place - 1)) & (-1 << place)
    return first.from_bits(), ((exponents << place) - first).from_bits()


def exp(x: Value) -> Value:
    """eˣ: 1 ULP in both dtypes."""
    _, u, v, p = _exp_parts(x)
    return (p * u + u) * v


def expm1(x: Value) -> Value:
    """eˣ - 1: 1.4 and 1.7 ULP."""
    n, u, v, p = _exp_parts(x)
    y = where(n > (64 if _is_single(x) else 100), (p + 1) * u * v - 1, p * (u * v) + (u * v - 1))
    return where((x != x) | (x == 0), x, y)


def log(x: Value) -> Value:
    """Natural logarithm: 0.8 ULP."""
    y = _log32(x) if _is_single(x) else _log64(x)
    y = where(x < math.inf, y, x)
    y = where(x > 0, y, -math.inf)
    return where(x >= 0, y, math.nan)


def _log32(x: Value) -> Value:
    tiny = x < 1.17549435e-38
    i = where(tiny, x * 8388608.0, x).bits()
    k = (i - 0x3F3504F3) >> 23
    e = k.to(SINGLE) - where(tiny, x.like(23), x.like(0))
    f = (i - (k << 23)).from_bits() - 1
    s = f / (2 + f)
    z = s * s
    w = z * z
    series = z * (0.66666662693 + w * 0.28498786688) + w * (0.40000972152 + w * 0.24279078841)
    h = 0.5 * f * f
    return s * (h + series) + e * 9.0580006145e-06 - h + f + e * 6.9313812256e-01


def _log64(x: Value) -> Value:
    tiny = x < 2.2250738585072014e-308
    i = where(tiny, x * 18014398509481984.0, x).bits()
    k = (i - 0x3FE6A09E667F3BCD) >> 52
    e = k.to(DOUBLE) - where(tiny, x.like(54), x.like(0))
    f = (i - (k << 52)).from_bits() - 1
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    h = 0.5 * f * f
    return s * (h + odd + even) + e * 1.90821492927058770002e-10 - h + f + e * 6.93147180369123816490e-01


def log1p(x: Value) -> Value:
    """log(1 + x), by Kahan's correction of the rounding of 1 + x: 1.2 ULP."""
    u = x + 1
    lost = where(x < 1, x - (u - 1), 1 - (u - x))
    y = log(u)
    y = where((u < math.inf) & (u > 0), y + lost / u, y)
    return where(x == 0, x, y)


def tanh(x: Value) -> Value:
    """tanh x = t / (t + 2) with t = e²ˣ - 1: 2.2 ULP."""
    t = expm1(2 * _min(abs(x), 24))
    y = t / (t + 2)
    y = where(x > 0, y, -y)
    return where((x != x) | (x == 0), x, y)


def sigmoid(x: Value) -> Value:
    """1 / (1 + e⁻ˣ), without overflow on either side: 2.3 ULP."""
    e = exp(-abs(x))
    return where(x != x, x, where(x > 0, 1, e) / (1 + e))


def softplus(x: Value) -> Value:
    """log(1 + eˣ), without overflow: 2 ULP."""
    return where(x != x, x, _max(x, 0) + log1p(exp(-abs(x))))


NEAR = 1e6
"""Largest argument for which sin, cos and tan are accurate."""


def _quarters(x: Value) -> tuple[Value, Value, Value]:
    """Return the number of quarter turns before x, and sine and cosine of the remainder, in float64."""
    y = x.to(DOUBLE)
    t = y * 6.36619772367581382433e-01 + _MAGIC
    k = t - _MAGIC
    first = y - k * 1.57079632673412561417e00
    second = first - k * 6.07710050630396597660e-11
    rest = (first - second) - k * 6.07710050630396597660e-11 - k * 2.02226624879595063154e-21
    r = second + rest
    return t.bits(), *(_sine_and_cosine32(r) if _is_single(x) else _sine_and_cosine64(r, (second - r) + rest))


def _sine_and_cosine64(r: Value, rest: Value) -> tuple[Value, Value]:
    """Sine and cosine of r and its rounding error."""
    z = r * r
    w = z * z
    a = 8.33333333332248946124e-03 + z * -1.98412698298579493134e-04
    b = 2.75573137070700676789e-06 + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)
    s = r + (z * r * (-1.66666666666666324348e-01 + z * (a + w * b)) + rest)
    a = 4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 + z * 2.48015872894767294178e-05)
    b = -2.75573143513906633035e-07 + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
    h = 0.5 * z
    c = 1.0 - h
    return s, c + ((1.0 - c - h) + (w * (a + z * w * b) - r * rest))


def _sine_and_cosine32(r: Value) -> tuple[Value, Value]:
    """Sine and cosine in float32 precision."""
    z = r * r
    w = z * z
    s = r + z * r * (-0.166666666416265235595 + z * 0.0083333293858894631756)
    c = 1.0 + z * -0.499999997251031003120 + w * 0.0416666233237390631894
    s = s + z * w * r * (-0.000198393348360966317347 + z * 0.0000027183114939898219064)
    return s, c + z * w * (-0.00138867637746099294692 + z * 0.0000243904487962774090654)


def _turned(n: Value, s: Value, c: Value) -> Value:
    """Return the sine after n quarter turns."""
    y = where((n & 1) != 0, c, s)
    return where((n & 2) != 0, -y, y)


def sin(x: Value) -> Value:
    """Sine: 0.6 and 1 ULP."""
    n, s, c = _quarters(x)
    return where(x == 0, x, _turned(n, s, c).to(x.number))


def cos(x: Value) -> Value:
    """Cosine: 0.6 and 1 ULP."""
    n, s, c = _quarters(x)
    return _turned(n + 1, s, c).to(x.number)


def tan(x: Value) -> Value:
    """Tangent, the quotient of sine and cosine: 0.6 and 2 ULP."""
    n, s, c = _quarters(x)
    return where(x == 0, x, where((n & 1) != 0, -c / s, s / c).to(x.number))


def sinh(x: Value) -> Value:
    """(t + t / (t + 1)) / 2 with t = eˣ - 1: 0.6 and 3 ULP. From 22 on, eˣ / 2 as a square, which overflows later."""
    a = _min(abs(x.to(DOUBLE)), 100.0 if _is_single(x) else 1420.0)
    t = expm1(a)
    y = 0.5 * (t + t / (t + 1.0))
    if not _is_single(x):
        e = exp(0.5 * a)
        y = where(a < 22.0, y, 0.5 * e * e)
    return where((x == 0) | (x != x), x, copysign(y.to(x.number), x))


def cosh(x: Value) -> Value:
    """(eˣ + e⁻ˣ) / 2: 0.6 and 3 ULP."""
    a = _min(abs(x.to(DOUBLE)), 100.0 if _is_single(x) else 1420.0)
    e = exp(a)
    y = 0.5 * e + 0.5 / e
    if not _is_single(x):
        half = exp(0.5 * a)
        y = where(a < 22.0, y, 0.5 * half * half)
    return where(x != x, x, y.to(x.number))


def power(a: Value, b: Value) -> Value:
    """aᵇ: 0.6 ULP in float32, via float64, whose logarithm has the 29 extra bits that the exponent may cost; float64 uses C."""
    if not _is_single(a):
        return a.emit.c("pow", a, b)
    x, y = abs(a).to(DOUBLE), b.to(DOUBLE)
    whole = rint(y) == y
    odd = whole & (rint(0.5 * y) != 0.5 * y)
    made = exp(y * log(x)).to(SINGLE)
    made = where(odd & (copysign(a.like(1), a) < 0), -made, made)
    made = where((a < 0) & ~whole & (abs(a) < math.inf) & (abs(b) < math.inf), math.nan, made)
    made = where((abs(a) == 1) & ((abs(b) == math.inf) | (a > 0)), 1, made)
    return where((b == 0) | (a == 1), 1, made)


def _remainder(a: Value, b: Value) -> tuple[Value, Value]:
    """Return C's fmod, with the sign of ``a``, and whether it differs from the remainder with the sign of ``b``."""
    left = a.emit.c("fmod", a, b)
    return left, (left != 0) & ((left < 0) != (b < 0))


def mod(a: Value, b: Value) -> Value:
    """Remainder with the sign of ``b``, as ``numpy.mod``."""
    left, turns = _remainder(a, b)
    return where(left == 0, copysign(left, b), where(turns, left + b, left))


def floor_divide(a: Value, b: Value) -> Value:
    """Quotient rounded down, as ``numpy.floor_divide``: the remainder is subtracted first."""
    left, turns = _remainder(a, b)
    quotient = (a - left) / b
    quotient = where(turns, quotient - 1, quotient)
    whole = floor(quotient)
    whole = where(quotient - whole > 0.5, whole + 1, whole)
    whole = where(quotient == 0, copysign(quotient.like(0), a / b), whole)
    return where(b == 0, a / b, whole)


_C = {
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh", "hypot": "hypot", "exp2": "exp2", "log2": "log2", "log10": "log10", "erf": "erf", "erfc": "erfc",
    "lgamma": "lgamma",
}  # fmt: skip
arcsin, arccos, arctan, arctan2, arcsinh, arccosh, arctanh, hypot, exp2, log2, log10, erf, erfc, lgamma = map(_c, _C.values())


def cbrt(x: Value) -> Value:
    """Cube root by C for doubles, except if subnormal numbers are flushed to zero; then by bit manipulation."""
    return where(x == 0, copysign(x.like(0), x), x.emit.c("cbrt", x.to(DOUBLE)).to(x.number))


def by_c(number: Any) -> set[str]:
    """Return the functions that need C's for this type, which cannot be vectorized."""
    return {*_C, "cbrt", "mod", "floor_divide"} | ({"power"} if number == DOUBLE else set())
