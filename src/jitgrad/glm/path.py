"""Regularization paths of ridge, lasso and elastic net."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np

from jitgrad.errors import FitWarning, users_level
from jitgrad.glm.blas import one_thread
from jitgrad.glm.canonical import LOSSES
from jitgrad.glm.notebook import path_html
from jitgrad.glm.penalised import PenalisedFit, begin, follow
from jitgrad.glm.penalised_data import Options, Table
from jitgrad.typing import ArrayLike


@dataclass(frozen=True)
class Path:
    """A regularization path, as returned by `jitgrad.glm.path`: one model for each of a decreasing sequence of penalties.

    Parameters
    ----------
    family : str
        The distribution of the target.
    l1_ratio : float
        The lasso share of the penalty.
    alphas : ndarray, shape (k,)
        The penalties, in decreasing order.
    coefficients : ndarray, shape (k, p) or (k, p, classes)
        The coefficients in the units of x; 0 for constant columns.
    intercepts : ndarray, shape (k,) or (k, classes)
        The intercepts; 0 if the model has none.
    deviance : ndarray, shape (k,)
        The deviance: the weighted sum over rows.
    null_deviance : float
        The deviance of the model with only the intercept and unpenalized columns.
    kkt : ndarray, shape (k,)
        The largest violation of the optimality (Karush-Kuhn-Tucker) conditions, relative to the largest gradient of the null
        model.
    n_iter : ndarray of int, shape (k,)
        The number of coordinate descent sweeps; 0 for closed-form solutions.
    tolerance : float
        The convergence tolerance for ``kkt``.

    See Also
    --------
    path : Compute a path.
    cross_validated : Compute a path and choose a penalty.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x = np.random.default_rng(0).normal(size=(100, 20))
    >>> found = glm.path(x, 3 * x[:, 3] - x[:, 5], n_alphas=50)
    >>> found.coefficients.shape, bool(found.converged.all())
    ((50, 20), True)
    >>> found.deviance_explained[[0, -1]].round(3)
    array([0., 1.])
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
        """Degrees of freedom for each penalty: the number of nonzero coefficients, int array of shape (k,)."""
        found: np.ndarray = np.count_nonzero(self.coefficients.reshape(len(self.alphas), -1), axis=1)
        return found

    @property
    def deviance_explained(self) -> np.ndarray:
        """Fraction of the null deviance explained for each penalty, shape (k,); R² for "gaussian"."""
        made: np.ndarray = 1 - self.deviance / self.null_deviance
        return made

    @property
    def converged(self) -> np.ndarray:
        """Whether the fit converged within the tolerance for each penalty, bool array of shape (k,)."""
        made: np.ndarray = self.kkt <= self.tolerance
        return made

    def nearest(self, alpha: float) -> int:
        """Return the index of the penalty closest to a value, by ratio.

        Parameters
        ----------
        alpha : float
            A penalty.

        Returns
        -------
        int
            The index of the closest penalty in ``alphas``.
        """
        return int(abs(np.log(self.alphas / alpha)).argmin())

    def eta(self, x: ArrayLike, number: int, offset: ArrayLike | None = None) -> np.ndarray:
        """Return the linear predictor of rows for one penalty.

        Parameters
        ----------
        x : array_like, shape (n, p)
            The features.
        number : int
            The index of the penalty in ``alphas``.
        offset : array_like, shape (n,) or (n, classes), optional
            The offset. By default, 0.

        Returns
        -------
        ndarray, shape (n,) or (n, classes)
            The linear predictor.
        """
        made: np.ndarray = np.asarray(x, np.float64) @ self.coefficients[number] + self.intercepts[number]
        return made if offset is None else made + np.asarray(offset, np.float64)

    def predict(self, x: ArrayLike, number: int, offset: ArrayLike | None = None) -> np.ndarray:
        """Predict the means of rows for one penalty.

        Parameters
        ----------
        x : array_like, shape (n, p)
            The features.
        number : int
            The index of the penalty in ``alphas``.
        offset : array_like, shape (n,) or (n, classes), optional
            The offset. By default, 0.

        Returns
        -------
        ndarray, shape (n,) or (n, classes)
            The means, or the class probabilities.
        """
        eta = self.eta(x, number, offset)
        mean = LOSSES[self.family].mean(eta.reshape(len(eta), -1))
        return mean.reshape(eta.shape)


@one_thread()
def path(
    x: ArrayLike,
    y: ArrayLike,
    family: Literal["gaussian", "binomial", "poisson", "multinomial"] = "gaussian",
    *,
    l1_ratio: float = 1.0,
    alphas: ArrayLike | None = None,
    n_alphas: int = 100,
    eps: float = 1e-3,
    intercept: bool = True,
    standardize: bool = True,
    weights: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    penalty_factor: ArrayLike | None = None,
    tol: float = 1e-10,
    max_iter: int = 10_000,
) -> Path:
    """Fit a linear model with ridge, lasso or elastic-net penalty for a sequence of penalties.

    For each ``alpha``, the coefficients b minimize::

        mean loss + alpha · Σ penalty_factor · (l1_ratio · |b| + (1 − l1_ratio) / 2 · b²)

    where the loss of a row is half of its deviance: half the squared error for "gaussian", and the negative log-likelihood up
    to a constant for other families.

    Parameters
    ----------
    x : array_like, shape (n, p)
        The features, without a column of ones.
    y : array_like, shape (n,)
        The target: numbers for "gaussian", 0 and 1 or proportions for "binomial", counts for "poisson", and class numbers from
        0 for "multinomial". For proportions, pass the numbers of trials as ``weights``.
    family : {"gaussian", "binomial", "poisson", "multinomial"}, default "gaussian"
        The distribution of the target, with its canonical link: identity, logit, log or softmax. As in R's ``glmnet`` and
        scikit-learn, "multinomial" has coefficients for every class.
    l1_ratio : float, default 1.0
        The lasso share of the penalty, from 0 (ridge) to 1 (lasso).
    alphas : float or array_like, optional
        The penalties, in any order. By default, ``n_alphas`` geometrically spaced penalties, from the smallest one for which
        all coefficients are 0 down to ``eps`` times that value. For ridge, the largest penalty is the same as for an elastic
        net with ``l1_ratio=0.001``.
    n_alphas : int, default 100
        The number of penalties if ``alphas`` is not given.
    eps : float, default 1e-3
        The ratio of the smallest to the largest penalty.
    intercept : bool, default True
        Whether to fit an intercept, which is not penalized.
    standardize : bool, default True
        Whether the penalty applies to coefficients of columns scaled to standard deviation 1, which makes it independent of
        units. Coefficients are returned in the units of x in any case.
    weights : array_like, shape (n,), optional
        Weights of the rows. A row with weight 2 counts as two rows; only ratios matter.
    offset : array_like, shape (n,) or (n, classes), optional
        A term added to the linear predictor.
    penalty_factor : array_like, shape (p,), optional
        Factors for the penalty of each column; 0 for a column that is not penalized. By default, 1.
    tol : float, default 1e-10
        The largest allowed violation of the optimality conditions of standardized columns, relative to the largest gradient of
        the null model. It is checked for all columns, including those excluded by screening.
    max_iter : int, default 10000
        Maximum number of coordinate descent sweeps per penalty.

    Returns
    -------
    Path
        Coefficients, intercepts and deviances for all penalties.

    Raises
    ------
    DataError
        If values are not finite, the family does not allow a value of ``y``, or no column is correlated with ``y``.
    ArgumentError
        If an option is out of range.

    Warns
    -----
    FitWarning
        If ``max_iter`` is reached before a fit converges.

    See Also
    --------
    cross_validated : Choose the penalty by cross-validation.
    jitgrad.sklearn.ElasticNetRegressor : Estimator for scikit-learn.

    Notes
    -----
    The algorithm is due to Friedman, Hastie and Tibshirani [1]_: Newton steps for the loss and coordinate descent with warm
    starts, on columns selected by the strong rules [2]_. Given the signs of the coefficients, the solution of a linear system
    completes each fit. Ridge with "gaussian" has a closed form.

    Penalties are defined as in scikit-learn's ``ElasticNet``, which does not standardize: ``standardize=False`` gives its
    coefficients, and ``standardize=True`` gives those of a pipeline with ``StandardScaler``, in the units of x. The parameter
    ``C`` of ``LogisticRegression`` corresponds to ``alpha = 1 / (n * C)``.

    References
    ----------
    .. [1] J. Friedman, T. Hastie and R. Tibshirani, "Regularization paths for generalized linear models via coordinate
       descent", *J. Statist. Software* 33(1), 2010.
    .. [2] R. Tibshirani et al., "Strong rules for discarding predictors in lasso-type problems", *J. R. Statist. Soc. B* 74,
       2012.

    Examples
    --------
    >>> from jitgrad import glm
    >>> x = np.random.default_rng(0).normal(size=(100, 20))
    >>> found = glm.path(x, 3 * x[:, 3] - x[:, 5], l1_ratio=0.9)
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
    """The models along a path."""

    def __init__(self, table: Table, fit: PenalisedFit) -> None:
        self._table, self._fit, self.alphas = table, fit, table.alphas(fit)
        self._null = self._deviance()
        self._rows: list[tuple[np.ndarray, np.ndarray, float, float, int]] = []

    def keep(self) -> None:
        """Store the fit for the current penalty."""
        fit = self._fit
        self._rows.append((*self._table.in_units(fit), self._deviance(), fit.missed, fit.n_iter))

    def path(self) -> Path:
        """Return the path. Issues a FitWarning if some fits did not converge."""
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
