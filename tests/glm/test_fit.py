"""Fits of generalised linear models: what they say of themselves, and what they do not depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from jitgrad import glm
from jitgrad.errors import ArgumentError, DataError, FitError
from jitgrad.glm.result import Fit

DRAW = np.random.default_rng(7)
N = 80
X = np.column_stack([DRAW.normal(size=N), DRAW.normal(3, 2, N), DRAW.integers(0, 2, N)])
ETA = 0.4 + X @ [0.3, -0.1, 0.2]
COUNTS = DRAW.negative_binomial(1, 1 / (1 + np.exp(ETA + 1))).astype(float)
TARGETS = {
    "gaussian": ETA + DRAW.normal(size=N),
    "binomial": DRAW.binomial(1, 1 / (1 + np.exp(-ETA))).astype(float),
    "poisson": COUNTS,
    "gamma": DRAW.gamma(3, np.exp(ETA) / 3),
    "inverse_gaussian": DRAW.wald(np.exp(ETA), 4),
    "negative_binomial": COUNTS,
    "quasi_poisson": COUNTS,
    "quasi_binomial": DRAW.binomial(5, 1 / (1 + np.exp(-ETA))) / 5,
    "multinomial": DRAW.integers(0, 3, N).astype(float),
}
LINK = {"gamma": "log", "inverse_gaussian": "log"}
FIGURES = ("n", "dispersion", "df_resid", "log_likelihood", "null_log_likelihood", "deviance", "null_deviance", "theta")


def fit(family: str, x: np.ndarray = X, y: np.ndarray | None = None, **given: Any) -> Fit:
    return glm.fit(x, TARGETS[family] if y is None else y, family, given.pop("link", LINK.get(family)), **given)


def assert_same(got: Fit, expected: Fit, figures: tuple[str, ...] = FIGURES, tolerance: float = 1e-7) -> None:
    assert got.converged and expected.converged
    scale = np.sqrt(np.outer(np.diag(expected.covariance), np.diag(expected.covariance)))
    np.testing.assert_allclose(got.coefficients, expected.coefficients, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(got.covariance / scale, expected.covariance / scale, atol=tolerance)
    for name in figures:
        np.testing.assert_allclose(getattr(got, name), getattr(expected, name), rtol=tolerance, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("family", TARGETS)
def test_frequencies_are_rows_that_are_repeated(family: str, draw: np.random.Generator) -> None:
    times = draw.integers(0, 4, N)
    rows = np.repeat(np.arange(N), times)
    y = TARGETS[family]
    assert_same(fit(family, freq_weights=times), fit(family, X[rows], y[rows]))


@pytest.mark.parametrize("family", TARGETS)
def test_rows_without_weight_are_none(family: str, draw: np.random.Generator) -> None:
    weights = draw.integers(0, 2, N) * draw.uniform(0.5, 2, N)
    kept = weights > 0
    assert_same(fit(family, weights=weights), fit(family, X[kept], TARGETS[family][kept], weights=weights[kept]))


@pytest.mark.parametrize("family", TARGETS)
@settings(max_examples=5, deadline=None)
@given(st.permutations(range(N)), st.lists(st.floats(-5, 5), min_size=6, max_size=6))
def test_order_and_units_change_nothing(family: str, order: list[int], units: list[float]) -> None:
    """Coefficients go with the units of their features, and the intercept with where these begin."""
    factor, shift = 10 ** np.array(units[:3]), np.array(units[3:])
    expected, got = fit(family), fit(family, (X[order] + shift) * factor, TARGETS[family][order])
    slopes = got.coefficients[1:] * factor[:, None]
    np.testing.assert_allclose(slopes, expected.coefficients[1:], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(got.coefficients[0] + shift @ slopes, expected.coefficients[0], rtol=1e-6, atol=1e-6)
    for name in FIGURES:
        np.testing.assert_allclose(getattr(got, name), getattr(expected, name), rtol=1e-7, err_msg=name)


@pytest.mark.parametrize("family", [name for name in TARGETS if name != "multinomial"])
def test_an_offset_is_a_feature_whose_coefficient_is_one(family: str) -> None:
    expected, moved = fit(family), fit(family, offset=0.7 * X[:, 0] - 2)
    difference = np.array([-2, 0.7, 0, 0])[:, None]
    np.testing.assert_allclose(moved.coefficients, expected.coefficients - difference, rtol=1e-7, atol=1e-8)
    for name in ("deviance", "log_likelihood", "dispersion", "theta"):
        np.testing.assert_allclose(getattr(moved, name), getattr(expected, name), rtol=1e-8, err_msg=name)
    np.testing.assert_allclose(moved.predict(X, 0.7 * X[:, 0] - 2), expected.predict(X), rtol=1e-7)
    assert moved.null_deviance != pytest.approx(expected.null_deviance, rel=1e-3)
    constant = fit(family, offset=np.full(N, 1.5))
    np.testing.assert_allclose(constant.null_deviance, expected.null_deviance, rtol=1e-9)
    np.testing.assert_allclose(constant.null_log_likelihood, expected.null_log_likelihood, rtol=1e-9)


def test_weights_are_precisions(draw: np.random.Generator) -> None:
    """Means of several numbers have their number as weights: the same estimates, by another residual variance."""
    groups = np.repeat(np.arange(20), 4)
    x, y = X[:20], X[:20] @ [1, 2, 3] + 0.5
    numbers = y[groups] + draw.normal(size=N)
    means = np.bincount(groups, numbers) / 4
    whole, of_means = glm.fit(x[groups], numbers), glm.fit(x, means, weights=np.full(20, 4.0))
    np.testing.assert_allclose(of_means.coefficients, whole.coefficients, rtol=1e-12)
    np.testing.assert_allclose(of_means.covariance / of_means.dispersion, whole.covariance / whole.dispersion, rtol=1e-12)
    expected = stats.norm(of_means.predict(x), np.sqrt(of_means.deviance / 20 / 4)).logpdf(means).sum()
    assert of_means.log_likelihood == pytest.approx(expected, rel=1e-12)


def test_trials_are_rows_of_their_own(draw: np.random.Generator) -> None:
    trials = draw.integers(1, 6, N)
    hits = draw.binomial(trials, 1 / (1 + np.exp(-ETA)))
    rows = np.repeat(np.arange(N), trials)
    each = np.concatenate([np.r_[np.ones(k), np.zeros(m - k)] for k, m in zip(hits, trials, strict=True)])
    got, expected = glm.fit(X, hits / trials, "binomial", trials=trials), glm.fit(X[rows], each, "binomial")
    np.testing.assert_allclose(got.coefficients, expected.coefficients, rtol=1e-9)
    np.testing.assert_allclose(got.covariance, expected.covariance, rtol=1e-7)
    assert got.log_likelihood == pytest.approx(stats.binom(trials, got.predict(X)).logpmf(hits).sum(), rel=1e-12)
    assert got.n == N


def density(fit: Fit, mean: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The logarithm of a family's density, by SciPy."""
    dispersion = fit.deviance / fit.n
    if fit.family.name == "inverse_gaussian":
        return stats.invgauss(mean * dispersion, scale=1 / dispersion).logpdf(y)
    return {
        "gaussian": lambda: stats.norm(mean, np.sqrt(dispersion)).logpdf(y),
        "binomial": lambda: stats.bernoulli(mean).logpmf(y),
        "poisson": lambda: stats.poisson(mean).logpmf(y),
        "gamma": lambda: stats.gamma(1 / dispersion, scale=mean * dispersion).logpdf(y),
        "negative_binomial": lambda: stats.nbinom(fit.theta, fit.theta / (fit.theta + mean)).logpmf(y),
    }[fit.family.name]()


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "gamma", "inverse_gaussian", "negative_binomial"])
def test_likelihoods_and_criteria(family: str) -> None:
    got = fit(family)
    assert got.log_likelihood == pytest.approx(density(got, got.predict(X), TARGETS[family]).sum(), rel=1e-11)
    k = 4 + (family not in ("binomial", "poisson"))
    assert got.aic == pytest.approx(2 * k - 2 * got.log_likelihood)
    assert got.bic == pytest.approx(np.log(N) * k - 2 * got.log_likelihood)
    assert got.aicc == pytest.approx(got.aic + 2 * k * (k + 1) / (N - k - 1))
    none = fit(family, x=np.empty((N, 0)))
    assert none.log_likelihood == pytest.approx(got.null_log_likelihood, rel=1e-10)
    assert none.deviance == pytest.approx(got.null_deviance if family != "negative_binomial" else none.null_deviance, rel=1e-10)


@pytest.mark.parametrize("family", ["quasi_poisson", "quasi_binomial"])
def test_a_quasi_likelihood_has_no_criteria(family: str) -> None:
    got = fit(family)
    assert np.isnan([got.log_likelihood, got.null_log_likelihood, got.aic, got.aicc, got.bic]).all()
    own = glm.fit(X, TARGETS[family], family.removeprefix("quasi_"))
    np.testing.assert_allclose(got.coefficients, own.coefficients, rtol=1e-10)
    np.testing.assert_allclose(got.covariance, own.covariance * own.pearson_chi2 / own.df_resid, rtol=1e-9)


def test_two_classes_are_a_proportion() -> None:
    one, two = fit("binomial"), fit("multinomial", y=TARGETS["binomial"])
    assert_same(two, one, ("n", "df_resid", "log_likelihood", "null_log_likelihood", "deviance", "null_deviance"))
    np.testing.assert_allclose(two.predict(X)[:, 1], one.predict(X), rtol=1e-9)


def test_the_most_likely_theta() -> None:
    """With the coefficients, by another search for the largest likelihood."""
    got = fit("negative_binomial")

    def cost(parameters: np.ndarray) -> float:
        theta, mean = np.exp(parameters[0]), np.exp(parameters[1] + X @ parameters[2:])
        return -stats.nbinom(theta, theta / (theta + mean)).logpmf(COUNTS).sum()

    best = optimize.minimize(cost, np.zeros(5), tol=1e-12)
    np.testing.assert_allclose([np.log(got.theta), *got.coefficients[:, 0]], best.x, atol=1e-4)
    assert -best.fun <= got.log_likelihood + 1e-9
    assert got.theta_standard_error > 0
    known = fit("negative_binomial", theta=got.theta)
    np.testing.assert_allclose(known.coefficients, got.coefficients, rtol=1e-7, atol=1e-9)
    assert known.aic == pytest.approx(got.aic - 2)


def test_counts_that_vary_too_little_have_no_theta() -> None:
    with pytest.raises(FitError, match=r"not overdispersed relative to a Poisson.*'poisson'"):
        glm.fit(X, np.tile([1.0, 2.0], N // 2), "negative_binomial")


@pytest.mark.parametrize("family", TARGETS)
def test_it_resumes_from_coefficients(family: str) -> None:
    whole = fit(family)
    again = fit(family, start=whole.coefficients)
    assert_same(again, whole)
    assert again.n_iter <= 2 < whole.n_iter or family in ("gaussian", "negative_binomial")


def test_half_steps_where_whole_ones_go_too_far() -> None:
    """At a mean of 2, a count of a million."""
    x, y = np.r_[np.zeros(999), 1.0][:, None], np.r_[np.ones(999), 1e6]
    got = glm.fit(x, y, "poisson")
    assert got.converged
    np.testing.assert_allclose(got.predict(x), y, rtol=1e-9)


def test_large_counts(draw: np.random.Generator) -> None:
    y = draw.poisson(np.exp(X[:, 0] + 30)).astype(float)
    got = glm.fit(X, y, "poisson")
    assert got.converged
    score = got.design(X).T @ (y - got.predict(X))
    assert np.abs(score / np.sqrt(np.diag(got.design(X).T @ (got.design(X) * y[:, None])))).max() < 1e-4


def test_a_maximum_at_the_edge_is_not_claimed() -> None:
    """Where the likelihood is largest a mean is 0, which a step can only come near."""
    x = np.arange(10.0)[:, None]
    got = glm.fit(x, np.r_[0.0, 0, 0, 1, 0, 2, 1, 30, 2, 40], "poisson", "identity")
    assert not got.converged and not got.separated
    assert got.predict(x).min() > 0


def test_wide_tables_are_met_and_have_no_errors(draw: np.random.Generator) -> None:
    x = draw.normal(size=(6, 9))
    got = glm.fit(x, x[:, 0] + 1)
    assert (got.df_resid, int(got.aliased.sum())) == (0, 4)
    assert np.isnan(got.dispersion) and np.isnan(got.covariance).all()
    np.testing.assert_allclose(got.predict(x), x[:, 0] + 1, atol=1e-9)


def test_a_fit_that_is_too_large_suggests_a_penalty() -> None:
    with pytest.raises(FitError, match=r"9001 coefficients with 3 rows.*penalty"):
        glm.fit(np.zeros((3, 9000)), np.zeros(3))


NOT_FINITE = np.where(np.arange(N) == 4, np.nan, 1.0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"x": X[:, 0]}, DataError, r"x has shape \(80,\) and y has shape \(80,\)"),
        ({"y": np.zeros(3)}, DataError, r"x has shape \(80, 3\) and y has shape \(3,\)"),
        ({"x": X * NOT_FINITE[:, None]}, DataError, "x has nan in row 4"),
        ({"y": NOT_FINITE}, DataError, "y has nan in row 4"),
        ({"family": "poison"}, ArgumentError, r"not a known family\. Did you mean 'poisson'"),
        ({"link": "logg"}, ArgumentError, r"not a known link\. Did you mean 'log'"),
        ({"family": "poisson", "y": -np.arange(N) + 3.0}, DataError, "y has -1 in row 4.* nonnegative"),
        ({"family": "gamma", "y": np.arange(N)}, DataError, "y has 0 in row 0.* positive"),
        ({"family": "binomial", "y": np.arange(N)}, DataError, "y has 2 in row 2.* between 0 and 1"),
        ({"family": "multinomial", "y": np.zeros(N)}, DataError, "a single class"),
        ({"family": "multinomial", "y": np.arange(N) / 2}, DataError, "0.5 in row 1.*integers"),
        ({"family": "multinomial", "y": np.arange(N) % 2, "offset": np.zeros(N)}, ArgumentError, "does not support link"),
        ({"weights": np.ones(3)}, DataError, r"weights has shape \(3,\)"),
        ({"weights": -np.ones(N)}, DataError, "weights has -1.0 in row 0.*nonnegative"),
        ({"freq_weights": NOT_FINITE}, DataError, "freq_weights has nan in row 4"),
        ({"weights": np.zeros(N)}, DataError, "No row has a positive weight"),
        ({"trials": np.ones(N)}, ArgumentError, "'gaussian' does not support trials"),
        ({"theta": 2.0}, ArgumentError, "'gaussian' has no parameter theta"),
        ({"family": "negative_binomial", "y": COUNTS, "theta": -1}, ArgumentError, "is -1. Give a positive number"),
        ({"start": np.zeros((3, 1))}, DataError, r"start has shape \(3, 1\).*\(4, 1\)"),
        ({"tol": 0}, ArgumentError, "tol"),
        ({"max_iter": 0}, ArgumentError, "max_iter"),
    ],
)  # fmt: skip
def test_what_cannot_be_fitted(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    given = {"x": X, "y": np.arange(N) / N, **arguments}
    with pytest.raises(error, match=message):
        glm.fit(given.pop("x"), given.pop("y"), **given)


@pytest.mark.parametrize("family", ["poisson", "binomial"])
def test_too_few_steps_are_said(family: str) -> None:
    got = fit(family, max_iter=1)
    assert not got.converged and not got.separated and got.n_iter == 1
    assert np.isfinite(got.covariance).all()


def test_a_long_fit_is_shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    fit("poisson", verbose=True)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("jitgrad.glm.progress.PATIENCE", 0.0)
    fit("poisson", verbose=True)
    assert "deviance" in capsys.readouterr().err
    fit("poisson", verbose=False)
    assert capsys.readouterr().err == ""


def test_one_number_for_all_rows_counts(draw: np.random.Generator) -> None:
    """An array that is one number again and again is what it says."""
    y = draw.poisson(np.exp(ETA)).astype(float)
    for name in ("offset", "weights", "freq_weights"):
        got, expected = (glm.fit(X, y, "poisson", **{name: made}) for made in (np.broadcast_to(2.0, N), np.full(N, 2.0)))
        assert_same(got, expected, (*FIGURES, "pearson_chi2"), 1e-12)
        assert got.deviance != pytest.approx(glm.fit(X, y, "poisson").deviance) or name == "offset"


def test_threads_of_matrix_products_change_no_bit() -> None:
    """A product on two threads adds in another order; fits of many features have theirs on one, and set back what was."""
    from jitgrad.glm.blas import _openblas

    functions = _openblas("numpy.linalg._umath_linalg")
    if functions is None:
        pytest.skip("NumPy's products are not OpenBLAS's, whose threads are set here")
    read, write = functions
    draw, before, made = np.random.default_rng(0), read(), []
    x = draw.normal(size=(2000, 100))
    y = x[:, 0] + draw.normal(size=2000)
    try:
        for threads in (1, 2):
            write(threads)
            fit = glm.fit(x, y)
            made.append((fit.coefficients, glm.covariance(fit, x, y, "HC1")))
            assert read() == threads
    finally:
        write(before)
    for first, second in zip(*made, strict=True):
        np.testing.assert_array_equal(first, second)
