"""Figures without windows, colors, labels, and writing to files."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING, Any

from jitgrad.errors import ArgumentError, MissingError, printable
from jitgrad.files import unwritable, write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Target = str | os.PathLike[str] | None
"""The path of a picture; None to write no file."""

DOTS = 120
"""Dots per inch."""
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
"""Colors that color-blind readers can distinguish. Okabe and Ito, "Color universal design", 2008."""

_UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure. Sizes are in inches. Raises MissingError if matplotlib is not installed."""
    try:
        import matplotlib.figure  # noqa: F401

        from jitgrad.pictures.figure import Picture
    except ModuleNotFoundError as error:
        raise MissingError("Pictures need matplotlib, which is not installed. Run: pip install 'jitgrad[plot]'.") from error
    return Picture(figsize=(width, height), layout="constrained")


def panels(count: int, width: float = 4.5) -> tuple[Any, list[Any]]:
    """Return a figure and its ``count`` axes, side by side, each ``width`` inches wide."""
    figure = new_figure(width * count, width * 0.8)
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def plain(text: str, most: int = 30) -> str:
    """Return a user's text for matplotlib: shortened in the middle, and with dollar signs escaped."""
    text = printable(text)
    shown = text if len(text) <= most else f"{text[: most // 2]}…{text[-((most - 1) // 2) :]}"
    return shown.replace("$", r"\$")


def check_path(path: Target) -> str:
    """Return the format that corresponds to the extension of a path, or "" for None.

    Call this before a long fit. Raises ArgumentError for an unknown extension, and MissingError if matplotlib is not installed.
    """
    kinds = new_figure(1, 1).canvas.get_supported_filetypes()
    if path is None:
        return ""
    kind = os.path.splitext(os.fspath(path))[1][1:].lower()
    if kind not in kinds:
        raise ArgumentError(f"{os.fspath(path)} does not have the extension of an image format. Use .png, .svg or .pdf.")
    return kind


def written(figure: Any, path: Target) -> Figure:
    """Write the figure to ``path``, if there is one, and return it. The same figure gives the same file.

    Raises ArgumentError for an unknown extension, and DataError if the file cannot be written.
    """
    drawn: Figure = figure
    kind = check_path(path)
    if path is None:
        return drawn
    from matplotlib import rc_context

    content = BytesIO()
    with rc_context({"svg.hashsalt": "jitgrad"}):
        figure.savefig(content, format=kind, dpi=DOTS, metadata=_UNDATED.get(kind))
    try:
        write_whole(path, content.getvalue())
    except OSError as error:
        raise unwritable(os.fspath(path), error) from None
    return drawn
