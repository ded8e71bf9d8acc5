"""The result of a generalized linear model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jitgrad.criteria import information_criteria
from jitgrad.glm.families import Family
from jitgrad.glm.links import Link
from jitgrad.glm.means import Working, working
from jitgrad.glm.multinomial import Multinomial
from jitgrad.glm.notebook import fit_html
from jitgrad.glm.rows import as_rows
from jitgrad.typing import ArrayLike


@dataclass(frozen=True)
class Fit:
    """A fitted generalized linear model, as returned by `jitgrad.glm.fit`.

    Coefficients are in the units of the features as given.

    Parameters
    ----------
    family : Family
        The distribution of the target; ``family.name`` is its name.
    link : Link or None
        The link function; None for "multinomial", whose log-odds against the first class are linear.
    intercept : bool
        Whether the model has an intercept.
    coefficients : ndarray, shape (1 + p, outputs)
        The coefficients, the intercept first (0 if there is none). Aliased features have nan, as in R. There is one
        output or, for "multinomial", one for each class except the first.
    covariance : ndarray, shape (outputs * q, outputs * q)
        The covariance of the q estimated coefficients, output by output, including the dispersion.
    aliased : ndarray of bool, shape (p,)
        Whether each feature is constant or a linear combination of preceding features.
    dispersion : float
        Pearson's χ² divided by its degrees of freedom if the dispersion is estimated, otherwise 1.
    dispersion_estimated : bool
        Whether the family's dispersion is estimated.
    theta : float
        The parameter of "negative_binomial", with variance μ + μ² / theta; nan for other families.
    theta_standard_error : float
        The standard error of theta; nan if theta was not estimated.
    n : float
        The number of rows: the sum of ``freq_weights``.
    df_model : int
        The number of estimated coefficients, without intercepts.
    df_resid : float
        The residual degrees of freedom: rows minus estimated coefficients.
    log_likelihood : float
        The full log-likelihood, like R's ``logLik``; nan for quasi-likelihoods.
    null_log_likelihood : float
        The log-likelihood of the model with only the intercept and offset.
    deviance : float
        The deviance; for "gaussian", the residual sum of squares.
    null_deviance : float
        The deviance of the model with only the intercept and offset.
    pearson_chi2 : float
        The sum of squared Pearson residuals; nan for "multinomial".
    n_iter : int
        The number of iterations.
    converged : bool
        Whether the last step was smaller than the tolerance.
    separated : str
        A description of the separation if the estimates are infinite, otherwise empty. In that case, the coefficients are from
        the last iteration.

    See Also
    --------
    fit : Fit a model.
    estimates : Standard errors, tests and confidence intervals.
    influence : Residuals and influence of rows.
    likelihood_ratio, f_test : Compare nested fits.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> fit = glm.fit(x, [1, 3, 4, 8], family="poisson")
    >>> round(fit.deviance, 4), round(fit.null_deviance, 4), round(fit.aic, 3)
    (0.2545, 6.5917, 16.45)
    >>> fit.converged, fit.n_iter < 10
    (True, True)
    """

    family: Family | Multinomial
    link: Link | None
    intercept: bool
    coefficients: np.ndarray
    covariance: np.ndarray
    aliased: np.ndarray
    dispersion: float
    dispersion_estimated: bool
    theta: float
    theta_standard_error: float
    n: float
    df_model: int
    df_resid: float
    log_likelihood: float
    null_log_likelihood: float
    deviance: float
    null_deviance: float
    pearson_chi2: float
    n_iter: int
    converged: bool
    separated: str

    def _repr_html_(self) -> str:
        return fit_html(self)

    @property
    def n_parameters(self) -> int:
        """Number of parameters in information criteria: coefficients, and an estimated dispersion or theta."""
        return self.df_model + self.intercept * self.coefficients.shape[1] + self.family.extra

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return float(information_criteria(self.log_likelihood, self.n_parameters, self.n).aic)

    @property
    def aicc(self) -> float:
        """Akaike's information criterion, corrected for small samples."""
        return float(information_criteria(self.log_likelihood, self.n_parameters, self.n).aicc)

    @property
    def bic(self) -> float:
        """The Bayesian information criterion."""
        return float(information_criteria(self.log_likelihood, self.n_parameters, self.n).bic)

    @property
    def estimated(self) -> np.ndarray:
        """Whether the intercept and each feature have a coefficient, bool array of shape (1 + p,)."""
        return np.r_[self.intercept, ~self.aliased]

    def eta(self, x: ArrayLike, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the linear predictor of rows.

        Parameters
        ----------
        x : array_like, shape (n, p)
            The features.
        offset : array_like, shape (n,), optional
            The offset. By default, 0.

        Returns
        -------
        ndarray, shape (n,) or (n, classes - 1)
            The linear predictor; for "multinomial", the log-odds of each class against the first.
        """
        known = np.where(np.isnan(self.coefficients), 0.0, self.coefficients)
        eta: np.ndarray = np.asarray(x, np.float64) @ known[1:] + known[0]
        if isinstance(self.family, Multinomial):
            return eta
        return eta[:, 0] if offset is None else eta[:, 0] + np.asarray(offset, np.float64)

    def predict(self, x: ArrayLike, offset: ArrayLike | None = None) -> np.ndarray:
        """Predict the means of rows.

        Parameters
        ----------
        x : array_like, shape (n, p)
            The features.
        offset : array_like, shape (n,), optional
            The offset. By default, 0.

        Returns
        -------
        ndarray, shape (n,) or (n, classes)
            The means; for "multinomial", the probability of each class.
        """
        return self.mean(self.eta(x, offset))

    def mean(self, eta: np.ndarray) -> np.ndarray:
        """Convert linear predictors to means.

        Parameters
        ----------
        eta : ndarray, shape (n,) or (n, classes - 1)
            Linear predictors, as returned by `eta`.

        Returns
        -------
        ndarray, shape (n,) or (n, classes)
            The means, or the class probabilities.
        """
        if isinstance(self.family, Multinomial):
            return self.family.probabilities(eta)
        assert self.link is not None
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return self.link.inverse(eta)

    def design(self, x: ArrayLike) -> np.ndarray:
        """Return the design matrix of the estimated coefficients.

        Parameters
        ----------
        x : array_like, shape (n, p)
            The features.

        Returns
        -------
        ndarray, shape (n, q)
            The columns of ``x`` that are not aliased, after a column of ones if there is an intercept.
        """
        features = np.asarray(x, np.float64)
        return np.column_stack([np.ones(len(features)), features])[:, self.estimated]

    def working(
        self,
        x: ArrayLike,
        y: ArrayLike,
        *,
        offset: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        freq_weights: ArrayLike | None = None,
        trials: ArrayLike | None = None,
    ) -> Working:
        """Return the score and information of each row, except for "multinomial".

        Parameters
        ----------
        x : array_like, shape (n, p)
            The features.
        y : array_like, shape (n,)
            The target.
        offset, weights, freq_weights, trials : array_like, shape (n,), optional
            As passed to `fit`.

        Returns
        -------
        Working
            Linear predictor, mean, score and weight of each row.
        """
        assert not isinstance(self.family, Multinomial) and self.link is not None
        rows = as_rows(y, offset, weights, freq_weights, trials)
        return working(self.family, self.link, rows, self.eta(x, rows.offset))

    def hat_values(self, x: ArrayLike, working: Working) -> np.ndarray:
        """Return the leverage of each row.

        Parameters
        ----------
        x : array_like, shape (n, p)
            The features.
        working : Working
            The result of the method `working` for the same rows.

        Returns
        -------
        ndarray, shape (n,)
            The diagonal of W^½ X (XᵀWX)⁻¹ Xᵀ W^½. A row that represents several rows has the leverage of a single one.
        """
        root = np.sqrt(working.weights)
        frequency = np.sqrt(working.rows.frequency)
        z = self.design(x) * (root * frequency)[:, None]
        z = z / np.where(z.any(0), np.sqrt(np.mean(z**2, axis=0)), 1)
        orthonormal, _ = np.linalg.qr(z)
        with np.errstate(invalid="ignore"):
            made: np.ndarray = np.sum(orthonormal**2, axis=1) / working.rows.frequency
        return made
