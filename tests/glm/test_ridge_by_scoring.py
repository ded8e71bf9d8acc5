"""Ridge regression of every family: scikit-learn's coefficients, and those of equations that say what they are."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from jitgrad import glm
from jitgrad.errors import ArgumentError, DataError
from jitgrad.glm.families import FAMILIES, family_of
from jitgrad.glm.ridge_by_scoring import ridge
from jitgrad.glm.rows import as_rows

DRAW = np.random.default_rng(3)
X = DRAW.normal(size=(60, 4)) * [1, 100, 1e-3, 1] + [3, 0, 0, 1e4]
ETA = 0.3 * (X[:, 0] - 3) + 0.002 * X[:, 1]
WEIGHTS, OFFSET = DRAW.uniform(0.5, 2, 60), DRAW.normal(size=60) / 4
COUNTS = DRAW.poisson(np.exp(ETA)).astype(float)
SIZES = DRAW.gamma(3, np.exp(ETA) / 3)
PARTS = 1 / (1 + np.exp(-ETA))
CASES: list[tuple[str, str | None, np.ndarray]] = [
    ("gaussian", None, ETA + DRAW.normal(size=60)),
    ("gaussian", "log", SIZES),
    ("binomial", None, (DRAW.uniform(size=60) < PARTS) * 1.0),
    ("binomial", "cloglog", PARTS),
    ("poisson", None, COUNTS),
    ("quasi_poisson", None, COUNTS),
    ("gamma", "log", SIZES),
    ("inverse_gaussian", "log", SIZES),
    ("negative_binomial", "log", COUNTS),
]


@pytest.mark.parametrize(("family", "link", "y"), CASES)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("alpha", [1e-3, 10.0])
def test_the_derivative_of_what_it_minimises_is_zero(
    family: str, link: str | None, y: np.ndarray, intercept: bool, alpha: float
) -> None:
    theta = 2.0 if family == "negative_binomial" else None
    x = X - X.mean(0)
    made = ridge(x, y, family, link, alpha=alpha, intercept=intercept, offset=OFFSET, weights=WEIGHTS, theta=theta)
    assert made.converged
    of, rows = family_of(family, theta), as_rows(y, OFFSET, WEIGHTS)
    by = glm.LINKS[link or of.link]

    def score(coefficients: np.ndarray) -> np.ndarray:
        from jitgrad.glm.means import working

        each = working(of, by, rows, x @ coefficients[1:] + coefficients[0] + OFFSET).score
        slope = np.r_[each.sum() * intercept, x.T @ each] / WEIGHTS.sum()
        return slope - alpha * np.r_[0, coefficients[1:]]

    scale = np.r_[1, np.abs(x).mean(0)]
    np.testing.assert_allclose(score(made.coefficients) / scale, 0, atol=1e-11)
    assert intercept or made.coefficients[0] == 0


def test_without_a_penalty_to_speak_of_it_is_the_likelihoods_maximum() -> None:
    fitted = glm.fit(X, COUNTS, "poisson", weights=WEIGHTS)
    made = ridge(X, COUNTS, "poisson", alpha=1e-13, weights=WEIGHTS)
    np.testing.assert_allclose(made.coefficients, fitted.coefficients[:, 0], rtol=1e-6)


def test_more_features_than_rows_and_features_that_are_alike() -> None:
    wide = DRAW.normal(size=(20, 50))
    wide[:, 1] = wide[:, 0]
    wide[:, 2] = 5.0
    y = wide[:, 0] + DRAW.normal(size=20)
    made = ridge(wide, y, alpha=0.5)
    centered = wide - wide.mean(0)
    dual = centered.T @ np.linalg.solve(centered @ centered.T + 0.5 * 20 * np.eye(20), y - y.mean())
    np.testing.assert_allclose(made.coefficients[1:], dual, rtol=1e-8, atol=1e-12)
    assert made.converged


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"family": "poisson", "y": -COUNTS - 1}, DataError, "family 'poisson' needs nonnegative numbers"),
        ({"family": "negative_binomial"}, ArgumentError, "needs theta"),
        ({"family": "tweedie"}, ArgumentError, "tweedie"),
        ({"alpha": 0.0}, ArgumentError, "alpha is 0"),
    ],
)
def test_wrong_use_says_what_to_do(given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ridge(**{"x": X, "y": COUNTS, "alpha": 1.0} | given)


@pytest.mark.parametrize("family", FAMILIES)
def test_fits_can_be_pickled(family: str) -> None:
    fitted = glm.fit(
        X[:, :1], PARTS if FAMILIES[family].proportion else COUNTS + 1, family, "log", theta=2.0 if "neg" in family else None
    )
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X[:, :1]), fitted.predict(X[:, :1]))
    assert again.link.name == fitted.link.name and again.family.name == family
