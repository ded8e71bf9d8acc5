"""The named models: fits from guesses and from the truth agree, and guesses are finite for any data."""

from __future__ import annotations

import ast
import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import optimize, special

import jitgrad
from jitgrad.curvefit.gallery import MODELS, named
from jitgrad.curvefit.named_model import NamedModel
from jitgrad.errors import ArgumentError
from tests.curvefit.places import drawn, even, logs

CONSTANTS = {"pi": math.pi}
KNOWN = {"dose": 100.0, "duration": 1.5, "N": 1000.0, "species": 0.0}
"""Columns besides x."""
NUMPY = {
    **{name: getattr(np, name) for name in ("abs", "exp", "expm1", "log", "sin", "sqrt")},
    "min": np.minimum, "max": np.maximum,
    "sigmoid": special.expit, "softplus": lambda u: np.logaddexp(u, 0), "voigt_profile": special.voigt_profile,
    **CONSTANTS,
}  # fmt: skip
DEGREES = [named(f"polynomial:{degree}") for degree in (0, 1, 5, 20)]
FORMULAS = {name: model for name, model in MODELS.items() if model.equations is None}
ALL = [*FORMULAS.values(), *DEGREES]


def evaluated(model: NamedModel, x: Any, values: Any, functions: dict[str, Any] = NUMPY) -> Any:
    """Evaluate the formula with Python."""
    names = dict(zip(model.parameters, values, strict=True))
    return eval(model.formula, {"__builtins__": {}}, functions | KNOWN | names | {"x": x})


def guessed(model: NamedModel, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Return the guess of a model for its columns."""
    first, *others = model.columns
    assert first == "x"
    return model.guess(x, *(np.full(len(x), KNOWN[name]) for name in others), y)


def of_jitgrad(model: NamedModel) -> dict[str, Any]:
    """Return the functions that a formula calls."""
    named = {name: getattr(jitgrad, name) for name in names_in(model.formula)[0]}
    return CONSTANTS | named | {"min": jitgrad.minimum, "max": jitgrad.maximum}


def names_in(formula: str) -> tuple[set[str], set[str]]:
    """Return the names in a formula that are called, and the others."""
    nodes = list(ast.walk(ast.parse(formula, mode="eval")))
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return called, {node.id for node in nodes if isinstance(node, ast.Name)} - called


def repeated(values: list[float], times: int) -> np.ndarray:
    return np.repeat(np.array(values), times)


class Case(NamedTuple):
    """A model, values of x, and its true parameters."""

    name: str
    x: np.ndarray
    truth: tuple[float, ...]
    noise: float = 0.02  # of the range of y

    def __str__(self) -> str:
        return f"{self.name}{self.truth}"

    def measured(self) -> tuple[np.ndarray, np.ndarray]:
        """Return x in random order, and y with noise."""
        draw = np.random.default_rng(len(self.x))
        x = draw.permutation(self.x)
        y = evaluated(named(self.name), x, self.truth)
        return x, y + self.noise * np.ptp(y) * draw.normal(size=len(x))


DOSES = [0, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 100]
CASES = [
    Case("line", even(0, 1e-9, 20), (3e-6, -5e3)),
    Case("line", drawn(1e3, 2e3, 300), (-4.0, 0.1)),
    Case("quadratic", even(-1, 3, 40), (1.0, -2.0, 0.5)),
    Case("quadratic", drawn(0, 5e-9, 25), (1e-6, 2e3, -4e11)),
    Case("cubic", even(-2, 2, 60), (0.0, 1.0, 0.0, -1.0)),
    Case("cubic", drawn(0, 100, 200), (5.0, -1.0, 0.03, -2e-4)),
    Case("polynomial:5", even(0, 10, 100), (1.0, 0.0, -2.0, 0.5, 0.0, -1e-3)),
    Case("polynomial:0", even(0, 1, 20), (2.0,), 0),
    Case("exponential_decay", even(0, 10, 50), (0.5, 2.0, 1.5)),
    Case("exponential_decay", even(0, 80e-9, 300), (1e-6, -4e-6, 11e-9)),
    Case("exponential_decay", drawn(0, 1, 20), (0.0, 1.0, 0.8)),
    Case("exponential_decay", logs(1e-6, 1, 60), (0.0, 1.0, 1e-3)),
    Case("exponential_decay", even(100, 110, 60), (0.0, 5e21, 2.0)),
    Case("exponential_growth", even(0, 20, 30), (1e-3, 0.3)),
    Case("exponential_growth", drawn(0, 5e-9, 60), (-2e-6, 8e8)),
    Case("exponential_growth", even(1900, 2000, 101), (1e-20, 0.03)),
    Case("exponential_growth", even(0, 3, 25), (4.0, -1.1)),
    Case("exponential_rise", even(0, 10, 50), (0.1, 5.0, 2.0)),
    Case("exponential_rise", drawn(0, 1e-6, 100), (0.0, 3e-6, 2e-7)),
    Case("exponential_rise", even(0, 1, 20), (1.0, -3.0, 0.9)),
    Case("double_exponential", even(0, 10, 300), (0.2, 3.0, 0.4, 2.0, 3.0)),
    Case("double_exponential", logs(1e-9, 1e-4, 80), (0.0, 1e-6, 2e-8, 2e-6, 5e-6)),
    Case("double_exponential", drawn(0, 100, 200), (1.0, -4.0, 4.0, 3.0, 40.0)),
    Case("gaussian", even(-5, 5, 50), (1.0, 10.0, 0.7, 0.9)),
    Case("gaussian", drawn(0, 100e-9, 300), (2e-6, -5e-6, 62e-9, 7e-9)),
    Case("gaussian", even(400, 700, 300), (100.0, 30.0, 589.3, 1.5)),
    Case("gaussian", even(0, 1, 50), (0.0, 1.0, 1.0, 0.4)),
    Case("gaussian", even(0, 1, 20), (5.0, 1.0, 0.3, 0.2)),
    Case("lorentzian", even(-5, 5, 60), (0.0, 3.0, -1.2, 0.4)),
    Case("lorentzian", drawn(1e9, 2e9, 200), (1.0, -0.8, 1.6e9, 2e7)),
    Case("lorentzian", even(0, 50e-9, 100), (1e-6, 2e-6, 21e-9, 4e-9)),
    Case("voigt", even(-10, 10, 200), (0.5, 8.0, 1.0, 1.0, 0.6)),
    Case("voigt", even(0, 1e-7, 300), (1e-6, -3e-14, 4e-8, 3e-9, 6e-9)),
    Case("voigt", drawn(6400, 6420, 250), (50.0, -20.0, 6412.3, 1.5, 0.4)),
    Case("logistic4", repeated(DOSES, 3), (0.0, 1.0, 0.7, 1.2)),
    Case("logistic4", logs(1e-9, 1e-3, 24), (95.0, 2.0, 4e-7, 0.9)),
    Case("logistic4", logs(1e-3, 1e3, 300), (1e-6, 8e-6, 2.0, -3.0)),
    Case("logistic4", logs(0.01, 1, 20), (0.0, 1.0, 1.0, 1.0)),
    Case("logistic5", repeated(DOSES, 6), (0.0, 1.0, 0.7, 1.2, 0.5)),
    Case("logistic5", logs(1e-9, 1e-4, 60), (2e-6, 9e-6, 3e-7, -1.5, 2.0)),
    Case("logistic5", logs(0.01, 100, 200), (1.0, 4.0, 2.0, 2.5, 0.6)),
    Case("sigmoid", even(0, 20, 40), (10.0, 0.8, 9.0)),
    Case("sigmoid", drawn(0, 1e-9, 100), (-2e-6, 1.5e10, 3e-10)),
    Case("sigmoid", even(-5, 5, 20), (3.0, -2.0, 1.0)),
    Case("gompertz", even(0, 30, 40), (8.0, 0.3, 7.0)),
    Case("gompertz", drawn(0, 1e-9, 100), (-2e-6, 2e10, 3e-10)),
    Case("gompertz", even(0, 10, 20), (3.0, -1.0, 4.0)),
    Case("weibull", even(0, 5, 25), (1.0, 1.0, 2.0)),
    Case("weibull", drawn(0, 1e-6, 200), (5e-6, 3e-7, 0.8)),
    Case("weibull", logs(1, 1000, 40), (-3.0, 200.0, 4.0)),
    Case("michaelis_menten", repeated([0, 0.1, 0.2, 0.5, 1, 2, 5, 10], 3), (2.0, 0.8)),
    Case("michaelis_menten", even(1e-9, 50e-9, 30), (4e-6, 2e-8)),
    Case("michaelis_menten", drawn(0, 1, 300), (3.0, 1.5)),
    Case("hill", repeated([0, 0.1, 0.2, 0.5, 1, 2, 5, 10], 3), (2.0, 0.8, 2.5)),
    Case("hill", logs(1e-9, 1e-5, 50), (4e-6, 2e-7, 0.8)),
    Case("hill", drawn(0, 100, 200), (-1.0, 27.0, 3.0)),
    Case("langmuir", even(0, 10, 20), (5.0, 0.7)),
    Case("langmuir", drawn(0, 1e5, 100), (3e-3, 1e-4)),
    Case("langmuir", logs(1e-9, 1e-6, 40), (2e-6, 3e7)),
    Case("arrhenius", even(280, 350, 20), (1e13, 8e4)),
    Case("arrhenius", drawn(300, 1200, 100), (4e5, 3e4)),
    Case("arrhenius", even(250, 400, 300), (2e-3, 1.5e4)),
    Case("pk_bolus_1cpt", logs(0.25, 24, 14), (2.0, 15.0)),
    Case("pk_bolus_1cpt", drawn(0, 2e5, 40), (1e-4, 9.0)),
    Case("pk_infusion_1cpt", even(0.25, 12, 20), (4.0, 12.0)),
    Case("pk_infusion_1cpt", logs(0.1, 48, 20), (0.5, 40.0)),
    Case("pk_oral_1cpt", logs(0.25, 24, 14), (1.2, 3.0, 20.0)),
    Case("pk_oral_1cpt", even(0, 3000, 30), (9e-3, 0.02, 11.0)),
    Case("pk_bolus_2cpt", logs(0.1, 36, 16), (4.0, 8.0, 6.0, 30.0), 0.005),
    Case("pk_bolus_2cpt", logs(1, 1e4, 60), (0.05, 4.0, 0.3, 20.0)),
    Case("pk_infusion_2cpt", logs(0.2, 36, 20), (4.0, 8.0, 6.0, 30.0), 0.005),
    Case("pk_infusion_2cpt", logs(0.2, 100, 60), (1.0, 5.0, 9.0, 50.0), 0.005),
    Case("pk_oral_2cpt", logs(0.2, 48, 24), (1.5, 4.0, 10.0, 6.0, 40.0), 0.002),
    Case("pk_oral_2cpt", logs(0.1, 90, 80), (0.9, 1.0, 6.0, 9.0, 50.0), 0.004),
    Case("power_law", even(0, 10, 30), (2.0, 1.7)),
    Case("power_law", logs(1e-9, 1e-6, 40), (3e-9, -0.5)),
    Case("power_law", drawn(1, 100, 300), (-4.0, 0.3)),
    Case("power_law_offset", even(0.1, 10, 50), (3.0, 2.0, 1.5)),
    Case("power_law_offset", logs(1e-9, 1e-6, 60), (1e-6, 4e-10, -0.4)),
    Case("power_law_offset", drawn(1, 100, 300), (10.0, -2.0, 0.6)),
    Case("logarithm", even(1, 100, 30), (2.0, -3.0)),
    Case("logarithm", logs(1e-9, 1e-3, 50), (1e-6, 2e-6)),
    Case("sinusoid", even(0, 10, 100), (1.0, 2.0, 0.73, 0.4)),
    Case("sinusoid", even(0, 1e-6, 300), (2e-6, 5e-6, 93e6, -2.0)),
    Case("sinusoid", drawn(0, 1000, 40), (0.0, 1.0, 1 / 7.3, 1.0)),
    Case("sinusoid", even(0, 1, 30), (5.0, 1.0, 0.3, 0.3)),
    Case("sinusoid", even(1e4, 1e4 + 20, 200), (5.0, 1.0, 1.3, 0.3)),
    Case("damped_oscillation", even(0, 10, 200), (0.5, 3.0, 2.5, 1.4, 1.0)),
    Case("damped_oscillation", drawn(0, 1e-6, 300), (0.0, -4e-6, 3e-7, 12e6, 2.0)),
    Case("damped_oscillation", even(0, 1, 60), (1.0, 1.0, 0.1, 2.0, 1.0)),
    Case("damped_oscillation", even(0, 1, 100), (0.0, 1.0, 20.0, 7.0, 1.0)),
    Case("gaussian", even(0, 1, 20_000), (0.0, 1.0, 0.3123, 1e-3)),
    Case("lorentzian", even(0, 1, 20_000), (0.0, 1.0, 0.3123, 3e-4)),
    Case("sinusoid", even(0, 1, 20_000), (0.0, 1.0, 7333.3, 0.3)),
    Case("sinusoid", even(0, 1, 20_000), (0.0, 1.0, 7333.3, 0.3), 1.0),
    Case("damped_oscillation", even(0, 1, 20_000), (0.0, 1.0, 0.01, 4000.0, 0.3)),
]


def sum_of_squares(model: NamedModel, x: np.ndarray, y: np.ndarray, start: Any) -> float:
    """Return the residual sum of squares of a fit from a start."""

    def curve(x: np.ndarray, *values: float) -> Any:
        return evaluated(model, x, values)

    with np.errstate(all="ignore"):  # a step too far, which is taken back
        found, _ = optimize.curve_fit(curve, x, y, p0=start, maxfev=20_000, ftol=1e-13, xtol=1e-13, gtol=0)
    return float(np.sum((curve(x, *found) - y) ** 2))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_fit_from_the_guess_ends_where_one_from_the_truth_does(case: Case) -> None:
    model = named(case.name)
    x, y = case.measured()
    before = x.copy(), y.copy()
    guess = guessed(model, x, y)
    assert np.array_equal(x, before[0]) and np.array_equal(y, before[1])
    assert tuple(guess) == model.parameters
    from_truth = sum_of_squares(model, x, y, case.truth)
    assert sum_of_squares(model, x, y, list(guess.values())) <= from_truth * (1 + 1e-6) + 1e-25 * np.sum(y**2)
    assert guessed(model, x, y) == guess


def test_every_model_has_cases() -> None:
    assert {case.name for case in CASES} >= set(FORMULAS)


DRAW = np.random.default_rng(0)
RAMP = np.arange(10.0)
ANY = [
    (np.array([1.0]), np.array([2.0])), (np.array([0.0]), np.array([0.0])), (np.array([0.0, 1.0]), np.array([1.0, -1.0])),
    (np.array([2.0, 2.0]), np.array([1.0, 3.0])), (np.array([1.7e308, -1.7e308]), np.array([-1.7e308, 1.7e308])),
    (RAMP, np.zeros(10)), (RAMP, np.full(10, 3.0)), (RAMP, RAMP), (RAMP, -RAMP), (RAMP, RAMP % 2), (RAMP, RAMP == 4),
    (-RAMP, RAMP), (RAMP - 5, RAMP**2), (np.zeros(10), RAMP), (np.full(10, -3.0), RAMP), (np.full(10, 1e9), np.ones(10)),
    (np.repeat([1.0, 2.0], 5), RAMP), (np.repeat([0.0, 1.0, 2.0], 4), DRAW.normal(size=12)),
    (RAMP * 1e-300, RAMP * 1e300), (RAMP * 1e300, RAMP * 1e-300), (RAMP * 1e150, RAMP**2 * 1e150),
    (RAMP * 5e-324, RAMP * 5e-324),
    (1e15 + RAMP, np.sin(RAMP)), (DRAW.normal(size=50), DRAW.normal(size=50)),
    (DRAW.uniform(0, 1, 5000), DRAW.normal(size=5000)),
    (10 ** DRAW.uniform(-300, 300, 30), 10 ** DRAW.uniform(-300, 300, 30)),
    (np.array([0, 0, 1e-320, 1.0]), np.array([1, 2, 3, 4.0])),
    (RAMP, np.where(RAMP > 4, 1e300, -1e300)), (RAMP, np.exp(-RAMP * 70)), (np.exp(RAMP * 70), RAMP),
    (np.exp(-RAMP * 70), RAMP),
]  # fmt: skip


@pytest.mark.parametrize("model", [*MODELS.values(), *DEGREES], ids=lambda model: model.name)
def test_guesses_are_finite_for_any_data(model: NamedModel) -> None:
    for x, y in ANY[:: 1 if model.equations is None else 6]:  # those of differential equations take longer
        guess = guessed(model, x, np.asarray(y, np.float64))
        assert tuple(guess) == model.parameters
        assert all(type(value) is float and math.isfinite(value) for value in guess.values()), (x, y, guess)


@pytest.mark.parametrize("model", ALL, ids=lambda model: model.name)
def test_the_parameters_are_the_names_of_the_formula(model: NamedModel) -> None:
    called, others = names_in(model.formula)
    assert others - set(CONSTANTS) == {*model.parameters, *model.columns}
    assert len(set(model.parameters)) == len(model.parameters)
    for name in called:
        assert callable(getattr(jitgrad, name))
    assert not any(hasattr(jitgrad, name) for name in model.parameters)
    assert model.title and "\n" not in model.title


@pytest.mark.parametrize("case", {case.name: case for case in CASES[::-1]}.values(), ids=str)
def test_formulas_are_recorded_and_differentiated(case: Case) -> None:
    model = named(case.name)
    functions = of_jitgrad(model)
    x, values = case.x[:: len(case.x) // 10], np.array(case.truth)
    size = np.abs(values) + (values == 0)
    unit = np.abs(evaluated(model, x, values)).max()

    def relative(u: Any) -> Any:
        return evaluated(model, x, [u[k] * size[k] for k in range(len(size))], functions) / unit

    start = values / size
    np.testing.assert_allclose(
        np.asarray(relative(jitgrad.tensor(start))), evaluated(model, x, values) / unit, rtol=1e-9, atol=1e-13
    )
    jitgrad.check_grads(relative, (start,), order=2, rtol=1e-4, atol=1e-4)


AT_ZERO = [
    ("logistic4", (1.0, 5.0, 0.3, 2.0), 1.0), ("logistic4", (1.0, 5.0, 0.3, -2.0), 5.0), ("hill", (4.0, 2.0, 1.5), 0.0),
    ("logistic5", (1.0, 5.0, 0.3, 2.0, 0.4), 1.0), ("logistic5", (1.0, 5.0, 0.3, -2.0, 3.0), 5.0),
    ("weibull", (3.0, 2.0, 0.7), 0.0), ("weibull", (3.0, 2.0, 3.0), 0.0), ("michaelis_menten", (3.0, 2.0), 0.0),
    ("pk_bolus_1cpt", (2.0, 10.0), 10.0), ("pk_infusion_1cpt", (2.0, 10.0), 0.0), ("pk_oral_1cpt", (1.0, 2.0, 10.0), 0.0),
    ("pk_bolus_2cpt", (2.0, 10.0, 3.0, 9.0), 10.0), ("pk_infusion_2cpt", (2.0, 10.0, 3.0, 9.0), 0.0),
    ("pk_oral_2cpt", (1.0, 2.0, 10.0, 3.0, 9.0), 0.0),
    ("langmuir", (3.0, 2.0), 0.0), ("power_law", (3.0, 0.5), 0.0), ("power_law_offset", (1.0, 3.0, 0.5), 1.0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "limit"), AT_ZERO)
def test_at_zero_a_curve_has_its_limit_and_finite_derivatives(name: str, values: tuple[float, ...], limit: float) -> None:
    model = named(name)
    functions = of_jitgrad(model)

    def at_zero(p: Any) -> Any:
        return jitgrad.sum(evaluated(model, np.zeros(1), [p[k] for k in range(len(values))], functions))

    assert float(at_zero(jitgrad.tensor(values))) == pytest.approx(limit, abs=1e-12)
    for derivative in (jitgrad.grad(at_zero), jitgrad.hessian(at_zero)):
        assert np.isfinite(np.asarray(derivative(np.array(values)))).all()


def test_half_of_the_way_is_at_ec50() -> None:
    for asymmetry in (0.1, 1.0, 7.0):
        assert evaluated(named("logistic5"), 0.3, (2.0, 6.0, 0.3, -1.7, asymmetry)) == pytest.approx(4.0)


def test_a_step_down_has_a_negative_slope_and_bottom_below_top() -> None:
    for name in ("logistic4", "logistic5"):
        for sign in (1, -1):
            x = logs(0.01, 100, 40)
            guess = named(name).guess(x, 3 + sign * np.tanh(np.log(x)))
            assert guess["slope"] * sign > 0 and guess["bottom"] < guess["top"]


def test_polynomials_go_by_their_degree() -> None:
    assert named("polynomial:3").formula == named("cubic").formula == "c0 + c1 * x + c2 * x**2 + c3 * x**3"
    assert named("polynomial:2").parameters == named("quadratic").parameters == ("c0", "c1", "c2")
    assert named("polynomial:20").name == "polynomial:20"
    x = even(5, 6, 30)
    np.testing.assert_allclose(evaluated(named("polynomial:0"), x, [2.0]), np.full(30, 2.0))


@pytest.mark.parametrize(
    "degree", ["polynomial", "polynomial:", "polynomial:21", "polynomial:-1", "polynomial:2.5", "polynomial:²"]
)
def test_a_bad_degree_is_an_error(degree: str) -> None:
    with pytest.raises(ArgumentError, match=f"'{degree}' has no degree from 0 to 20. Write polynomial:3"):
        named(degree)


def test_an_unknown_model_is_an_error_with_the_near_name() -> None:
    with pytest.raises(
        ArgumentError, match=r"no curve model 'gausian'. Did you mean 'gaussian'. Use one of line, .* or polynomial"
    ):
        named("gausian")
    assert [named(name) for name in MODELS] == list(MODELS.values())
