"""Cross-validation against fits without the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jitgrad import glm
from jitgrad.errors import ArgumentError
from jitgrad.glm import validation
from jitgrad.glm.rows import as_rows
from tests.glm.cases import CASES
from tests.glm.references import Case
from tests.glm.test_influence import ROWS, N, X, Y
from tests.glm.test_references import fit_of


def of(name: str, **options: Any) -> glm.Validation:
    case = CASES[name]
    return glm.cross_validate(fit_of(name), case.x, case.target, **case.rows, **options)


def test_the_squares_of_errors_as_r_prints_them() -> None:
    """R's tests/Examples/stats-Ex.Rout.save: PRESS of lm.SR."""
    got = of("savings")
    assert (got.method, got.note) == ("leave-one-out", "")
    assert np.sum((CASES["savings"].target - got.predicted) ** 2) == pytest.approx(798.939, abs=5e-4)


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_rows_of_least_squares_are_left_out_one_by_one(rows: dict[str, np.ndarray]) -> None:
    x = np.column_stack([X, X @ [1, 2]])  # with an aliased column
    got = glm.cross_validate(glm.fit(x, Y, **rows), x, Y, **rows)
    for row in range(N):
        frequency = rows.get("freq_weights", np.ones(N)).copy()
        frequency[row] -= 1
        without = glm.fit(x, Y, **{**rows, "freq_weights": frequency})
        np.testing.assert_allclose(got.predicted[row], without.predict(x, rows.get("offset"))[row], rtol=1e-8)


def test_a_row_of_weight_0_is_left_out_already() -> None:
    weights = np.where(np.arange(N) == 4, 0.0, 1.0)
    fit = glm.fit(X, Y, weights=weights)
    assert glm.cross_validate(fit, X, Y, weights=weights).predicted[4] == pytest.approx(fit.predict(X)[4])


@pytest.mark.parametrize("many", [1, 2])
def test_a_row_that_alone_determines_a_coefficient_is_not_predicted(many: int) -> None:
    x = np.column_stack([X, *(np.arange(N) == 7 + k for k in range(many))])
    got = glm.cross_validate(glm.fit(x, Y), x, Y)
    assert np.flatnonzero(np.isnan(got.predicted)).tolist() == [7, 8][:many]
    told = "1 row has no leave-one-out prediction, because it alone" if many == 1 else "2 rows have no"
    assert got.note.startswith(told)


FOLDED = [
    "birthwt", "budworm", "epil", "insurance, offset", "quine, theta", "clotting, log", "birthwt, weights", "birthwt, race",
    "epil, quasi",
]  # fmt: skip


@pytest.mark.parametrize("name", FOLDED)
def test_folds_are_predicted_by_fits_to_the_others(name: str) -> None:
    case: Case = CASES[name]
    got = of(name, folds=4, seed=3)
    assert (got.method, got.note) == ("4-fold", "")
    _, fold = validation._copies(fit_of(name), as_rows(case.target), 4, 3)
    for number in range(4):
        left = fold != number
        rows = {key: values[left] for key, values in case.rows.items()}
        made = glm.fit(case.x[left], case.target[left], case.family, case.link, theta=case.theta, **rows)
        predicted = made.predict(case.x[~left], case.rows.get("offset", np.zeros(len(left)))[~left])
        np.testing.assert_allclose(got.predicted[~left], predicted, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", ["savings", "birthwt", "epil", "quine, theta", "warpbreaks, tension"])
def test_rows_with_frequencies_are_validated_as_so_many_rows(name: str) -> None:
    """Copies of a row are in folds of their own; that they are given by their number makes no difference."""
    case: Case = CASES[name]
    times = np.arange(len(case.target)) % 4  # some of them none
    many = np.repeat(np.arange(len(times)), times)
    x, y = case.x, case.target
    fit = glm.fit(x, y, case.family, theta=case.theta, freq_weights=times)
    short = glm.cross_validate(fit, x, y, freq_weights=times)
    x, y = x[many], y[many]
    long = glm.cross_validate(glm.fit(x, y, case.family, theta=case.theta), x, y)
    assert short.method == long.method and short.frequency.sum() == len(many)
    assert short.method == "leave-one-out" or len(short.predicted) > np.count_nonzero(times)  # copies have several folds
    counted, expected = (
        sorted((row, *np.round(np.atleast_1d(p), 6)) for row, p in zip(rows, predicted, strict=True))
        for rows, predicted in (
            (
                np.repeat(short.rows, short.frequency.astype(int)),
                np.repeat(short.predicted, short.frequency.astype(int), axis=0),
            ),
            (many, long.predicted),
        )
    )
    np.testing.assert_allclose(counted, expected, rtol=1e-5, atol=2e-6)


def test_parts_of_rows_are_not_validated() -> None:
    times = np.full(N, 1.5)
    got = glm.cross_validate(glm.fit(X, Y, freq_weights=times), X, Y, freq_weights=times)
    assert got.method == "" and "the frequency weights are not integers" in got.note


def test_the_seed_makes_the_folds() -> None:
    first, again, other = (of("birthwt", seed=seed).predicted for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_classes_are_spread_over_the_folds() -> None:
    case = CASES["birthwt, race"]
    _, fold = validation._copies(fit_of("birthwt, race"), as_rows(case.target), 10, 0)
    for position in range(3):
        counts = np.bincount(fold[case.target == position], minlength=10)
        assert counts.max() - counts.min() <= 1


def test_no_more_folds_than_rows() -> None:
    assert of("irwin").method == "5-fold"


def test_folds_without_a_maximum_are_said() -> None:
    """The one count above 0 with x = 1 is in one of the folds."""
    x = np.repeat([0.0, 1.0], 20)[:, None]
    y = np.where(np.arange(40) < 20, np.arange(40) % 3, np.arange(40) == 30) * 1.0
    got = glm.cross_validate(glm.fit(x, y, "poisson"), x, y)
    assert got.method == "10-fold"
    assert got.note == "The rows of 1 of 10 folds have no prediction, because the fit without them did not converge."
    assert np.isnan(got.predicted).sum() == 4 and np.isnan(got.predicted[30])


def test_what_has_no_maximum_is_not_validated() -> None:
    x = np.arange(8.0)[:, None]
    y = (x[:, 0] > 3) * 1.0
    got = glm.cross_validate(glm.fit(x, y, "binomial"), x, y)
    assert got.method == "" and np.isnan(got.predicted).all()


def test_a_large_table_is_not_fitted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "MOST", 1000.0)
    got = of("birthwt")
    assert got.method == "" and np.isnan(got.predicted).all()
    assert got.note == "The model was not cross-validated, because the table is large (1890 values)."
    assert of("swiss").method == "leave-one-out"
    case, times = CASES["birthwt"], np.full(189, 2000)
    monkeypatch.setattr(validation, "MOST", 1e5)
    fit = glm.fit(case.x, case.target, case.family, freq_weights=times)
    assert "there are 378000 rows" in glm.cross_validate(fit, case.x, case.target, freq_weights=times).note
    monkeypatch.setattr(validation, "MOST", 1e5)
    monkeypatch.setattr(validation, "FEWER_FOLDS", 1000.0)
    assert of("birthwt").method == "5-fold"


def test_fewer_than_two_folds_are_none() -> None:
    with pytest.raises(ArgumentError, match="Give at least 2"):
        of("birthwt", folds=1)
