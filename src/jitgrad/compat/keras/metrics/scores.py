"""Keras's threshold metrics, areas under curves, and classification and regression scores."""

from __future__ import annotations

from typing import Any

from jitgrad import metrics as library
from jitgrad.compat.keras.metrics.metric import Counted, only_last
from jitgrad.errors import ArgumentError


class TruePositives(Counted):
    """Number of elements with target 1 and a prediction above the threshold."""

    short = None

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.thresholds = thresholds

    def make(self) -> library.Metric:
        return library.TruePositives(self.thresholds)


class TrueNegatives(TruePositives):
    """Number of elements with target 0 and a prediction not above the threshold."""

    def make(self) -> library.Metric:
        return library.TrueNegatives(self.thresholds)


class FalsePositives(TruePositives):
    """Number of elements with target 0 and a prediction above the threshold."""

    def make(self) -> library.Metric:
        return library.FalsePositives(self.thresholds)


class FalseNegatives(TruePositives):
    """Number of elements with target 1 and a prediction not above the threshold."""

    def make(self) -> library.Metric:
        return library.FalseNegatives(self.thresholds)


class Precision(Counted):
    """Fraction of elements predicted as 1 that are 1."""

    short = None

    def __init__(
        self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        self.thresholds, self.top_k, self.class_id = thresholds, top_k, class_id

    def make(self) -> library.Metric:
        return library.ElementPrecision(self.thresholds, self.top_k, self.class_id)


class Recall(Precision):
    """Fraction of elements with target 1 that are predicted as 1."""

    def make(self) -> library.Metric:
        return library.ElementRecall(self.thresholds, self.top_k, self.class_id)


class AUC(Counted):
    """Area under the ROC curve or the precision-recall curve."""

    short = None

    def __init__(
        self, num_thresholds: int = 200, curve: str = "ROC", summation_method: str = "interpolation", name: str | None = None,
        dtype: Any = None, thresholds: Any = None, multi_label: bool = False, num_labels: int | None = None,
        label_weights: Any = None, from_logits: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        if thresholds is not None or multi_label or num_labels is not None or label_weights is not None:
            raise ArgumentError("AUC: thresholds and labels of several columns are not supported. Compute one AUC per column.")
        self.num_thresholds = num_thresholds
        self.curve: Any = curve
        self.summation_method: Any = summation_method
        self.from_logits = from_logits

    def make(self) -> library.Metric:
        return library.AUC(
            self.num_thresholds, self.name, self.curve, self.from_logits, even=True, summation=self.summation_method
        )


class SensitivityAtSpecificity(Counted):
    """Largest sensitivity at which the specificity is at least this value."""

    short = None
    kind: Any = library.SensitivityAtSpecificity

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        self._given = (specificity, num_thresholds, class_id)

    def make(self) -> library.Metric:
        return type(self).kind(*self._given)


class SpecificityAtSensitivity(SensitivityAtSpecificity):
    """Largest specificity at which the sensitivity is at least this value."""

    kind = library.SpecificityAtSensitivity

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(SensitivityAtSpecificity):
    """Largest precision at which the recall is at least this value."""

    kind = library.PrecisionAtRecall

    def __init__(
        self, recall: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(SensitivityAtSpecificity):
    """Largest recall at which the precision is at least this value."""

    kind = library.RecallAtPrecision

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(precision, num_thresholds, class_id, name, dtype)


class FBetaScore(Counted):
    """F-beta score, for each column or averaged."""

    short = "fbeta_score"

    def __init__(
        self, average: str | None = None, beta: float = 1.0, threshold: float | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        self.average: Any = average
        self.beta, self.threshold = beta, threshold

    def make(self) -> library.Metric:
        return library.FBeta(self.average, self.beta, self.threshold)


class F1Score(FBetaScore):
    """F1 score, for each column or averaged."""

    short = "f1_score"

    def __init__(
        self, average: str | None = None, threshold: float | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)


class R2Score(Counted):
    """Coefficient of determination, averaged over the columns."""

    short = "r2_score"

    def __init__(
        self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        if class_aggregation != "uniform_average" or num_regressors:
            raise ArgumentError("R2Score: class_aggregation and num_regressors are not supported. Omit them.")

    def make(self) -> library.Metric:
        return library.R2()


class CosineSimilarity(Counted):
    """Cosine similarity of targets and predictions."""

    def __init__(self, name: str | None = None, dtype: Any = None, axis: int = -1) -> None:
        super().__init__(name, dtype)
        only_last("CosineSimilarity", axis)

    def make(self) -> library.Metric:
        return library.CosineSimilarity()


CLASSES = [
    name for name, value in list(globals().items())
    if isinstance(value, type) and issubclass(value, Counted) and value.__module__ == __name__
]  # fmt: skip
__all__ = [*CLASSES]
