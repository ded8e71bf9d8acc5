"""Estimators among scikit-learn's: pipelines, searches, cross-validation, other processes, routing and what notebooks show."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
import joblib
import polars as pl
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import BaggingRegressor, StackingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler, scale

import sklearn
from jitgrad.sklearn import (
    ElasticNetRegressorCV,
    FormulaRegressor,
    GLMRegressor,
    LogisticClassifier,
    NetworkClassifier,
    NetworkRegressor,
)

X, Y = load_diabetes(return_X_y=True)
CANCER, BENIGN = load_breast_cancer(return_X_y=True)
CANCER = scale(CANCER)
SMALL: dict[str, Any] = {"hidden_layer_sizes": (4,), "max_iter": 8, "tol": 0.0, "random_state": 0}
ESTIMATORS = {
    "glm": (GLMRegressor("poisson"), X, Y),
    "logistic": (LogisticClassifier(0.1, l1_ratio=0.5), CANCER, BENIGN),
    "elastic net": (ElasticNetRegressorCV(alphas=3, cv=2), X, Y),
    "regressor": (NetworkRegressor(**SMALL), X, Y),
    "classifier": (NetworkClassifier(**SMALL), CANCER, BENIGN),
    "formula": (FormulaRegressor("a * exp(b * x3 + c * x9)"), X, Y),
}


def test_a_search_finds_what_a_loop_finds() -> None:
    grid = {
        "network__alpha": [1e-4, 1.0],
        "network__learning_rate_init": [1e-3, 0.02],
        "network__hidden_layer_sizes": [(3,), (6,)],
    }
    steps = make_pipeline(StandardScaler(), NetworkClassifier(**SMALL))
    steps.steps[1] = ("network", steps.steps[1][1])
    search = GridSearchCV(steps, grid, cv=3).fit(CANCER, BENIGN)
    best = steps.set_params(**search.best_params_)
    assert search.best_score_ == cross_validate(best, CANCER, BENIGN, cv=3)["test_score"].mean() > 0.9
    parallel = GridSearchCV(steps, grid, cv=3, n_jobs=2).fit(CANCER, BENIGN)
    np.testing.assert_array_equal(parallel.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_predictions_of_processes_and_threads_are_the_same_to_the_bit(backend: str) -> None:
    alone = {name: cross_val_predict(*given, cv=3) for name, given in ESTIMATORS.items()}
    with joblib.parallel_backend(backend, n_jobs=2):
        for name, given in ESTIMATORS.items():
            np.testing.assert_array_equal(cross_val_predict(*given, cv=3), alone[name])


def test_pickles_predict_the_same_bits_in_another_process(tmp_path: Path) -> None:
    for name, (model, x, y) in ESTIMATORS.items():
        whole = pickle.dumps((clone(model).fit(x, y), x))
        assert len(whole) < x.nbytes + 10_000  # weights, and nothing that was compiled or fitted to
        (tmp_path / name).write_bytes(whole)
    code = (
        "import pickle, sys\nfor name in sys.argv[1:]:\n"
        "    m, x = pickle.load(open(name, 'rb'))\n    sys.stdout.buffer.write(m.predict(x).tobytes())"
    )
    done = subprocess.run([sys.executable, "-c", code, *map(str, tmp_path.iterdir())], capture_output=True, check=True)
    expected = [pickle.loads(path.read_bytes()) for path in tmp_path.iterdir()]
    assert done.stdout == b"".join(model.predict(x).tobytes() for model, x in expected)


def test_threads_fit_networks_at_once() -> None:
    seeds, made = range(8), {}

    def fit(seed: int) -> None:
        made[seed] = NetworkClassifier((4,), max_iter=30, tol=0.0, random_state=seed).fit(CANCER, BENIGN).predict_proba(CANCER)

    threads = [threading.Thread(target=fit, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in seeds:
        at_once = made.pop(seed)
        fit(seed)
        np.testing.assert_array_equal(made[seed], at_once)


def test_frames_go_through_pipelines() -> None:
    frame = pl.DataFrame({"dose": X[:, 2], "time": X[:, 8], "site": np.where(X[:, 1] > 0, "a", "b")})
    encode = ColumnTransformer([("site", OneHotEncoder(sparse_output=False), ["site"])], remainder="passthrough")
    encode.set_output(transform="polars")
    model = make_pipeline(encode, GLMRegressor()).fit(frame, Y)
    assert list(model[-1].feature_names_in_) == ["site__site_a", "site__site_b", "remainder__dose", "remainder__time"]
    formula = make_pipeline(encode, FormulaRegressor("a + b * remainder__dose + c * remainder__time")).fit(frame, Y)
    assert 0.4 < formula.score(frame, Y) < model.score(frame, Y)
    shuffled = model[:-1].transform(frame).select(reversed(model[-1].feature_names_in_))
    with pytest.raises(ValueError, match="feature names"):
        model[-1].predict(shuffled)


def test_among_other_estimators() -> None:
    bagged = BaggingRegressor(FormulaRegressor("a + b * x1 + c * x2"), n_estimators=3, max_features=2, random_state=0).fit(X, Y)
    assert bagged.predict(X).shape == Y.shape
    logarithm = TransformedTargetRegressor(GLMRegressor(), func=np.log, inverse_func=np.exp).fit(X, Y)
    assert logarithm.score(X, Y) > 0.4
    stacked = StackingClassifier(
        [("net", NetworkClassifier(**SMALL | {"learning_rate_init": 0.05}))], LogisticClassifier(), cv=3
    ).fit(CANCER, BENIGN)
    assert stacked.score(CANCER, BENIGN) > 0.9


def test_weights_and_offsets_are_routed() -> None:
    weights, offset = np.linspace(0.1, 3, len(Y)), np.linspace(-1, 1, len(Y))
    with sklearn.config_context(enable_metadata_routing=True):
        model = GLMRegressor("poisson").set_fit_request(sample_weight=True, offset=True)
        model.set_score_request(sample_weight=True, offset=True)
        routed = cross_validate(model, X, Y, cv=3, params={"sample_weight": weights, "offset": offset}, return_estimator=True)
    first = np.arange(len(Y)) >= np.ceil(len(Y) / 3)
    alone = GLMRegressor("poisson").fit(X[first], Y[first], weights[first], offset[first])
    np.testing.assert_array_equal(routed["estimator"][0].coef_, alone.coef_)
    score = alone.score(X[~first], Y[~first], weights[~first], offset[~first])
    assert routed["test_score"][0] == pytest.approx(score, rel=1e-12)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_notebooks_show(name: str) -> None:
    model = ESTIMATORS[name][0]
    shown = model._repr_html_()
    assert type(model).__name__ in shown and "sk-estimator" in shown
    assert repr(model).startswith(type(model).__name__)
