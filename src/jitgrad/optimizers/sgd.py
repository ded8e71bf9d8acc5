"""Gradient descent: plain, with momentum, averaged, and based on the sign of the gradient."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.functions.elementwise import clip
from jitgrad.ops.elementwise import equal, greater, less, maximum, power, sign, where
from jitgrad.optimizers.hyperparameters import check_form
from jitgrad.optimizers.optimizer import Optimizer, assigned
from jitgrad.optimizers.options import Form, OptimizerOptions
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.composite import composite
from jitgrad.tape.indexing import getitem
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable


@composite
def _outside_momentum(hyper: Tensor, *tensors: Tensor, nesterov: bool) -> tuple[Tensor, ...]:
    """Return the new momenta and the new values of the Variables, in PyTorch's form without dampening."""
    rate, momentum = getitem(hyper, 0), getitem(hyper, 1)
    n = len(tensors) // 3
    gradients, kept, starts = tensors[:n], tensors[n : 2 * n], tensors[2 * n :]
    buffers = [momentum * b + g for g, b in zip(gradients, kept, strict=True)]
    ways = [g + momentum * b for g, b in zip(gradients, buffers, strict=True)] if nesterov else buffers
    return *buffers, *(w - rate * way for w, way in zip(starts, ways, strict=True))


class SGD(Optimizer):
    """Stochastic gradient descent, optionally with momentum.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
        Step size, positive; or a schedule that returns it for each step.
    momentum : float, default 0.0
        Momentum μ, in [0, 1).
    nesterov : bool, default False
        Whether to use Nesterov momentum.
    dampening : float, default 0.0
        Dampening d of the momentum, in PyTorch's form only.
    form : {"keras", "torch"}, default "keras"
        Which library's form of the momentum to use. They differ if the learning rate changes.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range, `nesterov` is used without momentum, or `dampening` in Keras's form.

    See Also
    --------
    Adam : Adapts the step size of each element.

    Notes
    -----
    Without momentum, ``w ← w − lr·g``. With momentum, in Keras's form::

        v ← μ·v − lr·g
        w ← w + v                       w ← w + μ·v − lr·g  (Nesterov)

    and in PyTorch's form, in which the first b is g::

        b ← μ·b + (1 − d)·g
        w ← w − lr·b                    w ← w − lr·(g + μ·b)  (Nesterov)

    Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep
    learning", 2013.

    Examples
    --------
    >>> w = jg.Variable([2.0, -3.0])
    >>> costs = jg.optimizers.SGD(0.1, momentum=0.5).minimize(lambda: jg.sum((w - 1.0) ** 2), steps=50)
    >>> np.round(w.numpy(), 3)
    array([1., 1.])
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.01, momentum: float = 0.0, nesterov: bool = False, dampening: float = 0.0,
        form: Form = "keras", **options: Unpack[OptimizerOptions],
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, {"momentum": momentum, "dampening": dampening}, **options)
        self._outside = check_form(form)
        if nesterov and (momentum == 0 or dampening):
            raise ArgumentError("nesterov requires a positive momentum and no dampening. Give momentum=0.9, for example.")
        if dampening and not self._outside:
            raise ArgumentError("dampening exists only in PyTorch's form. Give form='torch'.")
        self.nesterov = nesterov

    def _changes(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        if self._average or (self._outside and {"momentum", "dampening"} <= self._hyper.used):
            return super()._changes(pairs, hyper)
        if self._outside and "momentum" in self._hyper.used:
            return self._together(pairs, hyper)
        changes = self._shrinking(pairs, hyper)
        if "momentum" not in self._hyper.used:
            changes += [StateUpdate("sgd", (w,), (g, hyper)) for g, w in pairs]
        else:
            op = "nesterov" if self.nesterov else "momentum"
            changes += [StateUpdate(op, (w, *self._state(w, 0.0)), (g, hyper)) for g, w in pairs]
        return changes

    def _together(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        """Return a step with momentum in PyTorch's form, recorded as one op."""
        factor = self._factor(hyper)
        kept = [self._state(w, 0.0)[0] for _, w in pairs]
        starts = [self._shrunk(w, factor) for _, w in pairs]
        given = (*(g for g, _ in pairs), *(b.leaf for b in kept), *starts)
        made = _outside_momentum(hyper, *given, nesterov=self.nesterov)
        return assigned(*zip((*kept, *(w for _, w in pairs)), made, strict=True))

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        rate, momentum, dampening = self._own(hyper)
        changes: list[StateUpdate] = []
        moves: list[Tensor] = []
        gain = None
        if self._outside and "dampening" in self._hyper.used:
            (flag,) = self._shared(pairs, 0.0)
            gain = where(equal(flag.leaf, 0.0), 1.0, 1.0 - dampening)
            changes += assigned((flag, flag.leaf * 0.0 + 1.0))
        for g, w in pairs:
            if "momentum" not in self._hyper.used:
                moves.append(rate * g)
                continue
            (kept,) = self._state(w, 0.0)
            if self._outside:
                buffer = momentum * kept.leaf + (g if gain is None else gain * g)
                move = rate * (g + momentum * buffer if self.nesterov else buffer)
            else:
                buffer = momentum * kept.leaf - rate * g
                move = rate * g - momentum * buffer if self.nesterov else -buffer
            changes += assigned((kept, buffer))
            moves.append(move)
        return changes, moves


class ASGD(Optimizer):
    """Averaged stochastic gradient descent, as in PyTorch.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
        Step size, positive; or a schedule that returns it for each step.
    lambd : float, default 1e-4
        Decay λ of the Variables.
    alpha : float, default 0.75
        Exponent α of the decay of the step size.
    t0 : float, default 1e6
        Step after which averaging starts.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    Notes
    -----
    ::

        w ← w·(1 − λ·η) − η·g

    where the step size η is lr in the first step and ``lr / (1 + λ·lr·t)^α`` after step t. From step t0 on,
    `average` returns the mean of the values of a Variable.

    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992.

    Examples
    --------
    >>> w = jg.Variable([2.0, -3.0])
    >>> asgd = jg.optimizers.ASGD(0.1, t0=20)
    >>> costs = asgd.minimize(lambda: jg.sum(w**2), steps=50)
    >>> np.round(asgd.average(w), 3)
    array([ 0.003, -0.004])
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.01, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        **options: Unpack[OptimizerOptions],
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, {"lambd": lambd, "alpha": alpha, "t0": t0}, **options)

    def average(self, variable: Variable) -> np.ndarray:
        """Return the average of a Variable.

        Parameters
        ----------
        variable : Variable
            A Variable that was updated.

        Returns
        -------
        ndarray
            The average; before step `t0`, the latest value.

        Raises
        ------
        ArgumentError
            If the Variable was never updated.
        """
        if variable not in self._slots:
            raise ArgumentError(f"Variable {variable.name!r} has not been updated, so it has no average. Take a step first.")
        return np.array(self._slots[variable][0].numpy())

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        rate, lambd, alpha, t0 = self._own(hyper)
        steps, kept = self._shared(pairs, 0.0, 0.0)
        t, factor = steps.leaf + 1.0, self._factor(hyper)
        eta = where(equal(steps.leaf, 0.0), rate, kept.leaf)
        part = 1.0 / maximum(1.0, steps.leaf - t0)
        changes = assigned((steps, t), (kept, rate / power(1.0 + lambd * rate * t, alpha)))
        moves: list[Tensor] = []
        for g, w in pairs:
            (mean,) = self._state(w, 0.0)
            move = eta * (lambd * w.leaf + g)
            new = self._shrunk(w, factor) - move
            changes += assigned((mean, where(equal(part, 1.0), new, mean.leaf + part * (new - mean.leaf))))
            moves.append(move)
        return changes, moves


class Rprop(Optimizer):
    """Resilient backpropagation: steps that depend only on the sign of the gradient, for costs on all rows.

    Parameters
    ----------
    learning_rate : float, default 0.01
        Step size of each element in the first step, positive.
    eta_minus : float, default 0.5
        Factor of the step size if the sign of the gradient changes, between 0 and 1.
    eta_plus : float, default 1.2
        Factor of the step size if the sign stays the same, above 1.
    step_min : float, default 1e-6
        Smallest step size.
    step_max : float, default 50.0
        Largest step size.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    Notes
    -----
    If the sign of an element's gradient changes, the element is not moved in this step. Results agree with
    PyTorch's.

    Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP
    algorithm", 1993.

    Examples
    --------
    >>> w = jg.Variable([2.0, -3.0])
    >>> costs = jg.optimizers.Rprop(0.1).minimize(lambda: jg.sum(w**2), steps=50)
    >>> np.round(w.numpy(), 3) + 0.0
    array([0., 0.])
    """

    def __init__(
        self, learning_rate: float = 0.01, eta_minus: float = 0.5, eta_plus: float = 1.2, step_min: float = 1e-6,
        step_max: float = 50.0, **options: Unpack[OptimizerOptions],
    ) -> None:  # fmt: skip
        others = {"eta_minus": eta_minus, "eta_plus": eta_plus, "step_min": step_min, "step_max": step_max}
        super().__init__(learning_rate, others, **options)
        if not 0 < eta_minus < 1 < eta_plus:
            raise ArgumentError(f"eta_minus is {eta_minus} and eta_plus is {eta_plus}. Give 0 < eta_minus < 1 < eta_plus.")

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        _, eta_minus, eta_plus, low, high = self._own(hyper)
        changes: list[StateUpdate] = []
        moves: list[Tensor] = []
        for g, w in pairs:
            before, kept = self._state(w, 0.0, self.learning_rate)
            turn = g * before.leaf
            factor = where(greater(turn, 0.0), eta_plus, where(less(turn, 0.0), eta_minus, 1.0))
            size = clip(kept.leaf * factor, low, high)
            counted = where(less(turn, 0.0), 0.0, g)
            changes += assigned((before, counted), (kept, size))
            moves.append(sign(counted) * size)
        return changes, moves
