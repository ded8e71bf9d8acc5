"""Gradient descent, with momentum."""

from __future__ import annotations

from jitgrad.arguments import in_unit_interval
from jitgrad.errors import ArgumentError
from jitgrad.optimizers.optimizer import Optimizer
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable


class SGD(Optimizer):
    """Stochastic gradient descent, ``w ← w − lr·g``.

    With momentum μ: ``v ← μ·v − lr·g; w ← w + v``, or with Nesterov's ``w ← w + μ·v − lr·g``. Keras's form of Sutskever
    et al., "On the importance of initialization and momentum in deep learning", 2013.

    Args:
        learning_rate: the step size, positive, or a Schedule.
        momentum: μ, from 0 on and below 1.
        nesterov: whether the gradient counts as taken ahead.
        clipping: ``clipvalue``, ``clipnorm`` or ``global_clipnorm``, see Optimizer.

    Raises:
        ArgumentError: for a number outside its range, or Nesterov's form without momentum.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.01, momentum: float = 0.0, nesterov: bool = False,
        **clipping: float | None,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, in_unit_interval("momentum", momentum), **clipping)
        if nesterov and momentum == 0:
            raise ArgumentError("nesterov needs a momentum above 0. Give momentum=0.9, say.")
        self.momentum = momentum
        self.nesterov = nesterov

    def _changes(self, pairs: list[tuple[Tensor, Variable]]) -> list[StateUpdate]:
        hyper = self._hyperparameters()
        if self.momentum == 0:
            return [StateUpdate("sgd", (v,), (g, hyper)) for g, v in pairs]
        op = "nesterov" if self.nesterov else "momentum"
        return [StateUpdate(op, (v, *self._state(v, 1)), (g, hyper)) for g, v in pairs]
