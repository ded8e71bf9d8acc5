"""Link functions between the mean of the target and the linear predictor η.

McCullagh and Nelder, *Generalized Linear Models*, 1989. A link is defined by its inverse, which is accurate at both ends of the
range: for means between 0 and 1, the distance to 1 is computed separately. Functions apply to arrays and record Tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jitgrad.errors import ArgumentError, listed, near_name

Function = Callable[[np.ndarray], np.ndarray]
SMALLEST = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Link:
    """A link function.

    Attributes
    ----------
    name : str
        The name in ``LINKS``.
    function : callable
        From the mean to η.
    inverse : callable
        From η to the mean.
    derivative : callable
        The derivative of the mean with respect to η.
    rest : callable
        From η to one minus the mean, for proportions.
    needs : str
        The condition on η, in words; empty if all numbers are valid.
    """

    name: str
    function: Function
    inverse: Function
    derivative: Function
    rest: Function
    needs: str = ""

    def __reduce__(self) -> tuple[Callable[[str], Link], tuple[str]]:
        """Pickle by name, because functions without a name cannot be pickled."""
        return link_of, (self.name,)

    def is_possible(self, eta: np.ndarray) -> np.ndarray:
        """Return which η correspond to a valid mean."""
        return eta > 0 if self.needs else np.abs(eta) < np.inf


def _logistic(x: np.ndarray) -> np.ndarray:
    tail = np.exp(-np.abs(x))
    part = 1 / (1 + tail)
    return np.where(x > 0, part, tail * part)


def _logistic_rest(x: np.ndarray) -> np.ndarray:
    tail = np.exp(-np.abs(x))
    part = 1 / (1 + tail)
    return np.where(x > 0, tail * part, part)


def _logistic_density(x: np.ndarray) -> np.ndarray:
    tail = np.exp(-np.abs(x))
    part = 1 / (1 + tail)
    made: np.ndarray = (tail * part) * part
    return made


def _above_0(part: np.ndarray) -> np.ndarray:
    """Clip underflowed probabilities at the smallest positive number, so that extreme rows keep a valid mean."""
    return np.maximum(part, SMALLEST)


def _normal(x: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return _above_0(ndtr(x))


def _normal_quantile(mean: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    made: np.ndarray = ndtri(mean)
    return made


def _cauchy(x: np.ndarray) -> np.ndarray:
    """Return the Cauchy distribution function, using the arctangent of the inverse in the lower tail to avoid cancellation."""
    with np.errstate(divide="ignore"):
        far = np.arctan(-1 / x) / np.pi
    return np.where(x < -1, far, 0.5 + np.arctan(x) / np.pi)


LINKS = {
    link.name: link
    for link in (
        Link("identity", lambda m: m, lambda x: x, np.ones_like, lambda x: 1 - x),
        Link("log", np.log, np.exp, np.exp, lambda x: -np.expm1(x)),
        Link("logit", lambda m: np.log(m / (1 - m)), _logistic, _logistic_density, _logistic_rest),
        Link(
            "probit",
            _normal_quantile,
            _normal,
            lambda x: np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi),
            lambda x: _normal(-x),
        ),
        Link(
            "cloglog",
            lambda m: np.log(-np.log1p(-m)),
            lambda x: _above_0(-np.expm1(-np.exp(x))),
            lambda x: np.exp(x - np.exp(x)),
            lambda x: _above_0(np.exp(-np.exp(x))),
        ),
        Link(
            "cauchit",
            lambda m: np.tan(np.pi * (m - 0.5)),
            _cauchy,
            lambda x: 1 / (np.pi * (1 + x**2)),
            lambda x: _cauchy(-x),
        ),
        Link("inverse", lambda m: 1 / m, lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 1 - 1 / x, "above 0"),
        Link(
            "inverse_squared",
            lambda m: 1 / m**2,
            lambda x: 1 / np.sqrt(x),
            lambda x: -0.5 / (x * np.sqrt(x)),
            lambda x: 1 - 1 / np.sqrt(x),
            "above 0",
        ),
        Link("sqrt", np.sqrt, lambda x: x**2, lambda x: 2 * x, lambda x: 1 - x**2, "above 0"),
    )
}
"""The links by name."""


def link_of(name: str) -> Link:
    """Return a link by name. Raises ArgumentError for an unknown name."""
    if name not in LINKS:
        raise ArgumentError(
            f"{{argument}} is {name!r}, which is not a known link.{near_name(name, LINKS)} The links are {listed(LINKS)}.",
            argument="link",
        )
    return LINKS[name]
