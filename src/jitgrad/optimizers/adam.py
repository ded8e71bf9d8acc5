"""Adam and its variants: step sizes from moving averages of the gradient and its square."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import reshape
from jitgrad.ops.elementwise import abs, greater, maximum, power, sqrt, where
from jitgrad.optimizers.hyperparameters import check_form
from jitgrad.optimizers.optimizer import Optimizer, assigned
from jitgrad.optimizers.options import CommonOptions, Form, OptimizerOptions
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.composite import composite
from jitgrad.tape.indexing import getitem
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable

_FIRST = np.array([1.0, 1.0, 0.0])
"""The powers of β₁ and β₂, and α, before the first step."""


@composite
def _with_corrected_epsilon(hyper: Tensor, rate: Tensor) -> Tensor:
    """Return Adam's numbers with ε·√(1 − β₂ᵗ), which is added to the root before the bias correction."""
    epsilon = getitem(hyper, 3) * sqrt(1.0 - getitem(rate, 1) * getitem(hyper, 2))
    return concatenate([getitem(hyper, slice(0, 3)), reshape(epsilon, (1,))])


class Adam(Optimizer):
    """Adam: step sizes from moving averages of the gradient and of its square.

    It needs little tuning and is the default optimizer of ``Model.compile``.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Step size, positive; or a schedule that returns it for each step.
    beta_1 : float, default 0.9
        Decay rate β₁ of the mean of the gradients, in [0, 1).
    beta_2 : float, default 0.999
        Decay rate β₂ of the mean of the squared gradients, in [0, 1).
    epsilon : float, default 1e-7
        Small number ε that keeps the divisor away from 0.
    form : {"keras", "torch"}, default "keras"
        Where ε is added: to the root √v, as in Keras, or to the root after the bias correction, as in
        PyTorch.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    See Also
    --------
    AdamW : Adam with decoupled weight decay.
    AMSGrad : Adam with the largest second moment so far.
    Nadam : Adam with Nesterov momentum.
    LBFGS : Converges faster for smooth costs on all rows.

    Notes
    -----
    In step t with the gradient g::

        m ← β₁·m + (1 − β₁)·g
        v ← β₂·v + (1 − β₂)·g²
        w ← w − α·m / (√v + ε),   α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ)

    In PyTorch's form, ``w ← w − lr / (1 − β₁ᵗ)·m / (√v / √(1 − β₂ᵗ) + ε)``; PyTorch's default ε is 1e-8.

    Kingma and Ba, "Adam: a method for stochastic optimization", 2015.

    Examples
    --------
    >>> w = jg.Variable([2.0, -3.0])
    >>> adam = jg.optimizers.Adam(0.1)
    >>> costs = adam.minimize(lambda: jg.sum((w - 1.0) ** 2), steps=300)
    >>> np.round(w.numpy(), 3)
    array([1., 1.])

    With a schedule, the learning rate is computed natively in each step:

    >>> from jitgrad.optimizers.schedules import CosineDecay
    >>> model = jg.Sequential([jg.layers.Dense(1)])
    >>> model.compile(jg.optimizers.Adam(CosineDecay(0.01, steps=1000), clipnorm=1.0), "mse")
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        form: Form = "keras", **options: Unpack[OptimizerOptions],
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}, **options)
        self._corrects_epsilon = check_form(form)

    def _changes(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        if self._average:
            return super()._changes(pairs, hyper)
        (rate,) = self._shared(pairs, _FIRST)
        numbers = _with_corrected_epsilon(hyper, rate.leaf) if self._corrects_epsilon else hyper
        changes = [*self._shrinking(pairs, hyper), StateUpdate("adam_rate", (rate,), (hyper,))]
        changes += [StateUpdate("adam", (w, *self._state(w, 0.0, 0.0), rate), (g, numbers)) for g, w in pairs]
        return changes

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        rate, beta_1, beta_2, epsilon = self._own(hyper)[:4]
        t, changes = self._time(pairs)
        moves: list[Tensor] = []
        root = sqrt(1.0 - beta_2**t)
        alpha, added = rate * root / (1.0 - beta_1**t), epsilon * root if self._corrects_epsilon else epsilon
        for g, w in pairs:
            first, second, more = self._moments(g, w, beta_1, beta_2)
            changes += more
            moves.append(alpha * first / (sqrt(second) + added))
        return changes, moves

    def _time(self, pairs: list[tuple[Tensor, Variable]]) -> tuple[Tensor, list[StateUpdate]]:
        """Return the number of the step, starting with 1, and the update that counts it."""
        (steps,) = self._shared(pairs, 0.0)
        t = steps.leaf + 1.0
        return t, assigned((steps, t))

    def _moments(self, g: Tensor, w: Variable, beta_1: Tensor, beta_2: Tensor) -> tuple[Tensor, Tensor, list[StateUpdate]]:
        """Return both moments after this step, and the updates that store them."""
        m, v, *_ = self._state(w, 0.0, 0.0)
        first = m.leaf + (1.0 - beta_1) * (g - m.leaf)
        second = v.leaf + (1.0 - beta_2) * (g * g - v.leaf)
        return first, second, assigned((m, first), (v, second))


class AdamW(Adam):
    """Adam with decoupled weight decay: ``w ← w·(1 − lr·weight_decay)`` before each step.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Step size, positive; or a schedule that returns it for each step.
    weight_decay : float, default 0.004
        Strength of the weight decay.
    beta_1 : float, default 0.9
        Decay rate β₁ of the mean of the gradients, in [0, 1).
    beta_2 : float, default 0.999
        Decay rate β₂ of the mean of the squared gradients, in [0, 1).
    epsilon : float, default 1e-7
        Small number ε that keeps the divisor away from 0.
    form : {"keras", "torch"}, default "keras"
        Where ε is added; see `Adam`.
    **options : CommonOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    See Also
    --------
    Adam : The update rule. Every optimizer has the option ``weight_decay``.

    Notes
    -----
    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.

    Examples
    --------
    >>> model = jg.Sequential([jg.layers.Dense(1)])
    >>> model.compile(jg.optimizers.AdamW(0.001, weight_decay=0.01), "mse")
    >>> model.optimizer.hyperparameters["weight_decay"]
    0.01
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, form: Form = "keras", **options: Unpack[CommonOptions],
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, form, weight_decay=weight_decay, **options)


class AMSGrad(Adam):
    """Adam with the largest second moment so far.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Step size, positive; or a schedule that returns it for each step.
    beta_1 : float, default 0.9
        Decay rate β₁ of the mean of the gradients, in [0, 1).
    beta_2 : float, default 0.999
        Decay rate β₂ of the mean of the squared gradients, in [0, 1).
    epsilon : float, default 1e-7
        Small number ε that keeps the divisor away from 0.
    form : {"keras", "torch"}, default "keras"
        Where ε is added; see `Adam`.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    See Also
    --------
    Adam : The update rule with the current second moment.

    Notes
    -----
    The update rule of `Adam`, with ``v̂ ← max(v̂, v)`` in place of v in the step.

    Reddi, Kale and Kumar, "On the convergence of Adam and beyond", 2018.

    Examples
    --------
    >>> w = jg.Variable([2.0, -3.0])
    >>> costs = jg.optimizers.AMSGrad(0.1).minimize(lambda: jg.sum((w - 1.0) ** 2), steps=400)
    >>> np.round(w.numpy(), 2)
    array([1., 1.])
    """

    def _changes(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        return Optimizer._changes(self, pairs, hyper)

    def _moments(self, g: Tensor, w: Variable, beta_1: Tensor, beta_2: Tensor) -> tuple[Tensor, Tensor, list[StateUpdate]]:
        _, _, largest = self._state(w, 0.0, 0.0, 0.0)
        first, second, changes = super()._moments(g, w, beta_1, beta_2)
        top = maximum(largest.leaf, second)
        return first, top, [*changes, *assigned((largest, top))]


class Nadam(Adam):
    """Adam with Nesterov momentum.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Step size, positive; or a schedule that returns it for each step.
    beta_1 : float, default 0.9
        Decay rate β₁ of the mean of the gradients, in [0, 1).
    beta_2 : float, default 0.999
        Decay rate β₂ of the mean of the squared gradients, in [0, 1).
    epsilon : float, default 1e-7
        Small number ε that keeps the divisor away from 0.
    momentum_decay : float, default 0.004
        Rate at which the momentum rises to β₁, at least 0; 0.004 in PyTorch, 1 in Keras 3.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    See Also
    --------
    Adam : The update rule without Nesterov momentum.

    Notes
    -----
    The momentum of step t is ``μₜ = β₁·(1 − ½·0.96^(momentum_decay·t))``.

    Dozat, "Incorporating Nesterov momentum into Adam", 2016.

    Examples
    --------
    >>> w = jg.Variable([2.0, -3.0])
    >>> costs = jg.optimizers.Nadam(0.1).minimize(lambda: jg.sum((w - 1.0) ** 2), steps=300)
    >>> np.round(w.numpy(), 2)
    array([1., 1.])
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        momentum_decay: float = 0.004, **options: Unpack[OptimizerOptions],
    ) -> None:  # fmt: skip
        others = {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon, "momentum_decay": momentum_decay}
        Optimizer.__init__(self, learning_rate, others, **options)

    def _changes(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        return Optimizer._changes(self, pairs, hyper)

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        rate, beta_1, beta_2, epsilon, decay = self._own(hyper)
        steps, product = self._shared(pairs, 0.0, 1.0)
        t = steps.leaf + 1.0
        now, after = (beta_1 * (1.0 - 0.5 * power(0.96, decay * k)) for k in (t, t + 1.0))
        so_far = product.leaf * now
        changes = assigned((steps, t), (product, so_far))
        moves: list[Tensor] = []
        for g, w in pairs:
            first, second, more = self._moments(g, w, beta_1, beta_2)
            ahead = after * first / (1.0 - so_far * after) + (1.0 - now) * g / (1.0 - so_far)
            moves.append(rate * ahead / (sqrt(second / (1.0 - beta_2**t)) + epsilon))
            changes += more
        return changes, moves


class RAdam(Adam):
    """Rectified Adam, which does not use the second moment while its estimate is uncertain.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Step size, positive; or a schedule that returns it for each step.
    beta_1 : float, default 0.9
        Decay rate β₁ of the mean of the gradients, in [0, 1).
    beta_2 : float, default 0.999
        Decay rate β₂ of the mean of the squared gradients, in [0, 1).
    epsilon : float, default 1e-8
        Small number ε that keeps the divisor away from 0.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    See Also
    --------
    Adam : The update rule without the rectification.

    Notes
    -----
    Liu, Jiang, He, Chen, Liu, Gao and Han, "On the variance of the adaptive learning rate
    and beyond", 2020. Results agree with PyTorch's.

    Examples
    --------
    >>> w = jg.Variable([2.0, -3.0])
    >>> costs = jg.optimizers.RAdam(0.1).minimize(lambda: jg.sum((w - 1.0) ** 2), steps=300)
    >>> np.round(w.numpy(), 2)
    array([1., 1.])
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        **options: Unpack[OptimizerOptions],
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, "torch", **options)

    def _changes(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        return Optimizer._changes(self, pairs, hyper)

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        rate, beta_1, beta_2, epsilon = self._own(hyper)
        t, changes = self._time(pairs)
        power_2 = beta_2**t
        longest = 2.0 / (1.0 - beta_2) - 1.0
        length = longest - 2.0 * t * power_2 / (1.0 - power_2)
        is_known = greater(length, 5.0)
        known = where(is_known, length, 5.0)
        rectified = sqrt((known - 4.0) * (known - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * known))
        moves: list[Tensor] = []
        for g, w in pairs:
            first, second, more = self._moments(g, w, beta_1, beta_2)
            scale = where(is_known, rectified * sqrt(1.0 - power_2) / (sqrt(second) + epsilon), 1.0)
            moves.append(rate * scale * first / (1.0 - beta_1**t))
            changes += more
        return changes, moves


class Adamax(Adam):
    """Adam with a decaying maximum of past gradients in place of the second moment.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Step size, positive; or a schedule that returns it for each step.
    beta_1 : float, default 0.9
        Decay rate β₁ of the mean of the gradients, in [0, 1).
    beta_2 : float, default 0.999
        Decay rate β₂ of the mean of the squared gradients, in [0, 1).
    epsilon : float, default 1e-7
        Small number ε that keeps the divisor away from 0.
    form : {"keras", "torch"}, default "keras"
        Where ε is added: to u, as in Keras, or to ``|g|``, as in PyTorch.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    See Also
    --------
    Adam : The update rule with the second moment.

    Notes
    -----
    ::

        m ← β₁·m + (1 − β₁)·g
        u ← max(β₂·u, |g|)
        w ← w − lr / (1 − β₁ᵗ)·m / (u + ε)

    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, section 7.1.

    Examples
    --------
    >>> w = jg.Variable([2.0, -3.0])
    >>> costs = jg.optimizers.Adamax(0.1).minimize(lambda: jg.sum((w - 1.0) ** 2), steps=400)
    >>> np.round(w.numpy(), 2)
    array([1., 1.])
    """

    def _changes(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        return Optimizer._changes(self, pairs, hyper)

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        rate, beta_1, beta_2, epsilon = self._own(hyper)
        t, changes = self._time(pairs)
        moves: list[Tensor] = []
        for g, w in pairs:
            m, u = self._state(w, 0.0, 0.0)
            first = m.leaf + (1.0 - beta_1) * (g - m.leaf)
            largest = maximum(beta_2 * u.leaf, abs(g) + epsilon if self._corrects_epsilon else abs(g))
            changes += assigned((m, first), (u, largest))
            moves.append(rate / (1.0 - beta_1**t) * first / (largest if self._corrects_epsilon else largest + epsilon))
        return changes, moves
