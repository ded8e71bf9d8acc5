"""Pictures of fitted curves: their data, lines, bands, labels and limits."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jitgrad import curve_fit, fit_groups, pictures
from jitgrad.errors import ArgumentError, DataError, FitWarning

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

DRAW = np.random.default_rng(5)
X = np.linspace(0, 4, 50)
Y = 2.5 * np.exp(-1.3 * X) + 0.5 + 0.1 * DRAW.normal(size=50)
DECAY = "a * exp(-b * x) + c"
VARYING = 0.05 + 0.1 * np.exp(-X)


def marks(axis: Any) -> tuple[np.ndarray, np.ndarray]:
    (line,) = [line for line in axis.lines if line.get_linestyle() == "None" and len(line.get_xdata())]
    return line.get_xdata(), line.get_ydata()


def curve(axis: Any) -> tuple[np.ndarray, np.ndarray]:
    (line,) = [line for line in axis.lines if line.get_label() == "fit"]
    return line.get_xdata(), line.get_ydata()


def legend(axis: Any) -> list[str]:
    return [text.get_text() for text in axis.get_legend().get_texts()]


def fit(*args: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)
        return curve_fit(*args, **options)


def test_a_curve_with_its_data_and_residuals(tmp_path: Path) -> None:
    result = curve_fit("a * exp(-b * t) + c", {"t": X}, Y)
    figure = pictures.curve_fit(result, tmp_path / "p.png", name="activity")
    upper, lower = figure.axes
    for axis, values in ((upper, Y), (lower, result.residuals)):
        np.testing.assert_array_equal(marks(axis), (X, values))
    points = np.linspace(0, 4, 300)
    np.testing.assert_array_equal(curve(upper), (points, result.predict({"t": points})))
    assert (upper.get_ylabel(), lower.get_ylabel(), lower.get_xlabel()) == ("activity", "residual", "t")
    assert figure.get_suptitle() == "activity = a * exp(-b * t) + c"
    assert upper.get_xlim() == lower.get_xlim()
    assert [line.get_ydata() for line in lower.lines][-1] == [0, 0]
    assert lower.get_ylim() == pytest.approx((-1.15 * np.abs(result.residuals).max(), 1.15 * np.abs(result.residuals).max()))
    assert tuple(figure.get_size_inches() * 120) == pytest.approx((800, 600))
    assert (tmp_path / "p.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "sigma", "bands"),
    [
        ({}, 1.0, 2),
        ({"sigma": 0.3}, 0.3, 2),
        ({"sigma": np.full(50, 0.3), "absolute_sigma": True}, 0.3, 2),
        ({"sigma": np.eye(50) * 0.09}, 0.3, 2),
        ({"sigma": VARYING}, None, 1),
    ],
)
def test_bands_and_error_bars(options: dict[str, Any], sigma: Any, bands: int) -> None:
    result = curve_fit(DECAY, X, Y, **options)
    upper, lower = pictures.curve_fit(result, level=0.9).axes
    assert legend(upper) == ["fit", *["90% confidence", "90% prediction"][:bands], "data"]
    filled = [c for c in upper.collections if c.get_label().startswith("90")]
    for number, band in enumerate(filled):
        low, high = result.band(curve(upper)[0], 0.9, prediction=number == 1, sigma=sigma)
        extents = band.get_paths()[0].get_extents()
        assert (extents.ymin, extents.ymax) == pytest.approx((low.min(), high.max()))
    bars = [segment for container in upper.containers for segment in container[2][0].get_segments()]
    assert len(bars) == (50 if options else 0)
    if options:
        assert bars[7][1][1] - bars[7][0][1] == pytest.approx(2 * result.sigma[7])
        np.testing.assert_allclose(marks(lower)[1], result.residuals / result.sigma)
        assert lower.get_ylabel() == "residual / σ"


@pytest.mark.parametrize(
    ("model", "x", "names"),
    [
        ("a * x1 + b * exp(x2)", np.array([X, np.sin(X)]), ["a", "b"]),
        (lambda x, a, b: a * x[0] + b * np.exp(x[1]), np.array([X, np.sin(X)]), ["a", "b"]),
    ],
)
def test_of_several_columns_measured_against_fitted_values(model: Any, x: Any, names: list[str]) -> None:
    y = X + 0.1 * Y
    result = curve_fit(model, x, y)
    upper, lower, *effects = pictures.curve_fit(result, name="yield").axes
    assert len(effects) == (2 if isinstance(model, str) else 0)
    fitted = result.predict()
    np.testing.assert_array_equal(marks(upper), (fitted, y))
    np.testing.assert_array_equal(marks(lower), (fitted, result.residuals))
    np.testing.assert_array_equal(curve(upper), ([fitted.min(), fitted.max()],) * 2)
    assert (upper.get_ylabel(), lower.get_xlabel()) == ("measured yield", "fitted yield")


@pytest.mark.parametrize(
    "model", ["a * (x - mean(x)) ** 2 + b", lambda x, a, b: a * x * VARYING[::-1] + b, lambda x, a, b: a * np.cumsum(x) + b]
)
def test_a_curve_that_needs_all_rows_goes_through_them(model: Any) -> None:
    result = curve_fit(model, X, Y)
    np.testing.assert_array_equal(curve(pictures.curve_fit(result).axes[0]), (X, result.predict()))


@pytest.mark.parametrize(
    ("x", "scale"),
    [
        (X, "linear"),
        (np.geomspace(1e-3, 10, 50), "log"),
        (np.geomspace(1, 100, 50), "linear"),
        (X**9 - 1e-9, "linear"),
        (X // 4 + 1, "linear"),
    ],
)
def test_the_axis_is_logarithmic_where_data_are(x: np.ndarray, scale: str) -> None:
    figure = pictures.curve_fit(curve_fit("a + b * x", x, Y))
    assert [axis.get_xscale() for axis in figure.axes] == [scale, scale]
    points = curve(figure.axes[0])[0]
    steps = np.diff(np.log(points) if scale == "log" else points)
    np.testing.assert_allclose(steps, steps[0])


def test_doses_with_zero_among_them_go_by_decades() -> None:
    dose = np.append(np.zeros(5), np.repeat(10.0 ** np.arange(-9, 0), 5))
    y = 3 + 90 / (1 + dose / 1e-6) + DRAW.normal(size=50)
    figure = pictures.curve_fit(curve_fit("b + (t - b) / (1 + x / m)", dose, y))
    assert [axis.get_xscale() for axis in figure.axes] == ["symlog", "symlog"]
    points = curve(figure.axes[0])[0]
    assert points[0] == 0 and points[-1] == 0.1 and (np.diff(points) > 0).all() and np.sum(points < 1e-9) > 20
    assert figure.axes[0].xaxis.get_transform().linthresh == 1e-9
    fits = fit_groups("b + (t - b) / (1 + x / m)", dose, np.stack([y, y + 1]))
    assert {axis.get_xscale() for axis in fits.plot().axes} == {"symlog"}


def test_along_each_column_the_others_are_at_their_medians() -> None:
    columns = {"t": X, "dose": np.tile([0.0, 1.0, 2.0, 4.0, 8.0], 10), "group": np.repeat([0.0, 1.0], 25)}
    y = 2 * np.exp(-0.5 * X) + 0.3 * columns["dose"] + columns["group"] + 0.1 * DRAW.normal(size=50)
    result = curve_fit("a * exp(-b * t) + c * dose + d * group", columns, y)
    _, _, time, dose, group = pictures.curve_fit(result).axes
    assert [axis.get_xlabel() for axis in (time, dose, group)] == ["t", "dose", "group"]
    assert dose.get_title() == f"at t = {np.sort(X)[24]:.4g}, group = 0"
    points, said = curve(dose)
    at = {"t": np.full(300, np.sort(X)[24]), "dose": points, "group": np.zeros(300)}
    np.testing.assert_allclose(said, result.predict(at))
    low, high = result.band(at, 0.95, prediction=True)
    band = next(c for c in dose.collections if c.get_label() == "95% prediction").get_paths()[0].get_extents()
    assert (band.ymin, band.ymax) == pytest.approx((low.min(), high.max()))
    there = {"t": np.full(50, np.sort(X)[24]), "dose": columns["dose"], "group": np.zeros(50)}
    np.testing.assert_allclose(marks(dose)[1], result.predict(there) + result.residuals)


def test_outliers_are_marked() -> None:
    y = Y.copy()
    y[10] += 5
    upper = pictures.curve_fit(curve_fit(DECAY, X, y, outliers=0.01)).axes[0]
    (line,) = [line for line in upper.lines if line.get_label() == "outlier"]
    assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([X[10]], [y[10]])
    assert "outlier" in legend(upper) and upper.get_ylim()[1] > Y.max() + 0.5


@pytest.mark.parametrize(
    ("model", "y", "upper", "lower"),
    [
        ("a + b * x", np.full(50, 5.0), (4.5, 5.5), (-0.5, 0.5)),  # nothing but rounding, which is not shown large
        ("a + b * x", np.zeros(50), (-0.1, 0.1), (-0.1, 0.1)),
        ("a / (x - b)", 1 / (X - 2.03), None, None),
    ],
)
def test_limits(model: str, y: np.ndarray, upper: Any, lower: Any) -> None:
    first, second = pictures.curve_fit(fit(model, X, y, p0=[1.0, 2.03])).axes
    if upper is not None:
        assert first.get_ylim() == pytest.approx(upper) and second.get_ylim() == pytest.approx(lower)
    else:
        assert np.ptp(curve(first)[1]) > 2.2 * np.ptp(y)  # a pole
        assert np.ptp(y) < np.ptp(first.get_ylim()) <= 2.2 * np.ptp(y) * (1 + 1e-9)


def test_small_residuals_are_seen_beside_large_values() -> None:
    result = curve_fit(DECAY, X, 1e9 + Y)
    _, lower = pictures.curve_fit(result).axes
    assert lower.get_ylim()[1] == pytest.approx(1.15 * np.abs(result.residuals).max())


def test_bands_without_end_are_left_out() -> None:
    result = fit("a + b * x", [1.0, 2.0], [3.0, 5.0])
    assert legend(pictures.curve_fit(result).axes[0]) == ["fit", "data"]


@pytest.mark.parametrize(
    ("model", "title"),
    [
        ("a*x +\n  b", "y = a*x + b"),
        ("line", "y = intercept + slope * x"),
        ("+".join(f"a{k}*x**{k}" for k in range(9)), ""),
        (lambda x, a: a * x, ""),
    ],
)
def test_a_short_formula_is_the_title(model: Any, title: str) -> None:
    assert pictures.curve_fit(fit(model, X, Y)).get_suptitle() == title


def test_many_points_are_small_and_one_image_in_a_file_of_vectors(tmp_path: Path) -> None:
    x = DRAW.uniform(0, 1, 20_000)
    looks = []
    for n in (50, 20_000):
        axis = pictures.curve_fit(curve_fit("a + b * x", x[:n], x[:n] ** 2), tmp_path / f"{n}.svg").axes[0]
        (line,) = [line for line in axis.lines if len(line.get_xdata()) == n]
        looks.append((line.get_markersize(), line.get_alpha(), line.get_rasterized()))
        assert (tmp_path / f"{n}.svg").stat().st_size < 500_000
    few, many = looks
    assert few[0] > many[0] and few[1] > 4 * many[1] and many[2] and not few[2]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: pictures.curve_fit((1, 2)),
            ArgumentError,
            "expected a CurveFit, got tuple. Pass the result of jitgrad.curve_fit",
        ),
        (lambda: pictures.curve_fit(curve_fit(DECAY, X, Y), level=95), ArgumentError, "level is 95"),
        (
            lambda: pictures.curve_fit(curve_fit(DECAY, X, Y), __file__ + "/p.png"),
            DataError,
            "p.png cannot be written: Not a directory",
        ),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
