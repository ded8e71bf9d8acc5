"""Log-densities against SciPy's: values, supports, parameters that no distribution has, derivatives, dtypes, errors."""

from __future__ import annotations

import doctest
import inspect
import warnings
from typing import Any

import numpy as np
import pytest
from numpydoc.docscrape import NumpyDocString
from scipy import special
from scipy import stats as theirs

import jitgrad as jg
from jitgrad import stats
from jitgrad.errors import ArgumentError, OptionError, ShapeError
from jitgrad.functions.stats.distribution import Distribution

X = np.array([-np.inf, -3.0, -0.5, -0.0, 0.0, 0.2, 0.99, 1.0, 1.7, 4.0, 30.0, np.inf, np.nan])
K = np.array([-1.0, 0, 0.5, 1, 2, 3, 5, 6, 40, np.inf, np.nan])

# Shapes of distributions, some that there are and at last some that there are not.
CONTINUOUS: dict[str, list[tuple[float, ...]]] = {
    **{name: [()] for name in ("norm", "halfnorm", "cauchy", "laplace", "logistic", "gumbel_r", "expon", "uniform")},
    "t": [(0.7,), (4.0,), (1e6,), (-1.0,)], "lognorm": [(0.3,), (2.0,), (0.0,)], "gamma": [(0.5,), (1.0,), (7.0,), (-0.5,)],
    "chi2": [(1.0,), (2.0,), (9.5,), (-2.0,)], "beta": [(0.5, 0.5), (1.0, 1.0), (2.0, 5.0), (-1.0, 2.0)],
    "weibull_min": [(0.7,), (1.0,), (3.0,), (-1.0,)], "invgamma": [(0.5,), (3.0,), (-0.5,)], "pareto": [(2.5,), (-1.0,)],
}  # fmt: skip
DISCRETE: dict[str, list[tuple[float, ...]]] = {
    "poisson": [(0.0,), (0.3,), (40.0,), (-1.0,)], "bernoulli": [(0.0,), (0.3,), (1.0,), (1.5,)],
    "binom": [(5.0, 0.3), (5.0, 0.0), (5.0, 1.0), (0.0, 0.5), (5.0, -0.1), (2.5, 0.3)],
    "nbinom": [(3.0, 0.2), (2.5, 1.0), (-1.0, 0.3), (2.0, 0.0)],
    "geom": [(0.3,), (1.0,), (0.0,), (1.2,)],
}  # fmt: skip


def log_density(module: Any, name: str) -> Any:
    return getattr(getattr(module, name), "logpdf" if name in CONTINUOUS else "logpmf")


@pytest.mark.parametrize("name", [*CONTINUOUS, *DISCRETE])
def test_values_supports_and_parameters_are_scipys(name: str) -> None:
    x = X if name in CONTINUOUS else K
    moved = [(), (0.5, 2.0), (-1.0, 0.1), (0.0, -1.0)] if name in CONTINUOUS else [(), (1.0,)]
    for shapes in {**CONTINUOUS, **DISCRETE}[name]:
        for more in moved:
            with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
                expected = log_density(theirs, name)(x, *shapes, *more)
            got = np.asarray(log_density(stats, name)(x, *shapes, *more))
            expected = np.where(np.isinf(x) & (got == -np.inf), got, expected)  # the limit, where some of SciPy's are nan
            np.testing.assert_allclose(got, expected, rtol=1e-9 if shapes == (1e6,) else 1e-12, atol=1e-14)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_derivatives_by_values_and_parameters(name: str) -> None:
    x = np.array([1.5, 3.0]) if name == "pareto" else np.array([0.3, 0.8])
    f = log_density(stats, name)
    for given in CONTINUOUS[name]:
        if all(0 < v < 1e6 for v in given):
            jg.check_grads(
                lambda x, loc, scale, *s: f(x * scale + loc, *s, loc, scale),
                (x, 0.3, 1.2, *given),
                order=2,
                rtol=1e-3,
                atol=1e-3,
            )


@pytest.mark.parametrize(
    ("f", "given"),
    [
        (lambda mu: stats.poisson.logpmf(np.array([0.0, 2, 5]), mu), (0.3,)),
        (lambda p: stats.bernoulli.logpmf(np.array([0.0, 1]), p), (0.3,)),
        (lambda p: stats.binom.logpmf(np.array([0.0, 2, 5]), 5, p), (0.3,)),
        (lambda n, p: stats.nbinom.logpmf(np.array([0.0, 2, 5]), n, p), (2.5, 0.3)),
        (lambda p: stats.geom.logpmf(np.array([1.0, 4]), p), (0.3,)),
    ],
)
def test_derivatives_by_parameters_of_discrete_ones(f: Any, given: tuple[float, ...]) -> None:
    jg.check_grads(f, given, order=2, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [*CONTINUOUS, *DISCRETE])
def test_gradients_outside_of_the_support_are_finite(name: str) -> None:
    given = next(s for s in {**CONTINUOUS, **DISCRETE}[name] if all(v > 0 for v in s))
    x = np.array([-5.0, 0.5, 77.0]) if name in CONTINUOUS else np.array([-1.0, 1.5, 1e6])
    for i in range(len(given)):
        slope = jg.grad(lambda *s: jg.sum(jg.where(jg.isfinite(y := log_density(stats, name)(x, *s)), y, 0.0)), i)(*given)
        assert np.isfinite(float(slope))


def test_parameters_by_name_and_float32() -> None:
    x = np.array([0.2, 1.0], np.float32)
    for got, expected in [
        (stats.gamma.logpdf(x, a=2.0, scale=0.5), theirs.gamma.logpdf(x, 2.0, scale=0.5)),
        (stats.norm.pdf(x, loc=1.0), theirs.norm.pdf(x, 1.0)),
        (stats.binom.pmf(np.float32([1, 2]), n=5, p=0.25), theirs.binom.pmf([1, 2], 5, 0.25)),
    ]:
        assert got.dtype == np.float32
        np.testing.assert_allclose(np.asarray(got), expected, rtol=2e-6)


def test_multivariate_normal() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 3))
    cov, mean, x = a @ a.T + np.eye(3), rng.normal(size=3), rng.normal(size=(2, 4, 3))
    for arguments in ((x, mean, cov), (x[0, 0], mean, cov), (x, mean, np.diag(cov)), (x, mean), (x, mean, 2.0)):
        expected = theirs.multivariate_normal.logpdf(*arguments)
        got = stats.multivariate_normal.logpdf(*arguments)
        assert got.shape == np.shape(expected)
        np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-12)
    np.testing.assert_allclose(float(stats.multivariate_normal.pdf(0.3)), theirs.multivariate_normal.pdf(0.3), rtol=1e-14)
    one = stats.multivariate_normal.logpdf(x[0, 0], 0.5, np.array([[2.0]]))
    np.testing.assert_allclose(np.asarray(one), theirs.multivariate_normal.logpdf(x[0, 0], 0.5, 2.0), rtol=1e-13)
    jg.check_grads(stats.multivariate_normal.logpdf, (x, mean, cov), order=2, rtol=1e-4, atol=1e-4)
    assert np.isnan(float(stats.multivariate_normal.logpdf(mean, mean, -cov)))


def test_dirichlet_and_multinomial() -> None:
    alpha, x = np.array([0.5, 1.0, 3.0]), np.array([[0.2, 0.1], [0.3, 0.0], [0.5, 0.9]])
    for given in (x, x[:, 0], x[:2]):
        np.testing.assert_allclose(
            stats.dirichlet.logpdf(given, alpha).numpy(), theirs.dirichlet.logpdf(given, alpha), rtol=1e-13
        )
    np.testing.assert_allclose(stats.dirichlet.pdf(x, alpha).numpy(), theirs.dirichlet.pdf(x, alpha), rtol=1e-13)
    assert float(stats.dirichlet.logpdf([0.2, 0.2, 0.2], alpha)) == -np.inf
    assert np.isnan(float(stats.dirichlet.logpdf([0.2, 0.3, 0.5], -alpha)))
    jg.check_grads(lambda a: stats.dirichlet.logpdf(x[:, 0], a), (alpha,), order=2)
    p, k = np.array([0.2, 0.3, 0.5]), np.array([[1, 2, 3], [0, 0, 6], [1, 1, 1]])
    np.testing.assert_allclose(stats.multinomial.logpmf(k, 6, p).numpy(), theirs.multinomial.logpmf(k, 6, p), rtol=1e-13)
    np.testing.assert_allclose(stats.multinomial.pmf(k[0], 6, p).numpy(), theirs.multinomial.pmf(k[0], 6, p), rtol=1e-13)
    jg.check_grads(lambda p: stats.multinomial.logpmf(k[:2], 6, p), (p,), order=2)


def test_a_maximum_of_likelihood() -> None:
    sample = theirs.gamma.rvs(3.0, scale=2.0, size=500, random_state=0)
    a, scale = jg.Variable(1.0), jg.Variable(1.0)
    jg.optimizers.Adam(0.05).minimize(lambda: -jg.mean(stats.gamma.logpdf(sample, a, scale=scale)), [a, scale], steps=3000)
    expected = theirs.gamma.fit(sample, floc=0)
    assert [float(a), float(scale)] == pytest.approx([expected[0], expected[2]], rel=1e-4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: stats.gamma.logpdf(1.0), ArgumentError, "gamma: a is missing. Its parameters are a, loc, scale."),
        (lambda: stats.norm.logpdf(1.0, sigma=2.0), OptionError, "norm has no parameter 'sigma'"),
        (lambda: stats.norm.logpdf(1.0, 0.0, loc=2.0), OptionError, "got 'loc' by position and by name"),
        (lambda: stats.norm.logpdf(1.0, 0.0, 1.0, 2.0), OptionError, "got 3 parameters. It has at most 2: loc, scale."),
        (lambda: stats.multivariate_normal.logpdf(np.ones(2), np.ones(3)), ShapeError, "Pass shapes .* and"),
        (lambda: stats.dirichlet.logpdf(np.ones(5), np.ones(3)), ShapeError, "dirichlet: x of shape"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


ALL = {name: getattr(stats, name) for name in stats.__all__}


@pytest.mark.parametrize("name", ALL)
def test_docstrings_have_parameters_and_examples_that_run(name: str) -> None:
    text = inspect.cleandoc(str(ALL[name].__doc__))
    doc = NumpyDocString(text)
    assert " ".join(doc["Summary"]).endswith(".")
    if isinstance(ALL[name], Distribution):
        assert [entry.name for entry in doc["Parameters"]] == list(ALL[name].parameters)
    example = doctest.DocTestParser().get_doctest(text, {"jg": jg}, name, None, None)
    assert doctest.DocTestRunner(verbose=False).run(example).failed == 0
    for method in ("logpdf", "pdf", "logpmf", "pmf"):
        if hasattr(ALL[name], method):
            assert NumpyDocString(inspect.getdoc(getattr(ALL[name], method)))["Returns"]


@pytest.mark.parametrize("name", [*CONTINUOUS, *DISCRETE])
def test_formulas_of_docstrings_are_the_densities(name: str) -> None:
    doc = ALL[name].doc
    variable, points = ("x", (1.25, 2.5) if name == "pareto" else (0.25, 0.75)) if name in CONTINUOUS else ("k", (1.0, 0.0))
    names: dict[str, Any] = {f: getattr(np, f) for f in ("abs", "exp", "log", "sqrt", "pi")}
    names |= {"gamma": special.gamma, "beta": special.beta} | doc.example
    for point in points[: 1 if name == "geom" else 2]:
        density = (ALL[name].pdf if name in CONTINUOUS else ALL[name].pmf)(point, **doc.example)
        np.testing.assert_allclose(float(density), eval(doc.formula, names | {variable: point}), rtol=1e-12)
