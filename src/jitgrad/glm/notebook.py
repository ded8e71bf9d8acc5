"""Fits of arrays as a notebook shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jitgrad import html
from jitgrad.summary import number, sentence

if TYPE_CHECKING:
    from jitgrad.glm.result import Fit

_MOST = 200
"""Rows of a table."""


def fit_html(fit: Fit) -> str:
    """The coefficients with their standard errors, a table for each output, and how well they fit."""
    link = "" if fit.link is None else f", link {fit.link.name}"
    parts = [html.heading(f"{fit.family.name}{link}")]
    errors = np.full(fit.coefficients.T.shape, np.nan)
    errors[:, fit.estimated] = np.sqrt(np.diag(fit.covariance)).reshape(len(errors), -1)
    names = ["intercept", *(f"x[{k}]" for k in range(len(fit.coefficients) - 1))][:_MOST]
    for k, (estimate, error) in enumerate(zip(fit.coefficients.T, errors, strict=True)):
        rows = [[name, number(a), number(b, 4)] for name, a, b in zip(names, estimate.tolist(), error.tolist(), strict=False)]
        title = f"class {k + 1} against class 0" if len(errors) > 1 else ""
        parts.append(html.table(["", "estimate", "std. error"], rows, title))
    if len(fit.coefficients) > _MOST:
        parts.append(html.sentence(f"The first {_MOST} of {len(fit.coefficients)} coefficients."))
    figures = {"deviance": fit.deviance, "log-likelihood": fit.log_likelihood, "AIC": fit.aic, "dispersion": fit.dispersion}
    said = [("rows", number(fit.n)), *((name, number(value)) for name, value in figures.items())]
    notes = [f"{fit.separated}."] if fit.separated else [] if fit.converged else ["It did not converge."]
    return html.fragment(*parts, html.sentence(sentence(said)), *map(html.sentence, notes))
