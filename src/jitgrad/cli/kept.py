"""Saved models of any kind: a table model, a curve, or a Model built in Python."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import ArgumentError, DataError
from jitgrad.io.options import ReadOptions
from jitgrad.saving import archive
from jitgrad.training.columns import columns_for

if TYPE_CHECKING:
    import polars as pl


def load(path: str) -> Any:
    """Load a TableModel, CurveModel or NetworkModel. Raises DataError if the file contains none."""
    from jitgrad.tabular import CurveModel, TableModel

    kind = archive.kind_of(archive.read(path))
    if kind == "table":
        return TableModel.load(path)
    if kind == "curve":
        return CurveModel.load(path)
    return NetworkModel(path)


def reading_for(model: Any, reading: ReadOptions) -> ReadOptions:
    """Return reading options for a model. Columns that were text when it was fitted stay text, so 007 does not become 7."""
    from jitgrad.tabular import TableModel

    if not isinstance(model, TableModel):
        return reading
    classes = model.target.needs if model.classes and isinstance(model.target.values[0], str) else ()
    return replace(reading, texts=(*model.predictors.texts, *classes))


def unseen_for(model: Any, unseen: str | None) -> dict[str, Any]:
    """Return the ``unseen`` argument for table models, and no arguments for other models."""
    from jitgrad.tabular import TableModel
    from jitgrad.tabular.unseen import unseen_of

    if isinstance(model, TableModel):
        return {"unseen": unseen_of(unseen or "reference") or "error"}
    if unseen is not None:
        raise ArgumentError("{argument} applies only to table models. Leave it out.", argument="unseen")
    return {}


def notes_on_unseen(model: Any, given: dict[str, Any]) -> tuple[str, ...]:
    """Return notes on the categories that were not seen in training."""
    from jitgrad.tabular.predictors import unseen_notes
    from jitgrad.tabular.unseen import Unseen

    unseen = given.get("unseen")
    return unseen_notes(unseen, model.predictors) if isinstance(unseen, Unseen) else ()


class NetworkModel:
    """A model written by ``Model.save``, whose inputs are the columns of a table."""

    def __init__(self, path: str) -> None:
        from jitgrad.saving import load_model

        self.path = path
        self.model: Any = load_model(path)

    def predict_frame(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a column ``prediction``, or ``prediction_0``, … for several outputs; null if a value is missing.

        Inputs are the columns to which the model was fitted, or all columns if it was fitted to an array.

        Raises DataError for columns that are not numeric.
        """
        import polars as pl

        from jitgrad.tabular.encoding import numbers

        columns = columns_for(frame.columns, self.model.fitted_columns[0], "The table")
        x = np.column_stack([numbers(frame[name]) for name in columns])
        complete = ~np.isnan(x).any(1)
        made = np.asarray(self.model.predict(x[complete].astype(np.float32), verbose=0)).reshape(int(complete.sum()), -1)
        whole = np.full((len(x), made.shape[1]), np.nan)
        whole[complete] = made
        names = ["prediction"] if made.shape[1] == 1 else [f"prediction_{k}" for k in range(made.shape[1])]
        return pl.DataFrame(dict(zip(names, whole.T, strict=True))).fill_nan(None)

    def evaluate(self, frame: pl.DataFrame) -> Any:
        """Raise DataError, because the file does not record which column is the target."""
        raise DataError(f"{self.path} does not record which column is the target. Load it in Python and call evaluate(x, y).")
