"""Adafactor: second moments of matrices are stored as row and column averages."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from jitgrad.arguments import positive
from jitgrad.functions.reductions import mean
from jitgrad.functions.shapes import expand_dims
from jitgrad.ops.elementwise import maximum, minimum, power, sqrt, square
from jitgrad.optimizers.hyperparameters import check_form
from jitgrad.optimizers.optimizer import Optimizer, assigned
from jitgrad.optimizers.options import Form, OptimizerOptions
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable


class Adafactor(Optimizer):
    """Adafactor: Adam's second moment of a matrix, stored as averages over its rows and columns.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
        Largest relative step size, positive; or a schedule that returns it for each step.
    beta_2_decay : float, default -0.8
        Exponent of the decay rate of the averages, negative.
    epsilon_1 : float, default 1e-30
        Small number added to the squared gradient.
    epsilon_2 : float, default 1e-3
        Lower bound on the size of a Variable, which scales its step.
    clip_threshold : float, default 1.0
        Largest root mean square of the scaled gradient, positive.
    form : {"keras", "torch"}, default "keras"
        Which library's form to use; see Notes.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    See Also
    --------
    Adam : Stores the second moment of each element.

    Notes
    -----
    For Variables with at least two axes, r and c are averages of g² over columns and rows, to which step t
    contributes the fraction ``t^beta_2_decay``::

        v = r·cᵀ / mean(r)
        u = g / √v,   divided by max(1, rms(u) / clip_threshold)
        w ← w − max(epsilon_2, rms(w))·min(lr, 1/√t)·u

    For other Variables, v is the average of g². In Keras's form, epsilon_1 is added to g²; in PyTorch's form, the
    mean of r is at least epsilon_1 and v at least epsilon_1².

    Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018.

    Examples
    --------
    >>> w = jg.Variable([[2.0, -3.0], [1.0, 4.0]])
    >>> costs = jg.optimizers.Adafactor(0.05).minimize(lambda: jg.sum(w**2), steps=300)
    >>> bool(costs[-1] < 0.01 * costs[0])
    True
    """

    def __init__(
        self, learning_rate: float | Schedule = 0.001, beta_2_decay: float = -0.8, epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3, clip_threshold: float = 1.0, form: Form = "keras", **options: Unpack[OptimizerOptions],
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
        factor = None if self._bounds else self._factor(hyper)  # the size of a Variable is taken before or after weight decay
        new, relative = power(t, decay), minimum(rate, 1.0 / sqrt(t))
        for g, w in pairs:
            v, more = self._second(square(g) if self._bounds else square(g) + epsilon_1, w, new, epsilon_1)
            u = g / sqrt(maximum(v, square(epsilon_1)) if self._bounds else v)
            u = u / maximum(1.0, _rms(u) / threshold)
            moves.append(maximum(epsilon_2, _rms(self._shrunk(w, factor))) * relative * u)
            changes += more
        return changes, moves

    def _second(self, squared: Tensor, w: Variable, new: Tensor, epsilon_1: Tensor) -> tuple[Tensor, list[StateUpdate]]:
        """Return the second moments and the updates that store them; ``new`` is the fraction that this step contributes."""
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
    """Return the root mean square."""
    return sqrt(mean(square(x)))
