"""A linear model fitted exactly: the maximum of its likelihood, with its inference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jitgrad.tabular.inference import Inference, infer
from jitgrad.tabular.model import TableModel
from jitgrad.tabular.newton import is_feasible, maximise

PERFECT = 1e-13
"""An error smaller than this beside the target is one of rounding."""


def solve(model: TableModel, x: np.ndarray, y: np.ndarray) -> TableModel | str:
    """The model with the weights of the largest likelihood, or in words why it is not to be had.

    Args:
        model: a linear one with the scale of the rows that are fitted.
        x: their features (rows, features), as in the table.
        y: their target (rows,), numbers or positions of classes.
    """
    family, scale = model.family, model.scale
    inputs = np.column_stack([np.ones(len(x)), scale.inputs(x)])
    target = family.targets(y, scale.center, scale.spread)[:, family.reference :]
    coefficients = inputs.shape[1] * target.shape[1]
    if not is_feasible(len(x), coefficients):
        return f"There are {coefficients} coefficients for {len(x)} rows, too many to solve for"
    maximum = maximise(family, inputs, target)
    if isinstance(maximum, str):
        return maximum
    weights = np.column_stack([np.zeros((len(inputs.T), family.reference)), maximum.weights])
    model = replace(model, layers=((weights[1:], weights[0]),))
    outputs = model.classes[1:] or [model.target.name]
    inference = infer(family, scale, model.features, outputs, y, model.eta(x), maximum)
    return replace(model, inference=inference, notes=(*model.notes, *_notes(inference, y)))


def _notes(inference: Inference, y: np.ndarray) -> list[str]:
    """What there is to know about an inference."""
    notes = []
    error = inference.figures.get("residual_standard_error", np.inf)
    if error is None:
        notes.append(
            f"There are as many coefficients as rows, {inference.rows}, so nothing is left to tell errors from: there are no "
            f"standard errors."
        )
    elif error < PERFECT * np.abs(y).max():
        notes.append("The fit is perfect, up to rounding: its standard errors are of no use.")
    return notes
