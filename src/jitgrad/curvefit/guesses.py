"""Where a curve fit starts: rough parameters from the data alone.

Most curves are linear in some parameters, such as offsets and heights. The others get a grid; at each of its points the linear
ones follow by least squares (variable projection: Golub and Pereyra, SIAM J. Numer. Anal. 10, 1973). Around the best point the
grid is made finer, some times over.

Functions take x and y of shape (n,), finite float64, n >= 1, in any order. They run with NumPy's warnings off and may return
what is not finite: ``gallery`` sees to both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

POINTS = 400  # of a condensed curve
MINIMA = 3  # of a grid that are looked into
SAMPLE = 1000  # points that frequencies are compared on

Start = tuple[Any, ...]
"""Parameters, numbers."""

Columns = Callable[..., list[Any]]
"""``columns(x, *parameters)``: what the linear parameters are factors of, each broadcasting over points and x."""


def separable(columns: Columns, grids: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray, rounds: int = 3) -> Start:
    """The nonlinear parameters whose columns fit y best, and the linear ones that go with them.

    Args:
        columns: see ``Columns``.
        grids: for each nonlinear parameter its values, ascending.
        x, y: (n,), few enough that the grid times n fits into memory.
        rounds: how often the grid around each of the best minima is made three times as fine.
    """
    points, squares = _searched(columns, grids, x, y)
    ends = [_descended(columns, grids, points[minimum], x, y, rounds) for minimum in _minima(squares)]
    best, _ = min(ends, key=lambda end: end[1])
    return *best, *linear(columns(x, *best), y)


def _searched(columns: Columns, grids: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points of a grid, (points, parameters), and what is left of y at them, in the shape of the grid."""
    points = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, len(grids))
    return points, _sums_of_squares(columns(x, *points.T[:, :, None]), y).reshape([len(grid) for grid in grids])


def _minima(squares: np.ndarray) -> np.ndarray:
    """The positions in the flat grid of the lowest of those that no neighbour is below."""
    around = sliding_window_view(np.pad(squares, 1, constant_values=np.inf), [3] * squares.ndim)
    lowest = squares == around.min(axis=tuple(range(squares.ndim, 2 * squares.ndim)))
    return np.argsort(np.where(lowest, squares, np.inf), axis=None, kind="stable")[:MINIMA]


def _descended(
    columns: Columns, grids: Sequence[np.ndarray], point: np.ndarray, x: np.ndarray, y: np.ndarray, rounds: int
) -> tuple[np.ndarray, float]:
    """The best point of ever finer grids around one, and what is left of y there."""
    least = np.inf
    for _ in range(rounds):
        grids = [_around(grid, value) for grid, value in zip(grids, point, strict=True)]
        points, squares = _searched(columns, grids, x, y)
        point, least = points[np.argmin(squares)], squares.min()
    return point, least


def linear(columns: list[Any], y: np.ndarray) -> np.ndarray:
    """The factors of columns whose sum is nearest to y, by least squares."""
    design, scale = _design(columns, y)
    return np.linalg.lstsq(np.nan_to_num(design), np.nan_to_num(y), rcond=None)[0] / scale


def _sums_of_squares(columns: list[Any], y: np.ndarray) -> np.ndarray:
    """What is left of y at each point, relative; infinite where a column is not finite. Columns are (points, n)."""
    design, _ = _design(columns, y)
    bad = ~np.isfinite(design).all(axis=(-2, -1))
    design[bad] = 0
    target = y / (np.abs(y).max() or 1.0)
    turned = np.swapaxes(design, -1, -2)
    factors = np.linalg.pinv(turned @ design, rcond=1e-12, hermitian=True) @ (turned @ target)[..., None]
    return np.where(bad, np.inf, np.sum((target - (design @ factors)[..., 0]) ** 2, axis=-1))


def _design(columns: list[Any], y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns along a last axis, scaled to a largest size of 1, and what they were divided by."""
    design = np.stack(np.broadcast_arrays(*columns, y)[:-1], axis=-1)
    scale = np.abs(design).max(axis=-2, keepdims=True)
    scale = np.where(scale > 0, scale, 1.0)
    return design / scale, scale[..., 0, :]


def _around(grid: np.ndarray, value: float) -> np.ndarray:
    """A finer grid from a value's neighbour below to that above."""
    below, above = grid[grid < value], grid[grid > value]
    low = below[-1] if len(below) else value
    high = above[0] if len(above) else value
    return np.unique(np.concatenate([np.linspace(low, value, 4), np.linspace(value, high, 4)]))


def condensed(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """In the order of x, and no more than ``POINTS``: means of so many points that follow one another."""
    order = np.argsort(x, kind="stable")
    starts = np.unique(np.linspace(0, len(x), POINTS + 1).astype(int))
    counts = np.diff(starts)
    return np.add.reduceat(x[order], starts[:-1]) / counts, np.add.reduceat(y[order], starts[:-1]) / counts


def where_positive(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points with x > 0; where there is none, one at 1."""
    positive = x > 0
    return (x[positive], y[positive]) if positive.any() else (np.ones(1), y[:1])


def span(x: np.ndarray) -> float:
    """How far x reaches; where it does not, its size, or 1."""
    return np.ptp(x) or np.abs(x).max() or 1.0


def closest(x: np.ndarray) -> float:
    """The distance of the closest points of x, but for one in twenty, which may be chance."""
    steps = np.diff(np.unique(x))
    return np.quantile(steps, 0.05) if len(steps) else span(x)


def evenly_in_log(low: float, high: float, count: int) -> np.ndarray:
    """From ``low`` to ``high``, both positive."""
    return np.exp(np.linspace(np.log(low), np.log(high), count))


def scales(x: np.ndarray, count: int, longest: float = 10) -> np.ndarray:
    """Widths or times on x, evenly in the logarithm: from half the closest distance to ``longest`` times the span."""
    return evenly_in_log(closest(x) / 2, longest * span(x), count)


def slopes(x: np.ndarray, count: int) -> np.ndarray:
    """How steep a step may be on x: one of slope 1 is some 4 wide."""
    return 4 / scales(x, count)[::-1]


def polynomial(x: np.ndarray, y: np.ndarray, degree: int) -> Start:
    """The least-squares polynomial's coefficients, from the constant on; found on [-1, 1], where powers differ most."""
    middle, half = (x.max() + x.min()) / 2, span(x) / 2
    centred = linear([((x - middle) / half) ** k for k in range(degree + 1)], y)
    found = np.zeros(degree + 1)
    for coefficient in centred[::-1]:  # Horner: times (x - middle) / half, plus the next
        found = (np.append(0, found[:-1]) - middle * found) / half
        found[0] += coefficient
    return tuple(found)


def decays(x: np.ndarray) -> np.ndarray:
    """Negative rates of exponentials to try. The fastest reaches the third point: a faster one would fit the first alone."""
    different = np.unique(x)
    first = (different[:3][-1] - different[0]) / 2 or span(x)
    return -1 / evenly_in_log(first, 10 * span(x), 30)


def rates(x: np.ndarray) -> np.ndarray:
    """Negative rates and positive ones, seen from the other end."""
    return np.concatenate([decays(x), -decays(-x)[::-1]])


def exponential(x: np.ndarray, y: np.ndarray, grid: Callable[[np.ndarray], np.ndarray]) -> Start:
    """Amplitude and rate of ``amplitude * exp(rate * x)``; ``grid`` gives rates to try."""
    x, y = condensed(x, y)
    rate, top = separable(lambda x, rate: [_bounded_exp(x, rate)], [grid(x)], x, y)
    return top * np.exp(-rate * _reference(x, rate)), rate


def exponential_with_offset(x: np.ndarray, y: np.ndarray, grid: Callable[[np.ndarray], np.ndarray]) -> Start:
    """Offset, amplitude and rate of ``offset + amplitude * exp(rate * x)``; ``grid`` gives rates to try."""
    x, y = condensed(x, y)
    rate, offset, top = separable(lambda x, rate: [1.0, _bounded_exp(x, rate)], [grid(x)], x, y)
    return offset, top * np.exp(-rate * _reference(x, rate)), rate


def two_decays(x: np.ndarray, y: np.ndarray) -> Start:
    """Offset, and amplitude and time of the faster decay and of the slower."""
    x, y = condensed(x, y)
    grid = decays(x)[::2]
    fast, slow, offset, first, second = separable(
        lambda x, *both: [1.0, *(_bounded_exp(x, rate) for rate in both)], [grid, grid], x, y
    )
    parts = [(-1 / rate, top * np.exp(-rate * x[0])) for rate, top in ((fast, first), (slow, second))]
    (tau1, amplitude1), (tau2, amplitude2) = sorted(parts)
    return offset, amplitude1, tau1, amplitude2, tau2


def _bounded_exp(x: np.ndarray, rate: Any) -> Any:
    """An exponential that is at most 1."""
    return np.exp(rate * (x - _reference(x, rate)))


def _reference(x: np.ndarray, rate: Any) -> Any:
    return np.where(rate > 0, x.max(), x.min())


def peak(x: np.ndarray, y: np.ndarray, shape: Callable[[Any], Any]) -> Start:
    """Offset, height, centre and width of ``offset + height * shape((x - centre) / width)``, up or down."""
    x, y = condensed(x, y)
    centre, width, offset, height = separable(
        lambda x, centre, width: [1.0, shape((x - centre) / width)], [_centres(x, y), scales(x, 25, longest=1)], x, y
    )
    return offset, height, centre, width


def voigt_peak(x: np.ndarray, y: np.ndarray) -> Start:
    """Offset, area, centre, sigma and gamma: from the best Lorentzian on, other widths and mixtures of both."""
    from scipy.special import voigt_profile

    *_, centre, width = peak(x, y, lambda u: 1 / (1 + u**2))
    x, y = condensed(x, y)
    grids = [centre + width * np.array([-0.3, 0, 0.3]), width * 1.3 ** np.arange(-4.0, 5.0), np.linspace(0.05, 0.95, 7)]
    centre, width, part, offset, area = separable(
        lambda x, centre, width, part: [1.0, voigt_profile(x - centre, (1 - part) * width, part * width)], grids, x, y, rounds=2
    )
    return offset, area, centre, (1 - part) * width, part * width


def _centres(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where a peak may stand: here and there, and where y is extreme, smoothed more and less. x is in order."""
    level = y - np.median(y)
    smooth = [np.convolve(level, np.ones(min(window, len(y))), "same") for window in (1, 5, 15)]
    places = [place for s in smooth for place in (np.argmin(s), np.argmax(s))]
    return np.unique(np.concatenate([np.linspace(x[0], x[-1], 25), x[places]]))


def step(x: np.ndarray, y: np.ndarray, shape: Callable[[Any], Any], slopes: np.ndarray) -> Start:
    """Height, middle and slope of ``height * shape(slope * (x - middle))``; ``slopes`` to try."""
    x, y = condensed(x, y)
    middle, slope, height = separable(lambda x, middle, slope: [shape(slope * (x - middle))], [_middles(x), slopes], x, y)
    return height, middle, slope


def logistic_step(x: np.ndarray, y: np.ndarray, asymmetries: np.ndarray) -> Start:
    """Bottom, top, middle, slope and asymmetry of a logistic between two levels that crosses half of the way in its middle."""
    x, y = condensed(x, y)
    falls = np.sum((x - x.mean()) * (y - y.mean())) < 0
    middle, slope, asymmetry, bottom, height = separable(
        lambda x, middle, slope, asymmetry: [1.0, _asymmetric(slope * (x - middle), asymmetry)],
        [_middles(x), -slopes(x, 15)[::-1] if falls else slopes(x, 15), asymmetries], x, y,
    )  # fmt: skip
    return bottom, bottom + height, middle, slope, asymmetry


def _asymmetric(u: Any, asymmetry: Any) -> Any:
    """A power of the logistic function, shifted so that it is a half at 0."""
    return np.exp(-asymmetry * np.logaddexp(0, np.log(np.expm1(np.log(2) / asymmetry)) - u))


def _middles(x: np.ndarray) -> np.ndarray:
    return np.linspace(x.min() - span(x) / 4, x.max() + span(x) / 4, 40)


def saturation(x: np.ndarray, y: np.ndarray) -> Start:
    """Height and half-way point of ``height * x / (half + x)``."""
    x, y = condensed(*where_positive(x, y))
    halves = evenly_in_log(x[0] / 100, x[-1] * 100, 60)
    half, height = separable(lambda x, half: [x / (half + x)], [halves], x, y)
    return height, half


def oscillation(x: np.ndarray, y: np.ndarray) -> Start:
    """Offset, amplitude, frequency and phase of ``offset + amplitude * sin(2 * pi * frequency * x + phase)``."""
    frequencies = _resolved(x, y)
    x, y = _sample(x, y)
    frequency, offset, *waves = separable(lambda x, f: [1.0, *_waves(x, f)], [frequencies], x, y)
    return offset, np.hypot(*waves), frequency, np.arctan2(waves[1], waves[0])


def damped_oscillation(x: np.ndarray, y: np.ndarray) -> Start:
    """Offset, amplitude, time of decay, frequency and phase."""
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
    """Some of many points, at random, since evenly chosen ones would confuse frequencies."""
    chosen = np.random.default_rng(0).permutation(len(x))[:SAMPLE]
    return x[chosen], y[chosen]


def _resolved(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Frequencies to try: the peaks of the periodogram with their neighbours, and low ones that it does not resolve."""
    highest, step = frequencies(x, y - y.mean())[0], 0.25 / span(x)
    near = np.concatenate([highest - step, highest, highest + step])
    return np.unique(np.concatenate([np.geomspace(0.1, 1, 8) / span(x), near[near > step / 2]]))


def frequencies(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The frequencies of the five highest peaks of the periodogram, the highest first, and the amplitudes there.

    A frequency is right to a quarter of what the span of x resolves.

    Uneven points go to the nearest of many even bins, so that one fast Fourier transform does (Press and Rybicki, Astrophys. J.
    338, 1989, do it with more care). The highest frequency has a period of twice the closest distance.
    """
    length = span(x)
    halves = int(min(10 * len(x), 2**18, length / closest(x) + 1))  # half periods in the span at the highest frequency
    bins = 16 * halves  # 8 a period there, padded to 4 times the length
    places = np.clip(np.nan_to_num((x - x.min()) / (4 * length) * bins), 0, bins - 1).astype(int)
    amplitude = np.abs(np.fft.rfft(np.bincount(places, y, bins)))[: 2 * halves + 1]
    peaks = 1 + np.flatnonzero((amplitude[1:-1] >= amplitude[:-2]) & (amplitude[1:-1] >= amplitude[2:]))
    highest = peaks[np.argsort(-amplitude[peaks], kind="stable")][:5]
    return highest / 4 / length, amplitude[highest]
