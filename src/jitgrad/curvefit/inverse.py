"""Inverse prediction, or calibration: the x at which a fitted curve reaches a given y, with confidence limits.

The limits are the points at which y leaves the band. For a line, they are Fieller's: "Some problems in interval
estimation", 1954; Draper and Smith, "Applied Regression Analysis", 1998, section 3.2. For curves, see Greenwell and Schubert
Kabban, "investr: An R package for inverse estimation", 2014.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jitgrad.errors import ArgumentError

if TYPE_CHECKING:
    from jitgrad.curvefit.estimates import Estimates

POINTS = 2000
"""The number of points at which the curve is evaluated to find crossings."""
SMALLEST, MOST_STEPS = 1e-300, 200
"""The absolute tolerance and the maximum number of iterations of a root search."""
MET = 1e-6
"""The residual at a root, as a fraction of the residuals at the neighboring points, above which it is a pole or a jump."""
STEP = 1e-6
"""The step of the difference that gives the slope, relative to the range or to x."""
NAMED = 3
"""The largest number of solutions listed in a note."""


class Inverse(NamedTuple):
    """The result of `CurveFit.inverse`: the x at which a curve reaches given values of y.

    Fields are numbers if y is a number, and arrays of shape (rows,) if y is an array.

    Parameters
    ----------
    x : float or ndarray
        The solution; nan if the curve reaches the value nowhere in the range, or in several places.
    stderr : float or ndarray
        The standard error of x by the delta method.
    low, high : float or ndarray
        The confidence limits; infinite if y does not leave the band within three times the range.
    solutions : int or ndarray
        The number of places at which the curve reaches the value.
    notes : list of str
        Remarks, for example on values that are not reached.

    Examples
    --------
    >>> fit = jg.curve_fit("a + b * x", [0, 1, 2, 3, 4], [1.1, 2.9, 5.2, 7.1, 8.8])
    >>> found = fit.inverse(6.0)
    >>> round(found.x, 2), found.solutions
    (2.5, 1)
    >>> fit.inverse(20.0).notes
    ['20 is not reached for x between 0 and 4, where the curve lies between 1.1 and 8.94']
    """

    x: Any
    stderr: Any
    low: Any
    high: Any
    solutions: Any
    notes: list[str]


def invert(
    estimates: Estimates, y: Any, ends: tuple[float, float], level: float, replicates: float, sigma: Any, name: str = "x"
) -> Inverse:
    """Return the points within ``ends`` at which a curve of one column reaches the values y; see ``FittedCurve.inverse``."""
    if not replicates > 0:
        said = f"{{argument}} is {replicates!r}. Give the number of measurements that y is the mean of, or inf."
        raise ArgumentError(said, argument="replicates")
    low, high = ends
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ArgumentError(f"within is {ends!r}. Give two numbers, the lower one first.")
    given = np.atleast_1d(np.asarray(y, np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):  # such values are not reached
        values = np.log(given) if estimates.curve.log else given
    owns = np.broadcast_to(np.square(1.0 if sigma is None else sigma) / replicates, values.shape)
    quantile = estimates._quantile(level)
    grid = _grid(low - (high - low), high + (high - low), low, high)
    inside = np.flatnonzero((grid >= low) & (grid <= high))
    along, spread = estimates._value_and_variance([grid])

    def beyond(value: float, own: float, said: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """Return the distance of a value from the band, negative inside."""
        with np.errstate(over="ignore", invalid="ignore"):  # if the model is not finite
            return np.asarray(np.abs(said - value) - quantile * np.sqrt(estimates.scale * (variance + own)))

    found = np.full((4, len(values)), math.nan)
    places: list[list[float]] = []
    for k, (value, own) in enumerate(zip(values.tolist(), owns.tolist(), strict=True)):

        def beside(x: np.ndarray, value: float = value) -> np.ndarray:
            return estimates.curve.values(estimates.values, estimates.free, [x]) - value

        def outside(x: np.ndarray, value: float = value, own: float = own) -> np.ndarray:
            return beyond(value, own, *estimates._value_and_variance([x]))

        crossings = _crossings(grid, along - value, inside)
        roots = [_root(beside, *pair) for pair in crossings]
        places.append([root for root, pair in zip(roots, crossings, strict=True) if _is_met(beside, root, pair)])
        if len(places[k]) == 1:
            (root,) = places[k]
            ends = _limits(grid, beyond(value, own, along, spread), root, outside)
            found[:, k] = root, _standard_error(estimates, root, high - low, own), *ends
    counts = np.array([len(roots) for roots in places])
    notes = _notes(given, places, (low, high), estimates.curve.responses(along[inside]), found, name)
    x, stderr, below, above = found[:, 0].tolist() if np.ndim(y) == 0 else found
    return Inverse(x, stderr, below, above, int(counts[0]) if np.ndim(y) == 0 else counts, notes)


def _grid(first: float, last: float, low: float, high: float) -> np.ndarray:
    """Return the points at which the curve is evaluated: evenly spaced, and logarithmic if all x have one sign."""
    parts = [np.linspace(first, last, 3 * POINTS), np.linspace(low, high, POINTS)]
    if low >= 0 or high <= 0:
        far, near, sign = max(abs(low), abs(high)), min(abs(low), abs(high)), 1.0 if high > 0 else -1.0
        parts.append(sign * np.geomspace(max(near / 30.0, far * 1e-12), 2.0 * far, 2 * POINTS))
    return np.unique(np.concatenate(parts))


def _crossings(grid: np.ndarray, beside: np.ndarray, inside: np.ndarray) -> list[tuple[float, float]]:
    """Return the pairs of neighboring points in the range between which the curve crosses the value."""
    x, signs = grid[inside], np.sign(beside[inside])
    exact = [(place, place) for place in x[signs == 0].tolist()]
    changes = np.flatnonzero(signs[:-1] * signs[1:] < 0)
    return sorted([*exact, *zip(x[changes].tolist(), x[changes + 1].tolist(), strict=True)])


def _root(function: Callable[[np.ndarray], np.ndarray], a: float, b: float) -> float:
    """Return the root of a function between a and b by Brent's method."""
    from scipy.optimize import brentq

    def of_one(x: float) -> float:
        return float(function(np.array([x]))[0])

    at_a, at_b = of_one(a), of_one(b)
    if a == b or (at_a < 0) == (at_b < 0):  # 0 to rounding error at one end
        return a if abs(at_a) <= abs(at_b) else b
    return float(brentq(of_one, a, b, xtol=SMALLEST, rtol=4 * np.finfo(float).eps, maxiter=MOST_STEPS, disp=False))


def _is_met(beside: Callable[[np.ndarray], np.ndarray], root: float, between: tuple[float, float]) -> bool:
    """Return whether a sign change is a root rather than a pole or a jump."""
    at, *ends = np.abs(beside(np.array([root, *between]))).tolist()
    return bool(at <= MET * max(ends))


def _limits(
    grid: np.ndarray, beyond: np.ndarray, root: float, outside: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, float]:
    """Return the points at which y leaves the band on either side of a root; infinite if it does not."""
    after = int(np.searchsorted(grid, root))
    found = []
    for side, open_end in ((range(after - 1, -1, -1), -math.inf), (range(after, len(grid)), math.inf)):
        places = np.fromiter(side, np.int64)
        out = np.flatnonzero(~(beyond[places] < 0))
        if not len(out) or not np.isfinite(beyond[places[out[0]]]):
            found.append(open_end)
            continue
        last = grid[places[out[0] - 1]] if out[0] else root
        found.append(_root(outside, float(last), float(grid[places[out[0]]])))
    return found[0], found[1]


def _standard_error(estimates: Estimates, x: float, width: float, own: float) -> float:
    """Return the standard error of x by the delta method."""
    step = STEP * max(abs(x), width)
    said, variance = estimates._value_and_variance([np.array([x - step, x, x + step])])
    ends = said[[0, 2]] if np.isfinite(said).all() else said[np.isfinite(said)][:2]
    slope = abs(float(ends[1] - ends[0])) / (step * (2.0 if np.isfinite(said).all() else 1.0))
    return math.sqrt(estimates.scale * float(variance[1] + own)) / slope if slope > 0 else math.inf


def _notes(
    y: np.ndarray, places: list[list[float]], ends: tuple[float, float], along: np.ndarray, found: np.ndarray, name: str
) -> list[str]:
    """Return remarks: in full for a single value, as counts for several."""
    counts = np.array([len(roots) for roots in places])
    notes, one = [], f"{y[0]:.6g}"
    finite = along[np.isfinite(along)]
    reach = f"the curve lies between {finite.min():.6g} and {finite.max():.6g}" if len(finite) else "the curve is not finite"
    for which, said, of_one in (
        (counts == 0, f"not reached for {name} between {ends[0]:.6g} and {ends[1]:.6g}, where {reach}", ""),
        (
            counts > 1,
            f"reached at several {name}: give a range around one of them",
            " and ".join(f"{x:.6g}" for x in places[0][:NAMED]),
        ),
        (
            np.isinf(found[2:]).any(axis=0),
            "without a finite interval: the curve is poorly determined there, or too flat",
            "",
        ),
    ):
        number = int(which.sum())
        if number:
            subject = f"{number} values are" if number > 1 else f"{one} is" if len(y) == 1 else "1 value is"
            shown = said.replace(f"several {name}", f"{name} = {of_one}") if of_one and len(y) == 1 else said
            notes.append(f"{subject} {shown}")
    return notes
