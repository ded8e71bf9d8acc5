"""Residuals and influence against what R prints, and against fits without the row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jitgrad import glm
from jitgrad.errors import ArgumentError
from jitgrad.glm.influence import Influence
from tests.glm.cases import CASES
from tests.glm.references import Case
from tests.glm.test_references import fit_of

N = 30
DRAW = np.random.default_rng(11)
X = DRAW.normal(size=(N, 2))
Y = X[:, 0] + DRAW.normal(size=N)


def of(name: str) -> Influence:
    case = CASES[name]
    return glm.influence(fit_of(name), case.x, case.target, **case.rows)


def numbers(text: str) -> np.ndarray:
    return np.array(text.split(), float)


# R's tests/lm-tests.Rout.save, influence.measures(lm.SR): every fifth country.
SAVINGS = {
    "dffits": "0.0627 -0.0390 0.3845 -0.2811 0.5216 0.2386 -0.1775 0.0343 -0.1445 0.7482",
    "cooks_distance": "8.04e-04 3.11e-04 2.88e-02 1.59e-02 5.44e-02 1.15e-02 6.33e-03 2.41e-04 4.23e-03 9.66e-02",
    "leverage": "0.0677 0.1584 0.0627 0.0966 0.2122 0.0794 0.0390 0.0651 0.0396 0.0643",
}


@pytest.mark.parametrize("figure", SAVINGS)
def test_least_squares_as_r_prints_it(figure: str) -> None:
    np.testing.assert_allclose(getattr(of("savings"), figure)[::5], numbers(SAVINGS[figure]), rtol=6e-3, atol=5e-5)


def test_weights_some_of_them_0_as_r_prints_it() -> None:
    """R's tests/lm-tests.Rout.save, influence.measures(roller.lm0)."""
    case, weights = CASES["roller, frequencies"], np.arange(10.0)
    got = glm.influence(glm.fit(case.x, case.target, weights=weights), case.x, case.target, weights=weights)
    dffits = "-0.0530 -0.1782 0.0131 -0.3370 -0.2960 -0.5010 0.7972 -0.2664 2.0937"
    cook = "0.00164 0.01806 0.00010 0.05552 0.04577 0.11932 0.30998 0.04079 0.89584"
    hat = "0.1277 0.1742 0.2613 0.0892 0.1114 0.1555 0.3510 0.4470 0.2826"
    np.testing.assert_allclose(got.dffits[1:], numbers(dffits), atol=5.1e-5)
    np.testing.assert_allclose(got.cooks_distance[1:], numbers(cook), atol=5.1e-6)
    np.testing.assert_allclose(got.leverage[1:], numbers(hat), atol=5.1e-5)
    assert np.isnan([got.leverage[0], got.dffits[0], got.cooks_distance[0], got.pearson[0], got.deviance[0]]).all()


def test_proportions_as_r_prints_them() -> None:
    """R's tests/Examples/stats-Ex.Rout.save, Irwin's data in lm.influence."""
    np.testing.assert_allclose(of("irwin").cooks_distance, [0.2520, 0.2610, 1.2900, 0.0845, 0.3640], rtol=4e-3)


def test_deviance_residuals_as_r_prints_them() -> None:
    """summary(glm.D93) of R before 4.3."""
    printed = "-0.67125 0.96272 -0.16965 -0.21999 -0.95552 1.04939 0.84715 -0.09167 -0.96656"
    np.testing.assert_allclose(of("dobson").deviance, numbers(printed), atol=5.1e-6)


ROWS: dict[str, dict[str, np.ndarray]] = {
    "plain": {},
    "offset": {"offset": np.linspace(0, 3, N)},
    "weights": {"weights": DRAW.uniform(0.5, 3, N)},
    "frequencies": {"freq_weights": np.arange(N) % 3 + 1.0},
    "all": {"offset": X[:, 1] ** 2, "weights": DRAW.uniform(0.5, 3, N), "freq_weights": np.arange(N) % 2 + 1.0},
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_least_squares_is_that_of_fits_without_the_row(rows: dict[str, np.ndarray]) -> None:
    x = np.column_stack([X, X @ [1, 2]])  # with an aliased column
    fit = glm.fit(x, Y, **rows)
    got = glm.influence(fit, x, Y, **rows)
    assert fit.aliased.tolist() == [False, False, True]
    weights = rows.get("weights", np.ones(N))
    for row in range(N):
        frequency = rows.get("freq_weights", np.ones(N)).copy()
        frequency[row] -= 1
        without = glm.fit(x, Y, **{**rows, "freq_weights": frequency})
        moved = fit.predict(x, rows.get("offset")) - without.predict(x, rows.get("offset"))
        error = (Y - without.predict(x, rows.get("offset")))[row]
        hat, sigma = got.leverage[row], np.sqrt(without.dispersion / weights[row])
        own = {
            "studentised": error * np.sqrt(1 - hat) / sigma,
            "dffits": moved[row] / (sigma * np.sqrt(hat)),
            "cooks_distance": np.sum((frequency + (np.arange(N) == row)) * weights * moved**2) / (fit.dispersion * 3),
        }
        for figure, expected in own.items():
            np.testing.assert_allclose(getattr(got, figure)[row], expected, rtol=1e-8, err_msg=figure)
    np.testing.assert_allclose(got.standardised, got.standardised_pearson)
    frequency = rows.get("freq_weights", np.ones(N))
    assert np.sum(frequency * got.leverage) == pytest.approx(3)


@pytest.mark.parametrize("name", ["epil", "budworm", "birthwt, gamma", "quine, theta", "epil, quasi", "spector, probit"])
def test_one_step_is_near_the_fit_without_the_row(name: str) -> None:
    """Williams' residuals are signed roots of how much the deviance falls without the row."""
    case: Case = CASES[name]
    fit, got = fit_of(name), of(name)
    dispersion, theta = fit.dispersion, case.theta
    for row in range(0, len(case.target), max(1, len(case.target) // 10)):
        left = np.arange(len(case.target)) != row
        rows: dict[str, Any] = {key: value[left] for key, value in case.rows.items()}
        without = glm.fit(case.x[left], case.target[left], case.family, case.link, theta=theta, **rows)
        fall = fit.deviance - without.deviance
        scale = np.sqrt((without.deviance / without.df_resid) if fit.dispersion_estimated else 1.0)
        assert abs(got.studentised[row]) == pytest.approx(np.sqrt(fall) / scale, rel=0.08, abs=0.02)
        moved = without.coefficients[without.estimated, 0] - fit.coefficients[fit.estimated, 0]
        cook = moved @ np.linalg.solve(fit.covariance / dispersion, moved) / (dispersion * len(moved))
        assert got.cooks_distance[row] == pytest.approx(cook, rel=0.5, abs=0.01)


def test_relations_of_residuals() -> None:
    case, fit = CASES["clotting, log"], fit_of("clotting, log")
    got, mean = of("clotting, log"), fit.predict(case.x)
    np.testing.assert_allclose(got.response, case.target - mean)
    np.testing.assert_allclose(got.working, (case.target - mean) / mean, rtol=1e-12)
    np.testing.assert_allclose(np.sum(got.deviance**2), fit.deviance)
    np.testing.assert_allclose(np.sum(got.pearson**2), fit.pearson_chi2)


def test_a_row_that_alone_determines_a_coefficient() -> None:
    x = np.column_stack([X, np.arange(N) == 7])
    got = glm.influence(glm.fit(x, Y), x, Y)
    assert got.leverage[7] == pytest.approx(1)
    for figure in ("standardised", "studentised", "cooks_distance", "dffits"):
        assert np.flatnonzero(np.isnan(getattr(got, figure))).tolist() == [7]


def test_classes_have_no_residuals() -> None:
    with pytest.raises(ArgumentError, match="Residuals are undefined for class targets"):
        of("birthwt, race")
