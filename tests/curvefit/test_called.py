"""Functions that cannot be traced, and user-supplied derivatives: fitted by SciPy's least squares."""

from __future__ import annotations

import math
import pickle
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
import polars as pl
import pytest
import scipy.integrate
import scipy.optimize
import scipy.special

import jitgrad as jg
from jitgrad import curve_fit
from jitgrad.curvefit import CurveFit
from jitgrad.curvefit.called import CalledCurve
from jitgrad.curvefit.differences import SCHEMES, jacobian
from jitgrad.errors import DTypeError, FitError, FitWarning, ShapeError, UnsupportedError

X = np.linspace(0.1, 5, 40)
RNG = np.random.default_rng(5)
NOISE = 0.01 * RNG.normal(size=40)
TINY = 1e-15


def branch(x: Any, a: Any, b: Any) -> Any:
    if b < 0:
        b = -b
    return a * np.exp(-b * x)


def by_math(x: Any, a: Any, b: Any) -> Any:
    return [a * math.exp(-b * one) for one in x]


def filled(x: Any, a: Any, b: Any) -> Any:
    out = np.empty(len(x))
    for i in range(len(x)):
        out[i] = a * x[i] ** b
    return out


def pieces(x: Any, x0: Any, k: Any, m: Any, c: Any) -> Any:
    return np.piecewise(x, [x < x0], [lambda t: k * (t - x0) + c, lambda t: m * (t - x0) + c])


def in_place(x: Any, a: Any, b: Any) -> Any:
    x[x < 0.2] = 0.2
    return a * x + b


def lognormal(x: Any, a: Any, m: Any, s: Any) -> Any:
    """The lognormal model of lmfit."""
    x[np.where(x <= TINY)] = TINY
    return a / (x * max(TINY, s)) * np.exp(-((np.log(x) - m) ** 2) / max(TINY, 2 * s**2))


@numba.njit
def compiled(x: Any, a: Any, b: Any) -> Any:
    out = np.empty_like(x)
    for i in range(len(x)):
        out[i] = a * np.exp(-b * x[i])
    return out


MODELS: list[tuple[Callable[..., Any], list[float]]] = [
    (branch, [2, 0.7]),
    (by_math, [2, 0.7]),
    (lambda x, a, b: np.array([a * math.exp(-b * one) for one in x]), [2, 0.7]),
    (lambda x, a, b: np.vectorize(lambda t: a * math.exp(-b * max(t, 1)))(x), [2, 0.7]),
    (filled, [2, 1.5]),
    (in_place, [2, 1]),
    (lambda x, a, c, s, g: a * scipy.special.wofz((x - c + 1j * g) / max(TINY, s)).real, [3, 2, 0.7, 0.4]),
    (lambda x, a, c, s: a / (1 + ((x - c) / max(TINY, s)) ** 2), [3, 2, 0.7]),
    (lognormal, [3, 0.8, 0.6]),
    (lambda x, k, y: scipy.integrate.odeint(lambda u, t: -k * u, y, x).ravel(), [0.8, 3]),
    (lambda x, a, b: [scipy.integrate.quad(lambda t: a * np.exp(-b * t), 0, one)[0] for one in x], [2, 0.6]),
    (compiled, [2, 0.7]),
    (lambda x, a, b: compiled(x, a, b), [2, 0.7]),
]

RECORDED: list[tuple[Callable[..., Any], list[float]]] = [
    (pieces, [2.1, 1.5, -0.5, 3]),
    (lambda x, a, s: a * np.interp(x * s, np.linspace(0, 10, 30), np.sin(np.linspace(0, 10, 30))), [2, 1.3]),
    (lambda x, a, b: a * np.heaviside(x - 2, 0.5) + b, [2, 0.5]),
    (lambda x, a, b: a * scipy.special.j0(b * x), [3, 1.7]),
    (lambda x, a, b: np.convolve(a * np.exp(-b * x), [0.25, 0.5, 0.25], mode="same"), [2, 0.7]),
]


@pytest.mark.parametrize(("model", "truth"), RECORDED)
def test_functions_of_numpy_and_scipy_are_traced(model: Callable[..., Any], truth: list[float]) -> None:
    y = np.asarray(model(X.copy(), *truth)) + NOISE
    result = curve_fit(model, X, y, truth)
    expected, covariance = scipy.optimize.curve_fit(model, X.copy(), y, truth, ftol=1e-14, xtol=1e-14)
    np.testing.assert_allclose(result.popt, expected, rtol=1e-5)
    np.testing.assert_allclose(result.pcov, covariance, rtol=1e-3, atol=1e-6 * np.abs(covariance).max())
    assert not result.notes


@pytest.mark.parametrize(("model", "truth"), MODELS)
def test_what_cannot_be_traced_is_fitted_as_by_scipy(model: Callable[..., Any], truth: list[float]) -> None:
    y = np.asarray(model(X.copy(), *truth)) + NOISE
    result = curve_fit(model, X, y, truth)
    expected, covariance = scipy.optimize.curve_fit(model, X.copy(), y, truth, ftol=1e-14, xtol=1e-14)
    np.testing.assert_allclose(result.popt, expected, rtol=1e-5)
    np.testing.assert_allclose(result.pcov, covariance, rtol=1e-3, atol=1e-6 * np.abs(covariance).max())
    assert isinstance(result, CurveFit) and result.converged
    assert len(result.notes) == 1 and result.notes[0].startswith("derivatives are finite differences because the function")
    assert result.notes[0] in result.message and result.notes[0] in result.report()


@pytest.mark.parametrize(("model", "truth"), [pair for pair in MODELS if pair[0] is not lognormal])
def test_starts_are_found(model: Callable[..., Any], truth: list[float]) -> None:
    y = np.asarray(model(X.copy(), *truth)) + NOISE
    result = curve_fit(model, X, y)
    assert result.cost <= curve_fit(model, X, y, truth).cost * (1 + 1e-9)
    assert result.n_starts > 1 and result.n_minima is not None


@pytest.mark.parametrize("unit", [1.0, 1e-6])
@pytest.mark.parametrize(
    ("model", "truth"),
    [
        (lambda x, a, m, s, c: a * np.exp(-((x - m) ** 2) / max(2 * s**2, 0)) + c, [3, 2.5, 0.3, 1]),
        (lambda x, a, b: max(a, -np.inf) * np.exp(-b * x), [1e-6, 3]),
        (lambda x, a, w, p: max(a, -np.inf) * np.sin(w * x + p), [2, 3, 0.5]),
        (lambda x, d, a, c, b: max(d, -np.inf) + (a - d) / (1 + (x / c) ** b), [5, 1, 2, 3]),
        (lambda x, a, b, c, d: max(a, -np.inf) * np.exp(-b * x) + c * np.exp(-d * x), [3, 5, 1, 0.5]),
    ],
)
def test_starts_are_found_in_any_unit(model: Any, truth: list[float], unit: float) -> None:
    """Positions, widths and rates scale with x; linear parameters are solved for."""
    y = model(X, *truth) * (1 + 0.01 * np.random.default_rng(1).normal(size=len(X)))
    result = curve_fit(model, unit * X, y)
    assert result.cost <= 0.5 * np.sum((model(X, *truth) - y) ** 2)


SIGMA = RNG.uniform(0.5, 2, 40)
Y = branch(X, 2, 0.7) + NOISE


@pytest.mark.parametrize(
    "options",
    [
        {"sigma": SIGMA},
        {"sigma": SIGMA, "absolute_sigma": True},
        {"sigma": 0.3, "absolute_sigma": True},
        {"sigma": np.diag(SIGMA) + 0.1},
        {"bounds": (0, 1.9)},
        {"bounds": ([1, 0.75], [3, 2])},
        {"bounds": {"a": (2.5, None)}, "p0": [3, 1]},
        {"loss": "soft_l1", "f_scale": 0.01},
        {"loss": "huber", "f_scale": 0.01, "sigma": SIGMA},
        {"fixed": {"b": 0.6}},
        {"method": "lm"},
        {"method": "dogbox"},
        {"x": np.where(X[4] == X, np.nan, X), "nan_policy": "omit"},
        {"jac": "2-point"},
    ],
    ids=str,
)
def test_options_mean_the_same_as_for_models_that_are_traced(options: dict[str, Any]) -> None:
    given = {"x": X, "y": Y, "p0": [1.5, 0.9]} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # at a bound
        called, traced = curve_fit(branch, **given), curve_fit("a * exp(-b * x)", **given)
    np.testing.assert_allclose(called.values, traced.values, rtol=1e-5)
    np.testing.assert_allclose(called.pcov, traced.pcov, rtol=1e-4)
    for name in ("cost", "chisqr", "r2", "aic", "bic", "condition"):
        assert getattr(called, name) == pytest.approx(getattr(traced, name), rel=1e-4, nan_ok=True)
    assert (called.dof, called.at_bounds, called.converged) == (traced.dof, traced.at_bounds, traced.converged)
    np.testing.assert_allclose(called.residuals, traced.residuals, atol=1e-6)
    np.testing.assert_allclose(called.predict(X[:3]), traced.predict(X[:3]), rtol=1e-5)
    np.testing.assert_allclose(called.band(X[:3], sigma=1.0), traced.band(X[:3], sigma=1.0), rtol=1e-5)
    np.testing.assert_allclose([row.low for row in called.table()], [row.low for row in traced.table()], rtol=1e-4)


def test_full_output() -> None:
    ours = curve_fit(by_math, X, Y, [1, 1], full_output=True)
    theirs = scipy.optimize.curve_fit(by_math, X, Y, [1, 1], full_output=True)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    np.testing.assert_allclose(ours[2]["fvec"], theirs[2]["fvec"], atol=1e-6)
    np.testing.assert_array_equal(ours[2]["ipvt"], theirs[2]["ipvt"])
    np.testing.assert_allclose(np.abs(ours[2]["fjac"][:, :2]), np.abs(np.tril(theirs[2]["fjac"][:, :2])), rtol=1e-4)
    assert ours[4] in (1, 2, 3, 4)


def given_jacobian(x: Any, a: Any, b: Any) -> Any:
    return np.stack([np.exp(-b * x), -a * x * np.exp(-b * x)], axis=1)


@pytest.mark.parametrize("model", [branch, lambda x, a, b: a * np.exp(-b * x)])
@pytest.mark.parametrize("options", [{}, {"sigma": SIGMA}, {"sigma": np.diag(SIGMA) + 0.1}, {"bounds": (0, 5)}])
def test_a_jacobian_of_ones_own(model: Any, options: dict[str, Any]) -> None:
    calls = []

    def jac(x: Any, a: Any, b: Any) -> Any:
        calls.append((a, b))
        return given_jacobian(x, a, b)

    for p0 in ([1.0, 1.0], None):
        result = curve_fit(model, X, Y, p0, jac=jac, **options)
        exact = curve_fit("a * exp(-b * x)", X, Y, [1, 1], **options)
        np.testing.assert_allclose(result.values, exact.values, rtol=1e-7)
        np.testing.assert_allclose(result.pcov, exact.pcov, rtol=1e-7)
        assert result.notes == ["derivatives are computed by the function given as jac"]
    assert calls


def test_a_jacobian_and_fixed_parameters() -> None:
    result = curve_fit(branch, X, Y, [1, 0.6], jac=given_jacobian, fixed="b")
    np.testing.assert_allclose(result.values, curve_fit("a * exp(-b * x)", X, Y, [1, 0.6], fixed="b").values, rtol=1e-9)


def test_a_jacobian_of_one_parameter_may_have_one_axis() -> None:
    assert curve_fit(lambda x, a: a * x, X, 2 * X, jac=lambda x, a: x).values == pytest.approx([2])


def test_all_parameters_fixed() -> None:
    result = curve_fit(branch, X, Y, fixed={"a": 2.0, "b": 0.7})
    np.testing.assert_allclose(result.residuals, Y - branch(X, 2, 0.7))
    assert result.converged


@pytest.mark.parametrize("scheme", ["2-point", "3-point", "cs"])
def test_schemes_of_differences(scheme: str) -> None:
    result = curve_fit(lambda x, a, b: np.polyval([a, b], x), X, 2 * X + 1, [1, 1], jac=scheme)
    np.testing.assert_allclose(result.values, [2, 1], rtol=1e-8)


@pytest.mark.parametrize(
    ("x", "f"),
    [
        (None, lambda x, a, b: a * np.exp(-b * X)),
        (SimpleNamespace(t=X), lambda x, a, b: a * np.exp(-b * x.t)),
        ({"t": X, "name": "run 1"}, lambda x, a, b: a * np.exp(-b * x["t"])),
        ("a file", lambda x, a, b: a * np.exp(-b * X)),
        (pl.Series(["a"] * 40), lambda x, a, b: a * np.exp(-b * X)),
        (pl.Series(np.arange(40)).cast(pl.Duration("ms")), lambda x, a, b: a * np.exp(-b * (0.1 + x.cast(int) * 4.9 / 39))),
    ],
)
def test_x_may_be_any_object(x: Any, f: Any) -> None:
    for p0 in (None, [1, 1]):
        result = curve_fit(f, x, Y, p0)
        np.testing.assert_allclose(result.values, curve_fit("a * exp(-b * x)", X, Y).values, rtol=1e-6)
        np.testing.assert_allclose(result.predict(x), result.predict())
        assert f"because x is a {type(x).__name__}" in result.notes[0]


def test_a_function_that_is_called_gets_x_as_it_is_given() -> None:
    seen = []

    def model(x: Any, a: Any) -> Any:
        seen.append(x)
        return a * np.unwrap(x["u"] if isinstance(x, dict) else x)

    for x in (X.tolist(), X, X.astype(np.float32), {"u": X}):
        assert curve_fit(model, x, 2 * X, [1.0]).values[0] == pytest.approx(2, rel=1e-6)
        assert isinstance(seen[-1], dict if isinstance(x, dict) else np.ndarray)
        if not isinstance(x, dict):
            assert seen[-1].dtype == np.float64


def test_data_are_not_changed_by_models_that_write_to_x() -> None:
    x = X.copy()
    result = curve_fit(in_place, x, 2 * X + 1, [1, 1])
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(result.x[""], X)


def test_scales_of_parameters_do_not_matter() -> None:
    """Differences with steps for numbers near one would be wrong or 0 here."""
    for scale in (1e-12, 1.0, 1e9):
        y = branch(X, 2 * scale, 0.7) + scale * NOISE
        result = curve_fit(branch, X, y, [scale, 1.0])
        np.testing.assert_allclose(result.values, curve_fit("a*exp(-b*x)", X, y, [scale, 1.0]).values, rtol=1e-7)
        x = X / scale
        result = curve_fit(branch, x, Y, [1.0, scale])
        np.testing.assert_allclose(result.values, curve_fit("a*exp(-b*x)", x, Y, [1.0, scale]).values, rtol=1e-7)
    result = curve_fit(
        lambda x, a, c: a / (1 + ((x - c) / max(TINY, 1)) ** 2), X - 2, 3 / (1 + (X - 2) ** 2) + NOISE, [1, 1e-13]
    )
    assert result.stderr[1] < 0.1


@pytest.mark.parametrize("scheme", list(SCHEMES))
@pytest.mark.parametrize("at", [[1.0, 1.0], [1e-9, 2.0], [0.0, 1.0], [2.0, 0.0], [1e8, 1e-5], [1.0, 300.0]])
def test_differences(scheme: str, at: list[float]) -> None:
    f = lambda p: p[0] * np.exp(-X / 5) + np.sin(p[1] * X)  # noqa: E731
    at_, free = np.array(at), np.full(2, np.inf)
    found = jacobian(f, at_, f(at_), scheme, -free, free)
    exact = np.stack([np.exp(-X / 5), X * np.cos(at[1] * X)], axis=1)
    error = np.abs(found - exact).max(axis=0) / np.abs(exact).max(axis=0)
    scale = 1 + at[0] / 1e2  # of what is added to the other term
    assert (error < {"2-point": 1e-5, "3-point": 1e-6, "cs": 1e-14}[scheme] * scale).all()


@pytest.mark.parametrize("at", [0.0, 1.0, 1e-12])
@pytest.mark.parametrize("scheme", ["2-point", "3-point"])
def test_differences_keep_to_bounds_and_to_where_there_are_values(scheme: str, at: float) -> None:
    def f(p: np.ndarray) -> np.ndarray:
        assert 0 <= p[0] <= 1
        return np.exp(p[0] * X)

    found = jacobian(f, np.array([at]), np.exp(at * X), scheme, np.zeros(1), np.ones(1))
    np.testing.assert_allclose(found[:, 0], X * np.exp(at * X), rtol=1e-5)
    g = lambda p: np.sqrt(np.where(p[0] <= 1, 1.0, np.nan)) * p[0] ** 2 * X  # noqa: E731
    found = jacobian(g, np.array([1.0]), X, scheme, np.full(1, -np.inf), np.full(1, np.inf))
    np.testing.assert_allclose(found[:, 0], 2 * X, rtol=1e-6)


def test_what_python_has_no_number_for_is_no_place_to_go() -> None:
    """``math.exp`` raises where NumPy's function returns inf."""
    result = curve_fit(by_math, 1e3 * X, Y)
    np.testing.assert_allclose(result.values, curve_fit("a * exp(-b * x)", 1e3 * X, Y).values, rtol=1e-6)
    with pytest.raises(FitError, match="not finite at the starting values"):
        curve_fit(by_math, X, Y, [1, -100])


@pytest.mark.parametrize("error", [RuntimeError, IndexError, np.linalg.LinAlgError, AssertionError, ZeroDivisionError])
def test_a_model_may_fail_at_starts_that_nobody_asked_for(error: type[Exception]) -> None:
    def model(x: Any, a: Any, b: Any) -> Any:
        if b > 2 or b < 0:
            raise error("out of the way")
        return a * np.exp(-b * x)

    assert curve_fit(model, X, Y).values == pytest.approx([2, 0.7], rel=0.1)
    with pytest.raises(error, match="out of the way"):
        curve_fit(model, X, Y, [1, 3])


def test_differences_keep_to_where_python_has_numbers() -> None:
    curve = CalledCurve(lambda x, b: [one * (1 + b * math.sqrt(b)) for one in x], ["b"], [""], "3-point", "")
    found = curve.evaluate(np.zeros(1), [0], [X])[1]
    np.testing.assert_allclose(found[:, 0], 0, atol=1e-2)


def test_starts_of_a_search_warn_of_nothing() -> None:
    """``odeint`` warns if an equation is stiff."""

    def model(x: Any, a: Any, b: Any) -> Any:
        if b > 2 or b < 0:
            warnings.warn("stiff", RuntimeWarning, stacklevel=2)
        return a * np.exp(-b * x)

    assert curve_fit(model, X, Y).values == pytest.approx([2, 0.7], rel=0.1)
    with pytest.warns(RuntimeWarning, match="stiff"):
        curve_fit(model, X, Y, [1, 3])


def test_a_parameter_without_influence() -> None:
    with pytest.warns(FitWarning, match="do not determine c") as caught:
        result = curve_fit(lambda x, a, b, c: branch(x, a, b), X, Y, [1, 1, 1])
    assert result.undetermined == ["c"]
    with pytest.warns(scipy.optimize.OptimizeWarning):
        curve_fit(lambda x, a, b, c: a * x + b, X, Y, [1, 1, 1])
    assert len(caught) == 1


def test_a_loop_that_would_record_very_much_is_called() -> None:
    x = np.linspace(0, 1, 4000)
    result = curve_fit(lambda x, a, b: np.stack([a * np.exp(-b * one) + a * one for one in x]), x, np.exp(-x) + x, [0.5, 2])
    np.testing.assert_allclose(result.values, [1, 1], rtol=1e-6)
    assert "records" in result.notes[0]


def test_a_fault_of_the_tracing_itself_is_no_reason_to_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jitgrad.curvefit.lowered_model.upstream", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        curve_fit(lambda x, a: a * x, X, Y)


def test_the_result_can_be_pickled_and_drawn() -> None:
    result = curve_fit(branch, X, Y, [1, 1])
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.predict(X), result.predict(X))
    pytest.importorskip("matplotlib")
    jg.pictures.curve_fit(result)
    jg.pictures.curve_fit(curve_fit(lambda x, a, b: a * np.exp(-b * X), None, Y, [1, 1]))


def raises(x: Any, a: Any) -> Any:
    raise KeyError("not a number's fault")


@pytest.mark.parametrize(
    ("error", "said", "changed"),
    [
        (KeyError, "not a number's fault", {"model": raises}),
        (NameError, "unknown", {"model": lambda x, a: unknown * x}),  # type: ignore[name-defined]  # noqa: F821
        (OverflowError, "math range error", {"model": lambda x, a: math.exp(1000 * a) * x, "p0": [1]}),
        (ShapeError, r"returns shape \(39,\) for 40 rows", {"model": lambda x, a: np.convolve(x, [a, a], "valid")}),
        (ShapeError, "returns None", {"model": lambda x, a: None}),
        (ShapeError, r"such as result.y\[0\]", {"model": lambda x, a: jg.solve_ivp(lambda t, y: a * y, (0, 1), [1.0])}),
        (DTypeError, "returns dtype complex128", {"model": lambda x, a: a * (x + 1j)}),
        (FitError, r"in row 39 \(x = 5\)", {"model": lambda x, a: np.unwrap(x) * np.log(4.95 * a - x), "p0": [1]}),
        (FitError, "not finite at the starting", {"model": lambda x, a: np.unwrap(x) * np.log(a), "p0": [-1]}),
        (
            FitError,
            r"cannot be fitted from any of 2 starts\. The model is not finite",
            {"model": lambda x, a: np.unwrap(x) * a * np.nan},
        ),
        (
            ShapeError,
            r"jac returns shape \(2, 40\). It should return shape \(40, 2\)",
            {"jac": lambda *p: given_jacobian(*p).T},
        ),
        (UnsupportedError, "need a model that can be traced", {"loss": lambda y, f: (y - f) ** 2}),
        (UnsupportedError, "Use method 'auto'", {"method": "lbfgs"}),
    ],
)
def test_errors(error: type[Exception], said: str, changed: dict[str, Any]) -> None:
    with pytest.raises(error, match=said):
        curve_fit(**({"model": branch, "x": X, "y": Y} | changed))


def test_a_models_own_error_says_why_it_was_called_on_numbers() -> None:
    with pytest.raises(KeyError) as caught:
        curve_fit(raises, X, Y)
    assert (
        "The model was called with numbers: derivatives are finite differences because the function cannot be traced"
        in caught.value.__notes__[0]
    )
