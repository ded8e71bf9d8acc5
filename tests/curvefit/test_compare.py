"""Two curves of the same data: the F test of nested models from Bates and Watts, and AICc."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from jitgrad import curve_fit
from jitgrad.curvefit import compare
from jitgrad.errors import ArgumentError

X = np.linspace(0, 5, 30)
Y = 3 * np.exp(-X) + 0.05 * np.random.default_rng(0).normal(size=30)
ONE, TWO = "a * exp(-b * x)", "a * exp(-b * x) + c * exp(-d * x)"


@pytest.fixture
def enzyme(data: Path) -> dict[str, Any]:
    frame = pl.read_csv(data / "puromycin.csv")
    return {name: frame[name].to_numpy().astype(float) for name in frame.columns}


def test_nested_models_as_published(enzyme: dict[str, Any]) -> None:
    """Bates and Watts, "Nonlinear regression analysis and its applications", 1988, section 3.10: extra 186, residual 2055 with
    19 degrees of freedom, F 1.7, p 0.21."""
    simple = curve_fit("(v + d * treated) * concentration / (k + concentration)", enzyme, "rate")
    full = curve_fit("(v + d * treated) * concentration / (k + m * treated + concentration)", enzyme, "rate")
    for found in (compare(simple, full), compare(full, simple)):
        assert found.simple is simple and found.nested and found.test is not None
        assert f"{simple.chisqr - full.chisqr:.0f} {full.chisqr:.0f}" == "186 2055"
        assert (found.test.name, found.test.df, found.test.df_resid) == ("F", 1, 19)
        assert f"{found.test.statistic:.1f} {found.test.p_value:.2f}" == "1.7 0.21"
        assert found.test.p_value == pytest.approx(stats.f.sf(found.test.statistic, 1, 19))
    difference = full.aicc - simple.aicc
    assert found.aicc_difference == pytest.approx(difference) and found.evidence_ratio == pytest.approx(
        math.exp(difference / 2)
    )
    assert found.probabilities == pytest.approx((1 / (1 + math.exp(-difference / 2)), 1 / (1 + math.exp(difference / 2))))
    assert "F(1, 19) = 1.718, p = 0.206." in str(found) and "A is 1.931 times as likely to be the better model" in str(found)


NESTED: list[tuple[Any, Any, bool]] = [
    (ONE, TWO, True),
    (ONE, "p * exp(-q * x) + r", True),  # by other names
    ("exponential_decay", "double_exponential", True),
    ("a + b * x", "polynomial:3", True),
    ("a * exp(-b * x)", "u / (1 + v * x) + w * x", False),
    ("a / (1 + b * x)", "a / (1 + (b * x)**h)", True),
    ("a * exp(-b * x)", "h * exp(-((x - m) / w)**2)", False),  # only in the limit of m to minus infinity
]


@pytest.mark.parametrize(("simple", "full", "nested"), NESTED)
@pytest.mark.filterwarnings("ignore")
def test_what_is_nested_is_found_out(simple: str, full: str, nested: bool) -> None:
    found = compare(curve_fit(simple, X, Y), curve_fit(full, X, Y))
    assert found.nested is nested and (found.test is not None) is nested
    assert ("not nested" in str(found)) is not nested


def test_a_fixed_parameter_makes_a_simpler_model() -> None:
    found = compare(
        curve_fit("a * exp(-b * x) + c", X, Y), curve_fit("a * exp(-b * x) + c", X, Y, fixed={"c": 0}, p0={"c": 0.0})
    )
    assert found.nested and len(found.simple.free) == 2


def test_sigma_that_is_known_makes_it_chi_square() -> None:
    fits = [curve_fit(model, X, Y, sigma=0.05, absolute_sigma=True) for model in (ONE, TWO)]
    found = compare(*fits)
    assert found.test is not None and (found.test.name, found.test.df, found.test.df_resid) == ("chi2", 2, None)
    assert found.test.p_value == pytest.approx(stats.chi2.sf(fits[0].chisqr - fits[1].chisqr, 2))
    assert f"χ²(2) = {found.test.statistic:.4g}, p = {found.test.p_value:.3g}." in str(found)


def test_as_many_parameters_and_functions_that_are_called() -> None:
    same = compare(curve_fit(ONE, X, Y), curve_fit("a / (1 + b * x)", X, Y))
    assert same.test is None and "the same number of parameters" in str(same)
    called = curve_fit(lambda x, a, b: a * np.exp(-b * x) if a > 0 else 0 * x, X, Y, [2.0, 1.0])
    found = compare(called, curve_fit(TWO, X, Y))
    assert found.nested is None and "Whether the models are nested is unknown" in str(found) and found.evidence_ratio > 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"y": Y + 1}, "y or sigma differ"),
        ({"sigma": 0.1}, "y or sigma differ"),
        ({"x": X + 1}, "x differs"),
        ({"loss": "huber"}, "used loss 'huber'"),
        ({"sigma": 0.05, "absolute_sigma": True}, "absolute_sigma is True in one"),
    ],
)
def test_what_cannot_be_compared(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        compare(curve_fit(ONE, X, Y), curve_fit(**{"model": "a * exp(-b * x) + c", "x": X, "y": Y} | options))


@pytest.mark.filterwarnings("ignore")
def test_a_fit_that_failed_is_said() -> None:
    found = compare(curve_fit("a * b * exp(-c * x)", X, Y), curve_fit(ONE, X, Y))
    assert "The fit of B failed, so the comparison is unreliable: singular" in " ".join(str(found).split())
