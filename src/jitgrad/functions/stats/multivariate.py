"""Distributions of vectors."""

from __future__ import annotations

import math

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.functions.diagonals import diagonal
from jitgrad.functions.joining import concatenate
from jitgrad.functions.linalg import cholesky, solve_triangular
from jitgrad.functions.logic import all
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import expand_dims, reshape, swapaxes
from jitgrad.functions.special import gammaln, xlogy
from jitgrad.functions.stats.distribution import LOG_ROOT, unit
from jitgrad.ops.elementwise import abs, equal, exp, floor, greater_equal, less_equal, log, square, where
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


class _MultivariateNormal:
    """Multivariate normal distribution.

    Notes
    -----
    The methods are::

        multivariate_normal.logpdf(x, mean=0.0, cov=1.0)
        multivariate_normal.pdf(x, mean=0.0, cov=1.0)

    The density of a vector x of length d is::

        exp(-(x - mean) @ inv(cov) @ (x - mean) / 2) / sqrt((2 * pi)**d * det(cov))

    It is computed with the Cholesky decomposition of the covariance matrix.

    See Also
    --------
    scipy.stats.multivariate_normal : The same distribution in SciPy.

    Examples
    --------
    >>> jg.stats.multivariate_normal.logpdf([1.0, 0.0], mean=[0.0, 0.0], cov=[[2.0, 0.5], [0.5, 1.0]])
    <Tensor shape=() dtype=float64 -2.40339925>
    """

    @public()
    def logpdf(self, x: ArrayLike, mean: ArrayLike = 0.0, cov: ArrayLike = 1.0) -> Tensor:
        """Logarithm of the probability density.

        Parameters
        ----------
        x : array_like, shape (..., d)
            Vectors. For d = 1, numbers are also accepted.
        mean : array_like, shape (d,), default 0
            Mean, or one number for all components.
        cov : array_like, shape (d, d), default 1
            Covariance matrix, the variances as a vector of shape (d,), or one variance for all components.

        Returns
        -------
        Tensor, shape (...)
            The logarithms; nan if ``cov`` is not positive definite.

        Raises
        ------
        ShapeError
            If the shapes do not match.
        """
        cov, mean = as_tensor(cov) * 1.0, as_tensor(mean) * 1.0
        d = max([t.shape[-1] for t in (mean, cov) if t.ndim], default=None)
        x = as_tensor(x)
        d = (x.shape[-1] if x.ndim else 1) if d is None else d
        x = expand_dims(x, -1) if d == 1 and (x.ndim == 0 or x.shape[-1] != 1) else x
        if x.ndim == 0 or x.shape[-1] != d or cov.ndim > 2 or (cov.ndim == 2 and cov.shape != (d, d)):
            raise ShapeError(
                f"multivariate_normal: x of shape {x.shape}, mean of {mean.shape} and cov of {cov.shape} do not match. "
                f"Pass shapes (…, d), (d,) and (d, d)."
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
        return -(total + size) / 2 - d * LOG_ROOT

    @public()
    def pdf(self, x: ArrayLike, mean: ArrayLike = 0.0, cov: ArrayLike = 1.0) -> Tensor:
        """Probability density, see `logpdf`.

        Parameters
        ----------
        x : array_like, shape (..., d)
            Vectors.
        mean : array_like, shape (d,), default 0
            Mean.
        cov : array_like, shape (d, d), default 1
            Covariance matrix, variances, or one variance.

        Returns
        -------
        Tensor, shape (...)
            The densities.
        """
        made: Tensor = exp(self.logpdf(x, mean, cov))
        return made


class _Dirichlet:
    """Dirichlet distribution.

    Notes
    -----
    The methods are::

        dirichlet.logpdf(x, alpha)
        dirichlet.pdf(x, alpha)

    The density of a vector x of k nonnegative numbers that sum to 1 is::

        prod(x**(alpha - 1)) * gamma(sum(alpha)) / prod(gamma(alpha))

    where ``gamma`` is the gamma function. For other vectors, the density is 0 and its logarithm is -inf. For invalid
    parameters, the result is nan.

    See Also
    --------
    scipy.stats.dirichlet : The same distribution in SciPy.

    Examples
    --------
    >>> jg.stats.dirichlet.logpdf([0.2, 0.3, 0.5], alpha=[1.0, 2.0, 3.0])
    <Tensor shape=() dtype=float64 1.5040774>
    """

    @public()
    def logpdf(self, x: ArrayLike, alpha: ArrayLike) -> Tensor:
        """Logarithm of the probability density.

        Parameters
        ----------
        x : array_like, shape (k, ...) or (k - 1, ...)
            Vectors along the first axis, as in SciPy. The last component may be omitted; it is 1 minus the sum of the others.
        alpha : array_like, shape (k,)
            Concentration parameters, positive.

        Returns
        -------
        Tensor, shape (...)
            The logarithms; -inf if a component is negative or the components do not sum to 1.

        Raises
        ------
        ShapeError
            If the shapes do not match.
        """
        x, alpha = as_tensor(x) * 1.0, as_tensor(alpha) * 1.0
        if x.ndim and x.shape[0] == alpha.shape[0] - 1:
            x = concatenate([x, 1.0 - sum(x, 0, keepdims=True)])
        if x.ndim == 0 or alpha.ndim != 1 or x.shape[0] != alpha.shape[0]:
            raise ShapeError(
                f"dirichlet: x of shape {x.shape} and alpha of {alpha.shape} do not match. "
                f"Pass shapes (k,) or (k, n), and (k,)."
            )
        column = reshape(alpha, (-1,) + (1,) * (x.ndim - 1))
        rounding = 10 * math.sqrt(np.finfo(x.dtype).eps)
        within = less_equal(abs(sum(x, 0) - 1), rounding) * all(x >= 0, 0)
        terms = xlogy(column - 1, where(expand_dims(within, 0), x, 0.5))
        made = sum(terms, 0) + gammaln(sum(alpha)) - sum(gammaln(alpha))
        return where(all(alpha > 0), where(within, made, -math.inf), math.nan)

    @public()
    def pdf(self, x: ArrayLike, alpha: ArrayLike) -> Tensor:
        """Probability density, see `logpdf`.

        Parameters
        ----------
        x : array_like, shape (k, ...) or (k - 1, ...)
            Vectors along the first axis.
        alpha : array_like, shape (k,)
            Concentration parameters, positive.

        Returns
        -------
        Tensor, shape (...)
            The densities.
        """
        made: Tensor = exp(self.logpdf(x, alpha))
        return made


class _Multinomial:
    """Multinomial distribution.

    Notes
    -----
    The methods are::

        multinomial.logpmf(x, n, p)
        multinomial.pmf(x, n, p)

    The probability of the counts x of k categories in n trials is::

        gamma(n + 1) * prod(p**x / gamma(x + 1))

    where ``gamma`` is the gamma function. If the counts do not sum to n, the probability is 0 and its logarithm is -inf. For
    invalid parameters, the result is nan.

    See Also
    --------
    scipy.stats.multinomial : The same distribution in SciPy.

    Examples
    --------
    >>> jg.stats.multinomial.logpmf([1, 2, 3], n=6, p=[0.2, 0.3, 0.5])
    <Tensor shape=() dtype=float64 -2.0024805>
    """

    @public()
    def logpmf(self, x: ArrayLike, n: ArrayLike, p: ArrayLike) -> Tensor:
        """Logarithm of the probability mass function.

        Parameters
        ----------
        x : array_like, shape (..., k)
            Counts.
        n : array_like
            Number of trials.
        p : array_like, shape (..., k)
            Probabilities of the categories. The last one is replaced by 1 minus the sum of the others, as in SciPy.

        Returns
        -------
        Tensor, shape (...)
            The logarithms; -inf if the counts do not sum to ``n``.
        """
        x, n, p = as_tensor(x) * 1.0, as_tensor(n) * 1.0, as_tensor(p) * 1.0
        p = concatenate([p[..., :-1], 1.0 - sum(p[..., :-1], -1, keepdims=True)], axis=-1)
        within = equal(sum(x, -1), n) * all(greater_equal(x, 0) * equal(x, floor(x)), -1)
        counts = where(expand_dims(within, -1), x, 0.0)
        made = gammaln(n + 1) + sum(xlogy(counts, p) - gammaln(counts + 1), -1)
        return where(all(unit(p), -1) * greater_equal(n, 0), where(within, made, -math.inf), math.nan)

    @public()
    def pmf(self, x: ArrayLike, n: ArrayLike, p: ArrayLike) -> Tensor:
        """Probability mass function, see `logpmf`.

        Parameters
        ----------
        x : array_like, shape (..., k)
            Counts.
        n : array_like
            Number of trials.
        p : array_like, shape (..., k)
            Probabilities of the categories.

        Returns
        -------
        Tensor, shape (...)
            The probabilities.
        """
        made: Tensor = exp(self.logpmf(x, n, p))
        return made


multivariate_normal, dirichlet, multinomial = _MultivariateNormal(), _Dirichlet(), _Multinomial()
