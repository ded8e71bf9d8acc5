"""Cross-validated scores of models that are fitted to all rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from jitgrad import glm, random
from jitgrad.glm.result import Fit
from jitgrad.tabular.columns import Design
from jitgrad.tabular.exact import rows_of
from jitgrad.tabular.model import TableModel

KEY = "cross-validation"
"""The name of these scores."""
MOST_WORK = 1e9
"""Number of multiplications allowed for cross-validation by gradient descent, which take a few seconds."""


def of_exact(model: TableModel, design: Design, fit: Fit) -> TableModel:
    """Add cross-validated scores: leave-one-out if it has a closed form, otherwise by folds."""
    settings = model.settings
    made = glm.cross_validate(fit, design.x, design.y, folds=settings.cv, seed=settings.seed, **rows_of(design))
    model = replace(model, notes=(*model.notes, made.note)) if made.note else model
    if not made.method:
        return model
    predicted = made.predicted
    if model.classes and predicted.ndim == 1:
        predicted = np.column_stack([1 - predicted, predicted])
    given = replace(design.part(made.rows), freq_weights=None if design.freq_weights is None else made.frequency)
    return scored(model, given, predicted, made.method)


def of_descent(model: TableModel, design: Design, refit: Callable[[Design, dict[str, np.ndarray]], TableModel]) -> TableModel:
    """Add cross-validated scores by folds, unless that would take long or there are too few rows."""
    folds, nothing = fold_numbers(design, model.settings.cv, model.settings.seed), np.empty(0, np.int64)
    work = float(design.x.size) * len(model.layers[-1][1]) * model.epochs * model.settings.cv
    if folds is None or work > MOST_WORK:
        return model
    predicted = np.empty((len(design.y), *([len(model.classes)] if model.classes else [])))
    for number in range(folds.max() + 1):
        out = folds == number
        parts = {"train": np.flatnonzero(~out), "validation": nothing, "test": nothing}
        predicted[out] = refit(design, parts).predicted(design.x[out])
    return scored(model, design, predicted, f"{folds.max() + 1}-fold")


def fold_numbers(design: Design, folds: int, seed: int) -> np.ndarray | None:
    """Return the fold of each row, stratified by class, or None if there are too few rows."""
    groups = [np.flatnonzero(design.y == k) for k in range(len(design.classes))] or [np.arange(len(design.y))]
    if min(map(len, groups)) < 2 or len(design.y) < 4:
        return None
    draw, made, first = random.generator(seed), np.empty(len(design.y), np.int64), 0
    folds = min(folds, len(design.y))
    for group in groups:
        made[draw.permutation(group)] = (first + np.arange(len(group))) % folds
        first += len(group)
    return made


def scored(model: TableModel, design: Design, predicted: np.ndarray, method: str) -> TableModel:
    """Add the scores of predictions of held-out rows; rows with nan are ignored."""
    known = np.isfinite(predicted.reshape(len(predicted), -1)).all(1)
    if not known.any():
        return model
    of = design.part(np.flatnonzero(known))
    scores = model.scores_of(of.y, predicted[known], of.precision, of.freq_weights)
    return replace(model, scores=model.scores | {KEY: scores}, validation=method)
