"""A fitted table on one page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jitgrad.errors import ArgumentError
from jitgrad.pictures.canvas import Target, new_figure, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jitgrad.tabular import TableFit

_COLUMNS = 3
"""The largest number of pictures per row."""


def table_fit(result: TableFit, path: Target = None) -> Figure:
    """Draw the diagnostic pictures of a model of a table on one page.

    - Regression: measured values and residuals against predictions, by training and test rows; for one feature, the curve.
      For exact fits, also residuals, normal quantiles, spread and leverage, a rootogram for counts, and the estimates with
      their intervals.
    - Classification: the confusion matrix, the ROC curve and the calibration, for the test rows if there are any.
    - Penalized fits: the cross-validated deviance and the path of the coefficients.
    - Gradient descent: the loss by epoch.

    Parameters
    ----------
    result : TableFit
        The result of `jitgrad.fit_table`.
    path : str or PathLike, optional
        Where to write the picture. The extension, such as .png, .svg or .pdf, determines the format.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ArgumentError
        If `result` is not a TableFit.
    MissingError
        If matplotlib is not installed.

    Examples
    --------
    >>> table = {"hours": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "score": [52.0, 58.0, 61.0, 70.0, 72.0, 79.0]}
    >>> fit = jg.fit_table(table, "score", model="linear")
    >>> figure = jg.pictures.table_fit(fit, "table.png")
    >>> figure.subfigs[0].get_suptitle()
    'The fit'
    """
    from jitgrad.pictures.panels import WIDTH, panels_of

    if not hasattr(result, "design"):
        raise ArgumentError(
            f"table_fit: expected a TableFit, got {type(result).__name__}. Pass the result of jitgrad.fit_table."
        )
    panels = panels_of(result)
    columns = min(_COLUMNS, len(panels)) if len(panels) != 4 else 2
    rows = math.ceil(len(panels) / columns)
    heights = [max(panel.height for panel in panels[k * columns : (k + 1) * columns]) + 0.25 for k in range(rows)]
    figure = new_figure(WIDTH * columns, sum(heights))
    parts = figure.subfigures(rows, columns, height_ratios=heights, squeeze=False).ravel()
    for part, panel in zip(parts, panels, strict=False):
        panel.draw(part)
        part.suptitle(panel.title, fontsize=11)
    return written(figure, path)
