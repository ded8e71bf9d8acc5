"""Whether the likelihood has a maximum: features that tell targets apart without error."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from jitgrad import glm

RAMP = np.linspace(-1, 1, 40)
HALF = (RAMP > 0).astype(float)
OVERLAP = np.where(np.arange(40) == 10, 1.0, HALF)
ALTERNATING = np.arange(40) % 2.0
LAST = np.r_[np.zeros(39), 1.0]
THREE = ["a", "b", "c"]


ZEROS = "some zero counts can be separated from the other rows"


@pytest.mark.parametrize(
    ("family", "link", "x", "y", "told"),
    [
        ("binomial", None, [RAMP], HALF, "the classes can be separated"),
        ("binomial", "probit", [RAMP], HALF, "the classes can be separated"),
        ("binomial", "cloglog", [RAMP], HALF, "the classes can be separated"),
        ("binomial", None, [RAMP], LAST, "the classes can be separated"),
        ("binomial", None, [RAMP, HALF], np.maximum(HALF, ALTERNATING), "the classes of some rows can be separated"),
        ("binomial", None, [HALF], HALF, "the classes can be separated"),
        ("binomial", None, [RAMP], np.zeros(40), "the classes can be separated"),
        ("quasi_binomial", None, [HALF], HALF, "the classes can be separated"),
        ("binomial", None, [HALF, RAMP], np.where(HALF > 0, 0.5, 0.0), "the classes of some rows can be separated"),
        ("multinomial", None, [RAMP], HALF, "the classes can be separated"),
        ("multinomial", None, [HALF, RAMP], np.where(HALF > 0, 2.0, ALTERNATING), "c can be separated from the other classes"),
        ("poisson", None, [HALF], np.where(HALF > 0, 0.0, ALTERNATING + 1), ZEROS),
        ("poisson", None, [HALF, RAMP], np.where(HALF > 0, 0.0, ALTERNATING + 1), ZEROS),
        ("poisson", None, [RAMP], LAST, ZEROS),
        ("poisson", None, [RAMP], np.zeros(40), ZEROS),
        ("binomial", None, [RAMP], OVERLAP, None),
        ("binomial", None, [RAMP, RAMP**3], OVERLAP, None),
        ("binomial", "log", [RAMP], ALTERNATING, None),
        ("multinomial", None, [RAMP], OVERLAP + ALTERNATING, None),
        ("poisson", None, [HALF, RAMP], np.where(HALF > 0, 0.0, 1.0) + ALTERNATING, None),
        ("poisson", None, [RAMP], np.eye(40)[20], None),
    ],
)  # fmt: skip
def test_what_the_features_tell_without_error(
    family: str, link: str | None, x: list[np.ndarray], y: np.ndarray, told: str | None
) -> None:
    names = THREE[: int(y.max()) + 1] if family == "multinomial" else None
    got = glm.fit(np.column_stack(x), y, family, link, classes=names)
    if told is None:
        assert got.converged and not got.separated
    else:
        assert not got.converged
        by = "by a linear combination of the features, so the maximum-likelihood estimates are infinite"
        assert got.separated == f"Perfect separation: {told} {by}"
        assert np.isnan(got.covariance).all() and np.isfinite(got.coefficients).all()


@pytest.mark.parametrize("family", ["binomial", "multinomial"])
@pytest.mark.parametrize("seed", range(40))
def test_separation_against_linear_programming(seed: int, family: str) -> None:
    """Konis, "Linear programming algorithms for detecting separated data in binary logistic regression models", 2007."""
    draw = np.random.default_rng(seed)
    rows, features = int(draw.integers(8, 60)), int(draw.integers(1, 4))
    classes = 2 if family == "binomial" else int(draw.integers(2, 4))
    kinds = [draw.normal, draw.standard_cauchy, lambda size: draw.integers(0, 2, size).astype(float)]
    z = kinds[seed % 3](size=(rows, features))
    noise = draw.choice([0.0, 0.3, 1.0]) * draw.gumbel(size=(rows, classes))
    y = np.unique((z @ draw.normal(size=(features, classes)) + noise).argmax(1), return_inverse=True)[1]
    y[:2] = 0, 1  # at least two classes
    got = glm.fit(z, y, family)
    assert got.converged != bool(got.separated)
    assert bool(got.separated) == is_separated(np.column_stack([np.ones(rows), z]), y)


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
