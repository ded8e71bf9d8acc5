"""What pictures are drawn on: matplotlib's figures without its windows, colours, texts, and the files they are written to."""

from __future__ import annotations

import os
from io import BytesIO
from typing import Any

from jitgrad.errors import ArgumentError, MissingError, printable
from jitgrad.files import unwritable, write_whole

Target = str | os.PathLike[str] | None
"""The path of a picture, whose ending says its kind; None to write none."""

DOTS = 120
"""Per inch."""
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
"""Told apart by the colour-blind, too. Okabe and Ito, "Color universal design", 2008."""

_UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def new_figure(width: float, height: float) -> Any:
    """An empty figure, of inches. Raises MissingError where matplotlib is not installed."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingError("Pictures need matplotlib, which is not installed. Run: pip install 'jitgrad[plot]'.") from error
    return Figure(figsize=(width, height), layout="constrained")


def panels(count: int, width: float = 4.5) -> tuple[Any, list[Any]]:
    """A figure and its axes, ``count`` of them beside each other, each ``width`` inches wide."""
    figure = new_figure(width * count, width * 0.8)
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def plain(text: str, most: int = 30) -> str:
    """A user's text for matplotlib: cut in the middle where it is long, and dollars in it are dollars, not formulas."""
    text = printable(text)
    shown = text if len(text) <= most else f"{text[: most // 2]}…{text[-((most - 1) // 2) :]}"
    return shown.replace("$", r"\$")


def check_path(path: Target) -> str:
    """The kind of picture that the ending of a path names; for None "".

    Made to be asked before a long fit. Raises ArgumentError for an ending that names none, and MissingError where matplotlib
    is not installed.
    """
    kinds = new_figure(1, 1).canvas.get_supported_filetypes()
    if path is None:
        return ""
    kind = os.path.splitext(os.fspath(path))[1][1:].lower()
    if kind not in kinds:
        raise ArgumentError(f"{os.fspath(path)} is to be a picture of no known kind. End its name in .png, .svg or .pdf.")
    return kind


def written(figure: Any, path: Target) -> Any:
    """The figure, written to ``path`` if there is one; the file is whole or as it was before, the same for the same figure.

    Raises ArgumentError for an ending that names no kind of picture, and DataError where the file cannot be written.
    """
    kind = check_path(path)
    if path is None:
        return figure
    from matplotlib import rc_context

    content = BytesIO()
    with rc_context({"svg.hashsalt": "jitgrad"}):
        figure.savefig(content, format=kind, dpi=DOTS, metadata=_UNDATED.get(kind))
    try:
        write_whole(path, content.getvalue())
    except OSError as error:
        raise unwritable(os.fspath(path), error) from None
    return figure
