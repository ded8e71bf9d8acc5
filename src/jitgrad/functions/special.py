"""Special functions under the names of ``scipy.special``: ``jitgrad.special``.

Most of them are ops; the functions below are composed of ops. float64 results agree with SciPy's to the last few bits.
float32 operands are computed in float64 and rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.arguments import count
from jitgrad.functions.elementwise import sinc
from jitgrad.functions.faddeeva import voigt_profile, wofz
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import expand_dims
from jitgrad.functions.softmax import log_softmax, logsumexp, softmax
from jitgrad.ops.elementwise import (
    arctanh,
    cbrt,
    digamma,
    equal,
    erf,
    erfc,
    exp2,
    expm1,
    gammaln,
    greater,
    greater_equal,
    less,
    less_equal,
    log,
    log1p,
    polygamma,
    softplus,
    sqrt,
    where,
)
from jitgrad.ops.elementwise import sigmoid as expit
from jitgrad.ops.special import (
    beta,
    betainc,
    betaln,
    erfcinv,
    erfinv,
    gamma,
    gammainc,
    gammaincc,
    i0,
    i0e,
    i1,
    i1e,
    iv,
    ive,
    j0,
    j1,
    jv,
    k0,
    k0e,
    k1,
    k1e,
    kv,
    kve,
    log_ndtr,
    ndtri,
    y0,
    y1,
    yv,
)
from jitgrad.tape.protocol import NUMPY, public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike

__all__ = [
    "beta", "betainc", "betaln", "cbrt", "digamma", "entr", "erf", "erfc", "erfcinv", "erfinv", "exp2", "expit", "expm1",
    "factorial", "gamma", "gammainc", "gammaincc", "gammaln", "i0", "i0e", "i1", "i1e", "iv", "ive", "j0", "j1", "jv", "k0",
    "k0e", "k1", "k1e", "kl_div", "kv", "kve", "log1p", "log_expit", "log_ndtr", "log_softmax", "logit", "logsumexp",
    "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "rel_entr", "sinc", "softmax", "softplus", "voigt_profile", "wofz",
    "xlog1py", "xlogy", "y0", "y1", "yv",
]  # fmt: skip


psi = digamma


NUMPY[np.i0] = i0


@public("ndtr")
def ndtr(x: ArrayLike) -> Tensor:
    """Cumulative distribution function of the standard normal distribution.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        Probabilities from 0 to 1.

    See Also
    --------
    log_ndtr, ndtri, erf

    Examples
    --------
    >>> jg.special.ndtr([-1.96, 0.0, 1.96])
    <Tensor shape=(3,) dtype=float64 [0.0249979 0.5       0.9750021]>
    """
    made: Tensor = 0.5 * erfc(as_tensor(x) * -math.sqrt(0.5))
    return made


@public("logit")
def logit(x: ArrayLike) -> Tensor:
    """Logit function, the inverse of the logistic sigmoid.

    Parameters
    ----------
    x : array_like
        Probabilities from 0 to 1.

    Returns
    -------
    Tensor
        ``log(x / (1 - x))``; nan outside of [0, 1].

    Notes
    -----
    Between 0.3 and 0.65, the function is computed as ``2 * arctanh(2 * x - 1)``, which avoids cancellation near 0.5.

    See Also
    --------
    expit, log_expit

    Examples
    --------
    >>> jg.special.logit([0.1, 0.5, 0.9])
    <Tensor shape=(3,) dtype=float64 [-2.19722458  0.          2.19722458]>
    """
    x = as_tensor(x)
    middle = greater(x, 0.3) * less(x, 0.65)
    inner, outer = where(middle, x, 0.5), where(middle, 0.5, x)
    return where(middle, 2 * arctanh(2 * inner - 1), log(outer / (1 - outer)))


@public("log_expit")
def log_expit(x: ArrayLike) -> Tensor:
    """Logarithm of the logistic sigmoid, computed without underflow.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        ``log(expit(x)) = -softplus(-x)``.

    See Also
    --------
    expit, logit

    Examples
    --------
    >>> jg.special.log_expit([-1000.0, 0.0])
    <Tensor shape=(2,) dtype=float64 [-1.00000000e+03 -6.93147181e-01]>
    """
    return -softplus(-as_tensor(x))


@public()
def factorial(n: ArrayLike) -> Tensor:
    """Factorial, extended to real numbers by the gamma function.

    Parameters
    ----------
    n : array_like
        Nonnegative numbers.

    Returns
    -------
    Tensor
        ``gamma(n + 1)`` as floats; 0 for negative numbers.

    See Also
    --------
    gamma, gammaln

    Examples
    --------
    >>> jg.special.factorial([0, 3, 5])
    <Tensor shape=(3,) dtype=float64 [  1.   6. 120.]>
    """
    n = as_tensor(n)
    return where(less(n, 0), 0.0, gamma(where(less(n, 0), 0.0, n) + 1))


@public()
def multigammaln(a: ArrayLike, d: int) -> Tensor:
    """Logarithm of the multivariate gamma function.

    Parameters
    ----------
    a : array_like
        Argument, greater than ``(d - 1) / 2``.
    d : int
        Dimension.

    Returns
    -------
    Tensor
        The logarithm, in the shape of ``a``.

    See Also
    --------
    gammaln

    Examples
    --------
    >>> jg.special.multigammaln(3.0, 2)
    <Tensor shape=() dtype=float64 1.55019499>
    """
    a, d = as_tensor(a), count("multigammaln: d", d)
    terms = gammaln(expand_dims(a, -1) - np.arange(d) / 2)
    return d * (d - 1) / 4 * math.log(math.pi) + sum(terms, -1)


@public("xlogy")
def xlogy(x: ArrayLike, y: ArrayLike) -> Tensor:
    """Product of x and log(y), with the value 0 for x = 0.

    Parameters
    ----------
    x, y : array_like
        Operands; they broadcast.

    Returns
    -------
    Tensor
        ``x * log(y)``. For x = 0 it is 0 unless y is nan.

    Notes
    -----
    The derivative with respect to x is log(y), even for x = 0. At x = 0 and y = 0 it is -inf.

    See Also
    --------
    xlog1py, entr, rel_entr

    Examples
    --------
    >>> p = np.array([0.0, 0.5, 0.5])
    >>> jg.sum(jg.special.xlogy(p, p))
    <Tensor shape=() dtype=float64 -0.69314718>
    """
    return _times_log(x, y, log, 0.0)


@public("xlog1py")
def xlog1py(x: ArrayLike, y: ArrayLike) -> Tensor:
    """Product of x and log(1 + y), with the value 0 for x = 0.

    Parameters
    ----------
    x, y : array_like
        Operands; they broadcast.

    Returns
    -------
    Tensor
        ``x * log1p(y)``. For x = 0 it is 0 unless y is nan.

    Notes
    -----
    The derivative with respect to x is log1p(y), even for x = 0. At x = 0 and y = -1 it is -inf.

    See Also
    --------
    xlogy

    Examples
    --------
    >>> jg.special.xlog1py(2.0, [1.0, 1e-9])
    <Tensor shape=(2,) dtype=float64 [1.38629436e+00 2.00000000e-09]>
    """
    return _times_log(x, y, log1p, -1.0)


def _times_log(x: Any, y: Any, f: Callable[[Any], Any], end: float) -> Tensor:
    """Return x·f(y) for a logarithm ``f`` that is -inf at ``end``; 0 with an infinite derivative at x = 0, y = ``end``."""
    x, y = as_tensor(x), as_tensor(y)
    none = equal(x, 0)
    outside = none * less_equal(y, end) + none * equal(y, math.inf)
    at_end = none * equal(y, end)
    value = where(outside, 0.0, x * f(where(outside, end + 1, y)))
    return where(at_end, -_root(x, at_end), value)


def _root(x: Tensor, there: Tensor) -> Tensor:
    """Return sqrt(x) where ``there`` is true, which is where x is 0, so that the value is 0 and the derivative is infinite."""
    made: Tensor = sqrt(where(there, x, 1.0))
    return made


@public("entr")
def entr(x: ArrayLike) -> Tensor:
    """Elementwise entropy function.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        ``-x * log(x)`` for positive numbers, 0 at 0, and -inf for negative numbers.

    See Also
    --------
    rel_entr, kl_div

    Examples
    --------
    >>> jg.special.entr([0.0, 0.5])
    <Tensor shape=(2,) dtype=float64 [0.         0.34657359]>
    """
    x = as_tensor(x)
    inside, at_end = greater(x, 0), equal(x, 0)
    safe = where(inside, x, 1.0)
    return where(inside + (x != x), -x * log(safe), where(at_end, _root(x, at_end), -math.inf))


@public("rel_entr")
def rel_entr(x: ArrayLike, y: ArrayLike) -> Tensor:
    """Elementwise relative entropy.

    Parameters
    ----------
    x, y : array_like
        Operands; they broadcast.

    Returns
    -------
    Tensor
        ``x * log(x / y)`` for positive x and y, 0 for x = 0 and y >= 0, and inf otherwise.

    Notes
    -----
    The sum over a distribution is the Kullback-Leibler divergence.

    See Also
    --------
    kl_div, entr

    Examples
    --------
    >>> p, q = np.array([0.5, 0.5]), np.array([0.9, 0.1])
    >>> jg.sum(jg.special.rel_entr(p, q))
    <Tensor shape=() dtype=float64 0.51082562>
    """
    x, y = as_tensor(x), as_tensor(y)
    inside, at_end = greater(x, 0) * greater(y, 0), equal(x, 0) * greater_equal(y, 0)
    a, b = where(inside, x, 1.0), where(inside, y, 1.0)
    ratio = a / b
    normal = greater(ratio, 0) * less(ratio, math.inf)
    value = x * where(normal, log(where(normal, ratio, 1.0)), log(a) - log(b))
    made = where(inside, value, where(at_end, -_root(x, at_end), math.inf))
    return where((x != x) + (y != y), math.nan, made)


@public("kl_div")
def kl_div(x: ArrayLike, y: ArrayLike) -> Tensor:
    """Elementwise Kullback-Leibler divergence of unnormalized densities.

    Parameters
    ----------
    x, y : array_like
        Operands; they broadcast.

    Returns
    -------
    Tensor
        ``x * log(x / y) - x + y`` for positive x and y, y for x = 0 and y >= 0, and inf otherwise.

    Notes
    -----
    Unlike `rel_entr`, the function is nonnegative for each element.

    See Also
    --------
    rel_entr, entr

    Examples
    --------
    >>> jg.special.kl_div([0.5, 0.5], [0.9, 0.1])
    <Tensor shape=(2,) dtype=float64 [0.10610667 0.40471896]>
    """
    x, y = as_tensor(x), as_tensor(y)
    made = rel_entr(x, y)
    return where(equal(made, math.inf), math.inf, made - where(equal(made, math.inf), 0.0, x - y))
