"""Fit a table exactly, with a penalty, or by gradient descent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jitgrad import random
from jitgrad.errors import ArgumentError, FitError
from jitgrad.tabular import validation
from jitgrad.tabular.columns import Design
from jitgrad.tabular.exact import aliased_note, remedy, rows_of, solve
from jitgrad.tabular.model import TableModel
from jitgrad.tabular.network import descend, first_layers
from jitgrad.tabular.objectives import objective_of
from jitgrad.tabular.result import Split, TableFit
from jitgrad.tabular.scale import Scale, make_scale
from jitgrad.tabular.settings import DESCENT, TEST_SPLIT, Settings
from jitgrad.training.fit import History

FAILED = "The fit failed: it describes the training rows no better than a constant."
ADVICE = "Try a smaller lr, more epochs or another optimizer."
ROUNDING = 1e-9
"""Tolerance for rounding errors of the likelihood, per row."""


@dataclass(frozen=True)
class Fitting:
    """A fit of a table, to be run.

    Attributes
    ----------
    design : Design
        The table as arrays.
    settings : Settings
        The settings, with the model chosen.
    start : TableModel or None
        A model to continue by gradient descent.
    verbose : bool, int, str or None
        Whether to show progress.
    library : module
        The library of frames that are returned.
    """

    design: Design
    settings: Settings
    start: TableModel | None
    verbose: Any
    library: Any

    def fit(self) -> TableFit:
        """Fit by the requested method, or the only possible one.

        Raises FitError if gradient descent diverges, or if there is no maximum and gradient descent does not support the model.
        """
        if self.start is not None or self.settings.by_descent:
            return self._by_descent(())
        return self._exactly() if self.settings.penalty is None else self._penalised()

    def _exactly(self) -> TableFit:
        rows, train = self._rows(0.0)
        solved = solve(self._unfitted(), train, self.verbose)
        if isinstance(solved, str):
            return self._without_maximum(solved)
        model, fit = solved
        model = validation.of_exact(model, train, fit)
        constant = bool(train.y.min() == train.y.max())  # both deviances are then rounding errors
        better = constant or fit.deviance <= fit.null_deviance * (1 + ROUNDING)
        model = model if better else replace(model, notes=(*model.notes, FAILED))
        return self._made(model, rows, fit.converged and better, glm=fit)

    def _penalised(self) -> TableFit:
        from jitgrad.tabular.penalised import penalised

        rows, train = self._rows(0.0)
        model, path = penalised(self._unfitted(), train)
        return self._made(model, rows, True, path=path)

    def _without_maximum(self, reason: str) -> TableFit:
        """Fall back to gradient descent. Raises FitError for models that it does not support."""
        if not self._plain:
            raise FitError(f"{reason}. {remedy(self._unfitted(), self.design)}")
        note = (
            f"{reason}. These coefficients come from gradient descent and have no standard errors. "
            f"Consider a penalty, such as ridge."
        )
        return self._by_descent((note,))

    def _by_descent(self, notes: tuple[str, ...]) -> TableFit:
        """Fit by gradient descent. As a fallback, with ``notes``, all rows are fitted and scored by cross-validation."""
        rows, train = self._rows(0.0 if notes else TEST_SPLIT)
        model = self.start or self._unfitted(make_scale_of(train, self.settings))
        aliased = [name for name, said in zip(model.features, model.scale.aliased, strict=True) if said]
        said = (*self.design.notes, *((aliased_note(aliased),) if aliased else ()), *notes)
        model = replace(model, inference=None, scores={}, validation="", notes=said)
        fitted, history = descended(model, self.design, rows, self.settings, self.verbose)
        if notes:
            fitted = validation.of_descent(
                fitted, train, lambda design, part: descended(model, design, part, self.settings, 0)[0]
            )
        better = explains(fitted, train.x, train.y)
        fitted = fitted if better else replace(fitted, notes=(*fitted.notes, f"{FAILED} {ADVICE}"))
        return self._made(fitted, rows, better, history=history)

    @property
    def _plain(self) -> bool:
        """Whether gradient descent supports the model."""
        return (
            self.settings.link is None and self.settings.model in DESCENT and self.design.intercept and not rows_of(self.design)
        )

    def _rows(self, test_split: float) -> tuple[Split, Design]:
        """Return the split of the rows, and the training rows."""
        settings = self.settings
        test = test_split if settings.test_split is None else settings.test_split
        rows = split(self.design, test, settings.validation_split, settings.seed)
        return rows, self.design.part(rows["train"])

    def _unfitted(self, scale: Scale | None = None) -> TableModel:
        """Return a model with initial weights."""
        design, settings = self.design, self.settings
        made = scale or Scale(np.zeros(0), np.ones(0))
        widths = [made.width, *settings.hidden, len(design.classes) or 1]
        layers = first_layers(widths, settings.seed)
        return TableModel(design.target, design.predictors, made, layers, settings, notes=design.notes)

    def _made(self, model: TableModel, rows: Split, success: bool, **parts: Any) -> TableFit:
        """Return the result with the scores of each part of the rows."""
        design = self.design
        scores = {}
        for name, part in rows.items():
            if len(part):
                of = design.part(part)
                scores[name] = model.scored(of)
        model = replace(model, scores=scores | model.scores)
        return TableFit(model, design, parts.get("glm"), parts.get("history"), rows, success, parts.get("path"), self.library)


def split(design: Design, test_split: float, validation_split: float, seed: int) -> Split:
    """Split rows at random into training, validation and test rows, stratified by class."""
    if not test_split and not validation_split:
        nothing = np.empty(0, np.int64)
        return {"train": np.arange(len(design.y)), "validation": nothing, "test": nothing}
    draw = random.generator(seed)
    groups = [np.flatnonzero(design.y == k) for k in range(len(design.classes))] or [np.arange(len(design.y))]
    parts: dict[str, list[np.ndarray]] = {"train": [], "validation": [], "test": []}
    for group in groups:
        mixed = draw.permutation(group)
        test = min(round(test_split * len(group)), len(group) - 1)
        validated = min(round(validation_split * (len(group) - test)), len(group) - test - 1)
        for name, part in zip(("test", "validation", "train"), np.split(mixed, [test, test + validated]), strict=True):
            parts[name].append(part)
    rows = {name: np.sort(np.concatenate(part)) for name, part in parts.items()}
    if validation_split and not len(rows["validation"]):
        raise ArgumentError(
            f"{{argument}} is {validation_split}, which leaves no validation row among {len(rows['train'])} rows. Increase it.",
            argument="validation_split",
        )
    return rows


def make_scale_of(train: Design, settings: Settings) -> Scale:
    """Return the scaling for gradient descent, from the training rows."""
    center, spread = objective_of(str(settings.model), train.classes).scale(train.y)
    return make_scale(train.x, settings.model != "mlp", center, spread)


def descended(model: TableModel, design: Design, rows: Split, settings: Settings, verbose: Any) -> tuple[TableModel, History]:
    """Return the model after gradient descent on the training rows, and its losses."""
    objective, scale = objective_of(model.kind, model.classes), model.scale
    settings = settings.for_descent(len(rows["train"]))
    x, target = scale.inputs(design.x), objective.targets(design.y, scale.center, scale.spread)
    fitted, validated = ((x[rows[name]], target[rows[name]]) for name in ("train", "validation"))
    layers, history = descend(
        objective, fitted, validated if len(rows["validation"]) else None, settings, model.layers, model.epochs, verbose
    )
    return replace(model, layers=layers, settings=settings, epochs=model.epochs + history.epochs), history


def explains(model: TableModel, x: np.ndarray, y: np.ndarray) -> bool:
    """Return whether the likelihood is at least as high as the best constant's; for a constant target, whether it is finite."""
    objective, scale = objective_of(model.kind, model.classes), model.scale
    target = objective.targets(y, scale.center, scale.spread)
    own = objective.likelihood(
        target, (model.eta(x) - scale.center) / scale.spread
    )  # includes the rounding errors of the table's units
    if (target == target[0]).all():
        return bool(np.isfinite(own))
    constant = np.broadcast_to(objective.constant(target), target.shape)
    return bool(own >= objective.likelihood(target, constant) - ROUNDING * len(y))
