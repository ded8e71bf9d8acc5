"""Log-densities of distributions, with the names and parameters of ``scipy.stats``: ``jitgrad.stats``.

``stats.norm.logpdf(x, loc, scale)`` returns the logarithm of a density. It is composed of ops and has derivatives with respect
to the value and to all parameters. Outside of the support, the density is 0 and its logarithm is -inf. For invalid parameters,
the result is nan.
"""

from jitgrad.functions.stats.continuous import (
    beta,
    cauchy,
    chi2,
    expon,
    gamma,
    gumbel_r,
    halfnorm,
    invgamma,
    laplace,
    logistic,
    lognorm,
    norm,
    pareto,
    t,
    uniform,
    weibull_min,
)
from jitgrad.functions.stats.discrete import bernoulli, binom, geom, nbinom, poisson
from jitgrad.functions.stats.multivariate import dirichlet, multinomial, multivariate_normal

__all__ = [
    "bernoulli", "beta", "binom", "cauchy", "chi2", "dirichlet", "expon", "gamma", "geom", "gumbel_r", "halfnorm", "invgamma",
    "laplace", "logistic", "lognorm", "multinomial", "multivariate_normal", "nbinom", "norm", "pareto", "poisson", "t",
    "uniform", "weibull_min",
]  # fmt: skip
