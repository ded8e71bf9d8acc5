"""Model-based, heteroscedasticity-robust and cluster-robust covariances of coefficients."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jitgrad.errors import ArgumentError, DataError, near_name
from jitgrad.glm.blas import one_thread
from jitgrad.glm.multinomial import Multinomial
from jitgrad.glm.result import Fit
from jitgrad.glm.rows import as_rows
from jitgrad.typing import ArrayLike

ALONE = 1e-10
"""A row whose hat value is this close to 1 determines a coefficient alone and has no residual."""
KINDS = ("model", "HC0", "HC1", "HC2", "HC3", "cluster")


@one_thread()
def covariance(
    fit: Fit, x: ArrayLike, y: ArrayLike, kind: str = "model", groups: ArrayLike | None = None, **rows: ArrayLike | None
) -> np.ndarray:
    """Return the covariance of the coefficients of a fit.

    Parameters
    ----------
    fit : Fit
        The fit.
    x : array_like, shape (n, p)
        The features to which the model was fitted.
    y : array_like, shape (n,)
        The target to which the model was fitted.
    kind : {"model", "HC0", "HC1", "HC2", "HC3", "cluster"}, default "model"
        The estimator; see Notes.
    groups : array_like, shape (n,), optional
        The cluster of each row, as numbers or strings. Required for "cluster", and not allowed otherwise.
    **rows : array_like, shape (n,)
        The arguments ``offset``, ``weights``, ``freq_weights`` and ``trials`` that were passed to `fit`. A row with frequency f
        counts as f rows of the same cluster.

    Returns
    -------
    ndarray, shape (outputs * q, outputs * q)
        The covariance of the q estimated coefficients, output by output; nan if the model is separated or has no residual
        degrees of freedom.

    Raises
    ------
    ArgumentError
        If ``kind`` is unknown, or is "HC2" or "HC3" for a "multinomial" fit, which has no hat values.
    DataError
        If ``groups`` has the wrong shape or only one cluster, or for "HC2" and "HC3" if a row has leverage 1.

    See Also
    --------
    estimates : Standard errors, tests and intervals from a covariance.
    wald : Wald test from a covariance.

    Notes
    -----
    Robust covariances are sandwiches B M B, as in R's package sandwich. B is the inverse of the expected information, and M is
    the sum of sᵢ sᵢᵀ over rows or clusters, where sᵢ is the derivative of the log-likelihood of row i with respect to the
    coefficients. With n rows, q coefficients, G clusters and hat values hᵢ, the kinds are

    - "HC0": the estimator of White [1]_;
    - "HC1": HC0 · n / (n − q);
    - "HC2": sᵢ sᵢᵀ divided by 1 − hᵢ;
    - "HC3": sᵢ sᵢᵀ divided by (1 − hᵢ)² [2]_;
    - "cluster": HC0 of the sums over clusters [3]_, times G / (G − 1) · (n − 1) / (n − q). This factor is the default of
      statsmodels, and of R's ``vcovCL`` with ``type="HC1"``.

    For links that are not canonical, statsmodels uses the observed information for B, so its standard errors differ.

    References
    ----------
    .. [1] H. White, "A heteroskedasticity-consistent covariance matrix estimator and a direct test for heteroskedasticity",
       *Econometrica* 48, 1980.
    .. [2] J. G. MacKinnon and H. White, "Some heteroskedasticity-consistent covariance matrix estimators with improved finite
       sample properties", *J. Econometrics* 29, 1985.
    .. [3] K.-Y. Liang and S. L. Zeger, "Longitudinal data analysis using generalized linear models", *Biometrika* 73, 1986.

    Examples
    --------
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
    fit: Fit, x: ArrayLike, y: ArrayLike, kind: str, rows: Mapping[str, ArrayLike | None]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the score of each row (n, outputs · q), the row frequencies, and hat values if needed."""
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


def _sums(scores: np.ndarray, given: ArrayLike, frequency: np.ndarray) -> np.ndarray:
    """Return the sums of the scores of each cluster, (clusters, outputs · q)."""
    groups = np.asarray(given)
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
