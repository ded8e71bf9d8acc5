"""Discrete distributions.

Binomial coefficients are computed with the logarithm of the beta function, which avoids cancellation for large numbers.
"""

from __future__ import annotations

import math

from jitgrad.functions.special import betaln, gammaln, xlog1py, xlogy
from jitgrad.functions.stats.distribution import Discrete, Doc, unit
from jitgrad.ops.elementwise import equal, floor, greater, greater_equal, less_equal, log, log1p

_INTEGERS, _SUCCESS = "k = 0, 1, 2, ...", {"p": "Probability of success in a trial, from 0 to 1."}

bernoulli = Discrete(
    "bernoulli", Doc("Bernoulli distribution, of a single trial.", "p**k * (1 - p)**(1 - k)", "k = 0, 1", _SUCCESS, {"p": 0.3}),
    lambda k, p: xlogy(k, p) + xlog1py(1 - k, -p), 0, 1, 0, unit,
)  # fmt: skip
binom = Discrete(
    "binom",
    Doc("Binomial distribution, of the number of successes in n trials.",
        "p**k * (1 - p)**(n - k) / ((n + 1) * beta(k + 1, n - k + 1))", "k = 0, 1, ..., n",
        {"n": "Number of trials, an integer."} | _SUCCESS, {"n": 5, "p": 0.3}),
    lambda k, n, p: -betaln(k + 1, n - k + 1) - log1p(n) + xlogy(k, p) + xlog1py(n - k, -p),
    0, lambda n, p: n, 0, lambda n, p: greater_equal(n, 0) * equal(n, floor(n)) * unit(p),
)  # fmt: skip
nbinom = Discrete(
    "nbinom",
    Doc("Negative binomial distribution, of the number of failures before the n-th success.",
        "p**n * (1 - p)**k / ((n + k) * beta(n, k + 1))", _INTEGERS,
        {"n": "Number of successes, a positive real number."} | _SUCCESS, {"n": 2.5, "p": 0.3}),
    lambda k, n, p: -betaln(n, k + 1) - log(n + k) + n * log(p) + xlog1py(k, -p),
    0, math.inf, 0, lambda n, p: greater(n, 0) * greater(p, 0) * less_equal(p, 1),
)  # fmt: skip
geom = Discrete(
    "geom",
    Doc("Geometric distribution, of the number of trials up to the first success.", "(1 - p)**(k - 1) * p", "k = 1, 2, 3, ...",
        _SUCCESS, {"p": 0.3}),
    lambda k, p: xlog1py(k - 1, -p) + log(p), 1, math.inf, 1, lambda p: greater(p, 0) * less_equal(p, 1),
)  # fmt: skip
poisson = Discrete(
    "poisson",
    Doc("Poisson distribution.", "mu**k * exp(-mu) / gamma(k + 1)", _INTEGERS, {"mu": "Mean, nonnegative."}, {"mu": 2.0}),
    lambda k, mu: xlogy(k, mu) - gammaln(k + 1) - mu, 0, math.inf, 0, lambda mu: greater_equal(mu, 0),
)  # fmt: skip
