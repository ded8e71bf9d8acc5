"""Special functions that C lacks, computed in float64 for all dtypes."""

from __future__ import annotations

from numpy import copysign, floor, inf, isfinite, log, nan, pi, rint, tan

from jitgrad.vm.compiler.language import compiled, noinline, number


@compiled
def digamma_of(x):
    """Derivative of log Γ: reflection, recurrence, asymptotic series (Abramowitz and Stegun, 6.3.7, 6.3.5, 6.3.18)."""
    z = float(x)
    if not isfinite(z):
        return z if z > 0.0 or z != z else nan
    if z == 0.0:
        return copysign(inf, -z)
    total = 0.0
    if z < 0.0:
        fraction = z - rint(z)
        if fraction == 0.0:
            return nan
        total = -pi / tan(pi * fraction)
        z = 1.0 - z
    while z < 10.0:
        total -= 1.0 / z
        z += 1.0
    r = 1.0 / (z * z)
    series = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r * (1 / 132 - r * (691 / 32760 - r / 12))))))
    return total + log(z) - 0.5 / z - series


@compiled
def _polygamma(order, x):
    """Derivative of digamma of an integral ``order`` up to 10,000, infinite at 0, -1, -2, …; nan for other orders and at -inf.

    It is (-1)ⁿ⁺¹ n! ζ(n + 1, x) with the Hurwitz zeta function, a sum over x, x + 1, …. Below -1, the terms above 0 are a zeta
    function at the fraction f of x, and those below 0, up to the sign, one at 1 - f minus one at 1 - x.
    """
    n, q = float(order), float(x)
    if n == 0.0:
        return digamma_of(q)
    if not (0.0 < n <= 10000.0 and n == floor(n) and q > -inf):
        return nan
    even = floor(n / 2) * 2 == n
    sign = -1.0 if even else 1.0
    if q == inf:
        return sign * 0.0
    if q <= 0.0 and q == floor(q):
        return sign * inf
    if q >= -1.0:
        return sign * _factorial_zeta(n, q)
    f = q - floor(q)
    above, below, rest = _factorial_zeta(n, f), _factorial_zeta(n, 1.0 - f), _factorial_zeta(n, 1.0 - q)
    if not even:
        return above + below - rest
    if above == below:  # halfway between two poles, or beyond float64, where the nearer pole dominates
        return -rest if f == 0.5 else copysign(inf, f - 0.5)
    return below - above - rest


@compiled
def _factorial_zeta(n, q):
    """n! ζ(n + 1, q) for q > -1: some terms, and the Euler-Maclaurin formula for the rest (Johansson, "Rigorous high-precision
    computation of the Hurwitz zeta function and its derivatives", 2015). Everything is divided by qⁿ, which is combined with
    n!.
    """
    s, total, end = n + 1.0, 0.0, q
    while end < 12.0 + 2.0 * n:
        total += (q / end) ** s
        end += 1.0
    r = 1.0 / (end * end)
    rest, term = 1.0 / n + 0.5 / end, s * r
    rest += term / 12
    term *= (s + 1) * (s + 2) * r
    rest -= term / 720
    term *= (s + 3) * (s + 4) * r
    rest += term / 30240
    term *= (s + 5) * (s + 6) * r
    rest -= term / 1209600
    term *= (s + 7) * (s + 8) * r
    rest += term / 47900160
    term *= (s + 9) * (s + 10) * r
    rest -= term * 691 / 1307674368000
    value, k = total / q + (q / end) ** n * rest, 1.0
    while k <= n:
        value *= k / q
        k += 1.0
    return value


@noinline
def digamma(A, d, x, n):
    for k in range(n):
        A[d + k] = number(A, digamma_of(A[x + k]))


@noinline
def polygamma(A, d, rows, cols, a, ra, b, rb):
    for r in range(rows):
        for k in range(cols):
            A[d + r * cols + k] = number(A, _polygamma(A[a + r * ra + k], A[b + r * rb + k]))
