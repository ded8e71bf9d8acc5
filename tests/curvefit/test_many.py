"""Many fits in one call: each as it would be alone, whatever its neighbors and the number of threads."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from jitgrad import exp
from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import curve_of
from jitgrad.curvefit.given import DEFAULTS, options_of
from jitgrad.curvefit.least_squares import Data, Limits, Solution, solve
from jitgrad.curvefit.many import StoppedError, solve_many
from jitgrad.curvefit.status import converged

MODELS = {
    "line": ("a*x+b", [2.0, 1.0], 5),
    "exponential": ("a*exp(-k*x)", [3.0, 0.7], 12),
    "two exponentials": ("a*exp(-k*x)+b*exp(-l*x)", [2.0, 0.6, 3.0, 3.0], 40),
    "peak": ("h*exp(-((x-m)/w)**2)+c", [5.0, 2.4, 0.8, 1.0], 25),
    "dose": ("d+(a-d)/(1+(x/c)**b)", [1.0, 5.0, 1.5, 2.0], 9),
    "wave": ("a*sin(2*x+p)+c", [1.5, 0.3, 2.0], 30),
    "one": ("a*x**2", [0.5], 3),
    "many parameters": ("+".join(f"c{k}*cos({k}*x)" for k in range(12)), [1.0 + 0.1 * k for k in range(12)], 60),
    "more than lanes take": ("+".join(f"c{k}*cos({k}*x)" for k in range(18)), [1.0 + 0.1 * k for k in range(18)], 70),
}


def made(model, truth, counts, *, seed=0, noise=0.02, own=True):
    """Return a curve, groups of these sizes, and starts that are off by 20%."""
    rng = np.random.default_rng(seed)
    curve = curve_of(model, {"x": np.ones(3)}, None, None)
    own = own or len(set(counts)) > 1
    columns = [np.sort(rng.uniform(0.05, 5, n)) for n in (counts if own else counts[:1])]
    values = np.array(truth) * rng.uniform(0.8, 1.2, (len(counts), len(truth)))
    xs = columns if own else columns * len(counts)
    ys = [curve.values(p, [], [x]) + rng.normal(0, noise, len(x)) for p, x in zip(values, xs, strict=True)]
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    parts = np.column_stack([first, counts]).astype(np.uint64)
    starts = values * rng.uniform(0.8, 1.2, values.shape)
    return curve, Groups([np.concatenate(columns)], np.concatenate(ys), None, parts, not own), starts


def alone(curve, free, groups, starts, g, limits=None, options=DEFAULTS, linear=False) -> Solution:
    """Return the fit of one group by the solver of single fits."""
    first, count = groups.parts[g].tolist()
    part = slice(first, first + count)
    columns = [c if groups.shared else c[part] for c in groups.columns]
    data = Data(columns, groups.y[part], None if groups.weights is None else groups.weights[part])
    if limits is not None and limits.low.ndim == 2:
        limits = Limits(limits.low[g], limits.high[g])
    traced = curve.traced(columns, free, count)
    return solve(traced, data, starts[g], limits, starts[g][None, list(free)], options, linear)


def check(curve, groups, starts, free=None, limits=None, options=DEFAULTS, linear=False, rtol=1e-9) -> Solution:
    """Fit all groups, compare each with its fit alone, and return the results."""
    free = list(range(starts.shape[1])) if free is None else free
    many = solve_many(curve, free, groups, starts, limits, options, linear=linear)
    both = 0
    for g in range(len(starts)):
        one = alone(curve, free, groups, starts, g, limits, options, linear)
        if converged(one.status)[0] and converged(many.status[g : g + 1])[0]:
            both += 1
            size = np.maximum(np.abs(one.parameters[0]), 1e-6 * np.abs(one.parameters[0]).max(initial=0))
            np.testing.assert_array_less(np.abs(many.parameters[g] - one.parameters[0]), rtol * size + 1e-300)
            np.testing.assert_allclose(many.costs[g], one.costs[0], rtol=1e-9, atol=1e-25)
            np.testing.assert_allclose(
                many.factors[g].T @ many.factors[g], one.factors[0].T @ one.factors[0], rtol=1e-7, atol=1e-9
            )
    assert both >= 0.9 * len(starts)
    return many


def same(a: Solution, b: Solution) -> None:
    """Return whether two solutions have the same bits."""
    for one, other in zip(a, b, strict=True):
        assert np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(other).tobytes()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("own", [True, False])
def test_each_group_as_alone(name, own):
    model, truth, rows = MODELS[name]
    check(*made(model, truth, [rows] * 21, own=own))


def test_groups_of_any_sizes():
    rng = np.random.default_rng(3)
    counts = [*rng.integers(2, 90, 60).tolist(), 600, 1500, 2]
    check(*made("a*exp(-k*x)", [3.0, 0.7], counts))


def test_weights_and_robust_losses():
    curve, groups, starts = made("a*exp(-k*x)+c", [3.0, 0.7, 1.0], [20] * 9, own=False)
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.1, 3, len(groups.y))
    groups.y[::17] += 3.0
    for loss in ("linear", "soft_l1", "huber", "cauchy", "arctan"):
        check(curve, groups._replace(weights=weights), starts, options=options_of(loss, 0.1, None, None, None, None))


def test_bounds_for_all_and_for_each():
    curve, groups, starts = made("a*exp(-k*x)+c", [3.0, 0.7, 1.0], [30] * 17, own=False)
    low, high = np.array([0.0, 0.65, -np.inf]), np.array([3.1, 5.0, 1.05])
    starts = np.clip(starts, low + 0.01, high - 0.01)
    for_all = check(curve, groups, starts, limits=Limits(low, high))
    assert (for_all.parameters == low).any() and (for_all.parameters == high).any()
    assert (for_all.parameters >= low).all() and (for_all.parameters <= high).all()
    each = Limits(np.tile(low, (17, 1)), np.tile(high, (17, 1)))
    same(for_all, solve_many(curve, range(3), groups, starts, each))
    each.low[3], each.high[3] = starts[3] - 1e-3, starts[3] + 1e-3
    apart = check(curve, groups, starts, limits=each)
    assert (np.abs(apart.parameters[3] - starts[3]) <= 1.0000001e-3).all()


def test_held_parameters_differ_by_group():
    curve, groups, starts = made("a*exp(-k*x)+c", [3.0, 0.7, 1.0], [30] * 11, own=False)
    found = check(curve, groups, starts, free=[0, 2])
    assert found.parameters.shape == (11, 2)
    same(found, solve_many(curve, [0, 2], groups, starts))


def test_all_parameters_held():
    curve, groups, starts = made("a*x+b", [3.0, 0.7], [30] * 3)
    found = solve_many(curve, [], groups, starts)
    assert found.parameters.shape == (3, 0) and (found.costs > 0).all()


def test_linear_parameters_begin_at_their_best_values():
    curve, groups, starts = made("a*exp(-k*x)+c", [3.0, 0.7, 1.0], [30] * 11, own=False)
    starts[:, [0, 2]] = 1.0
    check(curve, groups, starts, linear=True)


def test_rows_without_influence_on_what_the_chain_rule_says():
    curve, groups, starts = made("d+(a-d)/(1+(x/c)**b)", [1.0, 5.0, 0.7, 2.0], [12] * 10)
    for first in groups.parts[::3, 0].astype(int):
        groups.columns[0][first] = 0.0
    found = check(curve, groups, starts)
    for g in (0, 1):  # a group with a dose of 0, and one without
        part = groups._replace(parts=groups.parts[g : g + 1])
        same(Solution(*[array[g : g + 1] for array in found]), solve_many(curve, range(4), part, starts[g : g + 1]))


def test_a_jacobian_that_is_badly_conditioned():
    curve, groups, starts = made("a+b*x+c*x**2+d*x**3+g*x**4+h*x**5", [1.0] * 6, [40] * 9, noise=0.0)
    check(curve, groups, starts, rtol=1e-6)


def test_functions_of_rows_and_functions_of_all_rows():
    counts = [8, 8, 11, 12, 12, 30] * 3
    _, groups, starts = made("a*x+b", [2.0, 1.0], counts)
    check(curve_of(lambda x, a, b: a * exp(-b * x) + len(x), {"": np.ones(3)}, None, None), groups, starts)
    check(curve_of(lambda x, a, b: a * x / x.max() + b, {"": np.ones(3)}, None, None), groups, starts)
    check(curve_of(lambda x, a, b: a * x + b * np.arange(x.shape[0]), {"": np.ones(3)}, None, None), groups, starts)


def test_functions_are_recorded_for_the_rows_of_a_group_alone():
    """Not for all rows at once, for which they may raise or record too much."""

    def few(x, a, b):
        assert len(x) < 31
        return a * x**b + sum(0.01 * a for _ in range(60 * len(x)))

    counts = [8, 8, 11, 12, 12, 30] * 8
    _, groups, starts = made("a*x+b", [2.0, 1.0], counts)
    for first in groups.parts[::5, 0].astype(int):
        groups.columns[0][first] = 0.0
    starts[:] = 1.5, 0.8
    check(curve_of(few, {"": np.ones(3)}, None, None), groups, starts)


def test_starts_and_bounds_that_are_integers():
    curve, groups, _ = made("a*exp(-k*x)+c", [3.0, 0.7, 1.0], [30] * 9)
    starts, low, high = np.array([[2, 1, 0]] * 9), np.array([0, 0, 0]), np.array([5, 4, 3])
    found = solve_many(curve, range(3), groups, starts, Limits(low, high))
    assert converged(found.status).all()
    same(found, solve_many(curve, range(3), groups, starts.astype(float), Limits(low.astype(float), high.astype(float))))


def test_a_fit_does_not_depend_on_its_neighbours_nor_on_threads():
    rng = np.random.default_rng(5)
    counts = rng.integers(6, 70, 300).tolist()
    curve, groups, starts = made("a*exp(-k*x)+b", [3.0, 0.7, 0.2], counts)
    groups.y[int(groups.parts[7, 0])] = np.nan
    starts[11] = np.inf
    whole = solve_many(curve, range(3), groups, starts, threads=1)
    for threads in (2, 5):
        same(whole, solve_many(curve, range(3), groups, starts, threads=threads))
    order = rng.permutation(300)
    mixed = solve_many(curve, range(3), groups._replace(parts=groups.parts[order]), starts[order])
    same(Solution(*[array[order] for array in whole]), mixed)
    for g in range(0, 300, 23):
        part = groups._replace(parts=groups.parts[g : g + 1])
        same(Solution(*[array[g : g + 1] for array in whole]), solve_many(curve, range(3), part, starts[g : g + 1]))


def test_groups_that_cannot_be_fitted_stop_nothing():
    curve, groups, starts = made("a*exp(-k*x)+b", [3.0, 0.7, 0.2], [20] * 40, own=False)
    fine = solve_many(curve, range(3), groups, starts)
    for g in range(0, 40, 4):
        groups.y[20 * g + 3] = [np.nan, np.inf, 1e200][g // 4 % 3]
    found = solve_many(curve, range(3), groups, starts)
    good = np.arange(40) % 4 != 0
    same(Solution(*[array[good] for array in fine]), Solution(*[array[good] for array in found]))
    assert not converged(found.status[::12]).any()


def test_no_groups_at_all():
    curve, groups, starts = made("a*x+b", [3.0, 0.7], [30] * 3)
    found = solve_many(curve, range(2), groups._replace(parts=groups.parts[:0]), starts[:0])
    assert found.parameters.shape == (0, 2)


def test_it_says_how_many_are_done():
    curve, groups, starts = made("a*exp(-k*x)", [3.0, 0.7], [10] * 3000, own=False)
    said: list[int] = []
    solve_many(curve, range(2), groups, starts, done=said.append)
    assert said == sorted(said) and said[-1] == 3000 and len(said) > 1


@pytest.mark.parametrize("in_helper", [True, False])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, ValueError])
def test_what_done_raises_ends_the_call_whatever_the_thread(kind, in_helper):
    curve, groups, starts = made("a*exp(-k*x)", [3.0, 0.7], [10] * 300, own=False)
    many = 200

    def fail(done: int) -> None:
        if done > 2000 and in_helper == (threading.current_thread() is not threading.main_thread()):
            raise kind

    groups, starts = groups._replace(parts=np.tile(groups.parts, (many, 1))), np.tile(starts, (many, 1))
    with pytest.raises(kind) as stopped:
        solve_many(curve, range(2), groups, starts, threads=2, done=fail)
    if kind is KeyboardInterrupt:
        assert isinstance(stopped.value, StoppedError)
        found = stopped.value.solution
        begun = found.status != 0
        assert 2000 < begun.sum() < 300 * many
        np.testing.assert_array_equal(found.parameters[~begun], starts[~begun])


def test_ctrl_c_keeps_what_is_done():
    curve, groups, starts = made("a*exp(-k*x)", [3.0, 0.7], [10] * 300, own=False)
    many = 400
    parts = np.tile(groups.parts, (many, 1))

    def press(done: int) -> None:
        if done > 2000 and not pressed.is_set():
            pressed.set()
            os.kill(os.getpid(), signal.SIGINT)

    pressed = threading.Event()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(StoppedError) as stopped:
            solve_many(curve, range(2), groups._replace(parts=parts), np.tile(starts, (many, 1)), done=press)
    finally:
        signal.signal(signal.SIGINT, before)
    found = stopped.value.solution
    done = found.status != 0
    assert 2000 < done.sum() < 300 * many
    whole = solve_many(curve, range(2), groups, starts)
    np.testing.assert_array_equal(found.parameters[done], np.tile(whole.parameters, (many, 1))[done])
