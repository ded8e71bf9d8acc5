"""Newton's method: its derivatives, its end, and whether there is one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

import jitgrad as jg
from jitgrad.tabular.families import Family, Gaussian, Multinomial, Poisson
from jitgrad.tabular.newton import Maximum, information, maximise
from jitgrad.tabular.scale import make_scale

CLASSES = Multinomial(["a", "b", "c"])


@pytest.mark.parametrize("family", [Gaussian(), Poisson(), CLASSES], ids=lambda family: type(family).__name__)
def test_the_derivatives_are_those_of_jitgrad(family: Family, draw: np.random.Generator) -> None:
    x = draw.normal(size=(30, 4))
    y = draw.integers(0, 3, 30).astype(float)
    target = family.targets(y, *family.scale(y))
    weights = 0.3 * draw.normal(size=(4, target.shape[1]))
    weights[:, : family.reference] = 0
    cost = lambda w: 30 * family.loss(target, jg.matmul(x, w))  # noqa: E731
    gradient, hessian = jg.grad(cost)(weights), jg.hessian(cost)(weights)
    own = slice(family.reference, None)
    mean = family.mean((x @ weights)[:, own])
    factor = 2 if isinstance(family, Gaussian) else 1  # the mean squared error is twice minus the logarithm of the likelihood
    np.testing.assert_allclose(factor * x.T @ (mean - target[:, own]), np.asarray(gradient)[:, own], atol=1e-12)
    size = mean.shape[1] * 4
    expected = np.asarray(hessian)[:, own, :, own].transpose(1, 0, 3, 2).reshape(size, size)
    np.testing.assert_allclose(factor * information(family, x, mean), expected, atol=1e-12)


@pytest.mark.parametrize("family", [Gaussian(), Poisson(), CLASSES], ids=lambda family: type(family).__name__)
def test_the_likelihood_has_the_gradient(family: Family, draw: np.random.Generator) -> None:
    y = draw.integers(0, 3, 20).astype(float)
    target = family.targets(y, *family.scale(y))[:, family.reference :]
    result, change = draw.normal(size=(2, *target.shape))
    slope = np.sum((target - family.mean(result)) * change)
    step = 1e-5 * change
    difference = family.likelihood(target, result + step) - family.likelihood(target, result - step)
    assert difference / 2e-5 == pytest.approx(slope, rel=1e-7)


def test_half_steps_where_whole_ones_go_too_far() -> None:
    """The first step overshoots: at a mean of 2, a count of a million."""
    x = inputs(np.r_[np.zeros(999), 1.0][:, None])
    y = np.r_[np.ones(999), 1e6]
    got = maximise(Poisson(), x, y[:, None] / y.mean())
    assert isinstance(got, Maximum)
    np.testing.assert_allclose(np.exp(x @ got.weights)[:, 0] * y.mean(), y, rtol=1e-9)


def test_large_counts(draw: np.random.Generator) -> None:
    z = draw.normal(size=(100, 2))
    y = draw.poisson(np.exp(z[:, 0] + 30)).astype(float)
    got = maximise(Poisson(), inputs(z), y[:, None] / y.mean())
    assert isinstance(got, Maximum)
    score = inputs(z).T @ (y - y.mean() * np.exp(inputs(z) @ got.weights)[:, 0])
    assert np.abs(score / np.sqrt(y.sum())).max() < 1e-4  # beside its standard error


TWO = Multinomial(["no", "yes"])
RAMP = np.linspace(-1, 1, 40)
HALF = (RAMP > 0).astype(float)
OVERLAP = np.where(np.arange(40) == 10, 1.0, HALF)
ALTERNATING = np.arange(40) % 2.0


@pytest.mark.parametrize(
    ("family", "x", "y", "told"),
    [
        (TWO, [RAMP], HALF, "the classes"),
        (TWO, [RAMP], np.r_[np.zeros(39), 1.0], "the classes"),
        (TWO, [RAMP, HALF], np.maximum(HALF, ALTERNATING), "the classes of some rows"),
        (TWO, [HALF], HALF, "the classes"),
        (CLASSES, [HALF, RAMP], np.where(HALF > 0, 2.0, ALTERNATING), "c"),
        (Poisson(), [HALF], np.where(HALF > 0, 0.0, ALTERNATING + 1), "some counts of 0"),
        (Poisson(), [HALF, RAMP], np.where(HALF > 0, 0.0, ALTERNATING + 1), "some counts of 0"),
        (TWO, [RAMP], OVERLAP, None),
        (TWO, [RAMP, RAMP**3], OVERLAP, None),
        (CLASSES, [RAMP], OVERLAP + ALTERNATING, None),
        (Poisson(), [HALF, RAMP], np.where(HALF > 0, 0.0, 1.0) + ALTERNATING, None),
        (Poisson(), [RAMP], np.r_[np.zeros(39), 1.0], "some counts of 0"),
        (Poisson(), [RAMP], np.eye(40)[20], None),
    ],
)  # fmt: skip
def test_what_the_features_tell_without_error(family: Family, x: list[np.ndarray], y: np.ndarray, told: str | None) -> None:
    target = family.targets(y, *family.scale(y))[:, family.reference :]
    got = maximise(family, inputs(np.column_stack(x)), target)
    if told is None:
        assert isinstance(got, Maximum)
    else:
        assert got == f"A combination of the features tells {told} apart, so the likelihood grows without end"


@pytest.mark.parametrize("seed", range(40))
def test_separation_against_linear_programming(seed: int) -> None:
    """Konis, "Linear programming algorithms for detecting separated data in binary logistic regression models", 2007."""
    draw = np.random.default_rng(seed)
    rows, features, classes = int(draw.integers(8, 60)), int(draw.integers(1, 4)), int(draw.integers(2, 4))
    kinds = [draw.normal, draw.standard_cauchy, lambda size: draw.integers(0, 2, size).astype(float)]
    z = kinds[seed % 3](size=(rows, features))
    noise = draw.choice([0.0, 0.3, 1.0]) * draw.gumbel(size=(rows, classes))
    y = np.unique((z @ draw.normal(size=(features, classes)) + noise).argmax(1), return_inverse=True)[1]
    y[:2] = 0, 1  # at least two classes
    family = Multinomial([f"c{k}" for k in range(y.max() + 1)])
    got = maximise(family, inputs(z), family.targets(y, 0.0, 1.0)[:, 1:])
    assert isinstance(got, str) == is_separated(np.column_stack([np.ones(rows), z]), y)


def is_separated(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether a direction makes no own class less likely than another, and one more: the largest sum of gains is not 0."""
    classes = y.max() + 1
    gains = []
    for row, own in zip(x, y, strict=True):
        for other in set(range(classes)) - {own}:
            gain = np.zeros((classes, len(row)))
            gain[own], gain[other] = row, -row
            gains.append(gain.ravel())
    best = linprog(-np.sum(gains, 0), A_ub=-np.array(gains), b_ub=np.zeros(len(gains)), bounds=(-1, 1))
    return bool(-best.fun > 1e-7)


def inputs(x: np.ndarray) -> np.ndarray:
    """As a fit has them: uncorrelated, with a column of ones."""
    return np.column_stack([np.ones(len(x)), make_scale(x, True, 0.0, 1.0).inputs(x)])
