"""Two curves fitted to the same data: which describes them better.

Of nested ones, the extra sum of squares by an F test, or of known sigma by χ²; of any, Akaike's criterion for few rows.
Motulsky and Christopoulos, "Fitting models to biological data using linear and nonlinear regression", 2004, chapters 22 to 24.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from jitgrad.curvefit.called import CalledCurve
from jitgrad.curvefit.formula import Formula
from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.search import fit_near
from jitgrad.errors import ArgumentError

if TYPE_CHECKING:
    from jitgrad.summary import Summary

CLOSE = 1e-6
"""Of the spread of the simple curve, how near the full one comes to it where it can be the same."""
DRAWN = 3
"""Parameters of the simple model at which that is asked: the fitted ones, and others some standard errors away."""


@dataclass(frozen=True)
class ComparisonTest:
    """A test of the simple model against the full one.

    Attributes
    ----------
    name : str
        "F" or "chi2".
    statistic : float
    df : int
        How many parameters more the full model has.
    df_resid : int or None
        The degrees of freedom of its residuals; None of "chi2".
    p_value : float
        The probability of a larger statistic where the simple model is right.
    """

    name: str
    statistic: float
    df: int
    df_resid: int | None
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """What ``compare`` found.

    Attributes
    ----------
    simple, full : CurveFit
        The fits, the one with fewer parameters first.
    nested : bool or None
        Whether the full model has the simple one in it: whether it can be the same curve; None where that was not found out.
    test : ComparisonTest or None
        Of nested models.
    aicc_difference : float
        AICc of the full model minus that of the simple one; below 0 where the full one is better.
    probabilities : (float, float)
        How likely each of the two is the better one, by AICc (Akaike weights).
    evidence_ratio : float
        How many times as likely the better one is.
    """

    simple: CurveFit
    full: CurveFit
    nested: bool | None
    test: ComparisonTest | None
    aicc_difference: float
    probabilities: tuple[float, float]
    evidence_ratio: float

    def summary(self) -> Summary:
        """Both fits, and what the test and AICc say."""
        from jitgrad.summary import Grid, Summary, number

        rows = []
        for letter, fit, probability in zip("AB", (self.simple, self.full), self.probabilities, strict=True):
            figures = number(fit.chisqr), str(fit.dof), number(fit.r2), number(fit.aicc), number(probability, 4)
            rows.append([letter, str(len(fit.free)), *figures])
        named = [f"{letter}: {name}" for letter, name in zip("AB", self.names, strict=True)]
        grid = Grid(["", "parameters", "χ²", "dof", "R²", "AICc", "probability"], rows)
        return Summary(f"Two models fitted to {self.simple.n_rows} rows", [*named, grid, *self.sentences()])

    @property
    def names(self) -> tuple[str, str]:
        """The formulas, or the names of the functions."""
        models = self.simple.curve.model, self.full.curve.model
        first, second = (m.text if isinstance(m, Formula) else getattr(m, "__name__", "a function") for m in models)
        return first, second

    def sentences(self) -> list[str]:
        """What the test and AICc say, in words."""
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

    Whether one is nested in the other is found out by numbers: the full model is fitted to the curve of the simple one, at its
    parameters and at others near them, and is the larger model if it meets that to rounding. Where it does so only in a limit,
    as for a parameter that goes to infinity, the models do not count as nested.

    Parameters
    ----------
    first, second : CurveFit
        The fits, in any order.

    Returns
    -------
    Comparison

    Raises
    ------
    ArgumentError
        If they are not of the same data, or not by least squares.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad import curve_fit
    >>> x = np.arange(8.0)
    >>> y = 1 + 2 * x + np.array([0.1, -0.2, 0.1, 0.0, 0.2, -0.1, -0.2, 0.1])
    >>> found = compare(curve_fit("a + b * x", x, y), curve_fit("a + b * x + c * x**2", x, y))
    >>> found.nested, found.test.df, found.aicc_difference > 0
    (True, 1, True)
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
    """Whether the full model meets curves of the simple one to rounding; None for models that are not traced."""
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
