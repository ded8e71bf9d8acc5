"""HTML representations of fits to arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jitgrad import html
from jitgrad.summary import number, sentence

if TYPE_CHECKING:
    from jitgrad.glm.cross_validation import CrossValidated
    from jitgrad.glm.path import Path
    from jitgrad.glm.result import Fit

_MOST = 200
"""Maximum number of rows of a table."""
_STRENGTHS = 12
"""Number of penalties shown, evenly spaced."""


def fit_html(fit: Fit) -> str:
    """Return the coefficients with standard errors, a table for each output, and fit statistics."""
    link = "" if fit.link is None else f", {fit.link.name} link"
    parts = [html.heading(f"{fit.family.name}{link}")]
    errors = np.full(fit.coefficients.T.shape, np.nan)
    errors[:, fit.estimated] = np.sqrt(np.diag(fit.covariance)).reshape(len(errors), -1)
    names = ["intercept", *(f"x[{k}]" for k in range(len(fit.coefficients) - 1))][:_MOST]
    for k, (estimate, error) in enumerate(zip(fit.coefficients.T, errors, strict=True)):
        rows = [[name, number(a), number(b, 4)] for name, a, b in zip(names, estimate.tolist(), error.tolist(), strict=False)]
        title = f"class {k + 1} vs. class 0" if len(errors) > 1 else ""
        parts.append(html.table(["", "estimate", "std. error"], rows, title))
    if len(fit.coefficients) > _MOST:
        parts.append(html.sentence(f"The first {_MOST} of {len(fit.coefficients)} coefficients are shown."))
    figures = {"deviance": fit.deviance, "log-likelihood": fit.log_likelihood, "AIC": fit.aic, "dispersion": fit.dispersion}
    said = [("rows", number(fit.n)), *((name, number(value)) for name, value in figures.items())]
    notes = [f"{fit.separated}."] if fit.separated else [] if fit.converged else ["The fit did not converge."]
    return html.fragment(*parts, html.sentence(sentence(said)), *map(html.sentence, notes))


def path_html(path: Path, of: CrossValidated | None = None) -> str:
    """Return a table of some penalties and, after cross-validation, the chosen one."""
    columns = ["alpha", "not 0", "deviance explained", *(["held-out deviance", "std. error", ""] if of is not None else [])]
    numbers = set(np.linspace(0, len(path.alphas) - 1, min(_STRENGTHS, len(path.alphas))).round().astype(int).tolist())
    if of is not None:
        numbers |= {of.minimum, of.one_standard_error}
    rows = []
    for k in sorted(numbers):
        row = [number(float(path.alphas[k])), str(path.df[k]), number(float(path.deviance_explained[k]), 4)]
        if of is not None:
            row += [number(float(of.mean[k])), number(float(of.standard_error[k]), 3), "chosen" if k == of.chosen else ""]
        rows.append(row)
    title = f"{path.family}, {len(path.alphas)} penalties, l1_ratio {path.l1_ratio:g}"
    return html.fragment(html.heading(title), html.table(columns, rows, texts=(5,)))
