"""Families: distributions of the target, given by the variance as a function of the mean.

McCullagh and Nelder, *Generalized Linear Models*, 1989. Likelihoods are full likelihoods by the conventions of R's ``logLik``:
an unknown dispersion is the deviance divided by the number of rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from jitgrad.errors import ArgumentError, listed, near_name
from jitgrad.glm.rows import Mean, Rows

RELATIVE = 1e-9
"""Relative tolerance below which components of a direction count as 0."""


def _times_log(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return a log x for nonnegative numbers; 0 if a is 0. Works for arrays and recorded Tensors."""
    return a * np.log(np.where(a > 0, x, 1.0))


class Family(ABC):
    """A distribution of the target, or only its variance.

    Attributes
    ----------
    name : str
        The name in ``FAMILIES``.
    link : str
        The name of the default link.
    canonical : str
        The name of the canonical link, for which the derivative of the mean with respect to η is the variance; or empty.
    dispersion_known : bool
        Whether the dispersion is 1; otherwise it is estimated.
    extra : int
        The number of parameters of the likelihood besides the coefficients.
    has_likelihood : bool
        False for quasi-likelihoods.
    positive : bool
        Whether means must be positive.
    proportion : bool
        Whether means must be between 0 and 1.
    """

    name: str
    link: str
    canonical: str = ""
    dispersion_known = True
    extra = 0
    has_likelihood = True
    positive = False
    proportion = False

    @abstractmethod
    def targets(self, y: np.ndarray) -> tuple[str, np.ndarray]:
        """Return a description of valid targets, and a mask of the valid targets."""

    @abstractmethod
    def variance(self, mean: Mean) -> np.ndarray:
        """Return the variance function, without the dispersion."""

    @abstractmethod
    def unit_deviance(self, y: np.ndarray, mean: Mean) -> np.ndarray:
        """Return the deviance of each row, without its weight."""

    @abstractmethod
    def log_likelihood(self, rows: Rows, deviance: float) -> float:
        """Return the full log-likelihood for a deviance; nan for quasi-likelihoods."""

    def simplest(self, y: np.ndarray) -> Family:
        """Return an equivalent family whose deviance is cheaper to compute for these targets."""
        return self

    def start(self, rows: Rows) -> np.ndarray:
        """Return initial means near the targets and inside their range, as in R."""
        return rows.y

    def residual(self, y: np.ndarray, mean: Mean) -> np.ndarray:
        """Return the target minus its mean."""
        return y - mean.value

    def is_possible(self, mean: Mean) -> np.ndarray:
        """Return which means are valid."""
        if self.proportion:
            return (mean.value > 0) & (mean.rest > 0)
        return (mean.value > 0) & (mean.value < np.inf) if self.positive else np.abs(mean.value) < np.inf

    def deviance(self, rows: Rows, mean: Mean) -> float:
        """Return the total deviance."""
        return float(rows.total @ self.unit_deviance(rows.y, mean))

    def may_be_unbounded(self, link: str) -> bool:
        """Return whether the estimates can be infinite with a link. With other links, they end at the boundary of the means."""
        return False

    def unbounded(self, y: np.ndarray, direction: np.ndarray, link: str) -> str:
        """Describe the separation if the likelihood increases without bound along a direction of η; empty if it does not.

        Albert and Anderson, "On the existence of maximum likelihood estimates in logistic regression models", 1984.
        """
        return ""


class Gaussian(Family):
    """Numbers with normal errors: least squares."""

    name, link, canonical, dispersion_known, extra = "gaussian", "identity", "identity", False, 1

    def targets(self, y: np.ndarray) -> tuple[str, np.ndarray]:
        return "finite numbers", np.isfinite(y)

    def variance(self, mean: Mean) -> np.ndarray:
        return np.ones_like(mean.value)

    def unit_deviance(self, y: np.ndarray, mean: Mean) -> np.ndarray:
        made: np.ndarray = (y - mean.value) ** 2
        return made

    def log_likelihood(self, rows: Rows, deviance: float) -> float:
        n = rows.n
        return float(-0.5 * (n * (np.log(2 * np.pi * deviance / n) + 1) - rows.frequency @ np.log(rows.weights)))


@dataclass(frozen=True)
class Binomial(Family):
    """Proportions of trials, or 0 and 1 for single trials.

    Attributes
    ----------
    whole : bool
        Whether all targets are 0 or 1.
    """

    whole: bool = False
    name, link, canonical, proportion = "binomial", "logit", "logit", True

    def targets(self, y: np.ndarray) -> tuple[str, np.ndarray]:
        return "numbers between 0 and 1", (y >= 0) & (y <= 1)

    def variance(self, mean: Mean) -> np.ndarray:
        return mean.value * mean.rest

    def unit_deviance(self, y: np.ndarray, mean: Mean) -> np.ndarray:
        if self.whole:
            return -2 * np.log(np.where(y > 0, mean.value, mean.rest))
        return 2 * (_times_log(y, y / mean.value) + _times_log(1 - y, (1 - y) / mean.rest))

    def simplest(self, y: np.ndarray) -> Family:
        return type(self)(not ((y > 0) & (y < 1)).any())

    def log_likelihood(self, rows: Rows, deviance: float) -> float:
        from scipy.special import gammaln, xlogy

        mixed = (rows.y > 0) & (rows.y < 1)  # for other targets, the best likelihood is 1
        trials, hits = rows.trials[mixed], (rows.trials * rows.y)[mixed]
        ways = gammaln(trials + 1) - gammaln(hits + 1) - gammaln(trials - hits + 1)
        best = ways + xlogy(hits, hits / trials) + xlogy(trials - hits, 1 - hits / trials)
        return float(np.sum((rows.frequency * rows.weights)[mixed] * best)) - deviance / 2

    def start(self, rows: Rows) -> np.ndarray:
        made: np.ndarray = (rows.prior * rows.y + 0.5) / (rows.prior + 1)
        return made

    def residual(self, y: np.ndarray, mean: Mean) -> np.ndarray:
        return y * mean.rest - (1 - y) * mean.value

    def may_be_unbounded(self, link: str) -> bool:
        return link in ("logit", "probit", "cloglog", "cauchit")

    def unbounded(self, y: np.ndarray, direction: np.ndarray, link: str) -> str:
        if not self.may_be_unbounded(link):
            return ""
        least = RELATIVE * np.abs(direction).max()
        margin = np.minimum(np.where(y > 0, direction, np.inf), np.where(y < 1, -direction, np.inf))
        if least == 0 or margin.min() <= -least:
            return ""
        return "the classes can be separated" if margin.min() > least else "the classes of some rows can be separated"


class Poisson(Family):
    """Counts."""

    name, link, canonical, positive = "poisson", "log", "log", True

    def targets(self, y: np.ndarray) -> tuple[str, np.ndarray]:
        return "nonnegative numbers", y >= 0

    def variance(self, mean: Mean) -> np.ndarray:
        return mean.value

    def unit_deviance(self, y: np.ndarray, mean: Mean) -> np.ndarray:
        made: np.ndarray = 2 * (_times_log(y, y / mean.value) - (y - mean.value))
        return made

    def log_likelihood(self, rows: Rows, deviance: float) -> float:
        from scipy.special import gammaln, xlogy

        return float(np.sum(rows.total * (xlogy(rows.y, rows.y) - rows.y - gammaln(rows.y + 1)))) - deviance / 2

    def start(self, rows: Rows) -> np.ndarray:
        return rows.y + 0.1

    def may_be_unbounded(self, link: str) -> bool:
        return link == "log"

    def unbounded(self, y: np.ndarray, direction: np.ndarray, link: str) -> str:
        if not self.may_be_unbounded(link):
            return ""
        lost = np.where(y > 0, np.abs(direction), direction)
        return (
            "some zero counts can be separated from the other rows" if lost.max() < RELATIVE * np.abs(direction).max() else ""
        )


class Gamma(Family):
    """Positive numbers with a standard deviation proportional to the mean."""

    name, link, dispersion_known, extra, positive = "gamma", "inverse", False, 1, True

    def targets(self, y: np.ndarray) -> tuple[str, np.ndarray]:
        return "positive numbers", y > 0

    def variance(self, mean: Mean) -> np.ndarray:
        made: np.ndarray = mean.value**2
        return made

    def unit_deviance(self, y: np.ndarray, mean: Mean) -> np.ndarray:
        made: np.ndarray = 2 * ((y - mean.value) / mean.value - np.log(y / mean.value))
        return made

    def log_likelihood(self, rows: Rows, deviance: float) -> float:
        from scipy.special import gammaln

        total = rows.total.sum()
        if deviance == 0:
            return np.inf
        shape = total / deviance
        best = shape * np.log(shape) - shape - gammaln(shape)
        return float(total * (best - 0.5) - np.sum(rows.total * np.log(rows.y)))


class InverseGaussian(Family):
    """Positive numbers with a variance proportional to the cube of the mean."""

    name, link, dispersion_known, extra, positive = "inverse_gaussian", "inverse_squared", False, 1, True

    def targets(self, y: np.ndarray) -> tuple[str, np.ndarray]:
        return "positive numbers", y > 0

    def variance(self, mean: Mean) -> np.ndarray:
        made: np.ndarray = mean.value**3
        return made

    def unit_deviance(self, y: np.ndarray, mean: Mean) -> np.ndarray:
        made: np.ndarray = ((y - mean.value) / mean.value) ** 2 / y
        return made

    def log_likelihood(self, rows: Rows, deviance: float) -> float:
        total = rows.total.sum()
        dispersion = np.divide(deviance, total)
        return float(-0.5 * (total * (np.log(2 * np.pi * dispersion) + 1) + 3 * np.sum(rows.total * np.log(rows.y))))


@dataclass(frozen=True)
class NegativeBinomial(Poisson):
    """Counts with variance μ + μ² / ``theta``."""

    theta: float = 1.0
    estimated: bool = False
    name, link, canonical = "negative_binomial", "log", ""

    def given(self, theta: float) -> NegativeBinomial:
        """Return the family with another theta."""
        return NegativeBinomial(theta, self.estimated)

    @property
    def extra(self) -> int:  # type: ignore[override]
        return int(self.estimated)

    def variance(self, mean: Mean) -> np.ndarray:
        made: np.ndarray = mean.value * (1 + mean.value / self.theta)
        return made

    def unit_deviance(self, y: np.ndarray, mean: Mean) -> np.ndarray:
        above = np.log1p((y - mean.value) / (mean.value + self.theta))
        made: np.ndarray = 2 * (_times_log(y, y / mean.value) - (y + self.theta) * above)
        return made

    def log_likelihood(self, rows: Rows, deviance: float) -> float:
        from scipy.special import gammaln, xlogy

        y, theta = rows.y, self.theta
        ways = gammaln(theta + y) - gammaln(theta) - gammaln(y + 1)
        best = ways + xlogy(y, y / theta) - (y + theta) * np.log1p(y / theta)
        return float(np.sum(rows.total * best)) - deviance / 2

    def start(self, rows: Rows) -> np.ndarray:
        return np.where(rows.y > 0, rows.y, 1 / 6)


class _Quasi:
    """Quasi-likelihoods: only the variance is specified, up to the dispersion."""

    dispersion_known = False
    has_likelihood = False

    def log_likelihood(self, rows: Rows, deviance: float) -> float:
        return np.nan


class QuasiPoisson(_Quasi, Poisson):
    """A variance proportional to the mean."""

    name = "quasi_poisson"


class QuasiBinomial(_Quasi, Binomial):
    """A variance proportional to the binomial variance."""

    name = "quasi_binomial"


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Gaussian(), Binomial(), Poisson(), Gamma(), InverseGaussian(), NegativeBinomial(), QuasiPoisson(), QuasiBinomial()
    )
}  # fmt: skip
"""The families with one mean per row by name. For "multinomial", see ``multinomial.py``."""


def family_of(name: str, theta: float | None = None) -> Family:
    """Return a family by name. Raises ArgumentError for an unknown name, and for an invalid theta."""
    if name not in FAMILIES:
        known = [*FAMILIES, "multinomial"]
        raise ArgumentError(
            f"{{argument}} is {name!r}, which is not a known family.{near_name(name, known)} The families are {listed(known)}.",
            argument="family",
        )
    if name != "negative_binomial":
        if theta is not None:
            raise ArgumentError(f"Family {name!r} has no parameter theta. Leave {{argument}} out.", argument="theta")
        return FAMILIES[name]
    if theta is not None and not 0 < theta < np.inf:
        raise ArgumentError(
            f"{{argument}} is {theta}. Give a positive number, or leave it out to estimate it.", argument="theta"
        )
    return NegativeBinomial(1.0 if theta is None else float(theta), theta is None)
