"""Starting values from the data alone.

Most curves are linear in some parameters, such as offsets and heights. The nonlinear ones are searched on a grid. At each point
of the grid, least squares gives the linear ones (variable projection: Golub and Pereyra, SIAM J. Numer. Anal. 10, 1973). The
grid is then refined around the best points.

Functions take x and y of shape (n,), finite float64, n >= 1, in any order. They are called with NumPy's warnings off and may
return values that are not finite; ``named_model`` handles both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

POINTS = 400  # the largest number of points of a condensed curve
MINIMA = 3  # the number of minima of a grid that are refined
SAMPLE = 1000  # the largest number of points on which frequencies are compared

Start = tuple[Any, ...]
"""The values of parameters."""

Columns = Callable[..., list[Any]]
"""``columns(x, *parameters)`` returns the factors of the linear parameters, each broadcast over points and x."""


def separable(columns: Columns, grids: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray, rounds: int = 3) -> Start:
    """Return the nonlinear parameters whose columns fit y best, followed by the linear ones.

    Parameters
    ----------
    columns : callable
        See ``Columns``.
    grids : sequence of ndarray
        The values of each nonlinear parameter, ascending.
    x, y : ndarray, shape (n,)
        The data, few enough for the grid times n to fit into memory.
    rounds : int, default 3
        The number of times that the grid around each of the best minima is refined, each time by a factor of three.
    """
    points, squares = _searched(columns, grids, x, y)
    ends = [_descended(columns, grids, points[minimum], x, y, rounds) for minimum in minima(squares)]
    best, _ = min(ends, key=lambda end: end[1])
    return *best, *linear(columns(x, *best), y)


def _searched(columns: Columns, grids: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a grid, (points, parameters), and the residual sums of squares, in the shape of the grid."""
    points = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, len(grids))
    return points, _sums_of_squares(columns(x, *points.T[:, :, None]), y).reshape([len(grid) for grid in grids])


def minima(squares: np.ndarray) -> np.ndarray:
    """Return the flat indices of the lowest local minima of a grid."""
    around = sliding_window_view(np.pad(squares, 1, constant_values=np.inf), [3] * squares.ndim)
    lowest = squares == around.min(axis=tuple(range(squares.ndim, 2 * squares.ndim)))
    return np.argsort(np.where(lowest, squares, np.inf), axis=None, kind="stable")[:MINIMA]


def _descended(
    columns: Columns, grids: Sequence[np.ndarray], point: np.ndarray, x: np.ndarray, y: np.ndarray, rounds: int
) -> tuple[np.ndarray, float]:
    """Return the best point of successively finer grids around a point, and its residual sum of squares."""
    least = np.inf
    for _ in range(rounds):
        grids = [_around(grid, value) for grid, value in zip(grids, point, strict=True)]
        points, squares = _searched(columns, grids, x, y)
        point, least = points[np.argmin(squares)], squares.min()
    return point, least


def linear(columns: list[Any], y: np.ndarray) -> np.ndarray:
    """Return the coefficients of columns that fit y best."""
    design, scale = _design(columns, y)
    return np.linalg.lstsq(np.nan_to_num(design), np.nan_to_num(y), rcond=None)[0] / scale


def _sums_of_squares(columns: list[Any], y: np.ndarray) -> np.ndarray:
    """Return the relative residual sum of squares at each point; inf if a column is not finite. Columns are (points, n)."""
    design, _ = _design(columns, y)
    bad = ~np.isfinite(design).all(axis=(-2, -1))
    design[bad] = 0
    target = y / (np.abs(y).max() or 1.0)
    turned = np.swapaxes(design, -1, -2)
    factors = np.linalg.pinv(turned @ design, rcond=1e-12, hermitian=True) @ (turned @ target)[..., None]
    return np.where(bad, np.inf, np.sum((target - (design @ factors)[..., 0]) ** 2, axis=-1))


def _design(columns: list[Any], y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns along a last axis, scaled to a largest size of 1, and the scales."""
    design = np.stack(np.broadcast_arrays(*columns, y)[:-1], axis=-1)
    scale = np.abs(design).max(axis=-2, keepdims=True)
    scale = np.where(scale > 0, scale, 1.0)
    return design / scale, scale[..., 0, :]


def _around(grid: np.ndarray, value: float) -> np.ndarray:
    """Return a finer grid from the neighbor below a value to the one above."""
    below, above = grid[grid < value], grid[grid > value]
    low = below[-1] if len(below) else value
    high = above[0] if len(above) else value
    return np.unique(np.concatenate([np.linspace(low, value, 4), np.linspace(value, high, 4)]))


def condensed(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the data sorted by x, condensed to at most ``POINTS`` means of consecutive points."""
    order = np.argsort(x, kind="stable")
    starts = np.unique(np.linspace(0, len(x), POINTS + 1).astype(int))
    counts = np.diff(starts)
    return np.add.reduceat(x[order], starts[:-1]) / counts, np.add.reduceat(y[order], starts[:-1]) / counts


def where_positive(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points with x > 0, or a single point at 1 if no x is positive."""
    positive = x > 0
    return (x[positive], y[positive]) if positive.any() else (np.ones(1), y[:1])


def span(x: np.ndarray) -> float:
    """Return the range of x, or its size or 1 if the range is 0."""
    return np.ptp(x) or np.abs(x).max() or 1.0


def closest(x: np.ndarray) -> float:
    """Return the smallest distance between points of x, ignoring the closest 5%, which may be close by chance."""
    steps = np.diff(np.unique(x))
    return np.quantile(steps, 0.05) if len(steps) else span(x)


def evenly_in_log(low: float, high: float, count: int) -> np.ndarray:
    """Return values from ``low`` to ``high``, both positive, evenly spaced in the logarithm."""
    return np.exp(np.linspace(np.log(low), np.log(high), count))


def scales(x: np.ndarray, count: int, longest: float = 10) -> np.ndarray:
    """Return widths or times on x, log-spaced from half of the closest distance to ``longest`` times the span."""
    return evenly_in_log(closest(x) / 2, longest * span(x), count)


def slopes(x: np.ndarray, count: int) -> np.ndarray:
    """Return slopes of steps on x. A step of slope 1 is about 4 wide."""
    return 4 / scales(x, count)[::-1]


def polynomial(x: np.ndarray, y: np.ndarray, degree: int) -> Start:
    """Return the coefficients of the least-squares polynomial, the constant first, computed on [-1, 1] for accuracy."""
    middle, half = (x.max() + x.min()) / 2, span(x) / 2
    centred = linear([((x - middle) / half) ** k for k in range(degree + 1)], y)
    found = np.zeros(degree + 1)
    for coefficient in centred[::-1]:  # Horner: times (x - middle) / half, plus the next
        found = (np.append(0, found[:-1]) - middle * found) / half
        found[0] += coefficient
    return tuple(found)


def decays(x: np.ndarray) -> np.ndarray:
    """Return negative rates. The fastest reaches the third point; a faster one would fit only the first point."""
    different = np.unique(x)
    first = (different[:3][-1] - different[0]) / 2 or span(x)
    return -1 / evenly_in_log(first, 10 * span(x), 30)


def rates(x: np.ndarray) -> np.ndarray:
    """Return negative and positive rates."""
    return np.concatenate([decays(x), -decays(-x)[::-1]])


def exponential(x: np.ndarray, y: np.ndarray, grid: Callable[[np.ndarray], np.ndarray]) -> Start:
    """Return amplitude and rate of ``amplitude * exp(rate * x)``; ``grid`` returns the rates to try."""
    x, y = condensed(x, y)
    rate, top = separable(lambda x, rate: [_bounded_exp(x, rate)], [grid(x)], x, y)
    return top * np.exp(-rate * _reference(x, rate)), rate


def exponential_with_offset(x: np.ndarray, y: np.ndarray, grid: Callable[[np.ndarray], np.ndarray]) -> Start:
    """Return offset, amplitude and rate of ``offset + amplitude * exp(rate * x)``; ``grid`` returns the rates to try."""
    x, y = condensed(x, y)
    rate, offset, top = separable(lambda x, rate: [1.0, _bounded_exp(x, rate)], [grid(x)], x, y)
    return offset, top * np.exp(-rate * _reference(x, rate)), rate


def two_decays(x: np.ndarray, y: np.ndarray) -> Start:
    """Return the offset, and amplitude and time constant of the faster and of the slower decay."""
    x, y = condensed(x, y)
    grid = decays(x)[::2]
    fast, slow, offset, first, second = separable(
        lambda x, *both: [1.0, *(_bounded_exp(x, rate) for rate in both)], [grid, grid], x, y
    )
    parts = [(-1 / rate, top * np.exp(-rate * x[0])) for rate, top in ((fast, first), (slow, second))]
    (tau1, amplitude1), (tau2, amplitude2) = sorted(parts)
    return offset, amplitude1, tau1, amplitude2, tau2


def _bounded_exp(x: np.ndarray, rate: Any) -> Any:
    """Return an exponential with a maximum of 1."""
    return np.exp(rate * (x - _reference(x, rate)))


def _reference(x: np.ndarray, rate: Any) -> Any:
    return np.where(rate > 0, x.max(), x.min())


def peak(x: np.ndarray, y: np.ndarray, shape: Callable[[Any], Any]) -> Start:
    """Return offset, height, center and width of ``offset + height * shape((x - center) / width)``."""
    x, y = condensed(x, y)
    centre, width, offset, height = separable(
        lambda x, centre, width: [1.0, shape((x - centre) / width)], [_centres(x, y), scales(x, 25, longest=1)], x, y
    )
    return offset, height, centre, width


def voigt_peak(x: np.ndarray, y: np.ndarray) -> Start:
    """Return offset, area, center, sigma and gamma, searching widths and mixtures around the best Lorentzian."""
    from scipy.special import voigt_profile

    *_, centre, width = peak(x, y, lambda u: 1 / (1 + u**2))
    x, y = condensed(x, y)
    grids = [centre + width * np.array([-0.3, 0, 0.3]), width * 1.3 ** np.arange(-4.0, 5.0), np.linspace(0.05, 0.95, 7)]
    centre, width, part, offset, area = separable(
        lambda x, centre, width, part: [1.0, voigt_profile(x - centre, (1 - part) * width, part * width)], grids, x, y, rounds=2
    )
    return offset, area, centre, (1 - part) * width, part * width


def _centres(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return candidate centers of a peak: evenly spaced ones, and the extremes of y with more and less smoothing."""
    level = y - np.median(y)
    smooth = [np.convolve(level, np.ones(min(window, len(y))), "same") for window in (1, 5, 15)]
    places = [place for s in smooth for place in (np.argmin(s), np.argmax(s))]
    return np.unique(np.concatenate([np.linspace(x[0], x[-1], 25), x[places]]))  # x is sorted


def step(x: np.ndarray, y: np.ndarray, shape: Callable[[Any], Any], slopes: np.ndarray) -> Start:
    """Return height, midpoint and slope of ``height * shape(slope * (x - midpoint))``; ``slopes`` are the slopes to try."""
    x, y = condensed(x, y)
    middle, slope, height = separable(lambda x, middle, slope: [shape(slope * (x - middle))], [_middles(x), slopes], x, y)
    return height, middle, slope


def logistic_step(x: np.ndarray, y: np.ndarray, asymmetries: np.ndarray) -> Start:
    """Return bottom, top, midpoint, slope and asymmetry of a logistic that is halfway between its levels at the midpoint."""
    x, y = condensed(x, y)
    falls = np.sum((x - x.mean()) * (y - y.mean())) < 0
    middle, slope, asymmetry, bottom, height = separable(
        lambda x, middle, slope, asymmetry: [1.0, _asymmetric(slope * (x - middle), asymmetry)],
        [_middles(x), -slopes(x, 15)[::-1] if falls else slopes(x, 15), asymmetries], x, y,
    )  # fmt: skip
    return bottom, bottom + height, middle, slope, asymmetry


def _asymmetric(u: Any, asymmetry: Any) -> Any:
    """Return a power of the logistic function, shifted so that it is 1/2 at 0."""
    return np.exp(-asymmetry * np.logaddexp(0, np.log(np.expm1(np.log(2) / asymmetry)) - u))


def _middles(x: np.ndarray) -> np.ndarray:
    return np.linspace(x.min() - span(x) / 4, x.max() + span(x) / 4, 40)


def saturation(x: np.ndarray, y: np.ndarray) -> Start:
    """Return height and half-saturation point of ``height * x / (half + x)``."""
    x, y = condensed(*where_positive(x, y))
    halves = evenly_in_log(x[0] / 100, x[-1] * 100, 60)
    half, height = separable(lambda x, half: [x / (half + x)], [halves], x, y)
    return height, half


def oscillation(x: np.ndarray, y: np.ndarray) -> Start:
    """Return offset, amplitude, frequency and phase of ``offset + amplitude * sin(2 * pi * frequency * x + phase)``."""
    frequencies = _resolved(x, y)
    x, y = _sample(x, y)
    frequency, offset, *waves = separable(lambda x, f: [1.0, *_waves(x, f)], [frequencies], x, y)
    return offset, np.hypot(*waves), frequency, np.arctan2(waves[1], waves[0])


def damped_oscillation(x: np.ndarray, y: np.ndarray) -> Start:
    """Return offset, amplitude, time constant, frequency and phase."""
    frequencies = _resolved(x, y)
    x, y = _sample(x, y)
    frequency, rate, offset, *waves = separable(
        lambda x, f, rate: [1.0, *(_bounded_exp(x, rate) * wave for wave in _waves(x, f))],
        [frequencies, decays(x)[::2]], x, y,
    )  # fmt: skip
    amplitude = np.hypot(*waves) * np.exp(-rate * x.min())
    return offset, amplitude, -1 / rate, frequency, np.arctan2(waves[1], waves[0])


def _waves(x: np.ndarray, frequency: Any) -> list[Any]:
    turns = 2 * np.pi * frequency * x
    return [np.sin(turns), np.cos(turns)]


def _sample(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a random sample of many points. An evenly spaced one would cause aliasing."""
    chosen = np.random.default_rng(0).permutation(len(x))[:SAMPLE]
    return x[chosen], y[chosen]


def _resolved(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return candidate frequencies: the peaks of the periodogram with their neighbors, and unresolved low ones."""
    highest, step = frequencies(x, y - y.mean())[0], 0.25 / span(x)
    near = np.concatenate([highest - step, highest, highest + step])
    return np.unique(np.concatenate([np.geomspace(0.1, 1, 8) / span(x), near[near > step / 2]]))


def frequencies(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the frequencies of the five highest peaks of the periodogram, the highest first, and the amplitudes there.

    The frequencies are accurate to a quarter of the resolution. Uneven points are assigned to the nearest of many bins, so
    that one FFT suffices (Press and Rybicki, Astrophys. J. 338, 1989, are more careful). The highest frequency has a period
    of twice the closest distance.
    """
    length = span(x)
    halves = int(min(10 * len(x), 2**18, length / closest(x) + 1))  # half periods in the span at the highest frequency
    bins = 16 * halves  # 8 a period there, padded to 4 times the length
    places = np.clip(np.nan_to_num((x - x.min()) / (4 * length) * bins), 0, bins - 1).astype(int)
    amplitude = np.abs(np.fft.rfft(np.bincount(places, y, bins)))[: 2 * halves + 1]
    peaks = 1 + np.flatnonzero((amplitude[1:-1] >= amplitude[:-2]) & (amplitude[1:-1] >= amplitude[2:]))
    highest = peaks[np.argsort(-amplitude[peaks], kind="stable")][:5]
    return highest / 4 / length, amplitude[highest]
