"""A fitted generalised linear model."""

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


@dataclass(frozen=True)
class Fit:
    """What came of ``glm.fit``. Features have the units in which they were given.

    Attributes:
        family: the distribution of the target; ``family.name`` is its name.
        link: the link; None of classes, whose log-odds against the first class are linear.
        intercept: whether there is one.
        coefficients: float64 (1 + features, outputs), the intercept first, 0 where there is none. nan where a feature is a
            combination of those before it, as in R. One output, or of classes one for each but the first.
        covariance: of the coefficients that are not aliased, output by output: float64 (outputs · p, outputs · p); the
            dispersion is part of it.
        aliased: boolean (features,).
        dispersion: Pearson's χ² by its degrees of freedom where it is estimated, else 1.
        dispersion_estimated: whether it is.
        theta: of the negative binomial, whose variance is μ + μ² / theta; nan of others.
        theta_standard_error: nan where theta was not estimated.
        n: how many rows there are, the sum of ``freq_weights``.
        df_model: the coefficients beside intercepts.
        df_resid: rows without coefficients.
        log_likelihood: the full one, as R's ``logLik``; nan of quasi-likelihoods.
        null_log_likelihood: of the model with an intercept and the offset alone; without an intercept, of the offset.
        deviance, null_deviance: of both.
        pearson_chi2: the sum of squared Pearson residuals; nan of classes.
        n_iter: how many steps were made.
        converged: whether the last one was nothing beside the standard errors.
        separated: in words what a combination of the features tells apart without error, so that the likelihood grows without
            end, and the coefficients are those where the search gave up; empty where there is a maximum.
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
        """What the information criteria count: coefficients, and a dispersion or theta that was estimated."""
        return self.df_model + self.intercept * self.coefficients.shape[1] + self.family.extra

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return float(information_criteria(self.log_likelihood, self.n_parameters, self.n).aic)

    @property
    def aicc(self) -> float:
        """The same, corrected for few rows."""
        return float(information_criteria(self.log_likelihood, self.n_parameters, self.n).aicc)

    @property
    def bic(self) -> float:
        """The Bayesian information criterion."""
        return float(information_criteria(self.log_likelihood, self.n_parameters, self.n).bic)

    @property
    def estimated(self) -> np.ndarray:
        """What has a coefficient: the intercept and the features, boolean (1 + features,)."""
        return np.r_[self.intercept, ~self.aliased]

    def eta(self, x: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray:
        """The linear predictor of rows: float64 (rows,); of classes (rows, classes - 1), against the first.

        Args:
            x: features (rows, features).
            offset: what is added, (rows,).
        """
        x = np.asarray(x, np.float64)
        known = np.where(np.isnan(self.coefficients), 0.0, self.coefficients)
        eta = x @ known[1:] + known[0]
        if isinstance(self.family, Multinomial):
            return eta
        made: np.ndarray = eta[:, 0] if offset is None else eta[:, 0] + offset
        return made

    def predict(self, x: np.ndarray, offset: np.ndarray | None = None) -> np.ndarray:
        """The means (rows,), or the probabilities of the classes (rows, classes), of features (rows, features)."""
        return self.mean(self.eta(x, offset))

    def mean(self, eta: np.ndarray) -> np.ndarray:
        """The means, or the probabilities, of linear predictors."""
        if isinstance(self.family, Multinomial):
            return self.family.probabilities(eta)
        assert self.link is not None
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return self.link.inverse(eta)

    def design(self, x: np.ndarray) -> np.ndarray:
        """What the coefficients that are not aliased are of: float64 (rows, p), with a column of ones for an intercept."""
        return np.column_stack([np.ones(len(x)), x])[:, self.estimated]

    def working(
        self,
        x: np.ndarray,
        y: np.ndarray,
        *,
        offset: np.ndarray | None = None,
        weights: np.ndarray | None = None,
        freq_weights: np.ndarray | None = None,
        trials: np.ndarray | None = None,
    ) -> Working:
        """Score and information of each row, see ``Working``; not of classes."""
        assert not isinstance(self.family, Multinomial) and self.link is not None
        rows = as_rows(y, offset, weights, freq_weights, trials)
        return working(self.family, self.link, rows, self.eta(x, rows.offset))

    def hat_values(self, x: np.ndarray, working: Working) -> np.ndarray:
        """The leverage of each row, (rows,): the diagonal of W^½ X (XᵀWX)⁻¹ Xᵀ W^½.

        A row that stands for several has that of one of them.
        """
        root = np.sqrt(working.weights)
        frequency = np.sqrt(working.rows.frequency)
        z = self.design(x) * (root * frequency)[:, None]
        z = z / np.where(z.any(0), np.sqrt(np.mean(z**2, axis=0)), 1)
        orthonormal, _ = np.linalg.qr(z)
        with np.errstate(invalid="ignore"):
            made: np.ndarray = np.sum(orthonormal**2, axis=1) / working.rows.frequency
        return made
