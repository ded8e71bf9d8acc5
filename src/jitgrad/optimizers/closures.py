"""L-BFGS for costs that are functions of Python: a cost is asked for as often as a step needs, along a line too.

Nocedal and Wright, "Numerical Optimization", 2006, algorithms 7.4, 3.5 and 3.6; the constants, and when a step ends, are
PyTorch's.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jitgrad.arguments import count, nonnegative

Cost = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Of a point, the value and the gradient there."""

_LEAST_BEND = 1e-10  # a pair whose curvature is less is not remembered
_DECREASE, _CURVATURE = 1e-4, 0.9  # the constants of Wolfe's conditions
_MOST_TRIALS = 25


class ClosureLBFGS:
    """L-BFGS whose steps are of up to ``max_iter`` iterations.

    Args:
        learning_rate: how far to go along the direction, or where the search begins.
        max_iter: how many iterations a step has at most.
        max_eval: after how many evaluations it ends; by default 5/4 of ``max_iter``.
        tolerance_grad: it ends where no element of the gradient is larger.
        tolerance_change: or where point or value change by less.
        history_size: how many pairs of steps and changes of the gradient are kept.
        strong_wolfe: whether each iteration searches along its direction for a point with the strong Wolfe conditions.

    Attributes:
        evaluations: how many there have been.
        iterations: the same of iterations.
    """

    def __init__(
        self, learning_rate: float = 1.0, max_iter: int = 20, max_eval: int | None = None, tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9, history_size: int = 100, strong_wolfe: bool = False,
    ) -> None:  # fmt: skip
        self.learning_rate = nonnegative("learning_rate", learning_rate)
        self.max_iter = count("max_iter", max_iter)
        self.max_eval = self.max_iter * 5 // 4 if max_eval is None else count("max_eval", max_eval)
        self.tolerance_grad = nonnegative("tolerance_grad", tolerance_grad)
        self.tolerance_change = nonnegative("tolerance_change", tolerance_change)
        self.history_size = count("history_size", history_size)
        self.strong_wolfe = strong_wolfe
        self.evaluations = self.iterations = 0
        self._moves: list[np.ndarray] = []
        self._turns: list[np.ndarray] = []
        self._scale = 1.0
        self._last: tuple[np.ndarray, np.ndarray] | None = None  # the last move, and the gradient before it

    def step(self, x: np.ndarray, cost: Cost) -> np.ndarray:
        """From ``x`` to where up to ``max_iter`` iterations lead."""
        before = self.evaluations
        value, gradient = self._at(cost, x)
        for left in reversed(range(self.max_iter)):
            if np.abs(gradient).max() <= self.tolerance_grad or self.evaluations - before >= self.max_eval:
                break
            direction = self._direction(gradient)
            slope = float(gradient @ direction)
            if slope > -self.tolerance_change:
                break
            first = self.iterations == 1
            t = self.learning_rate * (min(1.0, 1.0 / float(np.abs(gradient).sum())) if first else 1.0)
            old, start = value, gradient
            if self.strong_wolfe:
                line = functools.partial(self._on, cost, x, direction)
                reach = float(np.abs(direction).max())
                found = _search(line, t, _Trial(0.0, value, gradient, slope), reach, self.tolerance_change)
                t, value, gradient = found.t, found.value, found.gradient
            move = (t * direction).astype(x.dtype)
            x = x + move
            self._last = move, start
            if not self.strong_wolfe and left:
                value, gradient = self._at(cost, x)
            if left and (np.abs(move).max() <= self.tolerance_change or abs(value - old) < self.tolerance_change):
                break
        return x

    def _at(self, cost: Cost, x: np.ndarray) -> tuple[float, np.ndarray]:
        self.evaluations += 1
        return cost(x)

    def _on(self, cost: Cost, x: np.ndarray, direction: np.ndarray, t: float) -> _Trial:
        value, gradient = self._at(cost, (x + t * direction).astype(x.dtype))
        return _Trial(t, math.inf if math.isnan(value) else value, gradient, float(gradient @ direction))

    def _direction(self, gradient: np.ndarray) -> np.ndarray:
        """−H·g by the pairs so far, the newest of which is remembered first."""
        self.iterations += 1
        if self._last is not None:
            move, before = self._last
            turn = gradient - before
            bend = float(turn @ move)
            if bend > _LEAST_BEND:
                self._moves = [*self._moves, move][-self.history_size :]
                self._turns = [*self._turns, turn][-self.history_size :]
                self._scale = bend / float(turn @ turn)
        pairs = [(s, y, 1.0 / float(y @ s)) for s, y in zip(self._moves, self._turns, strict=True)]
        q, parts = -gradient, []
        for s, y, weight in reversed(pairs):
            parts.append(weight * float(s @ q))
            q = q - parts[-1] * y
        q = q * self._scale
        for (s, y, weight), part in zip(pairs, reversed(parts), strict=True):
            q = q + (part - weight * float(y @ q)) * s
        return q

    def get_state(self) -> dict[str, Any]:
        """All that the next steps depend on, as numbers and arrays."""
        move, before = self._last or (None, None)
        return {
            "func_evals": self.evaluations, "n_iter": self.iterations, "H_diag": self._scale, "move": move,
            "prev_flat_grad": before, "old_stps": list(self._moves), "old_dirs": list(self._turns),
        }  # fmt: skip

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on as from a state that ``get_state`` returned."""
        self.evaluations, self.iterations = int(state["func_evals"]), int(state["n_iter"])
        self._scale = float(state["H_diag"])
        self._moves, self._turns = list(state["old_stps"]), list(state["old_dirs"])
        self._last = None if state["move"] is None else (state["move"], state["prev_flat_grad"])


class _Trial(NamedTuple):
    """A point on a line: how far it is, and value, gradient and slope there."""

    t: float
    value: float
    gradient: np.ndarray
    slope: float


def _search(at: Callable[[float], _Trial], t: float, start: _Trial, reach: float, tolerance: float) -> _Trial:
    """A point on a line with the strong Wolfe conditions, or the best of those that were tried."""

    def falls_too_little(trial: _Trial) -> bool:
        return trial.value > start.value + _DECREASE * trial.t * start.slope

    def is_flat(trial: _Trial) -> bool:
        return abs(trial.slope) <= -_CURVATURE * start.slope

    # Further away until two points have a minimum between them.
    before, now = start, at(t)
    for trial in range(_MOST_TRIALS):
        if falls_too_little(now) or (trial > 1 and now.value >= before.value):
            break
        if is_flat(now):
            return now
        if now.slope >= 0:
            break
        next_t = _minimum(before, now, (now.t + 0.01 * (now.t - before.t), now.t * 10))
        before, now = now, at(next_t)
    else:
        before, trial = start, _MOST_TRIALS
    # Nearer, until one is found.
    low, high = (before, now) if before.value <= now.value else (now, before)
    was_near_an_end = False
    while trial < _MOST_TRIALS and abs(high.t - low.t) * reach >= tolerance:
        trial += 1
        left, right = sorted((low.t, high.t))
        t = _minimum(low, high, (left, right))
        margin = 0.1 * (right - left)
        is_near_an_end = min(right - t, t - left) < margin
        if is_near_an_end and (was_near_an_end or not left < t < right):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            is_near_an_end = False
        was_near_an_end = is_near_an_end
        new = at(t)
        if falls_too_little(new) or new.value >= low.value:
            low, high = (low, new) if low.value <= new.value else (new, low)
        elif is_flat(new):
            return new
        else:
            low, high = new, low if new.slope * (high.t - low.t) >= 0 else high
    return low


def _minimum(a: _Trial, b: _Trial, bounds: tuple[float, float]) -> float:
    """Where the cubic through two points with their slopes is least, within bounds; their middle where there is none."""
    if a.t > b.t:
        a, b = b, a
    bend = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
    square = bend**2 - a.slope * b.slope
    if not 0 <= square < math.inf:
        return sum(bounds) / 2
    root = math.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + root - bend) / (b.slope - a.slope + 2 * root))
    return min(max(t, bounds[0]), bounds[1])
