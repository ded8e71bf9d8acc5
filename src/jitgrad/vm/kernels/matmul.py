"""Matrix products, row-major: NN = A·B, NT = A·Bᵀ, TN = Aᵀ·B, of M×K by K×N, a ``batch`` of them.

Loops go four steps deep over k (NN, TN) or four rows wide (NT), with the contiguous axis innermost for the vectoriser.
Facts and figures stand in docs/design.md.
"""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.jit import device, reduction


@reduction
def _nn(A, d, a, b, m, k, n):
    four, three, two, one = uint64(4), uint64(3), uint64(2), uint64(1)
    for i in range(m):
        c, x = d + i * n, a + i * k
        for j in range(n):
            A[c + j] = 0
        r = uint64(0)
        while r + four <= k:
            x0, x1, x2, x3 = A[x + r], A[x + r + one], A[x + r + two], A[x + r + three]
            p = b + r * n
            for j in range(n):
                A[c + j] += x0 * A[p + j] + x1 * A[p + n + j] + x2 * A[p + two * n + j] + x3 * A[p + three * n + j]
            r += four
        while r < k:
            x0 = A[x + r]
            p = b + r * n
            for j in range(n):
                A[c + j] += x0 * A[p + j]
            r += one


@reduction
def _nt(A, d, a, b, m, k, n):
    four, three, two, one = uint64(4), uint64(3), uint64(2), uint64(1)
    zero = A.dtype.type(0)
    i = uint64(0)
    while i + four <= m:
        p, c = a + i * k, d + i * n
        for j in range(n):
            q = b + j * k
            s0, s1, s2, s3 = zero, zero, zero, zero
            for r in range(k):
                v = A[q + r]
                s0 += A[p + r] * v
                s1 += A[p + k + r] * v
                s2 += A[p + two * k + r] * v
                s3 += A[p + three * k + r] * v
            A[c + j], A[c + n + j], A[c + two * n + j], A[c + three * n + j] = s0, s1, s2, s3
        i += four
    while i < m:
        p = a + i * k
        for j in range(n):
            q = b + j * k
            s0 = zero
            for r in range(k):
                s0 += A[p + r] * A[q + r]
            A[d + i * n + j] = s0
        i += one


@reduction
def _tn(A, d, a, b, m, k, n):
    four, three, two, one = uint64(4), uint64(3), uint64(2), uint64(1)
    for i in range(m):
        c, x = d + i * n, a + i
        for j in range(n):
            A[c + j] = 0
        r = uint64(0)
        while r + four <= k:
            x0, x1 = A[x + r * m], A[x + (r + one) * m]
            x2, x3 = A[x + (r + two) * m], A[x + (r + three) * m]
            p = b + r * n
            for j in range(n):
                A[c + j] += x0 * A[p + j] + x1 * A[p + n + j] + x2 * A[p + two * n + j] + x3 * A[p + three * n + j]
            r += four
        while r < k:
            x0 = A[x + r * m]
            p = b + r * n
            for j in range(n):
                A[c + j] += x0 * A[p + j]
            r += one


@device
def matmul_nn(A, d, a, b, m, k, n, batch, sa, sb):
    for i in range(batch):
        _nn(A, d + i * m * n, a + i * sa, b + i * sb, m, k, n)


@device
def matmul_nt(A, d, a, b, m, k, n, batch, sa, sb):
    for i in range(batch):
        _nt(A, d + i * m * n, a + i * sa, b + i * sb, m, k, n)


@device
def matmul_tn(A, d, a, b, m, k, n, batch, sa, sb):
    for i in range(batch):
        _tn(A, d + i * m * n, a + i * sa, b + i * sb, m, k, n)
