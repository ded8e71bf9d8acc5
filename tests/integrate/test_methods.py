"""The methods of the integrator: conditions of their order, and the accuracy that tolerances lead to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jitgrad.tape.integrate import integrate
from jitgrad.vm.integrate import layout
from jitgrad.vm.integrate.tableaux import TABLEAUX, Tableau
from tests.integrate.problems import NONSTIFF_PROBLEMS, Problem

ORDERS = {"dopri5": (5, (4,), 4), "dop853": (8, (5, 3), 7), "esdirk54": (5, (4,), 4)}
"""Orders of the solution, of the solutions whose difference to it are the error estimates, and of dense output."""
TOLERANCES = (1e-4, 1e-7, 1e-10)


def square(tableau: Tableau) -> np.ndarray:
    made = np.zeros((len(tableau.nodes),) * 2)
    for row, weights in zip(made, tableau.weights, strict=True):
        row[: len(weights)] = weights
    return made


def conditions(tableau: Tableau, order: int) -> list[tuple[np.ndarray, float]]:
    """Return the elementary weights of the stages for all rooted trees up to an order (at most 5), and their densities.

    For higher orders, only the trees of quadrature are included.
    """
    a, c = square(tableau), np.array(tableau.nodes)
    b, d = a @ c, a @ c**2
    trees = {
        1: [(c**0, 1)],
        2: [(c, 2)],
        3: [(c**2, 3), (b, 6)],
        4: [(c**3, 4), (c * b, 8), (d, 12), (a @ b, 24)],
        5: [
            (c**4, 5), (c**2 * b, 10), (b**2, 20), (c * d, 15), (c * (a @ b), 30), (a @ c**3, 20), (a @ (c * b), 40),
            (a @ d, 60), (a @ a @ b, 120),
        ],
    }  # fmt: skip
    return [tree for n in range(1, order + 1) for tree in trees.get(n, [(c ** (n - 1), n)])]


@pytest.mark.parametrize("method", TABLEAUX)
def test_order_conditions(method: str) -> None:
    tableau = TABLEAUX[method]
    order, embedded, dense = ORDERS[method]
    np.testing.assert_allclose(square(tableau).sum(1), tableau.nodes, atol=1e-14)
    solution = square(tableau)[tableau.n_stages]
    for weights, density in conditions(tableau, order):
        assert abs(solution @ weights - 1 / density) < 1e-14
    for estimate, lower in zip(tableau.estimates, embedded, strict=True):
        row = np.pad(estimate, (0, len(solution) - len(estimate)))
        assert all(abs(row @ weights) < 1e-14 for weights, _ in conditions(tableau, lower))
        assert any(abs(row @ weights) > 1e-5 for weights, _ in conditions(tableau, lower + 1))
    coefficients = np.array(tableau.dense)
    for x in (0.25, 0.5, 1.0):
        row = coefficients @ x ** np.arange(1, tableau.degree + 1)
        for n in range(1, dense + 1):
            for weights, density in conditions(tableau, n)[len(conditions(tableau, n - 1)) :]:
                assert abs(row @ weights - x**n / density) < 1e-13
    np.testing.assert_allclose(coefficients[:, 0], np.eye(len(coefficients))[0], atol=1e-12)  # the derivative at the start


def solve(problem: Problem, method: str, tolerance: float, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the solution at the end, and the statistics."""
    options = {"rtol": tolerance, "atol": tolerance} | options
    found, statistics = integrate(
        lambda t, states: [problem.fun(t, states[0])], 0.0, [problem.end], [problem.y0], method=method, **options
    )
    return found[0].numpy()[0], statistics.numpy()


def errors(problem: Problem, method: str) -> list[float]:
    made = []
    for tolerance in TOLERANCES:
        found, statistics = solve(problem, method, tolerance)
        assert statistics[layout.STATUS_RESULT] == layout.DONE
        made.append(float(np.max(np.abs(found - problem.solution))))
    return made


@pytest.mark.parametrize("problem", NONSTIFF_PROBLEMS, ids=str)
@pytest.mark.parametrize("method", TABLEAUX)
def test_errors_are_within_30_times_the_tolerance_and_monotone(method: str, problem: Problem) -> None:
    found = errors(problem, method)
    assert all(error <= 30 * tolerance for error, tolerance in zip(found, TOLERANCES, strict=True))
    assert found[0] >= found[1] >= found[2]
