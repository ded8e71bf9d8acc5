"""The lines that a fit is drawn as: along the only column of a model, or one over time for each observed quantity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from jitgrad.curvefit.called import CalledCurve
from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import JitgradError

SAME = 1e-6
"""The relative difference of predictions that counts as rounding error, or as the tolerance of an integration."""


@dataclass(frozen=True)
class Line:
    """A line through some of the rows of a fit.

    Attributes
    ----------
    label : str
        The observed quantity; empty if there is one.
    rows : ndarray of bool
        The rows that it goes through.
    x : ndarray
        Its points.
    """

    label: str
    rows: np.ndarray
    x: np.ndarray
    _result: CurveFit
    _columns: list[np.ndarray] | None
    _order: np.ndarray

    def predict(self) -> np.ndarray:
        """Return the fit at the points."""
        return self._result.predict(self._columns)[self._order]

    def band(self, level: float, prediction: bool = False, sigma: float | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return a band at the points."""
        low, high = self._result.band(self._columns, level, prediction, sigma)
        return low[self._order], high[self._order]


def axis_of(result: CurveFit) -> str | None:
    """Return the column along which a fit is drawn, or None if several columns vary."""
    if isinstance(result.curve.model, TextModel):
        return result.curve.model._along(result.x)
    return next(iter(result.x)) if len(result.x) == 1 and np.ndim(next(iter(result.x.values()))) == 1 else None


def lines_of(result: CurveFit, points: Callable[[np.ndarray], np.ndarray]) -> Iterator[Line]:
    """Yield the lines of a fit that has an axis. ``points`` returns points over the range of an array."""
    name, model = axis_of(result), result.curve.model
    assert name is not None
    x = result.x[name]
    quantities = model._quantities(result.x) if isinstance(model, TextModel) else {"": np.ones(len(x), bool)}
    at = points(x)
    is_curve = _is_curve(result, x)
    for label, rows in quantities.items():
        if not rows.any():
            continue
        if is_curve:
            columns = [at if other == name else np.full(len(at), column[rows][0]) for other, column in result.x.items()]
            yield Line(label, rows, at, result, columns, np.arange(len(at)))
        else:
            order = np.flatnonzero(rows)[np.argsort(x[rows], kind="stable")]
            yield Line(label, rows, x[order], result, None, order)


def _is_curve(result: CurveFit, x: np.ndarray) -> bool:
    """Return whether a model has the same value at a point whichever other points there are.

    A sum over the rows has not, and is only drawn at the data.
    """
    if result.by_rows or (isinstance(result.curve.model, TextModel) and result.curve.restricts):
        return True
    if isinstance(result.curve, CalledCurve) or len(result.x) != 1:
        return False
    at = np.unique(x)
    between = (0.6 * at[:-1] + 0.4 * at[1:])[: len(at) // 2]  # on one side, which moves the mean
    more = np.sort(np.concatenate([at, between]))
    try:
        alone, among = result.predict([at]), result.predict([more])[np.searchsorted(more, at)]
    except JitgradError:  # the function takes only as many rows as there are
        return False
    fitted = result.predict()[np.argsort(x, kind="stable")][np.searchsorted(np.sort(x), at)]
    size = np.abs(alone).max(initial=0.0)
    return bool((np.abs(among - alone) <= SAME * size).all() and (np.abs(fitted - alone) <= SAME * size).all())
