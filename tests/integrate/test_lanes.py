"""Many rows at once: integrated in lanes, each row as by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.program.program import Program
from jitgrad.vm import addresses
from jitgrad.vm.instructions import OPCODE

RNG = np.random.default_rng(3)


def lotka_volterra(t: Any, y: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    return jg.stack([a * y[0] - b * y[0] * y[1], d * y[0] * y[1] - c * y[1]])


def parameters(p: Any, method: str = "DOP853", **options: Any) -> Any:
    times = np.linspace(0, 20, 7)
    return jg.solve_ivp(lotka_volterra, (0, 20), [30.0, 4.0], method, times, args=(p[0], p[1], p[2], p[3]), **options)


def states_of(method: str = "DOP853", **options: Any) -> Callable[[Any], Any]:
    return lambda p: parameters(p, method, **options).y


def spans(p: Any) -> Any:
    """Forward, backward and not at all, each with its own times."""
    times = p[0] + p[1] * np.array([0.0, 0.25, 0.25, 1.0])
    return jg.solve_ivp(lambda t, y: [y[1], jg.sin(t) - y[0]], (p[0], p[0] + p[1]), [1.0, p[2]], "RK45", times).y


def vectors(p: Any) -> Any:
    """Views, and a vector that all rows share."""

    def diffusion(t: Any, u: Any, k: Any) -> Any:
        inside = jg.concatenate([u[:1], u, u[-1:]])
        return (
            k * (inside[2:] - 2 * u + inside[:-2]) * np.linspace(1, 2, 6) + jg.reshape(jg.stack([u[:3], u[3:]]).T, (6,))[::-1]
        )

    return jg.solve_ivp(diffusion, (0, 1), np.arange(6.0), "DOP853", [0.5, 1.0], args=(p[0],)).y


def van_der_pol(p: Any) -> Any:
    """From not stiff to stiff equations."""
    result = jg.solve_ivp(lambda t, y: [y[1], p[0] * (1 - y[0] ** 2) * y[1] - y[0]], (0, 30), [2.0, 0.0], "auto", [10.0, 30.0])
    return result.y


def growth(p: Any) -> Any:
    """Solutions of which some end in a pole."""
    result = jg.solve_ivp(lambda t, y: y * y, (0, 1), [p[0]], "RK45", [0.25, 0.5, 1.0])
    return result.y, result.success, result.status, result.nfev


def statistics(p: Any) -> Any:
    result = parameters(p, "DOP853", rtol=1e-5)
    return result.y, result.nfev, result.status


SETS = np.array([0.55, 0.028, 0.8, 0.024]) * RNG.uniform(0.7, 1.3, (45, 4))
CASES: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
    "DOP853": (states_of(), SETS),
    "RK45": (states_of("RK45"), SETS),
    "auto": (states_of("auto"), SETS),
    "one row more than lanes": (states_of(), SETS[:17]),
    "few rows": (states_of("RK45"), SETS[:3]),
    "first step": (states_of(first_step=0.01), SETS[:20]),
    "largest step": (states_of(max_step=0.3), SETS[:20]),
    "statistics": (statistics, SETS),
    "spans": (spans, np.stack([RNG.uniform(-1, 1, 40), np.tile([3.0, -5.0, 0.0, 0.1], 10), RNG.uniform(-1, 1, 40)], axis=1)),
    "vectors": (vectors, RNG.uniform(0.5, 2, (20, 1))),
    "stiff": (van_der_pol, np.geomspace(1, 1000, 20)[:, None]),
    "poles": (growth, np.linspace(0.5, 3, 35)[:, None]),
    "Jacobians": (jg.jacfwd(states_of()), SETS[:20]),
    "gradients": (jg.grad(lambda p: jg.sum(parameters(p, "RK45").y ** 2)), SETS[:20]),
    "values and gradients": (jg.value_and_grad(lambda p: parameters(p).y[0, -1]), SETS[:20]),
}


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = jg.get_num_threads()
    yield jg.set_num_threads
    jg.set_num_threads(before)


def arrays(results: Any) -> list[np.ndarray]:
    return [x.numpy() for x in (results if isinstance(results, tuple) else (results,))]


def kernels(program: Program) -> list[str]:
    """Return the kernels of the integrations of a Program."""
    rows = program.code[program.code[:, 0] == OPCODE["integrate"]]
    return [addresses.callee(int(kernel)).name for kernel in rows[:, 1]]


@pytest.mark.parametrize("name", CASES)
def test_rows_are_integrated_as_by_themselves(name: str) -> None:
    f, rows = CASES[name]
    together, alone = arrays(jg.function(jg.vmap(f))(rows)), jg.function(f)
    each = [arrays(alone(row)) for row in rows]
    for k, found in enumerate(together):
        np.testing.assert_array_equal(found, np.stack([one[k] for one in each]))
    order = RNG.permutation(len(rows))
    for found, other in zip(together, arrays(jg.function(jg.vmap(f))(rows[order])), strict=True):
        np.testing.assert_array_equal(found[order], other)


@pytest.mark.parametrize("name", CASES)
def test_integrations_are_united_and_in_lanes(name: str) -> None:
    f, rows = CASES[name]
    found = kernels(jg.lower(jg.vmap(f), rows))
    parts = 2 if len(rows) > 32 else 1  # the rows of a loop, and its tail
    alone = ["integrate-float64"] * parts * (name in ("auto", "stiff"))
    assert sorted(found) == sorted([*["integrate_rows-float64"] * parts, *alone])


def total(p: Any) -> Any:
    return jg.sum(jg.vmap(states_of())(p) ** 2)


def test_gradients_of_a_sum_over_rows_are_in_lanes() -> None:
    slopes = jg.function(jg.grad(total))(SETS).numpy()
    each = jg.function(jg.grad(lambda p: jg.sum(parameters(p).y ** 2)))
    np.testing.assert_allclose(slopes, [each(p).numpy() for p in SETS], rtol=1e-12)
    assert set(kernels(jg.lower(jg.grad(total), SETS))) == {"integrate_rows-float64"}


def test_results_do_not_depend_on_threads(threads: Callable[[int], None]) -> None:
    rows = np.concatenate([SETS * x for x in RNG.uniform(0.9, 1.1, 20)])
    found = []
    for count in (1, 2):
        threads(count)
        found.append(jg.function(jg.vmap(states_of("auto")))(rows).numpy())
    np.testing.assert_array_equal(*found)


A, B = RNG.normal(size=(4, 4)) - 2 * np.eye(4), RNG.normal(size=(2, 4, 8)) / 3


def linear(fun: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    return lambda p: jg.solve_ivp(lambda t, y: fun(p, y), (0, 2), 1 + p, "DOP853", [1.0, 2.0], rtol=1e-8).y


PRODUCTS: dict[str, Callable[[Any], Any]] = {
    "shared": linear(lambda p, y: A @ y),
    "from the left": linear(lambda p, y: y @ A),
    "own": linear(lambda p, y: (A + jg.outer(p, p)) @ y),
    "own from the left": linear(lambda p, y: y @ (A + jg.outer(p, p))),
    "of matrices": linear(lambda p, y: jg.reshape(A[:2, :2] @ jg.reshape(y, (2, 2)) @ jg.reshape(p, (2, 2)), (4,)) - y),
    "network": linear(lambda p, y: B[0] @ jg.tanh(B[1].T @ y) - y),
    "sums": linear(lambda p, y: -y * jg.sum(y * y) + jg.mean(y)),
    "tangents": jg.jacfwd(linear(lambda p, y: B[0] @ jg.tanh(B[1].T @ y) - (A + jg.outer(p, p)) @ y)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_and_sums_are_those_of_single_integrations_up_to_rounding(name: str) -> None:
    f, rows = PRODUCTS[name], RNG.uniform(-0.5, 0.5, (20, 4))
    together, alone = jg.function(jg.vmap(f)), jg.function(f)
    found = together(rows).numpy()
    np.testing.assert_allclose(found, [alone(row).numpy() for row in rows], rtol=1e-9, atol=1e-11)
    assert kernels(jg.lower(jg.vmap(f), rows)) == ["integrate_rows-float64"]
    order = RNG.permutation(20)
    np.testing.assert_array_equal(together(rows[order]).numpy(), found[order])


LEFT_IN_LOOPS: dict[str, Callable[[Any], Any]] = {
    "implicit": states_of("ESDIRK"),
    "cumulative sum": lambda p: jg.solve_ivp(lambda t, y: jg.cumsum(y) * p[0], (0, 1), [1.0, 2.0], "RK45", [1.0]).y,
    "events": lambda p: (
        jg.solve_ivp(
            lotka_volterra,
            (0, 5),
            [30.0, 4.0],
            "RK45",
            [5.0],
            args=(p[0], p[1], p[2], p[3]),
            events=lambda t, y, *args: y[0] - 50,
        ).y
    ),
}


@pytest.mark.parametrize("name", LEFT_IN_LOOPS)
def test_other_integrations_remain_loops(name: str) -> None:
    f = LEFT_IN_LOOPS[name]
    assert "integrate-float64" in kernels(jg.lower(jg.vmap(f), SETS[:3]))
    np.testing.assert_array_equal(jg.vmap(f)(SETS[:3]).numpy(), [f(p).numpy() for p in SETS[:3]])
