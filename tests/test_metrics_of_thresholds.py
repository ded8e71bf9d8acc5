"""Metrics of elements above thresholds, and areas under curves: beside Keras's and scikit-learn's; running metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import jitgrad
from jitgrad import layers, metrics
from jitgrad.errors import ArgumentError, DataError, ShapeError

DRAW = np.random.default_rng(0)
N = 157
CHANCES = DRAW.uniform(size=(N, 4)).astype(np.float32)
BITS = (DRAW.uniform(size=(N, 4)) < CHANCES).astype(np.int64)
LOGITS = DRAW.normal(size=N).astype(np.float32)
WEIGHTS = DRAW.integers(0, 4, N).astype(np.float32)
ONE, TRUE = CHANCES[:, 0], BITS[:, 0]


class Case(NamedTuple):
    """A metric of the library, one of Keras, targets and predictions."""

    ours: Callable[[], Any]
    theirs: Callable[[Any], Any]
    target: Any
    prediction: Any


CASES: dict[str, Case] = {
    **{
        kind: Case(
            lambda kind=kind: getattr(metrics, kind)([0.2, 0.7]), lambda k, kind=kind: getattr(k, kind)([0.2, 0.7]), BITS,
            CHANCES,
        )
        for kind in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")
    },
    "one threshold": Case(lambda: metrics.TruePositives(0.3), lambda k: k.TruePositives(0.3), TRUE, ONE),
    "precision": Case(lambda: metrics.ElementPrecision(), lambda k: k.Precision(), BITS, CHANCES),
    "recall": Case(lambda: metrics.ElementRecall([0.3, 0.6]), lambda k: k.Recall([0.3, 0.6]), BITS, CHANCES),
    "precision of the top": Case(
        lambda: metrics.ElementPrecision(top_k=2), lambda k: k.Precision(top_k=2), BITS, CHANCES
    ),
    "recall of a class": Case(lambda: metrics.ElementRecall(class_id=2), lambda k: k.Recall(class_id=2), BITS, CHANCES),
    "recall of the top of a class": Case(
        lambda: metrics.ElementRecall(0.4, 2, 1), lambda k: k.Recall(0.4, 2, 1), BITS, CHANCES
    ),
    "sensitivity": Case(
        lambda: metrics.SensitivityAtSpecificity(0.5), lambda k: k.SensitivityAtSpecificity(0.5), TRUE, ONE
    ),
    "specificity": Case(
        lambda: metrics.SpecificityAtSensitivity(0.8, 50), lambda k: k.SpecificityAtSensitivity(0.8, 50), TRUE, ONE
    ),
    "precision at recall": Case(
        lambda: metrics.PrecisionAtRecall(0.6, class_id=1), lambda k: k.PrecisionAtRecall(0.6, class_id=1), BITS, CHANCES
    ),
    "recall at precision": Case(lambda: metrics.RecallAtPrecision(0.75), lambda k: k.RecallAtPrecision(0.75), TRUE, ONE),
    "ROC": Case(lambda: metrics.AUC(even=True), lambda k: k.AUC(), TRUE, ONE),
    "ROC of few": Case(
        lambda: metrics.AUC(10, even=True, summation="minoring"),
        lambda k: k.AUC(10, summation_method="minoring"), TRUE, ONE,
    ),
    "ROC of logits": Case(
        lambda: metrics.AUC(even=True, from_logits=True), lambda k: k.AUC(from_logits=True), TRUE, LOGITS
    ),
    "PR": Case(lambda: metrics.AUC(even=True, curve="PR"), lambda k: k.AUC(curve="PR"), TRUE, ONE),
    "PR above": Case(
        lambda: metrics.AUC(20, even=True, curve="PR", summation="majoring"),
        lambda k: k.AUC(20, curve="PR", summation_method="majoring"), TRUE, ONE,
    ),
    "F of columns": Case(lambda: metrics.FBeta(), lambda k: k.FBetaScore(), np.eye(4)[BITS.argmax(1)], CHANCES),
    "F2 above": Case(
        lambda: metrics.FBeta("macro", 2.0, 0.6), lambda k: k.FBetaScore("macro", 2.0, 0.6), BITS, CHANCES
    ),
    "F weighted": Case(
        lambda: metrics.FBeta("weighted", threshold=0.5), lambda k: k.FBetaScore("weighted", threshold=0.5), BITS, CHANCES
    ),
    "F micro": Case(lambda: metrics.FBeta("micro", threshold=0.5), lambda k: k.F1Score("micro", 0.5), BITS, CHANCES),
    "cosine": Case(lambda: metrics.CosineSimilarity(), lambda k: k.CosineSimilarity(), BITS, CHANCES),
}  # fmt: skip


RECORDED: dict[str, Any] = {
    "TruePositives": [476.0, 260.0],
    "FalsePositives": [329.0, 53.0],
    "TrueNegatives": [179.0, 455.0],
    "FalseNegatives": [20.0, 236.0],
    "one threshold": 125.0,
    "precision": 0.722120658,
    "recall": [0.943548387, 0.681451613],
    "precision of the top": 0.689243028,
    "recall of a class": 0.774774775,
    "recall of the top of a class": 0.634328358,
    "sensitivity": 0.976923077,
    "specificity": 0.79338843,
    "precision at recall": 0.833333333,
    "recall at precision": 0.923076923,
    "ROC": 0.885950413,
    "ROC of few": 0.863445645,
    "ROC of logits": 0.598347107,
    "PR": 0.877599296,
    "PR above": 0.899108568,
    "F of columns": [0.545454503, 0.421052581, 0.378947327, 0.499999956],
    "F2 above": 0.697954544,
    "F weighted": 0.758671222,
    "F micro": 0.757430439,
    "cosine": 0.781267083,
}
"""With weights; Keras 3.15 has the same."""


def ours(name: str, weights: Any = None) -> Any:
    case = CASES[name]
    return case.ours()(case.target, case.prediction, weights)


@pytest.mark.parametrize("name", CASES)
def test_recorded_figures(name: str) -> None:
    np.testing.assert_allclose(ours(name, WEIGHTS), RECORDED[name], rtol=1e-6)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", CASES)
def test_keras(name: str, weights: Any) -> None:
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    case = CASES[name]
    theirs = case.theirs(keras.metrics)
    target = case.target.astype(np.float32) if name.startswith("F") else case.target
    theirs.update_state(target, case.prediction, weights)
    np.testing.assert_allclose(ours(name, weights), np.asarray(theirs.result()), rtol=2e-5)


@pytest.mark.parametrize("name", CASES)
def test_batches_in_a_loop_of_ones_own(name: str) -> None:
    case = CASES[name]
    running = metrics.Running(case.ours())
    assert np.isnan(running.result())
    for _ in range(2):
        for first in range(0, N, 32):
            rows = slice(first, first + 32)
            running.update_state(case.target[rows], jitgrad.tensor(case.prediction[rows]), WEIGHTS[rows])
        np.testing.assert_allclose(running.result(), ours(name, WEIGHTS), rtol=1e-6)
        running.reset_state()


@pytest.mark.parametrize("name", [name for name in CASES if np.ndim(CASES[name].prediction) == 2])
def test_the_native_loop_gathers_them(name: str) -> None:
    case = CASES[name]
    jitgrad.random.seed(0)
    model = jitgrad.Sequential([layers.Dense(4, "sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=[case.ours()])
    found = model.fit(CHANCES, case.target, epochs=1, verbose=0, validation_data=(CHANCES, case.target))
    metric = case.ours()
    expected = metric(case.target, model.predict(CHANCES))
    np.testing.assert_allclose(found.metrics[f"val_{metric.name}"][-1], expected, rtol=1e-5)


def test_a_running_mean() -> None:
    mean = metrics.RunningMean()
    assert np.isnan(mean.result())
    mean.update_state(jitgrad.tensor(2.0))
    mean.update_state([4.0, 6.0], [1.0, 2.0])
    assert mean.total == 18 and mean.result() == 18 / 4
    mean.reset_state()
    assert mean.total == 0


SCORES = np.round(DRAW.normal(size=N) + TRUE, 1)  # some are equal


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_exact_areas_of_any_scores(weights: Any) -> None:
    found = metrics.roc_auc(TRUE, SCORES, weights), metrics.average_precision(TRUE, SCORES, weights)
    pairs = (SCORES[TRUE == 1][:, None] > SCORES[TRUE == 0]) + 0.5 * (SCORES[TRUE == 1][:, None] == SCORES[TRUE == 0])
    w = np.ones(N) if weights is None else weights
    outer = w[TRUE == 1][:, None] * w[TRUE == 0]
    assert found[0] == pytest.approx(float((pairs * outer).sum() / outer.sum()), rel=1e-12)
    peer = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    assert found[0] == pytest.approx(peer.roc_auc_score(TRUE, SCORES, sample_weight=weights), rel=1e-12)
    assert found[1] == pytest.approx(peer.average_precision_score(TRUE, SCORES, sample_weight=weights), rel=1e-12)


def test_scores_of_each_class() -> None:
    classes, scores = BITS.argmax(1), CHANCES
    each = metrics.Precision("each")(classes, scores)
    assert each.shape == (4,)
    assert [metrics.Precision(class_id=i)(classes, scores) for i in range(4)] == each.tolist()
    taken = scores.argmax(1)
    np.testing.assert_allclose(each, [(classes[taken == i] == i).mean() for i in range(4)])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.ElementRecall(class_id=4)(BITS, CHANCES), ShapeError, "class_id is 4, and predictions have shape"),
        (lambda: metrics.Precision(class_id=4)(BITS.argmax(1), CHANCES), ArgumentError, "there are 4 classes"),
        (lambda: metrics.Precision("each", class_id=1), ArgumentError, "Give only one of them"),
        (lambda: metrics.FBeta("mean"), ArgumentError, "average is 'mean'"),
        (lambda: metrics.FBeta()(TRUE, ONE), ShapeError, "Give one row per example"),
        (lambda: metrics.AUC(curve="ROX"), ArgumentError, "no curve 'ROX'. Did you mean 'ROC'"),
        (lambda: metrics.TruePositives(0.5)(BITS, CHANCES[:, :3]), ShapeError, r"\(157, 4\) and the prediction \(157, 3\)"),
        (lambda: metrics.PrecisionAtRecall(1.5), ArgumentError, "the bound is 1.5"),
        (lambda: metrics.roc_auc([1, 2], [0.1, 0.2]), DataError, "targets are not 0 and 1"),
        (lambda: metrics.roc_auc([1], [0.1, 0.2]), ShapeError, "1 targets, 2 scores"),
        (lambda: metrics.Running(metrics.R2()).update_state(ONE, ONE, WEIGHTS[:3]), ShapeError, "Give one weight per row"),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
