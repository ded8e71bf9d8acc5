"""A fitted model of a table, which predicts other tables and can be saved."""

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
from jitgrad.tabular import document, intervals
from jitgrad.tabular.columns import Design, design_like, encoded
from jitgrad.tabular.encoding import Column, Target
from jitgrad.tabular.inference import Inference
from jitgrad.tabular.network import Layers, results
from jitgrad.tabular.objectives import log_softmax
from jitgrad.tabular.predictors import Predictors, unseen_notes
from jitgrad.tabular.scale import Scale
from jitgrad.tabular.scores import Scores, scores_of_classes, scores_of_numbers
from jitgrad.tabular.settings import Settings
from jitgrad.tabular.unseen import Unseen, unseen_of

BLOCK = 8192
"""Number of rows whose linear predictors are computed together, so that intermediate results fit in the cache."""
Interval = Literal["confidence", "prediction"]


@dataclass(frozen=True)
class TableModel:
    """A model that predicts a column of a table from other columns.

    It is the ``model`` of a `TableFit`, and contains everything needed for predictions: the encoding of each column, the
    weights, and the estimates.

    Parameters
    ----------
    target : Target
        The target column.
    predictors : Predictors
        The feature columns, their encoding, and their ranges in the training rows.
    scale : Scale
        The scaling of the features, and of the target for gradient descent.
    layers : tuple of (ndarray, ndarray)
        The kernel and bias of each layer, in scaled units. Linear models have one layer; for a classification it has one output
        per class, and the first output is 0 for maximum-likelihood fits.
    settings : Settings
        The settings of the fit with defaults filled in.
    epochs : int
        The total number of epochs of gradient descent, including those of models that it continues.
    inference : Inference or None
        Standard errors, tests and intervals of an exact fit.
    scores : dict of str to dict
        Scores of the "train" rows, and of "validation", "test" and "cross-validation" if available.
    validation : str
        The method of cross-validation, such as "leave-one-out" or "10-fold".
    notes : tuple of str
        Notes on the columns and the fit.

    See Also
    --------
    jitgrad.fit_table : Fit a model.

    Examples
    --------
    >>> from jitgrad.tabular import TableModel
    >>> cars = {"speed": [4, 7, 8, 9, 10, 11, 12], "dist": [2, 4, 16, 10, 18, 17, 24]}
    >>> jg.fit_table(cars, "dist").save("cars.jitgrad")
    >>> model = TableModel.load("cars.jitgrad")
    >>> model.kind, model.features, model.coefficients.round(4)
    ('linear', ['speed'], array([[2.6711]]))
    >>> import polars as pl
    >>> model.predict(pl.DataFrame({"speed": [20]})).round(2)
    array([43.14])
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
        """The name of the model, such as "linear" or "mlp"."""
        return str(self.settings.model)

    @property
    def classes(self) -> list[str]:
        """The classes in order; empty for a regression."""
        return self.target.classes

    @property
    def outputs(self) -> list[str]:
        """The outputs that have coefficients: the target, or the classes except the first."""
        return self.classes[1:] or [self.target.name]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The feature columns."""
        return self.predictors.columns

    @property
    def features(self) -> list[str]:
        """The names of the features: a column name, or ``column=category`` for text columns."""
        return list(self.predictors.names)

    @property
    def family(self) -> str:
        """The distribution of the target, as named by `jitgrad.glm.fit`."""
        if len(self.classes) > 2 or (self.classes and self.kind == "mlp"):
            return "multinomial"
        return {"linear": "gaussian", "mlp": "gaussian", "logistic": "binomial"}.get(self.kind, self.kind)

    @property
    def link(self) -> str:
        """The link function, as named by `jitgrad.glm.fit`; "logit" for more than two classes."""
        return "logit" if self.family == "multinomial" else self.settings.link or FAMILIES[self.family].link

    @property
    def coefficients(self) -> np.ndarray | None:
        """Coefficients of a linear model in the units of the table, shape (features, outputs); None for a network.

        Aliased features have 0. A regression has one output. A classification has one column per class, and only differences
        between classes are meaningful.
        """
        return None if self.kind == "mlp" else self._in_units()[1:]

    @property
    def intercept(self) -> np.ndarray | None:
        """Intercepts of a linear model in the units of the table, shape (outputs,); None for a network."""
        return None if self.kind == "mlp" else self._in_units()[0]

    def predict(self, frame: pl.DataFrame) -> np.ndarray:
        """Predict the rows of a table as an array.

        Parameters
        ----------
        frame : polars.DataFrame
            A table with the columns that the model needs.

        Returns
        -------
        ndarray, shape (n,)
            The means, or the most likely classes. Rows with missing values have nan, or None for classes that are not numbers.
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
        """Predict the rows of a table as a frame.

        Parameters
        ----------
        frame : polars.DataFrame
            A table with the columns that the model needs. Other columns are ignored.
        interval : {"confidence", "prediction"}, optional
            Whether to add the limits of confidence intervals for the mean (or the probability of the second of two classes), or
            of prediction intervals for new observations.
        level : float, optional
            The level of the interval. By default, the level of the fit.
        unseen : {"reference", "missing", "error"} or Unseen, default "reference"
            How to treat categories that were not seen in training: as the reference category with a DataWarning, as missing, or
            as an error. An ``Unseen`` object collects them without a warning.

        Returns
        -------
        polars.DataFrame
            The column ``prediction``, for a classification ``probability_<class>`` for each class, and with an interval ``low``
            and ``high``. Rows with missing values have null.

        Raises
        ------
        DataError
            If a column does not exist or cannot be encoded, or a prediction is not finite.
        ArgumentError
            If the model does not provide the interval.
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
        """Return the predictions of complete rows as a frame of all rows."""
        whole = np.full((len(complete), *predicted.shape[1:]), np.nan)
        whole[complete] = predicted
        if not self.target.values:
            return pl.DataFrame({"prediction": whole}).fill_nan(None)
        likely = pl.DataFrame({"class": pl.Series(self.target.values)[whole.argmax(1)], "known": complete})
        probabilities = {f"probability_{name}": values for name, values in zip(self.classes, whole.T, strict=True)}
        shown = likely.select(pl.when("known").then("class").alias("prediction"))
        return shown.hstack(pl.DataFrame(probabilities).fill_nan(None))

    def predicted(self, x: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray:
        """Predict encoded features. Raises DataError if a prediction is not finite.

        Parameters
        ----------
        x : ndarray, shape (n, features)
            The features, encoded.
        offset : ndarray, shape (n,), optional
            The offset.

        Returns
        -------
        ndarray, shape (n,) or (n, classes)
            The means, or the class probabilities.
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
        """Return the linear predictor of encoded features.

        Parameters
        ----------
        x : ndarray, shape (n, features)
            The features, encoded.
        offset : ndarray, shape (n,), optional
            The offset.

        Returns
        -------
        ndarray, shape (n, outputs)
            The linear predictors: one column, or one per class.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            parts = [x[first : first + BLOCK] for first in range(0, len(x), BLOCK)] or [x]
            made = np.concatenate([results(self.layers, self.scale.inputs(part)) for part in parts])
            made = made * self.scale.spread + self.scale.center
        if offset is not None:
            made[:, -1] += offset
        return made

    def means(self, eta: np.ndarray) -> np.ndarray:
        """Convert linear predictors to means.

        Parameters
        ----------
        eta : ndarray, shape (n, outputs)
            The linear predictors.

        Returns
        -------
        ndarray, shape (n,) or (n, classes)
            The means, or the class probabilities.
        """
        link = link_of(self.link)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # rows far outside the training range
            if not self.classes:
                return link.inverse(eta[:, 0])
            if self.link == "logit":
                return np.exp(log_softmax(eta))
            return np.column_stack([link.rest(eta[:, 1] - eta[:, 0]), link.inverse(eta[:, 1] - eta[:, 0])])

    def limits(self, x: np.ndarray, offset: np.ndarray | None, interval: str, level: float | None = None) -> np.ndarray:
        """Return the limits of intervals for encoded features.

        Limits of means are computed on the scale of the linear predictor and transformed with the inverse link.

        Parameters
        ----------
        x : ndarray, shape (n, features)
            The features, encoded.
        offset : ndarray, shape (n,) or None
            The offset.
        interval : {"confidence", "prediction"}
            The kind of interval.
        level : float, optional
            The level of the interval. By default, the level of the fit.

        Returns
        -------
        ndarray, shape (2, n)
            The lower and upper limits.

        Raises
        ------
        ArgumentError
            If the model does not provide the interval.
        """
        inference, level, more = intervals.checked(self, interval, level)
        half, link = inference.half_width(x, more, level), link_of(self.link)
        eta = self.eta(x, offset)
        own = eta[:, -1] - (eta[:, 0] if self.classes else 0)
        ends = np.stack([own - half, own + half])
        ends = np.maximum(ends, 0.0) if link.needs else ends  # a mean cannot be negative
        with np.errstate(over="ignore", divide="ignore"):
            return np.sort(link.inverse(ends), axis=0)

    def evaluate(self, frame: pl.DataFrame, unseen: str | Unseen = "reference") -> Scores:
        """Score the model on a table that contains the target.

        Parameters
        ----------
        frame : polars.DataFrame
            The table. Rows with missing values are ignored.
        unseen : {"reference", "missing", "error"} or Unseen, default "reference"
            How to treat categories that were not seen in training; see `predict_frame`.

        Returns
        -------
        dict
            The number of rows and the scores; see `TableFit.evaluate`.
        """
        strange = unseen_of(unseen)
        design = design_like(frame, self.predictors, self.target, unseen=strange)
        self._warn(strange, unseen)
        return self.scored(design)

    def _warn(self, strange: Unseen | None, asked: str | Unseen) -> None:
        """Issue a DataWarning about unseen categories, unless the caller collects them."""
        if strange is not None and strange is not asked:
            for note in unseen_notes(strange, self.predictors):
                warnings.warn(note, DataWarning, stacklevel=users_level())

    def scored(self, design: Design) -> Scores:
        """Score the model on encoded rows, with their weights and frequencies.

        Parameters
        ----------
        design : Design
            The rows.

        Returns
        -------
        dict
            The number of rows and the scores.
        """
        return self.scores_of(design.y, self.predicted(design.x, design.offset), design.precision, design.freq_weights)

    def scores_of(
        self, y: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None, frequency: np.ndarray | None = None
    ) -> Scores:
        """Score predictions.

        Parameters
        ----------
        y : ndarray, shape (n,)
            The target: numbers, or class numbers.
        predicted : ndarray, shape (n,) or (n, classes)
            The predicted means or class probabilities.
        weights : ndarray, shape (n,), optional
            Precision weights.
        frequency : ndarray, shape (n,), optional
            Frequency weights.

        Returns
        -------
        dict
            The number of rows and the scores.
        """
        return (scores_of_classes if self.target.values else scores_of_numbers)(y, predicted, weights, frequency)

    def summary(self, ratios: bool = False) -> Summary:
        """Return a summary of estimates, fit statistics, scores and notes.

        Parameters
        ----------
        ratios : bool, default False
            Whether to show odds ratios or rate ratios instead of coefficients.

        Returns
        -------
        Summary
            The summary, which prints as text and displays as HTML in notebooks.
        """
        from jitgrad.tabular.summaries import of_model

        return of_model(self, ratios)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the model to a file.

        The file contains numbers and JSON, but no code. It is replaced atomically, so it is never left incomplete.

        Parameters
        ----------
        path : str or Path
            The file to write.
        """
        document.write(path, self)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TableModel:
        """Load a model from a file written by `save`.

        The loaded model makes bit-identical predictions.

        Parameters
        ----------
        path : str or Path
            The file to read.

        Returns
        -------
        TableModel
            The model.

        Raises
        ------
        DataError
            If the file does not exist, is damaged or not a table model, or was written by an incompatible version of jitgrad.
        """
        return cls(**document.read(path, get_type_hints(cls)))

    def _in_units(self) -> np.ndarray:
        return self.scale.coefficients(*self.layers[0])
