"""Ridge systems of more columns than rows, beside dense solutions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jitgrad.glm import path, quadratic
from jitgrad.glm.dual import Dual


def test_solutions_are_those_of_dense_systems_as_columns_come_and_go() -> None:
    draw = np.random.default_rng(0)
    columns, system = draw.normal(size=(80, 12)), Dual(12)
    size, moved = 60, np.arange(40)
    for step in range(30):
        ridge = 0.9**step * (1 + moved % 3)
        right = draw.normal(size=(len(moved), 2))
        dense = columns[moved] @ columns[moved].T + np.diag(ridge)
        found = system.solved(columns[:size], moved, ridge, right)
        np.testing.assert_allclose(dense @ found, right, atol=1e-10)
        size = min(size + 1, 80)
        moved = np.setdiff1d(np.union1d(moved, draw.integers(0, size, 4)), draw.integers(0, size, 3))


def test_a_ridge_that_changes_its_shape_starts_anew() -> None:
    draw = np.random.default_rng(1)
    columns, system, moved = draw.normal(size=(30, 5)), Dual(5), np.arange(30)
    for ridge in (np.full(30, 0.1), draw.random(30) + 0.1, np.full(30, 3.0)):
        right = draw.normal(size=(30, 1))
        found = system.solved(columns, moved, ridge, right)
        np.testing.assert_allclose(columns @ (columns.T @ found) + ridge[:, None] * found, right, atol=1e-11)


@pytest.mark.parametrize("intercept", [True, False])
def test_a_path_is_the_same_by_rows_and_by_columns(monkeypatch: pytest.MonkeyPatch, intercept: bool) -> None:
    draw = np.random.default_rng(2)
    x = draw.normal(size=(40, 70)) + 0.3
    y, factor = x @ draw.normal(size=70), np.where(np.arange(70) < 2, 0.0, 1.0)
    weights = np.where(np.arange(40) % 5 == 0, 0.0, 1.0)
    systems: list[int] = []
    solved = Dual.solved

    def counted(*given: Any) -> np.ndarray:
        systems.append(len(given[2]))
        found: np.ndarray = solved(*given)
        return found

    def fitted() -> np.ndarray:
        found = path(x, y, l1_ratio=0.1, n_alphas=15, intercept=intercept, weights=weights, penalty_factor=factor)
        assert found.converged.all()
        return found.coefficients

    monkeypatch.setattr(Dual, "solved", counted)
    by_rows = fitted()
    assert len(systems) > 5 and min(systems) > 32  # the rows with a weight
    monkeypatch.setattr(quadratic, "LEAST_RIDGE", np.inf)
    count = len(systems)
    np.testing.assert_allclose(by_rows, fitted(), atol=1e-8)
    assert len(systems) == count
