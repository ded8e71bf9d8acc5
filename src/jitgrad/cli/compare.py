"""``jitgrad compare``: compare two curves fitted to the same rows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import click

from jitgrad.cli import options
from jitgrad.errors import ArgumentError, FitWarning

if TYPE_CHECKING:
    from jitgrad.io.options import ReadOptions


@click.command(no_args_is_help=True)
@click.argument("data", type=click.Path(allow_dash=True))
@click.option("--target", required=True, metavar="COLUMN", help="Column to predict.")
@click.option(
    "--model", "models", multiple=True, metavar="MODEL", help="Formula, or curve from `jitgrad models`. Give this option twice."
)
@click.option("--features", type=options.Names(), help="Column for a named curve.  [default: the only other numeric column]")
@click.option("--sigma", metavar="COLUMN", help="Column with the standard deviations of the target.")
@click.option("--absolute-sigma", is_flag=True, help="Treat --sigma as absolute standard deviations, not relative ones.")
@click.option(
    "--missing",
    type=click.Choice(["drop", "error"]),
    default="drop",
    show_default=True,
    help="Drop rows with a missing value for either model, or report an error.",
)
@options.of_tables
@click.option("--json", "as_json", is_flag=True, help="Print the result as a JSON object.")
def compare(
    data: str, target: str, models: tuple[str, ...], features: list[str] | None, sigma: str | None, absolute_sigma: bool,
    missing: str, as_json: bool, reading: ReadOptions,
) -> None:  # fmt: skip
    """Compare two curves fitted to the same table.

    If one model is nested in the other, the extra sum of squares is tested with an F test, or with a χ² test if
    --absolute-sigma is given. Any two models are compared by AICc.

    \b
    Examples:
      jitgrad compare data/puromycin.csv --target rate \\
        --model "(v + d * treated) * concentration / (k + concentration)" \\
        --model "(v + d * treated) * concentration / (k + m * treated + concentration)"
      jitgrad compare decay.csv --target y --model exponential_decay --model double_exponential

    Exit codes: 0 on success, 1 if a fit failed, 2 for invalid usage or input.
    """
    from jitgrad.cli import objects, report
    from jitgrad.io.table import read_table
    from jitgrad.tabular import compare_curves

    if len(models) != 2:
        times = "once" if len(models) == 1 else f"{len(models)} times"
        raise ArgumentError(f"Two models are compared, but --model is given {times}. Give it twice.")
    for model in models:
        if model in options.OF_TABLES:
            raise ArgumentError(
                f"Model {model!r} is not a curve. Give formulas with parameters, or curves from `jitgrad models`, such as line."
            )
    if absolute_sigma and sigma is None:
        raise ArgumentError("--absolute-sigma requires --sigma. Add --sigma, or leave it out.")
    notes: list[str] = []
    frame = read_table(data, reading, notes.append)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # the output reports it
        *fits, made = compare_curves(
            frame,
            target,
            (models[0], models[1]),
            features,
            sigma=sigma,
            drop_missing=missing == "drop",
            absolute_sigma=absolute_sigma,
        )
    options.say(notes)
    if as_json:
        click.echo(objects.text(objects.of_comparison(fits, made)))
    else:
        report.console().print(made.summary())
    if not all(fitted.result.success for fitted in fits):
        click.get_current_context().exit(1)
