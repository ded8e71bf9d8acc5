"""Paths of ridge, lasso and elastic net: a linear model for each of many penalties, from the largest to the smallest."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitgrad.errors import FitWarning, users_level
from jitgrad.glm.blas import one_thread
from jitgrad.glm.canonical import LOSSES
from jitgrad.glm.notebook import path_html
from jitgrad.glm.penalised import PenalisedFit, begin, follow
from jitgrad.glm.penalised_data import Options, Table


@dataclass(frozen=True)
class Path:
    """Linear models of one table, for penalties from the largest to the smallest.

    Attributes
    ----------
    family : str
        Of the response.
    l1_ratio : float
        The lasso's part of the penalty.
    alphas : float64 (alphas,)
        The penalties.
    coefficients : float64 (alphas, features), of classes (alphas, features, classes)
        In the units of x; 0 for columns that are constant.
    intercepts : float64 (alphas,), of classes (alphas, classes)
        0 where there is no intercept.
    deviance : float64 (alphas,)
        The sum over rows, times their weights.
    null_deviance : float
        The deviance without features, but for those without a penalty.
    kkt : float64 (alphas,)
        The largest violation of the conditions of the minimum, beside the largest gradient without features.
    n_iter : int64 (alphas,)
        Sweeps of coordinate descent; 0 for a closed form.
    tolerance : float
        Of ``kkt``.
    """

    family: str
    l1_ratio: float
    alphas: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray
    deviance: np.ndarray
    null_deviance: float
    kkt: np.ndarray
    n_iter: np.ndarray
    tolerance: float

    def _repr_html_(self) -> str:
        return path_html(self)

    @property
    def df(self) -> np.ndarray:
        """Degrees of freedom, int64 (alphas,): how many coefficients are not 0."""
        found: np.ndarray = np.count_nonzero(self.coefficients.reshape(len(self.alphas), -1), axis=1)
        return found

    @property
    def deviance_explained(self) -> np.ndarray:
        """The part of the null deviance that is gone, float64 (alphas,): R² of numbers."""
        made: np.ndarray = 1 - self.deviance / self.null_deviance
        return made

    @property
    def converged(self) -> np.ndarray:
        """Where the minimum was reached within the tolerance, bool (alphas,)."""
        made: np.ndarray = self.kkt <= self.tolerance
        return made

    def nearest(self, alpha: float) -> int:
        """The number of the penalty that is nearest to ``alpha`` by ratio."""
        return int(abs(np.log(self.alphas / alpha)).argmin())

    def eta(self, x: np.ndarray, number: int, offset: np.ndarray | None = None) -> np.ndarray:
        """The linear predictor of rows for ``alphas[number]``, (rows,), of classes (rows, classes)."""
        made: np.ndarray = np.asarray(x, np.float64) @ self.coefficients[number] + self.intercepts[number]
        return made if offset is None else made + offset

    def predict(self, x: np.ndarray, number: int, offset: np.ndarray | None = None) -> np.ndarray:
        """The mean of rows for ``alphas[number]``, (rows,), of classes their probabilities, (rows, classes)."""
        eta = self.eta(x, number, offset)
        mean = LOSSES[self.family].mean(eta.reshape(len(eta), -1))
        return mean.reshape(eta.shape)


@one_thread()
def path(
    x: Any,
    y: Any,
    family: str = "gaussian",
    *,
    l1_ratio: float = 1.0,
    alphas: Any = None,
    n_alphas: int = 100,
    eps: float = 1e-3,
    intercept: bool = True,
    standardize: bool = True,
    weights: Any = None,
    offset: Any = None,
    penalty_factor: Any = None,
    tol: float = 1e-10,
    max_iter: int = 10_000,
) -> Path:
    """Fit a linear model with ridge, lasso or both for each of many penalties.

    What is least for each alpha is the loss of a row, in the mean, and the penalty:

        loss + alpha · Σ factor (l1_ratio |b| + (1 − l1_ratio) / 2 b²)

    where the loss is half of the deviance: of numbers half of the squared difference, of others minus the logarithm of the
    likelihood. The names and the function of numbers are those of scikit-learn's ``ElasticNet``, which does not standardize:
    ``standardize=False`` gives its coefficients, and ``standardize=True`` those of it behind a ``StandardScaler``, in the
    units of x. A ``LogisticRegression`` with ``C`` has ``alpha = 1 / (n C)``. The links are canonical: identity, logit, log.

    Parameters
    ----------
    x : array_like (rows, features)
        Numbers, without a column of ones.
    y : array_like (rows,)
        The response: numbers; for "binomial" 0 and 1, or proportions with the numbers of trials as weights; counts; for
        "multinomial" positions of classes, from 0 on.
    family : {"gaussian", "binomial", "poisson", "multinomial"}, default "gaussian"
        Of the response. "multinomial" has coefficients of every class, as R's ``glmnet`` and scikit-learn, which the penalty
        makes unique; those for which it is 0 are not.
    l1_ratio : float, default 1.0
        The lasso's part of the penalty, from 0, a ridge, to 1.
    alphas : float or array_like, optional
        The penalties, in any order. By default ``n_alphas`` numbers at even ratios, from the least with which all coefficients
        are 0 (of a ridge: of the elastic net with ``l1_ratio=0.001``) down to ``eps`` times that.
    n_alphas : int, default 100
        How many penalties.
    eps : float, default 1e-3
        The smallest penalty beside the largest.
    intercept : bool, default True
        Whether there is an intercept, which has no penalty.
    standardize : bool, default True
        Whether the penalty is of coefficients for columns with standard deviation 1, so that units do not matter.
    weights : array_like (rows,), optional
        Of rows, whose sum does not matter: a row with the weight 2 counts as two rows.
    offset : array_like (rows,), of classes (rows, classes), optional
        Added to the linear predictor.
    penalty_factor : array_like (features,), optional
        By which the penalty of each column is multiplied, as it is; 0 for a column without a penalty.
    tol : float, default 1e-10
        The largest violation of the conditions of the minimum, of columns with standard deviation 1, beside the largest
        gradient without features. It is checked for all columns, whatever foretold their coefficients to be 0.
    max_iter : int, default 10000
        Sweeps of coordinate descent for one penalty.

    Returns
    -------
    Path
        Coefficients, intercepts, deviances, and how well each fit converged.

    Raises
    ------
    DataError
        For numbers that are not finite, responses that the family does not have, and where no column goes with y.
    ArgumentError
        For options outside what they may be.

    Warns
    -----
    FitWarning
        Where ``max_iter`` ends a fit above ``tol``.

    Notes
    -----
    Paths are those of Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear models via coordinate
    descent", 2010: Newton's steps for the loss, coordinate descent with warm starts on the columns that the strong rules of
    Tibshirani et al., 2012, foretell. Given the signs of coefficients the minimum solves a linear system, which ends each fit.
    A ridge of numbers has a closed form.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad.glm import path
    >>> x = np.random.default_rng(0).normal(size=(100, 20))
    >>> found = path(x, 3 * x[:, 3] - x[:, 5], l1_ratio=0.9)
    >>> found.df[[0, 50, 99]].tolist()
    [0, 2, 2]
    """
    options = Options.checked(l1_ratio, alphas, n_alphas, eps, intercept, standardize, penalty_factor, tol, max_iter)
    table = Table(x, y, family, options, weights, offset)
    (fit,) = table.fits([table.weights])
    begin([fit])
    kept = Kept(table, fit)
    for _ in follow([fit], kept.alphas):
        kept.keep()
    return kept.path()


class Kept:
    """What is kept of a fit along its path."""

    def __init__(self, table: Table, fit: PenalisedFit) -> None:
        self._table, self._fit, self.alphas = table, fit, table.alphas(fit)
        self._null = self._deviance()
        self._rows: list[tuple[np.ndarray, np.ndarray, float, float, int]] = []

    def keep(self) -> None:
        """Keep the fit for its penalty of now."""
        fit = self._fit
        self._rows.append((*self._table.in_units(fit), self._deviance(), fit.missed, fit.n_iter))

    def path(self) -> Path:
        """All that was kept. A FitWarning tells of penalties for which the fit did not converge."""
        coefficients, intercepts, deviance, missed, n_iter = (np.array(part) for part in zip(*self._rows, strict=True))
        table, single = self._table, self._table.family != "multinomial"
        made = Path(
            table.family,
            table.options.l1_ratio,
            self.alphas,
            coefficients[:, 0] if single else coefficients.swapaxes(1, 2),
            intercepts[:, 0] if single else intercepts,
            deviance,
            self._null,
            missed,
            n_iter,
            table.options.tol,
        )
        if not made.converged.all():
            worst = int(made.kkt.argmax())
            message = (
                f"The fit did not converge for {np.count_nonzero(~made.converged)} of {len(self.alphas)} penalties. "
                f"The largest "
                f"violation of the optimality conditions is {made.kkt[worst]:.1g} at alpha = {self.alphas[worst]:.6g}, and "
                f"tol is "
                f"{made.tolerance:.1g}. Increase max_iter or tol, or leave out the smallest penalties."
            )
            warnings.warn(message, FitWarning, stacklevel=users_level())
        return made

    def _deviance(self) -> float:
        return float(self._table.weights @ self._fit.loss.deviance(self._fit.eta))
