"""A fitted model of a table: it predicts rows of other tables, and is kept in a file."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import get_type_hints

import numpy as np
import polars as pl

from jitgrad.errors import DataError
from jitgrad.tabular import document
from jitgrad.tabular.columns import design_like, encoded
from jitgrad.tabular.encoding import Column, Target
from jitgrad.tabular.families import Family, family_of
from jitgrad.tabular.inference import Inference
from jitgrad.tabular.network import Layers, results
from jitgrad.tabular.predictors import Predictors
from jitgrad.tabular.scale import Scale
from jitgrad.tabular.scores import Scores, scores_of_classes, scores_of_numbers
from jitgrad.tabular.settings import Settings


@dataclass(frozen=True)
class TableModel:
    """What predicts a target column from others.

    Attributes:
        target: the target column.
        columns: the feature columns, how each becomes numbers, and their ranges in the rows used.
        scale: of the features and the target.
        layers: the weights, in the units of the scale. Of a linear model one layer; classes have a column each, of which the
            first is 0 where the maximum of the likelihood was found.
        settings: how it was fitted, defaults filled in; epochs is None where it was fitted exactly.
        epochs: how many epochs of gradient descent made it, over all fits that went on with each other.
        inference: of a linear model that was fitted exactly.
        scores: for "train", and for "validation" and "test" where there are such rows; see ``scores.Scores``.
        notes: what there is to know about the fit, in sentences.
    """

    target: Target
    columns: tuple[Column, ...]
    scale: Scale
    layers: Layers
    settings: Settings
    epochs: int = 0
    inference: Inference | None = None
    scores: dict[str, Scores] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The name of the model: "linear", "logistic", "poisson" or "mlp"."""
        return str(self.settings.model)

    @property
    def classes(self) -> list[str]:
        """The classes in order; empty for a regression."""
        return self.target.classes

    @property
    def features(self) -> list[str]:
        """The features; ``column=text`` for a column of texts."""
        return Predictors(self.columns).names

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

    @property
    def family(self) -> Family:
        """The distribution of the target."""
        return family_of(self.kind, self.classes)

    def predict(self, frame: pl.DataFrame) -> np.ndarray:
        """The predictions for the rows of a table, (rows,): means, or the most likely classes as they are in the target.

        Where a feature is missing there is nan among numbers, and None among others. Raises as ``predict_frame``.
        """
        values: np.ndarray = self.predict_frame(frame)["prediction"].to_numpy()
        return values

    def predict_frame(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A column ``prediction``, and of classes ``probability_<class>`` for each; null where a feature is missing.

        Other columns of ``frame`` are ignored. Raises DataError where a column is missing, or has what cannot be encoded: a
        text that was not in the table that was fitted, a text among numbers, or a number that is infinite or predicts what is.
        """
        x = encoded(frame, Predictors(self.columns)).x
        complete = ~np.isnan(x).any(1)
        predicted = self.predicted(x[complete])
        whole = np.full((len(x), *predicted.shape[1:]), np.nan)
        whole[complete] = predicted
        if not self.target.values:
            return pl.DataFrame({"prediction": whole}).fill_nan(None)
        likely = pl.DataFrame({"class": pl.Series(self.target.values)[whole.argmax(1)], "known": complete})
        probabilities = {f"probability_{name}": values for name, values in zip(self.classes, whole.T, strict=True)}
        shown = likely.select(pl.when("known").then("class").alias("prediction"))
        return shown.hstack(pl.DataFrame(probabilities).fill_nan(None))

    def predicted(self, x: np.ndarray) -> np.ndarray:
        """The means (rows,), or the probabilities of the classes (rows, classes), for features (rows, features).

        Raises DataError for a row so far outside the table that was fitted that η is not finite.
        """
        eta = self.eta(x)
        wrong = ~np.isfinite(eta).all(1)
        if wrong.any():
            row = x[wrong.argmax()]
            with np.errstate(over="ignore"):
                far = int(np.abs((row - self.scale.mean) / self.scale.std).argmax())
            raise DataError(
                f"Column {self.features[far]!r} has {row[far]:.6g}, so far outside the rows that were fitted that no finite "
                f"number is predicted. Correct it, or leave the row out."
            )
        return self.family.predicted(eta)

    def eta(self, x: np.ndarray) -> np.ndarray:
        """What the family's link makes means of: float64 (rows, outputs)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return results(self.layers, self.scale.inputs(x)) * self.scale.spread + self.scale.center

    def evaluate(self, frame: pl.DataFrame) -> Scores:
        """The scores on the rows of a table that have every value.

        Raises DataError as ``predict_frame``, for a class that was not in the table that was fitted, and where no row is whole.
        """
        design = design_like(frame, Predictors(self.columns), self.target)
        return self.scored(design.x, design.y)

    def scored(self, x: np.ndarray, y: np.ndarray) -> Scores:
        """The scores on features (rows, features) and the target's numbers or positions of classes (rows,)."""
        return (scores_of_classes if self.target.values else scores_of_numbers)(y, self.predicted(x))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, whole or not at all: numbers and JSON, never code.

        Raises OSError where it cannot be written.
        """
        document.write(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TableModel:
        """The model of a file that ``save`` wrote; it predicts the same to the bit.

        Raises DataError for a file that is not there, damaged, of something else, or of a newer version of jitgrad.
        """
        return cls(**document.read(path, get_type_hints(cls)))

    def _in_units(self) -> np.ndarray:
        ((kernel, bias),) = self.layers
        return self.scale.coefficients(np.vstack([bias, kernel]))
