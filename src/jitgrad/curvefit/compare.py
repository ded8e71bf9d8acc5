"""Compare two curves fitted to the same data, by an F test, a χ² test and AICc."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from jitgrad.curvefit.called import CalledCurve
from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.search import fit_near
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import ArgumentError

if TYPE_CHECKING:
    from jitgrad.summary import Summary

CLOSE = 1e-6
"""The largest difference between the curves that counts as 0, as a fraction of the spread of the simple curve."""
DRAWN = 3
"""The number of curves of the simple model that the full model must reproduce."""


@dataclass(frozen=True)
class ComparisonTest:
    """A test of a simple model against a full one, part of a `Comparison`.

    Parameters
    ----------
    name : {"F", "chi2"}
        ``"chi2"`` if both fits used ``absolute_sigma``.
    statistic : float
        The test statistic.
    df : int
        The number of additional parameters of the full model.
    df_resid : int or None
        The residual degrees of freedom of the full model; None for ``"chi2"``.
    p_value : float
        The probability of a larger statistic if the simple model is correct.

    Examples
    --------
    >>> x = np.arange(8.0)
    >>> y = np.array([1.1, 2.9, 5.2, 7.1, 8.8, 11.3, 12.7, 15.2])
    >>> fits = [jg.curve_fit(text, x, y) for text in ("a + b * x", "a + b * x + c * x**2")]
    >>> test = jg.curvefit.compare(*fits).test
    >>> print(f"{test.name}({test.df}, {test.df_resid}) = {test.statistic:.3f}, p = {test.p_value:.2f}")
    F(1, 5) = 0.046, p = 0.84
    """

    name: str
    statistic: float
    df: int
    df_resid: int | None
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """The result of `compare`.

    Parameters
    ----------
    simple, full : CurveFit
        The fits, the one with fewer parameters first.
    nested : bool or None
        Whether the simple model is a special case of the full one; None if this is unknown.
    test : ComparisonTest or None
        The test for nested models.
    aicc_difference : float
        AICc of the full model minus AICc of the simple model; negative if the full model is better.
    probabilities : tuple of float
        The Akaike weights: the probability of each model that it is the better one.
    evidence_ratio : float
        The ratio of the larger to the smaller probability.

    See Also
    --------
    compare : Compares two fits.

    Examples
    --------
    >>> x = np.arange(8.0)
    >>> y = np.array([1.1, 2.9, 5.2, 7.1, 8.8, 11.3, 12.7, 15.2])
    >>> fits = [jg.curve_fit(text, x, y) for text in ("a + b * x", "a + b * x + c * x**2")]
    >>> found = jg.curvefit.compare(*fits)
    >>> found.test.name, round(found.test.p_value, 2)
    ('F', 0.84)
    >>> print(found.sentences()[1])
    By AICc, A is 102.5 times as likely to be the better model.
    """

    simple: CurveFit
    full: CurveFit
    nested: bool | None
    test: ComparisonTest | None
    aicc_difference: float
    probabilities: tuple[float, float]
    evidence_ratio: float

    def summary(self) -> Summary:
        """Return both fits, the test and AICc as a table that prints and displays in notebooks.

        Returns
        -------
        Summary
            The table.
        """
        from jitgrad.summary import Grid, Summary, number

        rows = []
        for letter, fit, probability in zip("AB", (self.simple, self.full), self.probabilities, strict=True):
            figures = number(fit.chisqr), str(fit.dof), number(fit.r2), number(fit.aicc), number(probability, 4)
            rows.append([letter, str(len(fit.free)), *figures])
        named = [f"{letter}: {name}" for letter, name in zip("AB", self.names, strict=True)]
        grid = Grid(["", "parameters", "χ²", "residual df", "R²", "AICc", "Akaike weight"], rows)
        return Summary(f"Two models fitted to {self.simple.n_rows} rows", [*named, grid, *self.sentences()])

    @property
    def names(self) -> tuple[str, str]:
        """The formulas, or the names of the functions, of the simple and the full model."""
        models = self.simple.curve.model, self.full.curve.model
        first, second = (m.text if isinstance(m, TextModel) else getattr(m, "__name__", "a function") for m in models)
        return first, second

    def sentences(self) -> list[str]:
        """Return the results of the test and of AICc in words.

        Returns
        -------
        list of str
            The sentences.
        """
        from jitgrad.summary import number, probability

        said = []
        if self.test is not None:
            test, of = self.test, "" if self.test.df_resid is None else f", {self.test.df_resid}"
            symbol = "F" if test.name == "F" else "χ²"
            said.append(f"{symbol}({test.df}{of}) = {number(test.statistic, 4)}, p = {probability(test.p_value)}.")
        elif len(self.simple.free) == len(self.full.free):
            said.append("The models have the same number of parameters, so there is no F test.")
        elif self.nested is None:
            said.append("Whether the models are nested is unknown, because a model cannot be traced, so there is no F test.")
        elif not self.nested:
            said.append("B cannot reproduce the curve of A: the models are not nested, so there is no F test.")
        if math.isfinite(self.evidence_ratio):
            better = "AB"[self.aicc_difference < 0]
            said.append(f"By AICc, {better} is {number(self.evidence_ratio, 4)} times as likely to be the better model.")
        for letter, fit in zip("AB", (self.simple, self.full), strict=True):
            if not fit.success:
                said.append(f"The fit of {letter} failed, so the comparison is unreliable: {fit.message}.")
        return said

    def __str__(self) -> str:
        return str(self.summary())


def compare(first: CurveFit, second: CurveFit) -> Comparison:
    """Compare two curves that were fitted to the same data.

    Nested models are compared by the extra sum of squares: an F test, or a χ² test if both fits used ``absolute_sigma``.
    Any two models are compared by AICc.

    Parameters
    ----------
    first, second : CurveFit
        The fits, in any order.

    Returns
    -------
    Comparison
        The test, the difference of AICc and the probability of each model.

    Raises
    ------
    ArgumentError
        If the fits used different data, or a loss other than least squares.

    See Also
    --------
    curve_fit : Makes the fits.

    Notes
    -----
    Whether the models are nested is determined numerically: the full model is fitted to the curve of the simple one, at its
    estimates and at two other points a few standard errors away. The models are nested if the full model reproduces these
    curves to rounding error. Models that coincide only in a limit, as a parameter goes to infinity, do not count as nested.

    For the tests, see [1]_, chapters 22 to 24.

    References
    ----------
    .. [1] Motulsky, H. and Christopoulos, A., "Fitting Models to Biological Data Using Linear and Nonlinear Regression",
       Oxford University Press, 2004.

    Examples
    --------
    >>> x = np.arange(8.0)
    >>> y = np.array([1.1, 2.9, 5.2, 7.1, 8.8, 11.3, 12.7, 15.2])
    >>> line = jg.curve_fit("a + b * x", x, y)
    >>> parabola = jg.curve_fit("a + b * x + c * x**2", x, y)
    >>> found = jg.curvefit.compare(line, parabola)
    >>> found.nested, found.test.df, round(found.test.p_value, 2)
    (True, 1, 0.84)
    >>> found.simple.names, found.aicc_difference > 0
    (['a', 'b'], True)
    """
    simple, full = (first, second) if len(first.free) <= len(second.free) else (second, first)
    _check(simple, full)
    extra = len(full.free) - len(simple.free)
    nested = _is_nested(simple, full) if extra else False
    difference = full.aicc - simple.aicc
    ratio = math.exp(min(0.5 * abs(difference), 700.0)) if math.isfinite(difference) else math.nan
    better = ratio / (1.0 + ratio)
    probabilities = (1.0 - better, better) if difference < 0 else (better, 1.0 - better)
    return Comparison(simple, full, nested, _test(simple, full, extra) if nested else None, difference, probabilities, ratio)


def _check(simple: CurveFit, full: CurveFit) -> None:
    for fit in (simple, full):
        if fit.loss != "linear":
            raise ArgumentError(f"A fit used loss {fit.loss!r}, which has no likelihood. Fit both models by least squares.")
    one, other = simple._problem, full._problem
    if one.absolute_sigma != other.absolute_sigma:
        raise ArgumentError("absolute_sigma is True in one fit and False in the other. Use the same value in both.")
    same_sigma = (simple.sigma is None) == (full.sigma is None) and (
        simple.sigma is None or np.array_equal(simple.sigma, full.sigma)  # type: ignore[arg-type]
    )
    if simple.errors != full.errors:
        raise ArgumentError(
            f"The fits have {simple.errors} and {full.errors} errors, so they are not tested against each other. Compare their "
            f"AIC, or fit both with the same errors."
        )
    if not np.array_equal(one.y, other.y) or not same_sigma:
        raise ArgumentError("The fits are not of the same data: y or sigma differ. Fit both models to the same rows.")
    for name, column in simple.x.items():
        if name in full.x and not np.array_equal(column, full.x[name]):
            raise ArgumentError(f"The fits are not of the same data: {name or 'x'} differs. Fit both models to the same rows.")


def _test(simple: CurveFit, full: CurveFit, extra: int) -> ComparisonTest | None:
    from scipy.special import chdtrc, fdtrc

    gained = max(simple.chisqr - full.chisqr, 0.0)
    if full._problem.absolute_sigma:
        return ComparisonTest("chi2", gained, extra, None, float(chdtrc(extra, gained)))
    if full.dof <= 0 or not full.chisqr > 0:
        return None
    statistic = gained / extra / full.redchi
    return ComparisonTest("F", statistic, extra, full.dof, float(fdtrc(extra, full.dof, statistic)))


def _is_nested(simple: CurveFit, full: CurveFit) -> bool | None:
    """Return whether the full model reproduces curves of the simple one; None for models that cannot be traced."""
    if isinstance(full.curve, CalledCurve) or isinstance(simple.curve, CalledCurve):
        return None
    rng, free = np.random.default_rng(0), list(simple.free)
    for k in range(DRAWN):
        values = simple.values.copy()
        errors = simple.stderr[free]
        steps = np.where(np.isfinite(errors), errors, 0.0) * rng.normal(size=len(free)) if k else np.zeros(len(free))
        values[free] += np.clip(steps, -0.1 * np.abs(values[free]), 0.1 * np.abs(values[free]))
        curve = simple.curve.values(values, simple.free, simple._problem.columns, simple.n_rows)
        if not np.isfinite(curve).all():
            continue
        started = dict(zip(simple.names, values.tolist(), strict=True))
        start = np.array([started.get(full.names[j], full.values[j]) for j in full.free])
        problem = full._problem
        target = curve if problem.whitening is None else problem.whitening @ curve
        asked = replace(
            problem,
            observed=problem.observed._replace(y=curve, remarks=[]),
            data=problem.data._replace(y=target),
        )
        met = fit_near(asked, start)
        spread = float(np.std(curve)) or float(np.abs(curve).max()) or 1.0
        if not np.abs(met.residuals).max() <= CLOSE * spread:
            return False
    return True
