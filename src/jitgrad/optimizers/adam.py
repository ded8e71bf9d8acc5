"""Adam: steps scaled by running moments of the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import reshape
from jitgrad.ops.elementwise import abs, greater, maximum, power, sign, sqrt, where
from jitgrad.optimizers.hyperparameters import check_form
from jitgrad.optimizers.optimizer import Optimizer, assigned
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
    """Adam's numbers with ε·√(1 − β₂ᵗ): what is added to the root before it is corrected."""
    epsilon = getitem(hyper, 3) * sqrt(1.0 - getitem(rate, 1) * getitem(hyper, 2))
    return concatenate([getitem(hyper, slice(0, 3)), reshape(epsilon, (1,))])


class Adam(Optimizer):
    """Adam, Kingma and Ba, "Adam: a method for stochastic optimization", 2015.

    ``m ← m + (1 − β₁)(g − m); v ← v + (1 − β₂)(g² − v); w ← w − α·m / (√v + ε)`` with
    ``α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ)`` in Keras's form. In PyTorch's ε is added to the corrected root, √v / √(1 − β₂ᵗ) + ε.

    Args:
        learning_rate: the step size, positive, or a Schedule.
        beta_1, beta_2: how slowly the moments change, from 0 on and below 1.
        epsilon: keeps the division from overflowing.
        form: "keras" or "torch".
        options: see Optimizer.

    Raises:
        ArgumentError: for a number outside its range.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        form: str = "keras", **options: Any,
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
        """The number of the step, from 1 on, and that it is counted."""
        (steps,) = self._shared(pairs, 0.0)
        t = steps.leaf + 1.0
        return t, assigned((steps, t))

    def _moments(self, g: Tensor, w: Variable, beta_1: Tensor, beta_2: Tensor) -> tuple[Tensor, Tensor, list[StateUpdate]]:
        """Both moments after this step, and that they are kept."""
        m, v, *_ = self._state(w, 0.0, 0.0)
        first = m.leaf + (1.0 - beta_1) * (g - m.leaf)
        second = v.leaf + (1.0 - beta_2) * (g * g - v.leaf)
        return first, second, assigned((m, first), (v, second))


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: ``w ← w·(1 − lr·weight_decay)`` before each step.

    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019. Arguments are Adam's; those of other optimizers have
    the option weight_decay, too.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, form: str = "keras", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, form, weight_decay=weight_decay, **options)


class AMSGrad(Adam):
    """Adam with the largest second moment so far: Reddi, Kale and Kumar, "On the convergence of Adam and beyond", 2018.

    ``v̂ ← max(v̂, v); w ← w − α·m / (√v̂ + ε)``; the rest, and the arguments, are Adam's.
    """

    def _changes(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        return Optimizer._changes(self, pairs, hyper)

    def _moments(self, g: Tensor, w: Variable, beta_1: Tensor, beta_2: Tensor) -> tuple[Tensor, Tensor, list[StateUpdate]]:
        _, _, largest = self._state(w, 0.0, 0.0, 0.0)
        first, second, changes = super()._moments(g, w, beta_1, beta_2)
        top = maximum(largest.leaf, second)
        return first, top, [*changes, *assigned((largest, top))]


class Nadam(Adam):
    """Adam with Nesterov's momentum: Dozat, "Incorporating Nesterov momentum into Adam", 2016.

    The momentum of step t is ``μₜ = β₁·(1 − ½·0.96^(momentum_decay·t))``. Arguments are Adam's without form, and

    Args:
        momentum_decay: how fast the momentum rises to β₁, from 0 on: 0.004, as in PyTorch, or 1, as in Keras 3.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        momentum_decay: float = 0.004, **options: Any,
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
    """Adam whose first steps go without the second moment, while that is little known. Arguments are Adam's without form.

    Liu et al., "On the variance of the adaptive learning rate and beyond", 2020, as in PyTorch.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8,
        **options: Any,
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
    """Adam with the largest gradient in place of the second moment, from the same paper.

    ``u ← max(β₂·u, |g|); w ← w − lr / (1 − β₁ᵗ)·m / (u + ε)`` in Keras's form; in PyTorch's ε is added to |g| instead.
    Arguments are Adam's.
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


class Lion(Optimizer):
    """Steps by the sign of a momentum: ``w ← w − lr·sign(β₁·m + (1 − β₁)·g); m ← β₂·m + (1 − β₂)·g``.

    Chen et al., "Symbolic discovery of optimization algorithms", 2023. Its learning rate is a third to a tenth of AdamW's.

    Args:
        learning_rate: the step size, positive, or a Schedule.
        beta_1, beta_2: from 0 on and below 1.
        options: see Optimizer.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.99, **options: Any
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
