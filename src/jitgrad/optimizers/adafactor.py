"""Adafactor: second moments of matrices kept as those of rows and columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.arguments import positive
from jitgrad.functions.reductions import mean
from jitgrad.functions.shapes import expand_dims
from jitgrad.ops.elementwise import maximum, minimum, power, sqrt, square
from jitgrad.optimizers.hyperparameters import check_form
from jitgrad.optimizers.optimizer import Optimizer, assigned
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable


class Adafactor(Optimizer):
    """Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018.

    Of Variables of two axes and more, ``v = r·cᵀ / mean(r)``, where r and c are running means of the rows and columns of g², to
    which step t adds the part ``t^beta_2_decay``; of others v is that of g² itself. ``u = g / √v``, made smaller where the root
    of its mean square is above ``clip_threshold``; ``w ← w − α·u`` with α = max(epsilon_2, rms(w))·min(lr, 1 / √t). In Keras's
    form epsilon_1 is added to g²; in PyTorch's the mean of r is at least epsilon_1 and v at least its square.

    Args:
        learning_rate: the largest relative step size, positive, or a Schedule.
        beta_2_decay: below 0.
        epsilon_1, epsilon_2: see above.
        clip_threshold: positive.
        form: "keras" or "torch".
        options: see Optimizer.
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, beta_2_decay: float = -0.8, epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3, clip_threshold: float = 1.0, form: str = "keras", **options: Any,
    ) -> None:  # fmt: skip
        others = {
            "beta_2_decay": beta_2_decay, "epsilon_1": epsilon_1, "epsilon_2": epsilon_2,
            "clip_threshold": positive("clip_threshold", clip_threshold),
        }  # fmt: skip
        super().__init__(learning_rate, others, **options)
        self._bounds = check_form(form)

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        rate, decay, epsilon_1, epsilon_2, threshold = self._own(hyper)
        (steps,) = self._shared(pairs, 0.0)
        t = steps.leaf + 1.0
        changes = assigned((steps, t))
        moves: list[Tensor] = []
        factor = None if self._bounds else self._factor(hyper)  # the size of a Variable counts before it, or after it
        new, relative = power(t, decay), minimum(rate, 1.0 / sqrt(t))
        for g, w in pairs:
            v, more = self._second(square(g) if self._bounds else square(g) + epsilon_1, w, new, epsilon_1)
            u = g / sqrt(maximum(v, square(epsilon_1)) if self._bounds else v)
            u = u / maximum(1.0, _rms(u) / threshold)
            moves.append(maximum(epsilon_2, _rms(self._shrunk(w, factor))) * relative * u)
            changes += more
        return changes, moves

    def _second(self, squared: Tensor, w: Variable, new: Tensor, epsilon_1: Tensor) -> tuple[Tensor, list[StateUpdate]]:
        """The second moments, and that they are kept; ``new`` is the part of this step."""
        if len(w.shape) < 2:
            (kept,) = self._state(w, 0.0)
            v = kept.leaf + new * (squared - kept.leaf)
            return v, assigned((kept, v))
        r, c = self._state(w, np.zeros(w.shape[:-1]), np.zeros((*w.shape[:-2], w.shape[-1])))
        rows = r.leaf + new * (mean(squared, -1) - r.leaf)
        columns = c.leaf + new * (mean(squared, -2) - c.leaf)
        center = mean(rows, -1, keepdims=True)
        shares = rows / (maximum(center, epsilon_1) if self._bounds else center)
        return expand_dims(shares, -1) * expand_dims(columns, -2), assigned((r, rows), (c, columns))


def _rms(x: Tensor) -> Tensor:
    return sqrt(mean(square(x)))
