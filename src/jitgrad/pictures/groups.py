"""Fits of many groups on one page: small multiples, and the summary of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from jitgrad.arguments import count
from jitgrad.curvefit.result import CurveFit
from jitgrad.errors import ArgumentError
from jitgrad.pictures.canvas import BLUE, ORANGE, Target, new_figure, plain, written
from jitgrad.pictures.curve import COLORS
from jitgrad.pictures.distributions import distributions_size, draw_distributions
from jitgrad.pictures.lines import Line, axis_of, lines_of
from jitgrad.pictures.residuals import draw_diagonal, draw_marks, limits
from jitgrad.pictures.scales import Scale, scale_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jitgrad.groupfit.result import GroupFits

MOST = 12
"""The number of fits on a page by default."""
_WIDTH, _HEIGHT = 2.6, 2.0
"""The size of a panel, in inches."""
_ALIKE = 0.2
"""Panels share an axis if the narrowest keeps at least this fraction of it."""
_LETTERS = 12
"""The number of characters of a title per inch."""
_POINTS = 200
"""The number of points of a curve."""
_RANKED = ("best", "worst", "failed")


def group_fits(
    fits: GroupFits,
    groups: Literal["best", "worst", "failed"] | Sequence[Any] | None = None,
    path: Target = None,
    *,
    columns: int = 4,
    level: float = 0.95,
    name: str | None = None,
) -> Figure:
    """Draw a page of fits: the data of each group, its curve with the confidence band, its key and R².

    For a model of several columns, measured values are drawn against fitted values. Panels share their axes unless this would
    squeeze one of them.

    Parameters
    ----------
    fits : GroupFits
        The result of `jitgrad.fit_groups`.
    groups : {"best", "worst", "failed"} or sequence of indices, optional
        The twelve best, twelve worst or first twelve failed fits; or the indices of groups (tuples for arrays). By default,
        twelve groups at even intervals from the best to the worst by R².
    path : str or PathLike, optional
        Where to write the picture. The extension, such as .png, .svg or .pdf, determines the format.
    columns : int, default 4
        The number of panels per row.
    level : float, default 0.95
        The confidence level of the band.
    name : str, optional
        The name of the response. By default, the name of its column.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ArgumentError
        If `groups` is invalid or selects no group.
    MissingError
        If matplotlib is not installed.

    See Also
    --------
    jitgrad.groupfit.GroupFits.plot : Draw fits, as a method of the result.

    Examples
    --------
    >>> t = np.linspace(0, 3, 7)
    >>> rates = np.array([0.5, 1.0, 1.5])
    >>> fits = jg.fit_groups("a * exp(-k * t)", {"t": t}, np.exp(-rates[..., None] * t))
    >>> figure = jg.pictures.group_fits(fits, "best", columns=3)
    >>> len(figure.axes)
    3
    """
    chosen = _chosen(fits, groups)
    columns = min(count("columns", columns), len(chosen))
    rows = math.ceil(len(chosen) / columns)
    figure = new_figure(0.6 + _WIDTH * columns, 0.7 + _HEIGHT * rows)
    if fits.keys is not None:
        figure.suptitle(f"by {plain(', '.join(fits.job.by), 80)}", fontsize=10, color="0.3")
    _draw_panels(figure, [_panel(fits, g) for g in chosen], columns, level, name or fits.job.y)
    return written(figure, path)


def group_summary(
    estimates: Mapping[str, np.ndarray],
    groups: int,
    examples: Sequence[tuple[str, CurveFit]],
    path: Target = None,
    *,
    name: str = "y",
) -> Figure:
    """Draw the distributions of the parameters of a run and, below them, some fits, such as the best, the median and the worst.

    Parameters
    ----------
    estimates : mapping of str to ndarray, shape (C,)
        The parameters of the groups that converged.
    groups : int
        The total number of groups.
    examples : sequence of (str, CurveFit)
        Fits to draw, with their titles.
    path : str or PathLike, optional
        Where to write the picture. The extension, such as .png, .svg or .pdf, determines the format.
    name : str, default "y"
        The name of the response.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    MissingError
        If matplotlib is not installed.

    Examples
    --------
    >>> t = np.linspace(0, 3, 7)
    >>> rates = np.array([0.5, 1.0, 1.5])
    >>> fits = jg.fit_groups("a * exp(-k * t)", {"t": t}, np.exp(-rates[..., None] * t))
    >>> figure = jg.pictures.group_summary(fits.parameters, len(fits), [("the first", fits[0])])
    >>> [axis.get_xlabel() for axis in figure.axes[:2]]
    ['a', 'k']
    """
    width, height = distributions_size(len(estimates))
    columns = min(len(examples), 4)
    heights = [height] + ([1.4 * _HEIGHT * math.ceil(len(examples) / columns)] if examples else [])
    figure = new_figure(max(width, 3.1 * columns), sum(heights))
    parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False, hspace=0.04)[:, 0]
    draw_distributions(parts[0], estimates, groups)
    if examples:
        _draw_panels(parts[1], [_Panel(title, fit, fit.x, fit.y) for title, fit in examples], columns, 0.95, name)
    return written(figure, path)


class _Panel(NamedTuple):
    """The fit of a group, or its rows and the reason why there is no fit."""

    title: str
    fit: CurveFit | None
    x: Mapping[str, np.ndarray]
    y: np.ndarray
    reason: str = ""


def _panel(fits: GroupFits, g: int) -> _Panel:
    import narwhals.stable.v1 as nw

    place = np.unravel_index(g, fits.status.shape)
    key = [int(k) for k in place] if fits.keys is None else nw.from_native(fits.keys, eager_only=True).row(g)
    title = ", ".join(map(str, key))
    if fits.converged.ravel()[g]:
        fit = fits[place]
        return _Panel(title, fit, fit.x, fit.y)
    columns, y = fits.rows(place)
    return _Panel(title, None, columns, y, str(fits.status.ravel()[g]))


def _ranked(fits: GroupFits) -> np.ndarray:
    """Return the groups that converged, from the best to the worst by R², those without R² last."""
    good = np.flatnonzero(fits.converged.ravel())
    return good[np.argsort(-fits.r2.ravel()[good], kind="stable")]


def _chosen(fits: GroupFits, groups: Any) -> list[int]:
    """Return the indices of groups, in flat order for arrays."""
    shape = fits.status.shape
    if groups is None:
        ranked = _ranked(fits)
        found = ranked[np.unique(np.linspace(0, len(ranked) - 1, MOST).round().astype(int))] if len(ranked) else ranked
        said = "converged"
    elif isinstance(groups, str):
        if groups not in _RANKED:
            raise ArgumentError(f"groups is {groups!r}. Give 'best', 'worst' or 'failed', or the indices of groups.")
        ranked = _ranked(fits)
        found = {"best": ranked[:MOST], "worst": ranked[::-1][:MOST], "failed": np.flatnonzero(~fits.converged.ravel())[:MOST]}[
            groups
        ]
        said = "failed" if groups == "failed" else "converged"
    else:
        numbers = np.arange(len(fits)).reshape(shape)
        try:
            found, said = np.array([int(numbers[index]) for index in groups], int), "was selected"
        except (IndexError, TypeError, ValueError):
            raise ArgumentError(
                f"groups is {groups!r}. Give 'best', 'worst' or 'failed', or the indices of some of the {len(fits)} groups."
            ) from None
    if not len(found):
        advice = "Use 'failed'." if said == "converged" else "Use 'best' or 'worst'."
        raise ArgumentError(f"No group {said}. {advice}")
    return [int(g) for g in found]


def _draw_panels(figure: Any, panels: Sequence[_Panel], columns: int, level: float, name: str) -> None:
    """Draw the panels, ``columns`` per row."""
    axes = figure.subplots(math.ceil(len(panels) / columns), columns, squeeze=False).ravel()
    for axis in axes[len(panels) :]:
        axis.remove()
    axes = list(axes[: len(panels)])
    label, scale = _axis_of(panels), scale_of(np.empty(0))
    by_column = label is not None
    if label is not None:
        every = np.concatenate([panel.x[label] for panel in panels])
        scale = scale_of(every[np.isfinite(every)])
    room = int(_LETTERS * figure.bbox.width / figure.dpi / columns)
    for axis, panel in zip(axes, panels, strict=True):
        scale.set(axis)
        axis.tick_params(labelsize=7.5)
        if panel.fit is None:
            said, colour = panel.reason, ORANGE
            _draw_failed(axis, panel, label)
        else:
            said, colour = f"R² {panel.fit.r2:.4g}" if np.isfinite(panel.fit.r2) else "", "0.4"
            _draw_fit(axis, panel.fit, level, scale if by_column else None)
        axis.set_title(plain(panel.title, max(4, room - len(said))), fontsize=8.5, pad=4, loc="left")
        axis.set_title(said, fontsize=8, pad=4, loc="right", color=colour)
    shown = [axis for axis in axes if axis.has_data()]
    for which in ("x", "y") if shown else ():
        _share(axes, shown, which, columns)
    for axis in shown:
        low, high = axis.get_xlim()
        if scale.kind != "linear" and high > 100 * low:
            axis.minorticks_off()  # drawing them takes half of the time for a page
    figure.supxlabel(plain(label or "x") if by_column else f"fitted {plain(name)}", fontsize=10)
    figure.supylabel(plain(name) if by_column else f"measured {plain(name)}", fontsize=10)


def _axis_of(panels: Sequence[_Panel]) -> str | None:
    """Return the column along which all fits are drawn, or None."""
    names = {axis_of(panel.fit) for panel in panels if panel.fit is not None} or {next(iter(panels[0].x))}
    return names.pop() if len(names) == 1 and (names != {None}) else None


def _draw_failed(axis: Any, panel: _Panel, label: str | None) -> None:
    """Draw the data of a group that has no fit."""
    x = np.arange(len(panel.y)) if label is None else panel.x[label]
    finite = np.isfinite(x) & np.isfinite(panel.y)
    if finite.any():
        draw_marks(axis, x[finite], panel.y[finite], color="0.55")
    else:
        axis.text(0.5, 0.5, "no finite rows", transform=axis.transAxes, ha="center", va="center", color="0.55", fontsize=8.5)
        axis.tick_params(which="both", bottom=False, left=False, labelbottom=False, labelleft=False)


def _draw_fit(axis: Any, fit: CurveFit, level: float, scale: Scale | None) -> None:
    """Draw the data of a group and its curve with the band, or observed against fitted values if there is no scale."""
    if scale is not None:
        lines = list(lines_of(fit, lambda x: scale.points(float(x.min()), float(x.max()), _POINTS)))
        x = fit.x[axis_of(fit) or ""]
        curve = np.concatenate([_draw_line(axis, line, x, fit, level, color) for line, color in zip(lines, cycle(COLORS))])
    else:
        x = curve = fit.predict()
        draw_diagonal(axis, x, BLUE)
        draw_marks(axis, x, fit.y, fit.sigma)
    spread = 0.0 if fit.sigma is None or fit.curve.log else fit.sigma
    axis.set_ylim(limits(np.concatenate([fit.y - spread, fit.y + spread]), curve))


def _draw_line(axis: Any, line: Line, x: np.ndarray, fit: CurveFit, level: float, color: str) -> np.ndarray:
    """Draw a line with its band and its data. Return its values."""
    curve, (low, high) = line.predict(), line.band(level)
    axis.plot(line.x, curve, color=color, linewidth=1.5)
    if np.isfinite([low, high]).all():
        axis.fill_between(line.x, low, high, color=color, alpha=0.25, linewidth=0)
    several = {"color": color} if line.label else {}
    sigma = None if fit.sigma is None or fit.curve.log else fit.sigma[line.rows]
    draw_marks(axis, x[line.rows], fit.y[line.rows], sigma, **several)
    return curve


def _share(axes: Sequence[Any], shown: Sequence[Any], which: str, columns: int) -> None:
    """Use the same range in all panels unless one would be squeezed, and label only the outer panels."""
    ends = np.array([getattr(axis, f"get_{which}lim")() for axis in shown])
    spans = getattr(shown[0], f"{which}axis").get_transform().transform(ends.ravel()).reshape(ends.shape)
    if (np.diff(spans, axis=1) < _ALIKE * (spans.max() - spans.min())).any():
        return
    for axis in shown:
        n = axes.index(axis)
        getattr(axis, f"set_{which}lim")(ends.min(), ends.max())
        outer = n % columns == 0 if which == "y" else n + columns >= len(axes)
        axis.tick_params(axis=which, **{"labelleft" if which == "y" else "labelbottom": outer})
