"""Results for people: tables that read like those of a statistics package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from jitgrad.errors import printable
from jitgrad.summary import Grid, Summary, number, width

if TYPE_CHECKING:
    from jitgrad.groupfit.stream import FileFits

PIPE = 200
"""Characters of a line where there is no terminal, so that no name is cut."""


class _Printable(Console):
    """What it prints may have names from files."""

    def render_str(self, text: str, **options: Any) -> Text:
        """The text, without what a terminal would act on."""
        return super().render_str(printable(text), **options)


def console() -> Console:
    """Standard output, as wide as it is."""
    return _Printable(highlight=False, width=width(PIPE))


def show(summary: Summary) -> None:
    """Print a summary."""
    console().print(summary)


def of_groups(made: FileFits) -> Summary:
    """The fits of a file's groups."""
    from jitgrad.groupfit.status import reason_of

    summary = made.summary
    formula, by = made.job.curve.model.text, ", ".join(made.job.by)
    failed = sum(summary.failures.values())
    parts: list[Grid | str] = [
        f"{summary.groups} groups, {summary.rows} rows: {summary.converged} converged, {failed} failed",
    ]
    if summary.converged:
        rows = [(name, *map(number, three)) for name, three in summary.quartiles.items()]
        parts.append(Grid(["parameter", "25 %", "median", "75 %"], rows))
    if summary.failures:
        rows = [(word, str(count), reason_of(word)) for word, count in summary.failures.items()]
        parts.append(Grid(["failed", "groups", "because"], rows, texts=(2,)))
    if made.resumed:
        parts.append(f"{made.resumed} groups were fitted by a run before, which was stopped")
    if made.scattered:
        parts.append("the rows of a group stand apart in the file, so they were gathered first: sorted files take less time")
    return Summary(f"{made.job.y} = {formula} by {by}", [*parts, *summary.remarks])
