"""The distributions of the parameters of many fits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import ArgumentError, near_name
from jitgrad.pictures.canvas import BLUE, ORANGE, Target, new_figure, plain, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jitgrad.groupfit.result import GroupFits

_WIDTH, _HEIGHT = 2.9, 2.3
"""The size of a panel, in inches."""
_FENCES = 4.0
"""The range of a panel beyond the quartiles, in interquartile ranges."""
_TAIL = 2.5
"""The percentage of the estimates at either end that may lie outside a panel."""
_SPAN = 6.0
"""The ratio of the 95th to the 5th percentile above which the axis is logarithmic."""
_FEW = 60
"""Up to this number, estimates are marked individually below the histogram."""


def distributions(fits: GroupFits, path: Target = None, names: Sequence[str] | None = None) -> Figure:
    """Draw a histogram of each parameter over the groups that converged, with the median and the quartiles.

    The axis is logarithmic if 95% of the estimates are positive and the 95th percentile is more than six times the 5th.
    Estimates farther from the quartiles than four interquartile ranges, at most 2.5% at either end, are counted instead of
    drawn.

    Parameters
    ----------
    fits : GroupFits
        The result of `jitgrad.fit_groups`.
    path : str or PathLike, optional
        Where to write the picture. The extension, such as .png, .svg or .pdf, determines the format.
    names : sequence of str, optional
        The parameters to draw. By default, all fitted parameters.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ArgumentError
        If there is no parameter of a given name.
    MissingError
        If matplotlib is not installed.

    Examples
    --------
    >>> t = np.linspace(0, 3, 7)
    >>> rates = np.array([0.5, 1.0, 1.5])
    >>> fits = jg.fit_groups("a * exp(-k * t)", {"t": t}, np.exp(-rates[..., None] * t))
    >>> figure = jg.pictures.distributions(fits, names=["k"])
    >>> figure.axes[0].get_title()
    '1  (0.75 … 1.25)'
    """
    shown = numbers_of(fits, names)
    figure = new_figure(*distributions_size(len(shown)))
    values = fits.values.reshape(len(fits), len(fits.names))[fits.converged.ravel()]
    draw_distributions(figure, {fits.names[k]: values[:, k] for k in shown}, len(fits))
    return written(figure, path)


def numbers_of(fits: GroupFits, names: Sequence[str] | None) -> list[int]:
    """Return the indices of the named parameters. By default, all fitted parameters."""
    if names is None:
        return list(fits.job.free)
    for name in names:
        if name not in fits.names:
            raise ArgumentError(
                f"There is no parameter {name!r}.{near_name(name, fits.names)} The parameters are {', '.join(fits.names)}."
            )
    return [fits.names.index(name) for name in names]


def _columns(count: int) -> int:
    return count if count <= 4 else math.ceil(count / math.ceil(count / 4))


def distributions_size(count: int) -> tuple[float, float]:
    """Return the size in inches of a figure with ``count`` panels."""
    return 0.4 + _WIDTH * _columns(count), 0.4 + _HEIGHT * math.ceil(count / _columns(count))


def draw_distributions(figure: Any, estimates: Mapping[str, np.ndarray], groups: int) -> None:
    """Draw a panel for each parameter of the groups that converged, and write the number of ``groups`` that failed."""
    columns = _columns(len(estimates))
    axes = figure.subplots(math.ceil(len(estimates) / columns), columns, squeeze=False).ravel()
    for axis in axes[len(estimates) :]:
        axis.remove()
    for axis, (name, values) in zip(axes, estimates.items(), strict=False):
        _draw_distribution(axis, values, plain(name))
    for axis in axes[: len(estimates) : columns]:
        axis.set_ylabel("groups", fontsize=9)
    failed = groups - len(next(iter(estimates.values())))
    figure.suptitle(f"{groups:,} groups, " + (f"{failed:,} failed" if failed else "all converged"), fontsize=10.5)


def _ends(values: np.ndarray, first: float, third: float, is_log: bool) -> tuple[float, float]:
    """Return the smallest and the largest estimate that is drawn."""
    least, most = np.percentile(values, [_TAIL, 100 - _TAIL])
    if is_log:
        values, far = values[values > 0], (third / first) ** _FENCES
        low, high = max(values.min(), min(least, first / far)), min(values.max(), max(most, third * far))
    else:
        far = _FENCES * (third - first)
        low, high = max(values.min(), min(least, first - far)), min(values.max(), max(most, third + far))
    return (low, high) if high > low else (low - 0.1 * (abs(low) or 1.0), high + 0.1 * (abs(high) or 1.0))


def _make_logarithmic(axis: Any, span: float) -> None:
    """Make the x axis logarithmic, with as many labels as there is room for."""
    from matplotlib.ticker import LogLocator

    axis.set_xscale("log")
    if span < 100:
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.minorticks_off()


def _draw_distribution(axis: Any, values: np.ndarray, name: str) -> None:
    axis.set_xlabel(name, fontsize=10)
    axis.tick_params(labelsize=8)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    if not len(values):
        axis.text(0.5, 0.5, "no fit converged", transform=axis.transAxes, ha="center", va="center", color=ORANGE, fontsize=9)
        axis.set(xticks=[], yticks=[])
        return
    low, first, median, third, high = np.percentile(values, [5, 25, 50, 75, 95])
    is_log = low > 0 and high > _SPAN * low
    low, high = _ends(values, first, third, is_log)
    inside = values[(values >= low) & (values <= high)]
    count = int(np.clip(3 * len(inside) ** (1 / 3), 8, 60))
    edges = np.geomspace(low, high, count + 1) if is_log else np.linspace(low, high, count + 1)
    axis.axvspan(first, third, color=BLUE, alpha=0.12, linewidth=0)
    heights = axis.hist(inside, edges, color=BLUE, alpha=0.75, edgecolor="white", linewidth=0.4)[0]
    axis.axvline(median, color=ORANGE, linewidth=1.5)
    if is_log:
        _make_logarithmic(axis, high / low)
    if len(values) <= _FEW:
        axis.plot(inside, np.full(len(inside), -0.06 * heights.max()), "|", color="0.3", markersize=6, alpha=0.7)
        axis.set_ylim(-0.12 * heights.max(), None)
    axis.yaxis.get_major_locator().set_params(integer=True)
    axis.set_title(f"{median:.4g}  ({first:.4g} … {third:.4g})", fontsize=8.5, color="0.3", pad=4)
    beyond = len(values) - len(inside)
    if beyond:
        is_left = np.argmax(heights) > len(heights) // 2  # on the side where the bars are low
        place = {"x": 0.02 if is_left else 0.98, "ha": "left" if is_left else "right", "va": "top"}
        axis.text(y=0.97, s=f"{beyond:,} beyond", **place, transform=axis.transAxes, fontsize=7.5, color="0.4")
