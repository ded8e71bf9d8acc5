"""Optimizers whose step sizes follow the size of past gradients, by PyTorch's formulas with Keras's names and defaults."""

from __future__ import annotations

from jitgrad.arguments import in_unit_interval, nonnegative, positive
from jitgrad.ops.elementwise import sqrt
from jitgrad.optimizers.optimizer import Optimizer, assigned
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable


class RMSprop(Optimizer):
    """``v ← ρ·v + (1 − ρ)·g²; w ← w − lr·g / (√v + ε)``; centred, v less the square of the mean gradient.

    Tieleman and Hinton, "Lecture 6.5: RMSprop", 2012; Graves, "Generating sequences with recurrent neural networks", 2013. With
    momentum μ: ``b ← μ·b + g / (√v + ε); w ← w − lr·b``.

    Args:
        learning_rate: the step size, positive, or a Schedule.
        rho: ρ, from 0 on and below 1.
        momentum: μ, from 0 on and below 1.
        epsilon: keeps the division from overflowing.
        centered: whether the variance of the gradient counts instead of its square.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
        centered: bool = False, **clipping: float | None,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, in_unit_interval("rho", rho), in_unit_interval("momentum", momentum), positive("epsilon", epsilon),
            **clipping,
        )  # fmt: skip
        self.momentum = momentum
        self.centered = centered

    def _changes(self, pairs: list[tuple[Tensor, Variable]]) -> list[StateUpdate]:
        rate, rho, momentum, epsilon = self._hypers()
        changes: list[StateUpdate] = []
        for g, w in pairs:
            v, mean, buffer = self._state(w, 3)
            second = rho * v.leaf + (1.0 - rho) * (g * g)
            spread = second
            if self.centered:
                average = rho * mean.leaf + (1.0 - rho) * g
                spread = second - average * average
                changes += assigned((mean, average))
            step = g / (sqrt(spread) + epsilon)
            if self.momentum:
                step = momentum * buffer.leaf + step
                changes += assigned((buffer, step))
            changes += assigned((v, second), (w, w.leaf - rate * step))
        return changes


class Adagrad(Optimizer):
    """``s ← s + g²; w ← w − lr·g / (√s + ε)``.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization", 2011.

    Args:
        learning_rate: the step size, positive, or a Schedule.
        initial_accumulator_value: what s begins with, from 0 on.
        epsilon: keeps the division from overflowing.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
        **clipping: float | None,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, positive("epsilon", epsilon), **clipping)
        self.initial_accumulator_value = nonnegative("initial_accumulator_value", initial_accumulator_value)

    def _changes(self, pairs: list[tuple[Tensor, Variable]]) -> list[StateUpdate]:
        rate, epsilon = self._hypers()
        changes: list[StateUpdate] = []
        for g, w in pairs:
            (s,) = self._state(w, 1, self.initial_accumulator_value)
            total = s.leaf + g * g
            changes += assigned((s, total), (w, w.leaf - rate * g / (sqrt(total) + epsilon)))
        return changes


class Adadelta(Optimizer):
    """``v ← ρ·v + (1 − ρ)·g²; d = √(u + ε) / √(v + ε)·g; u ← ρ·u + (1 − ρ)·d²; w ← w − lr·d``.

    Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    Args:
        learning_rate: the step size, positive, or a Schedule.
        rho: ρ, from 0 on and below 1.
        epsilon: what the first steps are sized by.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **clipping: float | None
    ) -> None:
        super().__init__(learning_rate, in_unit_interval("rho", rho), positive("epsilon", epsilon), **clipping)

    def _changes(self, pairs: list[tuple[Tensor, Variable]]) -> list[StateUpdate]:
        rate, rho, epsilon = self._hypers()
        changes: list[StateUpdate] = []
        for g, w in pairs:
            v, u = self._state(w, 2)
            second = rho * v.leaf + (1.0 - rho) * (g * g)
            step = sqrt(u.leaf + epsilon) / sqrt(second + epsilon) * g
            moved = rho * u.leaf + (1.0 - rho) * (step * step)
            changes += assigned((v, second), (u, moved), (w, w.leaf - rate * step))
        return changes
