"""Optimizers with step sizes scaled by the size of past gradients. The names and defaults follow Keras."""

from __future__ import annotations

from typing import Unpack

from jitgrad.arguments import nonnegative
from jitgrad.ops.elementwise import sqrt
from jitgrad.optimizers.hyperparameters import check_form
from jitgrad.optimizers.optimizer import Optimizer, assigned
from jitgrad.optimizers.options import Form, OptimizerOptions
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable


class RMSprop(Optimizer):
    """RMSprop: step sizes scaled by a moving average of the squared gradient.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Step size, positive; or a schedule that returns it for each step.
    rho : float, default 0.9
        Decay rate ρ of the average, in [0, 1).
    momentum : float, default 0.0
        Momentum μ, in [0, 1).
    epsilon : float, default 1e-7
        Small number ε that keeps the divisor away from 0.
    centered : bool, default False
        Whether to use the variance of the gradient: v minus the square of the mean gradient.
    form : {"keras", "torch"}, default "torch"
        Which library's form to use; see Notes.
    initial_accumulator_value : float, default 0.0
        Initial value of v, at least 0.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    See Also
    --------
    Adam : Also averages the gradient.

    Notes
    -----
    In PyTorch's form::

        v ← ρ·v + (1 − ρ)·g²
        b ← μ·b + g / (√v + ε)
        w ← w − lr·b

    In Keras's form, the root is ``√(v + ε)``, and the learning rate is part of b: ``b ← μ·b + lr·g / √(v + ε); w
    ← w − b``.

    Tieleman and Hinton, "Lecture 6.5: RMSprop", 2012. For the centered form, Graves, "Generating
    sequences with recurrent neural networks", 2013.

    Examples
    --------
    >>> w = jg.Variable([2.0, -3.0])
    >>> costs = jg.optimizers.RMSprop(0.01).minimize(lambda: jg.sum((w - 1.0) ** 2), steps=600)
    >>> np.round(w.numpy(), 2)
    array([1., 1.])
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
        centered: bool = False, form: Form = "torch", initial_accumulator_value: float = 0.0,
        **options: Unpack[OptimizerOptions],
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
    """Adagrad: step sizes scaled by the sum of the squared gradients.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Step size, positive; or a schedule that returns it for each step.
    initial_accumulator_value : float, default 0.1
        Initial value of the sum s, at least 0.
    epsilon : float, default 1e-7
        Small number ε that keeps the divisor away from 0.
    learning_rate_decay : float, default 0.0
        Decay d of the learning rate: in step t, it is ``lr / (1 + (t − 1)·d)``.
    form : {"keras", "torch"}, default "torch"
        Which library's form to use; see Notes.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    See Also
    --------
    Adadelta : The sum is replaced by a moving average.

    Notes
    -----
    In PyTorch's form, ``s ← s + g²; w ← w − lr·g / (√s + ε)``. In Keras's form, the root is ``√(s + ε)``.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", 2011.

    Examples
    --------
    >>> w = jg.Variable([2.0, -3.0])
    >>> costs = jg.optimizers.Adagrad(1.0).minimize(lambda: jg.sum((w - 1.0) ** 2), steps=200)
    >>> np.round(w.numpy(), 2)
    array([1., 1.])
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
        learning_rate_decay: float = 0.0, form: Form = "torch", **options: Unpack[OptimizerOptions],
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
    """Adadelta: step sizes from moving averages of squared gradients and squared steps.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Factor of the steps, positive (1 in the paper); or a schedule that returns it for each step.
    rho : float, default 0.95
        Decay rate ρ of the averages, in [0, 1).
    epsilon : float, default 1e-7
        Small number ε that determines the size of the first steps.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    See Also
    --------
    Adagrad : Uses the sum of the squared gradients.

    Notes
    -----
    ::

        v ← ρ·v + (1 − ρ)·g²
        d = √(u + ε) / √(v + ε)·g
        u ← ρ·u + (1 − ρ)·d²
        w ← w − lr·d

    Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    Examples
    --------
    >>> w = jg.Variable([2.0, -3.0])
    >>> costs = jg.optimizers.Adadelta(1.0, epsilon=1e-3).minimize(lambda: jg.sum((w - 1.0) ** 2), steps=600)
    >>> np.round(w.numpy(), 2)
    array([1., 1.])
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **options: Unpack[OptimizerOptions],
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
