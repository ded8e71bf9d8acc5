"""Einstein's summation convention."""

from __future__ import annotations

import math
import operator
import string
from collections import Counter
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import broadcast_to, reshape, transpose
from jitgrad.ops.elementwise import not_equal
from jitgrad.ops.linear import gather
from jitgrad.ops.linear import matmul as product
from jitgrad.tape import dtypes
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike

_LETTERS = string.ascii_uppercase + string.ascii_lowercase
"""The letters that stand for integers, in the order of their codes, so that the default order of the result is numeric."""


@public(np.einsum)
def einsum(subscripts: str | ArrayLike, *operands: Any) -> Tensor:
    """Sum of products of operands in Einstein's notation.

    Parameters
    ----------
    subscripts : str
        One letter for each axis of each operand, as in ``"ij,jk->ik"``. The sum runs over the letters that do not appear after
        ``->``. Without ``->``, the result has the letters that appear once, in alphabetical order. An ellipsis ``...`` stands
        for axes without letters, which broadcast.
    *operands : array_like
        One array for each group of letters.

    Returns
    -------
    Tensor
        The result, with one axis for each letter after ``->``. If all operands are boolean, products are logical AND and sums
        logical OR.

    Raises
    ------
    ArgumentError
        If the subscripts do not match the operands.
    ShapeError
        If a letter stands for axes of different sizes.

    Notes
    -----
    As in NumPy, the operands may also alternate with lists of integers, one for each axis, followed by the list of the result:
    ``einsum(a, [0, 1], b, [1, 2], [0, 2])``. More than two operands are contracted from left to right, each pair as one
    matrix product.

    See Also
    --------
    matmul, tensordot, trace

    Examples
    --------
    >>> a = np.arange(6.0).reshape(2, 3)
    >>> jg.einsum("ij,kj->ik", a, a)
    <Tensor shape=(2, 2) dtype=float64
    [[ 5. 14.]
     [14. 50.]]>
    >>> jg.einsum("ii", np.eye(3))
    <Tensor shape=() dtype=float64 3.>
    """
    if not isinstance(subscripts, str):
        subscripts, operands = _lettered(subscripts, *operands)
    tensors = [as_tensor(x) for x in operands]
    groups, result = _parsed(subscripts, tensors)
    sizes: dict[str, int] = {}
    for letters, x in zip(groups, tensors, strict=True):
        for letter, n in zip(letters, x.shape, strict=True):
            known = sizes.get(letter, 1)
            if n != known and 1 not in (n, known):
                raise ShapeError(
                    f"einsum: {letter!r} stands for sizes {known} and {n} in {subscripts!r}. Make the axes agree, or of size 1."
                )
            sizes[letter] = n if known == 1 else known
    pairs = [_spread(*_without_repeats(letters, x), sizes) for letters, x in zip(groups, tensors, strict=True)]
    letters, x = pairs[0]
    for k, (others, y) in enumerate(pairs[1:], 1):
        later = set(result).union(*(p[0] for p in pairs[k + 1 :]))
        letters, x = _contracted(letters, x, others, y, later)
    letters, x = _summed(letters, x, set(result))
    summed = transpose(x, [letters.index(letter) for letter in result])
    return not_equal(summed, 0) if all(t.level == dtypes.BOOL for t in tensors) else summed


def _lettered(*given: Any) -> tuple[str, tuple[Any, ...]]:
    """Convert operands that alternate with lists of integers to subscripts and operands."""
    operands, lists = given[: len(given) // 2 * 2 : 2], [*given[1::2], *(given[-1:] if len(given) % 2 else ())]

    def letters(numbers: Any) -> str:
        try:
            return "".join("..." if n is Ellipsis else dict(enumerate(_LETTERS))[operator.index(n)] for n in numbers)
        except (TypeError, KeyError):
            raise ArgumentError(
                f"einsum: {numbers!r} is not a list of axes. Pass integers from 0 to 51, or Ellipsis."
            ) from None

    groups = [letters(numbers) for numbers in lists]
    return ",".join(groups[: len(operands)]) + "".join(f"->{group}" for group in groups[len(operands) :]), operands


def _parsed(subscripts: str, tensors: list[Tensor]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result. Capital Greek letters stand for the axes of an ellipsis."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    groups = left.split(",")
    if len(groups) != len(tensors):
        raise ArgumentError(
            f"einsum: {subscripts!r} has letters for {len(groups)} operands, but got {len(tensors)}. "
            "Pass one group of letters for each."
        )
    free = [x.ndim - len(g.replace("...", "")) for g, x in zip(groups, tensors, strict=True)]
    dots = "".join(chr(0x391 + i) for i in range(max(0, *free)))
    for g, n, x in zip(groups, free, tensors, strict=True):
        letters = g.replace("...", "")
        if n < 0 or (n > 0 and "..." not in g) or not (letters.isalpha() or letters == ""):
            raise ArgumentError(f"einsum: {g!r} does not match the axes of shape {x.shape}. Use one letter for each axis.")
    named = [g.replace("...", dots[len(dots) - n :] if n else "") for g, n in zip(groups, free, strict=True)]
    if arrow:
        result = right.replace("...", dots)
    else:
        counts = Counter("".join(named))
        result = dots + "".join(sorted(letter for letter, n in counts.items() if n == 1 and letter not in dots))
    unknown = set(result) - set("".join(named))
    if unknown or len(set(result)) != len(result):
        raise ArgumentError(
            f"einsum: the result {right!r} in {subscripts!r} is invalid. Use letters of the operands, each at most once."
        )
    return named, result


def _without_repeats(letters: str, x: Tensor) -> tuple[str, Tensor]:
    """Take the diagonal over axes with the same letter."""
    unique = "".join(dict.fromkeys(letters))
    if unique == letters:
        return letters, x
    number = {letter: i for i, letter in enumerate(unique)}
    places = np.einsum(np.arange(x.size).reshape(x.shape), [number[c] for c in letters], list(number.values()))
    return unique, gather(reshape(x, (x.size,)), places, axis=0)


def _spread(letters: str, x: Tensor, sizes: dict[str, int]) -> tuple[str, Tensor]:
    """Broadcast axes of size 1 to the size of their letter."""
    return letters, broadcast_to(x, tuple(sizes[letter] for letter in letters))


def _summed(letters: str, x: Tensor, kept: set[str]) -> tuple[str, Tensor]:
    """Sum over the letters that are not in ``kept``."""
    axes = [i for i, letter in enumerate(letters) if letter not in kept]
    return "".join(c for c in letters if c in kept), sum(x, axes) if axes else x


def _contracted(a: str, x: Tensor, b: str, y: Tensor, later: set[str]) -> tuple[str, Tensor]:
    """Contract two operands over the letters that are not needed later, as one matrix product."""
    a, x = _summed(a, x, later | set(b))
    b, y = _summed(b, y, later | set(a))
    both = [c for c in a if c in b]
    batch, gone = [c for c in both if c in later], [c for c in both if c not in later]
    rows, columns = [c for c in a if c not in both], [c for c in b if c not in both]
    sizes = dict(zip(a, x.shape, strict=True)) | dict(zip(b, y.shape, strict=True))

    def sized(*groups: list[str]) -> tuple[int, ...]:
        return tuple(math.prod(sizes[c] for c in group) for group in groups)

    left = reshape(transpose(x, [a.index(c) for c in batch + rows + gone]), sized(batch, rows, gone))
    right = reshape(transpose(y, [b.index(c) for c in batch + gone + columns]), sized(batch, gone, columns))
    letters = batch + rows + columns
    return "".join(letters), reshape(product(left, right), tuple(sizes[c] for c in letters))
