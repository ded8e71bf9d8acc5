"""Adam: steps scaled by running moments of the gradient."""

from __future__ import annotations

import numpy as np

from jitgrad.arguments import in_unit_interval, positive
from jitgrad.optimizers.optimizer import Optimizer
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import Change
from jitgrad.tape.variable import Variable


class Adam(Optimizer):
    """Adam, Kingma and Ba, "Adam: a method for stochastic optimization", 2015, in Keras's form.

    ``m ← m + (1 − β₁)(g − m); v ← v + (1 − β₂)(g² − v); w ← w − α·m / (√v + ε)`` with
    ``α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ)``.

    Args:
        learning_rate: the step size, positive.
        beta_1, beta_2: how slowly the moments change, from 0 on and below 1.
        epsilon: keeps the division from overflowing.

    Raises:
        ArgumentError: for a number outside its range.
    """

    def __init__(self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> None:
        super().__init__(
            learning_rate, in_unit_interval("beta_1", beta_1), in_unit_interval("beta_2", beta_2),
            positive("epsilon", epsilon),
        )  # fmt: skip
        self._rate: Variable | None = None

    def _changes(self, pairs: list[tuple[Tensor, Variable]]) -> list[Change]:
        if self._rate is None:  # the powers of β₁ and β₂, and α
            widest = max((v.dtype for _, v in pairs), key=lambda dtype: dtype.itemsize)
            self._rate = Variable(np.array([1, 1, 0], widest), name="adam/rate", trainable=False)
        rate, hyper = self._rate, self._hyper.leaf
        return [
            Change("adam_rate", (rate,), (hyper,)),
            *(Change("adam", (v, *self._state(v, 2), rate), (g, hyper)) for g, v in pairs),
        ]

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's state, in the order in which it was made."""
        return [*([] if self._rate is None else [self._rate]), *super().variables]
