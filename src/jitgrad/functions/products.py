"""Products of vectors, matrices and more."""

from __future__ import annotations

import math
import operator
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, IndexingError, ShapeError
from jitgrad.functions.axes import axis_of, sequence
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import broadcast_to, concatenate, diagonal, moveaxis, reshape, transpose
from jitgrad.ops.elementwise import not_equal
from jitgrad.ops.linear import gather
from jitgrad.ops.linear import matmul as product
from jitgrad.tape import dtypes
from jitgrad.tape.protocol import namesakes, public
from jitgrad.tape.tensor import Tensor, as_tensor

_LETTERS = string.ascii_uppercase + string.ascii_lowercase
"""In the order of their codes, so that a result without a list is in the order of the numbers."""


@public(np.matmul)
def matmul(a: Any, b: Any) -> Tensor:
    """NumPy's matmul: vectors become a row or a column, and lose that axis again."""
    a, b = as_tensor(a), as_tensor(b)
    if len(a.shape) > 1 and len(b.shape) > 1:
        made: Tensor = product(a, b)
        return made
    if not a.shape or not b.shape:
        raise IndexingError("matmul takes operands with at least one axis. Use * for a product with a number.")
    left = reshape(a, (1, *a.shape)) if a.ndim == 1 else a
    right = reshape(b, (*b.shape, 1)) if b.ndim == 1 else b
    made = product(left, right)
    shape = made.shape[:-2]
    shape += made.shape[-2:-1] if a.ndim > 1 else ()
    shape += made.shape[-1:] if b.ndim > 1 else ()
    return made if shape == made.shape else reshape(made, shape)


@public(np.dot)
def dot(a: Any, b: Any) -> Tensor:
    """NumPy's dot: the product of numbers, the inner product of vectors, the product of matrices; of more axes the sum over
    the last axis of ``a`` and the last but one of ``b``."""
    a, b = as_tensor(a), as_tensor(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if b.ndim <= 2:
        return matmul(a, b) if a.ndim <= 2 or b.ndim == 1 else reshape(matmul(_rows(a), b), (*a.shape[:-1], b.shape[-1]))
    right = moveaxis(b, -2, 0)
    return reshape(
        matmul(_rows(a), reshape(right, (right.shape[0], math.prod(right.shape[1:])))), a.shape[:-1] + right.shape[1:]
    )


@public(np.inner)
def inner(a: Any, b: Any) -> Tensor:
    """The sum over the last axis of both."""
    a, b = as_tensor(a), as_tensor(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return reshape(matmul(_rows(a), transpose(_rows(b))), a.shape[:-1] + b.shape[:-1])


@public(np.vdot)
def vdot(a: Any, b: Any) -> Tensor:
    """The inner product of all elements, each as one row."""
    a, b = as_tensor(a), as_tensor(b)
    return matmul(reshape(a, (a.size,)), reshape(b, (b.size,)))


@public(np.tensordot)
def tensordot(a: Any, b: Any, axes: int | Sequence[Any] = 2) -> Tensor:
    """The sum of products over some axes: the last ``axes`` of ``a`` with the first of ``b``, or a pair of axes of each."""
    a, b = as_tensor(a), as_tensor(b)
    if isinstance(axes, int):
        axes = (range(a.ndim - axes, a.ndim), range(axes))
    left = [axis_of("tensordot", i, a.ndim) for i in sequence(axes[0])]
    right = [axis_of("tensordot", i, b.ndim) for i in sequence(axes[1])]
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ShapeError(f"tensordot: shapes {a.shape} and {b.shape} do not fit over axes {left} and {right}. Make them agree.")
    rows, columns = [i for i in range(a.ndim) if i not in left], [i for i in range(b.ndim) if i not in right]
    n = math.prod(a.shape[i] for i in left)
    x = reshape(transpose(a, rows + left), (math.prod(a.shape[i] for i in rows), n))
    y = reshape(transpose(b, right + columns), (n, math.prod(b.shape[i] for i in columns)))
    return reshape(product(x, y), tuple(a.shape[i] for i in rows) + tuple(b.shape[i] for i in columns))


@public(np.outer)
def outer(a: Any, b: Any) -> Tensor:
    """The matrix of all products of an element of ``a`` and one of ``b``, each as one row."""
    a, b = as_tensor(a), as_tensor(b)
    return reshape(a, (a.size, 1)) * reshape(b, (1, b.size))


@public(np.kron)
def kron(a: Any, b: Any) -> Tensor:
    """Kronecker's product: each element of ``a`` times the whole of ``b``."""
    a, b = as_tensor(a), as_tensor(b)
    ndim = max(a.ndim, b.ndim)
    m, n = ((1,) * (ndim - len(shape)) + shape for shape in (a.shape, b.shape))
    left = reshape(a, tuple(k for size in m for k in (size, 1)))
    right = reshape(b, tuple(k for size in n for k in (1, size)))
    return reshape(left * right, tuple(i * j for i, j in zip(m, n, strict=True)))


@public(np.trace)
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of a diagonal of the matrices in two axes."""
    return sum(diagonal(x, offset, axis1, axis2), -1)


@public(np.einsum)
def einsum(subscripts: Any, *operands: Any) -> Tensor:
    """Einstein's summation: products of operands, summed over the letters that the result does not name.

    As in NumPy, operands may also alternate with lists of numbers, one for each axis, and the result's list come last:
    ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.

    Args:
        subscripts: a letter for each axis, as in ``"ij,jk->ik"``; without ``->`` the result has the letters that stand once,
            in order of the alphabet. ``...`` stands for axes without a letter, at the same place in front of the rest.
        operands: one for each group of letters. More than two are multiplied from the left.

    Of booleans alone, products are "and" and sums are "or".

    Raises:
        ArgumentError: for subscripts that do not fit.
        ShapeError: where a letter stands for axes of different sizes.
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
                raise ShapeError(f"einsum: {letter!r} is {known} and {n} long in {subscripts!r}. Make the axes agree, or 1.")
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
    """Subscripts of letters, and the operands, for operands that alternate with lists of numbers."""
    operands, lists = given[: len(given) // 2 * 2 : 2], [*given[1::2], *(given[-1:] if len(given) % 2 else ())]

    def letters(numbers: Any) -> str:
        try:
            return "".join("..." if n is Ellipsis else dict(enumerate(_LETTERS))[operator.index(n)] for n in numbers)
        except (TypeError, KeyError):
            raise ArgumentError(f"einsum: {numbers!r} is no list of axes. Give numbers from 0 to 51, or Ellipsis.") from None

    groups = [letters(numbers) for numbers in lists]
    return ",".join(groups[: len(operands)]) + "".join(f"->{group}" for group in groups[len(operands) :]), operands


def _parsed(subscripts: str, tensors: list[Tensor]) -> tuple[list[str], str]:
    """The letters of each operand and of the result; capital Greek letters for the axes of ``...``."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    groups = left.split(",")
    if len(groups) != len(tensors):
        raise ArgumentError(
            f"einsum: {subscripts!r} is for {len(groups)} operands and there are {len(tensors)}. Give each its letters."
        )
    free = [x.ndim - len(g.replace("...", "")) for g, x in zip(groups, tensors, strict=True)]
    dots = "".join(chr(0x391 + i) for i in range(max(0, *free)))
    for g, n, x in zip(groups, free, tensors, strict=True):
        letters = g.replace("...", "")
        if n < 0 or (n > 0 and "..." not in g) or not (letters.isalpha() or letters == ""):
            raise ArgumentError(f"einsum: {g!r} does not name the axes of shape {x.shape}. Give a letter for each axis.")
    named = [g.replace("...", dots[len(dots) - n :] if n else "") for g, n in zip(groups, free, strict=True)]
    if arrow:
        result = right.replace("...", dots)
    else:
        counts = Counter("".join(named))
        result = dots + "".join(sorted(letter for letter, n in counts.items() if n == 1 and letter not in dots))
    unknown = set(result) - set("".join(named))
    if unknown or len(set(result)) != len(result):
        raise ArgumentError(
            f"einsum: the result {right!r} must name letters of the operands, each once. Change {subscripts!r}."
        )
    return named, result


def _without_repeats(letters: str, x: Tensor) -> tuple[str, Tensor]:
    """The diagonal where a letter stands twice."""
    unique = "".join(dict.fromkeys(letters))
    if unique == letters:
        return letters, x
    number = {letter: i for i, letter in enumerate(unique)}
    places = np.einsum(np.arange(x.size).reshape(x.shape), [number[c] for c in letters], list(number.values()))
    return unique, gather(reshape(x, (x.size,)), places, axis=0)


def _spread(letters: str, x: Tensor, sizes: dict[str, int]) -> tuple[str, Tensor]:
    """With axes of size 1 as long as their letters say."""
    return letters, broadcast_to(x, tuple(sizes[letter] for letter in letters))


def _summed(letters: str, x: Tensor, kept: set[str]) -> tuple[str, Tensor]:
    """Summed over the letters that are not kept."""
    axes = [i for i, letter in enumerate(letters) if letter not in kept]
    return "".join(c for c in letters if c in kept), sum(x, axes) if axes else x


def _contracted(a: str, x: Tensor, b: str, y: Tensor, later: set[str]) -> tuple[str, Tensor]:
    """The product of two operands, summed over the letters that nothing later names, as one matrix product."""
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


def _rows(x: Tensor) -> Tensor:
    """A matrix with the last axis along its rows."""
    return reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


@public(np.vecdot)
def vecdot(a: Any, b: Any, axis: int = -1) -> Tensor:
    """The sums of products along ``axis``; the other axes broadcast."""
    a, b = [moveaxis(x, axis_of("vecdot", axis, x.ndim), -1) for x in (as_tensor(a), as_tensor(b))]
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(f"vecdot: shapes {a.shape} and {b.shape} differ along the axis. Make it agree.")
    return sum(a * b, -1)


@public(*namesakes("matvec"))
def matvec(a: Any, x: Any) -> Tensor:
    """The products of matrices (…, m, n) with vectors (…, n)."""
    x = as_tensor(x)
    return matmul(a, reshape(x, (*x.shape, 1)))[..., 0]


@public(*namesakes("vecmat"))
def vecmat(x: Any, a: Any) -> Tensor:
    """The products of vectors (…, m) with matrices (…, m, n)."""
    x = as_tensor(x)
    return matmul(reshape(x, (*x.shape[:-1], 1, x.shape[-1])), a)[..., 0, :]


@public(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    """The products of vectors in space, of three components along an axis; the other axes broadcast."""
    a, b = as_tensor(a), as_tensor(b)
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(a, axis_of("cross", axisa, a.ndim), -1), moveaxis(b, axis_of("cross", axisb, b.ndim), -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ShapeError(f"cross: vectors of {a.shape[-1]} and {b.shape[-1]} components. Give three of both.")
    (x, y, z), (u, v, w) = [[t[..., i : i + 1] for i in range(3)] for t in (a, b)]
    made = concatenate([y * w - z * v, z * u - x * w, x * v - y * u], axis=-1)
    return moveaxis(made, -1, axis_of("cross", axisc, made.ndim))
