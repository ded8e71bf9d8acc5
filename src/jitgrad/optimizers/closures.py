"""L-BFGS for costs that are Python functions, which a step may call several times, for example in a line search.

Nocedal and Wright, "Numerical Optimization", 2006, algorithms 7.4, 3.5 and 3.6. The constants and the
stopping criteria are PyTorch's.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jitgrad.arguments import count, nonnegative

Cost = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""A function of a point that returns the value and the gradient there."""

_LEAST_BEND = 1e-10  # pairs with less curvature are discarded
_DECREASE, _CURVATURE = 1e-4, 0.9  # constants of the Wolfe conditions
_MOST_TRIALS = 25


class ClosureLBFGS:
    """L-BFGS with up to ``max_iter`` iterations per step.

    Parameters
    ----------
    learning_rate : float
        Length of the move along the direction, or initial length for the line search.
    max_iter : int
        Largest number of iterations of a step.
    max_eval : int, optional
        Number of evaluations after which a step ends. The default is 5/4 of `max_iter`.
    tolerance_grad : float
        A step ends if no element of the gradient is larger.
    tolerance_change : float
        A step ends if the point or the value changes by less.
    history_size : int
        Number of past moves to keep.
    strong_wolfe : bool
        Whether each iteration searches for a point that satisfies the strong Wolfe conditions.

    Attributes
    ----------
    evaluations : int
        Number of evaluations so far.
    iterations : int
        Number of iterations so far.
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
        """Run up to ``max_iter`` iterations from ``x`` and return the new point."""
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
        """Return −H·g for the stored moves, after storing the last one."""
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
        """Return the state that the next steps depend on, as numbers and arrays."""
        move, before = self._last or (None, None)
        return {
            "func_evals": self.evaluations, "n_iter": self.iterations, "H_diag": self._scale, "move": move,
            "prev_flat_grad": before, "old_stps": list(self._moves), "old_dirs": list(self._turns),
        }  # fmt: skip

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore a state that ``get_state`` returned."""
        self.evaluations, self.iterations = int(state["func_evals"]), int(state["n_iter"])
        self._scale = float(state["H_diag"])
        self._moves, self._turns = list(state["old_stps"]), list(state["old_dirs"])
        self._last = None if state["move"] is None else (state["move"], state["prev_flat_grad"])


class _Trial(NamedTuple):
    """A point on a line: its distance, and the value, gradient and slope there."""

    t: float
    value: float
    gradient: np.ndarray
    slope: float


def _search(at: Callable[[float], _Trial], t: float, start: _Trial, reach: float, tolerance: float) -> _Trial:
    """Return a point on a line that satisfies the strong Wolfe conditions, or the best of the points tried."""

    def falls_too_little(trial: _Trial) -> bool:
        return trial.value > start.value + _DECREASE * trial.t * start.slope

    def is_flat(trial: _Trial) -> bool:
        return abs(trial.slope) <= -_CURVATURE * start.slope

    # Extend the interval until it contains a minimum.
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
    # Shrink it until a point satisfies the conditions.
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
    """Return the minimum of the cubic through two points with their slopes, within bounds, or the midpoint if there is none."""
    if a.t > b.t:
        a, b = b, a
    bend = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
    square = bend**2 - a.slope * b.slope
    if not 0 <= square < math.inf:
        return sum(bounds) / 2
    root = math.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + root - bend) / (b.slope - a.slope + 2 * root))
    return min(max(t, bounds[0]), bounds[1])
