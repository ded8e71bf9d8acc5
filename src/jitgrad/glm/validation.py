"""Cross-validation of generalized linear models."""

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
from jitgrad.typing import ArrayLike

FEWER_FOLDS, MOST = 3e5, 2e6
"""Numbers of values in x above which at most five folds, or none, are used."""
MOST_PRODUCTS = 5e10
"""Number of multiplications allowed for all fits, which take a few seconds."""


@dataclass(frozen=True)
class Validation:
    """Cross-validated predictions, as returned by `jitgrad.glm.cross_validate`.

    Parameters
    ----------
    method : str
        The method, such as "leave-one-out" or "10-fold"; empty if there are no predictions.
    predicted : ndarray, shape (m,) or (m, classes)
        The predicted means or class probabilities of held-out rows; nan for rows without a prediction.
    rows : ndarray of int, shape (m,)
        The row of each prediction. There is one prediction per row, unless copies of a row with a frequency weight are
        in several folds. There is then one for each of these folds.
    frequency : ndarray, shape (m,)
        The number of rows that each prediction represents.
    note : str
        Why rows have no prediction, or why the model was not cross-validated; otherwise empty.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 2.0, 3.0, 7.0])
    >>> found = glm.cross_validate(glm.fit(x, y), x, y)
    >>> found.method, found.rows
    ('leave-one-out', array([0, 1, 2, 3]))
    """

    method: str
    predicted: np.ndarray
    rows: np.ndarray
    frequency: np.ndarray
    note: str


def cross_validate(
    fit: Fit, x: ArrayLike, y: ArrayLike, *, folds: int = 10, seed: int = 0, **rows: ArrayLike | None
) -> Validation:
    """Predict each row with a fit to other rows.

    Least squares uses leave-one-out predictions in closed form. For other families, the model is refitted without each fold,
    starting from the coefficients of the whole fit; a negative binomial keeps its theta.

    Parameters
    ----------
    fit : Fit
        The fit to all rows.
    x : array_like, shape (n, p)
        The features to which the model was fitted.
    y : array_like, shape (n,)
        The target to which the model was fitted.
    folds : int, default 10
        The number of folds. At most five are used if x has more than 300,000 values, and none if it has more than two million.
    seed : int, default 0
        Random seed for the assignment of rows to folds.
    **rows : array_like, shape (n,)
        The arguments ``offset``, ``weights``, ``freq_weights`` and ``trials`` that were passed to `fit`. A row with frequency f
        counts as f rows, which are assigned to folds independently.

    Returns
    -------
    Validation
        The method and a prediction for each row.

    Raises
    ------
    ArgumentError
        If there are fewer than two folds.

    See Also
    --------
    cross_validated : Choose a penalty by cross-validation.

    Notes
    -----
    With residual e and leverage h, the leave-one-out prediction of a row is y − e / (1 − h) [1]_. Folds are drawn at random,
    with the classes spread evenly over them. See Stone [2]_ for cross-validation in general.

    References
    ----------
    .. [1] D. M. Allen, "The relationship between variable selection and data augmentation and a method for prediction",
       *Technometrics* 16, 1974.
    .. [2] M. Stone, "Cross-validatory choice and assessment of statistical predictions", *J. R. Statist. Soc. B* 36, 1974.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 2.0, 3.0, 7.0])
    >>> glm.cross_validate(glm.fit(x, y), x, y).predicted.round(3)
    array([-1.   ,  1.857,  4.571,  4.667])
    """
    count("folds", folds, low=2)
    given, features = as_rows(y, **rows), np.asarray(x, np.float64)
    if fit.separated or not fit.converged:
        return _none(fit, given, "")
    if (given.frequency != np.round(given.frequency)).any():
        why = "the frequency weights are not integers"
        return _none(fit, given, f"The model was not cross-validated, because {why}.")
    if fit.family.name == "gaussian" and fit.link is not None and fit.link.name == "identity":
        return _leave_one_out(fit, features, given, rows)
    if features.size > MOST or features.size * features.shape[1] * folds > MOST_PRODUCTS:
        return _none(fit, given, f"The model was not cross-validated, because the table is large ({features.size} values).")
    if given.n > MOST:
        return _none(fit, given, f"The model was not cross-validated, because there are {given.n:.0f} rows.")
    return _by_folds(fit, features, given, min(folds, round(given.n), 5 if features.size > FEWER_FOLDS else folds), seed)


def _none(fit: Fit, given: Rows, note: str) -> Validation:
    """Return a result without predictions."""
    shape = (len(given.y), fit.family.n_classes) if isinstance(fit.family, Multinomial) else len(given.y)
    return Validation("", np.full(shape, np.nan), np.arange(len(given.y)), given.frequency, note)


def _leave_one_out(fit: Fit, x: np.ndarray, given: Rows, rows: dict[str, Any]) -> Validation:
    """Compute leave-one-out predictions of least squares in closed form."""
    of = fit.working(x, given.y, **rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        hat = np.where(given.total > 0, fit.hat_values(x, of), 0.0)
        predicted = given.y - (given.y - of.mean.value) / np.where(hat < 1 - ALONE, 1 - hat, np.nan)
    lost = int(np.isnan(predicted).sum())
    return Validation("leave-one-out", predicted, np.arange(len(predicted)), given.frequency, _lost(lost))


def _lost(many: int) -> str:
    """Return a note on rows without a leave-one-out prediction."""
    if not many:
        return ""
    if many == 1:
        return "1 row has no leave-one-out prediction, because it alone determines a coefficient."
    return f"{many} rows have no leave-one-out prediction, because each of them alone determines a coefficient."


def _by_folds(fit: Fit, x: np.ndarray, given: Rows, folds: int, seed: int) -> Validation:
    """Predict each fold with a fit to the other folds; nan if the fit does not converge."""
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
    """Repeat each row by its frequency, and draw a fold for each copy; classes are spread evenly over the folds."""
    row = np.repeat(np.arange(len(given.y)), given.frequency.astype(np.int64))
    return row, drawn_folds(given.y[row], folds, seed, isinstance(fit.family, Multinomial) or fit.family.proportion)


def _fitted(fit: Fit, x: np.ndarray, given: Rows) -> Fit | None:
    """Refit a model to some rows, starting from its coefficients. Returns None if the fit does not converge."""
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
