"""Accuracies: the fraction of rows or elements that are predicted correctly."""

from __future__ import annotations

from abc import abstractmethod

from jitgrad.arguments import count, number
from jitgrad.functions.extremes import argmax
from jitgrad.functions.reductions import sum
from jitgrad.losses.loss import alike
from jitgrad.metrics.metric import Mean
from jitgrad.metrics.targets import kind_of, known_classes, one_hot
from jitgrad.ops.elementwise import equal, greater
from jitgrad.tape.tensor import Tensor


class _Hits(Mean):
    """Base class of accuracies: the fraction of rows for which ``hits`` is true."""

    def __init__(self, name: str) -> None:
        super().__init__(self.hits, name)

    @abstractmethod
    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Return 1 for each row or element that is correct, else 0."""


class BinaryAccuracy(_Hits):
    """Fraction of targets 0 and 1 that are equal to the thresholded predictions.

    Parameters
    ----------
    threshold : float, default 0.5
        Predictions above the threshold count as class 1.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    Accuracy : Chooses the kind of accuracy by the shapes.

    Examples
    --------
    >>> accuracy = jg.metrics.BinaryAccuracy()
    >>> accuracy([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.1])
    0.75
    """

    def __init__(self, threshold: float = 0.5, name: str = "binary_accuracy") -> None:
        super().__init__(name)
        self.threshold = number("threshold", threshold)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Compare the thresholded predictions with the targets.

        Parameters
        ----------
        target : Tensor
            True values.
        prediction : Tensor
            Predicted values.

        Returns
        -------
        Tensor
            1 where the prediction is correct, else 0, for each row or element.
        """
        alike(self.name, target, prediction)
        return equal(greater(prediction, self.threshold) * 1.0, target * 1.0) * 1.0


class CategoricalAccuracy(_Hits):
    """Fraction of rows whose largest prediction is in the position of the largest target.

    Parameters
    ----------
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    SparseCategoricalAccuracy : Accuracy for classes given as integers.

    Examples
    --------
    >>> accuracy = jg.metrics.CategoricalAccuracy()
    >>> accuracy([[0, 1, 0], [1, 0, 0]], [[0.1, 0.7, 0.2], [0.3, 0.5, 0.2]])
    0.5
    """

    def __init__(self, name: str = "categorical_accuracy") -> None:
        super().__init__(name)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Compare the positions of the largest elements.

        Parameters
        ----------
        target : Tensor
            True values.
        prediction : Tensor
            Predicted values.

        Returns
        -------
        Tensor
            1 where the prediction is correct, else 0, for each row or element.
        """
        alike(self.name, target, prediction)
        return equal(argmax(target, -1), argmax(prediction, -1)) * 1.0


class SparseCategoricalAccuracy(_Hits):
    """Fraction of rows whose largest prediction is in the position of the true class.

    Targets are integers from 0 to classes - 1.

    Parameters
    ----------
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    CategoricalAccuracy : Accuracy for one-hot targets.

    Examples
    --------
    >>> accuracy = jg.metrics.SparseCategoricalAccuracy()
    >>> accuracy([1, 0], [[0.1, 0.7, 0.2], [0.3, 0.5, 0.2]])
    0.5
    """

    def __init__(self, name: str = "sparse_categorical_accuracy") -> None:
        super().__init__(name)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Compare the position of the largest prediction with the class.

        Parameters
        ----------
        target : Tensor
            True values.
        prediction : Tensor
            Predicted values.

        Returns
        -------
        Tensor
            1 where the prediction is correct, else 0, for each row or element.
        """
        return equal(known_classes(self.name, target, prediction), argmax(prediction, -1)) * 1.0


class Accuracy(_Hits):
    """Binary, categorical or sparse categorical accuracy, chosen by the shapes of targets and predictions.

    Parameters
    ----------
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    BinaryAccuracy : Used if there is one prediction per row.
    CategoricalAccuracy : Used if targets and predictions have the same shape.
    SparseCategoricalAccuracy : Used otherwise.

    Examples
    --------
    >>> jg.metrics.Accuracy()([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.1])
    0.75
    >>> jg.metrics.Accuracy()([1, 0], [[0.1, 0.7, 0.2], [0.3, 0.5, 0.2]])
    0.5
    """

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__(name)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Choose the kind of accuracy and apply it.

        Parameters
        ----------
        target : Tensor
            True values.
        prediction : Tensor
            Predicted values.

        Returns
        -------
        Tensor
            1 where the prediction is correct, else 0, for each row or element.
        """
        kinds: dict[str, _Hits] = {
            "binary": BinaryAccuracy(),
            "sparse": SparseCategoricalAccuracy(),
            "categorical": CategoricalAccuracy(),
        }
        return kinds[kind_of(target, prediction)].hits(target, prediction)


class SparseTopKCategoricalAccuracy(_Hits):
    """Fraction of rows in which the true class is among the `k` largest predictions.

    Targets are integers from 0 to classes - 1.

    Parameters
    ----------
    k : int, default 5
        Number of largest predictions.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    Examples
    --------
    >>> accuracy = jg.metrics.SparseTopKCategoricalAccuracy(k=2)
    >>> accuracy([2, 0], [[0.1, 0.7, 0.2], [0.2, 0.5, 0.3]])
    0.5
    """

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy") -> None:
        super().__init__(name)
        self.k = count("k", k)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Return whether fewer than `k` classes have a larger prediction than the true class.

        Parameters
        ----------
        target : Tensor
            True values.
        prediction : Tensor
            Predicted values.

        Returns
        -------
        Tensor
            1 where the prediction is correct, else 0, for each row or element.
        """
        own = sum(prediction * one_hot(known_classes(self.name, target, prediction), prediction.shape[-1]), -1, keepdims=True)
        return (sum(greater(prediction, own), -1) < self.k) * 1.0


class TopKCategoricalAccuracy(SparseTopKCategoricalAccuracy):
    """Fraction of rows in which the true class is among the `k` largest predictions, for one-hot targets.

    Parameters
    ----------
    k : int, default 5
        Number of largest predictions.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    Examples
    --------
    >>> accuracy = jg.metrics.TopKCategoricalAccuracy(k=2)
    >>> accuracy([[0, 0, 1], [1, 0, 0]], [[0.1, 0.7, 0.2], [0.2, 0.5, 0.3]])
    0.5
    """

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy") -> None:
        super().__init__(k, name)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Return whether fewer than `k` classes have a larger prediction than the true class.

        Parameters
        ----------
        target : Tensor
            True values.
        prediction : Tensor
            Predicted values.

        Returns
        -------
        Tensor
            1 where the prediction is correct, else 0, for each row or element.
        """
        alike(self.name, target, prediction)
        return super().hits(argmax(target, -1), prediction)
