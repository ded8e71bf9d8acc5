"""The parts of rows that are right."""

from __future__ import annotations

from abc import abstractmethod

from jitgrad.arguments import count, number
from jitgrad.functions.extremes import argmax
from jitgrad.functions.reductions import sum
from jitgrad.losses import alike
from jitgrad.metrics.metric import Mean
from jitgrad.metrics.targets import kind_of, known_classes, one_hot
from jitgrad.ops.elementwise import equal, greater
from jitgrad.tape.tensor import Tensor


class _Hits(Mean):
    """The part of the rows for which something is true."""

    def __init__(self, name: str) -> None:
        super().__init__(self.hits, name)

    @abstractmethod
    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Whether it is true, for each row or element."""


class BinaryAccuracy(_Hits):
    """The part of targets 0 and 1 on whose side of ``threshold`` the prediction is; another target is on no side."""

    def __init__(self, threshold: float = 0.5, name: str = "binary_accuracy") -> None:
        super().__init__(name)
        self.threshold = number("threshold", threshold)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        alike(self.name, target, prediction)
        return equal(greater(prediction, self.threshold) * 1.0, target * 1.0) * 1.0


class CategoricalAccuracy(_Hits):
    """The part of rows whose largest prediction is where the largest target is."""

    def __init__(self, name: str = "categorical_accuracy") -> None:
        super().__init__(name)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        alike(self.name, target, prediction)
        return equal(argmax(target, -1), argmax(prediction, -1)) * 1.0


class SparseCategoricalAccuracy(_Hits):
    """The part of rows whose largest prediction is that of the class, an integer from 0 on."""

    def __init__(self, name: str = "sparse_categorical_accuracy") -> None:
        super().__init__(name)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        return equal(known_classes(self.name, target, prediction), argmax(prediction, -1)) * 1.0


class Accuracy(_Hits):
    """Binary, categorical or sparse categorical accuracy, as the shapes of targets and predictions ask for."""

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__(name)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        kinds: dict[str, _Hits] = {
            "binary": BinaryAccuracy(),
            "sparse": SparseCategoricalAccuracy(),
            "categorical": CategoricalAccuracy(),
        }
        return kinds[kind_of(target, prediction)].hits(target, prediction)


class SparseTopKCategoricalAccuracy(_Hits):
    """The part of rows in which fewer than ``k`` classes have a larger prediction than the class, an integer from 0 on."""

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy") -> None:
        super().__init__(name)
        self.k = count("k", k)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        own = sum(prediction * one_hot(known_classes(self.name, target, prediction), prediction.shape[-1]), -1, keepdims=True)
        return (sum(greater(prediction, own), -1) < self.k) * 1.0


class TopKCategoricalAccuracy(SparseTopKCategoricalAccuracy):
    """The same where targets have a number for each class."""

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy") -> None:
        super().__init__(k, name)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        alike(self.name, target, prediction)
        return super().hits(argmax(target, -1), prediction)
