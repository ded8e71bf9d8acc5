"""Inverse prediction with limits, as published for investr and by Graybill and Iyer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from jitgrad import curve_fit
from jitgrad.errors import ArgumentError

NASTURTIUM = {
    0: (920, 889, 866, 930, 992, 1017), 0.025: (919, 878, 882, 854, 851, 850), 0.075: (870, 825, 953, 834, 810, 875),
    0.25: (880, 834, 795, 837, 834, 810), 0.75: (693, 690, 722, 738, 563, 591), 2: (429, 395, 435, 412, 273, 257),
    4: (200, 244, 209, 225, 128, 221),
}  # fmt: skip
"""Weight in mg by concentration: Racine-Poon, "A Bayesian approach to nonlinear calibration problems", 1988."""
CRYSTAL = (0.08, 1.12, 4.43, 4.98, 4.92, 7.18, 5.57, 8.4, 8.81, 10.81, 11.16, 10.12, 13.12, 15.04)
CONCENTRATION, WEIGHT = np.repeat(list(NASTURTIUM), 6), np.ravel(list(NASTURTIUM.values())).astype(float)
X_POLE = np.linspace(0, 4, 21)
LOG_LOGISTIC = "a / (1 + (x / m)**h)"

THERMOSTAT = (95.71, 98.16, 99.52, 102.09, 103.79, 106.18, 108.14, 110.21)
CHAMBER = (206.36, 225.52, 252.18, 289.33, 318.11, 349.49, 383.03, 410.70, 444.40, 469.14, 501.16)
LINES: list[tuple[Any, Any, float, dict[str, Any], str]] = [
    # Graybill and Iyer, "Regression analysis: concepts and applications", 1994, pages 431, 433 and 434
    (np.arange(96.0, 111, 2), THERMOSTAT, 104, {}, "103.995 103.4 104.6"),
    (np.arange(96.0, 111, 2), THERMOSTAT, 100, {"level": 0.9}, "100.1 99.63 100.59"),
    (np.arange(0.0, 101, 10), CHAMBER, 400, {"level": 0.99, "replicates": math.inf}, "66.5 65.07 68.03"),
    # Greenwell and Schubert Kabban, "investr", The R Journal, 2014
    (np.arange(2.0, 29, 2), CRYSTAL, 8, {"replicates": math.inf}, "15.8882 14.6590 17.1596"),
]


@pytest.mark.parametrize(("x", "y", "asked", "options", "expected"), LINES)
def test_lines_as_published(x: Any, y: Any, asked: float, options: Any, expected: str) -> None:
    found = curve_fit("a + b * x", x, np.array(y)).inverse(asked, **options)
    assert found.solutions == 1 and not found.notes
    for value, published in zip((found.x, found.low, found.high), expected.split(), strict=True):
        assert f"{value:.{len(published.partition('.')[2])}f}" == published


def test_a_dose_as_published() -> None:
    """Three weights of one soil from the article on investr: 2.2639, interval 1.7722 to 2.9694, standard error 0.2847019."""
    weights = np.array([309.0, 296, 419])
    result = curve_fit(LOG_LOGISTIC, CONCENTRATION, WEIGHT)
    found = result.inverse(weights.mean(), replicates=3)
    assert f"{found.x:.4f}" == "2.2639" and found.stderr == pytest.approx(0.2847019, rel=1e-6)
    level = 2 * student.cdf(student.ppf(0.975, 41), 39) - 1  # its quantile has two degrees of freedom more, for three weights
    found = result.inverse(weights.mean(), level=level, replicates=3)
    assert f"{found.low:.4f} {found.high:.4f}" == "1.7722 2.9694"


def test_a_line_has_fiellers_interval() -> None:
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(0, 10, 15))
    y = 3 + 0.5 * x + rng.normal(size=15)
    result = curve_fit("a + b * x", x, y)
    a, b = result.values
    s2, sxx, t = result.redchi, np.sum((x - x.mean()) ** 2), student.ppf(0.975, 13)
    for m in (1, 4, math.inf):
        found = result.inverse([5.0, 6.5], replicates=m)
        x0 = (np.array([5.0, 6.5]) - a) / b
        g = t**2 * s2 / (b**2 * sxx)
        root = t * math.sqrt(s2) / b * np.sqrt((x0 - x.mean()) ** 2 / sxx + (1 - g) * (1 / m + 1 / 15))
        np.testing.assert_allclose(found.x, x0, rtol=1e-12)
        for limit, side in ((found.low, -1), (found.high, 1)):
            expected = x0 + ((x0 - x.mean()) * g + side * root) / (1 - g)
            inside = np.abs(expected - 5) < 15
            np.testing.assert_allclose(limit[inside], expected[inside], rtol=1e-9)
            assert np.isinf(limit[~inside]).all()


def test_doses_over_decades() -> None:
    dose = np.append(np.zeros(3), np.repeat(10.0 ** np.arange(-9, -3.0), 3))
    y = 4 + 90 / (1 + (dose / 2e-7) ** 1.3) + np.tile([1.0, -2.0, 1.0], 7)
    result = curve_fit("b + (t - b) / (1 + (x / m)**h)", dose, y)
    b, t, m, h = (result.parameters[name] for name in "btmh")
    asked = np.array([90.0, 50.0, 10.0])
    found = result.inverse(asked)
    np.testing.assert_allclose(found.x, m * ((t - b) / (asked - b) - 1) ** (1 / h), rtol=1e-9)
    assert (found.low < found.x).all() and (found.x < found.high).all() and found.solutions.tolist() == [1, 1, 1]


def test_no_solution_and_several() -> None:
    x = np.linspace(0, 10, 40)
    y = 1 + 4 * np.exp(-((x - 4) ** 2) / 3) + 0.02 * np.random.default_rng(1).normal(size=40)
    result = curve_fit("c + a * exp(-(x - m)**2 / s)", x, y)
    none, several = result.inverse(9.0), result.inverse(3.0)
    assert (
        none.solutions == 0
        and math.isnan(none.x)
        and "9 is not reached for x between 0 and 10, where the curve" in none.notes[0]
    )
    assert several.solutions == 2 and math.isnan(several.x) and "3 is reached at x = 2" in several.notes[0]
    for within in ((0, 4), (4, 10)):
        one = result.inverse(3.0, within)
        assert one.solutions == 1 and one.low < one.x < one.high and within[0] < one.x < within[1]
    both = result.inverse([9.0, 3.0, 1.5], (0, 4))
    assert both.solutions.tolist() == [0, 1, 1] and both.notes[0].startswith("1 value is not reached for x")
    flat = curve_fit("a + b * x", x, np.random.default_rng(2).normal(size=40))
    open_ended = flat.inverse(float(flat.predict([np.array([5.0])])[0]))
    assert (open_ended.low, open_ended.high) == (-math.inf, math.inf) and "without a finite interval" in open_ended.notes[0]


@pytest.mark.parametrize(("model", "y"), [("a / (x - b)", 1 / (X_POLE - 2.03)), ("a + b * (x > c)", 1.0 + 2 * (X_POLE > 2.03))])
def test_a_pole_or_a_jump_is_no_solution(model: str, y: np.ndarray) -> None:
    start = {"a": 1.0, "b": 2.0} | ({"c": 2.03} if "c" in model else {})
    result = curve_fit(model, X_POLE, y + 0.01 * np.sin(7 * X_POLE), start, fixed=list(start)[2:] or None)
    value = 1.5 if "c" in model else 0.0
    assert result.inverse(value).solutions == 0
    if "c" not in model:
        assert result.inverse(2.0).x == pytest.approx(2.53, abs=0.05)


def test_with_sigma_and_what_cannot_be_asked() -> None:
    result = curve_fit("a + b * x", np.arange(10.0), 1 + 2 * np.arange(10.0) + np.tile([0.1, -0.1], 5), sigma=0.1)
    with pytest.raises(ArgumentError, match="the fit used sigma"):
        result.inverse(8.0)
    plain = curve_fit("a + b * x", np.arange(10.0), result.y)
    assert result.inverse(8.0, sigma=0.1)[:4] == pytest.approx(plain.inverse(8.0)[:4], rel=1e-9)
    for options, said in (({"replicates": 0}, "replicates is 0"), ({"within": (3, 1)}, "within is")):
        with pytest.raises(ArgumentError, match=said):
            plain.inverse(8.0, **options)
    two = curve_fit(
        "a * x + b * z", {"x": np.arange(9.0), "z": np.arange(9.0) ** 2}, np.arange(9.0) + 0.1 * np.cos(np.arange(9))
    )
    with pytest.raises(ArgumentError, match="inverse needs a model of one column, and this one has 2"):
        two.inverse(1.0)
