"""Results for people: tables that read like those of a statistics package."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from jitgrad.errors import printable
from jitgrad.summary import Grid, Summary, interval, number, probability, width

if TYPE_CHECKING:
    from jitgrad.curvefit.estimates import Estimates
    from jitgrad.groupfit.stream import FileFits
    from jitgrad.tabular import CurveModel, CurveTableFit

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


def of_curve(fitted: CurveTableFit) -> Summary:
    """A fit of a formula."""
    result, dropped = fitted.result, fitted.dropped
    made = of_curve_model(fitted.model)
    before = [f"{dropped} rows dropped because a value was missing"] if dropped else []
    after = []
    if result.n_minima is not None and result.n_starts > 1:
        found = "the only minimum" if result.n_minima == 1 else f"the best of {result.n_minima} different minima"
        after.append(f"{found} that {result.n_starts} starts led to")
    return Summary(made.title, [*before, *made.parts, *after])


def of_curve_model(model: CurveModel, columns: bool = False) -> Summary:
    """A curve; with ``columns`` also those of the table, and their ranges."""
    from jitgrad.tabular.summaries import figures

    named = f", {model.name}" if model.name else ""
    rows = "" if model.figures.get("rows") is None else f", {model.figures['rows']:.0f} rows"
    estimates: Estimates = model.estimates
    free = {estimates.names[k] for k in estimates.free}
    distribution = "z" if estimates.student_dof == math.inf else "t"
    parameters = Grid(
        ["parameter", "estimate", "std. error", distribution, "p", "95 % interval"],
        [
            (row[0], *(_estimated(*row[1:]) if row[0] in free else (number(row[1]), "fixed", "", "", "")))
            for row in estimates.table()
        ],
    )
    found = Grid(
        ["column", "in the table", "from", "to"],
        [(name, column, number(low), number(high)) for name, (column, low, high) in model.columns.items()],
        texts=(1,),
    )
    told = {name: value for name, value in model.figures.items() if name != "log_likelihood"}
    parts: list[Grid | str] = [parameters, figures(told), model.status, *([found] if columns else [])]
    return Summary(f"{model.target} = {model.formula}{named}{rows}", parts)


def _estimated(estimate: float, error: float, statistic: float, p: float, low: float, high: float) -> tuple[str, ...]:
    return number(estimate), number(error, 4), number(statistic, 4), probability(p), interval(low, high)


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
