"""Convolution and correlation of vectors."""

from __future__ import annotations

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import reshape
from jitgrad.ops.linear import gather
from jitgrad.ops.linear import matmul as product
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.convolve)
def convolve(a: ArrayLike, v: ArrayLike, mode: str = "full") -> Tensor:
    """Discrete convolution of two vectors.

    Parameters
    ----------
    a, v : array_like, shape (n,) and (m,)
        Vectors.
    mode : {"full", "same", "valid"}, default "full"
        "full" returns all n + m - 1 sums, "same" the central max(n, m) sums, and "valid" only
        the sums for which the vectors overlap completely.

    Returns
    -------
    Tensor
        The sums over i of ``a[i] * v[k - i]``.

    Raises
    ------
    ShapeError
        If an operand is not a vector or is empty.
    ArgumentError
        If the mode is unknown.

    See Also
    --------
    correlate

    Examples
    --------
    >>> jg.convolve([1.0, 2.0, 3.0], [0.0, 1.0, 0.5])
    <Tensor shape=(5,) dtype=float64 [0.  1.  2.5 4.  1.5]>
    """
    a, v = as_tensor(a), as_tensor(v)
    return _slid("convolve", a, v[::-1], mode) if a.size >= v.size else _slid("convolve", v, a[::-1], mode)


@public(np.correlate)
def correlate(a: ArrayLike, v: ArrayLike, mode: str = "valid") -> Tensor:
    """Discrete cross-correlation of two vectors.

    Parameters
    ----------
    a, v : array_like, shape (n,) and (m,)
        Vectors.
    mode : {"valid", "same", "full"}, default "valid"
        Which sums to return, see `convolve`.

    Returns
    -------
    Tensor
        The sums over i of ``a[k + i] * v[i]``.

    Raises
    ------
    ShapeError
        If an operand is not a vector or is empty.
    ArgumentError
        If the mode is unknown.

    See Also
    --------
    convolve

    Examples
    --------
    >>> jg.correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5], mode="same")
    <Tensor shape=(3,) dtype=float64 [2.  3.5 3. ]>
    """
    a, v = as_tensor(a), as_tensor(v)
    return _slid("correlate", a, v, mode) if a.size >= v.size else _slid("correlate", v, a, mode)[::-1]


def _slid(name: str, a: Tensor, v: Tensor, mode: str) -> Tensor:
    """Return the dot product of ``v`` with each window of ``a`` that has the same length."""
    if a.ndim > 1 or v.ndim > 1 or v.size == 0:
        raise ShapeError(
            f"{name}: shapes {a.shape} and {v.shape} are not nonempty vectors. Pass vectors with at least one element."
        )
    m = v.size
    lengths = {"full": (m - 1, m - 1), "same": (m // 2, (m - 1) // 2), "valid": (0, 0)}
    if mode not in lengths:
        raise ArgumentError(f"{name}: mode is {mode!r}. Use 'full', 'same' or 'valid'.")
    before, behind = lengths[mode]
    padded = concatenate([np.zeros(before), reshape(a, (a.size,)), np.zeros(behind)])
    places = np.arange(padded.size - m + 1)[:, None] + np.arange(m)
    made: Tensor = product(gather(padded, places, axis=0), reshape(v, (m, 1)))
    return reshape(made, (padded.size - m + 1,))
