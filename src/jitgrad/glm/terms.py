"""Tests of the terms of a model: sequential, or each given all others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitgrad.errors import FitError
from jitgrad.glm.fit import fit as fit_glm
from jitgrad.glm.result import Fit
from jitgrad.glm.tests import HypothesisTest, test_of_change
from jitgrad.typing import ArrayLike


@dataclass(frozen=True)
class Step:
    """The test of one term in an analysis of deviance.

    Parameters
    ----------
    name : str
        The name of the term.
    df : int
        The number of its coefficients.
    deviance : float
        The reduction of the deviance by the term.
    df_resid : float
        The residual degrees of freedom of the model: with the term and the preceding terms for `analysis_of_deviance`, without
        the term for `drop_each`.
    deviance_resid : float
        The deviance of that model.
    test : HypothesisTest
        The test that the coefficients of the term are 0.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 1.0], [4.0, 0.0]])
    >>> y = np.array([1.0, 3.0, 4.0, 8.0, 9.0])
    >>> first, second = glm.analysis_of_deviance(glm.fit(x, y), x, y, {"a": [0], "b": [1]})
    >>> first.name, first.df, round(first.deviance, 2), round(first.deviance_resid, 2)
    ('a', 1, 44.1, 1.9)
    """

    name: str
    df: int
    deviance: float
    df_resid: float
    deviance_resid: float
    test: HypothesisTest


def analysis_of_deviance(
    fit: Fit, x: ArrayLike, y: ArrayLike, terms: Mapping[str, Iterable[int]], **rows: ArrayLike | None
) -> tuple[Step, ...]:
    """Test terms sequentially, each against the preceding ones, like R's ``anova`` for one fit.

    Parameters
    ----------
    fit : Fit
        The fit with all terms.
    x : array_like, shape (n, p)
        The features to which the model was fitted.
    y : array_like, shape (n,)
        The target to which the model was fitted.
    terms : mapping of str to iterable of int
        The features of each term, in order. Features without a term are left out of all models.
    **rows : array_like, shape (n,)
        The arguments ``offset``, ``weights``, ``freq_weights`` and ``trials`` that were passed to `fit`.

    Returns
    -------
    tuple of Step
        The test of each term.

    Raises
    ------
    FitError
        If one of the models does not converge.

    See Also
    --------
    drop_each : Test each term against all others.

    Notes
    -----
    Tests are χ² tests if the dispersion is known, and otherwise F tests with the dispersion of the whole fit. A negative
    binomial keeps the theta of the whole fit.

    Examples
    --------
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


def drop_each(
    fit: Fit, x: ArrayLike, y: ArrayLike, terms: Mapping[str, Iterable[int]], **rows: ArrayLike | None
) -> tuple[Step, ...]:
    """Test each term against the model without it, like R's ``drop1``.

    Parameters
    ----------
    fit : Fit
        The fit with all terms.
    x : array_like, shape (n, p)
        The features to which the model was fitted.
    y : array_like, shape (n,)
        The target to which the model was fitted.
    terms : mapping of str to iterable of int
        The features of each term to test. Do not test a term that is contained in an interaction.
    **rows : array_like, shape (n,)
        The arguments ``offset``, ``weights``, ``freq_weights`` and ``trials`` that were passed to `fit`.

    Returns
    -------
    tuple of Step
        The test of each term.

    Raises
    ------
    FitError
        If one of the models does not converge.

    See Also
    --------
    analysis_of_deviance : Sequential tests.
    wald : A test without another fit.

    Notes
    -----
    Tests are χ² tests if the dispersion is known, and otherwise F tests with Pearson's estimate of the dispersion; R's
    ``drop1`` uses the deviance instead. A negative binomial keeps its theta. See Venables and Ripley, *Modern Applied
    Statistics with S*, 4th ed., 2002.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 1.0], [4.0, 0.0]])
    >>> y = np.array([1.0, 3.0, 4.0, 8.0, 9.0])
    >>> [round(step.test.p_value, 4) for step in glm.drop_each(glm.fit(x, y), x, y, {"a": [0], "b": [1]})]
    [0.0224, 0.9308]
    """
    steps = []
    for name, own in terms.items():
        left = np.setdiff1d(np.arange(len(fit.aliased)), list(own))
        without = _refitted(fit, x, y, left, rows, f"without {name!r}")
        steps.append(_step(name, fit, without, without, fit))
    return tuple(steps)


def _step(name: str, full: Fit, shown: Fit, smaller: Fit, larger: Fit) -> Step:
    df, change = larger.df_model - smaller.df_model, smaller.deviance - larger.deviance
    return Step(name, df, change, shown.df_resid, shown.deviance, test_of_change(full, change, df, smaller.deviance))


def _refitted(
    fit: Fit, x: ArrayLike, y: ArrayLike, columns: Sequence[int] | np.ndarray, rows: dict[str, Any], told: str
) -> Fit:
    """Fit a subset of the features. Raises FitError if the fit does not converge."""
    made = fit_glm(
        np.asarray(x, np.float64)[:, np.asarray(columns, int)],
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
