"""Results as printed tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from jitgrad.errors import printable
from jitgrad.summary import Grid, Summary, number, width

if TYPE_CHECKING:
    from jitgrad.groupfit.stream import FileFits

PIPE = 200
"""Line width if the output is not a terminal, wide enough that names are not truncated."""


class _Printable(Console):
    """A console that escapes control characters, because names may come from files."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return the text with terminal control characters escaped."""
        return super().render_str(printable(text), **options)


def console() -> Console:
    """Return a console on standard output."""
    return _Printable(highlight=False, width=width(PIPE))


def show(summary: Summary) -> None:
    """Print a summary."""
    console().print(summary)


def of_groups(made: FileFits) -> Summary:
    """Return a summary of the fits of the groups in a file."""
    from jitgrad.groupfit.status import reason_of

    summary = made.summary
    equation, by = made.job.curve.model._equation(made.job.y), ", ".join(made.job.by)
    failed = sum(summary.failures.values())
    parts: list[Grid | str] = [
        f"{summary.groups} groups, {summary.rows} rows: {summary.converged} converged, {failed} failed",
    ]
    if summary.converged:
        rows = [(name, *map(number, three)) for name, three in summary.quartiles.items()]
        parts.append(Grid(["parameter", "25%", "median", "75%"], rows))
    if made.output is None:
        parts += _first(made)
    if summary.failures:
        rows = [(word, str(count), reason_of(word)) for word, count in summary.failures.items()]
        parts.append(Grid(["failure", "groups", "reason"], rows, texts=(2,)))
    if made.resumed:
        parts.append(f"{made.resumed} groups were fitted by an earlier, interrupted run")
    if made.scattered:
        parts.append(
            "the rows of each group are not contiguous, so they were sorted first; a file sorted by group is faster to fit"
        )
    return Summary(f"{equation} by {by}", [*parts, *summary.remarks])


def _first(made: FileFits) -> list[Grid | str]:
    """Return the estimates of the first groups, for a table that is not written."""
    names, frame = made.job.names, made.first
    rows = [
        (*map(str, keys), *map(number, estimates), status)
        for keys, estimates, status in zip(
            frame.select(made.job.by).rows(), frame.select(names).rows(), frame["status"].to_list(), strict=True
        )
    ]
    more = made.summary.groups - len(rows)
    grid = Grid([*made.job.by, *names, "status"], rows, texts=(len(made.job.by) + len(names),))
    return [grid, *([f"and {more} more groups: write the whole table with -o"] if more else [])]
