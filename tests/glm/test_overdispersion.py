"""Overdispersion is found where it is, and not where counts are rare."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from jitgrad import glm
from tests.glm.cases import CASES
from tests.glm.test_references import fit_of


def of(name: str) -> glm.Overdispersion | None:
    case = CASES[name]
    return glm.overdispersion(fit_of(name), case.x, case.target, **case.rows)


def test_counts_that_vary_more() -> None:
    got, fit = of("epil"), fit_of("epil")
    assert got is not None
    assert (got.statistic, got.df) == (fit.pearson_chi2, 230)
    assert got.ratio == pytest.approx(fit_of("epil, quasi").dispersion)
    assert got.p_value < 1e-10
    assert got.note == (
        f"Overdispersion: the variance of the counts is {got.ratio:.3g} times that of the Poisson distribution, so the "
        f"standard errors are too "
        "small. Consider 'quasi_poisson' or 'negative_binomial'."
    )


@pytest.mark.parametrize("name", ["dobson", "insurance, offset", "budworm", "menarche"])
def test_where_nothing_is_to_be_said(name: str) -> None:
    got = of(name)
    assert got is not None and got.note == "" and got.p_value > 0.01


@pytest.mark.parametrize("name", ["birthwt", "savings", "quine", "housing", "budworm, quasi"])
def test_where_nothing_can_be_said(name: str) -> None:
    assert of(name) is None


@pytest.mark.parametrize(("least", "most", "trials"), [(0.15, 5.0, 0), (20.0, 40.0, 0), (0.08, 0.5, 2)])
def test_the_test_holds_its_level(least: float, most: float, trials: int) -> None:
    """Of 120 tables without overdispersion about a twentieth is below 0.05, however small the means are."""
    draw, x, found = np.random.default_rng(7), np.repeat([0.0, 1.0], 100)[:, None], []
    rows = {"trials": np.full(200, float(trials))} if trials else {}
    mean = np.where(x[:, 0] > 0, most, least)
    for _ in range(120):
        y = draw.binomial(trials, mean) / trials if trials else draw.poisson(mean)
        got = glm.overdispersion(glm.fit(x, y, "binomial" if trials else "poisson", **rows), x, y, **rows)
        assert got is not None
        found.append(got.p_value)
    assert 0.01 < np.mean(np.array(found) < 0.05) < 0.1


def test_rare_counts_are_not_said_to_vary_too_much() -> None:
    """The usual χ² says so, below 0.05, of a fifth of these tables."""
    draw, usual, found = np.random.default_rng(1), [], []
    for _ in range(120):
        x = draw.normal(size=(300, 1))
        y = draw.poisson(np.exp(1.5 * x[:, 0] - 2))
        got = glm.overdispersion(glm.fit(x, y, "poisson"), x, y)
        assert got is not None
        found.append(got.p_value)
        usual.append(stats.chi2.sf(got.statistic, got.df))
    assert 0.01 < np.mean(np.array(found) < 0.05) < 0.1 < 0.14 < np.mean(np.array(usual) < 0.05)


def test_proportions_that_vary_more() -> None:
    draw, x, trials = np.random.default_rng(8), np.zeros((200, 0)), np.full(200, 20.0)
    y = draw.binomial(20, draw.beta(2, 3, 200)) / 20
    got = glm.overdispersion(glm.fit(x, y, "binomial", trials=trials), x, y, trials=trials)
    assert got is not None and got.ratio > 3 and got.note.endswith("Consider 'quasi_binomial'.")
