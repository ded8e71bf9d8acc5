"""Special functions of each element, in float64 for all dtypes: SciPy's by address, and derivatives of some.

The kernels are for the instruction ``call``: ``kernel(arena, table, t, d, s)`` reads from the table the places of its operands,
then the number of elements and the number of the function, see ``vm/addresses.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numpy import inf, log, log1p, nan, uint64

from jitgrad.vm.addresses import SPECIAL
from jitgrad.vm.compiler.emitter import DOUBLE, HALF, Emitter, call, word
from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import Emitted, compiled, number
from jitgrad.vm.kernels.lapack import kernel_arguments
from jitgrad.vm.kernels.special import digamma_of

_OWN = ("gammainc_by_a", "betainc_by_a", "betainc_by_b")
_NO_DISPATCH = ir.Constant(HALF, 0)  # the last argument of Cython's functions


def _emit_scipys(name: str) -> Callable[..., Any]:
    """Return the code generator for a call of a function of SciPy on doubles."""
    part = {"wofz_real": 0, "wofz_imag": 1}.get(name)

    def emit_call(emit: Emitter, *operands: Any) -> Any:
        if part is None:
            return call(emit.builder, f"scipy_{name}", DOUBLE, *operands, _NO_DISPATCH)
        # A complex number is passed and returned as two doubles.
        whole = call(emit.builder, "scipy_wofz", ir.LiteralStructType([DOUBLE, DOUBLE]), *operands, _NO_DISPATCH)
        return emit.builder.extract_value(whole, part)

    return emit_call


def _scipys(name: str) -> Emitted:
    return Emitted(_emit_scipys(name), name, result="element", inline=False)


def _choice(function: str) -> Emitted:
    """Return ``choice(which, *operands)``, which calls SciPy's function of this number; nan for others."""

    def emit_switch(emit: Emitter, which: Any, *operands: Any) -> Any:
        builder = emit.builder
        other, done = builder.append_basic_block("other"), builder.append_basic_block("done")
        switch = builder.switch(which, other)
        builder.position_at_end(done)
        result = builder.phi(DOUBLE)
        for name, (made, place) in SPECIAL.items():
            if made == function and name not in _OWN:
                case = builder.append_basic_block(name)
                switch.add_case(word(place), case)
                builder.position_at_end(case)
                result.add_incoming(_emit_scipys(name)(emit, *operands), case)
                builder.branch(done)
        builder.position_at_end(other)
        result.add_incoming(ir.Constant(DOUBLE, float("nan")), other)
        builder.branch(done)
        builder.position_at_end(done)
        return result

    return Emitted(emit_switch, f"choice_of_{function}", result="element", inline=False)


_of_one, _of_two, _of_three = (_choice(f"special_{arity}") for arity in (1, 2, 3))
_gammainc, _gammaincc, _betainc, _betaincc = map(_scipys, ("gammainc", "gammaincc", "betainc", "betaincc"))
_GAMMAINC_BY_A, _BETAINC_BY_A, _BETAINC_BY_B = (uint64(SPECIAL[name][1]) for name in _OWN)
_SMALL = 1e-17
_MOST = 100000
"""Maximum number of terms: enough for a shape of 10⁸; it grows with the square root of the shape."""


@compiled
def _gammainc_by_a(a, x):
    """Derivative of P(a, x) with respect to a.

    Up to x = a + ½, P is the sum of t(n) = xᵃ⁺ⁿ e⁻ˣ / Γ(a + n + 1), and its derivative the sum of t(n)·(log x - ψ(a + n + 1)),
    whose terms are all negative except for small a. Beyond, Q is Legendre's continued fraction, and its derivative follows from
    Lentz's steps (Gautschi, "A computational procedure for incomplete gamma functions", 1979). Both give the logarithmic
    derivative, which is multiplied by SciPy's value.
    """
    if not (a > 0.0 and x >= 0.0):
        return nan
    if x == 0.0 or x == inf or a == inf:
        return 0.0
    k = 0
    if x <= a + 0.5:
        psi, shape, term, total, weighted = digamma_of(a + 1.0), a + 1.0, 1.0, 0.0, 0.0
        while term > _SMALL * total and k < _MOST:
            total += term
            weighted += term * psi
            psi += 1.0 / shape
            term *= x / shape
            shape += 1.0
            k += 1
        return _gammainc(a, x) * (log(x) - weighted / total)
    b = x + 1.0 - a
    c, d = inf, 1.0 / b
    c_by, d_by = 0.0, d * d
    slope, change = d_by / d, 1.0
    i = 1.0
    while abs(change) > _SMALL * abs(slope) and k < _MOST:
        an, an_by = -i * (i - a), i
        b += 2.0
        denominator = an * d + b
        d_by = -(an_by * d + an * d_by - 1.0) / (denominator * denominator)
        d = 1.0 / denominator
        c_before = c
        c = b + an / c_before
        c_by = -1.0 + an_by / c_before - an * c_by / (c_before * c_before)
        if c_before == inf:
            c_by = -1.0
        change = d_by / d + c_by / c
        slope += change
        i += 1.0
        k += 1
    return -_gammaincc(a, x) * (log(x) - digamma_of(a) + slope)


@compiled
def _slope(a, b, x, y, by_a, by_b):
    """Logarithmic directional derivative of I(a, b, x) for x < (a + 1) / (a + b + 2) and y = 1 - x.

    By the steps of its continued fraction (Boik and Robison-Cox, "Derivatives of the incomplete beta function", 1998).
    """
    both = by_a + by_b
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    c_by = 0.0
    d_by = d * d * x * (both * (a + 1.0) - (a + b) * by_a) / ((a + 1.0) * (a + 1.0))
    slope, change, m, k = d_by / d, 1.0, 1.0, 0
    while (abs(change) > _SMALL * abs(slope) or m < 3.0) and k < _MOST:
        change = 0.0
        for odd in range(2):
            if odd == 0:
                top, top_by = m * (b - m) * x, m * x * by_b
                p, q = a + 2.0 * m - 1.0, a + 2.0 * m
            else:
                top = -(a + m) * (a + b + m) * x
                top_by = -(by_a * (a + b + m) + (a + m) * both) * x
                p, q = a + 2.0 * m, a + 2.0 * m + 1.0
            e = top / (p * q)
            e_by = (top_by - e * (p + q) * by_a) / (p * q)
            denominator = 1.0 + e * d
            d_by = -(e_by * d + e * d_by) / (denominator * denominator)
            d = 1.0 / denominator
            c_by = e_by / c - e * c_by / (c * c)
            c = 1.0 + e / c
            change += d_by / d + c_by / c
        slope += change
        m += 1.0
        k += 1
    whole = digamma_of(a + b) * both
    return (
        by_a * (log(x) - digamma_of(a + 1.0)) + by_b * (log1p(-x) if x < 0.5 else log(y)) - by_b * digamma_of(b) + whole + slope
    )


@compiled
def _betainc_by(a, b, x, by_a, by_b):
    """Directional derivative of I(a, b, x) = 1 - I(b, a, 1 - x)."""
    if not (a > 0.0 and b > 0.0 and x >= 0.0 and x <= 1.0 and a < inf and b < inf):
        return nan
    if x == 0.0 or x == 1.0:
        return 0.0
    if x < (a + 1.0) / (a + b + 2.0):
        return _betainc(a, b, x) * _slope(a, b, x, 1.0 - x, by_a, by_b)
    return -_betaincc(a, b, x) * _slope(b, a, 1.0 - x, x, by_b, by_a)


@compiled
def _special_1(A, table, t, d, s):
    a, n, which = table[t], table[t + uint64(2)], table[t + uint64(3)]
    for k in range(n):
        A[d + k] = number(A, _of_one(which, float(A[a + k])))


@compiled
def _special_2(A, table, t, d, s):
    a, b, n, which = table[t], table[t + uint64(2)], table[t + uint64(4)], table[t + uint64(5)]
    for k in range(n):
        x, y = float(A[a + k]), float(A[b + k])
        value = _gammainc_by_a(x, y) if which == _GAMMAINC_BY_A else _of_two(which, x, y)
        A[d + k] = number(A, value)


@compiled
def _special_3(A, table, t, d, s):
    a, b, c = table[t], table[t + uint64(2)], table[t + uint64(4)]
    n, which = table[t + uint64(6)], table[t + uint64(7)]
    for k in range(n):
        x, y, z = float(A[a + k]), float(A[b + k]), float(A[c + k])
        if which == _BETAINC_BY_A:
            A[d + k] = number(A, _betainc_by(x, y, z, 1.0, 0.0))
        elif which == _BETAINC_BY_B:
            A[d + k] = number(A, _betainc_by(x, y, z, 0.0, 1.0))
        else:
            A[d + k] = number(A, _of_three(which, x, y, z))


special_1 = Native(_special_1, kernel_arguments)
special_2 = Native(_special_2, kernel_arguments)
special_3 = Native(_special_3, kernel_arguments)
