"""Fits against the figures of statsmodels, and against what R prints."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jitgrad import glm
from tests.glm.cases import CASES
from tests.glm.references import Case

WRITTEN: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "references.json").read_text())
NUMBERS = ("dispersion", "df_resid", "deviance", "null_deviance", "pearson_chi2", "log_likelihood", "aic", "bic", "theta")


@functools.cache
def fit_of(name: str) -> glm.Fit:
    case = CASES[name]
    theta = None if case.theta == "estimated" else case.theta
    start = None if case.start is None else np.array(case.start)[:, None]
    return glm.fit(case.x, case.target, case.family, case.link, intercept=case.intercept, theta=theta, start=start, **case.rows)


def errors_of(case: Case, fit: glm.Fit, kind: str) -> np.ndarray:
    """Standard errors (outputs, p)."""
    groups = case.group_labels if kind == "cluster" else None
    made = glm.covariance(fit, case.x, case.target, kind, groups, **case.rows)
    return np.sqrt(np.diag(made)).reshape(fit.coefficients.shape[1], -1)


def test_there_are_sixty() -> None:
    assert len(CASES) >= 60 and list(WRITTEN) == list(CASES)
    assert {case.family for case in CASES.values()} == {*glm.FAMILIES, "multinomial"}
    used = {case.link or glm.FAMILIES[case.family].link for case in CASES.values() if case.family != "multinomial"}
    assert used == set(glm.LINKS)


@pytest.mark.parametrize("name", CASES)
def test_the_figures_are_those_of_statsmodels(name: str) -> None:
    case, expected, fit = CASES[name], WRITTEN[name], fit_of(name)
    assert fit.converged and not fit.separated
    np.testing.assert_allclose(fit.coefficients[fit.estimated].T, expected["coefficients"], rtol=1e-8, atol=1e-11)
    for kind in case.kinds:
        np.testing.assert_allclose(errors_of(case, fit, kind), expected["standard_errors"][kind], rtol=1e-6, err_msg=kind)
    for figure in expected.keys() & NUMBERS:
        np.testing.assert_allclose(getattr(fit, figure), expected[figure], rtol=1e-8, err_msg=figure)


def test_recorded_figures_are_what_statsmodels_says() -> None:
    pytest.importorskip("statsmodels", reason="statsmodels is a peer, and not among the packages of the tests")
    from tests.glm.statsmodels_figures import figures

    for name, case in CASES.items():
        found, written = figures(case), WRITTEN[name]
        assert found.keys() == written.keys()
        for key, value in found.items():
            parts = value.items() if isinstance(value, dict) else [(key, value)]
            for part, of in parts:
                expected = written[key][part] if isinstance(value, dict) else written[key]
                np.testing.assert_allclose(of, expected, rtol=1e-9, atol=1e-12, err_msg=f"{name}: {part}")


OF_THE_STEP_BEFORE = 2e-5
"""R's glm stops where the deviance changes by less than 1e-8 of itself, and takes standard errors, Pearson's dispersion and
theta from the step before: the fifth digit of these may differ. Least squares takes no steps."""


def agree(text: str, value: float, of_the_step_before: bool) -> bool:
    """Whether a number is what was printed, up to half a unit of its last digit."""
    digits = len(text.partition(".")[2])
    return abs(float(text) - value) <= 0.5001 * 10.0**-digits + OF_THE_STEP_BEFORE * abs(value) * of_the_step_before


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.printed])
def test_the_figures_are_those_that_r_prints(name: str) -> None:
    case, fit = CASES[name], fit_of(name)
    assert case.printed is not None
    names = np.array(case.names)[fit.estimated]
    estimates = dict(zip(names, fit.coefficients[fit.estimated, 0], strict=True))
    errors = dict(zip(names, errors_of(case, fit, "model")[0], strict=True))
    steps = case.family != "gaussian"
    for term, text in case.printed.coefficients.items():
        assert agree(text, estimates[term], False), (term, text, estimates[term])
    for term, text in case.printed.standard_errors.items():
        assert agree(text, errors[term], steps), (term, text, errors[term])
    for figure, text in case.printed.figures.items():
        value = 2 * fit.log_likelihood if figure == "twice_log_likelihood" else getattr(fit, figure)
        assert agree(text, value, figure in ("dispersion", "theta")), (figure, text, value)


def test_robust_errors_that_r_prints() -> None:
    """sandwich's tests/Examples/sandwich-Ex.Rout.save: Greene's table 14.3."""
    case = CASES["schools"]
    for text, value in zip(["460.8917", "1243.0430", "829.9927"], errors_of(case, fit_of("schools"), "HC0")[0], strict=True):
        assert agree(text, value, False)
