"""Continuous distributions.

Each row has the logarithm of the density for ``loc=0`` and ``scale=1``, and the texts of its docstring.
"""

from __future__ import annotations

import math

from jitgrad.functions.special import betaln, gammaln, xlog1py, xlogy
from jitgrad.functions.stats.distribution import LOG_ROOT, Continuous, Doc
from jitgrad.ops.elementwise import abs, equal, exp, log, log1p, softplus, square, where
from jitgrad.tape.tensor import Tensor

_REAL, _NONNEGATIVE, _UNIT = "all real x", "x >= 0", "0 <= x <= 1"

norm = Continuous(
    "norm",
    Doc("Normal (Gaussian) distribution.", "exp(-(x**2) / 2) / sqrt(2 * pi)", _REAL,
        notes="``loc`` is the mean and ``scale`` the standard deviation."),
    lambda z: -square(z) / 2 - LOG_ROOT,
)  # fmt: skip
halfnorm = Continuous(
    "halfnorm",
    Doc("Half-normal distribution, of the absolute value of a normally distributed number.", "sqrt(2 / pi) * exp(-(x**2) / 2)",
        _NONNEGATIVE),
    lambda z: -square(z) / 2 + math.log(2 / math.pi) / 2, 0,
)  # fmt: skip
t = Continuous(
    "t",
    Doc("Student's t distribution.", "(1 + x**2 / df)**(-(df + 1) / 2) / (sqrt(df) * beta(1 / 2, df / 2))", _REAL,
        {"df": "Degrees of freedom, positive."}, {"df": 4.0}),
    lambda z, df: -betaln(0.5, df / 2) - log(df) / 2 - (df + 1) / 2 * log1p(square(z) / df),
)  # fmt: skip
cauchy = Continuous(
    "cauchy",
    Doc("Cauchy (Lorentzian) distribution.", "1 / (pi * (1 + x**2))", _REAL,
        notes="``loc`` is the median and ``scale`` the half width at half maximum. The mean does not exist."),
    lambda z: -math.log(math.pi) - log1p(square(z)),
)  # fmt: skip
laplace = Continuous(
    "laplace", Doc("Laplace (double exponential) distribution.", "exp(-abs(x)) / 2", _REAL), lambda z: -abs(z) - math.log(2)
)
logistic = Continuous(
    "logistic", Doc("Logistic distribution.", "exp(-x) / (1 + exp(-x))**2", _REAL), lambda z: -z - 2 * softplus(-z)
)
gumbel_r = Continuous(
    "gumbel_r",
    Doc("Right-skewed Gumbel distribution.", "exp(-x - exp(-x))", _REAL,
        notes="It is the limiting distribution of the maximum of many independent numbers."),
    lambda z: -z - exp(-z),
)  # fmt: skip
lognorm = Continuous(
    "lognorm",
    Doc("Log-normal distribution.", "exp(-(log(x)**2) / (2 * s**2)) / (s * x * sqrt(2 * pi))", _NONNEGATIVE,
        {"s": "Standard deviation of the logarithm, positive."}, {"s": 0.5},
        "The logarithm of ``scale`` is the mean of the logarithm."),
    lambda z, s: where(equal(z, 0), -math.inf, _lognorm(where(equal(z, 0), 1.0, z), s)), 0,
)  # fmt: skip
expon = Continuous(
    "expon",
    Doc("Exponential distribution.", "exp(-x)", _NONNEGATIVE, notes="``scale`` is the mean, the reciprocal of the rate."),
    lambda z: -z, 0,
)  # fmt: skip
gamma = Continuous(
    "gamma",
    Doc("Gamma distribution.", "x**(a - 1) * exp(-x) / gamma(a)", _NONNEGATIVE, {"a": "Shape, positive."}, {"a": 2.0},
        "``scale`` is the reciprocal of the rate."),
    lambda z, a: xlogy(a - 1, z) - z - gammaln(a), 0,
)  # fmt: skip
chi2 = Continuous(
    "chi2",
    Doc("Chi-squared distribution.", "x**(df / 2 - 1) * exp(-x / 2) / (2**(df / 2) * gamma(df / 2))", _NONNEGATIVE,
        {"df": "Degrees of freedom, positive."}, {"df": 3.0}),
    lambda z, df: xlogy(df / 2 - 1, z) - z / 2 - gammaln(df / 2) - df * (math.log(2) / 2), 0,
)  # fmt: skip
invgamma = Continuous(
    "invgamma",
    Doc("Inverse gamma distribution: the distribution of the reciprocal of a gamma-distributed number.",
        "x**(-a - 1) * exp(-1 / x) / gamma(a)", _NONNEGATIVE, {"a": "Shape, positive."}, {"a": 3.0}),
    lambda z, a: where(equal(z, 0), -math.inf, _invgamma(where(equal(z, 0), 1.0, z), a)), 0,
)  # fmt: skip
beta = Continuous(
    "beta",
    Doc("Beta distribution.", "x**(a - 1) * (1 - x)**(b - 1) / beta(a, b)", _UNIT,
        {"a": "First shape, positive.", "b": "Second shape, positive."}, {"a": 2.0, "b": 3.0}),
    lambda z, a, b: xlogy(a - 1, z) + xlog1py(b - 1, -z) - betaln(a, b), 0, 1,
)  # fmt: skip
weibull_min = Continuous(
    "weibull_min",
    Doc("Weibull distribution of the minimum.", "c * x**(c - 1) * exp(-(x**c))", _NONNEGATIVE, {"c": "Shape, positive."},
        {"c": 1.5}, "It is the usual Weibull distribution of lifetimes."),
    lambda z, c: log(c) + xlogy(c - 1, z) - z**c, 0,
)  # fmt: skip
pareto = Continuous(
    "pareto", Doc("Pareto distribution.", "b / x**(b + 1)", "x >= 1", {"b": "Shape, positive."}, {"b": 2.5}),
    lambda z, b: log(b) - (b + 1) * log(z), 1, inside=2.0,
)  # fmt: skip
uniform = Continuous(
    "uniform",
    Doc("Uniform distribution.", "1", _UNIT, notes="In general the interval is from ``loc`` to ``loc + scale``."),
    lambda z: z * 0.0, 0, 1,
)  # fmt: skip


def _lognorm(z: Tensor, s: Tensor) -> Tensor:
    return -square(log(z) / s) / 2 - log(s * z) - LOG_ROOT


def _invgamma(z: Tensor, a: Tensor) -> Tensor:
    return -(a + 1) * log(z) - gammaln(a) - 1 / z
