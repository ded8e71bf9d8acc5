"""How fits end: the status agrees with the computation, in curved valleys too, and wherever the native call is interrupted."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

import jitgrad as jg
from jitgrad import curve_fit
from jitgrad.curvefit import least_squares
from jitgrad.curvefit.least_squares import Data
from jitgrad.errors import FitError, FitWarning
from tests.curvefit import mgh
from tests.curvefit.test_least_squares import DECAY, X, Y, angle, fit, solve

# Valleys: y = a * exp(b / (x + c)) of a thermistor, where b follows the square of c, and models like it.

VAPOUR = np.arange(50.0, 126, 5)
VALLEYS: list[tuple[Any, Any, Any]] = [
    ((0.0056, 6181, 345), (2, 400000, 25000), "a * exp(b / (x + c))"),
    ((0.0056, 6181, 345), (0.02, 4000, 250), "a * exp(b / (x + c))"),
    ((0.02, 5000, 300), (2, 400000, 25000), "a * exp(b / (x + c))"),
    ((0.02, 5000, 300), (1, 100000, 9000), "a * exp(b / (x + c))"),
    ((0.001, 8000, 400), (0.1, 1e5, 1e4), "a * exp(b / (x + c))"),
]


@pytest.mark.parametrize(("truth", "start", "model"), VALLEYS)
@pytest.mark.parametrize("seed", [0, 1])
def test_curved_valleys_are_followed_to_the_minimum(model: str, truth: Any, start: Any, seed: int) -> None:
    y = truth[0] * np.exp(truth[1] / (VAPOUR + truth[2])) * (1 + 2e-4 * np.random.default_rng(seed).normal(size=16))
    result, best = fit(model, VAPOUR, y, start), fit(model, VAPOUR, y, truth)
    assert result.converged and result.nfev < 500
    np.testing.assert_allclose(result.values, best.values, rtol=1e-9)


@pytest.mark.parametrize("name", ["rosenbrock", "beale", "box", "wood", "helical_valley", "powell_singular"])
@pytest.mark.parametrize("factor", [1, 3])
def test_valleys_of_the_literature(name: str, factor: int) -> None:
    problem = next(problem for problem in mgh.PROBLEMS if problem.name == name)
    rows = problem.rows
    result = fit(problem.model, np.arange(float(rows)), np.zeros(rows), factor * np.array(problem.start))
    assert result.nfev < 500 and (problem.solved(result.cost) or name == "box")


@pytest.mark.parametrize("start", [[1, -20, 1], [1, -50, 1], [0, 0.5, 0], [1e-9, 1, 1e-9], [1e-12, 1e-12, 1e-12]])
def test_far_starts_of_models_with_linear_parameters(start: Any) -> None:
    np.testing.assert_allclose(fit(DECAY, X, Y, start).values, fit(DECAY, X, Y, [2, 1, 1]).values, rtol=1e-8)


# Claims.

MODELS = [
    DECAY, "a * exp(-b * x) + c + d * x", "a * exp(-b * x) * cos(c * x)", "a * x**b + c", "a / (1 + exp(-b * (x - c)))",
    "a * exp(-(x - b)**2 / c**2)", "a * (1 - exp(-b * x)) + c", "abs(a - b * x) + c", "a * log(b + x**2) + c",
    "exp(a + b / (x + c))",
]  # fmt: skip


@given(st.integers(0, 2**32 - 1), st.sampled_from(MODELS))
@settings(max_examples=150, deadline=None)
def test_who_says_converged_stands_at_right_angles(seed: int, model: str) -> None:
    draw = np.random.default_rng(seed)
    names = "abcd"[: 4 if " d " in model else 3 if "c" in model.replace("cos", "") else 2]
    start = {name: draw.normal() * 10.0 ** draw.uniform(-3, 2) for name in names}
    try:
        result = fit(model, X + 0.01, Y, start, max_nfev=500)
    except FitError:  # not finite at the start
        return
    bends = result.rcond < 1e-4  # there a minimum need not be at right angles
    assert not result.converged or result.undetermined or bends or angle(result, Y) < 1e-4


@pytest.mark.parametrize("name", ["freudenstein_roth", "jennrich_sampson"])
def test_a_minimum_where_the_jacobian_is_singular_is_one(name: str) -> None:
    """The angle does not show it, since the residual has the direction that the Jacobian lost; the curvature does."""
    problem = next(problem for problem in mgh.PROBLEMS if problem.name == name)
    rows = problem.rows
    result = fit(problem.model, np.arange(float(rows)), np.zeros(rows), problem.start)
    assert result.converged and problem.solved(result.cost)


@pytest.mark.parametrize("factor", [10, 100])
def test_a_way_to_infinity_does_not_converge(factor: int) -> None:
    problem = next(problem for problem in mgh.PROBLEMS if problem.name == "bard")
    result = fit(problem.model, np.arange(15.0), np.zeros(15), factor * np.array(problem.start), method="lm")
    assert not result.converged and "no step reduces the cost" in result.message


@pytest.mark.parametrize(
    ("model", "y", "start"),
    [
        ("a * exp(-(x - b)**2 / c**2)", np.exp(-((X - 2) ** 2)), [1, 100, 1]),  # where everything underflows
        ("cos(a * x)", np.cos(1.3 * X), [0]),  # a maximum of the cost
        ("a**2 * x", 3 * X, [0]),
        ("a * b * x", -X, [0, 0]),
        ("floor(a * x)", np.floor(2.3 * X), [1]),
    ],
)
def test_a_zero_gradient_that_no_parameter_has_a_part_in_is_no_minimum(model: str, y: Any, start: Any) -> None:
    result = fit(model, X, y, start, method="lm")  # without other starts
    assert not result.converged and not result.success
    assert result.message.startswith("Not converged: the model does not depend on any parameter")


FAILED: list[tuple[str, Any, dict[str, float], str]] = [
    (
        "a * exp(-(x - b)**2 / c**2)",
        3 * np.exp(-((X - 2) ** 2)),
        {"a": 1, "b": 100, "c": 1},
        "the model does not depend on any parameter",
    ),
    ("cos(a * x)", np.cos(1.3 * X), {"a": 0}, "does not depend on any parameter"),
    ("a * exp(-b * x) + c", 3 * np.exp(-2 * X) + 1, {"a": 1, "b": -800, "c": 0}, "not finite at the starting values"),
    ("a * x**b", 2e-6 * X**5, {"a": 1, "b": -200}, "not finite at the starting values"),
    ("a * log(-b * (x + 1))", np.log(4 * (X + 1)), {"a": 1, "b": 1}, "not finite at the starting values"),
    ("a / (1 + exp(-b * (x - c)))", 5 / (1 + np.exp(-3 * (X - 2))), {"a": 1, "b": 1, "c": -1e3}, "do not determine"),
]


@pytest.mark.parametrize(("model", "y", "start", "reason"), FAILED)
def test_other_signs_and_scales_are_tried_where_a_start_fails(model: str, y: Any, start: Any, reason: str) -> None:
    result = curve_fit(model, X, y, start)
    assert result.success and result.cost < 1e-20 and result.n_starts > 100
    assert reason in result.notes[-1] and "from other starting values" in result.notes[-1]


@pytest.mark.parametrize("loss", ["soft_l1", "huber", "cauchy", "arctan"])
def test_robust_fits_are_judged_by_their_loss(loss: str) -> None:
    """R² is based on squares, and is negative for a good fit with distant outliers."""
    wrong = fit("b * x", X, 20 - X + 0.1 * np.sin(9 * X), None, loss=loss)
    assert not wrong.success and "worse than a constant" in wrong.message
    y = 1 + 2 * X + 0.05 * np.sin(9 * X) + 500.0 * (np.arange(len(X)) > 0.8 * len(X))
    right = fit("a + b * x", X, y, None, loss=loss, f_scale=0.1)
    assert right.success and right.r2 < 0
    assert loss == "soft_l1" or right.values == pytest.approx([1, 2], abs=0.1)


def test_standard_errors_without_end_are_no_success() -> None:
    """The last pivot was above its limit, the singular value below: an infinite standard error counted as success."""
    rng = np.random.default_rng(0)
    x = np.linspace(0.1, 10, 30)
    for model in ("damped_oscillation", "weibull", "logistic5", "hill"):
        result = fit(model, x, (x - 5) ** 2 + rng.normal(size=30), None)
        largest = np.maximum(np.abs(result.values), 25)
        assert not result.success or (result.stderr < 1e6 * largest).all()


def test_what_no_start_mends_has_failed_and_says_what_was_tried() -> None:
    for model, y in (("b * x", 20 - X), ("a * b * x", np.sin(9 * X) - X)):
        result = fit(model, X, y, [1.0] * model.count("*"))
        assert not result.success and "of the starting values, led to no better fit" in result.notes[-1]
    given = fit("a * exp(-(x - b)**2 / c**2)", X, np.exp(-((X - 2) ** 2)), [1, 100, 1], max_nfev=500, method="trf")
    assert not given.success and not given.converged  # a method of SciPy's goes by the start alone


@pytest.mark.filterwarnings("ignore:worse than a constant")
@pytest.mark.parametrize("offset", [1, 6, 8, 12])
def test_residuals_may_be_so_large_that_full_steps_go_too_far(offset: int) -> None:
    """For 8 and 12 each step ends farther from the minimum than it started, by factors of 2.3 and 8.1."""
    x = np.linspace(0.1, 5, 8)
    y = 0.5 * x**2

    def gradient(a: float) -> float:
        return float(np.sum((x**a + offset - y) * x**a * np.log(x)))

    found = float(curve_fit(f"x**a + {offset}", x, y, p0=[1.5]).values[0])
    exact = brentq(gradient, found - 1e-3, found + 1e-3, xtol=1e-16, rtol=1e-15)
    assert abs(found - exact) < 1e-13


@pytest.mark.parametrize("size", [0.2, 5, 100])
def test_where_the_model_is_flat_bounds_are_not_near(size: float) -> None:
    """The columns are so small that no step to a bound changes the residual, but the gradient is not zero."""
    y = size * np.exp(2 + 1 / (X + 3))
    result = fit("exp(a + b / (x + c))", X, y, [-19, 0.0003, -1.39], bounds=([-44, -0.0005, -2.2], [9, 0.001, -1.2]))
    inside = (result.values > [-44, -0.0005, -2.2]) & (result.values < [9, 0.001, -1.2])
    model = np.exp(result.values[0] + result.values[1] / (X + result.values[2]))
    cosine = (model - y) @ model / np.linalg.norm(model) / np.linalg.norm(model - y)  # with the column of a
    assert not result.converged or not inside[0] or abs(cosine) < 1e-4


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 10, 30, 201, 220])
@pytest.mark.parametrize("start", [[1, 1, 1], [1, -20, 1]])
def test_evaluations_are_no_more_than_allowed(most: int, start: Any) -> None:
    result = fit(DECAY, X, Y, start, max_nfev=most)
    assert result.nfev <= most and (result.converged or result.nfev == most)


def test_the_minimum_itself_is_one_evaluation() -> None:
    best = fit(DECAY, X, Y, [1, 1, 1])
    result = fit(DECAY, X, Y, best.values, max_nfev=1)
    assert result.converged and result.nfev == 1


# What to know before using the result.


def test_a_parameter_without_influence_has_no_finite_error() -> None:
    with pytest.warns(FitWarning, match="do not determine d"):
        result = curve_fit("a * exp(-b * x) + c + 0 * d", X, Y, [1, 1, 1, 1])
    assert np.isinf(result.pcov).all() and result.stderr[3] == np.inf
    assert np.isinf(result.covariance[3]).all() and np.isinf(result.covariance[:, 3]).all()
    assert np.isfinite(result.covariance[:3, :3]).all()
    np.testing.assert_allclose(result.stderr[:3], fit(DECAY, X, Y, [1, 1, 1]).stderr * np.sqrt(47 / 46), rtol=1e-6)
    low, high = result.band()
    np.testing.assert_allclose(high - low, np.subtract(*fit(DECAY, X, Y, [1, 1, 1]).band()[::-1]), rtol=0.05)
    assert not result.success


def test_parameters_that_make_up_for_each_other_have_no_finite_error() -> None:
    result = fit("a * b * exp(-c * x) + d", X, Y, [1, 2, 1, 0])
    assert np.isinf(result.stderr[:2]).all() and np.isfinite(result.stderr[2:]).all()
    fixed = fit("a * b * exp(-c * x) + d", X, Y, {"a": 1, "b": 2, "c": 1, "d": 0}, fixed=["a"])
    assert np.isfinite(fixed.pcov).all() and fixed.success


@pytest.mark.parametrize(
    ("model", "y", "start", "says"),
    [
        ("b * x", 10 - X, [1], "worse than a constant"),
        ("a * exp(-(x - b)**2)", Y + 3, [1, -40], "do not determine|hardly depends|worse than a constant"),
    ],
)
def test_fits_that_say_nothing_of_the_data_say_so(model: str, y: Any, start: Any, says: str) -> None:
    with pytest.warns(FitWarning, match=says):
        result = curve_fit(model, X + 0.1, y, start)
    assert not result.success and not result.message.startswith("converged")


@pytest.mark.parametrize("y", [Y, np.full(50, 3.0), np.full(50, 1e-9), Y * 1e-12])
def test_no_good_fit_is_worse_than_a_constant(y: Any) -> None:
    assert not any("worse than a constant" in warning for warning in fit("a + b * x", X, y, [1, 1]).warnings)


@pytest.mark.parametrize("seed", [408113519974467917, 1, 2, 3])
def test_a_search_is_no_worse_than_a_start_of_ones(seed: int) -> None:
    """The data of SciPy's issue 4555."""

    def model(x: Any, a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
        return a * jg.log(x + 1 + b) + c * jg.log(x + 1 + d) + e

    x = np.arange(100.0)
    y = np.linspace(2, 7, 100) + np.random.default_rng(seed).random(100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        found = curve_fit(model, x, y)
    assert found.cost <= fit(model, x, y, [1.0] * 5).cost * (1 + 1e-9)


# Where the native call is cut.


@pytest.mark.parametrize("blocks", [1, 2, 5])
@pytest.mark.parametrize("rows", [50, 2500])
@pytest.mark.parametrize("start", [[1, 1, 1], [1, -20, 1], [0, 0, 0]])
def test_where_a_fit_is_cut_changes_nothing(blocks: int, rows: int, start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.linspace(0, 4, rows)
    y = 2.5 * np.exp(-1.3 * x) + 0.5 + 0.02 * np.random.default_rng(rows).normal(size=rows)
    whole = fit(DECAY, x, y, start)
    monkeypatch.setattr(least_squares, "CHUNK_SECONDS", 0.0)
    monkeypatch.setattr(least_squares, "FEWEST_BLOCKS", blocks)
    cut = fit("a * exp(-b * x) + (c)", x, y, start)
    np.testing.assert_array_equal(cut.values, whole.values)
    np.testing.assert_array_equal(cut.factor, whole.factor)
    assert (cut.cost, cut.nfev, cut.njev, cut.status) == (whole.cost, whole.nfev, whole.njev, whole.status)


@pytest.mark.parametrize(("rows", "fits"), [(3_000_000, 100), (50, 500_000)])
def test_an_interrupt_ends_a_long_call_soon(rows: int, fits: int) -> None:
    """For many rows, and for many short fits."""
    x = np.linspace(0, 4, rows)
    data, starts = Data([x], 2.5 * np.exp(-1.3 * x) + 0.5 + 0.1 * np.sin(9 * x)), np.ones((fits, 3))
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    started = time.perf_counter()
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            solve(DECAY, data, starts)
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)
    assert time.perf_counter() - started < 5
    assert fit(DECAY, X, Y, [1, 1, 1]).converged
