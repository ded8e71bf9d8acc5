"""Diagnostic pictures: the numbers behind them, and their lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from jitgrad.pictures.classes import draw_calibration, draw_roc, roc, wilson
from jitgrad.pictures.counts import draw_rootogram
from jitgrad.pictures.diagnostics import draw_leverage, draw_quantiles, draw_residuals, draw_spread
from jitgrad.pictures.forest import MOST as MOST_ESTIMATES
from jitgrad.pictures.forest import draw_estimates
from jitgrad.pictures.thinning import MOST, shown, smooth

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

DRAW = np.random.default_rng(8)
X, Y = DRAW.normal(size=(2, 200))
ROWS, ONES = np.arange(1, 201), np.ones(200)


def figure() -> Any:
    from jitgrad.pictures.canvas import new_figure

    return new_figure(4, 3)


def axes() -> Any:
    return figure().subplots()


def points(axis: Any) -> np.ndarray:
    """Return the points of the marks, (2, n)."""
    (found,) = [line.get_data() for line in axis.lines if line.get_linestyle() == "None"]
    return np.array(found)


def texts(axis: Any) -> list[str]:
    return [text.get_text() for text in axis.texts]


def test_few_points_are_all_shown_and_many_keep_the_extreme() -> None:
    assert shown(Y).tolist() == list(range(200))
    size = np.zeros(100_000)
    size[[77, 50_001, 99_998]] = [3, -9, 5]
    chosen = shown(size)
    assert MOST - 50 <= len(chosen) <= MOST
    assert {0, 77, 50_001, 99_998, 99_999} <= set(chosen.tolist())
    np.testing.assert_array_equal(chosen, shown(size))


def test_a_smooth_line() -> None:
    x, line = smooth(X, 2 + 3 * X)
    np.testing.assert_allclose(line, 2 + 3 * x, atol=1e-9)  # a line stays one
    x, line = smooth(X, X**2 + 0.1 * Y)
    assert line[0] > line[len(line) // 2] < line[-1]
    assert len(smooth(np.repeat([0.0, 1.0], 50), np.ones(100))[0]) == 0
    x, line = smooth(np.repeat(np.arange(6.0), 30), np.repeat(np.arange(6.0), 30))
    np.testing.assert_allclose(line, x, atol=1e-9)


def test_residuals_have_their_rows() -> None:
    y = Y.copy()
    y[41] = 9
    axis = axes()
    draw_residuals(axis, X, y, ROWS, "standardised", "fitted y")
    np.testing.assert_array_equal(points(axis), [X, y])
    assert "42" in texts(axis)
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("fitted y", "standardised residual")
    axis = axes()
    draw_spread(axis, X, y, "standardised", "fitted y")
    np.testing.assert_array_equal(points(axis), [X, np.sqrt(np.abs(y))])


def test_normal_quantiles() -> None:
    axis = axes()
    draw_quantiles(axis, Y, ROWS, "standardised")
    expected, ordered = points(axis)
    np.testing.assert_array_equal(ordered, np.sort(Y))
    np.testing.assert_allclose(expected, stats.norm.ppf((np.arange(1, 201) - 0.5) / 200))
    (band,) = axis.collections
    edge = band.get_paths()[0].vertices
    low = stats.norm.ppf(stats.beta.ppf(0.025, 1, 200))
    assert edge[:, 1].min() == pytest.approx(low)


def test_leverage() -> None:
    leverage = DRAW.uniform(0.01, 0.1, 200)
    leverage[7] = 1.0
    residuals, distance = Y.copy(), Y**2 * leverage
    residuals[7] = distance[7] = np.nan
    axis = axes()
    draw_leverage(axis, leverage, residuals, distance, 3, ROWS)
    assert points(axis).shape == (2, 199)
    h, edge = axis.lines[-1].get_data()  # of distance 1, below
    np.testing.assert_allclose(edge**2 * h / (1 - h) / 3, 1)
    axis = axes()
    draw_leverage(axis, np.ones(2), np.full(2, np.nan), np.full(2, np.nan), 2, ROWS[:2])
    assert texts(axis) == ["no row has a residual"]


def test_the_roc() -> None:
    positive, score = X + Y > 0, np.round(X, 1)
    false_rate, true_rate, area = roc(positive, score, ONES)
    u = stats.mannwhitneyu(score[positive], score[~positive]).statistic
    assert area == pytest.approx(u / positive.sum() / (~positive).sum())
    assert (false_rate[0], true_rate[0], false_rate[-1], true_rate[-1]) == (0, 0, 1, 1)
    axis = axes()
    chance = 1 / (1 + np.exp(-score))
    draw_roc(axis, positive.astype(float), np.column_stack([1 - chance, chance]), ONES, ["$no", "$yes_"])
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [rf"\$yes_, area {area:.3f}"]
    axis = axes()
    draw_roc(axis, np.arange(200) % 10.0, np.full((200, 12), 1 / 12), ONES, [f"c{k}" for k in range(12)])
    assert len(axis.get_legend().get_texts()) == 8
    axis = axes()
    draw_roc(axis, np.ones(5), np.full((5, 2), 0.5), np.ones(5), ["a", "b"])  # of one class there is no curve
    assert axis.get_legend() is None


def test_a_row_may_stand_for_several() -> None:
    weights = (np.arange(200) % 4).astype(float)
    several = np.repeat(np.arange(200), weights.astype(int))
    positive, score = X + Y > 0, np.round(X, 1)
    chance = 1 / (1 + np.exp(-score))
    once, again = roc(positive, score, weights), roc(positive[several], score[several], np.ones(len(several)))
    assert once[2] == pytest.approx(again[2])
    shown = []
    for rows, counts in ((np.arange(200), weights), (several, np.ones(len(several)))):
        made = figure()
        draw_calibration(made, positive[rows].astype(float), np.column_stack([1 - chance, chance])[rows], counts, ["no", "yes"])
        shown.append([patch.get_height() for patch in made.axes[1].patches])
    np.testing.assert_allclose(*shown)


def test_calibration() -> None:
    chance = DRAW.uniform(size=2000)
    y = (DRAW.uniform(size=2000) < chance).astype(float)
    made = figure()
    draw_calibration(made, y, np.column_stack([1 - chance, chance]), np.ones(2000), ["no", "yes"])
    upper, lower = made.axes
    mean, share = upper.lines[1].get_data()
    assert len(mean) == 10
    np.testing.assert_allclose(mean, share, atol=0.1)
    assert sum(patch.get_height() for patch in lower.patches) == 2000
    assert lower.get_xlabel() == "probability of yes"
    made = figure()
    draw_calibration(made, np.zeros(4), np.full((4, 2), 0.5), np.ones(4), ["no", "yes"])
    assert [list(values) for values in made.axes[0].lines[1].get_data()] == [[0.5], [0.0]]


def test_intervals_of_shares() -> None:
    low, high = wilson(np.array([0.5, 0.0, 1.0]), np.array([10, 5, 5]))
    for k, (hits, rows) in enumerate([(5, 10), (0, 5), (5, 5)]):
        known = stats.binomtest(hits, rows).proportion_ci(method="wilson")
        assert (low[k], high[k]) == pytest.approx((known.low, known.high), abs=1e-9)


def test_a_rootogram() -> None:
    mean = np.exp(0.3 * X)
    y = DRAW.poisson(mean).astype(float)
    axis = axes()
    draw_rootogram(axis, y, None, lambda k: stats.poisson.cdf(k, mean), "visits")
    place, roots = axis.lines[0].get_data()
    np.testing.assert_array_equal(place, np.arange(y.min(), y.max() + 1))
    np.testing.assert_allclose(roots**2, [stats.poisson.pmf(k, mean).sum() for k in place])
    heights = np.array([bar.get_height() for bar in axis.patches])
    np.testing.assert_allclose(heights**2, [(y == k).sum() for k in place], atol=1e-9)
    axis = axes()
    draw_rootogram(axis, 1000 * y, None, lambda k: np.ones(200), "visits")
    assert len(axis.patches) <= 41 and "counts per bar" in axis.get_xlabel()
    axis = axes()
    draw_rootogram(axis, y, np.full(200, 2.0), lambda k: stats.poisson.cdf(k, mean), "visits")
    np.testing.assert_allclose(sum(bar.get_height() ** 2 for bar in axis.patches), 400)


def test_estimates() -> None:
    names = [f"column {k}" for k in range(40)]
    estimate = DRAW.normal(size=40)
    estimate[3], estimate[5] = np.nan, 50
    axis = axes()
    assert draw_estimates(axis, names, estimate, estimate - 1, estimate + 1, "unit") == MOST_ESTIMATES
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert "column 5" in labels and "column 3" not in labels
    assert labels == sorted(labels, key=names.index)
