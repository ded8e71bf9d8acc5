"""The figures of a fit by epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.pictures.canvas import Target, panels, plain, written
from jitgrad.training.fit import History


def curves(history: Any, path: Target = None) -> Any:
    """The figures of a fit by epoch: a panel each, that of validation dashed beside that of training.

    Args:
        history: what ``fit`` returned, or several of them by name, which get a line each.
        path: of the picture.
    """
    histories = history if isinstance(history, Mapping) else {"": history}
    for given in histories.values():
        if not isinstance(given, History):
            raise ArgumentError(f"curves: {type(given).__name__} is no History. Give what fit returned, or several by name.")
    names = list(dict.fromkeys(name.removeprefix("val_") for h in histories.values() for name in _numbers(h)))
    if not names:
        raise ArgumentError("curves: there is no history. Give what fit returned.")
    figure, axes = panels(len(names))
    for axis, name in zip(axes, names, strict=True):
        draw_by_epoch(axis, name, histories)
    return written(figure, path)


def draw_by_epoch(axis: Any, name: str, histories: Mapping[str, History]) -> None:
    """One figure of fits by epoch, that of validation dashed beside it."""
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
    """The figures that are a number for each epoch."""
    return {name: values for name, values in history.history.items() if np.ndim(values) == 1}
