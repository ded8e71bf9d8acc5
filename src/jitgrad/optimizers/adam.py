"""Adam: steps scaled by running moments of the gradient."""

from __future__ import annotations

from jitgrad.arguments import in_unit_interval, nonnegative, positive
from jitgrad.ops.elementwise import maximum, power, sqrt
from jitgrad.optimizers.optimizer import Optimizer, assigned
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable


class Adam(Optimizer):
    """Adam, Kingma and Ba, "Adam: a method for stochastic optimization", 2015, in Keras's form.

    ``m ← m + (1 − β₁)(g − m); v ← v + (1 − β₂)(g² − v); w ← w − α·m / (√v + ε)`` with
    ``α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ)``.

    Args:
        learning_rate: the step size, positive, or a Schedule.
        beta_1, beta_2: how slowly the moments change, from 0 on and below 1.
        epsilon: keeps the division from overflowing.
        clipping: ``clipvalue``, ``clipnorm`` or ``global_clipnorm``, see Optimizer.

    Raises:
        ArgumentError: for a number outside its range.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        **clipping: float | None,
    ) -> None:  # fmt: skip
        super().__init__(
            learning_rate, in_unit_interval("beta_1", beta_1), in_unit_interval("beta_2", beta_2),
            positive("epsilon", epsilon), **clipping,
        )  # fmt: skip

    def _changes(self, pairs: list[tuple[Tensor, Variable]]) -> list[StateUpdate]:
        (rate,) = self._shared(pairs, (1, 1, 0))  # the powers of β₁ and β₂, and α
        hyper = self._hyperparameters()
        return [
            StateUpdate("adam_rate", (rate,), (hyper,)),
            *(StateUpdate("adam", (v, *self._state(v, 2), rate), (g, hyper)) for g, v in pairs),
        ]


class AdamW(Adam):
    """Adam with weight decay apart from the gradient: ``w ← w·(1 − lr·weight_decay)`` before each step.

    Loshchilov and Hutter, "Decoupled weight decay regularization", 2019. Arguments are Adam's, and

    Args:
        weight_decay: from 0 on and below 1.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, **clipping: float | None,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **clipping)
        self.weight_decay = in_unit_interval("weight_decay", weight_decay)

    def _changes(self, pairs: list[tuple[Tensor, Variable]]) -> list[StateUpdate]:
        rate = self._hypers()[0]
        shrunk = [StateUpdate("assign", (v,), (v.leaf * (1.0 - rate * self.weight_decay),)) for _, v in pairs]
        return [*shrunk, *super()._changes(pairs)]


class AMSGrad(Adam):
    """Adam with the largest second moment so far: Reddi, Kale and Kumar, "On the convergence of Adam and beyond", 2018.

    ``v̂ ← max(v̂, v); w ← w − α·m / (√v̂ + ε)``; the rest, and the arguments, are Adam's.
    """

    def _changes(self, pairs: list[tuple[Tensor, Variable]]) -> list[StateUpdate]:
        rate, beta_1, beta_2, epsilon = self._hypers()
        (steps,) = self._shared(pairs, 0.0)
        t = steps.leaf + 1.0
        alpha = rate * sqrt(1.0 - beta_2**t) / (1.0 - beta_1**t)
        changes = assigned((steps, t))
        for g, w in pairs:
            m, v, largest = self._state(w, 3)
            first = m.leaf + (1.0 - beta_1) * (g - m.leaf)
            second = v.leaf + (1.0 - beta_2) * (g * g - v.leaf)
            top = maximum(largest.leaf, second)
            changes += assigned((m, first), (v, second), (largest, top), (w, w.leaf - alpha * first / (sqrt(top) + epsilon)))
        return changes


class Nadam(Adam):
    """Adam with Nesterov's momentum: Dozat, "Incorporating Nesterov momentum into Adam", 2016.

    The momentum of step t is ``μₜ = β₁·(1 − ½·0.96^(momentum_decay·t))``. Arguments are Adam's, and

    Args:
        momentum_decay: how fast the momentum rises to β₁, from 0 on: 0.004, as in PyTorch, or 1, as in Keras 3.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        momentum_decay: float = 0.004, **clipping: float | None,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **clipping)
        self.momentum_decay = nonnegative("momentum_decay", momentum_decay)

    def _changes(self, pairs: list[tuple[Tensor, Variable]]) -> list[StateUpdate]:
        rate, beta_1, beta_2, epsilon = self._hypers()
        steps, product = self._shared(pairs, 0.0, 1.0)
        t = steps.leaf + 1.0
        now, after = (beta_1 * (1.0 - 0.5 * power(0.96, self.momentum_decay * k)) for k in (t, t + 1.0))
        so_far = product.leaf * now
        changes = assigned((steps, t), (product, so_far))
        for g, w in pairs:
            m, v = self._state(w, 2)
            first = m.leaf + (1.0 - beta_1) * (g - m.leaf)
            second = v.leaf + (1.0 - beta_2) * (g * g - v.leaf)
            ahead = after * first / (1.0 - so_far * after) + (1.0 - now) * g / (1.0 - so_far)
            moved = w.leaf - rate * ahead / (sqrt(second / (1.0 - beta_2**t)) + epsilon)
            changes += assigned((m, first), (v, second), (w, moved))
        return changes
