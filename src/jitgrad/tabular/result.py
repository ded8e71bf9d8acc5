"""The result of fitting a table."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from jitgrad.errors import ArgumentError
from jitgrad.glm.result import Fit
from jitgrad.summary import Summary
from jitgrad.tabular import frames
from jitgrad.tabular.columns import Design
from jitgrad.tabular.frames import Table
from jitgrad.tabular.model import Interval, TableModel
from jitgrad.tabular.scores import Scores
from jitgrad.training.fit import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jitgrad.glm.cross_validation import CrossValidated
    from jitgrad.pictures.canvas import Target
    from jitgrad.tabular.anova import Anova

Split = dict[str, np.ndarray]
"""Row numbers of the training, validation and test rows."""


@dataclass(frozen=True)
class TableFit:
    """The result of `jitgrad.fit_table`.

    Print it for a summary: estimates, fit statistics, notes and scores.

    Parameters
    ----------
    model : TableModel
        The fitted model, which predicts other tables and can be saved.
    design : Design
        The rows that were used, as arrays.
    glm : jitgrad.glm.Fit or None
        The maximum-likelihood fit; None for networks, penalized fits and gradient descent.
    history : History or None
        The losses of gradient descent; None for exact and penalized fits.
    rows : dict of str to ndarray
        The rows of ``design`` in the "train", "validation" and "test" parts.
    success : bool
        Whether the fit converged and describes the training rows better than a constant.
    path : jitgrad.glm.CrossValidated or None
        The cross-validated path of a penalized fit whose penalty was chosen; otherwise None.
    library : module
        The library of the frames that methods return.
    call : dict
        The arguments of `jitgrad.fit_table`, except the table, that differ from their defaults.

    See Also
    --------
    jitgrad.fit_table : Fit a table.
    TableModel : Predict from a saved model.

    Examples
    --------
    >>> cars = {"speed": [4, 7, 8, 9, 10, 11, 12], "dist": [2, 4, 16, 10, 18, 17, 24]}
    >>> fit = jg.fit_table(cars, "dist")
    >>> fit.success, fit.model.kind
    (True, 'linear')
    >>> scores = fit.model.scores
    >>> {part: round(scores[part]["r2"], 2) for part in scores}
    {'train': 0.81, 'cross-validation': 0.66}
    >>> fit.predict({"speed": [20]}, interval="prediction").select("low", "high").row(0)
    (23.43..., 62.85...)
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
        """Notes on the columns and the fit, such as dropped rows or perfect separation."""
        return self.model.notes

    def summary(self, ratios: bool = False, anova: Literal["each", "sequential"] | None = None) -> Summary:
        """Return a summary of estimates, fit statistics, notes and scores.

        Parameters
        ----------
        ratios : bool, default False
            Whether to show odds ratios or rate ratios instead of coefficients.
        anova : {"each", "sequential"}, optional
            Whether to add tests of terms; see `anova`.

        Returns
        -------
        Summary
            The summary, which prints as text and displays as HTML in notebooks.
        """
        from jitgrad.tabular.summaries import of_fit

        return of_fit(self, ratios, anova)

    def anova(self, kind: Literal["each", "sequential"] = "each") -> Anova:
        """Test each term: a column with all its categories, or a term of the formula.

        Tests are F tests if the dispersion is estimated, and likelihood-ratio tests otherwise. With robust standard errors,
        they are Wald tests.

        Parameters
        ----------
        kind : {"each", "sequential"}, default "each"
            Whether to leave out one term at a time, like R's ``drop1``, except terms contained in an interaction; or to add
            terms in order, like R's ``anova``.

        Returns
        -------
        Anova
            The tests. The method ``frame()`` returns them as a frame.

        Raises
        ------
        ArgumentError
            If the model was not fitted exactly, or for sequential tests with robust standard errors.

        Examples
        --------
        >>> cars = {"speed": [4, 7, 8, 9, 10, 11, 12], "dist": [2, 4, 16, 10, 18, 17, 24]}
        >>> tests = jg.fit_table(cars, "dist").anova().frame()
        >>> tests["term"].to_list(), tests["df"].to_list(), tests["p_value"].round(4).to_list()
        (['speed'], [1], [0.0057])
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
        """Return the estimates as a frame, one row per coefficient.

        Returns
        -------
        DataFrame
            A frame of the same library as the table, with the columns output, name and estimate; for exact fits also
            standard_error, t or z, p_value, low and high.

        Raises
        ------
        ArgumentError
            If the model is a network, which has no coefficients.
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
        self,
        frame: Table,
        interval: Interval | None = None,
        level: float | None = None,
        unseen: Literal["reference", "missing", "error"] = "reference",
    ) -> Any:
        """Predict the rows of a table.

        Parameters
        ----------
        frame : DataFrame or mapping of str to sequence
            A table with the columns that the model needs, in any order.
        interval : {"confidence", "prediction"}, optional
            Whether to add columns ``low`` and ``high``: the limits of a confidence interval for the mean, by the delta method
            on the scale of the linear predictor, or of a prediction interval for a new observation of a linear model.
        level : float, optional
            The level of the interval. By default, the level of the fit.
        unseen : {"reference", "missing", "error"}, default "reference"
            How to treat categories that were not seen in training: as the reference category with a DataWarning, as missing, or
            as an error.

        Returns
        -------
        DataFrame
            A frame of the same library with the column ``prediction``, and for a classification ``probability_<class>`` for
            each class. Rows with missing values have null.

        Raises
        ------
        DataError
            If a column does not exist or cannot be used.
        ArgumentError
            If the model does not provide the interval, or a level is given without an interval.

        Examples
        --------
        >>> cars = {"speed": [4, 7, 8, 9, 10, 11, 12], "dist": [2, 4, 16, 10, 18, 17, 24]}
        >>> jg.fit_table(cars, "dist").predict({"speed": [10.0, None]})["prediction"].round(2).to_list()
        [16.43, None]
        """
        data = frames.as_polars(frame)
        return frames.like(frames.library_of(frame), self.model.predict_frame(data, interval, level, unseen))

    def evaluate(self, frame: Table) -> Scores:
        """Score the model on a table that contains the target.

        Parameters
        ----------
        frame : DataFrame or mapping of str to sequence
            The table. Rows with missing values are ignored.

        Returns
        -------
        dict
            The number of rows and the scores: "r2", "rmse" and "mae" of a regression; "accuracy", "log_loss", for two classes
            "auc", and "confusion" of a classification.

        Raises
        ------
        DataError
            If a column does not exist or cannot be used, or no row is complete.
        """
        return self.model.evaluate(frames.as_polars(frame))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the model to a file.

        Parameters
        ----------
        path : str or Path
            The file. `TableModel.load` and the command line read it.
        """
        self.model.save(path)

    def plot(self, path: Target = None) -> Figure:
        """Plot the fit.

        Parameters
        ----------
        path : str or Path, optional
            The image file to write. By default, the figure is only returned.

        Returns
        -------
        matplotlib.figure.Figure
            The figure; see `jitgrad.pictures.table_fit`.
        """
        from jitgrad import pictures

        return pictures.table_fit(self, path)

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write an HTML report with estimates, diagnostics and notes on the columns.

        Parameters
        ----------
        path : str or Path
            The file to write.
        """
        from jitgrad import reports

        reports.table_report(self, path)
