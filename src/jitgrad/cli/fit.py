"""``jitgrad fit``: fit a model to a table."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from jitgrad.arguments import by_name
from jitgrad.cli import options
from jitgrad.errors import ArgumentError, FitWarning, enumerated

if TYPE_CHECKING:
    import polars as pl

    from jitgrad.curvefit import OdeModel

SECTIONS = {
    "Model": ("target", "features", "exclude", "formula", "model", "link", "classify", "by"),
    "Feature columns": ("dates", "texts", "missing"),
    "Row weights and offsets": ("weights", "freq_weights", "offset", "trials"),
    "Standard errors and tests": ("cov_type", "groups", "level", "ratios", "anova"),
    "Penalized regression": ("penalty", "alpha", "l1_ratio", "cv"),
    "Curve fitting": ("p0", "bounds", "fixed", "sigma", "absolute_sigma", "errors", "loss", "f_scale", "outliers"),
    "Differential equations": ("ode", "initial", "observe", "which", "time", "t0", "doses"),
    "Networks and gradient descent": (
        "hidden", "optimizer", "epochs", "batch_size", "lr", "validation_split", "early_stopping", "test_split", "seed",
        "resume",
    ),
    "Input": ("separator", "header", "na", "encoding", "sheet"),
    "Output": ("save", "output", "report", "plot", "as_json", "quiet", "help"),
}  # fmt: skip
"""The options in the order in which ``--help`` shows them."""


@click.command(cls=options.Sectioned, sections=SECTIONS, no_args_is_help=True)
@click.argument("data", type=click.Path(allow_dash=True))
@click.option("--target", metavar="COLUMN", help="Column to predict. Not needed if --formula names it.")
@click.option("--features", type=options.Names(), help="Columns to predict it from.  [default: all other columns]")
@click.option("--exclude", type=options.Names(), help="Columns to exclude from the features.")
@click.option("--formula", metavar="FORMULA", help='Model formula, such as "y ~ a * b + C(g) + log(x) + offset(log(t))".')
@click.option("--model", metavar="MODEL", help="Model from the list above, named curve, or formula with parameters.")
@click.option("--link", metavar="LINK", help="Link function: identity, log, logit, probit, cloglog, cauchit, …")
@click.option("--classify", is_flag=True, help="Treat a numeric target as classes. Text targets always are.")
@click.option("--by", type=options.Names(), help="Fit the curve to each group of rows with equal values in these columns.")
@click.option(
    "--dates",
    type=click.Choice(["since", "parts"]),
    help="Encode dates as days since the first date, or as year, month, weekday and hour.  [default: since]",
)
@click.option(
    "--texts",
    type=click.Choice(["auto", "group", "hash"]),
    help="Encoding of text columns with many distinct values; auto leaves them out.  [default: auto]",
)
@click.option(
    "--missing",
    type=click.Choice(["drop", "error"]),
    default="drop",
    show_default=True,
    help="Drop rows with missing values, or report an error.",
)
@click.option("--weights", metavar="COLUMN", help="Precision weights: the variance of a row is divided by its weight.")
@click.option(
    "--freq-weights", metavar="COLUMN", help="Frequency weights: the number of identical rows that each row represents."
)
@click.option(
    "--offset", metavar="COLUMN", help="Term added to the linear predictor: a column, or an expression such as log(column)."
)
@click.option(
    "--trials", metavar="COLUMN", help="Number of trials per row; the target holds the number or proportion of successes."
)
@click.option(
    "--cov", "cov_type", metavar="KIND", help="Covariance estimator: HC0, HC1, HC2, HC3 or cluster.  [default: model-based]"
)
@click.option("--cluster", "groups", metavar="COLUMN", help="Column that identifies the clusters, for --cov cluster.")
@click.option("--level", type=float, metavar="LEVEL", help="Confidence level of the intervals.  [default: 0.95]")
@click.option("--ratios", is_flag=True, help="Report odds ratios or rate ratios instead of coefficients.")
@click.option(
    "--anova", type=click.Choice(["each", "sequential"]), help="Test terms by leaving each one out, or by adding them in order."
)
@click.option("--penalty", metavar="KIND", help="Penalty on the coefficients: ridge, lasso or elastic-net.")
@click.option("--alpha", type=float, help="Strength of the penalty.  [default: chosen by cross-validation]")
@click.option("--l1-ratio", type=float, metavar="FRACTION", help="Lasso share of the elastic-net penalty.  [default: 0.5]")
@click.option("--cv", type=int, metavar="FOLDS", help="Number of cross-validation folds.  [default: 10]")
@click.option(
    "--start", "p0", type=options.NamedNumbers(), help="Starting values of parameters.  [default: found automatically]"
)
@click.option("--bounds", type=options.Bounds(), help="Lower and upper bounds of parameters, such as a=0:1,b=:5.")
@click.option("--fix", "fixed", type=options.Fixed(), help="Parameters to hold fixed, such as a=1.")
@click.option("--sigma", metavar="COLUMN", help="Column with the standard deviations of the target.")
@click.option("--absolute-sigma", is_flag=True, help="Treat --sigma as absolute standard deviations, not relative ones.")
@click.option(
    "--errors", metavar="KIND", help="Distribution of the errors: normal or lognormal, which are relative.  [default: normal]"
)
@click.option("--ode", metavar="EQUATIONS", help="Differential equations as model, such as \"A' = -k*A; B' = k*A - m*B\".")
@click.option("--initial", type=options.Texts(), help="Initial values of states: numbers, columns or parameters.")
@click.option("--observe", metavar="EXPRESSION", help="What the target measures, such as C or A/V.  [default: the only state]")
@click.option("--which", metavar="COLUMN", help="Column that says what a row measures; --observe then lists label=expression,…")
@click.option("--time", metavar="COLUMN", help="Column of times.  [default: t or time]")
@click.option("--t0", metavar="TIME", help="Time of the initial values: a number, column or parameter.  [default: 0]")
@click.option("--doses", type=options.Doses(), help="Amounts added to states at times, such as A=100@12.")
@click.option("--loss", metavar="LOSS", help="Loss function: linear, soft_l1, huber, cauchy or arctan.  [default: linear]")
@click.option(
    "--loss-scale",
    "f_scale",
    type=float,
    metavar="R",
    help="Residual size above which a robust loss gives less weight.  [default: 1]",
)
@click.option(
    "--outliers", type=float, metavar="Q", help="Remove outliers (ROUT method) at a false discovery rate of Q, such as 0.01."
)
@click.option("--hidden", type=options.Numbers(), help="Widths of the hidden layers of an mlp.  [default: 64,32]")
@click.option(
    "--optimizer",
    metavar="NAME",
    help="adam, sgd, lbfgs, …; for curves lm, trf, lbfgs or adam.  [default: exact fit, adam for an mlp]",
)
@click.option("--epochs", type=int, help="Number of passes over the training rows.")
@click.option("--batch-size", type=int, help="Number of rows per gradient step.")
@click.option("--lr", type=float, help="Learning rate.")
@click.option("--validation-split", type=float, metavar="FRACTION", help="Fraction of the rows to evaluate after each epoch.")
@click.option(
    "--early-stopping", type=int, metavar="EPOCHS", help="Stop after this many epochs without a lower validation loss."
)
@click.option(
    "--test-split",
    type=float,
    metavar="FRACTION",
    help="Fraction of the rows to hold out.  [default: 0.2 for gradient descent, else 0]",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Random seed for splits, folds, initial weights and the order of rows.",
)
@click.option("--resume", type=click.Path(), metavar="FILE", help="Saved model to continue from.")
@options.of_tables
@click.option("--save", type=click.Path(), metavar="FILE", help="Save the model for `jitgrad predict`, `evaluate` and `show`.")
@click.option(
    "-o",
    "--output",
    type=click.Path(allow_dash=True),
    metavar="FILE",
    help="With --by: write the table of fits, one row per group.  [default: show the first groups]",
)
@click.option("--report", type=click.Path(), metavar="FILE", help="Write an HTML report with estimates and diagnostics.")
@click.option("--plot", type=click.Path(), metavar="FILE", help="Save a plot of the fit as .png, .svg or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as a JSON object.")
@click.option("--quiet", is_flag=True, help="Suppress progress and all output except the --json object.")
def fit(data: str, by: list[str] | None, output: str | None, as_json: bool, quiet: bool, **given: Any) -> None:
    """Fit a model to a table.

    DATA is a CSV, TSV or similar text file (optionally gzipped), a Parquet file or an Excel workbook; - reads standard
    input. By default, a numeric target is fitted by linear regression and a text target by logistic regression. --hidden
    fits a multilayer perceptron, and --model selects any other model. Text features are one-hot encoded. Estimates are in
    the units of the table.

    \b
    Models:
      linear  logistic  poisson  gamma  inverse_gaussian  negative_binomial
      quasi_poisson  quasi_binomial  mlp
      a named curve, see `jitgrad models`
      a formula of columns and parameters, such as "a*exp(-k*t)+c"
      differential equations, given by --ode

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
      jitgrad fit data/theoph.csv --by subject --target conc --plot fits.png \\
        --ode "A' = -ka*A; C' = ka*A/V - ke*C" --initial A=dose --observe C

    With --by, the file may be larger than memory and its rows may be in any order. To resume an interrupted run, run the
    same command again: finished fits are kept in FILE.parts until the run is complete.

    Exit codes: 0 on success, 1 if the fit failed or did not converge, 2 for invalid usage or input.
    """
    if "~" in (given["model"] or ""):
        raise ArgumentError(
            f"--model is {given['model']!r}, a formula of terms. Pass it as --formula. --model takes the name of a model or a "
            f"formula with parameters, such as a*exp(-b*x)."
        )
    if given["target"] is None and given["formula"] is None:
        raise ArgumentError("No target is given. Give --target COLUMN, or a --formula with the target on its left side.")
    equations = options.equations_of(given)
    for name in ("ode", "initial", "observe", "which", "time", "t0", "doses"):
        given.pop(name)
    given["model"] = equations or given["model"]
    if by is not None:
        from jitgrad.cli.fit_groups import fit_by

        options.refuse(given, ("save", "resume"), "--by", ": finished fits are kept next to the output")
        options.refuse(given, ("formula", "report"), "--by", "")
        fit_by(data, given["target"], by, output, given["plot"], as_json, quiet, given)
        return
    if output is not None:
        raise ArgumentError("--output requires --by. Add --by, or use --save to save the model.")
    _fit_one(data, as_json, quiet, given)


def _fit_one(data: str, as_json: bool, quiet: bool, given: dict[str, Any]) -> None:
    """Fit one model to the whole table."""
    from jitgrad.cli import objects, report
    from jitgrad.io.table import read_table

    save, plot, page, resume = (given.pop(name) for name in ("save", "plot", "report", "resume"))
    _check_outputs(data, save, plot, page, resume)
    notes: list[str] = []
    frame = read_table(data, given.pop("reading"), notes.append)
    model = given.pop("model")
    if isinstance(model, str) and "~" in model:
        raise ArgumentError("The model contains ~, so it is a formula of terms. Pass it as --formula, without --target.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # the summary reports the status
        start = _start(resume)
        if given["formula"] is None:
            model = model or getattr(start, "name", "") or getattr(start, "written", None)
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
    """Raise an error for output files that cannot be written, before any work is done."""
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
    """Return the model to continue from, or None."""
    from jitgrad.cli import kept

    start = None if resume is None else kept.load(resume)
    if isinstance(start, kept.NetworkModel):
        raise ArgumentError(
            f"{resume} is a model that was built in Python, so it has no table. Continue training it in Python."
        )
    return start


def _table(frame: pl.DataFrame, model: str | None, given: dict[str, Any], start: Any, quiet: bool) -> Any:
    from jitgrad.tabular import CurveModel, fit_table

    options.refuse(given, options.OF_CURVES, f"model {model or 'linear'!r}", ", or give a formula with parameters as --model")
    if isinstance(start, CurveModel):
        what = f"--model {model}" if model else "--formula"
        raise ArgumentError(f"The saved model is a curve. Leave {what} out to continue fitting it.")
    if given["early_stopping"] is not None and not given["validation_split"]:
        raise ArgumentError("--early-stopping needs validation rows. Also give --validation-split, for example 0.1.")
    names = (*options.OF_TABLE_FITS, "target", "features", "formula", "missing", "seed", "optimizer")
    chosen = {name: given[name] for name in names if given[name] is not None and name not in ("ratios", "anova")}
    return fit_table(frame, model=model, start=start, verbose=0 if quiet else None, **chosen)


def _curve(frame: pl.DataFrame, model: str | OdeModel, given: dict[str, Any], start: Any, quiet: bool) -> Any:
    from jitgrad.curvefit.fit import METHODS
    from jitgrad.tabular import TableModel, fit_curve

    if isinstance(start, TableModel):
        what = f"--model {model}" if isinstance(model, str) else "--ode"
        raise ArgumentError(f"The saved model is not a curve. Leave {what} out to continue fitting it.")
    options.check_curve(given)
    what = f"model {model!r}" if isinstance(model, str) else "--ode"
    options.refuse(given, ("formula",), what, ", or leave --model out")
    options.refuse(given, options.OF_TABLE_FITS, what, f", or choose {enumerated(options.OF_TABLES, 'or')}")
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
