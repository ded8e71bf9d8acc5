"""Fits to many rows: what is recorded gives what is computed of arrays, whatever the number of threads."""

from __future__ import annotations

import numpy as np
import pytest

import jitgrad as jg
from jitgrad import glm
from jitgrad.glm.families import family_of
from jitgrad.glm.links import LINKS
from jitgrad.glm.result import Fit

ROWS = 5000  # blocks and some rows left
FIGURES = ("dispersion", "deviance", "null_deviance", "log_likelihood", "null_log_likelihood", "pearson_chi2", "df_resid")

SHIFTS = {"inverse": 1.5, "inverse_squared": 1.5, "sqrt": 1.2, "identity": 2.0}


def targets_of(family: str, mean: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Targets with these means, as the family has them."""
    kinds = {
        "gaussian": lambda: mean + 0.3 * draw.normal(size=len(mean)),
        "binomial": lambda: draw.binomial(1, mean),
        "poisson": lambda: draw.poisson(mean),
        "gamma": lambda: draw.gamma(4, mean / 4),
        "inverse_gaussian": lambda: draw.wald(mean, 5),
        "negative_binomial": lambda: draw.negative_binomial(2, 2 / (2 + mean)),
    }
    return np.asarray(kinds[family.removeprefix("quasi_")](), float)


def features_and_targets(family: str, link: str, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, targets and offsets, for which all means are possible by far."""
    x = np.column_stack([draw.uniform(-1, 1, ROWS), draw.uniform(1e4, 1e4 + 2, ROWS), draw.integers(0, 2, ROWS)])
    eta = SHIFTS.get(link, 0.3) + x @ [0.15, 0.1, -0.1] - 1e3
    if family_of(family).proportion:
        eta += {"identity": -1.5, "sqrt": -0.8, "log": -1.2, "inverse": 0.7, "inverse_squared": 0.7}.get(link, 0)
    return x, targets_of(family, LINKS[link].inverse(eta), draw), draw.uniform(0, 0.02, ROWS)


def assert_same(got: Fit, expected: Fit, tolerance: float) -> None:
    np.testing.assert_allclose(got.coefficients, expected.coefficients, rtol=tolerance)
    scale = np.sqrt(np.outer(np.diag(expected.covariance), np.diag(expected.covariance)))
    np.testing.assert_allclose(got.covariance / scale, expected.covariance / scale, atol=tolerance)
    for name in FIGURES:
        np.testing.assert_allclose(getattr(got, name), getattr(expected, name), rtol=tolerance, err_msg=name)
    assert (got.converged, got.separated) == (expected.converged, expected.separated)


MANY = {("binomial", link) for link in LINKS} | {(family, link) for family in glm.FAMILIES for link in ("log", "inverse")}
MANY |= {("gaussian", "identity"), ("poisson", "sqrt"), ("inverse_gaussian", "inverse_squared")}


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows are recorded, too."""
    monkeypatch.setattr("jitgrad.glm.searches.pays", lambda x: True)


@pytest.mark.parametrize(("family", "link"), sorted(MANY))
def test_what_is_recorded_is_what_is_computed(
    family: str, link: str, draw: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y, offset = features_and_targets(family, link, draw)
    theta = 2.0 if family == "negative_binomial" else None
    given = {"offset": offset, "weights": draw.uniform(0.5, 2, ROWS)} if link in ("log", "logit", "identity") else {}
    expected = glm.fit(x, y, family, link, theta=theta, **given)
    assert expected.converged
    monkeypatch.setattr("jitgrad.glm.searches.pays", lambda x: True)
    assert_same(glm.fit(x, y, family, link, theta=theta, **given), expected, 1e-7)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_classes(n_classes: int, intercept: bool, draw: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.column_stack([draw.normal(size=ROWS), draw.normal(3, 1, ROWS)])
    y = (x @ draw.normal(size=(2, n_classes)) + draw.gumbel(size=(ROWS, n_classes))).argmax(1)
    weights = draw.uniform(0.5, 2, ROWS) if n_classes == 4 else None
    expected = glm.fit(x, y, "multinomial", intercept=intercept, weights=weights)
    monkeypatch.setattr("jitgrad.glm.searches.pays", lambda x: True)
    got = glm.fit(x, y, "multinomial", intercept=intercept, weights=weights)
    assert_same(got, expected, 1e-8)
    again = glm.fit(x, y, "multinomial", intercept=intercept, weights=weights, start=got.coefficients)
    assert_same(again, expected, 1e-8)
    assert again.n_iter == 1


@pytest.mark.usefixtures("always")
def test_a_class_that_is_told_apart(draw: np.random.Generator) -> None:
    x = draw.normal(size=(ROWS, 2))
    y = np.where(x[:, 0] > 1, 2, draw.integers(0, 2, ROWS))
    got = glm.fit(x, y, "multinomial", classes=["a", "b", "c"])
    assert got.separated == (
        "Perfect separation: c can be separated from the other classes by a linear combination of the features, so the "
        "maximum-likelihood estimates are infinite"
    )


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(("family", "offset"), [("binomial", False), ("poisson", True), ("gaussian", False)])
def test_threads_change_no_bit(family: str, offset: bool, draw: np.random.Generator) -> None:
    x, y, beside = features_and_targets(family, glm.FAMILIES[family].link, draw)
    before, found = jg.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            jg.set_num_threads(threads)
            found.append(glm.fit(x, y, family, offset=beside if offset else None))
    finally:
        jg.set_num_threads(before)
    for other in found[1:]:
        np.testing.assert_array_equal(other.coefficients, found[0].coefficients)
        np.testing.assert_array_equal(other.covariance, found[0].covariance)
        assert [getattr(other, name) for name in FIGURES] == [getattr(found[0], name) for name in FIGURES]


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("alike", ["combination", "constant", "nearly"])
def test_features_that_are_alike(
    alike: str, intercept: bool, draw: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are made orthonormal first, and those that are combinations have no coefficient."""
    x, y, _ = features_and_targets("binomial", "logit", draw)
    more = {"combination": x[:, 0] - 2 * x[:, 2], "constant": np.full(ROWS, 7.0), "nearly": x[:, 0] + 1e-5 * x[:, 2] ** 2}
    x = np.column_stack([x[:, 0], x[:, 2], more[alike] + 1e-6 * draw.normal(size=ROWS) * (alike == "nearly")])
    expected = glm.fit(x, y, "binomial", intercept=intercept)
    monkeypatch.setattr("jitgrad.glm.searches.pays", lambda x: True)
    got = glm.fit(x, y, "binomial", intercept=intercept)
    assert (
        got.aliased.tolist()
        == expected.aliased.tolist()
        == [False, False, alike != "nearly" and (alike, intercept) != ("constant", False)]
    )
    assert_same(got, expected, 1e-7)


@pytest.mark.usefixtures("always")
def test_classes_that_are_told_apart(draw: np.random.Generator) -> None:
    x = draw.normal(size=(ROWS, 3))
    got = glm.fit(x, x @ [1, 2, 3] > 0, "binomial")
    assert not got.converged
    by = "by a linear combination of the features, so the maximum-likelihood estimates are infinite"
    assert got.separated == f"Perfect separation: the classes can be separated {by}"


@pytest.mark.usefixtures("always")
def test_what_is_impossible_is_left_out_of_the_search(draw: np.random.Generator) -> None:
    """Steps of a mean below 0 are halved, as they are of arrays."""
    x = draw.uniform(0, 1, (ROWS, 2))
    y = draw.poisson(0.05 + x @ [3, 0.0]).astype(float)
    got = glm.fit(x, y, "poisson", "identity")
    assert got.converged
    assert got.predict(x).min() > 0
    np.testing.assert_allclose(got.coefficients[:, 0], [0.05, 3, 0], atol=4 * np.sqrt(np.diag(got.covariance)).max())
