"""A fitted table on one page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from jitgrad.errors import ArgumentError
from jitgrad.pictures.canvas import Target, new_figure, written

if TYPE_CHECKING:
    from jitgrad.tabular import TableFit

_COLUMNS = 3
"""Pictures beside each other."""


def table_fit(result: TableFit, path: Target = None) -> Any:
    """What a model of a table predicts, beside what there is, and what that says of the model.

    Of a regression the measured values and the residuals against the predicted ones, rows that were fitted and others in
    colours of their own; of one feature also the curve. Of an exact fit the diagnostics of its residuals, their normal
    quantiles, their spread and the leverages, of counts a rootogram, and the estimates with their intervals. Of classes the
    confusion matrix, the receiver operating characteristic and the calibration, of the rows for testing, or, without any, of
    those that were fitted. Of gradient descent also the loss of each epoch.

    Parameters
    ----------
    result : TableFit
        What ``jitgrad.fit_table`` returned.
    path : str or PathLike, optional
        Where to write the picture; its ending says the kind.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ArgumentError
        For something else than a TableFit.
    """
    from jitgrad.pictures.panels import WIDTH, panels_of

    if not hasattr(result, "design"):
        raise ArgumentError(f"table_fit: {type(result).__name__} is not a TableFit. Give what jitgrad.fit_table returned.")
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
