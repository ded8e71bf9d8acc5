"""Metrics: what is told about a model beside its loss: sums over rows, which the native loop gathers, and their meaning.

``metric(target, prediction, sample_weight)`` gives its value for arrays. Names are Keras's, meanings of scores scikit-learn's.
"""

import functools
from collections.abc import Callable
from typing import Any

from jitgrad import losses
from jitgrad.arguments import by_name
from jitgrad.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from jitgrad.metrics.classes import F1, ConfusionMatrix, Precision, Recall
from jitgrad.metrics.curves import AUC, average_precision, roc_auc
from jitgrad.metrics.metric import Mean, Metric, RootMeanSquaredError
from jitgrad.metrics.regression import R2, CosineSimilarity
from jitgrad.metrics.running import Running, RunningMean
from jitgrad.metrics.thresholds import (
    ElementPrecision,
    ElementRecall,
    FalseNegatives,
    FalsePositives,
    FBeta,
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)

METRICS: dict[str, Callable[[], Metric]] = {
    "accuracy": Accuracy, "acc": Accuracy, "binary_accuracy": BinaryAccuracy, "categorical_accuracy": CategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy, "top_k_categorical_accuracy": TopKCategoricalAccuracy,
    "sparse_top_k_categorical_accuracy": SparseTopKCategoricalAccuracy, "precision": Precision, "recall": Recall, "f1": F1,
    "auc": AUC, "r2": R2, "rmse": RootMeanSquaredError, "confusion_matrix": ConfusionMatrix,
    "pr_auc": functools.partial(AUC, curve="PR"), "cosine": CosineSimilarity,
    "true_positives": TruePositives, "false_positives": FalsePositives, "true_negatives": TrueNegatives,
    "false_negatives": FalseNegatives,
}  # fmt: skip
_BY_NAME = METRICS | {name: functools.partial(Mean, loss) for name, loss in losses.LOSSES.items()}


def get(metric: Any) -> Metric:
    """A metric by name or that of a loss, or a metric itself, or a function of target and prediction that gives a number a row.

    Raises ArgumentError for an unknown name.
    """
    if isinstance(metric, type) and issubclass(metric, Metric):
        metric = metric()
    if isinstance(metric, Metric):
        return metric
    if callable(metric):
        return Mean(metric)
    made = by_name("metric", metric, _BY_NAME)()
    made.name = metric
    return made


__all__ = [
    "AUC",
    "F1",
    "METRICS",
    "R2",
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "ConfusionMatrix",
    "CosineSimilarity",
    "ElementPrecision",
    "ElementRecall",
    "FBeta",
    "FalseNegatives",
    "FalsePositives",
    "Mean",
    "Metric",
    "Precision",
    "PrecisionAtRecall",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "Running",
    "RunningMean",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "average_precision",
    "get",
    "roc_auc",
]
