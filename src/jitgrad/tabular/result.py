"""What comes of fitting a table."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from jitgrad.errors import ArgumentError
from jitgrad.glm.result import Fit
from jitgrad.summary import Summary
from jitgrad.tabular import frames
from jitgrad.tabular.columns import Design
from jitgrad.tabular.model import Interval, TableModel
from jitgrad.tabular.scores import Scores
from jitgrad.training.fit import History

if TYPE_CHECKING:
    from jitgrad.glm.cross_validation import CrossValidated
    from jitgrad.tabular.anova import Anova

Split = dict[str, np.ndarray]
"""Positions of the rows of "train", "validation" and "test"."""


@dataclass(frozen=True)
class TableFit:
    """A fitted table.

    Attributes
    ----------
    model : TableModel
        What came out, with its scores: it is kept by ``save``.
    design : Design
        The rows that were used, as arrays.
    glm : glm.Fit or None
        The maximum of the likelihood; None of networks, penalties and gradient descent.
    history : History or None
        The losses of gradient descent, in the units of the scale.
    rows : dict
        Which rows of the design were for "train", "validation" and "test".
    success : bool
        Whether the fit converged to a model that explains its rows better than a constant does.
    path : glm.CrossValidated or None
        Of a penalised fit: the coefficients for every strength of the penalty, and how well each predicts held-out rows.
    library : module
        Of the frames that are given back.
    call : dict
        The arguments of ``fit_table`` beside the frame that are not its defaults, by name.
    """

    model: TableModel
    design: Design
    glm: Fit | None
    history: History | None
    rows: Split
    success: bool
    path: CrossValidated | None = None
    library: Any = None
    call: dict[str, Any] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to know about the columns and the fit, in sentences."""
        return self.model.notes

    def summary(self, ratios: bool = False, anova: str | None = None) -> Summary:
        """What the command prints: estimates, figures, scores and notes.

        Parameters
        ----------
        ratios : bool, default False
            Whether odds or rate ratios are in the place of coefficients.
        anova : {"each", "sequential"}, optional
            Also print tests of terms, see ``anova``.

        Returns
        -------
        Summary
            Text by ``str``, and HTML in notebooks.
        """
        from jitgrad.tabular.summaries import of_fit

        return of_fit(self, ratios, anova)

    def anova(self, kind: str = "each") -> Anova:
        """Test each term: a column with all its features, or a term of the formula.

        An F test where the dispersion is estimated, else one of the likelihood ratio; Wald's, with robust standard errors.

        Parameters
        ----------
        kind : {"each", "sequential"}, default "each"
            Whether each term is left out of the whole model, as by R's ``drop1``, where a term stays while an interaction
            contains it; or added to those before it, as by R's ``anova``.

        Returns
        -------
        Anova
            The tests; a frame by ``frame()``.

        Raises
        ------
        ArgumentError
            Where the model was not fitted exactly.
        """
        from jitgrad.tabular.anova import anova

        inference = self.model.inference
        if self.glm is None or inference is None:
            raise ArgumentError(
                "Tests of terms require an exact fit, without a penalty or gradient descent. Leave {argument} out.",
                argument="anova",
            )
        return anova(self.glm, inference, self.design.part(self.rows["train"]), kind, self.library)

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def frame(self) -> Any:
        """The estimates as a frame of the library that the table came in: a row for each coefficient.

        Returns
        -------
        frame
            Columns output, name and estimate; of exact fits also standard_error, t or z, p_value, low and high.

        Raises
        ------
        ArgumentError
            For a network, which has no coefficients.
        """
        model = self.model
        if model.inference is not None:
            return frames.like(self.library, model.inference.frame())
        if model.coefficients is None or model.intercept is None:
            raise ArgumentError("A network has no coefficients. Its weights are in model.layers.")
        names, outputs = ["intercept", *model.features], model.classes or [model.target.name]
        values = np.vstack([model.intercept, model.coefficients])
        columns = {"output": np.repeat(outputs, len(names)), "name": names * len(outputs), "estimate": values.T.ravel()}
        return frames.like(self.library, pl.DataFrame(columns))

    def predict(
        self, frame: Any, interval: Interval | None = None, level: float | None = None, unseen: str = "reference"
    ) -> Any:
        """Predict the rows of a table.

        Parameters
        ----------
        frame : frame of any library that narwhals knows, or mapping of columns
            The columns that the model needs, in any order.
        interval : {"confidence", "prediction"}, optional
            Also give columns ``low`` and ``high``: the ends of an interval of the mean (by the delta method on the scale of
            the linear predictor), or of a new measurement (of linear models).
        level : float, optional
            The probability that the interval has; by default that of the fit.
        unseen : {"reference", "missing", "error"}, default "reference"
            What texts count as that were not in the table that was fitted; a DataWarning has their number.

        Returns
        -------
        frame
            Of the same library: ``prediction``, and of classes ``probability_<class>`` for each. Null where a feature is
            missing.

        Raises
        ------
        DataError
            Where a column is not there or cannot be used.
        ArgumentError
            For an interval that the model does not have, and for a level without an interval.
        """
        data = frames.as_polars(frame)
        return frames.like(frames.library_of(frame), self.model.predict_frame(data, interval, level, unseen))

    def evaluate(self, frame: Any) -> Scores:
        """The scores on the rows of a table that has the target, see ``TableModel.evaluate``."""
        return self.model.evaluate(frames.as_polars(frame))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Keep the model in a file. ``TableModel.load`` and the command read it."""
        self.model.save(path)

    def plot(self, path: Any = None) -> Any:
        """Draw the fit, see ``pictures.table_fit``."""
        from jitgrad import pictures

        return pictures.table_fit(self, path)

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write one page of HTML with estimates, diagnostics and what was done to the columns."""
        from jitgrad import reports

        reports.table_report(self, path)
