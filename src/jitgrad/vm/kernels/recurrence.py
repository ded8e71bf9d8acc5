"""First-order linear recurrences y[t + 1] = a[t]·y[t] + b[t], forward or in reverse, of numbers or of small vectors.

The time of a recurrence is the latency of one multiply-add per trip. With a constant coefficient, four trips are computed from
the value before them, with the powers of the coefficient (look-ahead; Parhi and Messerschmitt, "Pipeline interleaving and
parallelism in recursive digital filters", 1989).
"""

from __future__ import annotations

from numpy import isfinite, uint64

from jitgrad.vm.compiler.language import compiled, elementwise, noinline

_LOW, _HIGH = 1e-30, 1e30
"""Bounds of the fourth power of a coefficient, within which float32 has no underflow or overflow."""


@elementwise
def _forward(p, k):
    return p + k


@elementwise
def _backward(p, k):
    return p - k


@compiled
def _constant(A, d, a, b, y, n, toward):
    """Run n trips with one coefficient from the value ``y``; ``d`` is the place of the first result."""
    one, two, three, four = uint64(1), uint64(2), uint64(3), uint64(4)
    x = A[a]
    square = x * x
    cube, fourth = square * x, square * square
    many = n - n % four
    if not (fourth > _LOW and fourth < _HIGH):
        many = uint64(0)
    for r in range(uint64(0), many, four):
        p, q = toward(b, r), toward(d, r)
        first = A[p]
        second = x * first + A[toward(p, one)]
        third = x * second + A[toward(p, two)]
        last = x * third + A[toward(p, three)]
        A[q] = x * y + first
        A[toward(q, one)] = square * y + second
        A[toward(q, two)] = cube * y + third
        y = fourth * y + last
        A[toward(q, three)] = y
    for r in range(many, n):
        y = x * y + A[toward(b, r)]
        A[toward(d, r)] = y


@compiled
def _varying(A, d, a, b, y, n, toward):
    """Run n trips with a coefficient for each."""
    for r in range(n):
        y = A[toward(a, r)] * y + A[toward(b, r)]
        A[toward(d, r)] = y


@compiled
def _each(A, d, a, b, n, inner, apart, toward, back):
    """Run n trips of ``inner`` independent recurrences. The coefficients of trips are ``apart``: 0 or inner."""
    for r in range(n):
        q, p, f = toward(d, r * inner), toward(b, r * inner), toward(a, r * apart)
        before = back(q, inner)
        for k in range(inner):
            A[q + k] = A[f + k] * A[before + k] + A[p + k]


@compiled
def _pair(A, d, a, b, y, z, n, apart, toward):
    """Run n trips of two numbers in each other; return whether the last ones are finite."""
    one = uint64(1)
    wide = n if apart else one
    for r in range(n):
        f, p, q, before = toward(a, r * apart), toward(b, r), toward(d, r), y
        y = A[f] * y + (A[f + wide] * z + A[p])
        z = A[f + wide + wide] * before + (A[f + wide + wide + wide] * z + A[p + n])
        A[q] = y
        A[q + n + one] = z
    return isfinite(y + z)


@compiled
def _coupled(A, table, d, a, b, k, n, inner, apart, reverse, t):
    """Run n trips of k recurrences in one another, each of ``inner`` elements.

    The table has k + 1 numbers for each value: how many values it depends on, and which. It ignores a nan of the others.
    """
    one = uint64(1)
    wide = apart * n if apart else inner  # elements of one coefficient in all trips
    for r in range(n):
        trip = n - one - r if reverse else r
        before = trip + one if reverse else trip
        now = trip if reverse else trip + one
        for i in range(k):
            q, p, f = d + (i * (n + one) + now) * inner, b + (i * n + trip) * inner, a + i * k * wide + trip * apart
            links = t + i * (k + one) + one
            for e in range(inner):
                y = A[p + e]
                for link in range(links, links + table[links - one]):
                    j = table[link]
                    y += A[f + j * wide + e] * A[d + (j * (n + one) + before) * inner + e]
                A[q + e] = y


@noinline
def linear_recurrence(A, table, d, a, b, c, k, n, inner, apart, reverse, t):
    """Store the first values, which are at ``c``, and the values after each of n trips: from the end if ``reverse``.

    There are k values of ``inner`` elements. Each is stored for all trips before the next one.
    """
    one = uint64(1)
    begin = d + n * inner if reverse else d
    for i in range(k):
        for e in range(inner):
            A[begin + i * (n + one) * inner + e] = A[c + i * inner + e]
    if n == uint64(0):
        return
    last = n - one
    if k != one:
        finite = False
        if k == uint64(2) and inner == one and reverse:
            finite = _pair(A, d + last, a + last * apart, b + last, A[c], A[c + one], n, apart, _backward)
        elif k == uint64(2) and inner == one:
            finite = _pair(A, d + one, a, b, A[c], A[c + one], n, apart, _forward)
        if not finite:
            _coupled(A, table, d, a, b, k, n, inner, apart, reverse, t)
    elif inner != one:
        if reverse:
            _each(A, begin - inner, a + last * apart, b + last * inner, n, inner, apart, _backward, _forward)
        else:
            _each(A, d + inner, a, b, n, inner, apart, _forward, _backward)
    elif apart == uint64(0):
        if reverse:
            _constant(A, d + last, a, b + last, A[c], n, _backward)
        else:
            _constant(A, d + one, a, b, A[c], n, _forward)
    elif reverse:
        _varying(A, d + last, a + last, b + last, A[c], n, _backward)
    else:
        _varying(A, d + one, a, b, A[c], n, _forward)
