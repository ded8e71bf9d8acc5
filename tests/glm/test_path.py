"""Penalised paths: against scikit-learn, by the conditions of the minimum, and at what they must be equal to."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jitgrad.errors import ArgumentError, DataError, FitWarning, JitgradError
from jitgrad.glm import cross_validated, fit, path, quadratic
from jitgrad.glm.blas import _openblas
from jitgrad.glm.path import Path
from jitgrad.vm.threads import get_num_threads, set_num_threads

FAMILIES = ("gaussian", "binomial", "poisson", "multinomial")


def table(family: str, rows: int = 60, features: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Columns of different units, and a response of a family that goes with some of them."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, features))
    eta = x[:, 0] - 0.7 * x[:, features // 2]
    noisy = eta + draw.normal(size=rows)
    y = {
        "gaussian": noisy,
        "binomial": (noisy > 0.2).astype(float),
        "poisson": draw.poisson(np.exp(0.6 * eta)).astype(float),
        "multinomial": np.digitize(noisy, [-0.6, 0.5]),
    }[family]
    return x * np.geomspace(0.5, 5, features) + 1, y


def missed(found: Path, x: np.ndarray, y: np.ndarray, alpha: float, number: int, weights: np.ndarray | None = None) -> float:
    """How far a fit is from the minimum: by the gradient in the units of x, times the standard deviation of each column."""
    share = np.full(len(y), 1 / len(y)) if weights is None else weights / weights.sum()
    size = np.sqrt(share @ (x - share @ x) ** 2)
    mean = found.predict(x, number).reshape(len(y), -1)
    own = np.eye(mean.shape[1])[y] if found.family == "multinomial" else y[:, None]
    constant = size < 1e-9 * abs(x).max(0)
    gradient = (x / np.where(constant, 1, size)[:, None].T).T @ (share[:, None] * (own - mean))
    b = found.coefficients[number].reshape(x.shape[1], -1) * size[:, None]
    slope = gradient - alpha * (1 - found.l1_ratio) * b
    lasso = alpha * found.l1_ratio
    wrong = np.where(b == 0, np.maximum(abs(slope) - lasso, 0), abs(slope - lasso * np.sign(b)))[~constant]
    return float(max(wrong.max(initial=0), abs(share @ (own - mean)).max()))


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.01])
@pytest.mark.parametrize(("rows", "features"), [(80, 7), (30, 60)])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_numbers_are_those_of_scikit_learn(l1_ratio: float, rows: int, features: int, intercept: bool, weighted: bool) -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="what is compared with")
    x, y = table("gaussian", rows, features)
    weights = np.random.default_rng(1).uniform(0.2, 2, rows) if weighted else None
    found = path(x, y, l1_ratio=l1_ratio, standardize=False, intercept=intercept, weights=weights, n_alphas=4, eps=0.05)
    assert found.converged.all()
    for number, alpha in enumerate(found.alphas):
        model = linear.ElasticNet(alpha, l1_ratio=l1_ratio, fit_intercept=intercept, tol=1e-14, max_iter=10**6)
        model.fit(x, y, sample_weight=weights)
        np.testing.assert_allclose(found.coefficients[number], model.coef_, rtol=0, atol=1e-6)
        np.testing.assert_allclose(found.intercepts[number], model.intercept_, rtol=0, atol=1e-5)
        np.testing.assert_allclose(found.predict(x, number), model.predict(x), rtol=0, atol=1e-5)
    assert found.df[0] == 0


@pytest.mark.parametrize(("rows", "features"), [(80, 7), (30, 60)])
@pytest.mark.parametrize("weighted", [True, False])
def test_ridge_of_numbers_is_scikit_learns(rows: int, features: int, weighted: bool) -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="what is compared with")
    x, y = table("gaussian", rows, features)
    weights = np.random.default_rng(1).uniform(0.2, 2, rows) if weighted else np.ones(rows)
    found = path(x, y, l1_ratio=0, standardize=False, weights=weights, n_alphas=5, eps=1e-6)
    assert (found.n_iter == 0).all()
    for number, alpha in enumerate(found.alphas):
        model = linear.Ridge(alpha * weights.sum(), solver="svd").fit(x, y, sample_weight=weights)
        np.testing.assert_allclose(found.coefficients[number], model.coef_, rtol=1e-7, atol=1e-12)


def test_a_ridge_with_a_free_column_has_the_closed_forms_coefficients() -> None:
    """A column without a penalty makes the fit go by coordinate descent; a tiny one leaves the closed form."""
    x, y = table("gaussian")
    alphas, factor = [1.0, 0.1], np.ones(x.shape[1])
    factor[0] = 0
    free = path(x, y, l1_ratio=0, alphas=alphas, penalty_factor=factor)
    closed = path(x, y, l1_ratio=0, alphas=alphas, penalty_factor=np.where(factor, factor, 1e-9))
    np.testing.assert_allclose(free.coefficients, closed.coefficients, atol=1e-7)
    assert (closed.n_iter == 0).all() and (free.n_iter > 0).all()


@pytest.mark.parametrize("family", ["binomial", "multinomial"])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4, 0.0])
def test_classes_are_those_of_scikit_learn(family: str, l1_ratio: float) -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="what is compared with")
    x, y = table(family)
    x = (x - x.mean(0)) / x.std(0)
    found = path(x, y, family, l1_ratio=l1_ratio, standardize=False, alphas=0.05)
    solver = "newton-cg" if l1_ratio == 0 else "saga"
    model = linear.LogisticRegression(l1_ratio=l1_ratio, C=1 / (len(y) * 0.05), solver=solver, tol=1e-11, max_iter=20_000)
    coefficients = model.fit(x, y).coef_
    ours = found.coefficients[0].reshape(x.shape[1], -1).T
    np.testing.assert_allclose(ours, coefficients, rtol=0, atol=2e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_standardizing_is_dividing_by_the_standard_deviation(family: str) -> None:
    x, y = table(family)
    options: dict[str, Any] = {"l1_ratio": 0.7, "n_alphas": 6, "eps": 0.02}
    scaled = path((x - x.mean(0)) / x.std(0), y, family, standardize=False, **options)
    found = path(x, y, family, **options)
    np.testing.assert_allclose(found.alphas, scaled.alphas, rtol=1e-10)
    expected = scaled.coefficients / x.std(0).reshape((-1, 1) if family == "multinomial" else -1)
    np.testing.assert_allclose(found.coefficients, expected, rtol=0, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    family=st.sampled_from(FAMILIES), rows=st.integers(20, 60), features=st.integers(2, 50), l1_ratio=st.floats(0, 1),
    seed=st.integers(0, 1000), weighted=st.booleans(),
)  # fmt: skip
@example(family="multinomial", rows=20, features=34, l1_ratio=2.2250738585e-313, seed=0, weighted=False)
def test_the_conditions_of_the_minimum_hold(
    family: str, rows: int, features: int, l1_ratio: float, seed: int, weighted: bool
) -> None:
    x, y = table(family, rows, features, seed)
    weights = np.random.default_rng(seed).uniform(0.1, 2, rows) if weighted else None
    found = path(x, y, family, l1_ratio=l1_ratio, n_alphas=5, eps=0.01, weights=weights)
    assert found.converged.all()
    scale = found.alphas[0] * max(l1_ratio, 1e-3)
    for number, alpha in enumerate(found.alphas):
        assert missed(found, x, y, alpha, number, weights) <= 1e-8 * max(scale, 1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_small_penalty_leaves_the_maximum_of_the_likelihood(family: str) -> None:
    x, y = table(family, rows=200, features=4)
    found, expected = path(x, y, family, alphas=1e-9), fit(x, y, family)
    ours = np.concatenate([np.atleast_2d(found.intercepts[0]), found.coefficients[0].reshape(4, -1)])
    if family == "multinomial":
        ours = (ours - ours[:, :1])[:, 1:]  # the likelihood has no more than differences from the first class
    np.testing.assert_allclose(ours, expected.coefficients, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.deviance[0], expected.deviance, rtol=1e-8)
    np.testing.assert_allclose(found.null_deviance, expected.null_deviance, rtol=1e-8)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_weight_is_as_many_rows(family: str) -> None:
    x, y = table(family)
    counts = np.random.default_rng(3).integers(0, 4, len(y))
    options: dict[str, Any] = {"l1_ratio": 0.8, "alphas": [0.1, 0.02]}
    weighted = path(x, y, family, weights=counts, **options)
    repeated = path(np.repeat(x, counts, 0), np.repeat(y, counts), family, **options)
    np.testing.assert_allclose(weighted.coefficients, repeated.coefficients, atol=1e-7)
    np.testing.assert_allclose(weighted.deviance, repeated.deviance, rtol=1e-9)


def test_an_offset_is_part_of_the_predictor() -> None:
    x, y = table("gaussian")
    offset = np.linspace(-1, 2, len(y))
    with_offset, without = path(x, y, offset=offset, alphas=0.1), path(x, y - offset, alphas=0.1)
    np.testing.assert_allclose(with_offset.coefficients, without.coefficients, atol=1e-9)
    np.testing.assert_allclose(with_offset.predict(x, 0, offset), without.predict(x, 0) + offset, atol=1e-9)
    x, y = table("poisson")  # a column without a penalty whose coefficient is known
    free = path(np.column_stack([offset, x]), y, "poisson", alphas=0.1, penalty_factor=[0] + [1] * x.shape[1])
    held = path(x, y, "poisson", alphas=0.1, offset=free.coefficients[0, 0] * offset)
    np.testing.assert_allclose(held.coefficients[0], free.coefficients[0, 1:], atol=1e-7)


def test_factors_multiply_the_penalty() -> None:
    x, y = table("gaussian")
    x = (x - x.mean(0)) / x.std(0)
    factor = np.linspace(0.5, 3, x.shape[1])
    found = path(x, y, penalty_factor=factor, alphas=[0.2, 0.05])
    scaled = path(x / factor, y, standardize=False, alphas=[0.2, 0.05])
    np.testing.assert_allclose(found.coefficients, scaled.coefficients / factor, atol=1e-8)


@pytest.mark.parametrize("family", ["binomial", "multinomial"])
def test_classes_that_are_told_apart_have_a_path(family: str) -> None:
    x, _ = table("gaussian", rows=40, features=3)
    y = np.digitize(x[:, 0], np.quantile(x[:, 0], [0.5] if family == "binomial" else [0.3, 0.6])).astype(np.int64)
    found = path(x, y, family)
    assert found.converged.all() and found.deviance_explained[-1] > 0.95
    assert (np.diff(found.deviance) <= 1e-9 * found.null_deviance).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_more_columns_than_rows(family: str) -> None:
    x, y = table(family, rows=25, features=300)
    found = path(x, y, family, l1_ratio=0.2, n_alphas=8, eps=0.02)
    assert found.converged.all() and found.df[-1] > 25
    for number, alpha in enumerate(found.alphas):
        assert missed(found, x, y, alpha, number) < 1e-9


def test_columns_that_are_constant_or_alike() -> None:
    x, y = table("gaussian")
    found = path(np.column_stack([x, np.full(len(y), 7.0), x[:, 0]]), y, l1_ratio=0.5)
    alone = path(x, y, l1_ratio=0.5)
    assert found.converged.all() and (found.coefficients[:, -2] == 0).all()
    np.testing.assert_allclose(found.coefficients[:, 0], found.coefficients[:, -1], atol=1e-6)
    lasso, both = path(x, y), path(np.column_stack([x, x[:, 0]]), y)
    np.testing.assert_allclose(both.coefficients[:, 0] + both.coefficients[:, -1], lasso.coefficients[:, 0], atol=1e-6)
    assert alone.converged.all() and both.converged.all()


def test_both_ways_of_coordinate_descent_have_the_same_path(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = table("gaussian", rows=40, features=60)
    by_gram = path(x, y, l1_ratio=0.5, eps=0.01)
    monkeypatch.setattr(quadratic, "WIDE", 0)
    by_columns = path(x, y, l1_ratio=0.5, eps=0.01)
    np.testing.assert_allclose(by_gram.coefficients, by_columns.coefficients, atol=1e-7)
    assert by_columns.converged.all()


def test_units_and_places_of_columns_do_not_matter() -> None:
    x, y = table("gaussian")
    found, units = path(x, y), np.geomspace(1e-6, 1e6, x.shape[1])
    other = path(x * units + 1e3 * units, y)
    np.testing.assert_allclose(other.coefficients * units, found.coefficients, atol=1e-7)
    np.testing.assert_allclose(path(x, 1e-9 * y).coefficients, 1e-9 * found.coefficients, atol=1e-16)


def test_variables_of_the_diabetes_data_enter_as_published() -> None:
    """Efron, Hastie, Johnstone and Tibshirani, "Least angle regression", 2004, figure 1: 3, 9, 4, 7, 2, 10, 5, 8, 6, 1."""
    datasets = pytest.importorskip("sklearn.datasets", reason="it has the data")
    x, y = datasets.load_diabetes(return_X_y=True)
    found = path(x, y, n_alphas=400, eps=1e-4)
    first = (found.coefficients != 0).argmax(0)
    assert (np.argsort(first, kind="stable") + 1).tolist() == [3, 9, 4, 7, 2, 10, 5, 8, 6, 1]


def test_a_fit_that_ends_early_says_so() -> None:
    x, y = table("gaussian", rows=30, features=60)
    with pytest.warns(FitWarning, match="did not converge.*max_iter"):
        found = path(x, y, max_iter=1, n_alphas=10)
    assert not found.converged.all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"l1_ratio": 1.5}, "l1_ratio is 1.5"),
        ({"eps": 2}, "eps is 2"),
        ({"alphas": [0.1, 0]}, "alphas must be"),
        ({"penalty_factor": [-1] * 8}, "penalty_factor must be"),
        ({"penalty_factor": [1, 1]}, "penalty_factor has shape"),
        ({"weights": [-1.0] * 60}, "weights must be nonnegative"),
        ({"offset": [np.nan] * 60}, "offset is not finite in row 0"),
        ({"family": "gausian"}, "Did you mean 'gaussian'"),
        ({"family": "binomial"}, "proportions from 0 to 1"),
        ({"family": "poisson"}, "nonnegative counts"),
        ({"family": "multinomial"}, "must hold class numbers"),
    ],
)
def test_what_cannot_be_is_said(options: dict[str, Any], words: str) -> None:
    x, y = table("gaussian")
    with pytest.raises(JitgradError, match=words):
        path(x, y, **options)


def test_a_response_that_no_column_goes_with_has_no_path() -> None:
    x, _ = table("gaussian")
    with pytest.raises(DataError, match="No column is correlated with y"):
        path(x, np.full(len(x), 3.0))
    x[4, 2] = np.nan
    with pytest.raises(DataError, match="row 4, column 2"):
        path(x, np.arange(len(x)))


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_cross_validation_is_scikit_learns(l1_ratio: float) -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="what is compared with")
    x, y = table("gaussian", rows=60, features=20)
    folds = np.arange(60) // 12
    found = cross_validated(x, y, l1_ratio=l1_ratio, standardize=False, cv=folds, n_alphas=20)
    split = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)]
    model = linear.ElasticNetCV(l1_ratio=l1_ratio, cv=split, alphas=found.path.alphas, tol=1e-12, max_iter=10**5).fit(x, y)
    np.testing.assert_allclose(found.mean, model.mse_path_.mean(1), rtol=1e-6)
    assert found.alpha == model.alpha_
    np.testing.assert_allclose(found.coefficients, model.coef_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.intercept, model.intercept_, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.standard_error, model.mse_path_.std(1) / 2, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_folds_are_fits_of_the_other_rows(family: str) -> None:
    x, y = table(family)
    found = cross_validated(x, y, family, cv=3, seed=4, l1_ratio=0.5, n_alphas=6, eps=0.05)
    means = []
    for k in range(3):
        held = found.folds == k
        without = path(x[~held], y[~held], family, l1_ratio=0.5, alphas=found.path.alphas)
        mean = [without.predict(x[held], number) for number in range(6)]
        means.append([deviance(family, y[held], m) for m in mean])
    np.testing.assert_allclose(found.mean, np.average(means, axis=0, weights=np.bincount(found.folds)), rtol=1e-6)
    assert found.one_standard_error <= found.minimum
    assert found.mean[found.minimum] == found.mean.min()


def deviance(family: str, y: np.ndarray, mean: np.ndarray) -> float:
    """Of a row, in the mean."""
    if family == "gaussian":
        return float(np.mean((y - mean) ** 2))
    if family == "poisson":
        return float(2 * np.mean(mean - y - y * np.log(mean / np.where(y > 0, y, mean))))
    own = mean[np.arange(len(y)), y] if family == "multinomial" else np.where(y == 1, mean, 1 - mean)
    return float(-2 * np.mean(np.log(own)))


@pytest.mark.parametrize("family", FAMILIES)
def test_threads_do_not_change_a_bit(family: str) -> None:
    x, y = table(family, rows=40, features=30)
    before, found = get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            set_num_threads(threads)
            found.append(cross_validated(x, y, family, cv=4, l1_ratio=0.5, n_alphas=10))
    finally:
        set_num_threads(before)
    for other in found[1:]:
        np.testing.assert_array_equal(other.mean, found[0].mean)
        np.testing.assert_array_equal(other.path.coefficients, found[0].path.coefficients)


def test_folds_follow_the_seed_and_share_classes() -> None:
    x, y = table("multinomial")
    folds = [cross_validated(x, y, "multinomial", cv=4, seed=seed, alphas=0.1).folds for seed in (0, 0, 1)]
    assert (folds[0] == folds[1]).all() and (folds[0] != folds[2]).any()
    counts = np.array([np.bincount(y[folds[0] == k], minlength=3) for k in range(4)])
    assert (np.ptp(counts, axis=0) <= 1).all()


def test_what_folds_cannot_be_is_said() -> None:
    x, y = table("multinomial")
    y[:-1] = np.minimum(y[:-1], 1)
    y[-1] = 2
    with pytest.raises(DataError, match="a class has no rows"):
        cross_validated(x, y, "multinomial", cv=5)
    with pytest.raises(ArgumentError, match="all rows in one fold"):
        cross_validated(x, y, cv=np.zeros(60))
    with pytest.raises(ArgumentError, match="Did you mean '1se'"):
        cross_validated(x, y, rule="1s")


def test_the_rule_of_one_standard_error_takes_the_larger_penalty() -> None:
    x, y = table("gaussian")
    least, simple = (cross_validated(x, y, rule=rule) for rule in ("min", "1se"))
    assert simple.alpha > least.alpha and simple.chosen == least.one_standard_error
    assert np.count_nonzero(simple.coefficients) <= np.count_nonzero(least.coefficients)


def test_no_warning_is_left_to_chance() -> None:
    """Poisson means that overflow on the way are lowered without a word."""
    x = np.linspace(0, 1, 30)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = path(np.column_stack([x, x**2]), np.round(np.exp(12 * x[:, 0])), "poisson", eps=1e-6)
    assert found.converged.all()


def test_threads_of_products_do_not_change_a_bit() -> None:
    functions = _openblas("numpy.linalg._umath_linalg")
    if functions is None:
        pytest.skip("NumPy's products are not OpenBLAS's")
    read, write = functions
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, 800))
    y, before, found = x[:, :5].sum(1) + draw.normal(size=300), read(), []
    try:
        for threads in (1, 2):
            write(threads)
            found.append(path(x, y, l1_ratio=0.5, n_alphas=20).coefficients)
    finally:
        write(before)
    np.testing.assert_array_equal(*found)
