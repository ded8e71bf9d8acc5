"""``jitgrad fit``: a table, a target, a result."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from jitgrad.arguments import by_name
from jitgrad.cli import options
from jitgrad.errors import ArgumentError, FitWarning

if TYPE_CHECKING:
    import polars as pl

SECTIONS = {
    "What is fitted": ("target", "features", "exclude", "formula", "model", "link", "classify", "by"),
    "Columns": ("dates", "texts", "missing"),
    "Rows": ("weights", "freq_weights", "offset", "trials"),
    "Standard errors and tests": ("cov_type", "groups", "level", "ratios", "anova"),
    "Penalties": ("penalty", "alpha", "l1_ratio", "cv"),
    "Curves": ("p0", "bounds", "fixed", "sigma", "absolute_sigma", "loss", "f_scale", "outliers"),
    "Networks and gradient descent": (
        "hidden", "optimizer", "epochs", "batch_size", "lr", "validation_split", "early_stopping", "test_split", "seed",
        "resume",
    ),
    "Reading the table": ("separator", "header", "na", "encoding", "sheet"),
    "Results": ("save", "output", "report", "plot", "as_json", "quiet", "help"),
}  # fmt: skip
"""The options as --help shows them."""


@click.command(cls=options.Sectioned, sections=SECTIONS, no_args_is_help=True)
@click.argument("data", type=click.Path(allow_dash=True))
@click.option("--target", metavar="COLUMN", help="The column to predict. A --formula has it on its left.")
@click.option("--features", type=options.Names(), help="The columns to predict it from.  [default: all others]")
@click.option("--exclude", type=options.Names(), help="Columns that are not features.")
@click.option("--formula", metavar="FORMULA", help='Terms, as in "y ~ a * b + C(g) + log(x) + offset(log(t))".')
@click.option("--model", metavar="MODEL", help="linear, logistic, poisson, … (below), a curve, or a formula with parameters.")
@click.option("--link", metavar="LINK", help="identity, log, logit, probit, cloglog, cauchit, inverse, sqrt, …")
@click.option("--classify", is_flag=True, help="Take a target of numbers as classes. One of text always is.")
@click.option("--by", type=options.Names(), help="Fit the curve to each group of rows with the same values in these columns.")
@click.option(
    "--dates", type=click.Choice(["since", "parts"]), help="Dates as days since the first, or by parts.  [default: since]"
)
@click.option(
    "--texts", type=click.Choice(["auto", "group", "hash"]), help="What to do with many different texts.  [default: leave out]"
)
@click.option(
    "--missing",
    type=click.Choice(["drop", "error"]),
    default="drop",
    show_default=True,
    help="What to do with rows that miss a value.",
)
@click.option("--weights", metavar="COLUMN", help="Precisions: a row's variance is divided by its weight.")
@click.option("--freq-weights", metavar="COLUMN", help="How many equal rows each one stands for.")
@click.option("--offset", metavar="COLUMN", help="What is added to the linear predictor: a column, or log(column).")
@click.option("--trials", metavar="COLUMN", help="Numbers of trials, of which the target says how many succeeded.")
@click.option("--cov", "cov_type", metavar="KIND", help="Standard errors: HC0 to HC3, or cluster.  [default: of the model]")
@click.option("--cluster", "groups", metavar="COLUMN", help="The column whose equal values make a cluster.")
@click.option("--level", type=float, metavar="LEVEL", help="Of the confidence intervals.  [default: 0.95]")
@click.option("--ratios", is_flag=True, help="Print odds or rate ratios in the place of coefficients.")
@click.option("--anova", type=click.Choice(["each", "sequential"]), help="Test terms: each left out, or added in order.")
@click.option("--penalty", metavar="KIND", help="ridge, lasso or elastic-net.")
@click.option("--alpha", type=float, help="Its strength.  [default: by cross-validation]")
@click.option("--l1-ratio", type=float, metavar="PART", help="The lasso's part of elastic-net.  [default: 0.5]")
@click.option("--cv", type=int, metavar="FOLDS", help="Of cross-validations.  [default: 10]")
@click.option("--start", "p0", type=options.NamedNumbers(), help="Starting values.  [default: searched for]")
@click.option("--bounds", type=options.Bounds(), help="Lowest and highest values, as in a=0:1,b=:5.")
@click.option("--fix", "fixed", type=options.Fixed(), help="Parameters that are not fitted, as in a=1.")
@click.option("--sigma", metavar="COLUMN", help="The standard deviations of the target.")
@click.option("--absolute-sigma", is_flag=True, help="These are in its units; otherwise their ratios count.")
@click.option("--loss", metavar="LOSS", help="linear, soft_l1, huber, cauchy or arctan.  [default: linear]")
@click.option(
    "--loss-scale", "f_scale", type=float, metavar="R", help="The residual from which on that counts less.  [default: 1]"
)
@click.option("--outliers", type=float, metavar="Q", help="Leave out outliers, a part Q of them falsely, as 0.01 (ROUT).")
@click.option("--hidden", type=options.Numbers(), help="Widths of the hidden layers of an mlp.  [default: 64,32]")
@click.option("--optimizer", metavar="NAME", help="adam, sgd, lbfgs, …; of a curve lbfgs or adam.  [default: exact]")
@click.option("--epochs", type=int, help="How often to go through the rows.")
@click.option("--batch-size", type=int, help="Rows a step.")
@click.option("--lr", type=float, help="The learning rate.")
@click.option("--validation-split", type=float, metavar="PART", help="The part of the rows that is evaluated after each epoch.")
@click.option("--early-stopping", type=int, metavar="EPOCHS", help="End after so many epochs without a better validation.")
@click.option(
    "--test-split", type=float, metavar="PART", help="The part of the rows kept for testing.  [default: 0.2, of exact fits 0]"
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the splits, the weights and the order of rows.")
@click.option("--resume", type=click.Path(), metavar="FILE", help="Go on with a kept model.")
@options.of_tables
@click.option("--save", type=click.Path(), metavar="FILE", help="Keep the model, for predict, evaluate and show.")
@click.option(
    "-o", "--output", type=click.Path(allow_dash=True), metavar="FILE", help="With --by: the table of fits, a row a group."
)
@click.option("--report", type=click.Path(), metavar="FILE", help="A page of HTML with estimates and diagnostics.")
@click.option("--plot", type=click.Path(), metavar="FILE", help="Draw the fit: .png, .svg or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
@click.option("--quiet", is_flag=True, help="Show no progress, and print nothing but what --json asks for.")
def fit(data: str, by: list[str] | None, output: str | None, as_json: bool, quiet: bool, **given: Any) -> None:
    """Fit a column of a table by the others.

    DATA is CSV, TSV or the like, gzip, Parquet or Excel; - is standard input. A target of numbers makes a linear regression,
    one of text a classification, --hidden a multilayer perceptron; --model says it otherwise. Features of text are one-hot
    encoded. Estimates are in the units of the table.

    \b
    Models:
      linear  logistic  poisson  gamma  inverse_gaussian  negative_binomial  quasi_poisson  quasi_binomial  mlp
      curves by name (`jitgrad models`), or a formula of columns and parameters, as in "a*exp(-k*t)+c"

    \b
    Examples:
      jitgrad fit data/iris.csv --target species
      jitgrad fit data/diabetes.csv --target progression --features bmi,bp,s5
      jitgrad fit data/diabetes.csv --formula "progression ~ bmi * bp + log(s5)" --cov HC3
      jitgrad fit data/diabetes.csv --target progression --penalty lasso
      jitgrad fit data/iris.csv --target species --hidden 64,32 --epochs 100
      jitgrad fit data/puromycin.csv --target rate --model michaelis_menten --features concentration
      jitgrad fit data/puromycin.csv --target rate --plot fit.png \\
        --model "(v + d * treated) * concentration / (k + concentration)"
      jitgrad fit readings.parquet --by plate,well --target od --model "a*exp(-k*t)+c" -o fits.parquet

    With --by, the file may be larger than memory, with rows in any order. A run that was stopped resumes when the
    same command runs again; until it is complete, finished fits are kept in FILE.parts.

    Exit codes: 0, 1 for a fit that failed or did not converge, 2 for bad usage or input.
    """
    if "~" in (given["model"] or ""):
        raise ArgumentError(
            f"--model has a formula of terms, {given['model']!r}. Give it as --formula; as --model, name the kind of model, or "
            f"give a formula with parameters, as in a*exp(-b*x)."
        )
    if given["target"] is None and given["formula"] is None:
        raise ArgumentError("There is nothing to predict. Give --target COLUMN, or a --formula that has it on its left.")
    if by is not None:
        from jitgrad.cli.fit_groups import fit_by

        options.refuse(given, ("save", "resume"), "--by", ": what is done is kept beside the output")
        options.refuse(given, ("formula", "report"), "--by", "")
        fit_by(data, given["target"], by, output, given["plot"], as_json, quiet, given)
        return
    options.refuse({"output": output}, ("output",), "one fit", ", or give --by; --save keeps the model")
    _fit_one(data, as_json, quiet, given)


def _fit_one(data: str, as_json: bool, quiet: bool, given: dict[str, Any]) -> None:
    """One fit of the whole table."""
    from jitgrad.cli import objects, report
    from jitgrad.io.table import read_table

    save, plot, page, resume = (given.pop(name) for name in ("save", "plot", "report", "resume"))
    _check_outputs(data, save, plot, page, resume)
    notes: list[str] = []
    frame = read_table(data, given.pop("reading"), notes.append)
    model = given.pop("model")
    if model is not None and "~" in model:
        raise ArgumentError("The model has a ~, as formulas of terms have. Give it as --formula, without --target.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # the status says it
        start = _start(resume)
        if given["formula"] is None:
            model = model or getattr(start, "name", "") or getattr(start, "formula", None)
        is_curve = model is not None and model not in options.OF_TABLES
        made: Any = _curve if is_curve else _table
        result = made(frame, model, given, start, quiet)
    if is_curve and not quiet:
        options.say(notes)
    elif not is_curve and notes:
        result = replace(result, model=replace(result.model, notes=(*notes, *result.model.notes)))
    if save:
        _write(save, result.model.save)
    if page:
        import shlex
        import sys

        from jitgrad import reports

        made = reports.curve_report if is_curve else reports.table_report
        made(result, page, shlex.join(["jitgrad", *sys.argv[1:]]))
    if plot and is_curve:
        from jitgrad import pictures

        x_name = next(iter(result.model.columns.values()))[0]
        pictures.curve_fit(result.result, plot, given["target"], x_name=x_name)
    elif plot:
        result.plot(plot)
    if as_json:
        click.echo(objects.text(objects.of_curve(result) if is_curve else objects.of_table(result, given["anova"])))
    elif not quiet:
        report.show(result.summary() if is_curve else result.summary(given["ratios"], given["anova"]))
    if not (result.result if is_curve else result).success:
        click.get_current_context().exit(1)


def _check_outputs(data: str, save: str | None, plot: str | None, page: str | None, resume: str | None) -> None:
    """Raise an error for files that cannot be written, before the work is done."""
    options.check_output(save, data, resume if resume != save else None, plot, page)
    options.check_output(page, data, plot)
    if plot or page:
        from jitgrad.pictures.canvas import check_path

        check_path(plot)


def _write(path: str, write: Any) -> None:
    from jitgrad.files import unwritable

    try:
        write(path)
    except OSError as error:
        raise unwritable(path, error) from None


def _start(resume: str | None) -> Any:
    """The model to go on with."""
    from jitgrad.cli import kept

    start = None if resume is None else kept.load(resume)
    if isinstance(start, kept.NetworkModel):
        raise ArgumentError(f"{resume} is a model made in Python, which has no table. Go on with it there.")
    return start


def _table(frame: pl.DataFrame, model: str | None, given: dict[str, Any], start: Any, quiet: bool) -> Any:
    from jitgrad.tabular import CurveModel, fit_table

    options.refuse(given, options.OF_CURVES, f"model {model or 'linear'!r}", ", or choose a formula")
    if isinstance(start, CurveModel):
        what = f"--model {model}" if model else "--formula"
        raise ArgumentError(f"The model to go on with is a curve. Leave {what} out.")
    if given["early_stopping"] is not None and not given["validation_split"]:
        raise ArgumentError("--early-stopping has no rows to look at. Give --validation-split too, for example 0.1.")
    names = (*options.OF_TABLE_FITS, "target", "features", "formula", "missing", "seed", "optimizer")
    chosen = {name: given[name] for name in names if given[name] is not None and name not in ("ratios", "anova")}
    return fit_table(frame, model=model, start=start, verbose=0 if quiet else None, **chosen)


def _curve(frame: pl.DataFrame, model: str, given: dict[str, Any], start: Any, quiet: bool) -> Any:
    from jitgrad.curvefit.fit import METHODS
    from jitgrad.tabular import TableModel, fit_curve

    if isinstance(start, TableModel):
        raise ArgumentError(f"The model to go on with is no curve. Leave --model {model} out.")
    options.check_curve(given)
    options.refuse(given, ("formula",), f"model {model!r}", ": terms of a formula go with a linear model, or leave --model out")
    options.refuse(given, options.OF_TABLE_FITS, f"model {model!r}", f", or choose {' or '.join(options.OF_TABLES)}")
    by_name("optimizer", given["optimizer"] or "auto", METHODS)
    return fit_curve(
        frame,
        given["target"],
        model,
        given["features"],
        **options.of_curve(given),
        outliers=given["outliers"],
        drop_missing=given["missing"] == "drop",
        start=start,
    )
