"""The HTML representation of a fitted curve in notebooks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jitgrad import html
from jitgrad.curvefit.text_model import TextModel
from jitgrad.summary import interval, number, probability, sentence

if TYPE_CHECKING:
    from jitgrad.curvefit.result import CurveFit


def result_html(result: CurveFit) -> str:
    """Return the estimates, the goodness of fit and the status of the fit as HTML."""
    model = result.curve.model
    title = " ".join(model.text.split()) if isinstance(model, TextModel) else getattr(model, "__name__", "a function")
    statistic = "z" if result.student_dof == math.inf else "t"
    rows = []
    for name, estimate, error, t, p, low, high in result.table():
        fixed = ["fixed", "", "", ""]
        tested = [number(error, 4), number(t, 4), probability(p), interval(low, high)]
        rows.append([name, number(estimate, 8), *(fixed if math.isnan(error) else tested)])
    figures = {"R²": result.r2, "χ²": result.chisqr, "reduced χ²": result.redchi, "AIC": result.aic, "BIC": result.bic}
    said = [(name, number(value)) for name, value in figures.items()]
    return html.fragment(
        html.heading(title),
        html.table(["parameter", "estimate", "std. error", statistic, "p", "95% CI"], rows),
        html.sentence(sentence([("rows", str(result.n_rows)), ("degrees of freedom", str(result.dof)), *said])),
        html.sentence(result.message),
    )
