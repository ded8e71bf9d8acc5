"""The methods of the integrator: conditions of their order, and the accuracy that tolerances lead to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

import jitgrad as jg
from jitgrad.tape.integrate import integrate
from jitgrad.vm.integrate import layout
from jitgrad.vm.integrate.tableaux import METHODS, TABLEAUX, Tableau
from tests.integrate.problems import NONSTIFF_PROBLEMS, STIFF_PROBLEMS, Problem

ORDERS = {"dopri5": (5, (4,), 4), "dop853": (8, (5, 3), 7), "esdirk54": (5, (4,), 4)}
"""Orders of the solution, of the solutions whose difference to it are the error estimates, and of dense output."""
TOLERANCES = (1e-4, 1e-7, 1e-10)
SLOW = ("stiff OREGO", "stiff van der Pol", "stiff D1")
"""Problems whose solution to the last tolerance takes a tenth of a second."""


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
    if not tableau.implicit:
        np.testing.assert_allclose(coefficients[:, 0], np.eye(len(coefficients))[0], atol=1e-12)  # the derivative at the start


def solve(problem: Problem, method: str, tolerance: float, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the solution at the end, and the statistics."""
    options = {"rtol": tolerance, "atol": tolerance} | options
    found, statistics, *_ = integrate(
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
@pytest.mark.parametrize("method", METHODS)
def test_errors_are_within_30_times_the_tolerance_and_monotone(method: str, problem: Problem) -> None:
    found = errors(problem, method)
    assert all(error <= 30 * tolerance for error, tolerance in zip(found, TOLERANCES, strict=True))
    assert found[0] >= found[1] >= found[2]


@pytest.mark.parametrize("problem", STIFF_PROBLEMS, ids=str)
@pytest.mark.parametrize("method", ["esdirk54", "auto"])
def test_errors_of_stiff_problems_are_within_30_times_the_tolerance(method: str, problem: Problem) -> None:
    for tolerance in TOLERANCES[:2] if problem.name in SLOW else TOLERANCES:
        found, statistics = solve(problem, method, tolerance)
        assert statistics[layout.STATUS_RESULT] == layout.DONE
        assert np.all(np.abs(found - problem.solution) <= 30 * tolerance * (1 + np.abs(problem.solution)))
        assert statistics[layout.EVALUATIONS_RESULT] < 17 * (statistics[layout.ACCEPTED_RESULT] + 60)


def test_dense_output_of_stiff_components_is_as_accurate_as_the_ends_of_steps() -> None:
    problem = next(problem for problem in STIFF_PROBLEMS if problem.name == "stiff Robertson")
    times = np.geomspace(0.1, problem.end, 41)
    options: dict[str, Any] = {"method": "esdirk54", "rtol": 1e-7, "atol": 1e-7 * np.array([1.0, 1e-5, 1.0])}

    def run(times: Any) -> np.ndarray:
        return integrate(lambda t, states: [problem.fun(t, states[0])], 0.0, times, [problem.y0], **options)[0][0].numpy()

    within, ends = run(times), np.concatenate([run(times[k : k + 1]) for k in range(len(times))])
    np.testing.assert_allclose(within, ends, rtol=3e-6)


RATES = np.array([0.04, 3e7, 1e4])


def robertson(rates: Any, tolerance: float = 1e-8) -> Any:
    """The values at several times, each divided by a typical one."""
    times, scales = np.array([0.4, 40.0, 400.0, 4000.0]), np.array([1.0, 1e-5, 1.0])

    def fun(t: Any, states: Any) -> list[Any]:
        (y,) = states
        first, second, third = rates[0] * y[0], rates[1] * y[1] ** 2, rates[2] * y[1] * y[2]
        return [np.stack([third - first, first - third - second, second])]

    atol = tolerance * np.array([1.0, 1e-4, 1.0])
    return integrate(fun, 0.0, times, [np.eye(3)[0]], method="esdirk54", rtol=tolerance, atol=atol)[0][0] / scales


def test_sensitivities_of_stiff_equations() -> None:
    """To the parameters' logarithms, against differences, in both modes, and of second order."""

    def f(logs: Any) -> Any:
        return robertson(np.exp(logs) * RATES)

    def last(logs: Any) -> Any:
        return jg.sum(f(logs)[-1] ** 2)

    zero, h = np.zeros(3), 1e-4
    steps = h * np.eye(3)
    jacobian = jg.jacobian(f)(zero).numpy()
    differences = [
        (robertson(np.exp(s) * RATES, 1e-12) - robertson(np.exp(-s) * RATES, 1e-12)).numpy() / (2 * h) for s in steps
    ]
    np.testing.assert_allclose(jacobian, np.stack(differences, -1), atol=1e-6)
    gradient = jg.grad(last)
    np.testing.assert_allclose(gradient(zero).numpy(), 2 * np.sum(f(zero)[-1].numpy()[:, None] * jacobian[-1], 0), rtol=1e-9)
    second = np.stack([(gradient(s) - gradient(-s)).numpy() / (2 * h) for s in steps])
    np.testing.assert_allclose(jg.hessian(last)(zero).numpy(), second, rtol=1e-5, atol=1e-7)


def test_sensitivities_of_linear_systems_with_several_states_of_any_shape() -> None:
    a = np.array([[-1000.0, 1.0, 0.0], [0.0, -1.0, 0.5], [1.0, 0.0, -0.1]])
    times = np.array([0.1, 1.0, 10.0])

    def f(y: Any) -> Any:
        def fun(t: Any, states: Any) -> list[Any]:
            first, rest = states
            whole = a @ np.concatenate([np.reshape(first, (1,)), np.reshape(rest, (2,))])
            return [whole[0], np.reshape(whole[1:], (2, 1))]

        first, rest = integrate(fun, 0.0, times, [y[0], np.reshape(y[1:], (2, 1))], method="esdirk54", rtol=1e-9, atol=1e-9)[0]
        return np.concatenate([first[:, None], rest[:, :, 0]], 1)

    wanted = np.stack([expm(a * t) for t in times])
    np.testing.assert_allclose(jg.jacobian(f)(np.ones(3)).numpy(), wanted, atol=1e-9)
    np.testing.assert_allclose(f(np.ones(3)).numpy(), wanted.sum(2), atol=1e-9)


def test_backward_integration_by_implicit_steps() -> None:
    found, *_ = integrate(
        lambda t, s: [1000 * (s[0] - np.cos(t))], 1.0, [0.5, 0.0], [np.cos([1.0])], method="esdirk54", rtol=1e-8
    )
    y = np.array([1e6 * np.cos(t) - 1e3 * np.sin(t) for t in (0.5, 0.0)]) / (1e6 + 1)
    np.testing.assert_allclose(found[0].numpy()[:, 0], y, atol=1e-7)


EVALUATIONS = {
    "dopri5": (10070, 31346, 121580), "dop853": (10922, 22058, 44018), "esdirk54": (19770, 72886, 290074),
    "auto": (10922, 22058, 44018),
}  # fmt: skip
"""Evaluations of all nonstiff problems together at each tolerance."""


@pytest.mark.parametrize("method", METHODS)
def test_evaluations_do_not_increase(method: str) -> None:
    for tolerance, most in zip(TOLERANCES, EVALUATIONS[method], strict=True):
        found = [solve(problem, method, tolerance)[1][layout.EVALUATIONS_RESULT] for problem in NONSTIFF_PROBLEMS]
        assert sum(found) < 1.03 * most


@pytest.mark.parametrize("method", TABLEAUX)
def test_orders_of_convergence(method: str) -> None:
    """Of the solution at the ends of equal steps, and of dense output within them."""
    order, _, dense = ORDERS[method]
    matrix, times, found = np.array([[0.0, 1.0], [-1.0, 0.0]]), np.append((np.arange(40) + 0.37) / 20, 2.0), []
    for h in (0.5, 0.25) if order == 8 else (0.1, 0.05):
        options: dict[str, Any] = {"rtol": 1.0, "atol": 1e3, "first_step": h, "max_step": h}
        values = integrate(lambda t, s: [matrix @ s[0]], 0.0, times, [np.eye(2)[0]], method=method, **options)[0][0]
        error = np.abs(values.numpy()[:, 0] - np.cos(times))
        found.append((error[-1], error[:-1].max()))
    end, within = np.log2(np.divide(*found))
    assert order - 0.5 < end < order + 1.5
    assert dense + 0.4 < within < dense + 2.5


@pytest.mark.parametrize("method", ["dopri5", "dop853", "auto"])
@pytest.mark.parametrize("problem", NONSTIFF_PROBLEMS[:3] + NONSTIFF_PROBLEMS[22:24], ids=str)
def test_dense_output_is_as_accurate_as_the_ends_of_steps(method: str, problem: Problem) -> None:
    times = np.linspace(0.1, 20, 101)

    def run(tolerance: float) -> np.ndarray:
        options: dict[str, Any] = {"method": method, "rtol": tolerance, "atol": tolerance}
        return integrate(lambda t, s: [problem.fun(t, s[0])], 0.0, times, [problem.y0], **options)[0][0].numpy()

    exact = run(1e-13)
    for tolerance in (1e-5, 1e-8):
        assert np.all(np.abs(run(tolerance) - exact) <= 10 * tolerance * (1 + np.abs(exact)))


def test_auto_changes_to_the_implicit_method_and_back() -> None:
    """Van der Pol's oscillator is stiff on its slow branches only, nonstiff problems never are."""
    problem = next(problem for problem in STIFF_PROBLEMS if problem.name == "stiff van der Pol")
    _, auto = solve(problem, "auto", 1e-6)
    _, implicit = solve(problem, "esdirk54", 1e-6)
    assert 0 < auto[layout.JACOBIANS_RESULT] < implicit[layout.JACOBIANS_RESULT]
    assert auto[layout.STIFF_RESULT] < 15
    assert solve(NONSTIFF_PROBLEMS[19], "auto", 1e-6)[1][layout.JACOBIANS_RESULT] == 0
    _, explicit = solve(problem._replace(end=100.0), "dop853", 1e-6)
    assert explicit[layout.STIFF_RESULT] >= 15


@pytest.mark.parametrize("method", ["esdirk54", "auto"])
def test_rows_of_stiff_equations_are_integrated_by_themselves_to_the_bit(method: str) -> None:
    rates = RATES * np.random.default_rng(1).uniform(0.9, 1.1, (10, 3))
    many = jg.vmap(lambda one: robertson(one, 1e-6))(rates).numpy()
    np.testing.assert_array_equal(many[7], robertson(rates[7], 1e-6).numpy())
    slopes = jg.vmap(jg.jacobian(lambda one: robertson(one, 1e-6)))(rates).numpy()
    np.testing.assert_array_equal(slopes[7], jg.jacobian(lambda one: robertson(one, 1e-6))(rates[7]).numpy())


FAILURES: dict[str, tuple[Any, int]] = {
    "blows up": (lambda t, s: [s[0] ** 2], layout.VANISHED),
    "not finite": (lambda t, s: [jg.sqrt(0.5 - t) + s[0]], layout.NOT_FINITE),
    "not finite at the start": (lambda t, s: [s[0] / t], layout.NOT_FINITE),
}


@pytest.mark.parametrize("case", FAILURES)
def test_implicit_steps_that_fail(case: str) -> None:
    fun, status = FAILURES[case]
    found, statistics, *_ = integrate(fun, 0.0, [0.25, 2.0], [np.ones(1)], method="esdirk54")
    assert statistics.numpy()[layout.STATUS_RESULT] == status
    assert np.isnan(found[0].numpy()[-1])


def test_float32_with_an_implicit_method() -> None:
    y, times = np.ones(1, np.float32), np.array([1.0, 2.0], np.float32)
    options: dict[str, Any] = {"method": "esdirk54", "rtol": 1e-4, "atol": 1e-4}
    found = integrate(lambda t, s: [1000 * (jg.cos(t) - s[0])], np.float32(0), times, [jg.Variable(y)], **options)[0][0]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.numpy()[:, 0], (1e6 * np.cos(times) + 1e3 * np.sin(times)) / (1e6 + 1), atol=1e-4)
