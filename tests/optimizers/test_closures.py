"""L-BFGS of functions of Python: what it finds, when it ends, and its state."""

from __future__ import annotations

import numpy as np
import pytest

from jitgrad.errors import ArgumentError
from jitgrad.optimizers.closures import ClosureLBFGS


def rosenbrock(x: np.ndarray) -> tuple[float, np.ndarray]:
    a, b = x[:-1], x[1:]
    gradient = np.zeros_like(x)
    gradient[:-1] = -400 * a * (b - a**2) - 2 * (1 - a)
    gradient[1:] += 200 * (b - a**2)
    return float((100 * (b - a**2) ** 2 + (1 - a) ** 2).sum()), gradient


def bowl(x: np.ndarray) -> tuple[float, np.ndarray]:
    scale = np.arange(1, x.size + 1.0)
    return float(scale @ x**2) / 2, scale * x


def test_a_valley_is_followed_to_its_end() -> None:
    for size in (2, 10):
        found = ClosureLBFGS(max_iter=500, max_eval=5000, tolerance_change=1e-16, strong_wolfe=True).step(
            np.full(size, -1.2), rosenbrock
        )
        np.testing.assert_allclose(found, np.ones(size), atol=1e-6)


def test_a_bowl_needs_few_evaluations() -> None:
    optimizer = ClosureLBFGS(strong_wolfe=True, max_iter=30, tolerance_change=1e-16)
    np.testing.assert_allclose(optimizer.step(np.ones(8), bowl), 0, atol=1e-6)
    assert optimizer.evaluations < 25
    assert np.abs(ClosureLBFGS(max_iter=40).step(np.ones(8), bowl)).max() < 1e-4


def test_a_step_ends_where_it_is_told() -> None:
    optimizer = ClosureLBFGS(max_iter=4)
    optimizer.step(np.ones(8), bowl)
    assert optimizer.iterations == 4 and optimizer.evaluations == 4
    optimizer = ClosureLBFGS(max_iter=20, max_eval=5, strong_wolfe=True)
    optimizer.step(np.full(4, -1.2), rosenbrock)
    assert 5 <= optimizer.evaluations <= 5 + 25
    still = np.zeros(3)
    optimizer = ClosureLBFGS()
    assert optimizer.step(still, bowl) is still and optimizer.evaluations == 1


def test_state_goes_on() -> None:
    whole, first = (ClosureLBFGS(max_iter=4, strong_wolfe=True) for _ in range(2))
    x = whole.step(whole.step(np.full(4, -1.2), rosenbrock), rosenbrock)
    y = first.step(np.full(4, -1.2), rosenbrock)
    second = ClosureLBFGS(max_iter=4, strong_wolfe=True)
    second.set_state(first.get_state())
    assert (second.step(y, rosenbrock) == x).all() and second.iterations == 8


def test_values_that_are_not_finite_end_a_step() -> None:
    def cliff(x: np.ndarray) -> tuple[float, np.ndarray]:
        return (float("nan"), x * np.nan) if x[0] < 0.5 else bowl(x)

    found = ClosureLBFGS(learning_rate=100.0, strong_wolfe=True).step(np.ones(2), cliff)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("wrong", [{"max_iter": 0}, {"history_size": 0}, {"learning_rate": -1.0}, {"tolerance_grad": -1.0}])
def test_wrong_arguments(wrong: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        ClosureLBFGS(**wrong)  # type: ignore[arg-type]
