"""Log-densities of distributions, by SciPy's names and in its parameters: ``jitgrad.stats``.

``stats.norm.logpdf(x, loc, scale)`` and so on; each is composed of ops, and has derivatives by the value and all parameters.
Outside of its support a density is 0, and its logarithm -inf; parameters that no distribution has give nan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, OptionError, ShapeError
from jitgrad.functions.diagonals import diagonal
from jitgrad.functions.joining import concatenate
from jitgrad.functions.linalg import cholesky, solve_triangular
from jitgrad.functions.logic import all, isfinite
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import expand_dims, reshape, swapaxes
from jitgrad.functions.special import betaln, gammaln, xlog1py, xlogy
from jitgrad.ops.elementwise import (
    abs,
    equal,
    exp,
    floor,
    greater,
    greater_equal,
    less_equal,
    log,
    log1p,
    softplus,
    square,
    where,
)
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor

_LOG_ROOT = math.log(2 * math.pi) / 2

Shapes = tuple[Tensor, ...]


def _positive(*shapes: Tensor) -> Any:
    """Whether all are above 0."""
    found: Any = True
    for x in shapes:
        found = greater(x, 0) * found
    return found


class _Distribution:
    """A distribution of numbers.

    Parameters
    ----------
    name : str
        SciPy's.
    shapes : str
        The names of its shapes, which come before ``loc`` and ``scale``.
    standard : callable
        ``standard(z, *shapes)``: the logarithm of the density for ``loc`` 0 and ``scale`` 1, within the support.
    low, high : float or callable
        The ends of the support for these; functions of the shapes where they depend on them.
    inside : float
        A number within the support, which takes the place of those outside, so that derivatives are finite.
    valid : callable
        Of the shapes, whether there is such a distribution.
    """

    _own: tuple[str, ...] = ("loc", "scale")

    def __init__(
        self, name: str, shapes: str, standard: Callable[..., Any], low: Any = -math.inf, high: Any = math.inf,
        inside: float = 0.5, valid: Callable[..., Any] = _positive,
    ) -> None:  # fmt: skip
        self.name, self.parameters = name, (*shapes.split(), *self._own)
        self._standard, self._low, self._high, self._inside, self._valid = standard, low, high, inside, valid

    def _log_density(self, x: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        *shapes, loc, scale = self._given(args, kwargs)
        z = (as_tensor(x) - loc) / scale
        ends = [end(*shapes) if callable(end) else end for end in (self._low, self._high)]
        within = greater_equal(z, ends[0]) * less_equal(z, ends[1]) * isfinite(z)
        made = self._standard(where(within, z, self._inside), *shapes) - log(scale)
        return self._checked(z, within, made, greater(scale, 0) * self._valid(*shapes))

    def _checked(self, z: Tensor, within: Tensor, made: Any, valid: Any) -> Tensor:
        """-inf outside of the support, nan for nan and where there is no such distribution."""
        return where(valid * equal(z, z), where(within, made, -math.inf), math.nan)

    def _given(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Tensor]:
        """The parameters, in order."""
        names = self.parameters
        unknown = kwargs.keys() - set(names[len(args) :])
        if len(args) > len(names) or unknown:
            wrong = f"no parameter {min(unknown)!r}" if unknown else f"not {len(args)} parameters"
            raise OptionError(f"{self.name} has {wrong} here. It takes {', '.join(names)}.")
        given: dict[str, Any] = {"loc": 0.0, "scale": 1.0} | dict(zip(names, args, strict=False)) | kwargs
        missing = [name for name in names if name not in given]
        if missing:
            raise ArgumentError(f"{self.name}: {missing[0]} is missing. It takes {', '.join(names)}.")
        return [as_tensor(given[name]) * 1.0 for name in names]


class _Continuous(_Distribution):
    """A distribution with a density."""

    @public()
    def logpdf(self, x: Any, *args: Any, **kwargs: Any) -> Tensor:
        """The logarithm of the density at ``x``; parameters by position or name: the shapes, ``loc``, ``scale``."""
        return self._log_density(x, args, kwargs)

    @public()
    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Tensor:
        """The density at ``x``."""
        made: Tensor = exp(self._log_density(x, args, kwargs))
        return made


class _Discrete(_Distribution):
    """A distribution on whole numbers."""

    _own = ("loc",)

    @public()
    def logpmf(self, k: Any, *args: Any, **kwargs: Any) -> Tensor:
        """The logarithm of the probability of ``k``; parameters by position or name: the shapes, ``loc``."""
        return self._log_density(k, args, kwargs)

    @public()
    def pmf(self, k: Any, *args: Any, **kwargs: Any) -> Tensor:
        """The probability of ``k``."""
        made: Tensor = exp(self._log_density(k, args, kwargs))
        return made

    def _log_density(self, x: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        *shapes, loc = self._given(args, kwargs)
        k = as_tensor(x) - loc
        ends = [end(*shapes) if callable(end) else end for end in (self._low, self._high)]
        within = greater_equal(k, ends[0]) * less_equal(k, ends[1]) * equal(k, floor(k)) * isfinite(k)
        return self._checked(
            k, within, self._standard(where(within, k, self._inside), *shapes), as_tensor(True) * self._valid(*shapes)
        )


def _unit(p: Tensor) -> Tensor:
    return greater_equal(p, 0) * less_equal(p, 1)


# Continuous ones.

norm = _Continuous("norm", "", lambda z: -square(z) / 2 - _LOG_ROOT)
halfnorm = _Continuous("halfnorm", "", lambda z: -square(z) / 2 + math.log(2 / math.pi) / 2, 0)
t = _Continuous("t", "df", lambda z, df: -betaln(0.5, df / 2) - log(df) / 2 - (df + 1) / 2 * log1p(square(z) / df))
cauchy = _Continuous("cauchy", "", lambda z: -math.log(math.pi) - log1p(square(z)))
laplace = _Continuous("laplace", "", lambda z: -abs(z) - math.log(2))
logistic = _Continuous("logistic", "", lambda z: -z - 2 * softplus(-z))
gumbel_r = _Continuous("gumbel_r", "", lambda z: -z - exp(-z))
lognorm = _Continuous("lognorm", "s", lambda z, s: where(equal(z, 0), -math.inf, _lognorm(where(equal(z, 0), 1.0, z), s)), 0)
expon = _Continuous("expon", "", lambda z: -z, 0)
gamma = _Continuous("gamma", "a", lambda z, a: xlogy(a - 1, z) - z - gammaln(a), 0)
chi2 = _Continuous("chi2", "df", lambda z, df: xlogy(df / 2 - 1, z) - z / 2 - gammaln(df / 2) - df * (math.log(2) / 2), 0)
invgamma = _Continuous("invgamma", "a", lambda z, a: where(equal(z, 0), -math.inf, _invgamma(where(equal(z, 0), 1.0, z), a)), 0)
beta = _Continuous("beta", "a b", lambda z, a, b: xlogy(a - 1, z) + xlog1py(b - 1, -z) - betaln(a, b), 0, 1)
weibull_min = _Continuous("weibull_min", "c", lambda z, c: log(c) + xlogy(c - 1, z) - z**c, 0)
pareto = _Continuous("pareto", "b", lambda z, b: log(b) - (b + 1) * log(z), 1, inside=2.0)
uniform = _Continuous("uniform", "", lambda z: z * 0.0, 0, 1)


def _lognorm(z: Tensor, s: Tensor) -> Tensor:
    return -square(log(z) / s) / 2 - log(s * z) - _LOG_ROOT


def _invgamma(z: Tensor, a: Tensor) -> Tensor:
    return -(a + 1) * log(z) - gammaln(a) - 1 / z


# Discrete ones. Binomial coefficients by the beta function, which does not cancel.

bernoulli = _Discrete("bernoulli", "p", lambda k, p: xlogy(k, p) + xlog1py(1 - k, -p), 0, 1, 0, _unit)
binom = _Discrete(
    "binom", "n p", lambda k, n, p: -betaln(k + 1, n - k + 1) - log1p(n) + xlogy(k, p) + xlog1py(n - k, -p),
    0, lambda n, p: n, 0, lambda n, p: greater_equal(n, 0) * equal(n, floor(n)) * _unit(p),
)  # fmt: skip
nbinom = _Discrete(
    "nbinom", "n p", lambda k, n, p: -betaln(n, k + 1) - log(n + k) + n * log(p) + xlog1py(k, -p),
    0, math.inf, 0, lambda n, p: greater(n, 0) * greater(p, 0) * less_equal(p, 1),
)  # fmt: skip
geom = _Discrete(
    "geom", "p", lambda k, p: xlog1py(k - 1, -p) + log(p), 1, math.inf, 1, lambda p: greater(p, 0) * less_equal(p, 1)
)
poisson = _Discrete(
    "poisson", "mu", lambda k, mu: xlogy(k, mu) - gammaln(k + 1) - mu, 0, math.inf, 0, lambda mu: greater_equal(mu, 0)
)


# Of vectors.


class _MultivariateNormal:
    """The normal distribution of vectors."""

    @public()
    def logpdf(self, x: Any, mean: Any = 0.0, cov: Any = 1.0) -> Tensor:
        """The logarithm of the density at each vector of ``x``, by Cholesky's factor of the covariance; nan where it has none.

        Parameters
        ----------
        x : array_like
            (…, d); a number or a vector of them for d = 1.
        mean : array_like, default 0
            (d,), or a number for all.
        cov : array_like, default 1
            The covariances, (d, d); the variances, (d,); or one variance for all.
        """
        cov, mean = as_tensor(cov) * 1.0, as_tensor(mean) * 1.0
        d = max([t.shape[-1] for t in (mean, cov) if t.ndim], default=None)
        x = as_tensor(x)
        d = (x.shape[-1] if x.ndim else 1) if d is None else d
        x = expand_dims(x, -1) if d == 1 and (x.ndim == 0 or x.shape[-1] != 1) else x
        if x.ndim == 0 or x.shape[-1] != d or cov.ndim > 2 or (cov.ndim == 2 and cov.shape != (d, d)):
            raise ShapeError(
                f"multivariate_normal: vectors of shape {x.shape}, a mean of {mean.shape} and covariances of {cov.shape}. "
                f"Give (…, d), (d,) and (d, d)."
            )
        apart = x - mean
        if cov.ndim < 2:
            total, size = sum(square(apart) / cov, -1), sum(log(cov) + np.zeros(d))
        else:
            factor = cholesky(cov)
            rows = swapaxes(reshape(apart, (-1, d)), 0, 1)
            whitened = solve_triangular(factor, rows, lower=True)
            total = reshape(sum(square(whitened), 0), apart.shape[:-1])
            size = 2 * sum(log(diagonal(factor)))
        return -(total + size) / 2 - d * _LOG_ROOT

    @public()
    def pdf(self, x: Any, mean: Any = 0.0, cov: Any = 1.0) -> Tensor:
        """The density, see ``logpdf``."""
        made: Tensor = exp(self.logpdf(x, mean, cov))
        return made


class _Dirichlet:
    """Dirichlet's distribution."""

    @public()
    def logpdf(self, x: Any, alpha: Any) -> Tensor:
        """The logarithm of the density at ``x``, (k,) or k rows of as many columns as there are vectors, for (k,) ``alpha``.

        The last row may be missing: it is what the others leave of 1. -inf where they have not the sum 1 or one is below 0.
        """
        x, alpha = as_tensor(x) * 1.0, as_tensor(alpha) * 1.0
        if x.ndim and x.shape[0] == alpha.shape[0] - 1:
            x = concatenate([x, 1.0 - sum(x, 0, keepdims=True)])
        if x.ndim == 0 or alpha.ndim != 1 or x.shape[0] != alpha.shape[0]:
            raise ShapeError(
                f"dirichlet: a value of shape {x.shape} for alpha of {alpha.shape}. Give (k,) or (k, n), and (k,)."
            )
        column = reshape(alpha, (-1,) + (1,) * (x.ndim - 1))
        rounding = 10 * math.sqrt(np.finfo(x.dtype).eps)
        within = less_equal(abs(sum(x, 0) - 1), rounding) * all(x >= 0, 0)
        terms = xlogy(column - 1, where(expand_dims(within, 0), x, 0.5))
        made = sum(terms, 0) + gammaln(sum(alpha)) - sum(gammaln(alpha))
        return where(all(alpha > 0), where(within, made, -math.inf), math.nan)

    @public()
    def pdf(self, x: Any, alpha: Any) -> Tensor:
        """The density, see ``logpdf``."""
        made: Tensor = exp(self.logpdf(x, alpha))
        return made


class _Multinomial:
    """The multinomial distribution."""

    @public()
    def logpmf(self, x: Any, n: Any, p: Any) -> Tensor:
        """The logarithm of the probability of the counts ``x``, (…, k), in ``n`` trials of probabilities ``p``, (…, k).

        The last probability is what the others leave of 1. -inf where the counts have not the sum ``n``.
        """
        x, n, p = as_tensor(x) * 1.0, as_tensor(n) * 1.0, as_tensor(p) * 1.0
        p = concatenate([p[..., :-1], 1.0 - sum(p[..., :-1], -1, keepdims=True)], axis=-1)
        within = equal(sum(x, -1), n) * all(greater_equal(x, 0) * equal(x, floor(x)), -1)
        counts = where(expand_dims(within, -1), x, 0.0)
        made = gammaln(n + 1) + sum(xlogy(counts, p) - gammaln(counts + 1), -1)
        return where(all(_unit(p), -1) * greater_equal(n, 0), where(within, made, -math.inf), math.nan)

    @public()
    def pmf(self, x: Any, n: Any, p: Any) -> Tensor:
        """The probability, see ``logpmf``."""
        made: Tensor = exp(self.logpmf(x, n, p))
        return made


multivariate_normal, dirichlet, multinomial = _MultivariateNormal(), _Dirichlet(), _Multinomial()

__all__ = [
    "bernoulli", "beta", "binom", "cauchy", "chi2", "dirichlet", "expon", "gamma", "geom", "gumbel_r", "halfnorm", "invgamma",
    "laplace", "logistic", "lognorm", "multinomial", "multivariate_normal", "nbinom", "norm", "pareto", "poisson", "t",
    "uniform", "weibull_min",
]  # fmt: skip
