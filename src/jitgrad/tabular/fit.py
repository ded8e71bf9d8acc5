"""Fit a table: a linear model exactly or by gradient descent, or a network, and its scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from jitgrad import random
from jitgrad.errors import ArgumentError, DataError, listed
from jitgrad.tabular.columns import Design, design_like, make_design
from jitgrad.tabular.exact import solve
from jitgrad.tabular.families import family_of
from jitgrad.tabular.model import TableModel
from jitgrad.tabular.network import descend, first_layers
from jitgrad.tabular.predictors import Predictors
from jitgrad.tabular.scale import make_scale
from jitgrad.tabular.selection import check_names
from jitgrad.tabular.settings import Settings
from jitgrad.training.fit import History

Split = dict[str, np.ndarray]
"""Positions of the rows of "train", "validation" and "test"."""


@dataclass(frozen=True)
class TableFit:
    """A fitted table.

    Attributes:
        model: what came out, with its scores.
        design: the table as arrays.
        history: the losses of gradient descent, in the units of the scale; None where the model was fitted exactly.
        rows: which rows of the design were for "train", "validation" and "test".
        success: whether the model explains the rows that it was fitted to better than a constant does.
    """

    model: TableModel
    design: Design
    history: History | None
    rows: Split
    success: bool


def fit_table(
    frame: pl.DataFrame,
    target: str,
    features: Sequence[str] | None = None,
    *,
    classify: bool = False,
    drop_missing: bool = True,
    settings: Settings | None = None,
    start: TableModel | None = None,
    verbose: bool | int | str | None = None,
) -> TableFit:
    """Fit a target column by the others, or by ``features``.

    A linear model is fitted exactly, with its inference, unless the settings ask for gradient descent, the features tell
    classes apart without error, so that there is nothing to converge to, or there are too many coefficients.

    Args:
        frame: the table.
        target: the name of the column to predict.
        features: the names of the columns to predict it from; all others by default, or those of ``start``.
        classify: whether a target of numbers is taken as classes.
        drop_missing: whether rows that miss a value are left out; otherwise they are an error.
        settings: how to fit.
        start: a model to go on with by gradient descent, for the same columns, encoded and scaled as they were.
        verbose: whether to show progress on stderr; by default where that is a terminal.

    Raises:
        DataError: where a column cannot be used, see ``make_design``, the model is none for the target, or ``start`` is one of
            other columns.
        ArgumentError: for a setting outside its range, or that does not go with another.
        FitError: where gradient descent diverges.
    """
    settings = settings or Settings()
    settings.check()
    if start is not None:
        settings, features = _going_on(start, target, features, settings)
    check_names(frame, [target, *(features or ())])
    settings = settings.for_target(frame[target], classify or (start is not None and bool(start.classes)))
    if start is None:
        design = make_design(frame, target, features, classify, drop_missing)
    else:
        design = design_like(frame, Predictors(start.columns), start.target, drop_missing, "error")
    rows = _split(design, settings)
    model, history = _fitted(start, design, rows, settings, verbose)
    scores = {name: model.scored(design.x[part], design.y[part]) for name, part in rows.items() if len(part)}
    success = _explains(model, design.x[rows["train"]], design.y[rows["train"]])
    notes = (*design.notes, *model.notes, *(() if success else (_FAILED,)))
    return TableFit(replace(model, scores=scores, notes=notes), design, history, rows, success)


_ROUNDING = 1e-9
"""Of a row's part in the likelihood."""
_FAILED = (
    "The fit failed: it explains the rows that it was fitted to no better than a constant does. "
    "Try a smaller lr, more epochs or another optimizer."
)


def _explains(model: TableModel, x: np.ndarray, y: np.ndarray) -> bool:
    """Whether the likelihood is at least that of the best constant, up to rounding; finite, of a constant target."""
    family, scale = model.family, model.scale
    target = family.targets(y, scale.center, scale.spread)[:, family.reference :]
    result = (model.eta(x) - scale.center) / scale.spread  # with the rounding of the table's units
    if family.reference:
        result = result[:, family.reference :] - result[:, : family.reference]
    own = family.likelihood(target, result)
    if (target == target[0]).all():
        return bool(np.isfinite(own))
    constant = np.broadcast_to(family.constant(target), target.shape)
    return bool(own >= family.likelihood(target, constant) - _ROUNDING * len(y))


def _going_on(start: TableModel, target: str, features: Sequence[str] | None, settings: Settings) -> tuple[Settings, list[str]]:
    """The settings and features of a fit that goes on with a model. Raises where that is another one."""
    names = [column.name for column in start.columns]
    if target != start.target.name or (features is not None and sorted(features) != sorted(names)):
        raise DataError(f"The model to go on with predicts {start.target.name!r} from {listed(names)}. Give the same.")
    for name, given, own in (("model", settings.model, start.kind), ("hidden", settings.hidden, start.settings.hidden)):
        if given and given != own:
            raise ArgumentError(f"{{argument}} is {given}, and {own} in the model to go on with. Leave it out.", argument=name)
    return replace(settings, model=start.kind, hidden=start.settings.hidden), names


def _split(design: Design, settings: Settings) -> Split:
    """Rows to fit to, to validate and to test with: at random, class by class where there are classes."""
    draw = random.generator(settings.seed)
    groups = [np.flatnonzero(design.y == k) for k in range(len(design.classes))] or [np.arange(len(design.y))]
    parts: dict[str, list[np.ndarray]] = {"train": [], "validation": [], "test": []}
    for group in groups:
        mixed = draw.permutation(group)
        test = min(round(settings.test_split * len(group)), len(group) - 1)
        validation = min(round(settings.validation_split * (len(group) - test)), len(group) - test - 1)
        for name, part in zip(("test", "validation", "train"), np.split(mixed, [test, test + validation]), strict=True):
            parts[name].append(part)
    rows = {name: np.sort(np.concatenate(part)) for name, part in parts.items()}
    if settings.validation_split and not len(rows["validation"]):
        raise ArgumentError(
            f"{{argument}} is {settings.validation_split}, which is no row of {len(rows['train'])}. Give more.",
            argument="validation_split",
        )
    return rows


def _fitted(
    start: TableModel | None, design: Design, rows: Split, settings: Settings, verbose: Any
) -> tuple[TableModel, History | None]:
    """The model fitted, exactly where it can be and gradient descent is not asked for; otherwise with the losses."""
    train = rows["train"]
    model = start or _unfitted(design, train, settings)
    model = replace(model, inference=None, notes=_notes_on_aliased(model))
    if start is None and not settings.by_descent:
        solved = solve(model, design.x[train], design.y[train])
        if isinstance(solved, TableModel):
            return solved, None
        note = f"{solved}. The coefficients are those that gradient descent came to, and have no standard errors."
        model = replace(model, notes=(*model.notes, note))
    settings, scale = settings.for_descent(len(train)), model.scale
    x, target = scale.inputs(design.x), model.family.targets(design.y, scale.center, scale.spread)
    fitted, validation = ((x[rows[name]], target[rows[name]]) for name in ("train", "validation"))
    layers, history = descend(
        model.family, fitted, validation if len(rows["validation"]) else None, settings, model.layers, model.epochs, verbose
    )
    return replace(model, layers=layers, settings=settings, epochs=model.epochs + history.epochs), history


def _unfitted(design: Design, rows: np.ndarray, settings: Settings) -> TableModel:
    """A model with its first weights, and the scale of these rows."""
    center, spread = family_of(str(settings.model), design.classes).scale(design.y[rows])
    scale = make_scale(design.x[rows], settings.model != "mlp", center, spread)
    widths = [scale.width, *settings.hidden, len(design.classes) or 1]
    return TableModel(design.target, design.columns, scale, first_layers(widths, settings.seed), settings)


def _notes_on_aliased(model: TableModel) -> tuple[str, ...]:
    names = [name for name, aliased in zip(model.features, model.scale.aliased, strict=True) if aliased]
    if not names:
        return ()
    return (f"No coefficient for what is constant, or a combination of features before it: {listed(names)}.",)
