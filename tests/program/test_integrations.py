"""Integrations with the same controlled states are united."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.curvefit.curve import curve_of
from jitgrad.curvefit.least_squares import SolverOptions
from jitgrad.program.program import Program
from jitgrad.tape.forward_mode import push_forward
from jitgrad.tape.integrate import integrate
from jitgrad.vm.instructions import OPCODE

TIMES = np.linspace(0, 3, 7)


def solution(x: Any, rate: Any = 1.0, method: str = "RK45") -> Any:
    a, b, c = x[0], x[1], x[2]
    return jg.solve_ivp(
        lambda t, y: [a * y[0] - b * y[0] * y[1], rate * y[0] * y[1] - c * y[1]], (0, 3), [2.0, 1.0], method, TIMES, rtol=1e-8
    ).y


def along(y: Any, x: Any, direction: Any) -> Any:
    """Return the derivative of a recorded y, which is not recorded again."""
    return push_forward([y], {id(x): jg.convert_to_tensor(direction)}, lambda t: True)[0]


def derivatives(x: Any, rates: Any = (1.0,)) -> Any:
    made = [solution(x, rate) for rate in rates]
    return [along(y, x, e) for e in E for y in made]


def value_and_derivatives(x: Any) -> Any:
    y = solution(x)
    return [y, along(y, x, E[0]), along(y, x, E[2])]


def second_derivatives(x: Any) -> Any:
    first = derivatives(x)
    return [along(y, x, e) for y in first for e in E]


def along_the_other(x: Any) -> Any:
    y = solution(x)
    first = along(y, x, E[0])
    return [first, along(y, x, first[0, 4:7])]


X, E = np.array([1.1, 0.7, 0.9]), np.eye(3)


def n_integrations(program: Program) -> int:
    return int((program.code[:, 0] == OPCODE["integrate"]).sum())


@pytest.mark.parametrize(
    ("function", "n"),
    [
        (derivatives, 1),
        (value_and_derivatives, 1),
        (second_derivatives, 1),
        (lambda x: derivatives(x, (1.0, 2.0)), 2),
        (lambda x: [solution(x), solution(x, method="DOP853")], 2),
        (along_the_other, 2),
    ],
    ids=["derivatives", "with values", "second derivatives", "two equations", "two methods", "along the other"],
)
def test_integrations_of_the_same_equations_are_united(function: Any, n: int) -> None:
    assert n_integrations(jg.lower(function, X)) == n
    together = [y.numpy() for y in jg.function(function)(X)]
    for k, found in enumerate(together):
        alone = jg.function(lambda x, k=k: function(x)[k])(X).numpy()
        np.testing.assert_allclose(found, alone, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("more", "entries"), [(0, [1, 0]), (8, [1, 1])], ids=["few parameters", "many parameters"])
def test_a_fit_integrates_once_for_values_and_few_derivatives(more: int, entries: list[int]) -> None:
    names = [f"p{k}" for k in range(3 + more)]
    curve = curve_of(lambda t, *p: jg.log(solution(p[:3]))[0] + sum(p[3:]), {"": TIMES}, names, None)
    lowered = curve.traced([TIMES], range(3 + more), len(TIMES))
    assert not lowered.edges.needed([TIMES])
    code = lowered.program.code[:, 0] == OPCODE["integrate"]
    assert [int(code[entry.start : entry.stop].sum()) for entry in lowered.program.entries] == entries
    said, jacobian = curve.evaluate(np.append(X, np.ones(more)), range(3 + more), [TIMES])
    np.testing.assert_allclose(said, np.log(solution(X)[0].numpy()) + more, rtol=1e-12)
    alone = [jg.jvp(lambda x: jg.log(solution(x)[0]), (X,), (e,))[1].numpy() for e in E]
    np.testing.assert_allclose(jacobian.T, [*alone, *np.ones((more, len(TIMES)))], rtol=1e-12, atol=1e-14)


def test_steps_within_the_errors_of_solutions_are_not_taken() -> None:
    curve = curve_of(lambda t, a, b, c: solution([a, b, c])[0], {"": TIMES}, None, None)
    accuracy = curve.traced([TIMES], range(3), len(TIMES)).accuracy
    assert accuracy == pytest.approx(100 * 1e-8)
    assert curve_of(lambda t, a: a * t, {"": TIMES}, None, None).traced([TIMES], range(1), len(TIMES)).accuracy == 0.0
    options = SolverOptions(ftol=1e-7).within(accuracy)
    assert (options.ftol, options.xtol, options.accuracy) == pytest.approx((1e-7, 1e-8, 1e-6))
    assert options.within(1e-9) is options


def by_elements(t: Any, y: Any, a: Any, b: Any, c: Any) -> Any:
    return [a * y[0] - b * y[0] * y[1], y[0] * y[1] - c * y[1]]


def as_a_whole(t: Any, y: Any, a: Any, b: Any, c: Any) -> Any:
    return jg.stack([a, -c]) * y + jg.stack([-b, 1.0]) * (y * y[::-1])


@pytest.mark.parametrize("method", ["RK45", "ESDIRK", "auto"])
def test_tangents_are_stored_by_elements(method: str) -> None:
    """Equations that use single elements of a state compute with its tangents without strided copies."""
    found = []
    for slopes in (by_elements, as_a_whole):

        def solve(x: Any, slopes: Any = slopes) -> Any:
            return jg.solve_ivp(slopes, (0, 3), [2.0, 1.0], method, TIMES, args=(x[0], x[1], x[2]), rtol=1e-8).y

        program = jg.lower(jg.jacfwd(solve), X)
        i = list(program.code[:, 0]).index(OPCODE["integrate"])
        inside = program.code[i + 1 : i + 1 + program.instruction(i)[1]["length"], 0]
        assert (OPCODE["copy_from"] in inside) == (slopes is as_a_whole)
        found.append(jg.jacfwd(solve)(X).numpy())
        alone = [jg.jvp(solve, (X,), (e,))[1].numpy() for e in E]
        np.testing.assert_allclose(np.moveaxis(found[-1], -1, 0), alone, rtol=1e-9)  # implicit methods iterate for all tangents
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("method", ["RK45", "auto"])
def test_what_neither_time_nor_states_change_is_computed_once(method: str) -> None:
    def solve(x: Any) -> Any:
        def slopes(t: Any, y: Any) -> Any:
            rate = jg.exp(x[0]) / x[1]
            return [-rate * y[0]]

        return jg.solve_ivp(slopes, (0, 3), [1.0], method, TIMES, rtol=1e-9, atol=1e-12).y[0]

    for function in (solve, jg.jacfwd(solve)):
        program = jg.lower(function, X)
        i = list(program.code[:, 0]).index(OPCODE["integrate"])
        fields = program.instruction(i)[1]
        inside = program.code[i + 1 : i + 1 + fields["length"] + fields["jacobian"], 0]
        assert not {OPCODE[name] for name in ("exp", "divide.1", "divide.sv", "copy_from")} & set(inside.tolist())
    rate = np.exp(X[0]) / X[1]
    exact = -TIMES * np.exp(-rate * TIMES)
    np.testing.assert_allclose(
        jg.jacfwd(solve)(X).numpy().T, [exact * rate, -exact * rate / X[1], 0 * exact], rtol=1e-7, atol=1e-9
    )


def test_states_whose_elements_are_read_in_reverse_order_are_kept() -> None:
    def solve(x: Any) -> Any:
        def slopes(t: Any, states: Any) -> Any:
            return [jg.stack([-x[0] * states[0][::-1, 0], x[1] * states[0][::-1, 1]], axis=1)]

        return integrate(slopes, 0.0, TIMES, [np.array([[1.0, 2.0], [0.5, 3.0]])], rtol=1e-8).values[0]

    alone = [jg.jvp(solve, (X,), (e,))[1].numpy() for e in E]
    np.testing.assert_allclose(np.moveaxis(jg.jacfwd(solve)(X).numpy(), -1, 0), alone, rtol=1e-9, atol=1e-12)
