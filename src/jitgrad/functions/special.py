"""Special functions under the names of ``scipy.special``: ``jitgrad.special``.

Most of them are ops; the functions below are composed of ops. float64 results agree with those of SciPy to the last few bits.
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
def ndtr(x: Any) -> Tensor:
    """The distribution function of the standard normal distribution."""
    made: Tensor = 0.5 * erfc(as_tensor(x) * -math.sqrt(0.5))
    return made


@public("logit")
def logit(x: Any) -> Tensor:
    """log(x / (1 - x)), the inverse of ``expit``, from 0 to 1."""
    x = as_tensor(x)
    middle = greater(x, 0.3) * less(x, 0.65)
    inner, outer = where(middle, x, 0.5), where(middle, 0.5, x)
    return where(middle, 2 * arctanh(2 * inner - 1), log(outer / (1 - outer)))


@public("log_expit")
def log_expit(x: Any) -> Tensor:
    """log(expit(x)), without underflow."""
    return -softplus(-as_tensor(x))


@public()
def factorial(n: Any) -> Tensor:
    """n!, as Γ(n + 1), between whole numbers too, as a float; 0 below 0."""
    n = as_tensor(n)
    return where(less(n, 0), 0.0, gamma(where(less(n, 0), 0.0, n) + 1))


@public()
def multigammaln(a: Any, d: int) -> Tensor:
    """The logarithm of the multivariate gamma function of dimension ``d``, for a > (d - 1) / 2."""
    a, d = as_tensor(a), count("multigammaln: d", d)
    terms = gammaln(expand_dims(a, -1) - np.arange(d) / 2)
    return d * (d - 1) / 4 * math.log(math.pi) + sum(terms, -1)


@public("xlogy")
def xlogy(x: Any, y: Any) -> Tensor:
    """x·log(y), and 0 for x = 0, whatever y is but nan. The derivative by x is log(y), at x = 0 too."""
    return _times_log(x, y, log, 0.0)


@public("xlog1py")
def xlog1py(x: Any, y: Any) -> Tensor:
    """x·log(1 + y), and 0 for x = 0, see ``xlogy``."""
    return _times_log(x, y, log1p, -1.0)


def _times_log(x: Any, y: Any, f: Callable[[Any], Any], end: float) -> Tensor:
    """x·f(y) of a logarithm that is -inf at ``end``; of x = 0 there a function with that derivative and the value 0."""
    x, y = as_tensor(x), as_tensor(y)
    none = equal(x, 0)
    outside = none * less_equal(y, end) + none * equal(y, math.inf)
    at_end = none * equal(y, end)
    value = where(outside, 0.0, x * f(where(outside, end + 1, y)))
    return where(at_end, -_root(x, at_end), value)


def _root(x: Tensor, there: Tensor) -> Tensor:
    """sqrt(x) at zeros: its value is 0, its derivative infinite."""
    made: Tensor = sqrt(where(there, x, 1.0))
    return made


@public("entr")
def entr(x: Any) -> Tensor:
    """-x·log(x), 0 at 0 and -inf below."""
    x = as_tensor(x)
    inside, at_end = greater(x, 0), equal(x, 0)
    safe = where(inside, x, 1.0)
    return where(inside + (x != x), -x * log(safe), where(at_end, _root(x, at_end), -math.inf))


@public("rel_entr")
def rel_entr(x: Any, y: Any) -> Tensor:
    """x·log(x / y), 0 for x = 0 and y from 0 on, and else inf."""
    x, y = as_tensor(x), as_tensor(y)
    inside, at_end = greater(x, 0) * greater(y, 0), equal(x, 0) * greater_equal(y, 0)
    a, b = where(inside, x, 1.0), where(inside, y, 1.0)
    ratio = a / b
    normal = greater(ratio, 0) * less(ratio, math.inf)
    value = x * where(normal, log(where(normal, ratio, 1.0)), log(a) - log(b))
    made = where(inside, value, where(at_end, -_root(x, at_end), math.inf))
    return where((x != x) + (y != y), math.nan, made)


@public("kl_div")
def kl_div(x: Any, y: Any) -> Tensor:
    """x·log(x / y) - x + y, y for x = 0, and inf below 0."""
    x, y = as_tensor(x), as_tensor(y)
    made = rel_entr(x, y)
    return where(equal(made, math.inf), math.inf, made - where(equal(made, math.inf), 0.0, x - y))
