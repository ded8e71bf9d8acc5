"""Covariances of coefficients: what sandwiches are, and what there is no sandwich for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jitgrad import glm
from jitgrad.errors import ArgumentError, DataError
from jitgrad.glm.covariance import KINDS

N = 60
DRAW = np.random.default_rng(3)
X = DRAW.normal(size=(N, 2))
Y = {
    "gaussian": X[:, 0] + DRAW.normal(size=N) * np.exp(X[:, 1]),
    "poisson": DRAW.poisson(np.exp(0.5 * X[:, 0] + 0.3)) * 1.0,
    "multinomial": np.argmax(X @ [[1.0, 0.0, -1.0], [0.0, 0.5, 0.0]] + DRAW.gumbel(size=(N, 3)), 1) * 1.0,
}
GROUPS = np.arange(N) // 6
OFTEN = np.arange(N) % 3 + 1.0


def groups_for(kind: str, groups: np.ndarray = GROUPS) -> np.ndarray | None:
    return groups if kind == "cluster" else None


DEFINED = [(family, kind) for family in Y for kind in KINDS if family != "multinomial" or kind not in ("HC2", "HC3")]


@pytest.mark.parametrize(("family", "kind"), DEFINED)
def test_frequencies_are_rows_given_that_often(family: str, kind: str) -> None:
    y, often = Y[family], OFTEN.astype(int)
    got = glm.covariance(glm.fit(X, y, family, freq_weights=OFTEN), X, y, kind, groups_for(kind), freq_weights=OFTEN)
    x, y, groups = np.repeat(X, often, 0), np.repeat(y, often), np.repeat(GROUPS, often)
    np.testing.assert_allclose(got, glm.covariance(glm.fit(x, y, family), x, y, kind, groups_for(kind, groups)), rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_weight_0_are_no_rows(kind: str) -> None:
    weights = OFTEN - 1
    fit = glm.fit(X, Y["gaussian"], weights=weights)
    got = glm.covariance(fit, X, Y["gaussian"], kind, groups_for(kind), weights=weights)
    kept = weights > 0
    x, y, w = X[kept], Y["gaussian"][kept], weights[kept]
    expected = glm.covariance(glm.fit(x, y, weights=w), x, y, kind, groups_for(kind, GROUPS[kept]), weights=w)
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_an_aliased_column_changes_nothing() -> None:
    x, y = np.column_stack([X[:, 0], 2 * X[:, 0], X[:, 1]]), Y["poisson"]
    got = glm.covariance(glm.fit(x, y, "poisson"), x, y, "HC3")
    np.testing.assert_allclose(got, glm.covariance(glm.fit(X, y, "poisson"), X, y, "HC3"), rtol=1e-8)


def test_each_row_a_cluster_is_hc1_of_one_row_less() -> None:
    fit = glm.fit(X, Y["gaussian"])
    got = glm.covariance(fit, X, Y["gaussian"], "cluster", np.array([f"row {k}" for k in range(N)]))
    np.testing.assert_allclose(got, glm.covariance(fit, X, Y["gaussian"], "HC1"), rtol=1e-12)


def test_of_as_many_rows_as_coefficients_nothing_is_known() -> None:
    fit = glm.fit(X[:3], Y["gaussian"][:3])
    assert np.isnan(glm.covariance(fit, X[:3], Y["gaussian"][:3], "HC1")).all()


def test_a_perfect_fit_has_no_errors() -> None:
    x = np.arange(5.0)[:, None]
    assert not glm.covariance(glm.fit(x, np.zeros(5)), x, np.zeros(5), "HC3").any()


@pytest.mark.parametrize(
    ("kind", "options", "raised", "told"),
    [
        ("HC4", {}, ArgumentError, "'HC4'.* Did you mean 'HC3'.* HC3"),
        ("cluster", {}, ArgumentError, "Give groups"),
        ("HC1", {"groups": GROUPS}, ArgumentError, "choose kind='cluster'"),
        ("cluster", {"groups": GROUPS[:5]}, DataError, r"groups has shape \(5,\)"),
        ("cluster", {"groups": np.zeros(N)}, DataError, "one cluster"),
    ],
)
def test_what_is_refused(kind: str, options: dict[str, Any], raised: type[Exception], told: str) -> None:
    with pytest.raises(raised, match=told):
        glm.covariance(glm.fit(X, Y["gaussian"]), X, Y["gaussian"], kind, **options)


def test_classes_have_no_hat_values() -> None:
    with pytest.raises(ArgumentError, match="is undefined for class targets"):
        glm.covariance(glm.fit(X, Y["multinomial"], "multinomial"), X, Y["multinomial"], "HC3")


@pytest.mark.parametrize("kind", ["HC2", "HC3"])
def test_a_row_that_alone_determines_a_coefficient(kind: str) -> None:
    x = np.column_stack([X, np.arange(N) == 7])
    fit = glm.fit(x, Y["gaussian"])
    with pytest.raises(DataError, match="Row 7 has a leverage of 1"):
        glm.covariance(fit, x, Y["gaussian"], kind)
    assert np.isfinite(glm.covariance(fit, x, Y["gaussian"], "HC1")).all()
