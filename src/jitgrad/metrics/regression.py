"""How near numbers are to their targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.functions.joining import concatenate
from jitgrad.functions.products import matmul
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import reshape
from jitgrad.losses import aligned, alike
from jitgrad.metrics.metric import Mean, Metric
from jitgrad.ops.elementwise import maximum, sqrt, square
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.variable import WeakVariable


class CosineSimilarity(Mean):
    """The mean cosine of the angles between targets and predictions along the last axis."""

    def __init__(self, name: str = "cosine") -> None:
        super().__init__(self.cosine, name)

    def cosine(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Of each row."""
        alike(self.name, target, prediction)
        lengths = sqrt(maximum(sum(square(target), -1) * sum(square(prediction), -1), 1e-24))
        return sum(target * prediction, -1) / lengths


class R2(Metric):
    """The part of the targets' variance that is explained, the mean over the columns; nan where they do not vary.

    Targets are summed less a number near their mean, so that what they have in common costs no digits.
    """

    def __init__(self, name: str = "r2") -> None:
        self.name = name
        self._near = WeakVariable(0.0, "near")

    def prepare(self, target: np.ndarray) -> None:
        self._near.store(np.mean(target))

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        y = aligned(target, prediction)
        alike(self.name, y, prediction)
        y, p = (reshape(x, (x.shape[0], -1)) for x in (y, prediction))
        w, near = reshape(weight, (1, -1)), y - self._near
        parts = [matmul(w, x) for x in (y * 0.0 + 1.0, near, square(near), square(y - p))]
        return reshape(concatenate(parts, -1), (-1,))

    def result(self, sums: np.ndarray) -> Any:
        n, total, squares, errors = sums.reshape(4, -1)
        spread = squares - total**2 / n
        return float(np.mean(np.where(spread > 0, 1 - errors / np.where(spread > 0, spread, 1), np.nan)))
