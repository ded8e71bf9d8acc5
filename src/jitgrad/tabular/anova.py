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
    """Tests of terms.

    Attributes
    ----------
    kind : str
        "each", where a term was left out of the whole model, "sequential", where it was added to those before it, or
        "robust", of Wald's tests.
    names : tuple of str
        The terms.
    deviances : tuple of float or None
        What each takes from the deviance, of least squares the sum of squares; None of Wald's tests.
    tests : tuple of HypothesisTest
        That the coefficients of a term are 0.
    library : module
        Of the frame that is given back.
    """

    kind: str
    names: tuple[str, ...]
    deviances: tuple[float | None, ...]
    tests: tuple[glm.HypothesisTest, ...]
    library: Any = pl

    def frame(self) -> Any:
        """A row for each term: term, df, deviance, statistic and p_value, and the degrees of freedom of residuals of F."""
        columns = {"term": self.names, "df": [test.df for test in self.tests], "deviance": self.deviances}
        columns |= {name: [getattr(test, name) for test in self.tests] for name in ("distribution", "statistic", "p_value")}
        return frames.like(self.library, pl.DataFrame({name: list(values) for name, values in columns.items()}))

    def grid(self) -> Grid:
        """As it is printed."""
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

    Args:
        fit, inference: of the rows.
        design: the rows.
        kind: "each" or "sequential".
        library: of frames that are given back.

    Raises ArgumentError for another kind, and for sequential tests with robust standard errors.
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
    """The terms that no interaction contains, without which the others still mean the same."""
    parts = {name: set(name.split(":")) for name in names}
    return [name for name in names if not (formula and any(parts[name] < other for other in parts.values()))]
