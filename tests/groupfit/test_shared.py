"""Shared parameters: the same results as one fit of all rows, in time that is linear in the number of groups."""

from __future__ import annotations

import time
import warnings
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest

from jitgrad import curve_fit, fit_groups
from jitgrad.curvefit import CurveFit, ode
from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import Curve, curve_of
from jitgrad.curvefit.estimates import UNDETERMINED
from jitgrad.curvefit.given import DEFAULTS
from jitgrad.curvefit.least_squares import Limits
from jitgrad.curvefit.status import converged
from jitgrad.errors import ArgumentError, FitError, FitWarning
from jitgrad.groupfit import solving
from jitgrad.groupfit.shared import SharedFit, fit_shared
from jitgrad.vm.least_squares import codes

DECAY = "a * exp(-k * x**h) + c"
A, K, H, C = range(4)


class Decays(NamedTuple):
    """Decays of groups of different sizes, with their own columns: x, y, sigma and the group of each row."""

    x: np.ndarray
    y: np.ndarray
    sigma: np.ndarray
    group: np.ndarray

    @property
    def groups(self) -> Groups:
        sizes = np.bincount(self.group)
        parts = np.stack([np.cumsum(sizes) - sizes, sizes], axis=1).astype(np.uint64)
        return Groups([self.x], self.y, 1 / self.sigma, parts)


CURVE: Curve = curve_of(DECAY, {"x": np.ones(1)}, None, None)
NAMES = ["a", "k", "h", "c"]


def decays(count: int, noise: float = 0.05, lowest: float = 1.0) -> Decays:
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(count), rng.integers(6, 40, count))
    a, c = rng.uniform(lowest, 4, count)[group], rng.uniform(0, 1, count)[group]
    x, sigma = rng.uniform(0.1, 5, len(group)), noise * rng.uniform(0.5, 2, len(group))
    return Decays(x, a * np.exp(-0.8 * x) + c + sigma * rng.normal(size=len(group)), sigma, group)


def starts(count: int, **values: float) -> np.ndarray:
    return np.tile([{"a": 1.0, "k": 0.5, "h": 1.0, "c": 0.1, **values}[name] for name in NAMES], (count, 1))


def all_at_once(
    data: Decays, free: list[int], shared: list[int], found: SharedFit, bounds: dict[str, tuple[float, float]]
) -> CurveFit:
    """One fit of all rows, from near what was found.

    Its model has the own parameters of each group, numbered, times a column that is 1 for the group's rows.
    """
    count = len(found.solution.parameters)
    columns = {"x": data.x} | {f"i{g}": (data.group == g).astype(float) for g in range(count)}
    own = [NAMES[k] for k in free if k not in shared]
    term = {name: "(" + " + ".join(f"{name}{g} * i{g}" for g in range(count)) + ")" if name in own else name for name in NAMES}
    term |= {} if H in free else {"h": "1.0"}
    p0, limits = {}, {}
    for g in range(count):
        for place, k in enumerate(free):
            name = NAMES[k] if k in shared else f"{NAMES[k]}{g}"
            low, high = limits[name] = bounds.get(NAMES[k], (-np.inf, np.inf))
            p0[name] = np.clip(1.01 * found.solution.parameters[g, place], low, high)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # of bounds
        formula = f"{term['a']} * exp(-{term['k']} * x**{term['h']}) + {term['c']}"
        result: CurveFit = curve_fit(formula, columns, data.y, p0, sigma=data.sigma, bounds=limits)
    return result


def assert_same(found: SharedFit, expected: CurveFit, free: list[int], shared: list[int]) -> None:
    assert found.cost == pytest.approx(expected.cost, rel=1e-10) and found.dof == expected.dof
    values, errors = expected.parameters, dict(zip(expected.names, expected.stderr, strict=True))
    scale = 2 * found.cost / found.dof
    for g in range(len(found.solution.parameters)):
        factor = found.solution.factors[g]
        np.testing.assert_array_equal(factor, np.triu(factor))
        covariance = np.linalg.inv(factor.T @ factor) * scale
        names = [NAMES[k] if k in shared else f"{NAMES[k]}{g}" for k in free]
        np.testing.assert_allclose(found.solution.parameters[g], [values[name] for name in names], rtol=1e-8)
        np.testing.assert_allclose(np.sqrt(np.diag(covariance)), [errors[name] for name in names], rtol=1e-6)


@pytest.mark.parametrize(
    ("free", "shared", "bounds"),
    [
        ([A, K, C], [K], {}),
        ([A, K, H, C], [K, H], {}),
        ([A, K, C], [A], {}),
        ([A, K, C], [C], {}),
        ([A, K, C], [K], {"a": (0.0, 3.0)}),
        ([A, K, C], [K], {"k": (0.0, 0.6)}),
        ([A, K, H, C], [K, H], {"h": (0.5, 1.2), "c": (0.1, 2.0)}),
    ],
)
def test_ten_groups_are_fitted_as_by_one_fit_of_all_rows(
    free: list[int], shared: list[int], bounds: dict[str, tuple[float, float]]
) -> None:
    data = decays(10, lowest=3.9 if A in shared else 1.0)
    limits = Limits(*np.array([bounds.get(NAMES[k], (-np.inf, np.inf)) for k in free]).T) if bounds else None
    found = fit_shared(CURVE, free, shared, data.groups, starts(10), limits)
    expected = all_at_once(data, free, shared, found, bounds)
    assert expected.converged and converged(found.solution.status).all()
    at_bounds = {name.rstrip("0123456789") for name in expected.at_bounds}
    assert (at_bounds <= set(bounds)) and (bool(at_bounds) == bool(bounds))
    assert_same(found, expected, free, shared)


def test_exact_data_and_large_residuals() -> None:
    exact = fit_shared(CURVE, [A, K, C], [K], decays(10, noise=1e-15).groups, starts(10))
    np.testing.assert_allclose(exact.solution.parameters[:, 1], 0.8, rtol=1e-10)
    assert converged(exact.solution.status).all()
    data = decays(10, noise=1.0)
    found = fit_shared(CURVE, [A, K, C], [K], data.groups, starts(10))
    expected = all_at_once(data, [A, K, C], [K], found, {})  # its steps end earlier, a little above the minimum
    assert found.cost <= expected.cost and found.cost == pytest.approx(expected.cost, rel=1e-12)
    assert found.solution.parameters[0, 1] == pytest.approx(expected.parameters["k"], rel=1e-5)


def test_starts_that_are_far_away() -> None:
    groups = decays(30).groups
    near = fit_shared(CURVE, [A, K, C], [K], groups, starts(30))
    far = fit_shared(CURVE, [A, K, C], [K], groups, starts(30, k=12.0))
    assert far.cost == pytest.approx(near.cost, rel=1e-10)


@pytest.mark.parametrize(("few", "many"), [(250, 1000), pytest.param(2000, 10_000, marks=pytest.mark.slow)])
def test_many_groups_in_linear_time(few: int, many: int) -> None:
    seconds = []
    for count in (few, few, many):  # the first traces the model
        data = decays(count)
        began = time.process_time()
        found = fit_shared(CURVE, [A, K, C], [K], data.groups, starts(count))
        seconds.append(time.process_time() - began)
        factor = found.solution.factors[0]
        error = np.sqrt(np.linalg.inv(factor.T @ factor)[1, 1] * 2 * found.cost / found.dof)
        assert abs(found.solution.parameters[0, 1] - 0.8) < 4 * error
        assert converged(found.solution.status).all()
    assert seconds[2] < 2 * many / few * seconds[1]


def test_groups_that_cannot_begin_and_groups_that_do_not_tell() -> None:
    """A group whose model is not finite is left out; one that does not determine its own parameters is marked."""
    data = decays(12)
    x = np.where(data.group == 4, -1.0, data.x)  # to a power
    x = np.where(data.group == 7, 2.0, x)
    groups = data.groups._replace(columns=[x])
    found = fit_shared(CURVE, [A, K, H, C], [K, H], groups, starts(12, h=0.9))
    assert found.solution.status[4] == codes.NOT_FINITE
    assert (found.solution.rcond <= UNDETERMINED).tolist() == [g in (4, 7) for g in range(12)]
    kept = np.array([g for g in range(12) if g not in (4, 7)])
    alone = fit_shared(CURVE, [A, K, H, C], [K, H], groups._replace(parts=groups.parts[kept]), starts(10))
    np.testing.assert_allclose(found.solution.parameters[kept], alone.solution.parameters, rtol=1e-8)
    with pytest.raises(FitError, match="not finite at the start of any group"):
        fit_shared(CURVE, [A, K, H, C], [K, H], data.groups._replace(columns=[-data.x]), starts(12, h=0.9))


def test_a_group_needs_as_many_rows_as_it_has_own_parameters() -> None:
    data = decays(10)
    groups = data.groups._replace(parts=np.minimum(data.groups.parts, [[2**40, 2]]).astype(np.uint64))
    found = fit_shared(CURVE, [A, K, C], [K], groups._replace(parts=np.vstack([data.groups.parts, groups.parts])), starts(20))
    assert found.dof == len(data.y) + 20 - 2 * 20 - 1 and converged(found.solution.status).all()


def test_what_cannot_be_shared() -> None:
    groups = decays(3).groups
    for shared in ([], [A, K, C]):
        with pytest.raises(ArgumentError, match="All fitted parameters are shared, or none is"):
            fit_shared(CURVE, [A, K, C], shared, groups, starts(3))
    with pytest.raises(ArgumentError, match="'huber' cannot be combined with shared parameters"):
        fit_shared(CURVE, [A, K, C], [K], groups, starts(3), options=DEFAULTS._replace(loss="huber"))


def test_models_that_combine_the_rows_of_a_group() -> None:
    """They are evaluated for each group by itself: equal to formulas of values that are computed beforehand."""
    data = decays(8)
    means = np.array([data.x[data.group == g].mean() for g in range(8)])[data.group]
    curves = (
        curve_of("a * exp(-k * (x - mean(x))) + c", {"x": np.ones(1)}, None, None),
        curve_of("a * exp(-k * (x - m)) + c", {"x": np.ones(1), "m": np.ones(1)}, None, None),
    )
    given = (data.groups, data.groups._replace(columns=[data.x, means]))
    start = np.tile([0.5, 0.5, 0.1], (8, 1))
    whole, by_rows = (fit_shared(c, range(3), [c.names.index("k")], g, start) for c, g in zip(curves, given, strict=True))
    np.testing.assert_allclose(whole.solution.parameters, by_rows.solution.parameters, rtol=1e-7)
    np.testing.assert_allclose(whole.solution.factors, by_rows.solution.factors, rtol=1e-5, atol=1e-9)
    assert whole.dof == by_rows.dof


def test_equations_share_parameters() -> None:
    data = frame(decays(4))
    fits = fit_groups(ode("u' = -k*u; v' = 0", {"u": "a", "v": "c"}, "u + v", time="x"), data, "y", by="well", shared="k")
    expected = fit_groups("a * exp(-k*x) + c", data, "y", by="well", shared="k")
    for name in ("a", "k", "c"):
        np.testing.assert_allclose(fits.parameters[name], expected.parameters[name], rtol=1e-5)
    order = [fits.names.index(name) for name in expected.names]
    np.testing.assert_allclose(fits.stderr[:, order], expected.stderr, rtol=1e-4)


def frame(data: Decays) -> dict[str, np.ndarray]:
    return {"well": data.group, "x": data.x, "y": data.y, "sigma": data.sigma}


def test_fit_groups_shares_parameters_that_it_searched_for() -> None:
    data = decays(30)
    fits = fit_groups("a * exp(-k*x) + c", pl.DataFrame(frame(data)), "y", by="well", sigma="sigma", shared=["k"])
    expected = fit_shared(CURVE, [A, K, C], [K], data.groups, starts(30))
    order = [fits.names.index(name) for name in ("a", "k", "c")]
    np.testing.assert_allclose(fits.values[:, order], expected.solution.parameters, rtol=1e-8)
    factors, scale = expected.solution.factors, 2 * expected.cost / expected.dof
    covariances = np.linalg.inv(factors.transpose(0, 2, 1) @ factors) * scale
    np.testing.assert_allclose(fits.stderr[:, order], np.sqrt(np.diagonal(covariances, axis1=1, axis2=2)), rtol=1e-6)
    assert fits.converged.all() and len(np.unique(fits.values[:, fits.names.index("k")])) == 1


@pytest.mark.parametrize("name", ["search_groups", "fit_shared"])
def test_a_ctrl_c_leaves_no_group_that_claims_to_share(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(solving, name, stopped)
    with pytest.warns(FitWarning, match="Interrupted: groups that share parameters are fitted together, so no group was"):
        fits = fit_groups("a * exp(-k*x) + c", pl.DataFrame(frame(decays(12))), "y", by="well", shared=["k"])
    assert set(fits.status) == {"interrupted"} and np.isnan(fits.values).all()
