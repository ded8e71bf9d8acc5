"""Maximum-likelihood fits of generalized linear models to tables, with inference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from jitgrad import glm
from jitgrad.errors import listed
from jitgrad.glm.fit import MOST_PRODUCTS
from jitgrad.glm.result import Fit
from jitgrad.tabular.columns import Design
from jitgrad.tabular.inference import Inference, infer
from jitgrad.tabular.model import TableModel
from jitgrad.tabular.scale import make_scale
from jitgrad.tabular.settings import PENALISED

TOL = 1e-12
"""Convergence tolerance in standard errors. These errors are computed before the last step, so they have half its digits."""
PERFECT = 1e-13
"""Residual error, relative to the target, that counts as rounding error."""
NOT_PENALISED = ("freq_weights", "trials", "groups")
"""Properties of rows that penalized fits do not support."""


def solve(model: TableModel, design: Design, verbose: Any = None) -> tuple[TableModel, Fit] | str:
    """Fit a model by maximum likelihood.

    Parameters
    ----------
    model : TableModel
        The model to fit.
    design : Design
        The training rows.
    verbose : bool, int or str, optional
        Whether to show progress.

    Returns
    -------
    (TableModel, Fit) or str
        The model with its inference, and the fit; or the reason why there is no maximum.
    """
    outputs = model.outputs
    coefficients = (design.x.shape[1] + design.intercept) * len(outputs)
    if max(len(design.x), coefficients) * coefficients**2 > MOST_PRODUCTS:
        return f"{coefficients} coefficients with {len(design.x)} rows are too many for an exact fit"
    fit = glm.fit(
        design.x, design.y, model.family, model.settings.link, intercept=design.intercept, classes=model.classes or None,
        tol=TOL, verbose=verbose, **rows_of(design),
    )  # fmt: skip
    if fit.separated:
        return fit.separated
    kind = model.settings.cov_type
    around = (
        fit.covariance if kind == "model" else glm.covariance(fit, design.x, design.y, kind, design.groups, **rows_of(design))
    )
    varied = design.offset is not None or bool(design.y.min() < design.y.max())
    inference = infer(fit, model.features, outputs, model.settings, around, varied)
    model = linear(model, design.x, fit.coefficients)
    return replace(model, inference=inference, notes=(*model.notes, *_notes(model, fit, inference, design))), fit


def linear(model: TableModel, x: np.ndarray, coefficients: np.ndarray) -> TableModel:
    """Return the model with the given coefficients (1 + features, outputs). A coefficient of nan counts as 0.

    A classification has a column for each class, or for each class except the first.
    """
    known = np.where(np.isnan(coefficients), 0.0, coefficients)
    if known.shape[1] < len(model.classes):
        known = np.column_stack([np.zeros(len(known)), known])  # the reference class
    scale = make_scale(x)
    return replace(model, scale=scale, layers=(scale.layer(known),))


def rows_of(design: Design) -> dict[str, Any]:
    """Return the arguments of ``glm.fit`` that describe rows."""
    names = ("offset", "weights", "freq_weights", "trials")
    return {name: getattr(design, name) for name in names if getattr(design, name) is not None}


def remedy(model: TableModel, design: Design) -> str:
    """Return advice for the case that the rows do not determine the coefficients."""
    alone = not any(name in NOT_PENALISED for name in rows_of(design)) and model.settings.link is None
    if model.kind in PENALISED and alone and design.intercept:
        return "Add a penalty, such as ridge, or use fewer features."
    return "Use fewer features."


def _notes(model: TableModel, fit: Fit, inference: Inference, design: Design) -> list[str]:
    """Return notes on the inference."""
    notes = []
    if inference.aliased:
        notes.append(aliased_note(inference.aliased))
    if design.offset is None and bool(design.y.min() == design.y.max()):
        notes.append(f"The target {design.target.name!r} has the same value in every row, so there is no variation to explain.")
    if not fit.converged:
        notes.append(f"The fit did not converge in {fit.n_iter} iterations. The results are from the last iteration.")
    error = inference.figures.get("residual_standard_error", np.inf)
    coefficients = design.x.shape[1] + design.intercept
    many = f"more coefficients ({coefficients}) than rows" if coefficients > fit.n else "as many coefficients as rows"
    if fit.df_resid <= 0 and fit.dispersion_estimated:
        notes.append(
            f"There are {many} ({inference.rows}). No residual degrees of freedom are left, so there are no standard errors. "
            f"{remedy(model, design)}"
        )
    elif coefficients > fit.n:
        notes.append(f"There are {many} ({inference.rows}), so not all of them can be estimated. {remedy(model, design)}")
    if error is not None and error < PERFECT * np.abs(design.y).max():
        notes.append("The fit is perfect up to rounding error, so the standard errors are not meaningful.")
    spread = glm.overdispersion(fit, design.x, design.y, **rows_of(design))
    if (
        spread is not None and spread.note and inference.cov_type == "model"
    ):  # robust standard errors are valid for any variance
        notes.append(spread.note)
    return notes


def aliased_note(names: list[str]) -> str:
    """Return a note on features without coefficients."""
    if len(names) == 1:
        return f"No coefficient for {names[0]}: it is constant or a linear combination of preceding features."
    return f"No coefficients for {listed(names)}: they are constant or linear combinations of preceding features."
