"""Gradient descent: plain, with momentum, averaged, and by the sign of the gradient alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.functions.elementwise import clip
from jitgrad.ops.elementwise import equal, greater, less, maximum, power, sign, where
from jitgrad.optimizers.hyperparameters import check_form
from jitgrad.optimizers.optimizer import Optimizer, assigned
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.composite import composite
from jitgrad.tape.indexing import getitem
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable


@composite
def _outside_momentum(hyper: Tensor, *tensors: Tensor, nesterov: bool) -> tuple[Tensor, ...]:
    """Momenta of PyTorch's form without dampening, and where Variables go, of gradients, momenta and Variables."""
    rate, momentum = getitem(hyper, 0), getitem(hyper, 1)
    n = len(tensors) // 3
    gradients, kept, starts = tensors[:n], tensors[n : 2 * n], tensors[2 * n :]
    buffers = [momentum * b + g for g, b in zip(gradients, kept, strict=True)]
    ways = [g + momentum * b for g, b in zip(gradients, buffers, strict=True)] if nesterov else buffers
    return *buffers, *(w - rate * way for w, way in zip(starts, ways, strict=True))


class SGD(Optimizer):
    """Stochastic gradient descent, ``w ← w − lr·g``.

    With momentum μ, in Keras's form ``v ← μ·v − lr·g; w ← w + v``, or with Nesterov's ``w ← w + μ·v − lr·g``: Sutskever et
    al., "On the importance of initialization and momentum in deep learning", 2013. In PyTorch's form
    ``b ← μ·b + (1 − d)·g; w ← w − lr·b``, or with Nesterov's ``w ← w − lr·(g + μ·b)``, where b begins as g. They differ where
    the learning rate changes.

    Args:
        learning_rate: the step size, positive, or a Schedule.
        momentum: μ, from 0 on and below 1.
        nesterov: whether the gradient counts as taken ahead.
        dampening: d, in PyTorch's form.
        form: "keras" or "torch".
        options: see Optimizer.

    Raises:
        ArgumentError: for a number outside its range, Nesterov's form without momentum, or dampening in Keras's form.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.01, momentum: float = 0.0, nesterov: bool = False, dampening: float = 0.0,
        form: str = "keras", **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, {"momentum": momentum, "dampening": dampening}, **options)
        self._outside = check_form(form)
        if nesterov and (momentum == 0 or dampening):
            raise ArgumentError("nesterov needs a momentum above 0, and no dampening. Give momentum=0.9, say.")
        if dampening and not self._outside:
            raise ArgumentError("dampening is there in PyTorch's form alone. Give form='torch'.")
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
        """A step with momentum in PyTorch's form, recorded as one op."""
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
    """Averaged gradient descent, as in PyTorch: Polyak and Juditsky, "Acceleration of stochastic approximation …", 1992.

    ``w ← w·(1 − λ·η) − η·g``, where η is the learning rate in the first step and lr / (1 + λ·lr·t)^α after step t. From step
    t₀ on ``average(w)`` is the mean of what w was.

    Args:
        learning_rate: the step size, positive, or a Schedule.
        lambd, alpha, t0: λ, α and t₀.
        options: see Optimizer.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.01, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, {"lambd": lambd, "alpha": alpha, "t0": t0}, **options)

    def average(self, variable: Variable) -> np.ndarray:
        """The mean of a Variable. Raises ArgumentError where it was not updated yet."""
        if variable not in self._slots:
            raise ArgumentError(f"Variable {variable.name!r} was not updated, so it has no mean. Take a step first.")
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
    """Steps by the sign of the gradient: Riedmiller and Braun, "A direct adaptive method … the RPROP algorithm", 1993.

    The size of each element's step begins as the learning rate, grows by η₊ where the sign stays and shrinks by η₋ where it
    changes; there the element rests for a step. As in PyTorch; for costs on all rows.

    Args:
        learning_rate: the first step size, positive.
        eta_minus, eta_plus: η₋ below 1 and η₊ above it.
        step_min, step_max: bounds of the sizes.
        options: see Optimizer.
    """

    def __init__(
        self, learning_rate: float = 0.01, eta_minus: float = 0.5, eta_plus: float = 1.2, step_min: float = 1e-6,
        step_max: float = 50.0, **options: Any,
    ) -> None:  # fmt: skip
        others = {"eta_minus": eta_minus, "eta_plus": eta_plus, "step_min": step_min, "step_max": step_max}
        super().__init__(learning_rate, others, **options)
        if not 0 < eta_minus < 1 < eta_plus:
            raise ArgumentError(f"eta_minus is {eta_minus} and eta_plus {eta_plus}. Give one below 1 and one above it.")

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
