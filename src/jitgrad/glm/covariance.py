"""Covariances of coefficients: the model's, and those that hold where the model's variance or independence does not.

White, "A heteroskedasticity-consistent covariance matrix estimator and a direct test for heteroskedasticity", 1980; MacKinnon
and White, "Some heteroskedasticity-consistent covariance matrix estimators with improved finite sample properties", 1985; Liang
and Zeger, "Longitudinal data analysis using generalized linear models", 1986.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, DataError, near_name
from jitgrad.glm.blas import one_thread
from jitgrad.glm.multinomial import Multinomial
from jitgrad.glm.result import Fit
from jitgrad.glm.rows import as_rows

ALONE = 1e-10
"""A row whose hat value is as near to 1 has no residual: a coefficient is its own."""
KINDS = ("model", "HC0", "HC1", "HC2", "HC3", "cluster")


@one_thread()
def covariance(
    fit: Fit, x: np.ndarray, y: np.ndarray, kind: str = "model", groups: np.ndarray | None = None, **rows: Any
) -> np.ndarray:
    """The covariance of the coefficients of a fit.

    Robust kinds are sandwiches B M B as R's package sandwich makes them. B is the inverse of the expected information, and M
    the sum of sᵢ sᵢᵀ over rows or over clusters, of the derivatives sᵢ of the likelihood of row i by the coefficients. With n
    rows, p coefficients of all outputs, G clusters and the hat values hᵢ, the kinds are

    - ``"HC0"``: White's;
    - ``"HC1"``: HC0 · n / (n − p);
    - ``"HC2"``: each sᵢ sᵢᵀ over 1 − hᵢ;
    - ``"HC3"``: each sᵢ sᵢᵀ over (1 − hᵢ)²;
    - ``"cluster"``: HC0 of the sums over clusters, times G / (G − 1) · (n − 1) / (n − p), for every family. statsmodels has
      this factor by default, and R's ``vcovCL`` with ``type="HC1"``.

    Where the link is not canonical, statsmodels takes the observed information for B, and its errors differ.

    Parameters
    ----------
    fit : Fit
        The fit.
    x : array of shape (n, features)
        The features that it was fitted to, without a column of ones.
    y : array of shape (n,)
        The target that it was fitted to.
    kind : str, default "model"
        One of "model", "HC0", "HC1", "HC2", "HC3" and "cluster".
    groups : array of shape (n,), optional
        The cluster of each row, numbers or texts. For "cluster" alone.
    **rows
        ``offset``, ``weights``, ``freq_weights`` and ``trials`` of the fit, arrays of shape (n,). A row of frequency f counts
        as f rows, which are of one cluster.

    Returns
    -------
    array of shape (outputs · p, outputs · p)
        Output by output, of the coefficients that are not aliased. nan where it is not determined: the likelihood has no
        maximum, or as many coefficients as rows are fitted.

    Raises
    ------
    ArgumentError
        For a kind that there is not, and for HC2 and HC3 of classes, whose rows have no hat value.
    DataError
        For groups that do not fit, and for HC2 and HC3 where a row alone determines a coefficient.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad import glm
    >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 2.0, 3.0, 7.0])
    >>> fit = glm.fit(x, y)
    >>> np.sqrt(np.diag(glm.covariance(fit, x, y, "HC3"))).round(3)
    array([0.858, 0.778])
    """
    if kind not in KINDS:
        raise ArgumentError(
            f"{{argument}} is {kind!r}, which is not a kind of covariance.{near_name(kind, KINDS)} "
            f"The kinds are {', '.join(KINDS)}.",
            argument="kind",
        )
    if (groups is None) == (kind == "cluster"):
        if groups is None:
            raise ArgumentError("Covariance 'cluster' needs the cluster of each row. Give groups.")
        raise ArgumentError(f"Covariance {kind!r} does not use groups. Leave groups out, or choose kind='cluster'.")
    if kind == "model" or fit.separated or fit.dispersion == 0:
        return fit.covariance
    scores, frequency, hat = _scores(fit, x, y, kind, rows)
    n, p = fit.n, len(fit.covariance)
    if n <= p:
        return np.full((p, p), np.nan)
    bread = fit.covariance / fit.dispersion
    if groups is not None:
        sums = _sums(scores, groups, frequency)
        return bread @ sums.T @ sums @ bread * (len(sums) / (len(sums) - 1) * (n - 1) / (n - p))
    if hat.max() > 1 - ALONE:
        raise DataError(
            f"Row {hat.argmax()} has a leverage of 1, so {kind} is undefined. Leave the row out, or choose kind='HC1'."
        )
    factor = {"HC0": 1.0, "HC1": n / (n - p), "HC2": 1 / (1 - hat), "HC3": 1 / (1 - hat) ** 2}[kind]
    made: np.ndarray = bread @ (scores.T * (frequency * factor)) @ scores @ bread
    return made


def _scores(
    fit: Fit, x: np.ndarray, y: np.ndarray, kind: str, rows: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Derivatives of each row's likelihood, (n, outputs · p), how many rows it is, and hat values, where they are needed."""
    design = fit.design(x)
    if not isinstance(fit.family, Multinomial):
        of = fit.working(x, y, **rows)
        hat = fit.hat_values(x, of) if kind in ("HC2", "HC3") else np.zeros(len(design))
        return of.score[:, None] * design, of.rows.frequency * (of.rows.prior > 0), hat
    if kind in ("HC2", "HC3"):
        raise ArgumentError(
            f"Covariance {kind!r} is undefined for class targets, which have no hat values. Choose kind='HC1' or 'cluster'."
        )
    given = as_rows(y, **rows)
    own = given.y[:, None] == np.arange(1, fit.family.n_classes)
    score = (own - fit.predict(x)[:, 1:]) * given.prior[:, None]
    return (
        (score[:, :, None] * design[:, None, :]).reshape(len(design), -1),
        given.frequency * (given.prior > 0),
        np.zeros(len(design)),
    )


def _sums(scores: np.ndarray, groups: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Of the scores of each cluster (clusters, outputs · p)."""
    groups = np.asarray(groups)
    if groups.shape != frequency.shape:
        raise DataError(f"groups has shape {groups.shape}, but there are {len(frequency)} rows. Give the cluster of each row.")
    counted = frequency > 0
    names, position = np.unique(groups[counted], return_inverse=True)
    if len(names) < 2:
        raise DataError(
            "All rows are in one cluster, so the variance between clusters cannot be estimated. Give at least two clusters, or "
            "choose kind='HC1'."
        )
    sums = np.zeros((len(names), scores.shape[1]))
    np.add.at(sums, position, scores[counted] * frequency[counted, None])
    return sums
