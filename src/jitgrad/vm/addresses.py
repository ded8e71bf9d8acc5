"""The functions that the instruction ``call`` may call, by name: addresses are of one process, names go into dumps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from jitgrad.errors import ProgramError


class Callee(NamedTuple):
    """What a call of a function must be like.

    Attributes:
        name: in dumps.
        dtype: of the numbers that it computes with.
        numbers: how many numbers the function reads in the table, after the places and sizes of its operands.
        elements: from these numbers to the elements of the result, of the room to work in, and of each operand.
    """

    name: str
    dtype: Any
    numbers: int
    elements: Callable[..., list[int]]


_callees: dict[int, Callee] = {}


def note(callee: Callee, address: int) -> int:
    """Note what stands at an address; returns the address."""
    _callees[address] = callee
    return address


def callee(address: int) -> Callee:
    """The function at an address. Raises ProgramError where none was noted."""
    if address not in _callees:
        raise ProgramError(f"A call goes to {address}, where no function is known. Lower the expression again.")
    return _callees[address]


def address_of(name: str) -> int:
    """The address of a named function in this process. Raises ProgramError where there is none."""
    for address, known in _callees.items():
        if known.name == name:
            return address
    raise ProgramError(f"A call goes to {name!r}, which this process has not. Lower an expression with that op first.")


def linalg(name: str, dtype: Any) -> Callee:
    """Of ``kernels/lapack.py``."""
    return Callee(f"{name}-{dtype}", dtype, *_LINALG[name])


_LINALG: dict[str, tuple[int, Callable[..., list[int]]]] = {
    "solve": (3, lambda batch, n, k: [batch * n * k, n * n + n * k + n, batch * n * n, batch * n * k]),
    "determinant": (2, lambda batch, n: [3 * batch, n * n + n, batch * n * n]),
    "cholesky": (2, lambda batch, n: [batch * n * n, 0, batch * n * n]),
}


def custom(name: str, dtype: Any, out: int, ndims: tuple[int, ...], is_vjp: bool = False) -> Callee:
    """Of ``custom.py``: the numbers are the sizes of the result, of ``out`` axes, and of operands of ``ndims`` axes.

    The result of a vjp has the elements of all its operands after the first two.
    """

    def elements(*sizes: int) -> list[int]:
        result, sizes = math.prod(sizes[:out]), sizes[out:]
        operands = []
        for ndim in ndims:
            operands.append(math.prod(sizes[:ndim]))
            sizes = sizes[ndim:]
        if is_vjp and result != sum(operands[2:]):
            raise ProgramError(f"A call of {name} writes {sum(operands[2:])} elements to {result}. Lower the expression again.")
        return [result, 0, *operands]

    return Callee(f"{name}-{dtype}-{out}-{''.join(map(str, ndims))}", dtype, out + sum(ndims), elements)
