"""Hypothesis tests of coefficients and of nested models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from jitgrad.errors import ArgumentError, FitError
from jitgrad.glm.result import Fit

SINGULAR = 1e-10
"""Pivots of a correlation matrix below this value count as 0."""
SAME = 1e-7
"""Relative tolerance for comparing statistics of the same rows."""


@dataclass(frozen=True)
class HypothesisTest:
    """The result of a hypothesis test.

    Parameters
    ----------
    name : {"Wald", "likelihood ratio", "deviance", "F"}
        The kind of test.
    statistic : float
        The test statistic.
    distribution : {"chi2", "F"}
        The distribution of the statistic under the null hypothesis.
    df : int
        The number of tested coefficients.
    df_resid : float
        The denominator degrees of freedom of an F test; inf for "chi2".
    p_value : float
        The p-value; nan if no coefficients are tested.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [1.0, 3.0, 4.0, 8.0]
    >>> test = glm.wald(glm.fit(x, y), [0])
    >>> test.distribution, test.df, test.df_resid, round(test.statistic, 2), round(test.p_value, 4)
    ('F', 1, 2.0, 26.89, 0.0352)
    """

    name: str
    statistic: float
    distribution: Literal["chi2", "F"]
    df: int
    df_resid: float
    p_value: float


def _chi2(name: str, statistic: float, df: int) -> HypothesisTest:
    from scipy.special import chdtrc

    p_value = float(chdtrc(df, statistic)) if df else np.nan
    return HypothesisTest(name, float(statistic), "chi2", df, np.inf, p_value)


def _f(name: str, statistic: float, df: int, df_resid: float) -> HypothesisTest:
    from scipy.special import fdtrc

    defined = df > 0 and df_resid > 0
    return HypothesisTest(
        name, float(statistic), "F", df, df_resid, float(fdtrc(df, df_resid, statistic)) if defined else np.nan
    )


def wald(
    fit: Fit, columns: Sequence[int] | np.ndarray, covariance: np.ndarray | None = None, df: float | None = None
) -> HypothesisTest:
    """Wald test that coefficients are 0, jointly for all outputs.

    Parameters
    ----------
    fit : Fit
        The fit.
    columns : sequence of int
        The features to test, for example the columns of a factor. Aliased features are ignored.
    covariance : ndarray, shape (outputs * q, outputs * q), optional
        The covariance of the coefficients, as returned by `covariance`. By default, the model-based covariance.
    df : float, optional
        The denominator degrees of freedom, or inf for a χ² test. By default, the residual degrees of freedom if the dispersion
        is estimated, and inf otherwise.

    Returns
    -------
    HypothesisTest
        An F or χ² test. For least squares with the model-based covariance, it equals the F test against the fit without the
        features.

    Raises
    ------
    FitError
        If the covariance of these coefficients is singular, for example with fewer clusters than coefficients.

    See Also
    --------
    f_test, likelihood_ratio : Compare two fits.
    drop_each : Test each term against the fit without it.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 1.0], [4.0, 0.0]])
    >>> round(glm.wald(glm.fit(x, [1, 3, 4, 8, 9]), [0, 1]).p_value, 4)
    0.0411
    """
    if df is None:
        df = fit.df_resid if fit.dispersion_estimated else np.inf
    chosen = np.zeros(len(fit.estimated), bool)
    chosen[1 + np.asarray(columns, int)] = True
    at = np.tile(chosen[fit.estimated], fit.coefficients.shape[1])
    values = fit.coefficients[chosen & fit.estimated].T.ravel()
    own = (fit.covariance if covariance is None else covariance)[np.ix_(at, at)]
    q = len(values)
    squares = _squares(values, own) if q else np.nan
    return _chi2("Wald", squares, q) if np.isinf(df) else _f("Wald", squares / max(q, 1), q, df)


def _squares(values: np.ndarray, covariance: np.ndarray) -> float:
    """Return vᵀ C⁻¹ v, or nan if C is nan."""
    sizes = np.sqrt(np.diag(covariance))
    if not (sizes > 0).all():
        return np.nan
    try:
        root = np.linalg.cholesky(covariance / np.outer(sizes, sizes))
    except np.linalg.LinAlgError:
        root = np.zeros_like(covariance)
    if np.diag(root).min() ** 2 < SINGULAR:
        raise FitError(
            f"The covariance of the {len(values)} coefficients is singular, so they cannot be tested jointly. "
            f"Test fewer of them, "
            f"or use more clusters."
        )
    return float(np.sum(np.linalg.solve(root, values / sizes) ** 2))


def likelihood_ratio(larger: Fit, smaller: Fit) -> HypothesisTest:
    """Likelihood-ratio test of nested models.

    Parameters
    ----------
    larger, smaller : Fit
        Fits of the same family and link to the same rows, with ``smaller`` nested in ``larger``.

    Returns
    -------
    HypothesisTest
        A χ² test of the hypothesis that the smaller model is correct.

    Raises
    ------
    ArgumentError
        If the fits differ in rows, family or link, have no likelihood, or are not nested.

    See Also
    --------
    f_test : For families with estimated dispersion.
    compare : Choose the test by family.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [1, 3, 4, 8]
    >>> smaller, larger = glm.fit(x[:, :0], y, family="poisson"), glm.fit(x, y, family="poisson")
    >>> round(glm.likelihood_ratio(larger, smaller).p_value, 4)
    0.0118
    """
    _comparable(larger, smaller)
    if not larger.family.has_likelihood:
        raise ArgumentError(f"Family {larger.family.name!r} has no likelihood. Compare the fits with f_test.")
    return _chi2(
        "likelihood ratio",
        _at_least_0(2 * (larger.log_likelihood - smaller.log_likelihood), larger.log_likelihood),
        larger.n_parameters - smaller.n_parameters,
    )


def f_test(larger: Fit, smaller: Fit) -> HypothesisTest:
    """F test of nested models, for families with estimated dispersion.

    Parameters
    ----------
    larger, smaller : Fit
        Fits of the same family and link to the same rows, with ``smaller`` nested in ``larger``.

    Returns
    -------
    HypothesisTest
        An F test of the hypothesis that the smaller model is correct.

    Raises
    ------
    ArgumentError
        If the fits differ in rows, family or link, have a known dispersion, or are not nested.

    See Also
    --------
    likelihood_ratio : For families with known dispersion.

    Notes
    -----
    The statistic is the reduction of the deviance per additional coefficient, divided by the dispersion of the larger model.
    The test is exact for least squares. See McCullagh and Nelder, *Generalized Linear Models*, 1989.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [1, 3, 4, 8]
    >>> round(glm.f_test(glm.fit(x, y), glm.fit(x[:, :0], y)).p_value, 4)
    0.0352
    """
    _comparable(larger, smaller)
    if not larger.dispersion_estimated:
        raise ArgumentError(
            f"The dispersion of family {larger.family.name!r} is known. Compare the fits with likelihood_ratio."
        )
    return test_of_change(larger, smaller.deviance - larger.deviance, larger.df_model - smaller.df_model, smaller.deviance)


def compare(larger: Fit, smaller: Fit) -> HypothesisTest:
    """Compare nested models: `f_test` if the dispersion is estimated, otherwise `likelihood_ratio`.

    Parameters
    ----------
    larger, smaller : Fit
        Fits of the same family and link to the same rows, with ``smaller`` nested in ``larger``.

    Returns
    -------
    HypothesisTest
        An F or χ² test of the hypothesis that the smaller model is correct.

    Raises
    ------
    ArgumentError
        If the fits differ in rows, family or link, or are not nested.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [1, 3, 4, 8]
    >>> glm.compare(glm.fit(x, y), glm.fit(x[:, :0], y)).name
    'F'
    """
    return f_test(larger, smaller) if larger.dispersion_estimated else likelihood_ratio(larger, smaller)


def _comparable(larger: Fit, smaller: Fit) -> None:
    """Raise ArgumentError for fits that cannot be nested."""
    for told, a, b in (
        ("families", larger.family.name, smaller.family.name),
        ("links", larger.link and larger.link.name, smaller.link and smaller.link.name),
        ("numbers of rows", larger.n, smaller.n),
    ):
        if a != b:
            raise ArgumentError(f"The fits have different {told}, {a} and {b}. Compare fits with the same {told}.")
    own, other = _fingerprint(larger), _fingerprint(smaller)
    if larger.intercept == smaller.intercept and abs(own - other) > SAME * abs(own):
        raise ArgumentError("The fits have different targets, weights or offsets. Compare fits to the same rows.")
    if larger.df_model + larger.intercept <= smaller.df_model + smaller.intercept:
        raise ArgumentError("The first fit does not have more coefficients than the second. Give the larger fit first.")
    if larger.separated or smaller.separated:
        raise ArgumentError(
            "One of the fits has infinite estimates because of perfect separation, so the fits cannot be compared. "
            "Remove the predictor that separates the classes from both models, or fit with a penalty."
        )


def _fingerprint(fit: Fit) -> float:
    """Return a statistic that is equal for all fits to the same rows."""
    return fit.null_log_likelihood if fit.family.name == "negative_binomial" else fit.null_deviance


def _at_least_0(change: float, beside: float) -> float:
    """Return a change clipped at 0. Raises ArgumentError if it is negative beyond rounding error."""
    if change < -SAME * max(abs(beside), 1.0):
        raise ArgumentError(
            "The smaller fit has the smaller deviance, so it is not nested in the larger one. Compare nested fits."
        )
    return max(change, 0.0)


def test_of_change(full: Fit, change: float, df: int, beside: float) -> HypothesisTest:
    """Test a change of the deviance with the dispersion of a fit."""
    change = _at_least_0(change, beside)
    if not full.dispersion_estimated:
        return _chi2("deviance", change, df)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.float64(change) / max(df, 1) / full.dispersion
    return _f("F", statistic if df else np.nan, df, full.df_resid)
