"""Optimizers whose step sizes follow the size of past gradients, with Keras's names and defaults."""

from __future__ import annotations

from typing import Any

from jitgrad.arguments import nonnegative
from jitgrad.ops.elementwise import sqrt
from jitgrad.optimizers.hyperparameters import check_form
from jitgrad.optimizers.optimizer import Optimizer, assigned
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable


class RMSprop(Optimizer):
    """``v ← ρ·v + (1 − ρ)·g²; w ← w − lr·g / (√v + ε)``; centred, v less the square of the mean gradient.

    Tieleman and Hinton, "Lecture 6.5: RMSprop", 2012; Graves, "Generating sequences with recurrent neural networks", 2013.
    With momentum μ: ``b ← μ·b + g / (√v + ε); w ← w − lr·b``. That is PyTorch's form; in Keras's the root is √(v + ε), and the
    learning rate is part of b.

    Args:
        learning_rate: the step size, positive, or a Schedule.
        rho: ρ, from 0 on and below 1.
        momentum: μ, from 0 on and below 1.
        epsilon: keeps the division from overflowing.
        centered: whether the variance of the gradient counts instead of its square.
        initial_accumulator_value: what v begins with, from 0 on.
        form: "keras" or "torch".
        options: see Optimizer.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
        centered: bool = False, form: str = "torch", initial_accumulator_value: float = 0.0, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, {"rho": rho, "momentum": momentum, "epsilon": epsilon}, **options)
        self.centered = centered
        self.initial_accumulator_value = nonnegative("initial_accumulator_value", initial_accumulator_value)
        self._outside = check_form(form)

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        rate, rho, momentum, epsilon = self._own(hyper)
        changes: list[StateUpdate] = []
        moves: list[Tensor] = []
        for g, w in pairs:
            v, mean, buffer = self._state(w, self.initial_accumulator_value, 0.0, 0.0)
            second = spread = rho * v.leaf + (1.0 - rho) * (g * g)
            if self.centered:
                average = rho * mean.leaf + (1.0 - rho) * g
                spread = second - average * average
                changes += assigned((mean, average))
            step = g / (sqrt(spread) + epsilon) if self._outside else rate * g / sqrt(spread + epsilon)
            if "momentum" in self._hyper.used:
                step = momentum * buffer.leaf + step
                changes += assigned((buffer, step))
            changes += assigned((v, second))
            moves.append(rate * step if self._outside else step)
        return changes, moves


class Adagrad(Optimizer):
    """``s ← s + g²; w ← w − lr·g / (√s + ε)``. That is PyTorch's form; in Keras's the root is √(s + ε).

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization", 2011.

    Args:
        learning_rate: the step size, positive, or a Schedule.
        initial_accumulator_value: what s begins with, from 0 on.
        epsilon: keeps the division from overflowing.
        learning_rate_decay: d, where the rate of step t is lr / (1 + (t − 1)·d).
        form: "keras" or "torch".
        options: see Optimizer.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
        learning_rate_decay: float = 0.0, form: str = "torch", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, {"epsilon": epsilon, "learning_rate_decay": learning_rate_decay}, **options)
        self.initial_accumulator_value = nonnegative("initial_accumulator_value", initial_accumulator_value)
        self._outside = check_form(form)

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        rate, epsilon, decay = self._own(hyper)
        changes: list[StateUpdate] = []
        if "learning_rate_decay" in self._hyper.used:
            (steps,) = self._shared(pairs, 0.0)
            rate = rate / (1.0 + steps.leaf * decay)
            changes += assigned((steps, steps.leaf + 1.0))
        moves: list[Tensor] = []
        for g, w in pairs:
            (s,) = self._state(w, self.initial_accumulator_value)
            total = s.leaf + g * g
            changes += assigned((s, total))
            moves.append(rate * g / (sqrt(total) + epsilon if self._outside else sqrt(total + epsilon)))
        return changes, moves


class Adadelta(Optimizer):
    """``v ← ρ·v + (1 − ρ)·g²; d = √(u + ε) / √(v + ε)·g; u ← ρ·u + (1 − ρ)·d²; w ← w − lr·d``.

    Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    Args:
        learning_rate: the step size, positive, or a Schedule.
        rho: ρ, from 0 on and below 1.
        epsilon: what the first steps are sized by.
        options: see Optimizer.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **options: Any
    ) -> None:
        super().__init__(learning_rate, {"rho": rho, "epsilon": epsilon}, **options)

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        rate, rho, epsilon = self._own(hyper)
        changes: list[StateUpdate] = []
        moves: list[Tensor] = []
        for g, w in pairs:
            v, u = self._state(w, 0.0, 0.0)
            second = rho * v.leaf + (1.0 - rho) * (g * g)
            step = sqrt(u.leaf + epsilon) / sqrt(second + epsilon) * g
            changes += assigned((v, second), (u, rho * u.leaf + (1.0 - rho) * (step * step)))
            moves.append(rate * step)
        return changes, moves
