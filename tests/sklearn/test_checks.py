"""Every check that scikit-learn has for estimators, with none expected to fail."""

from __future__ import annotations

import functools
import importlib
import sys
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
from sklearn.utils.estimator_checks import parametrize_with_checks

import jitgrad.sklearn
from jitgrad.errors import MissingError
from jitgrad.sklearn import (
    ElasticNetRegressor,
    ElasticNetRegressorCV,
    FormulaRegressor,
    GLMRegressor,
    LogisticClassifier,
    NetworkClassifier,
    NetworkRegressor,
)

ESTIMATORS = [
    GLMRegressor(),
    GLMRegressor("poisson"),
    GLMRegressor("gamma", "log", alpha=0.1),
    LogisticClassifier(),
    LogisticClassifier(0.1, l1_ratio=0.5),
    ElasticNetRegressor(),
    ElasticNetRegressorCV(alphas=3, cv=2),
    NetworkRegressor((4,), learning_rate_init=0.05, max_iter=60),
    NetworkClassifier((4,), learning_rate_init=0.05, max_iter=60),
    FormulaRegressor("a + b * x1"),
]


def test_no_estimator_is_forgotten() -> None:
    assert {type(estimator).__name__ for estimator in ESTIMATORS} == set(jitgrad.sklearn.__all__)


def test_scikit_learn_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.delitem(sys.modules, "jitgrad.sklearn")
    with pytest.raises(MissingError, match=r"requires scikit-learn. Run pip install 'jitgrad\[sklearn\]'"):
        importlib.import_module("jitgrad.sklearn")


@pytest.mark.filterwarnings("ignore")  # of what the checks' data make them say
@parametrize_with_checks(ESTIMATORS)
def test_a_check_of_scikit_learn(estimator: Any, check: functools.partial[None]) -> None:
    check(estimator)
