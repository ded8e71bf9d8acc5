"""Hypothesis tests of the terms of a model: the columns of a table, or the terms of a formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from jitgrad import glm
from jitgrad.errors import ArgumentError
from jitgrad.glm.result import Fit
from jitgrad.summary import Grid, Summary, number, probability
from jitgrad.tabular import frames
from jitgrad.tabular.columns import Design
from jitgrad.tabular.exact import rows_of
from jitgrad.tabular.inference import Inference

KINDS = {
    "each": "Single-term deletions (terms contained in an interaction are not tested)",
    "sequential": "Sequential tests (terms added in order)",
    "robust": "Wald tests of each term, with robust standard errors",
}


@dataclass(frozen=True)
class Anova:
    """Tests of terms, as returned by `TableFit.anova`.

    Parameters
    ----------
    kind : {"each", "sequential", "robust"}
        Single-term deletions, sequential tests, or Wald tests with robust standard errors.
    names : tuple of str
        The terms.
    deviances : tuple of float or None
        The reduction of the deviance by each term (of the residual sum of squares for least squares); None for Wald tests.
    tests : tuple of HypothesisTest
        The tests that the coefficients of each term are 0.
    library : module
        The library of the frames that are returned.
    """

    kind: str
    names: tuple[str, ...]
    deviances: tuple[float | None, ...]
    tests: tuple[glm.HypothesisTest, ...]
    library: Any = pl

    def frame(self) -> Any:
        """Return the tests as a frame.

        Returns
        -------
        DataFrame
            One row per term, with the columns term, df, deviance, distribution, statistic and p_value.
        """
        columns = {"term": self.names, "df": [test.df for test in self.tests], "deviance": self.deviances}
        columns |= {name: [getattr(test, name) for test in self.tests] for name in ("distribution", "statistic", "p_value")}
        return frames.like(self.library, pl.DataFrame({name: list(values) for name, values in columns.items()}))

    def grid(self) -> Grid:
        """Return the tests as a printed table."""
        rows = []
        for name, deviance, test in zip(self.names, self.deviances, self.tests, strict=True):
            taken = () if deviance is None else (number(deviance, 5),)
            rows.append((name, number(test.df), *taken, number(test.statistic, 4), probability(test.p_value)))
        statistic = {"F": "F", "chi2": "χ²"}[self.tests[0].distribution if self.tests else "F"]
        taken = () if self.kind == "robust" else ("deviance",)
        return Grid(["term", "df", *taken, statistic, "p"], rows, KINDS[self.kind])

    def __str__(self) -> str:
        return str(Summary("", [self.grid()]))

    def _repr_html_(self) -> str:
        return Summary("", [self.grid()])._repr_html_()


def anova(fit: Fit, inference: Inference, design: Design, kind: str, library: Any) -> Anova:
    """Test the terms of a fit.

    Parameters
    ----------
    fit : Fit
        The fit.
    inference : Inference
        The inference of the fit.
    design : Design
        The training rows.
    kind : {"each", "sequential"}
        The kind of tests.
    library : module
        The library of the frames that are returned.

    Raises
    ------
    ArgumentError
        If the kind is unknown, or for sequential tests with robust standard errors.
    """
    if kind not in ("each", "sequential"):
        raise ArgumentError(f"{{argument}} is {kind!r}. Use 'each' or 'sequential'.", argument="kind")
    terms = {term.name: list(range(term.start, term.stop)) for term in design.terms}
    if kind == "each":
        terms = {name: terms[name] for name in free_terms(list(terms), design.predictors.formula is not None)}
    if inference.cov_type != "model":
        if kind == "sequential":
            raise ArgumentError(
                "Sequential tests compare likelihoods, which robust standard errors do not apply to. "
                "Use 'each' for Wald tests.",
                argument="kind",
            )
        tests = tuple(glm.wald(fit, columns, inference.covariance) for columns in terms.values())
        return Anova("robust", tuple(terms), (None,) * len(tests), tests, library)
    of = glm.drop_each if kind == "each" else glm.analysis_of_deviance
    steps = of(fit, design.x, design.y, terms, **rows_of(design))
    return Anova(kind, tuple(terms), tuple(step.deviance for step in steps), tuple(step.test for step in steps), library)


def free_terms(names: Sequence[str], formula: bool) -> list[str]:
    """Return the terms that no interaction contains. Dropping one of them does not change the meaning of other terms."""
    parts = {name: set(name.split(":")) for name in names}
    return [name for name in names if not (formula and any(parts[name] < other for other in parts.values()))]
