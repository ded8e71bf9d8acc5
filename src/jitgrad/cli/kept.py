"""Models in files, of whatever kind: of a table, a curve, or a Model made in Python."""

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
    """A TableModel, a CurveModel, or a NetworkModel. Raises DataError where the file has none."""
    from jitgrad.tabular import CurveModel, TableModel

    kind = archive.kind_of(archive.read(path))
    if kind == "table":
        return TableModel.load(path)
    if kind == "curve":
        return CurveModel.load(path)
    return NetworkModel(path)


def reading_for(model: Any, reading: ReadOptions) -> ReadOptions:
    """How a table for a model is read: what was text when it was fitted stays text, so that 007 does not become 7."""
    from jitgrad.tabular import TableModel

    if not isinstance(model, TableModel):
        return reading
    classes = model.target.needs if model.classes and isinstance(model.target.values[0], str) else ()
    return replace(reading, texts=(*model.predictors.texts, *classes))


def unseen_for(model: Any, unseen: str | None) -> dict[str, Any]:
    """The argument for texts that were not in the table that was fitted, of which models of tables alone know."""
    from jitgrad.tabular import TableModel
    from jitgrad.tabular.encoding import unseen_of

    if isinstance(model, TableModel):
        return {"unseen": unseen_of(unseen or "reference") or "error"}
    if unseen is not None:
        raise ArgumentError("{argument} is of models of tables. Leave it out.", argument="unseen")
    return {}


def notes_on_unseen(model: Any, given: dict[str, Any]) -> tuple[str, ...]:
    """What there was of them."""
    from jitgrad.tabular.encoding import Unseen
    from jitgrad.tabular.predictors import unseen_notes

    unseen = given.get("unseen")
    return unseen_notes(unseen, model.predictors) if isinstance(unseen, Unseen) else ()


class NetworkModel:
    """A model that ``Model.save`` wrote: all columns of a table are its inputs."""

    def __init__(self, path: str) -> None:
        from jitgrad.saving import load_model

        self.path = path
        self.model: Any = load_model(path)

    def predict_frame(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A column ``prediction``, or ``prediction_0`` and so on for several outputs; null where a value is missing.

        The columns are those that the model was fitted to, or all where it was fitted to an array.

        Raises DataError for columns that are none of numbers.
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
        """Raises DataError: the file does not say what the target is."""
        raise DataError(f"{self.path} does not say which column is its target. Load it in Python, and call its evaluate(x, y).")
