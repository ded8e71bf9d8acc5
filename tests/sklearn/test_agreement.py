"""Coefficients and predictions are those of scikit-learn's estimators of the same objective."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    ElasticNet,
    ElasticNetCV,
    GammaRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
)  # fmt: skip
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, LeaveOneOut, ShuffleSplit
from sklearn.preprocessing import scale

from jitgrad.sklearn import ElasticNetRegressor, ElasticNetRegressorCV, FormulaRegressor, GLMRegressor, LogisticClassifier

X, Y = load_diabetes(return_X_y=True)
N = len(Y)
WEIGHTS = np.random.default_rng(0).uniform(0.1, 3, N)
PRECISE: dict[str, Any] = {"solver": "newton-cholesky", "tol": 1e-12, "max_iter": 1000}

REGRESSORS = {
    "linear": (GLMRegressor(), LinearRegression()),
    "linear without intercept": (GLMRegressor(fit_intercept=False), LinearRegression(fit_intercept=False)),
    "ridge": (GLMRegressor(alpha=0.5), Ridge(alpha=0.5 * WEIGHTS.sum())),
    "poisson": (GLMRegressor("poisson"), PoissonRegressor(alpha=0, **PRECISE)),
    "poisson ridge": (GLMRegressor("poisson", alpha=1e-3), PoissonRegressor(alpha=1e-3, **PRECISE)),
    "gamma": (GLMRegressor("gamma", "log"), GammaRegressor(alpha=0, **PRECISE)),
    "gamma ridge": (GLMRegressor("gamma", "log", alpha=1e-4), GammaRegressor(alpha=1e-4, **PRECISE)),
    "elastic net": (ElasticNetRegressor(0.02), ElasticNet(0.02, tol=1e-12, max_iter=10**5)),
    "lasso": (ElasticNetRegressor(0.5, l1_ratio=1.0), Lasso(0.5, tol=1e-12, max_iter=10**5)),
    "lasso without intercept": (
        ElasticNetRegressor(0.5, l1_ratio=1.0, fit_intercept=False), Lasso(0.5, fit_intercept=False, tol=1e-12, max_iter=10**5)
    ),
    "ridge as an elastic net": (ElasticNetRegressor(0.5, l1_ratio=0.0), Ridge(alpha=0.5 * WEIGHTS.sum())),
}  # fmt: skip


@pytest.mark.parametrize("name", REGRESSORS)
def test_coefficients_and_scores_are_scikit_learns(name: str) -> None:
    own, theirs = REGRESSORS[name]
    own.fit(X, Y, sample_weight=WEIGHTS)
    theirs.fit(X, Y, sample_weight=WEIGHTS)
    np.testing.assert_allclose(own.coef_, theirs.coef_, rtol=1e-7, atol=1e-6)
    np.testing.assert_allclose(own.intercept_, theirs.intercept_, rtol=1e-9)
    np.testing.assert_allclose(own.predict(X), theirs.predict(X), rtol=1e-9)
    np.testing.assert_allclose(own.score(X, Y, WEIGHTS), theirs.score(X, Y, WEIGHTS), rtol=1e-9)


@pytest.mark.parametrize("sample_weight", [None, WEIGHTS[:150]])
def test_classes_are_as_likely_as_scikit_learn_says(sample_weight: Any) -> None:
    x, y = load_iris(return_X_y=True)
    x, y = x[:, [1]], np.array(["b", "c", "a"])[y]
    own = LogisticClassifier().fit(x, y, sample_weight)
    theirs = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(x, y, sample_weight)
    np.testing.assert_allclose(own.predict_proba(x), theirs.predict_proba(x), rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(own.predict(x), theirs.predict(x))
    np.testing.assert_allclose(own.coef_, theirs.coef_ - theirs.coef_.mean(0), rtol=1e-6)
    np.testing.assert_allclose(own.coef_.sum(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(np.exp(own.predict_log_proba(x)), own.predict_proba(x), rtol=1e-12)


def test_two_classes() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    x = x[:, [1, 4]]
    own = LogisticClassifier().fit(x, y)
    theirs = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(x, y)
    np.testing.assert_allclose(own.coef_, theirs.coef_, rtol=1e-7)
    np.testing.assert_allclose(own.decision_function(x), theirs.decision_function(x), rtol=1e-7)
    assert own.coef_.shape == (1, 2) and own.fit_.aic > 0
    assert own.score(x, y) == theirs.score(x, y)


def test_what_is_not_there_is_said() -> None:
    with pytest.warns(ConvergenceWarning, match=r"the classes can be separated"):
        LogisticClassifier().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    with pytest.warns(ConvergenceWarning, match=r"did not converge in 2 iterations"):
        GLMRegressor("poisson", max_iter=2).fit(X, Y)
    with pytest.raises(ValueError, match="family 'gamma' needs positive numbers"):
        GLMRegressor("gamma").fit(X, Y - 100)
    with pytest.raises(ValueError, match="family 'poisson' needs nonnegative numbers"):
        GLMRegressor("poisson").fit(X, Y).score(X, -Y)
    with pytest.raises(ValueError, match="y has only one class, 'a'"):
        LogisticClassifier().fit(X[:4], ["a"] * 4)


def test_an_offset_is_an_exposure() -> None:
    exposure = np.random.default_rng(1).uniform(1, 9, N)
    with_offset = GLMRegressor("poisson").fit(X, Y * exposure, offset=np.log(exposure))
    by_rate = GLMRegressor("poisson").fit(X, Y, sample_weight=exposure)
    np.testing.assert_allclose(with_offset.coef_, by_rate.coef_, rtol=1e-8)
    np.testing.assert_allclose(with_offset.predict(X, offset=np.log(exposure)), by_rate.predict(X) * exposure, rtol=1e-8)
    offset = np.log(exposure)
    assert with_offset.score(X, Y * exposure, offset=offset) > with_offset.score(X, Y * exposure)


def test_proportions() -> None:
    x = np.linspace(-2, 2, 30)[:, None]
    y = 1 / (1 + np.exp(-(0.5 + 1.5 * x[:, 0])))
    for link, expected in (("logit", 1.5), ("probit", None)):
        model = GLMRegressor("binomial", link).fit(x, y, sample_weight=np.full(30, 10.0))
        assert expected is None or model.coef_[0] == pytest.approx(expected, rel=1e-8)
        assert model.score(x, y) > 0.99


def test_a_formula_of_columns_is_a_linear_model_too() -> None:
    weights = WEIGHTS
    own = FormulaRegressor("c + b3 * x3 + b9 * x9").fit(X, Y, weights)
    theirs = LinearRegression().fit(X[:, [2, 8]], Y, weights)
    np.testing.assert_allclose(own.predict(X), theirs.predict(X[:, [2, 8]]), rtol=1e-9)
    assert own.score(X, Y) == pytest.approx(r2_score(Y, theirs.predict(X[:, [2, 8]])))


@pytest.mark.parametrize("cv", [None, 3, KFold(4, shuffle=True, random_state=0)])
def test_cross_validation_chooses_what_scikit_learns_does(cv: Any) -> None:
    ratios = [0.5, 0.95]
    own = ElasticNetRegressorCV(l1_ratio=ratios, alphas=12, cv=cv).fit(X, Y)
    theirs = ElasticNetCV(l1_ratio=ratios, alphas=12, cv=cv, tol=1e-10, max_iter=10**5).fit(X, Y)
    assert own.l1_ratio_ == theirs.l1_ratio_
    np.testing.assert_allclose(own.alphas_, theirs.alphas_[ratios.index(own.l1_ratio_)], rtol=1e-9)
    assert own.alpha_ == pytest.approx(theirs.alpha_)
    np.testing.assert_allclose(own.coef_, theirs.coef_, rtol=1e-5, atol=1e-4)
    larger = ElasticNetRegressorCV(l1_ratio=ratios, alphas=own.alphas_, cv=cv, rule="1se").fit(X, Y)
    assert larger.alpha_ > own.alpha_


def test_folds_are_there_for_each_row_once() -> None:
    assert ElasticNetRegressorCV(alphas=[1.0, 0.1], cv=LeaveOneOut()).fit(X[:30], Y[:30]).alpha_ in (1.0, 0.1)
    with pytest.raises(ValueError, match=r"cv holds out row \d+ \d times"):
        ElasticNetRegressorCV(alphas=3, cv=ShuffleSplit(3, random_state=0)).fit(X, Y)
    for alpha in (0.0, -1.0):
        with pytest.raises(ValueError, match=f"alpha is {alpha}"):
            ElasticNetRegressor(alpha).fit(X, Y)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("data", [load_iris, load_breast_cancer])
def test_penalties_of_classes(data: Any, l1_ratio: float) -> None:
    x, y = data(return_X_y=True)
    x = scale(x)[:, :6]
    own = LogisticClassifier(0.01, l1_ratio=l1_ratio).fit(x, y)
    solver = {"solver": "saga", "max_iter": 10**4} if l1_ratio else {"solver": "lbfgs", "max_iter": 10**4}
    theirs = LogisticRegression(C=1 / (0.01 * len(y)), l1_ratio=l1_ratio, tol=1e-10, random_state=0, **solver).fit(x, y)
    np.testing.assert_allclose(own.predict_proba(x), theirs.predict_proba(x), atol=1e-5)
    np.testing.assert_allclose(own.coef_, theirs.coef_, atol=1e-4)
