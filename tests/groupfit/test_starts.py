"""Many groups without starting values reach the minima of ``curve_fit``, at the cost of a few dozen fits each."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jitgrad import curve_fit
from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import curve_of
from jitgrad.curvefit.gallery import named
from jitgrad.curvefit.given import DEFAULTS
from jitgrad.curvefit.least_squares import Limits, Solution
from jitgrad.curvefit.many import StoppedError, solve_many
from jitgrad.curvefit.status import NOT_BEGUN, converged
from jitgrad.errors import FitWarning
from jitgrad.groupfit import starts, trials
from jitgrad.groupfit.full_search import search_fully
from jitgrad.groupfit.neighbours import neighbours_of
from jitgrad.groupfit.starts import search_groups
from tests.groupfit.families import FAMILIES, Family, doses, growth, in_groups, two_exponentials, wandering_peaks


def searched(family: Family, **options: Any) -> Solution:
    """Return the fits without starting values."""
    names = family.curve.names
    unknown = np.full((len(family.y), len(names)), np.nan)
    return search_groups(family.curve, range(len(names)), family.groups, unknown, shape=family.shape, **options)


def alone(family: Family, which: np.ndarray) -> np.ndarray:
    """Return the costs of ``curve_fit`` without starting values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return np.array([curve_fit(family.formula, family.x, family.y[g]).cost for g in which.tolist()])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_search_ends_where_curve_fit_does(family: Callable[[int], Family]) -> None:
    made = family(100)
    found = searched(made)
    from_truth = solve_many(made.curve, range(made.truth.shape[1]), made.groups, made.truth)
    assert np.mean(found.costs <= from_truth.costs * (1 + 1e-6)) >= 0.99
    assert converged(found.status).mean() >= 0.99
    some = np.arange(0, 100, 20)
    assert (found.costs[some] <= alone(made, some) * (1 + 1e-6)).all()


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_search_ends_where_curve_fit_does_in_99_of_100_groups(family: Callable[[int], Family]) -> None:
    made = family(400)
    assert np.mean(searched(made).costs <= alone(made, np.arange(400)) * (1 + 1e-6)) >= 0.99


def test_it_costs_some_tens_of_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations of the model relative to fits from the truth, without those of the groups searched first."""
    made, spent = two_exponentials(400), 0

    def counted(*arguments: Any, **options: Any) -> Solution:
        nonlocal spent
        solution = solve_many(*arguments, **options)
        spent += int(solution.outcomes["nfev"].sum())
        return solution

    def search(*arguments: Any) -> Solution:
        nonlocal spent
        before = spent
        found = search_fully(*arguments)
        searches.append(spent - before)
        spent = before
        return found

    searches: list[int] = []
    monkeypatch.setattr(trials, "solve_many", counted)
    monkeypatch.setattr(starts, "search_fully", search)
    searched(made)
    of_a_fit = solve_many(made.curve, range(4), made.groups, made.truth).outcomes["nfev"].mean()
    assert spent / 400 < 30 * of_a_fit
    assert len(searches) == 1 and searches[0] / starts.REPRESENTATIVES < 1000 * of_a_fit


def test_the_same_minimum_has_the_same_bits() -> None:
    """For any other groups, threads and positions."""
    made = wandering_peaks(100)
    whole = searched(made, threads=1)
    np.testing.assert_array_equal(searched(made).parameters, whole.parameters)
    some = np.arange(20, 80)
    part = searched(made._replace(y=made.y[some], truth=made.truth[some], shape=(3, 20)), threads=3)
    np.testing.assert_array_equal(part.parameters, whole.parameters[some])
    np.testing.assert_array_equal(part.outcomes["cost"], whole.outcomes["cost"][some])
    mixed = np.random.default_rng(0).permutation(100)
    in_a_row = searched(made._replace(y=made.y[mixed], truth=made.truth[mixed], shape=(100,)))
    np.testing.assert_array_equal(in_a_row.parameters, whole.parameters[mixed])
    assert (whole.parameters[:, made.curve.names.index("s")] > 0).all()


def test_loose_tolerances_are_those_of_the_last_fit_alone() -> None:
    made = wandering_peaks(100)
    loose = DEFAULTS._replace(ftol=1e-4, xtol=1e-4)
    whole, some = searched(made, options=loose), np.arange(20, 80)
    part = searched(made._replace(y=made.y[some], truth=made.truth[some], shape=(3, 20)), options=loose)
    np.testing.assert_array_equal(part.parameters, whole.parameters[some])
    precise = searched(made)
    assert whole.outcomes["nfev"].mean() < 0.8 * precise.outcomes["nfev"].mean()
    np.testing.assert_allclose(whole.costs, precise.costs, rtol=1e-4)


def test_neighbours_lead_to_narrow_peaks() -> None:
    """Peaks are so narrow that few candidates are close: the minimum of one pixel is tried on its neighbors."""
    rng, rows = np.random.default_rng(8), 300
    x = np.arange(float(rows))
    m = np.linspace(10, 290, 144).reshape(12, 12) + rng.uniform(-2, 2, (12, 12))
    y = 5 * np.exp(-((x - m[..., None]) ** 2) / 2) + 0.3 * rng.normal(size=(12, 12, rows))
    made = Family("a * exp(-(x-m)**2 / (2*s**2))", x, y.reshape(144, rows), m.reshape(144, 1), (12, 12))
    found = searched(made)
    assert np.mean(np.abs(found.parameters[:, made.curve.names.index("m")] - m.ravel()) < 1) >= 0.99


def test_a_few_groups_that_are_unlike_all_others() -> None:
    """One in fifty oscillates much faster. It fits worse than the others, and is searched."""
    rng, x = np.random.default_rng(4), np.linspace(0, 10, 120)
    f = 0.4 * rng.uniform(0.9, 1.1, 150)
    f[7::50] *= 8
    y = np.sin(2 * np.pi * f[:, None] * x + rng.uniform(-3, 3, (150, 1))) + 0.2 * rng.normal(size=(150, 120))
    made = Family("a * sin(2*pi*f*x + p)", x, y, f[:, None], (150,))
    of_a_table = made.groups._replace(columns=[np.tile(x, 150)], shared=False)
    for groups in (made.groups, of_a_table):
        found = search_groups(made.curve, range(3), groups, np.full((150, 3), np.nan))
        np.testing.assert_allclose(found.parameters[:, 1], f, rtol=0.05)


def test_groups_with_scales_and_origins_of_their_own() -> None:
    """Responses over six decades, and growth in years of different centuries."""
    rng, x = np.random.default_rng(5), np.linspace(0, 10, 60)
    height, rate = 10 ** rng.uniform(-3, 3, (100, 1)), rng.uniform(0.2, 2, (100, 1))
    y = height * (np.exp(-rate * x) + 0.3 + 0.02 * rng.normal(size=(100, 60)))
    made = Family("a * exp(-k*x) + c", x, y, rate, (100,))
    some = np.arange(0, 100, 25)
    assert (searched(made).costs[some] <= alone(made, some) * (1 + 1e-6)).all()
    years = rng.uniform(1700, 2000, (100, 1)) + np.arange(25)
    middle, r = years[:, :1] + rng.uniform(8, 17, (100, 1)), rng.uniform(0.3, 1, (100, 1))
    y = 5 / (1 + np.exp(-r * (years - middle))) + 0.05 * rng.normal(size=years.shape)
    curve = curve_of("k / (1 + exp(-r * (x-m)))", {"x": x}, None, None)
    groups = in_groups(x[:25], y)._replace(columns=[years.ravel()], shared=False)
    found = search_groups(curve, range(3), groups, np.full((100, 3), np.nan))
    np.testing.assert_allclose(found.parameters[:, 2], middle[:, 0], atol=1.5)


def test_starts_that_are_known_are_kept_to() -> None:
    """Groups with all starts known are fitted from there alone; single known starts are used in every try."""
    x = np.linspace(0, 10, 100)
    y = np.tile(2 * np.sin(5 * x) + 0.5 * np.sin(2 * x), (30, 1))
    curve = curve_of("a * sin(w*x)", {"x": x}, None, None)
    given = np.full((30, 2), np.nan)
    given[3], given[5, 1] = (0.5, 2.1), 2.1
    w = search_groups(curve, range(2), in_groups(x, y), given).parameters[:, 1]
    expected = np.full(30, 5.0)
    expected[[3, 5]] = 2
    np.testing.assert_allclose(w, expected, rtol=0.05)


def test_bounds_of_all_and_of_each_group() -> None:
    x = np.linspace(0, 10, 100)
    y = np.tile(2 * np.sin(5 * x) + 0.5 * np.sin(2 * x), (60, 1))
    curve, unknown = curve_of("a * sin(w*x)", {"x": x}, None, None), np.full((60, 2), np.nan)
    for limits in (
        Limits(np.array([-10, 1.0]), np.array([10, 3.0])),
        Limits(np.tile([-10, 1.0], (60, 1)), np.tile([[10, 3.0], [10, 3.5]], (30, 1))),
    ):
        found = search_groups(curve, range(2), in_groups(x, y), unknown, limits).parameters
        np.testing.assert_allclose(found[:, 1], 2, rtol=0.05)
    below = Limits(np.array([-10, -10.0]), np.array([10, -1.0]))  # the sign that is chosen without them is outside
    found = search_groups(curve, range(2), in_groups(x, y), unknown, below).parameters
    np.testing.assert_allclose(found, np.tile([-2, -5], (60, 1)), rtol=0.05)


def test_fixed_parameters_and_weights() -> None:
    made = doses(40)
    names = made.curve.names
    given = np.full(made.truth.shape, np.nan)
    given[:, names.index("h")] = made.truth[:, names.index("h")]
    free = [k for k, name in enumerate(names) if name != "h"]
    weights = np.random.default_rng(2).uniform(0.2, 1, made.y.size)
    groups = made.groups._replace(weights=weights)
    found = search_groups(made.curve, free, groups, given)
    from_truth = solve_many(made.curve, free, groups, made.truth)
    assert (found.costs <= from_truth.costs * (1 + 1e-6)).all()


def test_a_named_model_begins_at_its_guess() -> None:
    model = named("double_exponential")
    x = np.linspace(0, 10, 80)
    rng = np.random.default_rng(3)
    truth = np.stack([rng.uniform(*ends, 60) for ends in ((0, 1), (1, 4), (0.3, 1), (1, 4), (3, 8))], axis=1)
    curve = curve_of(model, {"x": x}, None, None)
    y = np.stack([curve.evaluate(own, (), [x])[0] for own in truth]) + 0.01 * rng.normal(size=(60, 80))
    groups, unknown = in_groups(x, y), np.full((60, 5), np.nan)
    found = search_groups(curve, range(5), groups, unknown, guess=model.guess)
    assert (found.costs <= solve_many(curve, range(5), groups, truth).costs * (1 + 1e-6)).all()
    some = np.arange(0, 60, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        costs = [curve_fit(model, x, y[g]).cost for g in some.tolist()]
    np.testing.assert_allclose(found.costs[some], costs, rtol=1e-9)


@pytest.mark.parametrize("count", [1, 25])
def test_few_groups(count: int) -> None:
    made = growth(400)
    made = made._replace(y=made.y[:count], truth=made.truth[:count], shape=(count,))
    some = np.arange(0, count, 8)
    np.testing.assert_array_less(searched(made).costs[some], alone(made, some) * (1 + 1e-6))


def test_a_linear_model_needs_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.linspace(0, 1, 20)
    y = np.random.default_rng(0).normal(size=(50, 20))
    curve = curve_of("a + b*x + c*x**2", {"x": x}, None, None)
    monkeypatch.setattr(starts, "search_fully", None)
    found = search_groups(curve, range(3), in_groups(x, y), np.full((50, 3), np.nan))
    np.testing.assert_allclose(found.parameters[:, ::-1], np.polyfit(x, y.T, 2).T, rtol=1e-9)


def test_groups_of_different_sizes_with_one_that_cannot_begin() -> None:
    rng, sizes = np.random.default_rng(6), np.random.default_rng(5).integers(8, 40, 60)
    x = np.concatenate([np.sort(rng.uniform(0.1, 5, size)) for size in sizes])
    group = np.repeat(np.arange(60), sizes)
    y = rng.uniform(1, 4, 60)[group] * np.exp(-rng.uniform(0.3, 2, 60)[group] * x) + 0.02 * rng.normal(size=len(x))
    x[group == 30] *= -1  # of which there is no logarithm
    curve = curve_of("a * exp(-k * exp(log(x)))", {"x": x}, None, None)
    parts = np.stack([np.cumsum(sizes) - sizes, sizes], axis=1).astype(np.uint64)
    steps: list[int] = []
    found = search_groups(curve, range(2), Groups([x], y, None, parts), np.full((60, 2), np.nan), done=steps.append)
    assert found.status[30] in NOT_BEGUN and not np.isfinite(found.costs[30])
    others = np.arange(60) != 30
    assert converged(found.status[others]).all()
    for g in (0, 29, 59):
        alone = curve_fit("a * exp(-k*x)", x[group == g], y[group == g])
        np.testing.assert_allclose(found.parameters[g], alone.popt, rtol=1e-8)
    assert steps == sorted(steps) and steps[0] >= 0 and steps[-1] == 60


def test_a_model_that_is_finite_for_no_group() -> None:
    made = doses(60)
    curve = curve_of("a * log(-x)**k", {"x": made.x}, None, None)
    found = search_groups(curve, range(2), made.groups, np.full((60, 2), np.nan))
    assert np.isin(found.status, NOT_BEGUN).all() and np.isinf(found.costs).all()


def test_a_ctrl_c_keeps_what_was_fitted_last(monkeypatch: pytest.MonkeyPatch) -> None:
    made = doses(30)
    whole = searched(made)

    def stopped_by(call: int) -> Solution:
        calls = 0

        def stopping(*arguments: Any, **options: Any) -> Solution:
            nonlocal calls
            calls += 1
            solution = solve_many(*arguments, **options)
            if calls < call:
                return solution
            solution.outcomes[len(solution.outcomes) // 2 :] = 0
            raise StoppedError(solution)

        monkeypatch.setattr(trials, "solve_many", stopping)
        with pytest.raises(StoppedError) as stopped:
            searched(made)
        return stopped.value.solution

    calls = 0

    def counting(*arguments: Any, **options: Any) -> Solution:
        nonlocal calls
        calls += 1
        return solve_many(*arguments, **options)

    monkeypatch.setattr(trials, "solve_many", counting)
    searched(made)
    for call in (1, calls - 1):
        early = stopped_by(call)
        assert (early.status == 0).all() and early.parameters.shape == whole.parameters.shape
    late = stopped_by(calls)
    assert (late.status[15:] == 0).all()
    np.testing.assert_array_equal(late.parameters[:15], whole.parameters[:15])


def test_neighbours_in_a_row_and_in_an_image() -> None:
    assert neighbours_of((5,), np.array([0, 1, 3, 4])).tolist() == [
        [-1, 1, -1, -1],
        [0, -1, -1, 2],
        [-1, 3, 1, -1],
        [2, -1, -1, -1],
    ]
    assert neighbours_of((2, 3), np.arange(6))[[0, 4]].tolist() == [[-1, 3, -1, 1], [1, -1, 3, 5]]
    assert neighbours_of((2, 3), np.array([0, 1, 5])).tolist() == [[-1, -1, -1, 1], [-1, -1, 0, -1], [-1, -1, -1, -1]]
