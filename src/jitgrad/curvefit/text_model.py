"""What models that are written as text have in common: formulas and differential equations."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from jitgrad.tape.tensor import Tensor


class TextModel:
    """A model that is written as text.

    Parameters
    ----------
    text : str
        The text.

    Attributes
    ----------
    names : list of str
        The names of columns and parameters, in order of appearance.
    constants : list of str
        The names in the text, such as ``pi``, that are constants unless the data have a column of that name.
    plain : bool
        Whether the model uses built-in functions only.
    labels : list of str
        The columns of labels, which are numbers in the data of a fit.
    accuracy : float
        The relative error of its values beyond rounding errors.
    restricts : bool
        Whether ``_check_columns`` and ``_coded`` do anything.
    """

    names: list[str]
    constants: list[str]
    plain: bool
    restricts = False
    accuracy = 0.0

    def __init__(self, text: str) -> None:
        self.text = text
        self.labels: list[str] = []

    def parameters(self, columns: Iterable[str]) -> list[str]:
        """Return the names that are not columns.

        Parameters
        ----------
        columns : iterable of str
            The names of the columns.

        Returns
        -------
        list of str
            The parameters, in order of appearance.
        """
        known = set(columns)
        return [name for name in self.names if name not in known]

    def __call__(self, /, **values: Any) -> Tensor:
        """Evaluate the model for a value of each name."""
        raise NotImplementedError

    def _equation(self, name: str) -> str:
        """Return the model as an equation for a response of this name."""
        return f"{name} = {' '.join(self.text.split())}"

    @property
    def key(self) -> Hashable:
        """A key of the computation."""
        return self.text

    def _bound(self, columns: Sequence[str]) -> TextModel:
        """Return the model for data with these columns. Raises DataError if it cannot use them."""
        return self

    def _check_columns(self, columns: Mapping[str, np.ndarray]) -> None:
        """Raise DataError if the columns of a fit, (rows,) each, do not suit the model."""

    def _suited(self, columns: Mapping[str, np.ndarray]) -> TextModel:
        """Return the model for the columns of a fit."""
        return self

    def _rough(self) -> TextModel:
        """Return a model that takes less time and is accurate enough for a search."""
        return self

    def _coded(self, name: str, values: Any) -> Any:
        """Return the values of a column, with numbers in place of labels."""
        return values

    def _along(self, columns: Mapping[str, np.ndarray]) -> str | None:
        """Return the column along which a fit is drawn; None if several columns vary."""
        return next(iter(columns)) if len(columns) == 1 else None

    def _quantities(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the rows of each observed quantity, a mask by its label, which is "" for a single one."""
        return {"": np.ones(len(next(iter(columns.values()))), bool)}
