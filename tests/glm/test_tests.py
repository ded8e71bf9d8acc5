"""Tests, intervals and analyses of deviance against what R prints."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy import stats

from jitgrad import glm
from jitgrad.errors import ArgumentError, FitError
from tests.glm.cases import CASES
from tests.glm.references import TABLES, Case
from tests.glm.test_references import fit_of

Terms = dict[str, list[int]]


def terms_of(case: Case) -> Terms:
    """Positions of the columns of each feature."""
    terms, at = {}, 0
    for feature in case.features:
        size = len(case.coded(feature))
        terms[feature] = list(range(at, at + size))
        at += size
    return terms


def products(names: str, most: int) -> tuple[str, ...]:
    """Factors and their products up to some number at once, as ``.^most`` has them."""
    factors = [f"C({name})" for name in names.split()]
    return tuple(":".join(chosen) for size in range(1, most + 1) for chosen in combinations(factors, size))


def test_intervals_as_r_prints_them() -> None:
    """R's tests/Examples/stats-Ex.Rout.save: confint.default(glm.D93)."""
    low = [2.7095672, -0.8505027, -0.6707552, -0.3919928, -0.3919928]
    high = [3.37947764, -0.05800787, 0.08478093, 0.39199279, 0.39199279]
    got = glm.estimates(fit_of("dobson"))
    assert (got.distribution, got.df, got.level) == ("z", np.inf, 0.95)
    np.testing.assert_allclose(got.low[:, 0], low, atol=2e-7)
    np.testing.assert_allclose(got.high[:, 0], high, atol=2e-7)
    wider = glm.estimates(fit_of("dobson"), level=0.99)
    np.testing.assert_allclose(wider.high - wider.estimate, stats.norm.ppf(0.995) * wider.standard_error, rtol=1e-12)


def test_p_values_as_r_prints_them() -> None:
    """R's tests/Examples/stats-Ex.Rout.save: summary(lm.SR)."""
    got = glm.estimates(fit_of("savings"))
    assert (got.distribution, got.df) == ("t", 45)
    np.testing.assert_allclose(got.statistic[:, 0], [3.884, -3.189, -1.561, -0.362, 2.088], atol=5e-4)
    np.testing.assert_allclose(got.p_value[:, 0], [0.000334, 0.002603, 0.125530, 0.719173, 0.042471], atol=5e-7)
    np.testing.assert_allclose(got.high - got.estimate, stats.t.ppf(0.975, 45) * got.standard_error, rtol=1e-12)


def test_what_has_no_estimate() -> None:
    case = CASES["hills, weights, no intercept"]
    x = np.column_stack([case.x, case.x.sum(1)])
    got = glm.estimates(glm.fit(x, case.target, intercept=False, **case.rows))
    for values in (got.estimate, got.standard_error, got.p_value, got.low):
        assert np.isnan(values[:, 0]).tolist() == [True, False, False, True]


def test_the_level_is_a_probability() -> None:
    with pytest.raises(ArgumentError, match="level is 95"):
        glm.estimates(fit_of("savings"), level=95)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dobson", "rate ratio"), ("quine", "rate ratio"), ("budworm", "odds ratio"), ("housing", "odds ratio"),
        ("budworm, cloglog", "hazard ratio"), ("birthwt, log", "risk ratio"), ("clotting, log", "ratio of means"),
        ("savings", None), ("budworm, probit", None),
    ],
)  # fmt: skip
def test_ratios(name: str, expected: str | None) -> None:
    fit = fit_of(name)
    of = glm.estimates(fit, level=0.9)
    got = glm.ratios(fit, of)
    if expected is None:
        assert got is None
        return
    assert got is not None and got.name == expected
    for made, logarithm in ((got.ratio, of.estimate), (got.low, of.low), (got.high, of.high)):
        np.testing.assert_allclose(np.log(made), logarithm, atol=1e-12)


def test_the_f_test_of_all_features_as_r_prints_it() -> None:
    """R's tests/Examples/stats-Ex.Rout.save: summary(lm.SR)."""
    case, larger = CASES["savings"], fit_of("savings")
    smaller = glm.fit(case.x[:, :0], case.target)
    for got in (glm.wald(larger, [0, 1, 2, 3]), glm.f_test(larger, smaller), glm.compare(larger, smaller)):
        assert (got.distribution, got.df, got.df_resid) == ("F", 4, 45)
        assert got.statistic == pytest.approx(5.756, abs=5e-4)
        assert got.p_value == pytest.approx(0.0007904, abs=5e-8)


def test_the_likelihood_ratio_as_r_prints_it() -> None:
    """MASS's tests/Examples/MASS-Ex.Rout.save: anova(quine.nb1, quine.nb2)."""
    case = CASES["quine"]
    more = Case("quine", "Days", (*case.features, "D(Sex):C(Age):C(Lrn)"), "negative_binomial")
    larger = glm.fit(more.x, more.target, "negative_binomial")
    assert larger.theta == pytest.approx(1.686899, abs=2e-6)
    for got in (glm.likelihood_ratio(larger, fit_of("quine")), glm.compare(larger, fit_of("quine"))):
        assert (got.name, got.distribution, got.df) == ("likelihood ratio", "chi2", 4)
        assert got.statistic == pytest.approx(7.627279, abs=2e-6)
        assert got.p_value == pytest.approx(0.10622602, abs=2e-7)


def test_analysis_of_deviance_of_counts_as_r_prints_it() -> None:
    """R's tests/Examples/stats-Ex.Rout.save: anova(glm.D93)."""
    case = CASES["dobson"]
    outcome, treatment = glm.analysis_of_deviance(fit_of("dobson"), case.x, case.target, terms_of(case))
    assert (outcome.name, outcome.df, outcome.df_resid) == ("C(outcome)", 2, 6)
    assert outcome.deviance == pytest.approx(5.4523, abs=5e-5)
    assert outcome.deviance_resid == pytest.approx(5.1291, abs=5e-5)
    assert (outcome.test.distribution, outcome.test.p_value) == ("chi2", pytest.approx(0.06547, abs=5e-6))
    assert (treatment.df, treatment.df_resid) == (2, 4)
    assert (treatment.deviance, treatment.test.p_value) == (pytest.approx(0, abs=1e-9), pytest.approx(1))


# MASS's tests/Examples/MASS-Ex.Rout.save: anova(m2). Term, degrees of freedom, deviance, p.
QUINE = """
Eth 1 19.0989 0.00001241   Age 3 16.3483 0.000962   Lrn 1 3.5449 0.059730   Sex 1 0.3989 0.527666   Eth:Age 3 14.6030 0.002189
Eth:Lrn 1 0.0447 0.832601   Age:Lrn 2 1.7482 0.417240   Eth:Sex 1 1.1470 0.284183   Age:Sex 3 21.9746 0.00006603
Lrn:Sex 1 0.0277 0.867712   Eth:Age:Lrn 2 9.0099 0.011054   Eth:Age:Sex 3 4.8218 0.185319   Eth:Lrn:Sex 1 3.3160 0.068608
Age:Lrn:Sex 2 6.3941 0.040882
"""


def test_analysis_of_deviance_of_a_negative_binomial_as_r_prints_it() -> None:
    """Theta is that of the whole fit, and terms have aliased columns."""
    case = Case("quine", "Days", products("Eth Age Lrn Sex", 3), "negative_binomial")
    fit = glm.fit(case.x, case.target, case.family)
    assert (fit.theta, fit.null_deviance) == (pytest.approx(1.90799, abs=2e-5), pytest.approx(270.03, abs=5e-3))
    terms = {name.replace("C(", "").replace(")", ""): at for name, at in terms_of(case).items()}
    printed = [QUINE.split()[k : k + 4] for k in range(0, 56, 4)]
    steps = glm.analysis_of_deviance(fit, case.x, case.target, {row[0]: terms[row[0]] for row in printed})
    for step, (name, df, deviance, p_value) in zip(steps, printed, strict=True):
        assert (step.name, step.df) == (name, int(df))
        assert step.deviance == pytest.approx(float(deviance), abs=2e-4), name
        assert step.test.p_value == pytest.approx(float(p_value), rel=1e-3, abs=1e-6), name
    assert (steps[-1].df_resid, steps[-1].deviance_resid) == (120, pytest.approx(167.55, abs=5e-3))


def test_terms_left_out_of_least_squares_as_r_prints_it() -> None:
    """MASS's tests/Examples/MASS-Ex.Rout.save: dropterm(quine.nxt, test = "F")."""
    case = Case("quine", "Days", products("Eth Sex Age Lrn", 3))
    y = np.log(np.array(TABLES["quine"]["Days"]) + 2.5)
    fit, terms = glm.fit(case.x, y), terms_of(case)
    assert fit.deviance == pytest.approx(64.099, abs=5e-4)
    got = glm.drop_each(fit, case.x, y, {name: terms[name] for name in terms if name.count(":") == 2})
    printed = {
        "C(Eth):C(Sex):C(Age)": (3, 0.97387, 65.073, 0.60773, 0.61125),
        "C(Eth):C(Sex):C(Lrn)": (1, 1.57879, 65.678, 2.95567, 0.08816),
        "C(Eth):C(Age):C(Lrn)": (2, 2.12841, 66.227, 1.99230, 0.14087),
        "C(Sex):C(Age):C(Lrn)": (2, 1.46623, 65.565, 1.37247, 0.25743),
    }
    assert [step.name for step in got] == list(printed)
    for step, (df, change, left, f, p_value) in zip(got, printed.values(), strict=True):
        assert (step.df, step.test.distribution, step.test.df_resid) == (df, "F", 120)
        assert step.deviance == pytest.approx(change, abs=5e-6)
        assert step.deviance_resid == pytest.approx(left, abs=5e-4)
        assert (step.test.statistic, step.test.p_value) == (pytest.approx(f, abs=5e-6), pytest.approx(p_value, abs=5e-6))
        also = glm.wald(fit, terms[step.name])
        assert (also.statistic, also.df) == (pytest.approx(step.test.statistic), df)


def test_terms_left_out_of_proportions_as_r_prints_it() -> None:
    """MASS's tests/Examples/MASS-Ex.Rout.save: dropterm(eagles.glm)."""
    case = CASES["eagles"]
    terms = {name: at for name, at in terms_of(case).items() if name in ("C(V)", "C(P):C(A)")}
    victim, product = glm.drop_each(fit_of("eagles"), case.x, case.target, terms, **case.rows)
    assert (victim.deviance_resid, product.deviance_resid) == (pytest.approx(53.737, abs=5e-4), pytest.approx(6.956, abs=5e-4))
    assert victim.test.statistic == pytest.approx(53.737 - 0.333, abs=1e-3)
    assert (victim.test.distribution, victim.test.df) == ("chi2", 1)


def test_analysis_of_variance_with_weights_as_r_prints_it() -> None:
    """R's tests/lm-tests.Rout.save: anova(roller.lm0), with a weight of 0."""
    case, weights = CASES["roller, frequencies"], np.arange(10.0)
    fit = glm.fit(case.x, case.target, weights=weights)
    (step,) = glm.analysis_of_deviance(fit, case.x, case.target, {"depression": [0]}, weights=weights)
    assert (step.deviance, step.deviance_resid) == (pytest.approx(158.41, abs=5e-3), pytest.approx(204.20, abs=5e-3))
    assert (step.test.statistic, step.test.p_value) == (pytest.approx(5.4302, abs=5e-5), pytest.approx(0.05259, abs=5e-6))
    assert step.test.df_resid == 7


def test_classes() -> None:
    """Both outputs of a term at once; the likelihood ratio is the change of the deviance."""
    case, fit = CASES["birthwt, race"], fit_of("birthwt, race")
    steps = glm.drop_each(fit, case.x, case.target, terms_of(case))
    assert [step.df for step in steps] == [2, 2, 2]
    without = glm.fit(case.x[:, :2], case.target, "multinomial")
    assert glm.likelihood_ratio(fit, without).statistic == pytest.approx(steps[2].deviance)
    assert glm.wald(fit, [2]).df == 2
    assert glm.wald(fit, [2]).statistic == pytest.approx(steps[2].deviance, rel=0.2)


def test_wald_of_one_coefficient_is_its_square() -> None:
    case, fit = CASES["epil"], fit_of("epil")
    for kind in ("model", "HC3"):
        covariance = glm.covariance(fit, case.x, case.target, kind)
        of, got = glm.estimates(fit, covariance), glm.wald(fit, [2], covariance)
        assert got.statistic == pytest.approx(of.statistic[3, 0] ** 2)
        assert got.p_value == pytest.approx(of.p_value[3, 0])


def test_aliased_columns_are_not_tested() -> None:
    case = CASES["savings"]
    x = np.column_stack([case.x, case.x[:, 0] * 2])
    fit = glm.fit(x, case.target)
    assert glm.wald(fit, [0, 4]).statistic == pytest.approx(glm.wald(fit_of("savings"), [0]).statistic)
    nothing = glm.wald(fit, [4])
    assert nothing.df == 0 and np.isnan(nothing.p_value) and np.isnan(nothing.statistic)
    assert glm.drop_each(fit, x, case.target, {"twice": [4]})[0].df == 0


def test_fewer_clusters_than_coefficients_cannot_be_tested_together() -> None:
    case, fit = CASES["savings"], fit_of("savings")
    covariance = glm.covariance(fit, case.x, case.target, "cluster", np.arange(50) % 3)
    with pytest.raises(FitError, match="Test fewer of them"):
        glm.wald(fit, [0, 1, 2, 3], covariance)


SMALLER = {"savings": CASES["savings"].x[:, :2], "dobson": CASES["dobson"].x[:, :2]}


def without(name: str, **changed: Any) -> glm.Fit:
    case = CASES[name]
    given = {"family": case.family, "y": case.target, **changed}
    return glm.fit(SMALLER[name], given.pop("y"), given.pop("family"), **given)


@pytest.mark.parametrize(
    ("test", "larger", "smaller", "told"),
    [
        (glm.likelihood_ratio, "dobson", lambda: without("dobson", family="quasi_poisson"), "different families"),
        (glm.likelihood_ratio, "dobson", lambda: without("dobson", link="sqrt"), "different links"),
        (
            glm.likelihood_ratio,
            "dobson",
            lambda: without("dobson", freq_weights=np.full(9, 2.0)),
            "different numbers of rows, 9.0 and 18.0",
        ),
        (glm.likelihood_ratio, "dobson", lambda: without("dobson", y=CASES["dobson"].target[::-1] + 1), "different targets"),
        (glm.likelihood_ratio, "dobson", lambda: fit_of("dobson"), "Give the larger fit first"),
        (glm.likelihood_ratio, "dobson, quasi", lambda: without("dobson", family="quasi_poisson"), "has no likelihood"),
        (glm.f_test, "dobson", lambda: without("dobson"), "dispersion of family 'poisson' is known"),
        (glm.f_test, "savings", lambda: without("savings", y=CASES["savings"].target * 2), "different targets"),
    ],
)
def test_what_is_not_compared(test: Any, larger: str, smaller: Any, told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        test(fit_of(larger), smaller())


def test_a_fit_that_is_not_part_of_the_other() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(50, 3))
    y = x[:, 0] + 0.1 * draw.normal(size=50)
    with pytest.raises(ArgumentError, match="Compare nested fits"):
        glm.f_test(glm.fit(x[:, 1:], y), glm.fit(x[:, :1], y))


def test_a_likelihood_without_end_is_not_compared() -> None:
    x = np.arange(8.0)[:, None]
    y = (x[:, 0] > 3) * 1.0
    with pytest.raises(ArgumentError, match="infinite estimates"):
        glm.likelihood_ratio(glm.fit(x, y, "binomial"), glm.fit(x[:, :0], y, "binomial"))


@pytest.mark.parametrize(("analysis", "told"), [(glm.drop_each, "without 'b'"), (glm.analysis_of_deviance, "up to 'a'")])
def test_a_model_that_does_not_converge_is_named(analysis: Any, told: str) -> None:
    x = np.column_stack([np.arange(8.0), np.arange(8) % 3])
    y = (x[:, 0] > 3) * 1.0
    with pytest.raises(FitError, match=f"The model .*{told} did not converge"):
        analysis(glm.fit(x, y, "binomial"), x, y, {"a": [0], "b": [1]})
