"""Metrics: against scikit-learn where it is installed, by hand otherwise, and gathered natively over batches."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
import pytest

import jitgrad
from jitgrad import layers, losses, metrics
from jitgrad.errors import ArgumentError, DataError, ShapeError

DRAW = np.random.default_rng(0)
N = 203
SCORES = DRAW.dirichlet(np.ones(4), N)
CLASSES = np.where(DRAW.uniform(size=N) < 0.5, SCORES.argmax(1), DRAW.integers(0, 4, N))
HOT = np.eye(4)[CLASSES]
CHANCE = DRAW.uniform(size=(N, 1))
BITS = (DRAW.uniform(size=N) < CHANCE[:, 0]).astype(int)
NUMBERS = DRAW.normal(size=(N, 2))
GUESSES = NUMBERS + DRAW.normal(0, 0.5, (N, 2))
WEIGHTS = DRAW.integers(0, 4, N).astype(float)

TAKEN, ABOVE = SCORES.argmax(1), CHANCE[:, 0] > 0.5


SEVERAL = np.array([[1, 0], [1, 1], [0, 1]])


class Case(NamedTuple):
    """A metric on targets and predictions; scikit-learn's function, what it takes for them, and its options."""

    metric: Any
    target: Any
    prediction: Any
    peer: str
    true: Any
    taken: Any
    options: dict[str, Any] = {}  # noqa: RUF012


CASES: dict[str, Case] = {
    "accuracy of classes": Case(metrics.Accuracy(), CLASSES, SCORES, "accuracy_score", CLASSES, TAKEN),
    "accuracy of columns": Case(metrics.Accuracy(), HOT, SCORES, "accuracy_score", CLASSES, TAKEN),
    "accuracy of bits": Case(metrics.Accuracy(), BITS, CHANCE, "accuracy_score", BITS, ABOVE),
    "binary": Case(metrics.BinaryAccuracy(0.3), BITS, CHANCE[:, 0], "accuracy_score", BITS, CHANCE[:, 0] > 0.3),
    "categorical": Case(metrics.CategoricalAccuracy(), HOT, SCORES, "accuracy_score", CLASSES, TAKEN),
    "sparse categorical": Case(metrics.SparseCategoricalAccuracy(), CLASSES[:, None], SCORES, "accuracy_score", CLASSES, TAKEN),
    "top 2": Case(metrics.SparseTopKCategoricalAccuracy(2), CLASSES, SCORES, "top_k_accuracy_score", CLASSES, SCORES, {"k": 2}),
    "top 3 of columns": Case(
        metrics.TopKCategoricalAccuracy(3), HOT, SCORES, "top_k_accuracy_score", CLASSES, SCORES, {"k": 3}
    ),
    "precision": Case(metrics.Precision(), BITS, CHANCE, "precision_score", BITS, ABOVE),
    "recall": Case(metrics.Recall(), BITS, CHANCE, "recall_score", BITS, ABOVE),
    "F1": Case(metrics.F1(), BITS, CHANCE, "f1_score", BITS, ABOVE),
    "F1 of classes": Case(metrics.F1(), CLASSES, SCORES, "f1_score", CLASSES, TAKEN, {"average": "macro"}),
    "weighted": Case(metrics.Precision("weighted"), HOT, SCORES, "precision_score", CLASSES, TAKEN, {"average": "weighted"}),
    "micro": Case(metrics.Recall("micro"), CLASSES, SCORES, "recall_score", CLASSES, TAKEN, {"average": "micro"}),
    "confusion": Case(metrics.ConfusionMatrix(), CLASSES, SCORES, "confusion_matrix", CLASSES, TAKEN),
    "R2": Case(metrics.R2(), NUMBERS, GUESSES, "r2_score", NUMBERS, GUESSES),
    "rmse": Case(metrics.get("rmse"), NUMBERS[:, 0], GUESSES[:, 0], "root_mean_squared_error", NUMBERS[:, 0], GUESSES[:, 0]),
    "mae": Case(metrics.get("mae"), NUMBERS, GUESSES, "mean_absolute_error", NUMBERS, GUESSES),
}


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", CASES)
def test_scikit_learn(name: str, weights: Any) -> None:
    peer = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    case = CASES[name]
    expected = getattr(peer, case.peer)(case.true, case.taken, sample_weight=weights, **case.options)
    np.testing.assert_allclose(case.metric(case.target, case.prediction, weights), expected, rtol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_sums_over_batches_are_those_of_all(name: str) -> None:
    metric, target, prediction = CASES[name][:3]

    def sums(rows: slice) -> Any:
        parts = [jitgrad.tensor(a[rows]) for a in (target, prediction, WEIGHTS)]
        return np.asarray(metric.sums(*parts), np.float64)

    together = sum(sums(slice(i, i + 32)) for i in range(0, N, 32))
    np.testing.assert_allclose(metric.result(together), metric(target, prediction, WEIGHTS), rtol=1e-12)


def test_by_hand() -> None:
    scores = np.array([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25], [0.1, 0.2, 0.7]])
    assert metrics.Accuracy()([0, 1, 2], scores) == pytest.approx(2 / 3)
    assert metrics.SparseTopKCategoricalAccuracy(2)([0, 1, 0], scores) == pytest.approx(2 / 3)
    np.testing.assert_array_equal(metrics.ConfusionMatrix()([0, 1, 2], scores), [[1, 0, 0], [1, 0, 0], [0, 0, 1]])
    assert metrics.Precision()([1, 1, 0], np.array([[0.9], [0.1], [0.2]])) == 1
    assert metrics.Recall()([1, 1, 0], np.array([[0.9], [0.1], [0.2]])) == 0.5
    assert metrics.R2()([1.0, 2.0, 3.0], np.array([1.0, 2.0, 4.0])) == pytest.approx(0.5)
    assert math.isnan(metrics.R2()([1.0, 1.0], np.array([1.0, 2.0])))
    assert math.isnan(metrics.AUC()([1, 1], np.array([0.2, 0.7])))


def test_auc_is_near_the_exact_area() -> None:
    peer = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    assert metrics.AUC()(BITS, CHANCE) == pytest.approx(peer.roc_auc_score(BITS, CHANCE), abs=1e-3)
    two = np.hstack([1 - CHANCE, CHANCE])
    assert metrics.AUC()(BITS, two) == metrics.AUC()(np.eye(2)[BITS], two) == metrics.AUC()(BITS, CHANCE)
    weighted = peer.roc_auc_score(BITS, CHANCE, sample_weight=WEIGHTS)
    assert metrics.AUC()(BITS, CHANCE, WEIGHTS) == pytest.approx(weighted, abs=1e-3)


def test_all_are_gathered_natively() -> None:
    jitgrad.random.seed(0)
    model = jitgrad.Sequential([layers.Dense(4, "softmax", dtype="float64")], dtype="float64")
    names = ["accuracy", "f1", "precision", "recall", "confusion_matrix", "top_k_categorical_accuracy"]
    model.compile("sgd", "categorical_crossentropy", metrics=[*names, "mae"], weighted_metrics=["acc"])
    found = model.evaluate(SCORES, HOT, batch_size=32, sample_weight=WEIGHTS, return_dict=True)
    predicted = model.predict(SCORES)
    for name in names:
        np.testing.assert_allclose(found[name], metrics.get(name)(HOT, predicted), rtol=1e-12)
    assert found["acc"] == pytest.approx(metrics.Accuracy()(HOT, predicted, WEIGHTS), rel=1e-12)
    assert found["mae"] == pytest.approx(np.abs(HOT - predicted).mean(), rel=1e-12)


def test_a_function_is_a_metric() -> None:
    def worst(target: Any, prediction: Any) -> Any:
        return jitgrad.max(jitgrad.abs(target - prediction), axis=-1)

    metric = metrics.get(worst)
    assert metric.name == "worst"
    assert metric(NUMBERS, GUESSES) == pytest.approx(np.abs(NUMBERS - GUESSES).max(1).mean())


def test_a_loss_with_options_is_a_metric_of_rows() -> None:
    bound = functools.partial(losses.huber, delta=0.1)
    expected = np.mean([float(bound(NUMBERS[i : i + 1], GUESSES[i : i + 1])) for i in range(N)])
    assert metrics.get(bound)(NUMBERS, GUESSES) == pytest.approx(expected)


def test_several_classes_in_a_row_that_nobody_could_check_are_nan() -> None:
    score = metrics.F1()
    twice = jitgrad.function(lambda t, p: score.sums(t * 1.0, p, jitgrad.tensor(np.ones(3))))
    assert math.isnan(score.result(twice(SEVERAL, SEVERAL * 0.5).numpy()))
    assert score.result(twice(np.array([[1, 0], [1, 0], [0, 1]]), SEVERAL * 0.5).numpy()) >= 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.get("acuracy"), ArgumentError, "no metric 'acuracy'. Did you mean 'accuracy'"),
        (lambda: metrics.F1("mean"), ArgumentError, "average is 'mean'"),
        (lambda: metrics.Accuracy()(np.ones((3, 2)), SCORES[:3]), ShapeError, "Give one class per row"),
        (lambda: metrics.R2()(np.ones((3, 2)), np.ones((3, 4))), ShapeError, r"\(3, 2\) and the prediction \(3, 4\)"),
        (lambda: metrics.AUC()(CLASSES, SCORES), ShapeError, "Give one number per row, or two classes"),
        (lambda: metrics.get(lambda t, p: jitgrad.sum(p))(BITS, BITS), ArgumentError, "one number for all rows"),
        (lambda: metrics.TopKCategoricalAccuracy(0), ArgumentError, "k is 0"),
        (lambda: metrics.F1(threshold="a"), ArgumentError, "threshold is 'a'. Give a number"),
        (lambda: metrics.F1(threshold=0.7)(CLASSES, SCORES), ArgumentError, "f1: threshold is 0.7, but predictions"),
        (lambda: metrics.get({"class_name": "auc"}), ArgumentError, "The metric is {'class_name': 'auc'}. Give one of"),
        *[
            (
                lambda kind=kind: kind()(SEVERAL, SEVERAL * 0.5),
                DataError,
                f"The target has several classes in row 1, but {kind.__name__.lower()}",
            )
            for kind in (metrics.Precision, metrics.Recall, metrics.F1, metrics.AUC)
        ],
        *[
            (lambda kind=kind: kind()(HOT[:2], SCORES[:2], np.ones((2, 4))), ShapeError, r"shape \(2, 4\) for 2 rows")
            for kind in (metrics.Accuracy, metrics.F1, metrics.R2)
        ],
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
