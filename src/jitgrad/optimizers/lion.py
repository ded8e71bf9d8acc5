"""Lion: steps in the direction of the sign of the momentum."""

from __future__ import annotations

from typing import Unpack

from jitgrad.ops.elementwise import sign
from jitgrad.optimizers.optimizer import Optimizer, assigned
from jitgrad.optimizers.options import OptimizerOptions
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable


class Lion(Optimizer):
    """Lion: steps in the direction of the sign of the momentum.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Step size, positive; or a schedule that returns it for each step.
    beta_1 : float, default 0.9
        Weight β₁ of the momentum in the step, in [0, 1).
    beta_2 : float, default 0.99
        Decay rate β₂ of the momentum, in [0, 1).
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    See Also
    --------
    AdamW : Use a third to a tenth of its learning rate for Lion.

    Notes
    -----
    ::

        w ← w − lr·sign(β₁·m + (1 − β₁)·g)
        m ← β₂·m + (1 − β₂)·g

    Chen et al., "Symbolic discovery of optimization algorithms", 2023.

    Examples
    --------
    >>> w = jg.Variable([2.0, -3.0])
    >>> costs = jg.optimizers.Lion(0.01).minimize(lambda: jg.sum((w - 1.0) ** 2), steps=100)
    >>> np.round(w.numpy(), 2)
    array([ 1., -2.])
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        super().__init__(learning_rate, {"beta_1": beta_1, "beta_2": beta_2}, **options)

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        rate, beta_1, beta_2 = self._own(hyper)
        changes: list[StateUpdate] = []
        moves: list[Tensor] = []
        for g, w in pairs:
            (m,) = self._state(w, 0.0)
            moves.append(rate * sign(beta_1 * m.leaf + (1.0 - beta_1) * g))
            changes += assigned((m, beta_2 * m.leaf + (1.0 - beta_2) * g))
        return changes, moves
