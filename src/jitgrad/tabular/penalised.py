"""Penalized linear models, with a penalty that the user gives or that is chosen by cross-validation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.glm.cross_validation import CrossValidated, cross_validated
from jitgrad.glm.path import Path, path
from jitgrad.tabular import validation
from jitgrad.tabular.columns import Design
from jitgrad.tabular.exact import NOT_PENALISED, linear
from jitgrad.tabular.model import TableModel

WARM = 8
"""Number of penalties on the path to the requested one."""


def penalised(model: TableModel, design: Design) -> tuple[TableModel, CrossValidated | None]:
    """Return the penalized model with cross-validated scores, and the path from which the penalty was chosen.

    Raises ArgumentError for properties of rows that penalized fits do not support.
    """
    for name in NOT_PENALISED:
        if getattr(design, name) is not None:
            raise ArgumentError("{argument} cannot be combined with a penalty. Leave one of them out.", argument=name)
    settings, of = model.settings, _given(model, design)
    folds = validation.fold_numbers(design, settings.cv, settings.seed)
    chosen = None
    if settings.alpha is None:
        if folds is None:
            raise ArgumentError(
                "There are too few rows to choose {argument} by cross-validation. Give a value.", argument="alpha"
            )
        chosen = cross_validated(design.x, _target(design, of), cv=folds, **of)
    alpha = chosen.alpha if chosen is not None else float(settings.alpha or 0)
    found, number = (chosen.path, chosen.chosen) if chosen is not None else _at(design, alpha, of)
    model = linear(model, design.x, _coefficients(found, number))
    model = replace(model, settings=replace(settings, alpha=alpha), notes=(*model.notes, _note(model, found, number, chosen)))
    return (model if folds is None else _validated(model, design, folds, of)), chosen


def _given(model: TableModel, design: Design) -> dict[str, Any]:
    """Return the arguments of paths other than features and target."""
    if not design.intercept:
        raise ArgumentError("Penalized fits require an intercept. Remove 0 or -1 from the formula.")
    made: dict[str, Any] = {"family": model.family, "l1_ratio": model.settings.l1_part}
    for name in ("offset", "weights"):
        if getattr(design, name) is not None:
            made[name] = getattr(design, name)
    return made


def _target(design: Design, of: dict[str, Any]) -> np.ndarray:
    return design.y.astype(np.int64) if of["family"] == "multinomial" else design.y


def _at(design: Design, alpha: float, of: dict[str, Any]) -> tuple[Path, int]:
    """Return a short path to a penalty, and the position of that penalty."""
    y = _target(design, of)
    largest = path(design.x, y, n_alphas=1, **of).alphas[0]
    steps = np.geomspace(max(largest, alpha), alpha, WARM) if largest > alpha else np.array([alpha])
    made = path(design.x, y, alphas=steps, **of)
    return made, len(steps) - 1


def _coefficients(found: Path, number: int) -> np.ndarray:
    """Return the coefficients (1 + features, outputs): for two classes, against the first; for more, one per class."""
    slopes, intercept = found.coefficients[number], np.atleast_1d(found.intercepts[number])
    return np.vstack([intercept, slopes.reshape(len(slopes), -1)])


def _validated(model: TableModel, design: Design, folds: np.ndarray, of: dict[str, Any]) -> TableModel:
    """Add the scores of held-out rows, predicted with the same penalty."""
    predicted = np.empty((len(design.y), *([len(model.classes)] if model.classes else [])))
    for number in range(folds.max() + 1):
        train, out = design.part(np.flatnonzero(folds != number)), folds == number
        given = of | {name: getattr(train, name) for name in ("offset", "weights") if name in of}
        refit = linear(model, train.x, _coefficients(*_at(train, float(model.settings.alpha or 0), given)))
        predicted[out] = refit.predicted(design.x[out], None if design.offset is None else design.offset[out])
    return validation.scored(model, design, predicted, f"{folds.max() + 1}-fold")


def _note(model: TableModel, found: Path, number: int, chosen: CrossValidated | None) -> str:
    """Return a note on the penalty and the remaining coefficients."""
    settings, coefficients = model.settings, found.coefficients[number]
    why = f", chosen by {int(chosen.folds.max()) + 1}-fold cross-validation" if chosen is not None else ""
    ratio = f" and l1_ratio = {settings.l1_ratio:g}" if settings.penalty == "elastic-net" else ""
    kept = f" {np.count_nonzero(coefficients)} of {coefficients.size} coefficients are nonzero."
    kept = "" if settings.penalty == "ridge" else kept
    weakest = chosen is not None and number == len(found.alphas) - 1 and number > 0
    end = " This is the smallest alpha tried; a smaller one, or no penalty, may predict better." if weakest else ""
    return (
        f"{str(settings.penalty).capitalize()} penalty with alpha = {found.alphas[number]:.6g}{ratio}{why}. "
        f"Penalized coefficients have no standard errors.{kept}{end}"
    )
