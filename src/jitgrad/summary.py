"""Printed results: sentences, and tables in the style of a statistics package.

A `Summary` contains formatted numbers, so text and HTML agree. No line is wider than the terminal, and names are not broken
across lines: long names are shortened in the middle, and a table with too many columns is continued below.
"""

from __future__ import annotations

import io
import math
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from jitgrad import html
from jitgrad.errors import printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions

SMALLEST_P = 2e-16
LARGEST_WHOLE = 1e9
"""Numbers below this are printed without an exponent."""
WIDTH = 80
"""The length of a line if there is no terminal."""
NARROWEST = 40
FIXED = "\xa0"
"""A non-breaking space."""
SHORTEST_NAME = 14
SHORTEST_TEXT = 30  # of a last column whose cells wrap
"""Names are shortened to this number of characters before a table is continued below."""


def number(value: float | None, digits: int = 6) -> str:
    """Return a number for a table, with a dash for None, nan and inf."""
    if value is None or not math.isfinite(value):
        return "–"
    shown = f"{value:.{digits}g}"
    whole = isinstance(value, int) or 10**digits <= abs(float(shown)) < LARGEST_WHOLE
    return f"{value:.0f}" if whole else shown


def probability(p: float | None) -> str:
    """Return a p-value as text; values below 2e-16 are shown as ``<2e-16``."""
    return "–" if p is None or math.isnan(p) else "<2e-16" if p < SMALLEST_P else f"{p:.3g}"


def interval(low: float, high: float, digits: int = 5) -> str:
    """Return the limits of an interval as text."""
    return "–" if not math.isfinite(low) else f"{number(low, digits)} … {number(high, digits)}"


@dataclass(frozen=True)
class Grid:
    """A table.

    Parameters
    ----------
    columns : sequence of str
        The headings. The first column contains names, the others contain numbers.
    rows : sequence of sequences of str
        The formatted cells.
    title : str, default ""
        The title above the table.
    texts : collection of int, default ()
        The indices of further columns with text, which are left-aligned.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    texts: Collection[int] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        if self.title:
            yield Text(printable(self.title), "bold")
        for chosen, widths, gap in self._blocks(options.max_width):
            table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, gap - 1, 0, 0))
            wraps = [k == len(self.columns) - 1 and k in self.texts for k in chosen]
            for k, room, wrap in zip(chosen, widths, wraps, strict=True):
                heading = Text(cut(printable(self.columns[k]), room))
                justify: Literal["left", "right"] = "right" if k and k not in self.texts else "left"
                table.add_column(heading, justify=justify, no_wrap=not wrap, min_width=room, max_width=room)
            for row in self.rows:
                cells = zip((printable(row[k]) for k in chosen), widths, wraps, strict=True)
                table.add_row(*[Text(cell if wrap else cut(cell, room)) for cell, room, wrap in cells])
            yield table

    def as_html(self) -> str:
        """Return the table as HTML."""
        return html.table(self.columns, self.rows, self.title, self.texts)

    def _blocks(self, width: int) -> Iterator[tuple[list[int], list[int], int]]:
        """Yield the columns that are printed side by side, their widths, and the number of spaces between them."""
        from rich.cells import cell_len

        cells = [[cell_len(printable(text)) for text in column] for column in zip(self.columns, *self.rows, strict=True)]
        widths = [max(column) for column in cells]
        every = list(range(len(widths)))
        for gap in (2, 1):
            if sum(widths) + gap * (len(widths) - 1) + 2 <= width:
                yield every, widths, gap
                return
        rest = width - sum(widths[:-1]) - 2 * len(widths)
        if every[-1] in self.texts and rest >= SHORTEST_TEXT:  # its cells wrap
            yield every, [*widths[:-1], rest], 2
            return
        room = width - len(widths) - 1
        widths[0] = max(min(widths[0], SHORTEST_NAME), room - sum(widths[1:]))
        if sum(widths) > room:  # headings longer than the cells below them
            widths[1:] = [
                min(whole, max(SHORTEST_NAME, *column[1:], 0)) for whole, column in zip(widths[1:], cells[1:], strict=True)
            ]
        if sum(widths) <= room:
            yield every, widths, 1
            return
        widths[0] = min(widths[0], max(SHORTEST_NAME, width - 2))
        chosen = [0]
        for k in range(1, len(widths)):
            widths[k] = min(widths[k], max(SHORTEST_NAME, width - widths[0] - 4))
            if len(chosen) > 1 and sum(widths[j] + 2 for j in chosen) + widths[k] + 2 > width:
                yield chosen, [widths[j] for j in chosen], 2
                chosen = [0]
            chosen.append(k)
        yield chosen, [widths[j] for j in chosen], 2


@dataclass(frozen=True)
class Summary:
    """A printed result: a title, tables and sentences.

    Parameters
    ----------
    title : str
        The first line.
    parts : sequence of Grid or str
        Tables and sentences, in order.

    Examples
    --------
    >>> from jitgrad.summary import Grid, Summary
    >>> print(Summary("A line", [Grid(["", "estimate"], [["a", "1.5"], ["b", "-2"]]), "The fit converged."]))
    A line
    <BLANKLINE>
         estimate
     ─────────────
     a        1.5
     b         -2
    <BLANKLINE>
    The fit converged.
    """

    title: str
    parts: Sequence[Grid | str]

    def __str__(self) -> str:
        from rich.console import Console

        out = io.StringIO()
        console = Console(file=out, width=width(), highlight=False, color_system=None, force_jupyter=False)
        console.print(self)
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        from rich.text import Text

        if self.title:
            yield Text(_wrapped(printable(self.title), options.max_width), "bold")
        for part in self.parts:
            yield part if isinstance(part, Grid) else Text(_wrapped(printable(part), options.max_width))

    def as_html(self) -> str:
        """Return the parts as HTML, without the title."""
        return "\n".join(part.as_html() if isinstance(part, Grid) else html.sentence(part) for part in self.parts)

    def _repr_html_(self) -> str:
        return html.fragment(html.heading(self.title), self.as_html())


def width(otherwise: int = WIDTH) -> int:
    """Return the length of a line: the variable COLUMNS, the width of the terminal, or ``otherwise``."""
    if os.environ.get("COLUMNS", "").isdigit():
        return max(int(os.environ["COLUMNS"]), NARROWEST)
    try:
        return max(os.get_terminal_size(sys.stdout.fileno()).columns, NARROWEST)
    except (OSError, ValueError):
        return otherwise


def cut(text: str, room: int) -> str:
    """Return a text shortened in the middle to a number of terminal columns."""
    from rich.cells import cell_len

    if cell_len(text) <= room:
        return text
    begin, end = _fitting(text, room // 2), _fitting(text[::-1], (room - 1) // 2)
    return f"{begin}…{end[::-1]}"


def _fitting(text: str, room: int) -> str:
    """Return the first characters that fit."""
    from rich.cells import cell_len

    made = ""
    for character in text:
        if cell_len(made + character) > room:
            break
        made += character
    return made


def sentence(parts: Iterable[tuple[str, str]]) -> str:
    """Return quantities on one line, in which each number is kept together with its name."""
    return ", ".join(f"{name} {value}".replace(" ", FIXED) for name, value in parts)


def _wrapped(text: str, room: int) -> str:
    """Return a sentence wrapped to lines, without breaking it at non-breaking spaces."""
    from rich.cells import cell_len

    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if cell_len(longer) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines).replace(FIXED, " ")
