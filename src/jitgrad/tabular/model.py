"""A fitted model of a table: it predicts rows of other tables, and is kept in a file."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from typing import Literal, get_type_hints

import numpy as np
import polars as pl

from jitgrad.errors import ArgumentError, DataError, DataWarning, users_level
from jitgrad.glm.families import FAMILIES
from jitgrad.glm.links import link_of
from jitgrad.summary import Summary
from jitgrad.tabular import document
from jitgrad.tabular.columns import Design, design_like, encoded
from jitgrad.tabular.encoding import Column, Target, Unseen, unseen_of
from jitgrad.tabular.inference import Inference
from jitgrad.tabular.network import Layers, results
from jitgrad.tabular.objectives import log_softmax
from jitgrad.tabular.predictors import Predictors, unseen_notes
from jitgrad.tabular.scale import Scale
from jitgrad.tabular.scores import Scores, scores_of_classes, scores_of_numbers
from jitgrad.tabular.settings import Settings

BLOCK = 8192
"""Rows whose linear predictors are computed together, so that what is between stays in the cache."""
Interval = Literal["confidence", "prediction"]


@dataclass(frozen=True)
class TableModel:
    """What predicts a target column from others.

    Attributes:
        target: the target column.
        predictors: the feature columns, how each becomes numbers, and their ranges in the rows used.
        scale: of the features, and of the target for gradient descent.
        layers: the weights, in the units of the scale. Of a linear model one layer; classes have a column each, of which the
            first is 0 where the maximum of the likelihood was found.
        settings: how it was fitted, defaults filled in; epochs is None where it was fitted exactly.
        epochs: how many epochs of gradient descent made it, over all fits that went on with each other.
        inference: of a linear model that was fitted exactly.
        scores: for "train", and for "validation", "test" and "cross-validation" where there are such; see ``scores.Scores``.
        validation: how the cross-validation was made: "leave-one-out", or "10-fold" for that number of folds.
        notes: what there is to know about the fit, in sentences.
    """

    target: Target
    predictors: Predictors
    scale: Scale
    layers: Layers
    settings: Settings
    epochs: int = 0
    inference: Inference | None = None
    scores: dict[str, Scores] = field(default_factory=dict)
    validation: str = ""
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The name of the model, in ``MODELS``."""
        return str(self.settings.model)

    @property
    def classes(self) -> list[str]:
        """The classes in order; empty for a regression."""
        return self.target.classes

    @property
    def outputs(self) -> list[str]:
        """What a linear model has coefficients for: the target, or the classes but the first."""
        return self.classes[1:] or [self.target.name]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The feature columns."""
        return self.predictors.columns

    @property
    def features(self) -> list[str]:
        """The features; ``column=text`` for a column of texts."""
        return list(self.predictors.names)

    @property
    def family(self) -> str:
        """The distribution of the target, as ``glm`` names it."""
        if len(self.classes) > 2 or (self.classes and self.kind == "mlp"):
            return "multinomial"
        return {"linear": "gaussian", "mlp": "gaussian", "logistic": "binomial"}.get(self.kind, self.kind)

    @property
    def link(self) -> str:
        """Between the mean and the linear predictor, as ``glm`` names it; of more than two classes "logit"."""
        return "logit" if self.family == "multinomial" else self.settings.link or FAMILIES[self.family].link

    @property
    def coefficients(self) -> np.ndarray | None:
        """Of a linear model, in the units of the table: float64 (features, outputs). An aliased feature has 0.

        A regression has one output. A classification has one for each class, whose differences count. None for a network.
        """
        return None if self.kind == "mlp" else self._in_units()[1:]

    @property
    def intercept(self) -> np.ndarray | None:
        """Of a linear model, float64 (outputs,)."""
        return None if self.kind == "mlp" else self._in_units()[0]

    def predict(self, frame: pl.DataFrame) -> np.ndarray:
        """The predictions for the rows of a table, (rows,): means, or the most likely classes as they are in the target.

        Where a feature is missing there is nan among numbers, and None among others. Raises as ``predict_frame``.
        """
        values: np.ndarray = self.predict_frame(frame)["prediction"].to_numpy()
        return values

    def predict_frame(
        self,
        frame: pl.DataFrame,
        interval: Interval | None = None,
        level: float | None = None,
        unseen: str | Unseen = "reference",
    ) -> pl.DataFrame:
        """A column ``prediction``, and of classes ``probability_<class>`` for each; null where a feature is missing.

        With ``interval`` also ``low`` and ``high``: of the mean, or the probability of the second of two classes
        ("confidence"), or of a new measurement ("prediction"), at the ``level`` of the fit or another one.

        Texts that were not in the table that was fitted count as the "reference" of their column, as "missing", or are an
        "error", as ``unseen`` says. A DataWarning has their number, unless ``unseen`` is an ``Unseen``, which takes them.

        Other columns of ``frame`` are ignored. Raises DataError where a column is missing, or has what cannot be encoded: a
        text among numbers, or a number that is infinite or predicts what is; ArgumentError for intervals that there are not.
        """
        if interval is None and level is not None:
            raise ArgumentError(
                "{argument} requires an interval. Also give interval='confidence' or 'prediction'.",
                argument="level",
            )
        strange = unseen_of(unseen)
        given = encoded(frame, self.predictors, strange)
        self._warn(strange, unseen)
        complete = ~np.isnan(given.x).any(1)
        offset = None
        if given.offset is not None:
            complete &= ~np.isnan(given.offset)
            offset = given.offset[complete]
        made = self._predicted_frame(self.predicted(given.x[complete], offset), complete)
        if interval is None:
            return made
        limits = np.full((2, len(complete)), np.nan)
        limits[:, complete] = self.limits(given.x[complete], offset, interval, level)
        return made.hstack(pl.DataFrame({"low": limits[0], "high": limits[1]}).fill_nan(None))

    def _predicted_frame(self, predicted: np.ndarray, complete: np.ndarray) -> pl.DataFrame:
        """Predictions of complete rows among all rows."""
        whole = np.full((len(complete), *predicted.shape[1:]), np.nan)
        whole[complete] = predicted
        if not self.target.values:
            return pl.DataFrame({"prediction": whole}).fill_nan(None)
        likely = pl.DataFrame({"class": pl.Series(self.target.values)[whole.argmax(1)], "known": complete})
        probabilities = {f"probability_{name}": values for name, values in zip(self.classes, whole.T, strict=True)}
        shown = likely.select(pl.when("known").then("class").alias("prediction"))
        return shown.hstack(pl.DataFrame(probabilities).fill_nan(None))

    def predicted(self, x: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray:
        """The means (rows,), or the probabilities of the classes (rows, classes), for features (rows, features).

        Raises DataError for a row so far outside the table that was fitted that η is not finite.
        """
        eta = self.eta(x, offset)
        wrong = ~np.isfinite(eta).all(1)
        if wrong.any():
            row = x[wrong.argmax()]
            with np.errstate(over="ignore"):
                far = int(np.abs((row - self.scale.mean) / self.scale.std).argmax())
            raise DataError(
                f"Column {self.features[far]!r} has {row[far]:.6g}, which is so far outside the training range that the "
                f"prediction is not finite. Correct it, or leave the row out."
            )
        return self.means(eta)

    def eta(self, x: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray:
        """The linear predictors, float64 (rows, outputs): a column for each class, or one."""
        with np.errstate(over="ignore", invalid="ignore"):
            parts = [x[first : first + BLOCK] for first in range(0, len(x), BLOCK)] or [x]
            made = np.concatenate([results(self.layers, self.scale.inputs(part)) for part in parts])
            made = made * self.scale.spread + self.scale.center
        if offset is not None:
            made[:, -1] += offset
        return made

    def means(self, eta: np.ndarray) -> np.ndarray:
        """The means, or the probabilities of the classes, of linear predictors (rows, outputs)."""
        link = link_of(self.link)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # far outside the table that was fitted
            if not self.classes:
                return link.inverse(eta[:, 0])
            if self.link == "logit":
                return np.exp(log_softmax(eta))
            return np.column_stack([link.rest(eta[:, 1] - eta[:, 0]), link.inverse(eta[:, 1] - eta[:, 0])])

    def limits(self, x: np.ndarray, offset: np.ndarray | None, interval: str, level: float | None = None) -> np.ndarray:
        """The ends of intervals, (2, rows), of features (rows, features), see ``predict_frame``.

        Those of a mean are those of the linear predictor, brought to its scale by the link.

        Raises ArgumentError where there are none.
        """
        inference, level = self.inference, self.settings.level if level is None else level
        if inference is None or len(inference.outputs) > 1:
            what = "more than two classes" if inference is not None else "no standard errors"
            raise ArgumentError(
                f"Intervals are not available for a model with {what}. Leave {{argument}} out.", argument="interval"
            )
        if not 0 < level < 1:
            raise ArgumentError(f"{{argument}} is {level:g}. Give a number between 0 and 1, such as 0.95.", argument="level")
        more = 0.0
        if interval == "prediction":
            if self.family != "gaussian" or self.link != "identity":
                raise ArgumentError(
                    f"Model {self.kind!r} has no prediction intervals, only confidence intervals for the mean. "
                    f"Use 'confidence' as {{argument}}.",
                    argument="interval",
                )
            more = inference.dispersion
        elif interval != "confidence":
            raise ArgumentError(f"{{argument}} is {interval!r}. Use 'confidence' or 'prediction'.", argument="interval")
        half, link = inference.half_width(x, more, level), link_of(self.link)
        eta = self.eta(x, offset)
        own = eta[:, -1] - (eta[:, 0] if self.classes else 0)
        ends = np.stack([own - half, own + half])
        ends = np.maximum(ends, 0.0) if link.needs else ends  # below, there is no mean
        with np.errstate(over="ignore", divide="ignore"):
            return np.sort(link.inverse(ends), axis=0)

    def evaluate(self, frame: pl.DataFrame, unseen: str | Unseen = "reference") -> Scores:
        """The scores on the rows of a table that have every value; for ``unseen`` see ``predict_frame``.

        Raises DataError as ``predict_frame``, for a class that was not in the table that was fitted, and where no row is whole.
        """
        strange = unseen_of(unseen)
        design = design_like(frame, self.predictors, self.target, unseen=strange)
        self._warn(strange, unseen)
        return self.scored(design)

    def _warn(self, strange: Unseen | None, asked: str | Unseen) -> None:
        """Say which texts a table has that were not in the one that was fitted, if nobody else does."""
        if strange is not None and strange is not asked:
            for note in unseen_notes(strange, self.predictors):
                warnings.warn(note, DataWarning, stacklevel=users_level())

    def scored(self, design: Design) -> Scores:
        """The scores on rows, with their weights and frequencies."""
        return self.scores_of(design.y, self.predicted(design.x, design.offset), design.precision, design.freq_weights)

    def scores_of(
        self, y: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None, frequency: np.ndarray | None = None
    ) -> Scores:
        """The scores of predictions of numbers or positions of classes (rows,)."""
        return (scores_of_classes if self.target.values else scores_of_numbers)(y, predicted, weights, frequency)

    def summary(self, ratios: bool = False) -> Summary:
        """Estimates, figures, scores and notes, as they are printed."""
        from jitgrad.tabular.summaries import of_model

        return of_model(self, ratios)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, whole or not at all: numbers and JSON, never code.

        Raises OSError where it cannot be written.
        """
        document.write(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TableModel:
        """The model of a file that ``save`` wrote; it predicts the same to the bit.

        Raises DataError for a file that is not there, damaged, of something else, or of another version of jitgrad.
        """
        return cls(**document.read(path, get_type_hints(cls)))

    def _in_units(self) -> np.ndarray:
        return self.scale.coefficients(*self.layers[0])
