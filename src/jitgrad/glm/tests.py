"""Tests of fits: whether coefficients are 0, and whether a larger model says more than a smaller one.

McCullagh and Nelder, "Generalized linear models", 1989; Venables and Ripley, "Modern applied statistics with S", 2002.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from jitgrad.errors import ArgumentError, FitError
from jitgrad.glm.fit import fit as fit_glm
from jitgrad.glm.result import Fit

SINGULAR = 1e-10
"""A pivot of a correlation matrix that is smaller than this is 0, up to rounding."""
SAME = 1e-7
"""Figures of the same rows differ by less than this of themselves."""


@dataclass(frozen=True)
class HypothesisTest:
    """A test and what came of it.

    Attributes:
        name: "Wald", "likelihood ratio", "deviance" or "F".
        statistic: the number.
        distribution: of it where the hypothesis is true.
        df: how many coefficients the hypothesis is about.
        df_resid: the denominator's degrees of freedom of "F", inf of "chi2".
        p_value: how probable a statistic as large is where the hypothesis is true; nan where it is about no coefficient.
    """

    name: str
    statistic: float
    distribution: Literal["chi2", "F"]
    df: int
    df_resid: float
    p_value: float


@dataclass(frozen=True)
class Step:
    """A row of an analysis of deviance: what a term does.

    Attributes:
        name: of the term.
        df: how many coefficients it has.
        deviance: what it takes from the deviance.
        df_resid, deviance_resid: of the model: with the term and those before it, or without it of ``drop_each``.
        test: that its coefficients are 0.
    """

    name: str
    df: int
    deviance: float
    df_resid: float
    deviance_resid: float
    test: HypothesisTest


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
    """Wald's test that coefficients are 0, those of all outputs together.

    Parameters
    ----------
    fit : Fit
        The fit.
    columns : sequence of int
        Positions of features, for example the columns of a factor. Aliased ones do not count.
    covariance : array, optional
        Of ``glm.covariance``; by default the model's.
    df : float, optional
        The denominator's degrees of freedom, inf for χ². By default those of the residuals where the dispersion is estimated,
        and inf elsewhere.

    Returns
    -------
    HypothesisTest
        Of distribution "F" or "chi2". Of least squares with the model's covariance it is the F test of a fit without the
        features.

    Raises
    ------
    FitError
        Where the covariance of these coefficients is singular: of fewer clusters than coefficients.

    Examples
    --------
    >>> import numpy as np
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
    """vᵀ C⁻¹ v; nan where C is."""
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
    """The likelihood-ratio test that a smaller model is true, which is a part of the larger one.

    Parameters
    ----------
    larger, smaller : Fit
        Fits of the same family, link and rows.

    Returns
    -------
    HypothesisTest
        Of distribution "chi2".

    Raises
    ------
    ArgumentError
        Where the fits have other rows, families or links, no likelihood, or one is not a part of the other.

    Examples
    --------
    >>> import numpy as np
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
    """The F test that a smaller model is true, for families whose dispersion is estimated.

    The deviance that the larger model takes away for each of its coefficients, by its dispersion: exact of least squares.

    Parameters
    ----------
    larger, smaller : Fit
        Fits of the same family, link and rows.

    Returns
    -------
    HypothesisTest
        Of distribution "F".

    Raises
    ------
    ArgumentError
        Where the fits have other rows, families or links, a known dispersion, or one is not a part of the other.

    Examples
    --------
    >>> import numpy as np
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
    return _test_of_change(larger, smaller.deviance - larger.deviance, larger.df_model - smaller.df_model, smaller.deviance)


def compare(larger: Fit, smaller: Fit) -> HypothesisTest:
    """Compare nested fits: ``f_test`` where the dispersion is estimated, else ``likelihood_ratio``.

    Parameters
    ----------
    larger, smaller : Fit
        Fits of the same family, link and rows.

    Returns
    -------
    HypothesisTest
        Of distribution "F" or "chi2".

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad import glm
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), [1, 3, 4, 8]
    >>> glm.compare(glm.fit(x, y), glm.fit(x[:, :0], y)).name
    'F'
    """
    return f_test(larger, smaller) if larger.dispersion_estimated else likelihood_ratio(larger, smaller)


def _comparable(larger: Fit, smaller: Fit) -> None:
    """Raise ArgumentError for fits of which one is not a part of the other."""
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
            "One of the fits has infinite estimates because of perfect separation, so the fits cannot be compared."
        )


def _fingerprint(fit: Fit) -> float:
    """A figure that is the same for all fits of the same rows."""
    return fit.null_log_likelihood if fit.family.name == "negative_binomial" else fit.null_deviance


def _at_least_0(change: float, beside: float) -> float:
    """A change that is not negative up to rounding. Raises ArgumentError for one that is."""
    if change < -SAME * max(abs(beside), 1.0):
        raise ArgumentError(
            "The smaller fit has the smaller deviance, so it is not nested in the larger one. Compare nested fits."
        )
    return max(change, 0.0)


def _test_of_change(full: Fit, change: float, df: int, beside: float) -> HypothesisTest:
    """Of a change of the deviance, with the dispersion of a fit."""
    change = _at_least_0(change, beside)
    if not full.dispersion_estimated:
        return _chi2("deviance", change, df)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.float64(change) / max(df, 1) / full.dispersion
    return _f("F", statistic if df else np.nan, df, full.df_resid)


def analysis_of_deviance(
    fit: Fit, x: np.ndarray, y: np.ndarray, terms: Mapping[str, Iterable[int]], **rows: Any
) -> tuple[Step, ...]:
    """What each term adds to those before it: sequential tests, as R's ``anova`` of a fit.

    χ² where the dispersion is known; else F, with the dispersion of the whole fit. A negative binomial keeps the theta of the
    whole fit.

    Parameters
    ----------
    fit : Fit
        The whole fit.
    x, y
        What it was fitted to.
    terms : mapping of str to iterable of int
        Positions of the features of each term, in order. Terms that are not given are in no model.
    **rows
        ``offset``, ``weights``, ``freq_weights`` and ``trials`` of the fit.

    Returns
    -------
    tuple of Step
        One for each term.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad import glm
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 1.0], [4.0, 0.0]])
    >>> y = np.array([1.0, 3.0, 4.0, 8.0, 9.0])
    >>> [round(step.deviance, 4) for step in glm.analysis_of_deviance(glm.fit(x, y), x, y, {"a": [0], "b": [1]})]
    [44.1, 0.0091]
    """
    columns: list[int] = []
    before = _refitted(fit, x, y, columns, rows, "without any terms")
    steps = []
    for name, own in terms.items():
        columns = [*columns, *own]
        after = _refitted(fit, x, y, columns, rows, f"with the terms up to {name!r}")
        steps.append(_step(name, fit, after, before, after))
        before = after
    return tuple(steps)


def drop_each(fit: Fit, x: np.ndarray, y: np.ndarray, terms: Mapping[str, Iterable[int]], **rows: Any) -> tuple[Step, ...]:
    """What each term adds to all others: the tests of R's ``drop1``.

    χ² where the dispersion is known; else F with Pearson's dispersion of the fit, where R's ``drop1`` takes the deviance's. A
    negative binomial keeps its theta. Give no term whose products with others stay: without it they would mean something else.

    Parameters
    ----------
    fit : Fit
        The whole fit.
    x, y
        What it was fitted to.
    terms : mapping of str to iterable of int
        Positions of the features of each term.
    **rows
        ``offset``, ``weights``, ``freq_weights`` and ``trials`` of the fit.

    Returns
    -------
    tuple of Step
        One for each term.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad import glm
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 1.0], [4.0, 0.0]])
    >>> y = np.array([1.0, 3.0, 4.0, 8.0, 9.0])
    >>> [round(step.test.p_value, 4) for step in glm.drop_each(glm.fit(x, y), x, y, {"a": [0], "b": [1]})]
    [0.0224, 0.9308]
    """
    steps = []
    for name, own in terms.items():
        left = np.setdiff1d(np.arange(x.shape[1]), list(own))
        without = _refitted(fit, x, y, left, rows, f"without {name!r}")
        steps.append(_step(name, fit, without, without, fit))
    return tuple(steps)


def _step(name: str, full: Fit, shown: Fit, smaller: Fit, larger: Fit) -> Step:
    df, change = larger.df_model - smaller.df_model, smaller.deviance - larger.deviance
    return Step(name, df, change, shown.df_resid, shown.deviance, _test_of_change(full, change, df, smaller.deviance))


def _refitted(
    fit: Fit, x: np.ndarray, y: np.ndarray, columns: Sequence[int] | np.ndarray, rows: dict[str, Any], told: str
) -> Fit:
    """The fit of some of the features. Raises FitError where it does not converge."""
    made = fit_glm(
        x[:, np.asarray(columns, int)],
        y,
        fit.family.name,
        fit.link.name if fit.link else None,
        intercept=fit.intercept,
        theta=None if np.isnan(fit.theta) else fit.theta,
        **rows,
    )
    if made.separated or not made.converged:
        raise FitError(f"The model {told} did not converge, so the term cannot be tested by its deviance. Use wald instead.")
    return made
