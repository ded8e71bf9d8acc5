"""Comparison of derivatives with finite differences."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import count
from jitgrad.errors import ArgumentError, GradientError
from jitgrad.functions.create import tensor
from jitgrad.tape.operators import Operators
from jitgrad.tape.recording import no_grad
from jitgrad.tape.tree import tree_leaves, tree_pack
from jitgrad.transforms.gradients import jvp, vjp

# Half the step of the difference, and the tolerance, relative above 1 and absolute below.
_STEPS = {"float32": (1e-2, 2e-2), "float64": (1e-5, 2e-6)}


@no_grad()
def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int,
    modes: str | Sequence[str] = ("fwd", "rev"),
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
) -> None:
    """Check the derivatives of ``f`` against central differences in a random direction.

    Parameters
    ----------
    f : callable
        A function of arrays, or lists, tuples and dicts of them, which returns the same.
    args : tuple or list of array_like
        The point at which to check. Floats are differentiated; integers and booleans are constant.
    order : int
        The highest derivative to check, at least 1.
    modes : {"fwd", "rev"} or sequence of them, default ("fwd", "rev")
        Forward mode, reverse mode or both. Beyond the first derivative, all combinations are checked.
    atol, rtol : float, optional
        The absolute and the relative tolerance. By default, 2e-6 in float64 and 2e-2 in float32.
    eps : float, optional
        Half the step of the differences. By default, 1e-5 in float64 and 1e-2 in float32.

    Raises
    ------
    GradientError
        If a derivative and the difference disagree. The message contains both.

    Examples
    --------
    >>> jg.check_grads(lambda x: jg.sum(jg.sin(x)), (np.array([0.5, 1.0]),), order=2)

    A derivative that is wrong on purpose:

    >>> jg.check_grads(jg.stop_gradient, (2.0,), order=1)
    Traceback (most recent call last):
        ...
    jitgrad.errors.GradientError: check_grads (fwd): the derivative is 0., and finite differences give 0.12573. Correct ...
    """
    order = count("order", order)
    modes = [modes] if isinstance(modes, str) else modes
    if not isinstance(args, (tuple, list)):
        raise ArgumentError(f"check_grads: args is a {type(args).__name__}. Give a tuple with one entry for each argument.")
    for mode in modes:
        if mode not in ("fwd", "rev"):
            raise ArgumentError(f"modes has {mode!r}. Use 'fwd' and 'rev'.")
    leaves = [np.asarray(x) for x in tree_leaves(args)]
    floats = [i for i, x in enumerate(leaves) if x.dtype.kind == "f"]
    if not floats:
        raise ArgumentError("check_grads: there is no derivative because no argument is a float. Give floats.")

    def of_floats(*given: Any) -> list[Any]:
        every = list(leaves)
        for i, x in zip(floats, given, strict=True):
            every[i] = x
        result = tree_leaves(f(*tree_pack(list(args), every)))
        return [y for y in result if not isinstance(y, Operators) or y.dtype.kind == "f"]

    single = any(leaves[i].dtype == np.float32 for i in floats)
    step, tolerance = _STEPS["float32" if single else "float64"]
    tolerances = (tolerance if atol is None else atol, tolerance if rtol is None else rtol)
    _check(of_floats, [leaves[i] for i in floats], order, modes, tolerances, eps or step, np.random.default_rng(0), "")


def _check(
    f: Callable[..., Any], xs: list[Any], order: int, modes: Sequence[str], tolerances: tuple[float, float], eps: float,
    draw: np.random.Generator, path: str,
) -> None:  # fmt: skip
    tangents = [_like(draw, x) for x in xs]
    ends = [[tensor(x + np.asarray(s * eps * t, x.dtype)) for x, t in zip(xs, tangents, strict=True)] for s in (1, -1)]
    up, down = ([np.asarray(y, np.float64) for y in f(*end)] for end in ends)
    differences = [(a - b) / (2 * eps) for a, b in zip(up, down, strict=True)]
    for mode in modes:
        where = f"{path}{mode}"
        if mode == "fwd":
            pushed = jvp(f, xs, tangents)[1]
            for got, expected in zip(pushed, differences, strict=True):
                _compare(where, np.asarray(got), expected, tolerances)
            if order > 1:
                _check(lambda *a: jvp(f, a, tangents)[1], xs, order - 1, modes, tolerances, eps, draw, where + " of ")
        else:
            weights = [_like(draw, y) for y in up]
            pull = functools.partial(_pulled, f, weights)
            pulled = pull(*xs)
            got = sum(np.sum(np.asarray(g, np.float64) * t) for g, t in zip(pulled, tangents, strict=True))
            _compare(where, got, sum(np.sum(w * d) for w, d in zip(weights, differences, strict=True)), tolerances)
            if order > 1:
                _check(pull, xs, order - 1, modes, tolerances, eps, draw, where + " of ")


def _pulled(f: Callable[..., Any], weights: list[np.ndarray], *xs: Any) -> list[Any]:
    return list(vjp(f, *xs)[1](weights))


def _like(draw: np.random.Generator, x: Any) -> np.ndarray:
    return np.asarray(draw.normal(size=np.shape(x)), np.asarray(x).dtype)


def _compare(where: str, got: Any, expected: Any, tolerances: tuple[float, float]) -> None:
    atol, rtol = tolerances
    scale = np.max(np.abs(expected), initial=0.0)
    off = np.max(np.abs(got - expected), initial=0.0)
    if not off <= atol + rtol * scale:
        raise GradientError(
            f"check_grads ({where}): the derivative is {_shown(got)}, and finite differences give {_shown(expected)}. "
            f"Correct the derivative, or check at another point if this one is near a kink."
        )


def _shown(value: Any) -> str:
    return np.array2string(np.asarray(value), precision=6, threshold=6)
