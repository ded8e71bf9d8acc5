"""``jitgrad fit``: a table, a target, a result."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import click

from jitgrad.arguments import by_name
from jitgrad.cli import options
from jitgrad.errors import ArgumentError, FitWarning

if TYPE_CHECKING:
    import polars as pl


@click.command(no_args_is_help=True)
@click.argument("data", type=click.Path(allow_dash=True))
@click.option("--target", required=True, metavar="COLUMN", help="The column to predict.")
@click.option("--model", metavar="MODEL", help="linear, logistic, poisson, mlp, a curve of `jitgrad models`, or a formula.")
@click.option("--by", type=options.Names(), help="Fit the curve to each group of rows with the same values in these columns.")
@click.option("--features", type=options.Names(), help="The columns to predict it from.  [default: all others]")
@click.option("--classify", is_flag=True, help="Take a target of numbers as classes. One of text always is.")
@click.option("--start", "p0", type=options.NamedNumbers(), help="Starting values of a curve.  [default: searched for]")
@click.option("--bounds", type=options.Bounds(), help="Lowest and highest values, as in a=0:1,b=:5.")
@click.option("--fix", "fixed", type=options.Fixed(), help="Parameters that are not fitted, as in a=1.")
@click.option("--sigma", metavar="COLUMN", help="The standard deviations of the target.")
@click.option("--absolute-sigma", is_flag=True, help="These are in its units; otherwise their ratios count.")
@click.option("--loss", metavar="LOSS", help="Of a curve: linear, soft_l1, huber, cauchy or arctan.  [default: linear]")
@click.option(
    "--loss-scale", "f_scale", type=float, metavar="R", help="The residual from which on that counts less.  [default: 1]"
)
@click.option(
    "--outliers", type=float, metavar="Q", help="Of a curve: leave out outliers, a part Q of them falsely, as 0.01 (ROUT)."
)
@click.option("--hidden", type=options.Numbers(), help="Widths of the hidden layers of an mlp.  [default: 64,32]")
@click.option("--optimizer", metavar="NAME", help="adam, sgd, lbfgs, …; of a curve lbfgs or adam.  [default: exact]")
@click.option("--epochs", type=int, help="How often to go through the rows.")
@click.option("--batch-size", type=int, help="Rows a step.")
@click.option("--lr", type=float, help="The learning rate.")
@click.option("--validation-split", type=float, metavar="PART", help="The part of the rows that is evaluated after each epoch.")
@click.option("--early-stopping", type=int, metavar="EPOCHS", help="End after so many epochs without a better validation.")
@click.option("--test-split", type=float, metavar="PART", help="The part of the rows kept for testing.  [default: 0.2]")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the splits, the weights and the order of rows.")
@click.option(
    "--missing",
    type=click.Choice(["drop", "error"]),
    default="drop",
    show_default=True,
    help="What to do with rows that miss a value.",
)
@options.of_tables
@click.option(
    "-o", "--output", type=click.Path(allow_dash=True), metavar="FILE", help="With --by: the table of fits, a row a group."
)
@click.option("--save", type=click.Path(), metavar="FILE", help="Keep the model, for predict, evaluate and show.")
@click.option("--resume", type=click.Path(), metavar="FILE", help="Go on with a kept model.")
@click.option("--plot", type=click.Path(), metavar="FILE", help="Draw the fit: .png, .svg or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option("--quiet", is_flag=True, help="Show no progress, and print nothing but what --json asks for.")
def fit(
    data: str, target: str, by: list[str] | None, output: str | None, save: str | None, plot: str | None, as_json: bool,
    quiet: bool, **given: Any,
) -> None:  # fmt: skip
    """Fit a column of a table by the others.

    DATA is CSV, TSV or the like, gzip or Parquet; - is standard input. A target of numbers makes a linear regression, one of
    text a classification, --hidden a multilayer perceptron; --model says it otherwise. A formula has columns and parameters
    by name. Features of text are one-hot encoded. Estimates are in the units of the table.

    \b
    Examples:
      jitgrad fit data/iris.csv --target species
      jitgrad fit data/diabetes.csv --target progression --features bmi,bp,s5
      jitgrad fit data/iris.csv --target species --hidden 64,32 --epochs 100
      jitgrad fit data/puromycin.csv --target rate --model michaelis_menten --features concentration
      jitgrad fit data/puromycin.csv --target rate --plot fit.png \\
        --model "(v + d * treated) * concentration / (k + concentration)"
      jitgrad fit readings.parquet --by plate,well --target od --model "a*exp(-k*t)+c" -o fits.parquet

    With --by, the file may be larger than memory, with rows in any order. A run that was stopped resumes when the
    same command runs again; until it is complete, finished fits are kept in FILE.parts.

    Exit codes: 0, 1 for a fit that failed or did not converge, 2 for bad usage or input.
    """
    if by is not None:
        from jitgrad.cli.fit_groups import fit_by

        options.refuse({"save": save} | given, ("save", "resume"), "--by", ": what is done is kept beside the output")
        fit_by(data, target, by, output, plot, as_json, quiet, given)
        return
    options.refuse({"output": output}, ("output",), "one fit", ", or give --by; --save keeps the model")
    from jitgrad.cli import objects, report
    from jitgrad.files import unwritable
    from jitgrad.io.table import read_table

    options.check_output(save, data, given["resume"] if given["resume"] != save else None, plot)
    if plot:
        from jitgrad import pictures

        pictures.check_path(plot)
    notes: list[str] = []
    frame = read_table(data, given.pop("reading"), notes.append)
    given["drop_missing"] = given.pop("missing") == "drop"
    model = given.pop("model")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # the status says it
        start = _start(given.pop("resume"))
        model = model or getattr(start, "name", "") or getattr(start, "formula", None)
        is_curve = model is not None and model not in options.OF_TABLES
        made: Any = _curve if is_curve else _table
        result = made(frame, target, model, given, start, quiet)
    if not quiet:
        options.say(notes)
    if save:
        try:
            result.model.save(save)
        except OSError as error:
            raise unwritable(save, error) from None
    if plot and is_curve:
        pictures.curve_fit(result.result, plot, target, x_name=next(iter(result.model.columns.values()))[0])
    elif plot:
        pictures.table_fit(result, plot)
    if as_json:
        click.echo(objects.text(objects.of_curve(result) if is_curve else objects.of_table(result)))
    elif not quiet:
        report.curve(result) if is_curve else report.table(result)
    if not (result.result if is_curve else result).success:
        click.get_current_context().exit(1)


def _start(resume: str | None) -> Any:
    """The model to go on with."""
    from jitgrad.cli import kept

    start = None if resume is None else kept.load(resume)
    if isinstance(start, kept.NetworkModel):
        raise ArgumentError(f"{resume} is a model made in Python, which has no table. Go on with it there.")
    return start


def _table(frame: pl.DataFrame, target: str, model: str | None, given: dict[str, Any], start: Any, quiet: bool) -> Any:
    from jitgrad.tabular import CurveModel, Settings, fit_table

    options.refuse(given, options.OF_CURVES, f"model {model or 'linear'!r}", ", or choose a formula")
    if isinstance(start, CurveModel):
        raise ArgumentError(f"The model to go on with is a curve. Leave --model {model} out.")
    if given["early_stopping"] is not None and not given["validation_split"]:
        raise ArgumentError("--early-stopping has no rows to look at. Give --validation-split too, for example 0.1.")
    names = ("epochs", "batch_size", "lr", "optimizer", "early_stopping", "seed")
    settings = Settings(
        model=model,
        hidden=given["hidden"] or (),
        validation_split=given["validation_split"] or 0.0,
        test_split=0.2 if given["test_split"] is None else given["test_split"],
        **{name: given[name] for name in names},
    )
    return fit_table(
        frame,
        target,
        given["features"],
        classify=given["classify"],
        drop_missing=given["drop_missing"],
        settings=settings,
        start=start,
        verbose=0 if quiet else None,
    )


def _curve(frame: pl.DataFrame, target: str, model: str, given: dict[str, Any], start: Any, quiet: bool) -> Any:
    from jitgrad.curvefit.fit import METHODS
    from jitgrad.tabular import TableModel, fit_curve

    if isinstance(start, TableModel):
        raise ArgumentError(f"The model to go on with is no curve. Leave --model {model} out.")
    options.check_curve(given)
    options.refuse(given, options.OF_NETWORKS, f"model {model!r}", f", or choose {' or '.join(options.OF_TABLES)}")
    by_name("optimizer", given["optimizer"] or "auto", METHODS)
    return fit_curve(
        frame,
        target,
        model,
        given["features"],
        **options.of_curve(given),
        outliers=given["outliers"],
        drop_missing=given["drop_missing"],
        start=start,
    )
