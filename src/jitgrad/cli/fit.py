"""``jitgrad fit``: a table, a target, a result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table

    from jitgrad.tabular import TableFit


class _Numbers(click.ParamType):  # type: ignore[type-arg]
    """Whole numbers with commas between them."""

    name = "n,n,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        try:
            return tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of whole numbers. Write them as in 64,32.", param, ctx)


class _Names(click.ParamType):  # type: ignore[type-arg]
    """Column names with commas between them."""

    name = "a,b,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        return [part.strip() for part in str(value).split(",")]


@click.command(no_args_is_help=True)
@click.argument("data", type=click.Path())
@click.option("--target", required=True, metavar="COLUMN", help="The column to predict.")
@click.option("--features", type=_Names(), help="The columns to predict it from.  [default: all others]")
@click.option("--classify", is_flag=True, help="Take a target of numbers as classes. One of text always is.")
@click.option(
    "--hidden", type=_Numbers(), default=None, help="Widths of hidden layers: a multilayer perceptron.  [default: linear]"
)
@click.option("--epochs", type=int, help="How often to go through the rows.")
@click.option("--batch-size", type=int, help="Rows a step.")
@click.option("--lr", type=float, help="The learning rate.")
@click.option("--optimizer", default="adam", show_default=True, help="adam or sgd.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the split, the weights and the order of rows.")
@click.option(
    "--test-split",
    type=float,
    default=0.2,
    show_default=True,
    help="The fraction of rows kept for testing.",
)
@click.option(
    "--missing",
    type=click.Choice(["drop", "error"]),
    default="drop",
    show_default=True,
    help="What to do with rows that miss a value.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def fit(
    data: str,
    target: str,
    features: list[str] | None,
    classify: bool,
    hidden: tuple[int, ...] | None,
    epochs: int | None,
    batch_size: int | None,
    lr: float | None,
    optimizer: str,
    seed: int,
    test_split: float,
    missing: str,
    as_json: bool,
) -> None:
    """Fit a column of a CSV file by the others.

    A target of numbers makes a regression, one of text a classification. Features of text are one-hot encoded; features are
    standardised for the fit, and coefficients are reported in the units of the table.

    \b
    Examples:
      jitgrad fit data/iris.csv --target species
      jitgrad fit data/diabetes.csv --target progression --features bmi,bp,s5
      jitgrad fit data/iris.csv --target species --hidden 64,32 --epochs 100
    """
    from jitgrad.io.table import read_table
    from jitgrad.tabular.fit import Settings, fit_table

    settings = Settings(hidden or (), epochs, batch_size, lr, optimizer, seed, test_split)
    result = fit_table(read_table(data), target, features, classify=classify, drop_missing=missing == "drop", settings=settings)
    if as_json:
        click.echo(json.dumps(as_object(result), indent=2, allow_nan=False))
    else:
        _print(result)


def as_object(result: TableFit) -> dict[str, Any]:
    """The result for machines: only strings, numbers, lists and dicts."""
    design, settings = result.design, result.settings
    report: dict[str, Any] = {
        "task": "classification" if design.classes else "regression",
        "target": result.target,
        "features": design.names,
        "classes": design.classes,
        "model": {"hidden": list(settings.hidden)},
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "lr": settings.lr,
        "optimizer": settings.optimizer,
        "seed": settings.seed,
        "rows_dropped": design.dropped,
        "scores": result.scores,
        "loss": float(result.history.loss[-1]),
        "seconds": result.history.seconds,
    }
    if result.coefficients is not None and result.intercept is not None:
        outputs = design.classes or [result.target]
        report["intercept"] = dict(zip(outputs, result.intercept.tolist(), strict=True))
        report["coefficients"] = {
            name: dict(zip(outputs, row, strict=True))
            for name, row in zip(design.names, result.coefficients.tolist(), strict=True)
        }
    return report


def _print(result: TableFit) -> None:
    from rich.console import Console
    from rich.markup import escape

    design, settings, console = result.design, result.settings, Console()
    target = escape(result.target)
    kind = "Classification" if design.classes else "Regression"
    model = f"multilayer perceptron {'–'.join(map(str, settings.hidden))}" if settings.hidden else "linear"
    console.print(f"[bold]{kind}[/bold] of [bold]{target}[/bold], {model}, {len(design.y)} rows", highlight=False)
    if design.dropped:
        console.print(f"{design.dropped} rows dropped because a value was missing", highlight=False)
    if result.coefficients is not None:
        console.print("\nCoefficients, in the units of the table")
        console.print(_coefficients(result))
    console.print("\nScores")
    console.print(_scores(result))
    seconds = result.history.seconds
    console.print(
        f"{settings.epochs} epochs of {settings.batch_size} rows a step in {seconds:.2f} s, "
        f"{settings.optimizer}, lr {settings.lr:g}, final loss {result.history.loss[-1]:.6g}",
        highlight=False,
    )


def _coefficients(result: TableFit) -> Table:
    from rich.markup import escape
    from rich.table import Table

    assert result.coefficients is not None
    assert result.intercept is not None
    table = Table()
    table.add_column("feature")
    for name in result.design.classes or ["coefficient"]:
        table.add_column(escape(name), justify="right")
    for name, row in zip(result.design.names, result.coefficients, strict=True):
        table.add_row(escape(name), *[f"{value:.6g}" for value in row])
    table.add_section()
    table.add_row("intercept", *[f"{value:.6g}" for value in result.intercept])
    return table


def _scores(result: TableFit) -> Table:
    from rich.table import Table

    titles = {"rows": "rows", "r2": "R²", "rmse": "RMSE", "accuracy": "accuracy"}
    table = Table()
    table.add_column("")
    first = next(iter(result.scores.values()))
    for name in first:
        table.add_column(titles[name], justify="right")
    for part, scores in result.scores.items():
        table.add_row(part, *[_figure(name, value) for name, value in scores.items()])
    return table


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if name == "rows" else f"{value:.4g}"
