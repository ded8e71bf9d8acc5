"""What a fit predicts for rows that it has not seen: cross-validation.

Stone, "Cross-validatory choice and assessment of statistical predictions", 1974; Allen, "The relationship between variable
selection and data augmentation and a method for prediction", 1974.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jitgrad.arguments import count
from jitgrad.errors import FitError
from jitgrad.glm.covariance import ALONE
from jitgrad.glm.fit import fit as fit_glm
from jitgrad.glm.folds import drawn_folds
from jitgrad.glm.multinomial import Multinomial
from jitgrad.glm.result import Fit
from jitgrad.glm.rows import Rows, as_rows

FEWER_FOLDS, MOST = 3e5, 2e6
"""Numbers of a table from which on there are five folds at most, and no fits at all: its scores change little there."""
MOST_PRODUCTS = 5e10
"""Products that the fits may take together: some seconds."""


@dataclass(frozen=True)
class Validation:
    """Predictions of rows by fits without them.

    Attributes:
        method: "leave-one-out", "10-fold" and the like; empty where nothing was done.
        predicted: means (predictions,), or probabilities of classes (predictions, classes). nan where a row could not be
            predicted.
        rows: int64 (predictions,), the row that each is of. There is one for each row, unless the copies of rows with
            frequencies are in several folds: then there is one for each of these.
        frequency: float64 (predictions,), how many rows each stands for.
        note: why rows could not be predicted, or nothing was done, in words; else empty.
    """

    method: str
    predicted: np.ndarray
    rows: np.ndarray
    frequency: np.ndarray
    note: str


def cross_validate(fit: Fit, x: np.ndarray, y: np.ndarray, *, folds: int = 10, seed: int = 0, **rows: Any) -> Validation:
    """Predict each row by a fit without it.

    Of least squares each row is left out by itself, which takes no further fits: y − e / (1 − h), of the residual e and the
    leverage h. Other families are fitted to all folds but one, from the coefficients of the whole fit on; classes are spread
    evenly over folds, and a negative binomial keeps its theta. A row of frequency f stands for f rows, which are left out
    one by one, and have a fold each.

    Parameters
    ----------
    fit : Fit
        The whole fit.
    x, y, **rows
        What it was fitted to, as ``glm.fit`` takes it.
    folds : int, default 10
        How many; five at most for more than 300,000 numbers of x, and none for more than two million.
    seed : int, default 0
        Of the folds: the same seed, the same folds.

    Returns
    -------
    Validation
        The method, a prediction of each row, and a note.

    Raises
    ------
    ArgumentError
        For fewer than two folds.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad import glm
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 2.0, 3.0, 7.0])
    >>> glm.cross_validate(glm.fit(x, y), x, y).predicted.round(3)
    array([-1.   ,  1.857,  4.571,  4.667])
    """
    count("folds", folds, low=2)
    given = as_rows(y, **rows)
    if fit.separated or not fit.converged:
        return _none(fit, given, "")
    if (given.frequency != np.round(given.frequency)).any():
        why = "the frequency weights are not integers"
        return _none(fit, given, f"The model was not cross-validated, because {why}.")
    if fit.family.name == "gaussian" and fit.link is not None and fit.link.name == "identity":
        return _leave_one_out(fit, x, given, rows)
    if x.size > MOST or x.size * x.shape[1] * folds > MOST_PRODUCTS:
        return _none(fit, given, f"The model was not cross-validated, because the table is large ({x.size} values).")
    if given.n > MOST:
        return _none(fit, given, f"The model was not cross-validated, because there are {given.n:.0f} rows.")
    return _by_folds(fit, x, given, min(folds, round(given.n), 5 if x.size > FEWER_FOLDS else folds), seed)


def _none(fit: Fit, given: Rows, note: str) -> Validation:
    """No predictions."""
    shape = (len(given.y), fit.family.n_classes) if isinstance(fit.family, Multinomial) else len(given.y)
    return Validation("", np.full(shape, np.nan), np.arange(len(given.y)), given.frequency, note)


def _leave_one_out(fit: Fit, x: np.ndarray, given: Rows, rows: dict[str, Any]) -> Validation:
    """In closed form."""
    of = fit.working(x, given.y, **rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        hat = np.where(given.total > 0, fit.hat_values(x, of), 0.0)
        predicted = given.y - (given.y - of.mean.value) / np.where(hat < 1 - ALONE, 1 - hat, np.nan)
    lost = int(np.isnan(predicted).sum())
    return Validation("leave-one-out", predicted, np.arange(len(predicted)), given.frequency, _lost(lost))


def _lost(many: int) -> str:
    if not many:
        return ""
    if many == 1:
        return "1 row has no leave-one-out prediction, because it alone determines a coefficient."
    return f"{many} rows have no leave-one-out prediction, because each of them alone determines a coefficient."


def _by_folds(fit: Fit, x: np.ndarray, given: Rows, folds: int, seed: int) -> Validation:
    """By a fit for each fold; nan where it has no maximum."""
    row, fold = _copies(fit, given, folds, seed)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    failed = 0
    for number in range(folds):
        held = np.bincount(row[fold == number], minlength=len(given.y))
        out, left = np.flatnonzero(held), given.frequency > held
        rows = given.where(left)
        if not (given.frequency == 1).all():
            rows = replace(rows, frequency=(given.frequency - held)[left])
        made = _fitted(fit, x[left], rows)
        failed += made is None
        predicted = made.predict(x[out], given.offset[out]) if made is not None else _none(fit, given.where(out), "").predicted
        parts.append((predicted, out, held[out]))
    note = ""
    if failed:
        note = f"The rows of {failed} of {folds} folds have no prediction, because the fit without them did not converge."
    predicted, rows_of, frequency = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(rows_of, kind="stable")
    method = "" if failed == folds else f"{folds}-fold"
    return Validation(method, predicted[order], rows_of[order], frequency[order].astype(np.float64), note)


def _copies(fit: Fit, given: Rows, folds: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Each row as often as its frequency says, and the folds of these, at random; classes are spread evenly over the folds."""
    row = np.repeat(np.arange(len(given.y)), given.frequency.astype(np.int64))
    return row, drawn_folds(given.y[row], folds, seed, isinstance(fit.family, Multinomial) or fit.family.proportion)


def _fitted(fit: Fit, x: np.ndarray, given: Rows) -> Fit | None:
    """A fit like another one, from its coefficients on; None where it has no maximum."""
    own: dict[str, Any] = {"weights": given.weights, "freq_weights": given.frequency, "start": fit.coefficients}
    if isinstance(fit.family, Multinomial):
        own["classes"] = [str(k) for k in range(fit.family.n_classes)]
    else:
        assert fit.link is not None
        own |= {"link": fit.link.name, "offset": given.offset, "theta": None if np.isnan(fit.theta) else fit.theta}
        own |= {"trials": given.trials} if fit.family.proportion else {}
    try:
        made = fit_glm(x, given.y, fit.family.name, intercept=fit.intercept, **own)
    except FitError:
        return None
    return made if made.converged and not made.separated else None
