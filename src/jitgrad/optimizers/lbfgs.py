"""L-BFGS: steps scaled by the curvature, which is estimated from past gradients."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from jitgrad.arguments import count, positive
from jitgrad.functions.extremes import max
from jitgrad.functions.joining import concatenate
from jitgrad.functions.logic import logical_and, logical_not, logical_or
from jitgrad.functions.products import dot
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import expand_dims, reshape
from jitgrad.ops.elementwise import abs, greater, less, less_equal, minimum, where
from jitgrad.optimizers.optimizer import Optimizer, assigned
from jitgrad.optimizers.options import OptimizerOptions
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable

DECREASE = 1e-4
"""The smallest decrease of the cost by a step, as a fraction of the decrease to first order (Armijo's condition)."""
ROUNDING = 8.0
"""An increase of the cost that may be rounding error, in units of the machine epsilon."""


class LBFGS(Optimizer):
    """Limited-memory BFGS, a quasi-Newton method, for smooth costs on all rows.

    It typically converges in tens of steps. Use it with ``batch_size=None`` or with `minimize`, because steps on
    changing batches are inconsistent. Each step is ``learning_rate`` times the quasi-Newton step. If the cost increased,
    the next step returns and tries a shorter one; a step is thus always one evaluation. If the cost becomes infinite, use
    a smaller learning rate, or take some steps of Adam first.

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
    With H the approximation of the inverse Hessian by the two-loop recursion [2]_ over the last `history_size`
    steps, ``w ← w − lr·H·g``. Until a step with positive curvature was made, steps are
    ``w ← w − lr·min(1, 1 / |g|₁)·g``. This is PyTorch's ``LBFGS`` with ``max_iter=1`` and without a line search, as long
    as the cost decreases.

    A step must decrease the cost by 10⁻⁴ of the decrease to first order (Armijo's condition). Otherwise, the next step
    starts from the same point and is 0.1 to 0.5 times as long, by quadratic interpolation [1]_. Steps are not shortened
    if the cost is unknown, as in `apply_gradients` without a cost, or if the Variables were changed in the meantime.

    References
    ----------
    .. [1] Nocedal and Wright, "Numerical Optimization", 2006, section 3.5.
    .. [2] Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.

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
        w, g = (
            concatenate([reshape(t, (t.size,)) for t in tensors])
            for tensors in ([v.leaf for _, v in pairs], [g for g, _ in pairs])
        )
        n, m = g.size, self.history_size
        vector, matrix = np.zeros(n), np.zeros((m, n))
        state = self._shared(pairs, np.inf, vector, vector, vector, matrix, matrix, np.zeros(m), 1.0)
        value, base, last, before, moves, turns, weights, scale = (v.leaf for v in state)

        cost, slope = self._minimized(w, hyper), dot(before, last)
        rounding = ROUNDING * float(np.finfo(g.dtype).eps) * abs(value)
        fails = logical_and(
            less(slope, -tolerance_change),
            logical_and(logical_not(less_equal(cost, value + DECREASE * slope + rounding)), _is_at(w, base, last)),
        )
        shorter = _fraction(cost - value, slope) * last

        turn = g - before
        bend = dot(turn, last)
        kept = greater(bend, 1e-10)
        moves = where(kept, _pushed(moves, last), moves)
        turns = where(kept, _pushed(turns, turn), turns)
        weights = where(kept, concatenate([weights[1:], reshape(1.0 / where(kept, bend, 1.0), (1,))]), weights)
        scale = where(kept, bend / where(kept, dot(turn, turn), 1.0), scale)

        direction = _two_loops(g, moves, turns, weights, scale)
        size = where(greater(weights[-1], 0), rate, rate * minimum(1.0, 1.0 / sum(abs(g))))
        small = less_equal(max(abs(g)), tolerance_grad)
        idle = logical_and(small, logical_not(fails))  # the state is then also unchanged
        step = where(logical_or(small, greater(dot(g, direction), -tolerance_change)), 0.0, size * direction)
        new = (cost, w, step, g, moves, turns, weights, scale)
        after = [where(idle, v.leaf, where(fails, v.leaf, value)) for v, value in zip(state, new, strict=True)]
        after[2] = where(fails, shorter, after[2])
        step = where(fails, base + shorter - w, step)
        ways: list[Tensor] = []
        at = 0
        for gradient, variable in pairs:
            ways.append(-reshape(step[at : at + gradient.size], variable.shape))
            at += gradient.size
        return assigned(*zip(state, after, strict=True)), ways

    def _minimized(self, w: Any, hyper: Tensor) -> Any:
        """Return the cost with the L2 penalty, of which the gradients are; infinite if the cost is unknown."""
        if self._cost is None:
            return as_tensor(np.inf)
        cost = -self._cost if self._maximize else self._cost
        return cost + 0.5 * self._hyper.of(hyper, "l2") * dot(w, w) if "l2" in self._hyper.used else cost


def _is_at(w: Any, base: Any, last: Any) -> Tensor:
    """Return whether the Variables are where the last step moved them; they are not if they were assigned or constrained."""
    away = w - base - last
    return less_equal(dot(away, away), 1e-4 * dot(last, last))


def _fraction(increase: Any, slope: Any) -> Tensor:
    """Return the fraction of a step at which the parabola through both ends has its minimum, from 0.1 to 0.5."""
    found = -slope / (2.0 * (increase - slope))
    return where(greater(found, 0.1), minimum(found, 0.5), 0.1)  # 0.1 if the cost is nan


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
