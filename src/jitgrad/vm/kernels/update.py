"""Updates in place, of optimizers and of constraints: parameter ``p``, gradient ``g``, hyperparameters at ``h``.

The forms are Keras's. Momentum: Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
Adam: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, with the bias correction in the step size.
"""

from __future__ import annotations

from numpy import sqrt, uint64

from jitgrad.vm.jit import inline


@inline
def sgd(A, p, g, h, n):
    lr = A[h]
    for k in range(n):
        A[p + k] -= lr * A[g + k]


@inline
def momentum(A, p, v, g, h, n):
    lr, mu = A[h], A[h + uint64(1)]
    for k in range(n):
        step = mu * A[v + k] - lr * A[g + k]
        A[v + k] = step
        A[p + k] += step


@inline
def nesterov(A, p, v, g, h, n):
    lr, mu = A[h], A[h + uint64(1)]
    for k in range(n):
        step = mu * A[v + k] - lr * A[g + k]
        A[v + k] = step
        A[p + k] += mu * step - lr * A[g + k]


@inline
def adam_rate(A, s, h):
    """Once a step, at ``s``: the powers of beta_1 and beta_2, and the bias-corrected step size."""
    one = A.dtype.type(1)
    power1 = A[s] * A[h + uint64(1)]
    power2 = A[s + uint64(1)] * A[h + uint64(2)]
    A[s] = power1
    A[s + uint64(1)] = power2
    A[s + uint64(2)] = A[h] * sqrt(one - power2) / (one - power1)


@inline
def adam(A, p, m, v, s, g, h, n):
    one = A.dtype.type(1)
    rate, epsilon = A[s + uint64(2)], A[h + uint64(3)]
    c1, c2 = one - A[h + uint64(1)], one - A[h + uint64(2)]
    for k in range(n):
        gradient = A[g + k]
        first = A[m + k] + c1 * (gradient - A[m + k])
        second = A[v + k] + c2 * (gradient * gradient - A[v + k])
        A[m + k] = first
        A[v + k] = second
        A[p + k] -= rate * first / (sqrt(second) + epsilon)


@inline
def nonnegative(A, p, n):
    """Elements below 0 become 0."""
    zero = A.dtype.type(0)
    for k in range(n):
        if A[p + k] < zero:
            A[p + k] = zero


@inline
def bound_norms(A, p, h, outer, reduced, inner):
    """Scale the vectors along one axis towards norms between ``low`` and ``high``, by the part ``rate`` of the way."""
    low, high, rate, epsilon = A[h], A[h + uint64(1)], A[h + uint64(2)], A[h + uint64(3)]
    one = A.dtype.type(1)
    for i in range(outer):
        for j in range(inner):
            first = p + i * reduced * inner + j
            total = A.dtype.type(0)
            for k in range(reduced):
                total += A[first + k * inner] * A[first + k * inner]
            norm = sqrt(total)
            wanted = rate * min(max(norm, low), high) + (one - rate) * norm
            factor = wanted / (norm + epsilon)
            for k in range(reduced):
                A[first + k * inner] *= factor
