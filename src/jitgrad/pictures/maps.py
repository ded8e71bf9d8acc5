"""Maps of parameters that were fitted to each pixel of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.pictures.canvas import Target, new_figure, plain, written
from jitgrad.pictures.distributions import numbers_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jitgrad.groupfit.result import GroupFits

_HEIGHT = 2.9
"""The height of a map in inches, without its color bar."""
_TAIL = 2
"""The percentage of the pixels at either end that may share the last color."""
_CROWDED = 0.125
_FAILED = "0.85"
_EXTEND = {(True, True): "both", (True, False): "min", (False, True): "max", (False, False): "neither"}


def parameter_maps(fits: GroupFits, path: Target = None, names: Sequence[str] | None = None, *, errors: bool = True) -> Figure:
    """Draw a map of each parameter over an image and, below it, a map of its standard error.

    Colors span all but the outer 2% of the pixels at either end, so that extreme pixels do not wash out the rest. The scale is
    logarithmic if half of the pixels would otherwise share the lowest eighth of the range. Pixels whose fit failed are gray.

    Parameters
    ----------
    fits : GroupFits
        The result of `jitgrad.fit_groups` for an array of shape (height, width, rows).
    path : str or PathLike, optional
        Where to write the picture. The extension, such as .png, .svg or .pdf, determines the format.
    names : sequence of str, optional
        The parameters to draw. By default, all fitted parameters.
    errors : bool, default True
        Whether to draw the standard errors.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ArgumentError
        If there is no parameter of a given name.
    ShapeError
        If the fits do not form an image.
    MissingError
        If matplotlib is not installed.

    Examples
    --------
    >>> t = np.linspace(0, 3, 7)
    >>> rates = np.array([[0.5, 1.0, 1.5], [2.0, 2.5, 3.0]])
    >>> fits = jg.fit_groups("a * exp(-k * t)", {"t": t}, np.exp(-rates[..., None] * t))
    >>> figure = jg.pictures.parameter_maps(fits, names=["k"])
    >>> figure.axes[0].get_title(), figure.axes[1].get_title()
    ('k', 'standard error of k')
    """
    shape = fits.status.shape
    if len(shape) != 2:
        raise ShapeError(
            f"The fits have shape {shape}, which is not the shape of an image. Fit a y of shape (height, width, rows)."
        )
    shown = numbers_of(fits, names)
    rows = 2 if errors else 1
    width = min(max(_HEIGHT * shape[1] / shape[0], 1.6), 5.0)
    figure = new_figure((width + 0.9) * len(shown), (_HEIGHT + 0.35) * rows + 0.3)
    axes = figure.subplots(rows, len(shown), squeeze=False)
    for column, k in zip(axes.T, shown, strict=True):
        name = plain(fits.names[k])
        _draw_map(figure, column[0], fits.values[..., k], name, "viridis")
        if errors:
            _draw_map(figure, column[1], fits.stderr[..., k], f"standard error of {name}", "magma")
    failed = int((~fits.converged).sum())
    if failed:
        figure.supxlabel(f"gray: {failed:,} of {len(fits):,} pixels have no fit", fontsize=9, color="0.35")
    return written(figure, path)


def _draw_map(figure: Any, axis: Any, values: np.ndarray, title: str, colours: str) -> None:
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.ticker import LogLocator

    finite = values[np.isfinite(values)]
    low, middle, high = np.percentile(finite, [_TAIL, 50, 100 - _TAIL]) if len(finite) else (0.0, 0.5, 1.0)
    ends = bool((finite < low).any()), bool((finite > high).any())
    is_log = 0 < low < high and middle < low + _CROWDED * (high - low)
    axis.set_facecolor(_FAILED)
    norm = LogNorm(low, high) if is_log else Normalize(low, high)
    image = axis.imshow(np.where(np.isfinite(values), values, np.nan), cmap=colours, norm=norm, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set_visible(False)
    axis.set_title(title, fontsize=10)
    ticks = {"ticks": LogLocator(subs=(1, 2, 3, 5)), "format": "%g"} if is_log else {}
    bar = figure.colorbar(image, ax=axis, extend=_EXTEND[ends], fraction=0.06, pad=0.03, **ticks)
    bar.ax.tick_params(labelsize=8)
    bar.minorticks_off()
    bar.outline.set_visible(False)
