"""Every check that scikit-learn has for estimators, with none expected to fail."""

from __future__ import annotations

import functools
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
from sklearn.utils.estimator_checks import parametrize_with_checks

from jitgrad.sklearn import FormulaRegressor, GLMRegressor, LogisticClassifier, NetworkClassifier, NetworkRegressor

ESTIMATORS = [
    GLMRegressor(),
    GLMRegressor("poisson"),
    GLMRegressor("gamma", "log", alpha=0.1),
    GLMRegressor("negative_binomial", theta=2.0),
    LogisticClassifier(),
    NetworkRegressor((4,), learning_rate_init=0.05, max_iter=60),
    NetworkClassifier((4,), learning_rate_init=0.05, max_iter=60),
    FormulaRegressor("a + b * x1"),
]


@pytest.mark.filterwarnings("ignore")  # of what the checks' data make them say
@parametrize_with_checks(ESTIMATORS)
def test_a_check_of_scikit_learn(estimator: Any, check: functools.partial[None]) -> None:
    check(estimator)
