"""The gradient checker: derivatives of a rule against central differences of the value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import jitgrad


def check_gradient(f: Callable[..., Any], operands: list[np.ndarray], weights: np.ndarray, tolerance: float = 1e-6) -> None:
    """Compare the gradient of Σ weights·f(operands) by each float operand with central differences.

    Raises AssertionError where they differ by more than ``tolerance`` relative to the largest element.
    """
    floats = [i for i, x in enumerate(operands) if x.dtype.kind == "f"]

    def value(xs: list[np.ndarray]) -> float:
        return float(np.sum(np.asarray(f(*[jitgrad.tensor(x) for x in xs])) * weights))

    found = gradients(f, operands, weights)
    for i in floats:
        numeric = np.zeros(operands[i].shape)
        for index in np.ndindex(operands[i].shape):
            step = 1e-5
            moved = [[x.copy() for x in operands] for _ in range(2)]
            moved[0][i][index] += step
            moved[1][i][index] -= step
            numeric[index] = (value(moved[0]) - value(moved[1])) / (2 * step)
        exact = np.zeros(operands[i].shape) if found[i] is None else np.asarray(found[i])
        scale = max(1.0, np.max(np.abs(numeric), initial=0))
        assert exact.shape == numeric.shape
        assert np.max(np.abs(exact - numeric), initial=0) <= tolerance * scale, f"operand {i}: {exact} against {numeric}"


def gradients(f: Callable[..., Any], operands: list[np.ndarray], weights: np.ndarray) -> list[Any]:
    """The gradient of Σ weights·f(operands) by each operand, a Tensor or None."""
    xs = [jitgrad.tensor(x) for x in operands]
    with jitgrad.GradientTape() as tape:
        tape.watch(xs)
        y = jitgrad.sum(f(*xs) * weights)
    return list(tape.gradient(y, xs))


def directional(f: Callable[..., Any], operands: list[np.ndarray], weights: np.ndarray) -> Callable[..., Any]:
    """x ↦ Σ over operands of ⟨direction, gradient⟩, a function whose gradient is a second derivative."""
    rng = np.random.default_rng(1)
    directions = [rng.normal(size=x.shape) for x in operands]

    def g(*xs: Any) -> Any:
        tensors = [jitgrad.tensor(x) if isinstance(x, np.ndarray) else x for x in xs]
        with jitgrad.GradientTape() as tape:
            tape.watch(tensors)
            y = jitgrad.sum(f(*tensors) * weights)
        found = tape.gradient(y, tensors)
        total = jitgrad.tensor(0.0)
        for t, d in zip(found, directions, strict=True):
            if t is not None:
                total = total + jitgrad.sum(t * d)
        return total

    return g
