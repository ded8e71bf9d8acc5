"""The functions that the instruction ``call`` can call. Dumps refer to them by name, because addresses vary by process."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from jitgrad.errors import ProgramError
from jitgrad.ops import Shape


class Callee(NamedTuple):
    """The calling convention of a function.

    Attributes
    ----------
    name : str
        Name in dumps.
    dtype : str
        Dtype of the numbers with which it computes.
    numbers : int
        Number of integers that it reads from the table, after the places and sizes of its operands.
    elements : callable
        Maps these integers to the number of elements of the result, of the scratch memory, and of each operand.
    """

    name: str
    dtype: Any
    numbers: int
    elements: Callable[..., list[int]]


_callees: dict[int, Callee] = {}


def note(callee: Callee, address: int) -> int:
    """Register the function at an address; return the address."""
    _callees[address] = callee
    return address


def callee(address: int) -> Callee:
    """Return the function at an address. Raise ProgramError if it is not registered."""
    if address not in _callees:
        raise ProgramError(
            f"An instruction calls the address {address}, at which no function is registered. Lower the expression again."
        )
    return _callees[address]


def address_of(name: str) -> int:
    """Return the address of the function with this name in this process. Raise ProgramError if it does not exist."""
    for address, known in _callees.items():
        if known.name == name:
            return address
    raise ProgramError(
        f"An instruction calls {name!r}, which is not registered in this process. Lower an expression with that op first."
    )


def linalg(name: str, dtype: Any) -> Callee:
    """Return a function of ``kernels/lapack.py`` or ``kernels/decompositions.py``."""
    return Callee(f"{name}-{dtype}", dtype, LINALG[name].length, LINALG[name].elements)


def integrator(name: str, dtype: Any) -> Callee:
    """Return a kernel of the instruction ``integrate``, which has its own form."""
    return Callee(f"{name}-{dtype}", dtype, 0, list)


class Routine(NamedTuple):
    """The way to call a linear algebra kernel for the op of the same name, over a batch of matrices.

    Attributes
    ----------
    length : int
        Number of integers that it reads from the table.
    numbers : callable
        Computes these integers from the shapes of the operands and the attributes of the op.
    elements : callable
        See ``Callee``.
    """

    length: int
    numbers: Callable[..., tuple[int, ...]]
    elements: Callable[..., list[int]]

    def room(self, *shapes: Shape, **attrs: Any) -> int:
        """Number of elements of scratch memory."""
        return self.elements(*self.numbers(*shapes, **attrs))[1]


def _sizes(a: Shape, **attrs: Any) -> tuple[int, ...]:
    return (math.prod(a[:-2]), *a[-2:], *map(int, attrs.values()))


def _svd_elements(batch: int, m: int, n: int, full: int) -> list[int]:
    k = min(m, n)
    left, right = (m * m, n * n) if full else (m * k, k * n)
    room = m * n + left + right + 5 * k * k + 18 * k + 32 * (m + n)
    return [batch * (left + k + right), room, batch * m * n]


def _pinv_elements(batch: int, m: int, n: int) -> list[int]:
    k = min(m, n)
    return [batch * n * m, m * n + k * (m + n) + 5 * k * k + 19 * k + 32 * (m + n), batch * m * n, 1]


LINALG: dict[str, Routine] = {
    "solve": Routine(
        3,
        lambda a, b: (*_sizes(a)[:2], b[-1]),
        lambda batch, n, k: [batch * n * k, n * n + n * k + n, batch * n * n, batch * n * k],
    ),
    "determinant": Routine(2, lambda a: _sizes(a)[:2], lambda batch, n: [3 * batch, n * n + n, batch * n * n]),
    "cholesky": Routine(2, lambda a: _sizes(a)[:2], lambda batch, n: [batch * n * n, 0, batch * n * n]),
    "cofactor": Routine(2, lambda a: _sizes(a)[:2], lambda batch, n: [batch * n * n, 8 * n * n + 84 * n, batch * n * n]),
    "eigh": Routine(2, lambda a: _sizes(a)[:2], lambda batch, n: [batch * (n + n * n), 3 * n * n + 11 * n + 4, batch * n * n]),
    "pinv": Routine(3, lambda a, rcond: _sizes(a), _pinv_elements),
    "svd": Routine(4, _sizes, _svd_elements),
    "qr": Routine(3, _sizes, lambda batch, m, n: [batch * (m + n) * n, m * n + 33 * n, batch * m * n]),
}


SPECIAL: dict[str, tuple[str, int]] = {
    name: (f"special_{arity}", number)
    for arity, names in {
        1: "gamma erfinv erfcinv ndtri log_ndtr j0 j1 y0 y1 i0 i1 i0e i1e k0 k1 k0e k1e",
        2: "beta betaln gammainc gammaincc jv yv iv ive kv kve wofz_real wofz_imag gammainc_by_a",
        3: "betainc betainc_by_a betainc_by_b",
    }.items()
    for number, name in enumerate(names.split())
}
"""For each op of ``ops/special.py``, the function in ``kernels/special_functions.py`` that dispatches to it, and its number."""


def special(name: str, dtype: Any) -> Callee:
    """Return a function of ``kernels/special_functions.py``. Its integers are the size and the number of the op."""
    function, _ = SPECIAL[name]
    arity, known = int(function[-1]), sum(made == function for made, _ in SPECIAL.values())
    return Callee(f"{function}-{dtype}", dtype, 2, lambda n, which: [n, 0, *[n] * arity] if which < known else [])


def custom(name: str, dtype: Any, outs: tuple[int, ...], ndims: tuple[int, ...]) -> Callee:
    """Describe a function of ``custom.py``. Its integers are the total size, then the shapes of results and operands."""

    def elements(total: int, *sizes: int) -> list[int]:
        found = []
        for ndim in (*outs, *ndims):
            found.append(math.prod(sizes[:ndim]))
            sizes = sizes[ndim:]
        return [total, 0, *found[len(outs) :]] if total == sum(found[: len(outs)]) else []

    axes = "-".join("".join(map(str, counts)) for counts in (outs, ndims))
    return Callee(f"{name}-{dtype}-{axes}", dtype, 1 + sum(outs) + sum(ndims), elements)
