"""Special functions that C does not have, computed in float64 whatever the dtype."""

from __future__ import annotations

from numpy import copysign, float64, floor, inf, isfinite, log, nan, pi, rint, tan

from jitgrad.vm.jit import device


@device
def digamma(x):
    """The derivative of log Γ: reflection, recurrence, asymptotic series (Abramowitz and Stegun, 6.3.7, 6.3.5, 6.3.18)."""
    z = float64(x)
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


@device
def polygamma(order, x):
    """The derivative of digamma of a whole ``order`` at x > -1000, infinite at 0, -1, -2, …; nan elsewhere.

    (-1)ⁿ⁺¹ n! ζ(n + 1, x), with Hurwitz's zeta by recurrence and the Euler-Maclaurin formula (Johansson, "Rigorous
    high-precision computation of the Hurwitz zeta function and its derivatives", 2015).
    """
    n, q = float64(order), float64(x)
    if n == 0.0:
        return digamma(q)
    if not (n > 0.0 and n == floor(n) and q > -1000.0):
        return nan
    if n > 170.0:  # n! is beyond float64
        return inf if floor(n / 2) * 2 != n else -inf
    factorial, k = 1.0, 2.0
    while k <= n:
        factorial *= k
        k += 1.0
    sign = 1.0 if floor(n / 2) * 2 != n else -1.0
    if q == inf:
        return sign * 0.0
    if q <= 0.0 and q == floor(q):
        return sign * inf
    s, total = n + 1.0, 0.0
    while q < 12.0 + n:
        total += q**-s
        q += 1.0
    total += q**-n / n + 0.5 * q**-s
    term = q**-s * s / q
    total += term / 12
    term *= (s + 1) * (s + 2) / (q * q)
    total -= term / 720
    term *= (s + 3) * (s + 4) / (q * q)
    total += term / 30240
    term *= (s + 5) * (s + 6) / (q * q)
    total -= term / 1209600
    term *= (s + 7) * (s + 8) / (q * q)
    total += term / 47900160
    term *= (s + 9) * (s + 10) / (q * q)
    total -= term * 691 / 1307674368000
    return sign * factorial * total
