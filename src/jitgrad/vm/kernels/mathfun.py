"""Exponentials and logarithms without branches, so that LLVM makes vector loops of them; C's are one call an element.

Each is for float32 and for float64 beside it. The largest errors are in units in the last place, as measured over dense
samples by ``tests/vm/test_mathfun.py``. Integers are cast after each operation, because Numba computes with 64 bits. Values at
0, -0, ±inf and nan, and beyond overflow, are NumPy's.

Exponentials: x = n·ln 2 + r with ln 2 in two parts, so that r is exact (Cody and Waite, "Software manual for the elementary
functions", 1980), and a polynomial of r: in float32 the minimax one of Moshier's Cephes library, in float64 Taylor's to r¹³, by
Estrin's scheme. Logarithms: x = m·2ᵉ with m from √½ to √2, log m by the odd series of s = f / (2 + f), f = m - 1, with the
minimax coefficients of FreeBSD's msun (Sun Microsystems, 1993).

Sines: x = n·π/2 + r with π/2 in three parts, as msun has them, and msun's polynomials of r; in float32 all in float64. That
holds up to NEAR; elements beyond go to C's functions, see ``vm/generate.py``.
"""

from __future__ import annotations

from numpy import copysign, float32, float64, inf, int32, int64, nan, rint

from jitgrad.vm.jit import bits, by_dtype, from_bits, inline, like

f4, f8, i4, i8 = float32, float64, int32, int64

_MAGIC = 6755399441055744.0  # 1.5·2⁵²: adding it rounds to a whole number, which is then in the low bits


@inline
def _exp_parts32(x):
    """n, two factors of 2ⁿ that are finite and normal, and eʳ - 1; x kept to where the results are finite."""
    y = min(max(x, f4(-104.0)), f4(89.0))
    k = rint(y * f4(1.44269504))
    r = y - k * f4(0.693359375)
    r = r - k * f4(-2.12194440e-4)
    p = f4(1.9875691500e-4)
    p = p * r + f4(1.3981999507e-3)
    p = p * r + f4(8.3334519073e-3)
    p = p * r + f4(4.1665795894e-2)
    p = p * r + f4(1.6666665459e-1)
    p = p * r + f4(5.0000001201e-1)
    n = i4(k)
    half = i4(n >> i4(1))
    u, v = from_bits(i4(i4(half + i4(127)) << i4(23))), from_bits(i4(i4(n - half + i4(127)) << i4(23)))
    return n, u, v, p * (r * r) + r


@inline
def _exp_parts64(x):
    y = min(max(x, -746.0), 710.0)
    t = y * 1.4426950408889634 + _MAGIC
    k = t - _MAGIC
    r = y - k * 6.93147180369123816490e-01
    r = r - k * 1.90821492927058770002e-10
    r2 = r * r
    r4 = r2 * r2
    a, b, c = 1 / 2 + r * (1 / 6), 1 / 24 + r * (1 / 120), 1 / 720 + r * (1 / 5040)
    d, e, f = 1 / 40320 + r * (1 / 362880), 1 / 3628800 + r * (1 / 39916800), 1 / 479001600 + r * (1 / 6227020800)
    n = bits(t) - bits(f8(_MAGIC))
    half = n >> i8(1)
    u, v = from_bits((half + i8(1023)) << i8(52)), from_bits((n - half + i8(1023)) << i8(52))
    return n, u, v, r + r2 * ((a + r2 * b) + r4 * ((c + r2 * d) + r4 * (e + r2 * f)))


_exp_parts = by_dtype(_exp_parts32, _exp_parts64)


@inline
def exp(x):
    """eˣ: 1 ULP in either dtype."""
    _, u, v, p = _exp_parts(x)
    y = (p + like(x, 1)) * u * v
    return x if x != x else y


@inline
def _expm1_32(x):
    n, u, v, p = _exp_parts32(x)
    y = (p + f4(1)) * u * v - f4(1) if n > i4(64) else p * (u * v) + (u * v - f4(1))
    return x if x != x or x == f4(0) else y


@inline
def _expm1_64(x):
    n, u, v, p = _exp_parts64(x)
    y = (p + 1.0) * u * v - 1.0 if n > i8(100) else p * (u * v) + (u * v - 1.0)
    return x if x != x or x == 0.0 else y


expm1 = by_dtype(_expm1_32, _expm1_64)
"""eˣ - 1: 1.4 and 1.7 ULP."""


@inline
def _log32(x):
    tiny = x < f4(1.17549435e-38)
    i = bits(x * f4(8388608.0) if tiny else x)
    k = i4(i4(i - i4(0x3F3504F3)) >> i4(23))
    e = f4(k) - (f4(23) if tiny else f4(0))
    f = from_bits(i4(i - i4(k << i4(23)))) - f4(1)
    s = f / (f4(2) + f)
    z = s * s
    w = z * z
    series = z * (f4(0.66666662693) + w * f4(0.28498786688)) + w * (f4(0.40000972152) + w * f4(0.24279078841))
    h = f4(0.5) * f * f
    y = s * (h + series) + e * f4(9.0580006145e-06) - h + f + e * f4(6.9313812256e-01)
    y = y if x < f4(inf) else x
    y = y if x > f4(0) else f4(-inf)
    return y if x >= f4(0) else f4(nan)


@inline
def _log64(x):
    tiny = x < 2.2250738585072014e-308
    i = bits(x * 18014398509481984.0 if tiny else x)
    k = (i - i8(0x3FE6A09E667F3BCD)) >> i8(52)
    e = f8(k) - (54.0 if tiny else 0.0)
    f = from_bits(i - (k << i8(52))) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    h = 0.5 * f * f
    y = s * (h + odd + even) + e * 1.90821492927058770002e-10 - h + f + e * 6.93147180369123816490e-01
    y = y if x < inf else x
    y = y if x > 0.0 else -inf
    return y if x >= 0.0 else nan


log = by_dtype(_log32, _log64)
"""The natural logarithm: 0.8 ULP."""


@inline
def log1p(x):
    """log(1 + x), by Kahan's correction for what 1 + x loses: 1.2 ULP."""
    zero, one = like(x, 0), like(x, 1)
    u = x + one
    lost = x - (u - one) if x < one else one - (u - x)
    y = log(u)
    y = y + lost / u if u < like(x, inf) and u > zero else y
    return x if x == zero else y


@inline
def tanh(x):
    """tanh x = t / (t + 2) with t = e²ˣ - 1: 2.2 ULP."""
    zero, two = like(x, 0), like(x, 2)
    t = expm1(two * min(abs(x), like(x, 24)))
    y = t / (t + two)
    y = y if x > zero else -y
    return x if x != x or x == zero else y


@inline
def sigmoid(x):
    """1 / (1 + e⁻ˣ), without overflow on either side: 2.3 ULP."""
    one, e = like(x, 1), exp(-abs(x))
    y = (one if x > like(x, 0) else e) / (one + e)
    return x if x != x else y


@inline
def softplus(x):
    """log(1 + eˣ), without overflow: 2 ULP."""
    y = max(x, like(x, 0)) + log1p(exp(-abs(x)))
    return x if x != x else y


@inline
def _reduced(x):
    """n, and x - n·π/2 as r and what r lacks."""
    t = x * 6.36619772367581382433e-01 + _MAGIC
    k = t - _MAGIC
    first = x - k * 1.57079632673412561417e00
    second = first - k * 6.07710050630396597660e-11
    rest = (first - second) - k * 6.07710050630396597660e-11 - k * 2.02226624879595063154e-21
    r = second + rest
    return bits(t), r, (second - r) + rest


@inline
def _sine_and_cosine64(r, rest):
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


@inline
def _sine_and_cosine32(r):
    """In float64, to float32's precision."""
    z = r * r
    w = z * z
    s = r + z * r * (-0.166666666416265235595 + z * 0.0083333293858894631756)
    c = 1.0 + z * -0.499999997251031003120 + w * 0.0416666233237390631894
    s = s + z * w * r * (-0.000198393348360966317347 + z * 0.0000027183114939898219064)
    return s, c + z * w * (-0.00138867637746099294692 + z * 0.0000243904487962774090654)


@inline
def _turned(n, s, c):
    """The sine after n quarters of a turn."""
    y = c if n & i8(1) else s
    return -y if n & i8(2) else y


@inline
def _quarters32(x):
    """How many quarters of a turn there are before x, and sine and cosine of what is left of it."""
    n, r, _ = _reduced(f8(x))
    s, c = _sine_and_cosine32(r)
    return n, s, c


@inline
def _quarters64(x):
    n, r, rest = _reduced(x)
    s, c = _sine_and_cosine64(r, rest)
    return n, s, c


_quarters = by_dtype(_quarters32, _quarters64)
NEAR = 1e6
"""Up to here the next three are right."""


@inline
def sin(x):
    """The sine: 0.6 and 1 ULP."""
    n, s, c = _quarters(x)
    return x if x == like(x, 0) else like(x, _turned(n, s, c))


@inline
def cos(x):
    """The cosine: 0.6 and 1 ULP."""
    n, s, c = _quarters(x)
    return like(x, _turned(n + i8(1), s, c))


@inline
def tan(x):
    """The tangent, their quotient: 0.6 and 2 ULP."""
    n, s, c = _quarters(x)
    return x if x == like(x, 0) else like(x, -c / s if n & i8(1) else s / c)


@inline
def _sinh32(x):
    y = _expm1_64(min(abs(f8(x)), 100.0))
    y = 0.5 * (y + y / (y + 1.0))
    return x if x == f4(0) or x != x else f4(copysign(y, x))


@inline
def _sinh64(x):
    """From 22 on it is eˣ / 2, eˣ as the square of eˣᐟ², which does not overflow too early."""
    a = min(abs(x), 1420.0)
    t = _expm1_64(a)
    e = exp(0.5 * a)
    y = 0.5 * (t + t / (t + 1.0)) if a < 22.0 else 0.5 * e * e
    return x if x == 0.0 or x != x else copysign(y, x)


@inline
def _cosh32(x):
    e = exp(min(abs(f8(x)), 100.0))
    return x if x != x else f4(0.5 * e + 0.5 / e)


@inline
def _cosh64(x):
    a = min(abs(x), 1420.0)
    e, half = exp(a), exp(0.5 * a)
    y = 0.5 * e + 0.5 / e if a < 22.0 else 0.5 * half * half
    return x if x != x else y


@inline
def _power32(a, b):
    """In float64, whose logarithm has the 29 bits more that the exponent can cost."""
    x, y = f8(abs(a)), f8(b)
    whole = rint(y) == y
    odd = whole and rint(0.5 * y) != 0.5 * y
    made = f4(exp(y * _log64(x)))
    made = -made if odd and copysign(f4(1), a) < f4(0) else made
    made = f4(nan) if a < f4(0) and not whole and abs(a) < f4(inf) and abs(b) < f4(inf) else made
    made = f4(1) if abs(a) == f4(1) and (abs(b) == f4(inf) or a > f4(0)) else made
    return f4(1) if b == f4(0) or a == f4(1) else made


@inline
def _power64(a, b):
    return a**b


sinh = by_dtype(_sinh32, _sinh64)
"""By t = eˣ - 1, (t + t / (t + 1)) / 2: 0.6 and 3 ULP."""
cosh = by_dtype(_cosh32, _cosh64)
"""(eˣ + e⁻ˣ) / 2: 0.6 and 3 ULP."""
power = by_dtype(_power32, _power64)
"""aᵇ, 0.6 ULP in float32; in float64 it is C's."""
