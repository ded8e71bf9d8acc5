"""L-BFGS: steps scaled by the curvature, which is estimated from past gradients."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from jitgrad.arguments import count, positive
from jitgrad.functions.extremes import max
from jitgrad.functions.joining import concatenate
from jitgrad.functions.logic import logical_or
from jitgrad.functions.products import dot
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import expand_dims, reshape
from jitgrad.ops.elementwise import abs, greater, less_equal, minimum, where
from jitgrad.optimizers.optimizer import Optimizer, assigned
from jitgrad.optimizers.options import OptimizerOptions
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable


class LBFGS(Optimizer):
    """Limited-memory BFGS, a quasi-Newton method, for smooth costs on all rows.

    It typically converges in tens of steps. Use it with ``batch_size=None`` or with `minimize`, because steps on
    changing batches are inconsistent. Each step is ``learning_rate`` times the quasi-Newton step, without a line
    search. If the fit diverges from a distant start, use a smaller learning rate, or take some steps of Adam first.

    Parameters
    ----------
    learning_rate : float or Schedule, default 1.0
        Step size relative to the quasi-Newton step, positive; or a schedule that returns it for each step.
    history_size : int, default 10
        Number of past steps to keep, from 1 to 1000.
    tolerance_grad : float, default 1e-7
        No step is taken if no element of the gradient is larger.
    tolerance_change : float, default 1e-9
        No step is taken if the cost would decrease by less than this, to first order.
    **options : OptimizerOptions, optional
        Options of every optimizer, such as ``weight_decay`` and ``clipnorm``; see `Optimizer`.

    Raises
    ------
    ArgumentError
        If a number is outside its range.

    See Also
    --------
    Adam : For costs on batches.
    jitgrad.curve_fit : Least-squares fits with standard errors.

    Notes
    -----
    With H the approximation of the inverse Hessian by the two-loop recursion over the last `history_size`
    steps, ``w ← w − lr·H·g``. The first step is ``w ← w − lr·min(1, 1 / |g|₁)·g``. This is PyTorch's ``LBFGS``
    with ``max_iter=1`` and without a line search.

    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.

    Examples
    --------
    Rosenbrock's function has its minimum at (1, 1):

    >>> w = jg.Variable([-0.5, 0.5])
    >>> cost = lambda: (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
    >>> costs = jg.optimizers.LBFGS(0.5).minimize(cost, steps=100)
    >>> np.round(w.numpy(), 4)
    array([1., 1.])
    """

    def __init__(
        self,
        learning_rate: float | Schedule = 1.0,
        history_size: int = 10,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        **options: Unpack[OptimizerOptions],
    ) -> None:
        others = {
            "tolerance_grad": positive("tolerance_grad", tolerance_grad),
            "tolerance_change": positive("tolerance_change", tolerance_change),
        }
        super().__init__(learning_rate, others, **options)
        self.history_size = count("history_size", history_size, 1, 1000)

    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        rate, tolerance_grad, tolerance_change = self._own(hyper)
        g = concatenate([reshape(gradient, (gradient.size,)) for gradient, _ in pairs])
        n, m = g.size, self.history_size
        vector, matrix = np.zeros(n), np.zeros((m, n))
        state = self._shared(pairs, 0.0, vector, vector, matrix, matrix, np.zeros(m), 1.0)
        steps, last, before, moves, turns, weights, scale = (v.leaf for v in state)

        turn = g - before
        bend = dot(turn, last)
        kept = greater(bend, 1e-10)
        moves = where(kept, _pushed(moves, last), moves)
        turns = where(kept, _pushed(turns, turn), turns)
        weights = where(kept, concatenate([weights[1:], reshape(1.0 / where(kept, bend, 1.0), (1,))]), weights)
        scale = where(kept, bend / where(kept, dot(turn, turn), 1.0), scale)

        direction = _two_loops(g, moves, turns, weights, scale)
        size = where(greater(steps, 0), rate, rate * minimum(1.0, 1.0 / sum(abs(g))))
        slope = dot(g, direction)
        idle = less_equal(max(abs(g)), tolerance_grad)  # the state is then also unchanged
        step = where(logical_or(idle, greater(slope, -tolerance_change)), 0.0, size * direction)
        new = (steps + 1.0, step, g, moves, turns, weights, scale)
        changes = assigned(*((v, where(idle, v.leaf, value)) for v, value in zip(state, new, strict=True)))
        ways: list[Tensor] = []
        at = 0
        for gradient, w in pairs:
            ways.append(-reshape(step[at : at + gradient.size], w.shape))
            at += gradient.size
        return changes, ways


def _pushed(rows: Any, row: Tensor) -> Tensor:
    """Return the matrix without its first row and with a new last row."""
    return concatenate([rows[1:], expand_dims(row, 0)])


def _two_loops(g: Tensor, moves: Any, turns: Any, weights: Any, scale: Tensor) -> Tensor:
    """Return −H·g by the two-loop recursion of Nocedal, "Updating quasi-Newton matrices with limited storage", 1980.

    A pair of weight 0 has no effect.
    """
    q, parts = -g, []
    for i in reversed(range(moves.shape[0])):
        part = weights[i] * dot(moves[i], q)
        q = q - part * turns[i]
        parts.append(part)
    q = q * scale
    for i, part in enumerate(reversed(parts)):
        q = q + (part - weights[i] * dot(turns[i], q)) * moves[i]
    return q
