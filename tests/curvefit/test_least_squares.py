"""The native least squares: minima, bounds, scales, blocks and batches; every fit ends with a correct status."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.optimize
from hypothesis import example, given, settings
from hypothesis import strategies as st

import jitgrad as jg
from jitgrad import curve_fit
from jitgrad.curvefit import CurveFit, least_squares
from jitgrad.curvefit.curve import Curve, curve_of
from jitgrad.curvefit.least_squares import Data, Limits, Solution, SolverOptions
from jitgrad.errors import ArgumentError, DataError, FitError, FitWarning
from jitgrad.vm.least_squares import codes
from tests.curvefit import mgh

X = np.linspace(0, 4, 50)
NOISE = np.random.default_rng(5).normal(size=50)
DECAY = "a * exp(-b * x) + c"
Y = 2.5 * np.exp(-1.3 * X) + 0.5 + 0.02 * NOISE


def fit(model: Any, x: Any, y: Any, p0: Any, **options: Any) -> CurveFit:
    """Fit with warnings ignored."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        result: CurveFit = curve_fit(model, x, y, p0, **options)
    return result


def evaluated(curve: Curve, columns: Sequence[np.ndarray], values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of a model and its Jacobian."""
    return curve.evaluate(np.asarray(values, np.float64), range(len(values)), columns)


def angle(result: CurveFit, y: np.ndarray) -> float:
    """Return the cosine of the residual with the space of the Jacobian, the relative offset of Bates and Watts."""
    said, jacobian = evaluated(result.curve, result._problem.columns, result.values)
    norms = np.linalg.norm(jacobian, axis=0)
    left, s, _ = np.linalg.svd(jacobian / np.where(norms > 0, norms, 1), full_matrices=False)
    return float(np.linalg.norm(left[:, s > 1e-10].T @ (said - y)) / np.linalg.norm(said - y))


# Minima that are known.


@pytest.mark.parametrize("run", [run for run in mgh.RUNS if (run.problem.name, run.factor) not in mgh.BEYOND], ids=str)
def test_more_garbow_and_hillstrom(run: mgh.Run) -> None:
    rows = run.problem.rows
    result = fit(run.problem.model, np.arange(float(rows)), np.zeros(rows), run.start)
    assert run.problem.solved(result.cost) and result.converged


def test_no_fewer_are_solved_than_by_minpack_with_the_same_derivatives() -> None:
    """Only runs that have a minimum to reach; where the others end on their way to infinity depends on the last bit."""
    ours = theirs = 0
    runs = [run for run in mgh.RUNS if (run.problem.name, run.factor) not in mgh.BEYOND]
    for problem, start in [(run.problem, run.start) for run in runs]:
        x = np.arange(float(problem.rows))
        curve = curve_of(problem.model, {"": x}, None, len(start))

        def residual(values: Any, curve: Curve = curve, x: np.ndarray = x) -> np.ndarray:
            return evaluated(curve, [x], values)[0]

        def jacobian(values: Any, curve: Curve = curve, x: np.ndarray = x) -> np.ndarray:
            return evaluated(curve, [x], values)[1]

        with np.errstate(all="ignore"):
            found = scipy.optimize.least_squares(
                residual, start, jacobian, method="lm", x_scale="jac", ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=500
            )
        theirs += problem.solved(found.cost)
        ours += problem.solved(fit(problem.model, x, np.zeros(len(x)), start).cost)
    assert len(runs) == ours >= theirs > 20


def test_full_steps_at_the_end_make_no_minimum_worse() -> None:
    """Gauss-Newton steps lead away from the minimum of Brown and Dennis, where residuals are large."""
    problem = next(problem for problem in mgh.PROBLEMS if problem.name == "brown_dennis")
    result = fit(problem.model, np.arange(20.0), np.zeros(20), problem.start)
    assert 2 * result.cost == pytest.approx(85822.20162635627, rel=2e-11)
    assert angle(result, np.zeros(20)) < 1e-4


# Linear models.

NUMBERS = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def linear_data(draw: np.random.Generator, n: int, rows: int, spread: float) -> tuple[str, dict[str, np.ndarray], np.ndarray]:
    """Return a linear model of n columns of different sizes."""
    columns = {f"x{k}": draw.normal(size=rows) * 10.0 ** draw.uniform(-spread, spread) for k in range(n)}
    return " + ".join(f"b{k} * x{k}" for k in range(n)), columns, draw.normal(size=rows)


@given(NUMBERS, st.integers(1, 6), st.integers(0, 20), st.sampled_from([0, 3, 100]))
@settings(max_examples=60, deadline=None)
def test_a_linear_model_takes_a_step_or_two(draw: np.random.Generator, n: int, more: int, spread: float) -> None:
    model, columns, y = linear_data(draw, n, n + 1 + more, spread)
    x = np.stack(list(columns.values()), axis=1)
    size = np.abs(x).max(axis=0)
    start = draw.normal(size=n) / size * 10.0 ** draw.uniform(-3, 3, n)
    result = fit(model, columns, y, start)
    expected = np.linalg.lstsq(x / size, y, rcond=None)[0]
    assert result.njev <= 5
    residual = y - x / size @ (result.values * size)
    assert residual @ residual == pytest.approx(np.sum((y - x / size @ expected) ** 2), rel=1e-10)


@given(NUMBERS, st.integers(1, 6), st.integers(1, 20), st.sampled_from(["inside", "low", "high", "next to low"]))
@example(np.random.default_rng(9543121), 2, 2, "next to low")
@settings(max_examples=150, deadline=None)
def test_linear_models_within_bounds(draw: np.random.Generator, n: int, more: int, start: str) -> None:
    """The minimum equals that of an active set method, from inside, from a bound, and from next to one."""
    model, columns, y = linear_data(draw, n, n + more, 2)
    x = np.stack(list(columns.values()), axis=1)
    best = np.linalg.lstsq(x, y, rcond=None)[0]
    low = best + np.abs(best) * draw.choice([-3, -0.3, 0, 0.5], n)
    high = low + np.abs(best) * draw.choice([1e-3, 0.4, 5], n)
    low, high = np.where(draw.random(n) < 0.2, -np.inf, low), np.where(draw.random(n) < 0.2, np.inf, high)
    p0 = np.clip(draw.normal(size=n) * np.abs(best), low, high)
    bound = {"low": low, "high": high, "next to low": low, "inside": p0}[start]
    p0 = np.where(np.isfinite(bound), bound, p0)
    if start == "next to low":
        p0 = np.nextafter(p0, high)
    result = fit(model, columns, y, p0, bounds=(low, high))
    expected = scipy.optimize.lsq_linear(x, y, (low, high), method="bvls", tol=1e-14)
    assert result.cost <= expected.cost * (1 + 1e-9) + 1e-28 * (y @ y)
    assert (result.values >= low).all() and (result.values <= high).all()
    assert result.converged and result.nfev < 40


# Bounds of models that are not linear: what SciPy's methods find from the same start, or lower.

BOUNDED: list[tuple[str, Any, Any, Any]] = [
    (DECAY, [1, 1, 1], -np.inf, [2.0, 1.0, np.inf]),
    (DECAY, [2.4, 1.0, 0.4], [2.4, 1.0, 0.4], [2.6, 1.4, 0.6]),
    (DECAY, [2.6, 1.4, 0.6], [2.4, 1.0, 0.4], [2.6, 1.4, 0.6]),
    (DECAY, [3.0, 2.0, 1.0], [2.9, 1.9, 0.9], [3.1, 2.1, 1.1]),
    (DECAY, [1, 0, 0], [0, 0, 0], np.inf),
    (DECAY, [1, 0.1, 0.6], [0, 0.1, 0.6], [10, 9, 9]),
    ("a / (1 + exp(-b * (x - c))) + d", [1, -1, 2, 0.3], [0, -3, 1, 0.2], [9, -0.5, 3, 0.4]),
    ("a / (1 + exp(-b * (x - c))) + d", [1, -0.5, 1, 0.2], [0, -0.5, 1, 0.2], [9, 0.5, 3, 0.4]),
    ("a * exp(-b * x) + c * exp(-d * x)", [1, 1, 1, 0.05], 0, [2, 2, 2, 0.05]),
    ("a * exp(-b * x) + c * exp(-d * x)", [0, 0, 0, 0.1], 0, [3, 2, 3, 0.3]),
]


@pytest.mark.parametrize(("model", "start", "low", "high"), BOUNDED)
def test_within_bounds_no_method_of_scipy_finds_a_lower_cost(model: str, start: Any, low: Any, high: Any) -> None:
    result = fit(model, X, Y, start, bounds=(low, high))
    curve, n = result.curve, len(start)
    low, high = np.broadcast_to(low, n), np.broadcast_to(high, n)

    def cost(values: Any) -> tuple[float, np.ndarray]:
        said, jacobian = evaluated(curve, [X], values)
        return 0.5 * np.sum((said - Y) ** 2), jacobian.T @ (said - Y)

    costs = [scipy.optimize.minimize(cost, start, jac=True, method="L-BFGS-B", bounds=list(zip(low, high, strict=True))).fun]
    for method in ("trf", "dogbox"):
        inside = np.clip(start, low + 1e-9, high - 1e-9) if method == "trf" else start
        found = scipy.optimize.least_squares(
            lambda b: evaluated(curve, [X], b)[0] - Y, inside, lambda b: evaluated(curve, [X], b)[1],
            method=method, bounds=(low, high), ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=500,
        )  # fmt: skip
        costs.append(found.cost)
    assert result.cost <= min(costs) * (1 + 1e-9)
    gradient = cost(result.values)[1]
    inwards = np.where(result.values <= low, gradient < 0, np.where(result.values >= high, gradient > 0, True))
    scale = np.linalg.norm(evaluated(curve, [X], result.values)[1], axis=0) * np.sqrt(2 * result.cost)
    assert (np.abs(gradient[inwards]) <= 1e-9 * scale[inwards]).all()


def test_a_full_step_leads_on_from_a_plateau_to_a_minimum() -> None:
    """The path leads through d = 0, where nothing else matters, into a corner of the bounds and out of it."""
    x = np.linspace(1, 11, 60)
    y = 5 * (1 - np.exp(-0.8 * (x - 2))) ** 2 + 0.01 * np.random.default_rng(0).normal(size=60)
    bounds = {"d": (None, 5.5), "a": (None, 0.808), "r": (1, None)}
    result = fit("d * (1 - exp(-a * (x - r)))**2", x, y, {"d": 5.5, "a": 0.808, "r": 20}, bounds=bounds)
    assert result.converged and not result.at_bounds and angle(result, y) < 1e-9


def test_all_parameters_at_bounds_is_an_end() -> None:
    result = fit(DECAY, X, Y, [0.5, 3, 1], bounds=([0, 2, 1], [1, 9, 9]))
    assert result.at_bounds == ["a", "b", "c"] and result.converged and result.nfev < 10


# Starts: far away, next to zero, at huge derivatives.


@pytest.mark.parametrize("start", [0.0, 1e-300, 1e-100, 1e-18, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 1e3, 1e9, 1e15])
def test_a_start_of_any_size_leads_to_the_minimum_of_a_line(start: float) -> None:
    """The model is nonlinear for the solver, which therefore takes steps."""
    result = fit("square(a) / a * x + b", X, 2 * X + 1 + 0.1 * NOISE, [start or 1e-5, start])
    expected = np.polyfit(X, 2 * X + 1 + 0.1 * NOISE, 1)
    np.testing.assert_allclose(result.values, expected, rtol=1e-7)


FAR: list[tuple[str, Any]] = [
    (DECAY, [1, -20, 1]), (DECAY, [1, -50, 1]), (DECAY, [1e-12, 1e-12, 1e-12]),
    (DECAY, [1e-9, 1, 1e-9]), (DECAY, [0, 1, 0]), (DECAY, [0, 0.5, 0]), (DECAY, [1e6, 1, 1e6]), (DECAY, [-1, 3, 0]),
    ("a * exp(-b * x) + c + d * x", [1, -20, 1, 0]), ("a * exp(-b * x) + c + d * x", [1, -40, 1, 0]),
    ("a * exp(-b * x)", [1, -22]), ("a * exp(-b * x)", [10, -10]), ("a * x**b + c", [-48, 31, -4]),
    ("a * exp(-b * x) * cos(w * x)", [1, -11, 8]), ("a * (1 - exp(-b * x)) + c", [-15, -23, 1]),
]  # fmt: skip


@pytest.mark.parametrize(("model", "start"), FAR)
def test_what_is_said_to_have_converged_is_a_minimum(model: str, start: Any) -> None:
    """Starts with columns of the Jacobian as large as 1e80 or as small as 0, which trust regions remember.

    At the end of such a fit, the residual is orthogonal to the directions that can still change, or the fit reports that it
    did not converge or that the data do not determine a parameter.
    """
    result = fit(model, X + 0.01, Y, start)
    assert not result.converged or result.undetermined or angle(result, Y) < 1e-4


@pytest.mark.parametrize("start", [[0, 1, 0], [0, 0.5, 0], [1e6, 1, 1e6], [-1, 3, 0]])
def test_far_starts_that_lead_to_the_minimum(start: Any) -> None:
    np.testing.assert_allclose(fit(DECAY, X, Y, start).values, fit(DECAY, X, Y, [2, 1, 1]).values, rtol=1e-9)


@pytest.mark.parametrize("unused", [0.0, 1e10, 1e300])
def test_a_parameter_that_changes_nothing_stops_nothing(unused: float) -> None:
    result = fit("a * exp(-b * x) + c + 0 * d", X, Y, [1, 1, 1, unused])
    np.testing.assert_allclose(result.values[:3], fit(DECAY, X, Y, [1, 1, 1]).values, rtol=1e-9)
    assert result.undetermined == ["d"]


# Sizes.


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e-150, 1e-20, 1e20, 1e150, 1e200, 1e300])
def test_columns_of_any_size(unit: float) -> None:
    result = fit(f"a * {unit!r} * exp(-b * x) + c", X, Y, [1 / unit, 1, 1])
    expected = fit(DECAY, X, Y, [1, 1, 1])
    np.testing.assert_allclose(result.values, expected.values / [unit, 1, 1], rtol=1e-9)
    np.testing.assert_allclose(result.stderr, expected.stderr / [unit, 1, 1], rtol=1e-7)
    np.testing.assert_allclose(result.correlation, expected.correlation, rtol=1e-7)


@pytest.mark.parametrize("unit", [1e-150, 1e-100, 1e100, 1e149])
def test_a_response_of_any_size_whose_square_is_a_float(unit: float) -> None:
    result, expected = fit(DECAY, X, Y * unit, [unit, 1, unit]), fit(DECAY, X, Y, [1, 1, 1])
    np.testing.assert_allclose(result.values, expected.values * [unit, 1, unit], rtol=1e-9)
    np.testing.assert_allclose(result.stderr, expected.stderr * [unit, 1, unit], rtol=1e-7)


@pytest.mark.parametrize(("unit", "sigma"), [(1e-170, None), (1e170, None), (1.0, 1e170), (1.0, 1e-170)])
def test_squares_that_are_no_floats_are_an_error(unit: float, sigma: float | None) -> None:
    with pytest.raises(DataError, match=r"square over- or underflows. Rescale y"):
        curve_fit(DECAY, X, Y * unit, [unit, 1, unit], sigma=sigma)


@pytest.mark.parametrize("rate", [0.03, 0.1, 0.2, 0.3])
def test_growth_over_years(rate: float) -> None:
    """With x far from 0, the factor has any size: 1e-26 to 1e-259."""
    years = np.arange(1950.0, 2021)
    y = np.exp(rate * (years - 1985)) * (1 + 0.01 * np.random.default_rng(2).normal(size=71))
    result = fit("a * exp(b * x)", years, y, [1.1 * np.exp(-1985 * rate), 1.0001 * rate])
    expected = fit("a * exp(b * (x - 1985))", years, y, [1, rate])
    assert result.cost == pytest.approx(expected.cost, rel=1e-6)
    assert result.parameters["b"] == pytest.approx(expected.parameters["b"], rel=1e-7)


# Weights, rank and exactness.


def exact_solution(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> list[float]:
    """Return weighted linear least squares in rational numbers, by Gauss-Jordan elimination."""
    rows = [[Fraction(v) for v in row] for row in np.column_stack([x, y]).tolist()]
    squares = [Fraction(w) ** 2 for w in weights.tolist()]
    n = x.shape[1]
    normal = [[sum(s * r[i] * r[j] for s, r in zip(squares, rows, strict=True)) for j in range(n + 1)] for i in range(n)]
    for k in range(n):
        normal[k] = [v / normal[k][k] for v in normal[k]]
        for i in set(range(n)) - {k}:
            normal[i] = [u - normal[i][k] * v for u, v in zip(normal[i], normal[k], strict=True)]
    return [float(normal[k][n]) for k in range(n)]


@pytest.mark.parametrize("span", [3, 6, 9, 12])
@pytest.mark.parametrize("order", ["mixed", "light first", "heavy first", "two groups"])
def test_weights_that_span_many_decades(span: int, order: str) -> None:
    """A few heavy rows after many light ones: the information of the light ones keeps its digits."""
    draw = np.random.default_rng(span)
    model, columns, y = linear_data(draw, 4, 20, 0)
    weights = 10.0 ** draw.uniform(0, span, 20)
    if order == "two groups":
        weights = np.repeat([1.0, 10.0**span], [17, 3])
    elif order != "mixed":
        weights = np.sort(weights)[:: 1 if order == "light first" else -1]
    sigma = 1 / weights
    x = np.stack(list(columns.values()), axis=1)
    for columns_or_array, f in ((columns, model), (x.T.copy(), lambda x, *b: sum(b[k] * x[k] for k in range(4)))):
        result = fit(f, columns_or_array, y, [0.5] * 4, sigma=sigma)
        np.testing.assert_allclose(result.values, exact_solution(x, y, 1 / sigma), rtol=1e-11)


RANK_DEFICIENT: list[tuple[str, Any, list[str]]] = [
    ("a + b + c * x", [1, 2, 3], ["a", "b"]), ("a * b * exp(-c * x) + d", [1, 2, 1, 0], ["a", "b"]),
    ("a * exp(-b * x + c) + d", [1, 1, 0, 0], ["a", "c"]), ("a * exp(-b * x) + c + 0 * d", [1, 1, 1, 1], ["d"]),
    ("a * x + b * x * 1e8 + c", [1, 1, 1], ["a", "b"]), ("a * x + a * b + c", [1, 1, 1], ["b", "c"]),
]  # fmt: skip


@pytest.mark.parametrize(("model", "start", "undetermined"), RANK_DEFICIENT)
def test_singular_models_end_at_a_minimum_and_say_so(model: str, start: Any, undetermined: list[str]) -> None:
    result = fit(model, X, Y, start)
    assert result.undetermined == undetermined and result.converged and result.nfev < 50
    assert angle(result, Y) < 1e-8


EXACT: list[tuple[str, Any, Any]] = [
    (DECAY, [2.5, 1.3, 0.5], [1, 1, 1]), (DECAY, [2.5, 1.3, 0.5], [2.5, 1.3, 0.5]), ("a * sin(b * x)", [2, 3], [1, 2.8]),
    ("a * x**b", [0.01, 2.5], [1, 1]), ("a + b * x", [1, -2], [0, 0]), (DECAY, [1e-9, 1.3, 5e-10], [1e-9, 1, 1e-9]),
    ("a * exp(-(x - b)**2 / c)", [3, 2, 0.5], [1, 1.5, 1]),
]  # fmt: skip


@pytest.mark.parametrize(("model", "truth", "start"), EXACT)
def test_exact_data_give_the_exact_parameters(model: str, truth: Any, start: Any) -> None:
    curve = curve_of(model, {"x": X}, None, None)
    y = evaluated(curve, [X], truth)[0]
    result = fit(model, X, y, start)
    np.testing.assert_allclose(result.values, truth, rtol=1e-12)
    assert result.status == codes.EXACT and result.nfev < 30


@pytest.mark.parametrize("start", [[1, 1, 1], [0, 0, 0], [0, 1, 0], [-3, 0.1, 1e-9]])
def test_a_response_that_is_zero(start: Any) -> None:
    result = fit(DECAY, X, np.zeros(50), start)
    assert result.cost < 1e-30 and result.converged


ROBUST = {
    "soft_l1": lambda z: 2 * (np.sqrt(1 + z) - 1),
    "huber": lambda z: np.where(z <= 1, z, 2 * np.sqrt(z) - 1),
    "cauchy": np.log1p,
    "arctan": np.arctan,
}


@pytest.mark.parametrize("scale", [0.02, 0.1])
@pytest.mark.parametrize("size", [1.0, 1e4, 1e8])
@pytest.mark.parametrize("loss", ROBUST)
def test_robust_losses_with_outliers_of_any_size(loss: str, size: float, scale: float) -> None:
    """The parameters do not depend on the distance of the outliers, and no small step reduces the cost."""
    y = Y.copy()
    y[[5, 30]] += [size, -3 * size]
    result = fit(DECAY, X, y, [2, 1, 0.5], loss=loss, f_scale=scale)
    rho: Callable[[Any], Any] = ROBUST[loss]

    def cost(values: Any) -> float:
        return 0.5 * scale**2 * float(np.sum(rho(((evaluated(result.curve, [X], values)[0] - y) / scale) ** 2)))

    assert result.cost == pytest.approx(cost(result.values), rel=1e-9)
    steps = 1e-3 * np.concatenate([np.eye(3), -np.eye(3)])
    assert all(cost(result.values + step) >= result.cost for step in steps)
    np.testing.assert_allclose(result.values, [2.5, 1.3, 0.5], rtol=0.15)


def test_exactness_is_no_matter_of_outliers() -> None:
    """A response of 1e14 is rounded to 0.01, which must not end the fit at the start."""
    y = Y.copy()
    y[7] = 1e14
    result = fit(DECAY, X, y, [1, 1, 1], loss="cauchy", f_scale=0.02)
    np.testing.assert_allclose(result.values, [2.5, 1.3, 0.5], rtol=0.1)


# Rows, blocks and parts.


@pytest.mark.parametrize("block", [1, 2, 3, 7, 22, 23, 1024])
@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_of_any_size_give_the_same(block: int, weighted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(least_squares, "MOST_ROWS", block)
    sigma = np.linspace(0.5, 2, 23) if weighted else None
    result = fit(DECAY, X[:23], Y[:23], [1, 1, 1], sigma=sigma)
    monkeypatch.undo()
    expected = fit(DECAY, X[:23], Y[:23], [1, 1, 1], sigma=sigma)
    np.testing.assert_allclose(result.values, expected.values, rtol=1e-11)
    np.testing.assert_allclose(result.pcov, expected.pcov, rtol=1e-9)


@pytest.mark.parametrize("rows", [3, 4, 1023, 1024, 1025, 1026, 2047, 2048, 2049])
def test_any_number_of_rows(rows: int) -> None:
    x = np.linspace(0, 4, rows)
    y = 2.5 * np.exp(-1.3 * x) + 0.5 + 0.02 * np.random.default_rng(rows).normal(size=rows)
    result = fit(DECAY, x, y, [1, 1, 1])
    curve = result.curve
    found = scipy.optimize.least_squares(
        lambda b: evaluated(curve, [x], b)[0] - y, result.values * 1.001, lambda b: evaluated(curve, [x], b)[1], method="lm"
    )
    assert result.cost <= found.cost * (1 + 1e-9) + 1e-25
    np.testing.assert_allclose(result.values, found.x, rtol=1e-5)


@pytest.mark.parametrize(
    ("model", "rows", "start"), [("exp(-b * x)", 1, [3]), ("exp(-b * x)", 2, [3]), ("a * x + b", 2, [5, 5])]
)
def test_as_many_parameters_as_rows(model: str, rows: int, start: Any) -> None:
    result = fit(model, X[1 : rows + 1], np.exp(-0.7 * X[1 : rows + 1]), start)
    assert result.cost < 1e-28 and result.converged


@pytest.mark.parametrize("free", ["a", "b", "c"])
def test_all_but_one_parameter_fixed(free: str) -> None:
    best = fit(DECAY, X, Y, [1, 1, 1]).parameters
    fixed = {name: value for name, value in best.items() if name != free}
    result = fit(DECAY, X, Y, best | {free: 0.7 * best[free]}, fixed=fixed)
    assert result.parameters[free] == pytest.approx(best[free], rel=1e-9)


DEFAULTS = SolverOptions()


def solve(model: str, data: Data, starts: Any, limits: Limits | None = None, options: SolverOptions = DEFAULTS) -> Solution:
    curve = curve_of(model, {"x": data.columns[0]}, None, None)
    starts = np.array(starts, np.float64)
    n = starts.shape[1]
    traced = curve.traced(data.columns, range(n), len(data.y))
    return least_squares.solve(traced, data, np.full(n, np.nan), limits, starts, options)


def assert_same(many: Solution, i: int, one: Solution) -> None:
    """Assert that fit i of many is identical to a single fit, bit by bit."""
    assert many.status[i] == one.status[0]
    for several, single in zip(many, one, strict=True):
        if one.status[0] != codes.NOT_FINITE:
            np.testing.assert_array_equal(several[i], single[0])


@pytest.mark.parametrize("rows", [50, 1500])
@pytest.mark.parametrize("loss", ["linear", "cauchy"])
@pytest.mark.parametrize("limits", [None, Limits(np.array([-9.0, 0, 0]), np.array([9.0, 1.2, np.inf]))])
def test_fits_from_many_starts_are_those_from_each(rows: int, loss: str, limits: Limits | None) -> None:
    x = np.linspace(0, 4, rows)
    y = 2.5 * np.exp(-1.3 * x) + 0.5 + 0.02 * np.random.default_rng(rows).normal(size=rows)
    data = Data([x], y, np.linspace(1, 3, rows))
    starts = [[1, 1, 1], [0, 0, 0], [1, -1e4, 1], [2.5, 1.2, 0.5], [-5, 0, 3], [1e-9, 1e-9, 1e-9]]
    options = SolverOptions(loss=loss, scale=0.05)
    many = solve(DECAY, data, starts, limits, options)
    for i, start in enumerate(starts):
        assert_same(many, i, solve(DECAY, data, [start], limits, options))


GROUPS = [(0, 3), (3, 47), (50, 1), (51, 1024), (1075, 1025), (2100, 900), (3, 47)]


@pytest.mark.parametrize("weighted", [False, True])
def test_fits_of_parts_are_those_of_their_rows(weighted: bool) -> None:
    draw = np.random.default_rng(8)
    x = draw.uniform(0, 4, 3000)
    y = 2.5 * np.exp(-1.3 * x) + 0.5 + 0.02 * draw.normal(size=3000)
    weights = 10.0 ** draw.uniform(-3, 3, 3000) if weighted else None
    starts = np.ones((len(GROUPS), 3))
    many = solve(DECAY, Data([x], y, weights, np.array(GROUPS, np.uint64)), starts)
    for i, (first, count) in enumerate(GROUPS):
        part = slice(first, first + count)
        one = Data([x[part]], y[part], None if weights is None else weights[part])
        assert_same(many, i, solve(DECAY, one, [[1, 1, 1]]))


def test_parts_are_of_one_call_only() -> None:
    data = Data([X], Y)
    expected = solve(DECAY, data, np.ones((2, 3)))
    solve(DECAY, data._replace(parts=np.array([(0, 10), (10, 40)], np.uint64)), np.ones((2, 3)))
    np.testing.assert_array_equal(solve(DECAY, data, np.ones((2, 3))).parameters, expected.parameters)


@pytest.mark.parametrize("part", [(0, 0), (50, 0), (0, 51), (49, 2), (60, 3)])
def test_parts_that_are_no_rows_are_an_error(part: tuple[int, int]) -> None:
    with pytest.raises(ArgumentError, match=r"Parts are out of range"):
        solve(DECAY, Data([X], Y, None, np.array([part], np.uint64)), [[1, 1, 1]])


def test_parts_of_a_model_that_does_not_go_by_rows_are_an_error() -> None:
    curve = Curve(lambda x, a: a * jg.cumsum(x), ["a"], [""])
    data = Data([X], Y, None, np.array([(0, 10)], np.uint64))
    with pytest.raises(ArgumentError, match="does not compute each row independently"):
        least_squares.solve(curve.traced([X], [0], 50), data, np.array([np.nan]), None, np.ones((1, 1)), SolverOptions())


# Every fit ends.


ROUGH = [
    "sin(1e7 * a * x) * b", "where(a > 0.3, a * x, b)", "log(a) * x + sqrt(b)", "a / b * x + 1 / (a - b)",
    "exp(exp(a * x)) * b", "a**b * x**a", "abs(a) ** 0.5 * x + b", "floor(9 * a) * x + b",
]  # fmt: skip


@given(NUMBERS, st.sampled_from(ROUGH), st.sampled_from([3, 50, 2000]), st.booleans())
@settings(max_examples=120, deadline=None)
def test_every_fit_ends(draw: np.random.Generator, model: str, most: int, bounded: bool) -> None:
    """Models that jump, are nan in places, and have no derivatives there."""
    start = draw.uniform(0, 1, 2) * 10.0 ** draw.uniform(-3, 1, 2)
    bounds = (np.zeros(2), start * draw.choice([1, 2], 2) + 1e-9) if bounded else None
    try:
        result = fit(model, X, Y, start, max_nfev=most, bounds=bounds)
    except FitError:  # not finite at the start
        return
    assert result.nfev <= most + 65 and np.isfinite(result.values).all() and np.isfinite(result.cost)
    said = result.predict()
    assert 0.5 * np.sum((said - Y) ** 2) == pytest.approx(result.cost, rel=1e-6)


@pytest.mark.parametrize(
    ("model", "start", "expected"),
    [
        ("a * log(x - b)", [1, 0.0], [2, 0.9]),
        ("a * log(x - b)", [-10, -100.0], [2, 0.9]),
        ("a * sqrt(x - b)", [1, 0.5], [2, 0.9]),
        ("a * (x - b)**0.75", [1, 0.99], [2, 0.9]),
    ],
)
def test_steps_to_where_the_model_is_not_finite_are_taken_back(model: str, start: Any, expected: Any) -> None:
    x = X + 1
    y = evaluated(curve_of(model, {"x": x}, None, None), [x], expected)[0] + 0.001 * NOISE
    result = fit(model, x, y, start)
    np.testing.assert_allclose(result.values, expected, rtol=0.01)
    assert angle(result, y) < 1e-9


def test_steps_to_where_a_derivative_is_not_finite_are_taken_back() -> None:
    """sqrt(|a - 1|) is finite at a = 1, where its derivative is not, and a full step from 0 leads there.

    It is a cusp, so the fit does not converge.
    """
    x = np.ones(3)
    result = fit("sqrt(abs(a - 1)) * x", x, np.full(3, -1.0), [0.0])
    assert np.isfinite(result.values).all() and np.isfinite(result.factor).all()
    assert result.cost < 2.0 and result.status == codes.STUCK and not result.converged


def test_fits_of_many_threads_are_the_same() -> None:
    import threading

    expected, found = fit(DECAY, X, Y, [1, 1, 1]).values, []

    def work() -> None:
        found.extend([curve_fit(DECAY, X, Y, [1, 1, 1]).values for _ in range(50)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 200
    np.testing.assert_array_equal(np.stack(found), np.broadcast_to(expected, (200, 3)))


def test_two_threads_solve_halves_of_one_problem_at_once() -> None:
    """They share only the problem, and give the result of a single thread, bit by bit."""
    rows, fits = 60, 400
    draw = np.random.default_rng(5)
    x, shapes = draw.uniform(0, 3, rows * fits), draw.uniform(0.5, 3, (3, fits)).repeat(rows, axis=1)
    y = shapes[0] * np.exp(-shapes[1] * x) + shapes[2] + 0.1 * draw.standard_normal(rows * fits)
    data = Data([x], y, parts=np.array([(rows * i, rows) for i in range(fits)], np.uint64))
    starts, held = draw.uniform(0.1, 4, (fits, 3)), np.full(3, np.nan)
    traced = curve_of(DECAY, {"x": x}, None, None).traced([x], range(3), len(y))
    expected = least_squares.Solver(traced, len(y), fits).solve(data, held, None, starts, SolverOptions())
    solver = least_squares.Solver(traced, len(y), fits)
    workers = [least_squares.Worker(traced, solver.problem) for _ in range(2)]
    for worker in workers:
        solver.prepare(worker, data, held)
    for _ in range(3):
        solver.load(data, None, starts, SolverOptions())
        together = threading.Barrier(2)

        def run(worker: least_squares.Worker, first: int, stop: int, together: threading.Barrier = together) -> None:
            together.wait()
            worker.run(first, stop)

        halves = zip(workers, [(0, fits // 2), (fits // 2, fits)], strict=True)
        threads = [threading.Thread(target=run, args=(worker, *half)) for worker, half in halves]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for found, alone in zip(solver.solution, expected, strict=True):
            assert found.tobytes() == alone.tobytes()
