"""Metrics: quantities that ``fit`` and ``evaluate`` report in addition to the loss.

``metric(target, prediction, sample_weight)`` computes a metric of arrays. During a fit, a metric is computed
from sums over rows that the native loop accumulates. The names follow Keras; scores are defined as in scikit-learn.
"""

import functools
from collections.abc import Callable

from jitgrad import losses
from jitgrad.arguments import by_name
from jitgrad.losses.loss import LossFunction
from jitgrad.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from jitgrad.metrics.bounded import (
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
)
from jitgrad.metrics.classes import F1, ConfusionMatrix, Precision, Recall
from jitgrad.metrics.curves import AUC, average_precision, roc_auc
from jitgrad.metrics.fbeta import FBeta
from jitgrad.metrics.metric import Mean, Metric, RootMeanSquaredError
from jitgrad.metrics.regression import R2, CosineSimilarity
from jitgrad.metrics.running import Running, RunningMean
from jitgrad.metrics.thresholds import (
    ElementPrecision,
    ElementRecall,
    FalseNegatives,
    FalsePositives,
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
"""The metrics by name, as ``compile`` accepts them."""
_BY_NAME = METRICS | {name: functools.partial(Mean, loss) for name, loss in losses.LOSSES.items()}


def get(metric: str | Metric | type[Metric] | LossFunction) -> Metric:
    """Return a metric.

    Parameters
    ----------
    metric : str, Metric, type or callable
        Name of a metric (a key of ``METRICS``) or of a loss; a metric or its class; or a function of targets
        and predictions that returns one number per row.

    Returns
    -------
    Metric
        The metric.

    Raises
    ------
    ArgumentError
        If no metric or loss has this name.

    Examples
    --------
    >>> jg.metrics.get("accuracy").name
    'accuracy'
    >>> jg.metrics.get("mae")([1.0, 2.0], [1.0, 4.0])
    1.0
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
