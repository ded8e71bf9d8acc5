"""Factors and steps of eight fits at a time, against NumPy's and against those of one fit."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jitgrad.vm.compiler.language import compiled
from jitgrad.vm.compiler.types import FLOAT64, Records
from jitgrad.vm.context import ContextDescriptor
from jitgrad.vm.least_squares import steps
from jitgrad.vm.least_squares.lane_algebra import factor_lanes, step_lanes
from jitgrad.vm.least_squares.problem import Problem, Workspace, make_workspace
from jitgrad.vm.least_squares.systems import System, make_systems
from jitgrad.vm.native import Function
from jitgrad.vm.records import address
from tests.vm.test_compiler import FLOATS, function_of

Array = NDArray[np.float64]
LANES = 8
FACTORED = ["norms", "gradient", "right", "factor", "residual"]
STEPPED = ["step", "damping", "length", "slope", "square"]


@compiled
def _factor(system):  # type: ignore[no-untyped-def]
    factor_lanes(system)


@compiled
def _step(system):  # type: ignore[no-untyped-def]
    step_lanes(system)


@compiled
def _alone(problem, work, to):  # type: ignore[no-untyped-def]
    """One fit's step, from the factor of its Jacobian."""
    to[0], full, stopped = steps.make_step(problem, work, steps.FREE, work.radius, work.damping)
    to[1] = steps.scaled_norm(problem, work, work.scales, work.step)
    to[2], to[3] = steps.forecast(problem, work)
    to[4] = float(full and not stopped)


@functools.cache
def native(function: Any) -> Function:
    return function_of(function, (Records(System, FLOAT64),))


@functools.cache
def native_alone() -> Function:
    return function_of(_alone, (Records(Problem, FLOAT64), Records(Workspace, FLOAT64), FLOATS))


def array(place: int, *shape: int, kind: Any = ctypes.c_double) -> NDArray[Any]:
    """Memory at a place, as an array."""
    size = int(np.prod(shape, dtype=int))
    return np.ctypeslib.as_array((kind * size).from_address(place)).reshape(shape)


class Eight:
    """A system of eight lanes, and what stands there by name: all nan at first, so that what is kept is seen."""

    def __init__(self, n: int) -> None:
        self.systems, self.n = make_systems(n, 2), n  # the second is the one that is used
        self.system = self.systems[1]
        triangle, sizes = n * (n + 1) // 2, dict.fromkeys([*FACTORED, *STEPPED, "scales", "radius"], 1)
        sizes |= dict.fromkeys(("norms", "gradient", "right", "step", "scales"), n)
        sizes |= {"factor": triangle, "gram": triangle + n + 1}
        self.at = {name: array(getattr(self.system, name), size, LANES) for name, size in sizes.items()}
        for one in self.at.values():
            one[...] = np.nan
        self.asks, self.good = (array(place, LANES, kind=ctypes.c_bool) for place in (self.system.asks, self.system.good))
        self.asks[:] = True

    def run(self, function: Any) -> None:
        native(function).call(address(self.system))

    def set_gram(self, lane: int, J: Array, r: Array) -> None:
        whole = np.column_stack([J, r])
        self.at["gram"][:, lane] = (whole.T @ whole)[np.tril_indices(self.n + 1)]

    def kept(self, names: list[str]) -> dict[str, Array]:
        return {name: self.at[name].copy() for name in names}


def problems(n: int, draw: np.random.Generator) -> list[tuple[Array, Array]]:
    """Jacobians, their columns of very different units, and residuals."""
    rows = 4 * n + 6
    return [(draw.normal(size=(rows, n)) * 10.0 ** draw.uniform(-9, 9, n), draw.normal(size=rows)) for _ in range(LANES)]


def step_alone(J: Array, r: Array, scales: Array, radius: float, damping: float) -> dict[str, Array]:
    """What ``steps.py`` makes of a Jacobian."""
    n = J.shape[1]
    ld = n + 1
    bounds, linear, held = np.full(n, np.inf), np.zeros(n, np.uint64), np.zeros(8)
    problem = Problem(n=n, leading=ld, linear=linear)
    work = make_workspace(ContextDescriptor(), n, ld)
    R = np.linalg.qr(np.column_stack([J, r]), mode="r")
    norms = np.linalg.norm(R[:, :n], axis=0)
    columns = np.triu(R)[:, :n] / norms
    array(work.jacobian, n, ld)[...] = columns.T
    array(work.residuals, ld)[...] = R[:, n]
    array(work.norms, n)[...], array(work.scales, n)[...] = norms, scales
    array(work.gradient, n)[...] = columns.T @ R[:, n]
    work.set(lower=-bounds, upper=bounds, residual=np.linalg.norm(r), radius=radius, damping=damping)
    native_alone().call(address(problem), address(work), address(held))
    assert held[4]
    found = dict(zip(("damping", "length", "slope", "square"), held[:4, None], strict=False))
    return found | {"step": array(work.step, n).copy()}


@pytest.mark.parametrize("n", [*range(1, 13), 16])
def test_factors(n: int) -> None:
    given, eight = problems(n, np.random.default_rng(n)), Eight(n)
    for lane, (J, r) in enumerate(given):
        eight.set_gram(lane, J, r)
    eight.run(_factor)
    assert eight.good.all()
    for lane, (J, r) in enumerate(given):
        at = {name: one[:, lane] for name, one in eight.at.items()}
        norms = np.linalg.norm(J, axis=0)
        Q, R = np.linalg.qr(J / norms)
        signs = np.sign(R.diagonal())
        lower = np.tril_indices(n)
        close = functools.partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-11)
        close(at["norms"], norms)
        close(at["gradient"], (J / norms).T @ r)
        close(at["factor"], (R.T * signs)[lower])
        close(at["right"], signs * (Q.T @ r))
        close(at["residual"], np.linalg.norm(r))
        close(at["gram"][: len(lower[0])], (R.T @ R)[lower])


@pytest.mark.parametrize("n", [*range(1, 13), 16])
def test_steps_are_those_of_one_fit(n: int) -> None:
    draw = np.random.default_rng(n)
    damped = 0
    for begun, relative in [
        (0.0, 0.9),
        (0.0, 0.3),
        (1e-3, 0.3),
        (1.0, 1e-2),
        (100.0, 0.5),
        (0.5, 1e-4),
        (0.0, 3.0),
        (1.0, np.inf),
    ]:
        given, eight = problems(n, draw), Eight(n)
        for lane, (J, r) in enumerate(given):
            eight.set_gram(lane, J, r)
        eight.run(_factor)
        scales = eight.at["norms"] * draw.choice([1e-6, 1.0, 4.0, 1e3], (n, LANES))
        damping = begun * draw.uniform(0.5, 2, LANES)
        full = [np.linalg.norm(scales[:, k] * np.linalg.lstsq(J, r)[0]) for k, (J, r) in enumerate(given)]
        radius = relative * draw.uniform(0.5, 2, LANES) * full
        eight.at["scales"][...], eight.at["radius"][0], eight.at["damping"][0] = scales, radius, damping
        eight.run(_step)
        for lane, (J, r) in enumerate(given):
            wanted = step_alone(J, r, scales[:, lane], radius[lane], damping[lane])
            for name, value in wanted.items():
                np.testing.assert_allclose(
                    eight.at[name][:, lane], value, rtol=1e-10, atol=1e-10 * abs(value).max(), err_msg=name
                )
            z = -eight.at["step"][:, lane] * eight.at["norms"][:, lane]
            added = eight.at["damping"][0, lane] * scales[:, lane] ** 2
            by_norms = np.column_stack([np.linalg.norm(J, axis=0)] * n)
            normal = (J.T @ J + np.diag(added)) / by_norms / by_norms.T
            np.testing.assert_allclose(normal @ z, J.T @ r / by_norms[:, 0], rtol=1e-9, atol=1e-9)
            damped += added.any()
    assert 4 * LANES <= damped < 7 * LANES


@pytest.mark.parametrize("n", [1, 3, 4, 7])
def test_lanes_that_do_not_ask_keep_what_they_had(n: int) -> None:
    draw = np.random.default_rng(n)
    eight, given = Eight(n), problems(n, draw)
    for lane, (J, r) in enumerate(given):
        eight.set_gram(lane, J, r)
    eight.at["scales"][...], eight.at["radius"][...], eight.at["damping"][...] = 1e3, 1e-2, 1.0
    for name in ("norms", "factor", "right", "gradient", "residual", "step", "length", "slope", "square"):
        eight.at[name][...] = draw.choice([-1.0, 0.0, 2.0, np.inf, np.nan], eight.at[name].shape)
    asks = np.array([True, False, False, True, True, False, True, False])
    eight.asks[:], eight.good[:] = asks, [True] * 4 + [False] * 4
    before = eight.kept([*FACTORED, *STEPPED, "gram"])
    eight.run(_factor)
    eight.run(_step)
    assert eight.good.tolist() == [True, True, True, True, True, False, True, False]
    for name, one in before.items():
        np.testing.assert_array_equal(eight.at[name][:, ~asks], one[:, ~asks], err_msg=name)
        assert np.isfinite(eight.at[name][:, asks]).all()
    eight.asks[:] = False
    after = eight.kept(list(before))
    eight.run(_factor)
    eight.run(_step)
    for name, one in after.items():
        np.testing.assert_array_equal(eight.at[name], one, err_msg=name)


@pytest.mark.parametrize("n", [2, 4, 5, 9])
def test_a_lane_has_its_bits_whatever_its_neighbours_are(n: int) -> None:
    draw = np.random.default_rng(n)
    given = problems(n, draw)
    scales, radius, damping = draw.uniform(0.5, 2, (n, LANES)), 10.0 ** draw.uniform(-4, 1, LANES), draw.uniform(0, 1, LANES)
    scales *= np.array([np.linalg.norm(J, axis=0) for J, _ in given]).T

    def run(order: NDArray[Any], asks: NDArray[Any]) -> dict[str, Array]:
        eight = Eight(n)
        for lane, which in enumerate(order):
            eight.set_gram(lane, *given[which])
        eight.at["gram"][:, ~asks] = draw.choice([0.0, np.inf, np.nan, -1.0], eight.at["gram"][:, ~asks].shape)
        eight.at["scales"][...], eight.at["radius"][0] = scales[:, order], radius[order]
        eight.at["damping"][0] = damping[order]
        eight.asks[:] = asks
        eight.run(_factor)
        eight.run(_step)
        return eight.kept([*FACTORED, *STEPPED])

    whole = run(np.arange(LANES), np.ones(LANES, bool))
    for _ in range(8):
        order, asks = draw.permutation(LANES), draw.random(LANES) < 0.4
        for name, one in run(order, asks).items():
            np.testing.assert_array_equal(one[:, asks], whole[name][:, order[asks]], err_msg=name)


def test_which_lanes_are_good() -> None:
    draw = np.random.default_rng(0)
    (J, r), n = problems(3, draw)[0], 3
    one, other = J[:, 0], J[:, 1] / np.linalg.norm(J[:, 1]) * np.linalg.norm(J[:, 0])
    lanes = [
        (J, r, True),
        (np.column_stack([one, one + 0.1 * other, J[:, 2]]), r, True),
        (np.column_stack([one, one + 0.02 * other, J[:, 2]]), r, False),
        (np.column_stack([one, one, J[:, 2]]), r, False),
        (J * [1, 0, 1], r, False),
        (J * 1e120, r, False),
        (J, r * np.nan, False),
        (J, 0 * r, False),
    ]
    eight = Eight(n)
    with np.errstate(over="ignore"):
        for lane, (columns, residual, _) in enumerate(lanes):
            eight.set_gram(lane, columns, residual)
    eight.run(_factor)
    assert eight.good.tolist() == [good for _, _, good in lanes]
