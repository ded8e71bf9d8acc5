"""Results for people: tables that read like those of a statistics package."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from jitgrad.errors import printable
from jitgrad.summary import interval, number, probability, width

if TYPE_CHECKING:
    from jitgrad.curvefit.estimates import Estimates
    from jitgrad.groupfit.stream import FileFits
    from jitgrad.tabular import CurveModel, CurveTableFit, Inference, TableFit, TableModel

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


def grid(first: str, others: Sequence[str]) -> Table:
    """A table of a column of names and columns of numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


# Fits.


def table(result: TableFit) -> None:
    """A fit by other columns."""
    out, model = console(), result.model
    rows, fitted = len(result.design.y), len(result.rows["train"])
    out.print(f"{_headline(model)}, " + (f"{rows} rows" if fitted == rows else f"fitted to {fitted} of {rows} rows"))
    if result.design.dropped:
        out.print(f"{result.design.dropped} rows dropped because a value was missing")
    _print_model(out, model)
    if result.history is not None:
        settings, history = model.settings, result.history
        out.print(
            f"{history.epochs} epochs of {settings.batch_size} rows a step in {history.seconds:.2f} s, "
            f"{settings.optimizer}, lr {settings.lr:g}, final loss {history.loss[-1]:.6g}"
        )


def curve(fitted: CurveTableFit) -> None:
    """A fit of a formula."""
    out, result = console(), fitted.result
    if fitted.dropped:
        out.print(f"{fitted.dropped} rows dropped because a value was missing")
    _print_curve(out, fitted.model)
    if result.n_minima is not None and result.n_starts > 1:
        one = result.n_minima == 1
        found = "the only minimum" if one else f"the best of {result.n_minima} different minima"
        out.print(f"{found} that {result.n_starts} starts led to")


def groups(made: FileFits) -> None:
    """The fits of a file's groups."""
    from jitgrad.groupfit.status import reason_of

    out, summary = console(), made.summary
    formula, by = made.job.curve.model.text, ", ".join(made.job.by)
    out.print(f"[bold]{escape(made.job.y)}[/bold] = [bold]{escape(formula)}[/bold] by {escape(by)}")
    out.print(
        f"{summary.groups} groups, {summary.rows} rows: {summary.converged} converged, {sum(summary.failures.values())} failed"
    )
    if summary.converged:
        parameters = grid("parameter", ["25 %", "median", "75 %"])
        for name, three in summary.quartiles.items():
            parameters.add_row(escape(name), *map(number, three))
        out.print(parameters)
    if summary.failures:
        reasons = grid("failed", ["groups"])
        reasons.add_column("because")
        for word, count in summary.failures.items():
            reasons.add_row(word, str(count), reason_of(word))
        out.print(reasons)
    if made.resumed:
        out.print(f"{made.resumed} groups were fitted by a run before, which was stopped")
    if made.scattered:
        out.print("the rows of a group stand apart in the file, so they were gathered first: sorted files take less time")
    for remark in summary.remarks:
        out.print(remark)


# Models.


def model_of_table(model: TableModel) -> None:
    """A kept model."""
    out = console()
    out.print(_headline(model))
    _print_model(out, model)
    columns = grid("column", ["from", "to"])
    for column in model.columns:
        if column.categories:
            columns.add_row(escape(column.name), "one of", escape(", ".join(map(str, column.categories))))
        else:
            columns.add_row(escape(column.name), number(column.low), number(column.high))
    out.print(columns)


def model_of_curve(model: CurveModel) -> None:
    """A kept curve."""
    out = console()
    _print_curve(out, model)
    columns = grid("column", ["in the table", "from", "to"])
    for name, (column, low, high) in model.columns.items():
        columns.add_row(escape(name), escape(column), number(low), number(high))
    out.print(columns)


def scores(by_part: Mapping[str, Mapping[str, Any]]) -> Table:
    """Scores, a row for each part of the rows."""
    titles = {"rows": "rows", "r2": "R²", "rmse": "RMSE", "mae": "MAE", "accuracy": "accuracy", "log_loss": "log loss"}
    first = next(iter(by_part.values()))
    names = [name for name in titles if name in first]
    made = grid("", [titles[name] for name in names])
    for part, values in by_part.items():
        made.add_row(part, *[f"{values[name]}" if name == "rows" else number(values[name], 4) for name in names])
    return made


MOST_CLASSES = 8
"""Of a table that has a column for each class."""
MOST_CONFUSED = 20


def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> Table:
    """How many rows of each class were predicted as each; of many classes the mistakes that are most frequent."""
    if len(classes) > MOST_CLASSES:
        made = grid("true", ["predicted", "rows"])
        wrong = [(n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if n and i != j]
        for n, i, j in sorted(wrong, reverse=True)[:MOST_CONFUSED]:
            made.add_row(escape(classes[i]), escape(classes[j]), str(n))
        return made
    made = grid("true \\ predicted", [escape(name) for name in classes])
    for name, row in zip(classes, matrix, strict=True):
        made.add_row(escape(name), *map(str, row))
    return made


def _headline(model: TableModel) -> str:
    kinds = {
        "linear": "linear regression", "logistic": "logistic regression", "poisson": "Poisson regression",
        "mlp": f"multilayer perceptron {'–'.join(map(str, model.settings.hidden))}",
    }  # fmt: skip
    task = "Classification" if model.classes else "Regression"
    return f"[bold]{task}[/bold] of [bold]{escape(model.target.name)}[/bold], {kinds[model.kind]}"


def _print_model(out: Console, model: TableModel) -> None:
    if model.inference is not None:
        _print_inference(out, model.inference, model.classes)
    elif model.kind != "mlp" and len(model.classes) <= MOST_CLASSES:
        out.print(_coefficients(model))
    elif model.kind != "mlp":
        out.print(f"{len(model.features)} coefficients for each of {len(model.classes)} classes: see --json")
    for note in model.notes:
        out.print(escape(note))
    out.print(scores(model.scores))


def _print_inference(out: Console, inference: Inference, classes: Sequence[str]) -> None:
    if len(inference.outputs) >= MOST_CLASSES:
        out.print(f"{len(inference.names)} estimates for each of {len(inference.outputs)} classes: see --json")
    for k, output in enumerate(inference.outputs if len(inference.outputs) < MOST_CLASSES else ()):
        what = f"{escape(output)} against {escape(classes[0])}" if classes else ""
        made = grid(what, _TITLES[inference.distribution])
        for i, name in enumerate(inference.names):
            columns = (inference.estimate, inference.standard_error, inference.statistic, inference.p_value)
            estimate, error, statistic, p = (float(column[i, k]) for column in columns)
            ends = float(inference.low[i, k]), float(inference.high[i, k])
            made.add_row(escape(name), *_estimated(estimate, error, statistic, p, *ends))
        out.print(made)
    out.print(_said(_FIGURES, inference.figures | {"degrees_of_freedom": inference.degrees_of_freedom}))


_TITLES = {d: ["estimate", "std. error", d, "p", "95 % interval"] for d in ("t", "z")}
_FIGURES = {
    "residual_standard_error": "residual standard error", "degrees_of_freedom": "degrees of freedom", "r2": "R²",
    "adjusted_r2": "adjusted R²", "f": "F", "f_p_value": "p of F", "log_likelihood": "log-likelihood",
    "deviance": "deviance", "null_deviance": "null deviance", "pseudo_r2": "pseudo R²", "aic": "AIC", "aicc": "AICc",
    "bic": "BIC", "likelihood_ratio_p_value": "p of likelihood ratio", "condition": "condition",
}  # fmt: skip


def _said(titles: Mapping[str, str], figures: Mapping[str, float | None]) -> str:
    parts = []
    for name, title in titles.items():
        if name in figures:
            value = figures[name]
            shown = probability(value) if name.endswith("p_value") else number(value, 5)
            parts.append(f"{title} {shown}")
    return ", ".join(parts)


def _estimated(estimate: float, error: float, statistic: float, p: float, low: float, high: float) -> Iterable[str]:
    return number(estimate), number(error, 4), number(statistic, 4), probability(p), interval(low, high)


def _coefficients(model: TableModel) -> Table:
    assert model.coefficients is not None
    assert model.intercept is not None
    made = grid("feature", [escape(name) for name in model.classes or ["coefficient"]])
    made.add_row("intercept", *map(number, model.intercept))
    for name, row in zip(model.features, model.coefficients, strict=True):
        made.add_row(escape(name), *map(number, row))
    return made


def _print_curve(out: Console, model: CurveModel) -> None:
    named = f", {escape(model.name)}" if model.name else ""
    rows = "" if model.figures.get("rows") is None else f", {model.figures['rows']:.0f} rows"
    out.print(f"[bold]{escape(model.target)}[/bold] = [bold]{escape(model.formula)}[/bold]{named}{rows}")
    estimates: Estimates = model.estimates
    made = grid("parameter", _TITLES["z" if estimates.student_dof == math.inf else "t"])
    free = {estimates.names[k] for k in estimates.free}
    for name, *row in estimates.table():
        made.add_row(escape(name), *(_estimated(*row) if name in free else (number(row[0]), "fixed", "", "", "")))
    out.print(made)
    out.print(_said(_FIGURES, {name: value for name, value in model.figures.items() if name != "log_likelihood"}))
    out.print(escape(model.status))
