"""The numbers of the methods, as arrays.

Sources: Dormand and Prince, "A family of embedded Runge-Kutta formulae", J. Comput. Appl. Math. 6, 1980. The continuous
extension and the controller's numbers are those of Hairer's code DOPRI5 (Hairer, Nørsett and Wanner, "Solving Ordinary
Differential Equations I", 2nd edition, 1993, section II.6).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jitgrad.vm.integrate import dop853, esdirk

Numbers = list[list[float]]


class Tableau(NamedTuple):
    """A Runge-Kutta method, explicit or with an explicit first stage and further stages with equal weights of themselves.

    Attributes
    ----------
    nodes : list of float
        The fraction of the step at which each stage is evaluated. The stage after the ``n_stages`` stages of the step is at its
        end; those after it serve the continuous extension.
    weights : list of list of float
        For each stage, the weights of the stages before it, and its own weight in an implicit method.
    estimates : list of list of float
        The weights of one or two error estimates.
    dense : list of list of float
        For each stage, the coefficients of x, x², … in the continuous extension.
    control : tuple of float
        Exponents of the error and of the previous error, safety factor, smallest and largest factor of the step, the bound of
        step times eigenvalue that signals stiffness, and the part of the tolerance that the error of a step may be. It is small
        because the errors of steps add up: the errors of the DETEST problems are to be within 30 times the tolerance.
    n_stages : int
        Number of stages of the step.
    """

    nodes: list[float]
    weights: Numbers
    estimates: Numbers
    dense: Numbers
    control: tuple[float, ...]
    n_stages: int

    @property
    def implicit(self) -> bool:
        """Whether the stages solve equations."""
        return len(self.weights[1]) == 2

    @property
    def extra(self) -> int:
        """Number of stages that only the continuous extension uses."""
        return len(self.nodes) - self.n_stages - 1

    @property
    def degree(self) -> int:
        """Degree of the continuous extension."""
        return len(self.dense[0])

    def packed(self) -> np.ndarray:
        """Return all numbers in the order in which the kernels read them."""
        count = len(self.nodes)
        square, estimates = np.zeros((count, count)), np.zeros((len(self.estimates), count))
        for to, rows in ((square, self.weights), (estimates, self.estimates)):
            for k, row in enumerate(rows):
                to[k, : len(row)] = row
        predictors = self._predictors() if self.implicit else np.zeros(0)
        numbers = (self.control, self.nodes, square.ravel(), estimates.ravel(), np.ravel(self.dense), predictors.ravel())
        return np.concatenate(numbers)

    def _predictors(self) -> np.ndarray:
        """Return weights that extrapolate the stages before each stage to its time, by a polynomial of at most degree 2."""
        nodes, made = np.array(self.nodes), np.zeros((len(self.nodes),) * 2)
        for k in range(1, len(nodes)):
            powers = np.arange(min(k, 3))[:, None]
            made[k, :k] = np.linalg.lstsq(nodes[None, :k] ** powers, nodes[k] ** powers[:, 0], rcond=None)[0]
        return made


def _dormand_prince() -> Tableau:
    weights: Numbers = [
        [],
        [1 / 5],
        [3 / 40, 9 / 40],
        [44 / 45, -56 / 15, 32 / 9],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ]
    estimate = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40]
    extension = [
        -12715105075 / 11282082432, 0, 87487479700 / 32700410799, -10690763975 / 1880347072, 701980252875 / 199316789632,
        -1453857185 / 822651844, 69997945 / 29380423,
    ]  # fmt: skip
    dense = extended(6, 7, weights[-1], [extension])
    return Tableau(
        [0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1], weights, [estimate], dense, (0.17, 0.04, 0.9, 0.2, 5.0, 3.25, 1 / 40), 6
    )


def _dop853() -> Tableau:
    weights, estimates, extension = (_filled(rows) for rows in (dop853.WEIGHTS, dop853.ESTIMATES, dop853.EXTENSION))
    dense = extended(12, 16, weights[12], extension)
    return Tableau(dop853.NODES, weights, estimates, dense, (0.095, 0.04, 0.9, 0.2, 5.0, 5.0, 1 / 100), 12)


def _filled(rows: list[dop853.Row]) -> Numbers:
    return [[row.get(k, 0.0) for k in range(max(row, default=-1) + 1)] for row in rows]


def extended(n_stages: int, count: int, solution: Sequence[float], extension: Numbers) -> Numbers:
    """Return the coefficients of x, x², … of each stage in a continuous extension in Hairer's form.

    It is y + x (Δ + (1 - x) (a + x (b + (1 - x) (d₁ + x (d₂ + …))))), where Δ is the step, a = h k₁ - Δ, b = 2 Δ - h (k₁ + k)
    with k the derivative at the end, and the further terms are sums over all stages, whose weights are given.
    """
    terms = np.zeros((3 + len(extension), count))
    terms[0, : len(solution)] = solution
    terms[1], terms[2] = np.eye(count)[0] - terms[0], 2 * terms[0] - np.eye(count)[0] - np.eye(count)[n_stages]
    for term, row in zip(terms[3:], extension, strict=True):
        term[: len(row)] = row
    dense, factor = np.zeros((len(terms) + 1, count)), np.polynomial.Polynomial([0.0, 1.0])
    for k, term in enumerate(terms):
        dense[: len(factor.coef)] += factor.coef[:, None] * term
        factor *= np.polynomial.Polynomial([1.0, -1.0] if k % 2 == 0 else [0.0, 1.0])
    return dense[1:].T.tolist()


def _esdirk() -> Tableau:
    return Tableau(
        esdirk.NODES, _filled(esdirk.WEIGHTS), [esdirk.ESTIMATE], esdirk.DENSE, (0.2, 0.0, 0.9, 0.2, 5.0, 0.0, 1 / 40), 6
    )


TABLEAUX = {"dopri5": _dormand_prince(), "dop853": _dop853(), "esdirk54": _esdirk()}
"""The tableaux by name."""

METHODS = {name: (tableau,) for name, tableau in TABLEAUX.items()} | {"auto": (TABLEAUX["dop853"], TABLEAUX["esdirk54"])}
"""The methods by name: a tableau, or an explicit one and an implicit one for stiff parts of the solution."""


@functools.cache
def packed(method: str) -> np.ndarray:
    """Return the numbers of a method as the kernels read them."""
    numbers = np.concatenate([tableau.packed() for tableau in METHODS[method]])
    numbers.flags.writeable = False
    return numbers
