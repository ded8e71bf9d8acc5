"""Counter-based random numbers: functions of the seed, the number of the step, a stream and the position.

Philox4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011.

The state is five floats that even float32 represents exactly: the key in pieces of 22, 21 and 21 bits, and the number of the
step in two of 24 bits, the lower first.
"""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.language import compiled, itemsize, noinline, number, unrolled


@compiled
def philox(c0, c1, c2, c3, k0, k1):
    """Return two of the four words of a block after ten rounds, as one word of 64 bits."""
    low, half = uint64(0xFFFFFFFF), uint64(32)
    for _ in unrolled(10):  # so that the loop over blocks is vectorized
        product0 = uint64(0xD2511F53) * c0
        product1 = uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (product1 >> half) ^ c1 ^ k0, product1 & low, (product0 >> half) ^ c3 ^ k1, product0 & low
        k0 = (k0 + uint64(0x9E3779B9)) & low
        k1 = (k1 + uint64(0xBB67AE85)) & low
    return (c0 << half) | c1


@noinline
def uniform(A, d, a, stream, n):
    """Generate ``n`` numbers in [0, 1) at ``d`` from the state at ``a`` and a stream below 2¹⁶."""
    low, one = uint64(0xFFFFFFFF), uint64(1)
    key = uint64(A[a]) | (uint64(A[a + one]) << uint64(22)) | (uint64(A[a + uint64(2)]) << uint64(43))
    step = uint64(A[a + uint64(3)]) | (uint64(A[a + uint64(4)]) << uint64(24))
    last = (step >> uint64(32)) | (stream << uint64(16))
    single = itemsize(A) == uint64(4)
    for k in range(n):
        bits = philox(k & low, k >> uint64(32), step & low, last, key & low, key >> uint64(32))
        if single:
            A[d + k] = number(A, float(bits >> uint64(40)) * 2.0**-24)
        else:
            A[d + k] = number(A, float(bits >> uint64(11)) * 2.0**-53)


@noinline
def advance(A, p, n):
    """Advance the state at ``p`` to the next step."""
    carry = A[p + uint64(3)] + 1
    over = carry == 2.0**24
    A[p + uint64(3)] = number(A, 0) if over else carry
    if over:
        A[p + uint64(4)] += 1
