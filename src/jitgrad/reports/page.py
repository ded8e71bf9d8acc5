"""The elements that all reports share."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from jitgrad import html
from jitgrad.files import unwritable, write_whole
from jitgrad.pictures.canvas import new_figure
from jitgrad.pictures.panels import WIDTH, Panel
from jitgrad.pictures.thinning import MOST

Target = str | os.PathLike[str]


def pictures(panels: Sequence[Panel], rows: int) -> str:
    """Return the pictures of a fit, with their captions, as HTML."""
    shown = []
    for panel in panels:
        figure = new_figure(WIDTH, panel.height)
        panel.draw(figure)
        drawn = html.svg(figure, panel.title)
        said = f"<strong>{html.escape(panel.title)}.</strong> {html.escape(panel.caption)}"
        shown.append(f"<figure>{drawn}<figcaption>{said}</figcaption></figure>")
    thinned = [html.sentence(_thinned(rows))] if rows > MOST else []
    return "\n".join([*thinned, '<div class="figures">', *shown, "</div>"])


def _thinned(rows: int) -> str:
    return (
        f"Plots with one point per row show {MOST:,} of {rows:,} points: the most extreme, and others evenly spaced in the "
        "order of the table. Lines, bars and numbers are based on all rows."
    )


def rows_said(used: int, dropped: int) -> str:
    """Return a sentence on the number of rows used and dropped."""
    left_out = f", and {dropped:,} {'was' if dropped == 1 else 'were'} dropped because a value was missing" if dropped else ""
    return f"{used:,} {'row was' if used == 1 else 'rows were'} used{left_out}."


def how(command: str, call: str) -> str:
    """Return instructions to reproduce the fit: the shell command, if there is one, the Python call, and the versions."""
    parts = [html.code(text) for text in (command, call) if text]
    versions = f"jitgrad {version('jitgrad')}, NumPy {np.__version__}, Python {platform.python_version()}"
    return "\n".join([*parts, html.sentence(f"Made with {versions}.")])


def write(path: Target, page: str) -> None:
    """Write a page. Raises DataError if it cannot be written."""
    try:
        write_whole(path, page.encode())
    except OSError as error:
        raise unwritable(os.fspath(path), error) from None
