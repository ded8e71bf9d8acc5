"""Losses and metrics by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.pictures.canvas import Target, panels, plain, written
from jitgrad.training.fit import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def curves(history: History | Mapping[str, History], path: Target = None) -> Figure:
    """Draw the loss and each metric of a fit by epoch, with one panel for each.

    Validation is drawn as a dashed line next to training.

    Parameters
    ----------
    history : History or mapping of str to History
        The result of ``fit``, or several results by name, which are drawn in different colors.
    path : str or PathLike, optional
        Where to write the picture. The extension, such as .png, .svg or .pdf, determines the format.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ArgumentError
        If `history` is not a History, or is empty.
    MissingError
        If matplotlib is not installed.

    Examples
    --------
    >>> model = jg.Sequential([jg.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=3, verbose=0)
    >>> figure = jg.pictures.curves(history)
    >>> figure.axes[0].get_xlabel(), figure.axes[0].get_title()
    ('epoch', 'loss')
    """
    histories = history if isinstance(history, Mapping) else {"": history}
    for given in histories.values():
        if not isinstance(given, History):
            raise ArgumentError(
                f"curves: expected a History, got {type(given).__name__}. Pass the result of fit, or several by name."
            )
    names = list(dict.fromkeys(name.removeprefix("val_") for h in histories.values() for name in _numbers(h)))
    if not names:
        raise ArgumentError("curves: the history is empty. Pass the result of fit.")
    figure, axes = panels(len(names))
    for axis, name in zip(axes, names, strict=True):
        draw_by_epoch(axis, name, histories)
    return written(figure, path)


def draw_by_epoch(axis: Any, name: str, histories: Mapping[str, History]) -> None:
    """Draw one quantity of fits by epoch, with validation dashed."""
    for number, (label, history) in enumerate(histories.items()):
        figures = _numbers(history)
        for key, style, suffix in ((name, "-", ""), (f"val_{name}", "--", "validation")):
            if key in figures:
                said = " ".join(x for x in (label, suffix or ("training" if f"val_{name}" in figures else "")) if x)
                axis.plot(np.array(history.epoch) + 1, figures[key], style, color=f"C{number}", label=plain(said) or None)
    axis.set(xlabel="epoch", title=name.replace("_", " "))
    axis.xaxis.get_major_locator().set_params(integer=True)
    if len(axis.get_legend_handles_labels()[1]):
        axis.legend()


def _numbers(history: History) -> dict[str, Any]:
    """Return the quantities that are one number per epoch."""
    return {name: values for name, values in history.history.items() if np.ndim(values) == 1}
