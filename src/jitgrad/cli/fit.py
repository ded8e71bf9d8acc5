"""``jitgrad fit``: a table, a target, a result."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table

    from jitgrad.tabular import TableFit, TableModel


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
@click.option("--optimizer", help="The name of an optimizer, for example adam, sgd or lbfgs.")
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
    optimizer: str | None,
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
    from jitgrad.tabular import Settings, fit_table

    settings = Settings(
        hidden=hidden or (), epochs=epochs, batch_size=batch_size, lr=lr, optimizer=optimizer, seed=seed, test_split=test_split
    )
    result = fit_table(read_table(data), target, features, classify=classify, drop_missing=missing == "drop", settings=settings)
    if as_json:
        click.echo(json.dumps(as_object(result), indent=2, allow_nan=False))
    else:
        _print(result)


def as_object(result: TableFit) -> dict[str, Any]:
    """The result for machines: only strings, numbers, lists and dicts."""
    model, settings = result.model, result.model.settings
    report: dict[str, Any] = {
        "task": "classification" if model.classes else "regression",
        "target": model.target.name,
        "features": model.features,
        "classes": model.classes,
        "model": {"hidden": list(settings.hidden)},
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "lr": settings.lr,
        "optimizer": settings.optimizer,
        "seed": settings.seed,
        "rows_dropped": result.design.dropped,
        "scores": model.scores,
        "notes": list(model.notes),
    }
    if result.history is not None:
        report |= {"loss": float(result.history.loss[-1]), "seconds": result.history.seconds}
    if model.coefficients is not None and model.intercept is not None:
        outputs = model.classes or [model.target.name]
        report["intercept"] = dict(zip(outputs, model.intercept.tolist(), strict=True))
        report["coefficients"] = {
            name: dict(zip(outputs, row, strict=True))
            for name, row in zip(model.features, model.coefficients.tolist(), strict=True)
        }
    return report


def _print(result: TableFit) -> None:
    from rich.console import Console
    from rich.markup import escape

    model, settings, console = result.model, result.model.settings, Console()
    target = escape(model.target.name)
    task = "Classification" if model.classes else "Regression"
    kind = f"multilayer perceptron {'–'.join(map(str, settings.hidden))}" if settings.hidden else "linear"
    console.print(f"[bold]{task}[/bold] of [bold]{target}[/bold], {kind}, {len(result.design.y)} rows", highlight=False)
    if result.design.dropped:
        console.print(f"{result.design.dropped} rows dropped because a value was missing", highlight=False)
    if not settings.hidden:
        console.print("\nCoefficients, in the units of the table")
        console.print(_coefficients(model))
    console.print("\nScores")
    console.print(_scores(model))
    if result.history is not None:
        console.print(
            f"{settings.epochs} epochs of {settings.batch_size} rows a step in {result.history.seconds:.2f} s, "
            f"{settings.optimizer}, lr {settings.lr:g}, final loss {result.history.loss[-1]:.6g}",
            highlight=False,
        )


def _coefficients(model: TableModel) -> Table:
    from rich.markup import escape
    from rich.table import Table

    assert model.coefficients is not None
    assert model.intercept is not None
    table = Table()
    table.add_column("feature")
    for name in model.classes or ["coefficient"]:
        table.add_column(escape(name), justify="right")
    for name, row in zip(model.features, model.coefficients, strict=True):
        table.add_row(escape(name), *[f"{value:.6g}" for value in row])
    table.add_section()
    table.add_row("intercept", *[f"{value:.6g}" for value in model.intercept])
    return table


def _scores(model: TableModel) -> Table:
    from rich.table import Table

    titles = {"rows": "rows", "r2": "R²", "rmse": "RMSE", "accuracy": "accuracy"}
    table = Table()
    table.add_column("")
    names = [name for name in model.scores["train"] if name in titles]
    for name in names:
        table.add_column(titles[name], justify="right")
    for part, scores in model.scores.items():
        table.add_row(part, *[_figure(name, scores[name]) for name in names])
    return table


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f}" if name == "rows" else f"{value:.4g}"
